"""Text from the wire made safe to look at.

Escaping keeps markup from running. It does not keep a display name from turning the
words around it about (bidirectional controls), nor a terminal control from hiding in a
log line. What cannot be seen is therefore written out.
"""

from __future__ import annotations

import re

#: Control characters but tab and line feed, characters that have no shape or change
#: the direction of their neighbours, and surrogates, which no UTF-8 page can carry.
_UNSEEN = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200b\u200e\u200f\u2028-\u202e\u2060-\u2069"
    "\ufeff\ud800-\udfff]"
)


def visible(text: str) -> str:
    """The text with every unseen character written out.

    C0 controls become their control pictures (``␀``), surrogates U+FFFD, the rest
    their code point in angle brackets (``⟨U+202E⟩``).
    """
    return _UNSEEN.sub(_written_out, text)


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
