"""Text from the wire made safe to look at.

Escaping keeps markup from running. It does not keep a display name from turning the
words around it about (bidirectional controls), nor a terminal control from hiding in a
log line. What cannot be seen is therefore written out.
"""

from __future__ import annotations

import re
from collections.abc import Callable

#: What has a picture: an emoji, to which a joiner or a selector may belong.
_PICTURE = "\u2190-\u2bff\U0001f000-\U0001faff"

#: Control characters but tab and line feed, format characters and others that have no
#: shape of their own or change the direction of their neighbours (Unicode's categories
#: Cc, Cf, Zl and Zp, and its Default_Ignorable_Code_Point), and surrogates, which no
#: UTF-8 page can carry. Not those that are seen for all that: Arabic signs in front of
#: a number, and what makes one picture out of several.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\xad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f"
    "\u200b\u200c\u200e\u200f\u2028-\u202e\u2060-\u206f\u3164\ud800-\udfff\ufe00-\ufe0e"
    "\ufeff\uffa0\ufff0-\ufffb\U00013430-\U0001343f\U0001bca0-\U0001bca3"
    "\U0001d173-\U0001d17a\U000e0000-\U000e0fff]"
    f"|(?<![{_PICTURE}])\ufe0f"
    f"|(?<![{_PICTURE}\ufe0f])\u200d|\u200d(?![{_PICTURE}])"
)


def is_seen(text: str) -> bool:
    """Whether a text has no unseen character."""
    return _UNSEEN.search(text) is None


def visible(text: str) -> str:
    """The text with every unseen character written out.

    C0 controls become their control pictures (``␀``), surrogates U+FFFD, the rest
    their code point in angle brackets (``⟨U+202E⟩``).
    """
    return _UNSEEN.sub(_written_out, text)


def escaped(text: str, escape: Callable[[str], str]) -> str:
    """The text with every unseen character as a program has it that reads the text.

    :param escape: gives what is to stand for a character.
    """
    return _UNSEEN.sub(lambda found: escape(found[0]), text)


def _written_out(match: re.Match[str]) -> str:
    code = ord(match.group())
    if code < 0x20:
        return chr(0x2400 + code)
    if code == 0x7F:
        return "\u2421"
    if 0xD800 <= code <= 0xDFFF:
        return "\ufffd"
    return f"⟨U+{code:04X}⟩"


def on_one_line(text: str) -> str:
    """The text for a place that holds one line: line feeds and tabs are seen too."""
    return visible(text).replace("\n", "\u240a").replace("\t", "\u2409")
