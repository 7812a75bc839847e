"""The viewer's settings file: the button without a change to the template.

From version 8.3 on, ``$display_fields`` names functions that draw a column. A function
of ours draws the column ``id``: it must be one that every CDR has, and not that of the
Call-ID, which the viewer draws by itself. What comes last in the file counts, so there
it goes.
"""

from __future__ import annotations

import re

from .marking import GENERATOR
from .marking import MARK
from .marking import refuse_foreign
from .marking import UnknownFileError
from .marking import unmarked

_COLUMN = (
    b"if (is_readable('%(file)s')) { include_once '%(file)s';"
    b" $display_fields['id'] = 'sipvault_column';%(show)s } %(mark)s%(end)s"
)
_SHOW = b" $show_field[] = array('id' => 'SIP VAULT');"

#: The end of PHP, where it is closed; there may be blank lines after it.
_CLOSING = re.compile(rb"(?m)^[ \t]*\?>\s*\Z")


def knows_columns(template: bytes) -> bool:
    """Whether this version's template asks ``$display_fields``."""
    return b"$display_fields[" in template


def with_column(settings: bytes, *, show: bool) -> bytes:
    """The settings file with the column put in, whether or not it has it already.

    :param show: whether this file also says which columns are shown: ``local.inc.php``
        of 8.3 does; 9.x keeps that in its database.
    :raises ForeignEditError: if somebody has put in a button by hand.
    :raises UnknownFileError: if it is not plain where PHP ends.
    """
    plain = unmarked(settings)
    refuse_foreign(plain)
    if not plain.startswith(b"<?php") or plain.count(b"<?") > 1:
        raise UnknownFileError("it is not one piece of PHP")
    closing = _CLOSING.search(plain)
    if closing is None and b"?>" in plain:
        raise UnknownFileError("something follows where its PHP ends")
    position = closing.start() if closing else len(plain)
    if not plain[:position].endswith(b"\n"):
        raise UnknownFileError("its last line has no end")
    end = b"\r\n" if plain[:position].endswith(b"\r\n") else b"\n"
    line = _COLUMN % {
        b"file": GENERATOR,
        b"show": _SHOW if show else b"",
        b"mark": MARK,
        b"end": end,
    }
    return plain[:position] + line + plain[position:]
