"""How what we put into others' files is marked, and taken out again.

All of it is marked, so that taking it out needs no copy of what was there before, and
works after others have edited the file too. Files are bytes throughout: they may hold
some that are no UTF-8, and line ends of any kind, and keep them.
"""

from __future__ import annotations

import re

#: Stands in everything that was put in by us, and in nothing else.
MARK = b"/* SIP VAULT, put in by flask sipvault opensips-cp */"

#: From the folder that the viewer's pages run in, as they themselves find config/.
GENERATOR = b"../../../../config/tools/system/cdrviewer/sipvault.php"

_WITHIN_A_LINE = b"+1" + MARK
_MARKED_LINE = re.compile(rb"(?m)^[^\n]*" + re.escape(MARK) + rb"[^\n]*(?:\n|\Z)")
_CALL_OF_OURS = re.compile(rb"(?i)\bsipvault_\w+\s*\(")


class UnknownFileError(ValueError):
    """A file that is not as any known version's."""


class ForeignEditError(ValueError):
    """A file into which somebody has put a SIP VAULT button by hand."""


def unmarked(file: bytes) -> bytes:
    """The file with all that is marked taken out."""
    return _MARKED_LINE.sub(b"", file.replace(_WITHIN_A_LINE, b""))


def refuse_foreign(plain: bytes) -> None:
    """See that nobody has put in a button by hand.

    :param plain: the file without what is marked.
    :raises ForeignEditError: if somebody has.
    """
    if _CALL_OF_OURS.search(plain):
        raise ForeignEditError(
            "somebody has put SIP VAULT in by hand (a function sipvault_… is called):"
            " take that edit out first"
        )
