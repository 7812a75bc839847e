"""Header sections, and the parts of a body (RFC 2046 section 5.1, RFC 5621 for SIP)."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from .sip_fields import canonical_name
from .sip_fields import parameters
from .sip_fields import split_outside

#: A multipart inside a multipart is ordinary; many levels of it are an attack.
MAX_DEPTH = 4

#: A boundary has 70 characters at most (RFC 2046 section 5.1.1); what is far longer is
#: none.
MAX_BOUNDARY = 256

#: A line feed, an optional carriage return before it: the empty line ends a header.
END_OF_HEAD = re.compile(rb"\n\r?\n")

#: A line end that no continuation line follows.
_LINE_END = re.compile(r"\n(?![ \t])")

_WHITE = " \t\r"


@dataclass(slots=True)
class BodyPart:
    """One part of a body.

    :param content_type: the media type in lower case, without its parameters; "" where
        none was given.
    :param headers: the part's own header fields; none for a body that has no parts.
    """

    content_type: str
    headers: list[tuple[str, str]]
    data: bytes


def header_fields(text: str) -> list[tuple[str, str]]:
    """The fields of a header section, each as canonical name and value.

    A line without a colon is no field and is left out, with what continues it.
    """
    fields = []
    # Few messages have folded lines, and all come through here.
    if "\n " not in text and "\n\t" not in text:
        for line in text.split("\n"):
            name, colon, value = line.partition(":")
            if colon:
                fields.append((canonical_name(name.rstrip(" \t")), value.strip(_WHITE)))
        return fields
    for line in _LINE_END.split(text):
        name, colon, value = line.partition(":")
        if colon and "\n" not in name:
            fields.append((canonical_name(name.rstrip(" \t")), unfolded(value)))
    return fields


def unfolded(value: str) -> str:
    """A field's value on one line, without the white space around it.

    What was folded over lines is joined by one space (RFC 3261 section 7.3.1).
    """
    if "\n" not in value:
        return value.strip(_WHITE)
    lines = (line.strip(_WHITE) for line in value.split("\n"))
    return " ".join(line for line in lines if line)


def body_parts(content_type: str, data: bytes) -> list[BodyPart]:
    """The parts of a body in order, those of nested multiparts in their place.

    A multipart whose boundary is missing or never occurs is one part.
    """
    return list(_parts(content_type, [], data, MAX_DEPTH)) if data else []


def _parts(
    content_type: str, headers: list[tuple[str, str]], data: bytes, depth: int
) -> Iterator[BodyPart]:
    media_type, *rest = split_outside(content_type, ";")
    media_type = media_type.strip().lower()
    boundary = parameters(rest).get("boundary", "")
    has_boundary = 0 < len(boundary) <= MAX_BOUNDARY
    is_multipart = media_type.startswith("multipart/") and has_boundary and depth > 0
    sections: list[bytes] = _sections(boundary, data) if is_multipart else []
    if not sections:
        yield BodyPart(media_type, headers, data)
    for section in sections:
        head, body = _head_and_body(section)
        own = header_fields(head.decode("utf-8", "replace"))
        own_type = next((v for name, v in own if name == "Content-Type"), "")
        yield from _parts(own_type, own, body, depth - 1)


def _sections(boundary: str, data: bytes) -> list[bytes]:
    """What stands between the delimiter lines, each with the line end after its
    delimiter. A missing last delimiter is forgiven.
    """
    mark = re.escape(b"--" + boundary.encode("utf-8", "replace"))
    delimiter = re.compile(rb"(?:\A|\r?\n)" + mark + rb"(--)?[ \t]*(?=\r?\n|\Z)")
    sections = []
    start: int | None = None
    for found in delimiter.finditer(data):
        if start is not None:
            sections.append(data[start : found.start()])
        start = found.end()
        if found[1]:
            return sections
    if start is not None:
        sections.append(data[start:])
    return sections


def _head_and_body(section: bytes) -> tuple[bytes, bytes]:
    end = END_OF_HEAD.search(section)
    if end is None:
        # No empty line: the header was forgotten, as all of it may be.
        return b"", section.partition(b"\n")[2]
    return section[: end.start()], section[end.end() :]
