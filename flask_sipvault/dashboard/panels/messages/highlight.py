"""A SIP message as markup: start line and names marked, bodies readable.

Only what :mod:`markupsafe` escaped goes into the markup, and it styles by class alone,
as the dashboard's content security policy demands.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

from markupsafe import escape
from markupsafe import Markup

from ....sanitize import visible

#: A dump of more bytes than this serves nobody's eyes; the downloads hold them all.
DUMPED_BYTES = 4096

_LINE_END = re.compile(r"\r\n|\n|\r")
_BODY_START = re.compile(rb"\r\n\r\n|\n\n|\r\r")
_HEADER_NAME = re.compile(r"[!#$%&'*+\-.^_`|~0-9A-Za-z]+[ \t]*:")
_SDP_NAME = re.compile(r"[a-z]=")
_CONTROL = re.compile(rb"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


def split(raw: bytes) -> tuple[bytes, bytes]:
    """The head and the body of a message, whatever ends its lines."""
    gap = _BODY_START.search(raw)
    if gap is None:
        return raw, b""
    return raw[: gap.start()], raw[gap.end() :]


def head(data: bytes) -> Markup:
    """The start line in ``sv-start``, each header's name in ``sv-name``."""
    first, *headers = _lines(data)
    start = f'<span class="sv-start">{escape(first)}</span>'
    return _joined([start, *_named(headers, _HEADER_NAME)])


def body(data: bytes, content_type: str = "") -> Markup:
    """A body as it reads, its SDP field names marked; as a dump where it is no text."""
    if not is_text(data):
        return escape(hexdump(data))
    if "sdp" in content_type.lower():
        return _joined(_named(_lines(data), _SDP_NAME))
    return escape("\n".join(_lines(data)))


def is_text(data: bytes) -> bool:
    """Whether a reader wants these bytes as text."""
    if _CONTROL.search(data):
        return False
    try:
        data.decode()
    except UnicodeDecodeError:
        return False
    return True


def hexdump(data: bytes) -> str:
    """Offset, 16 bytes in hex, and what of them is ASCII, a line each.

    At most :data:`DUMPED_BYTES`; a last line says how many are not shown.
    """
    lines = []
    for at in range(0, min(len(data), DUMPED_BYTES), 16):
        row = data[at : at + 16]
        seen = "".join(chr(byte) if 0x20 <= byte < 0x7F else "." for byte in row)
        lines.append(f"{at:04x}  {row.hex(' '):<47}  {seen}")
    if len(data) > DUMPED_BYTES:
        lines.append(f"… and {len(data) - DUMPED_BYTES:,} bytes more")
    return "\n".join(lines)


def _lines(data: bytes) -> list[str]:
    return [visible(line) for line in _LINE_END.split(data.decode("utf-8", "replace"))]


def _named(lines: Iterable[str], name: re.Pattern[str]) -> Iterable[str]:
    """The lines escaped, the names at their beginning marked."""
    for line in lines:
        match = name.match(line)
        end = match.end() if match else 0
        rest = escape(line[end:])
        yield (
            f'<span class="sv-name">{escape(line[:end])}</span>{rest}' if end else rest
        )


def _joined(escaped: Iterable[str]) -> Markup:
    return Markup("\n".join(escaped))  # noqa: S704 - escaped in head and _named
