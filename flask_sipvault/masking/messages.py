"""Masking of SIP messages: written anew from what the parser read of them."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ..protocols import sip
from ..protocols.mime import BodyPart
from .headers import BOUNDARY
from .headers import HeaderMask
from .pseudonyms import Pseudonyms
from .sdp import SdpMask
from .texts import MASKED
from .texts import TextMask
from .uris import UriMask

_SIGNAL = re.compile(r"\s*(Signal|Duration)\s*=\s*([0-9]{0,6})", re.IGNORECASE)

#: A message in a message (message/sipfrag in a NOTIFY) is ordinary; more are an attack.
_MAX_DEPTH = 2

_VERSION = re.compile(r"SIP/\d{1,3}\.\d{1,3}", re.IGNORECASE)


class MessageMask:
    """Masks SIP messages, all with the same pseudonyms.

    What names are known counts when a field is first met: the messages of a call have
    most of theirs in common.
    """

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms
        self._uris = UriMask(pseudonyms)
        self.texts = TextMask(pseudonyms, self._uris.uri)
        self._headers = HeaderMask(pseudonyms, self._uris, self.texts)
        self._sdp = SdpMask(pseudonyms, self.texts)
        self._fields: dict[tuple[str, str], tuple[str, str]] = {}
        #: How many messages had more header fields than are read, and so were cut.
        self.cut = 0

    def message(self, payload: bytes, depth: int = 0) -> bytes:
        """A message. Of bytes that are none it keeps which they were the same as, and
        whether they began like a response.

        Header fields come in their long form, one a line. Content-Length, where there
        was one, is right, or wrong by as many bytes as it was.
        """
        try:
            parsed = sip.parse(payload)
        except sip.SipError:
            start = "SIP/" if payload.lstrip()[:4].upper() == b"SIP/" else ""
            unread = self._pseudonyms.token("unreadable", payload.hex())
            return f"{start}{unread}".encode()
        self.cut += len(parsed.headers) == sip.MAX_FIELDS and bool(parsed.left_out)
        start_line = self._start_line(parsed)
        fields = [self._field(*field) for field in parsed.headers]
        body = self._body(parsed, depth)
        surplus = parsed.surplus
        length = len(body) + max(0, -surplus)
        lines = [
            f"{name}: {length if name == 'Content-Length' else value}"
            for name, value in fields
        ]
        head = "\r\n".join([start_line, *lines, "", ""])
        return head.encode("utf-8", "replace") + body + b"x" * max(0, surplus)

    def _field(self, name: str, value: str) -> tuple[str, str]:
        field = self._fields.get((name, value))
        if field is None:
            field = self._fields[name, value] = self._headers.field(name, value)
        return field

    def _start_line(self, parsed: sip.SipMessage) -> str:
        version = parsed.version if _VERSION.fullmatch(parsed.version) else "SIP/2.0"
        if parsed.method is None:
            return f"{version} {parsed.code:03} {self.texts.phrase(parsed.reason)}"
        method = self._headers.method(parsed.method)
        return f"{method} {self._uris.uri(parsed.uri or '') or MASKED} {version}"

    def _body(self, parsed: sip.SipMessage, depth: int) -> bytes:
        parts = parsed.bodies()
        if not parts:
            return b""
        if not self._headers.media_type(parsed.get("Content-Type") or "").startswith(
            "multipart/"
        ):
            return self._part(parts[0], depth)
        return b"".join(self._multipart(parts, depth))

    def _multipart(self, parts: list[BodyPart], depth: int) -> Iterator[bytes]:
        for part in parts:
            yield f"--{BOUNDARY}\r\n".encode()
            for name, value in part.headers:
                if name != "Content-Length":
                    field = ": ".join(self._field(name, value))
                    yield f"{field}\r\n".encode("utf-8", "replace")
            yield b"\r\n" + self._part(part, depth) + b"\r\n"
        yield f"--{BOUNDARY}--\r\n".encode()

    def _part(self, part: BodyPart, depth: int) -> bytes:
        kind = part.content_type
        if kind == "application/sdp" or (not kind and part.data.startswith(b"v=0")):
            return self._sdp.description(part.data)
        if kind in ("application/dtmf-relay", "application/dtmf"):
            return _dtmf(part.data)
        if kind in ("message/sipfrag", "message/sip") and depth < _MAX_DEPTH:
            return self.message(part.data, depth + 1)
        return f"{MASKED}: {len(part.data)} bytes".encode()


def _dtmf(data: bytes) -> bytes:
    """That a key was pressed and for how long; not which: it may be a PIN's."""
    lines = []
    for line in data.decode("utf-8", "replace").splitlines():
        found = _SIGNAL.match(line)
        if found is None:
            lines.append("?" * bool(line.strip()))
        elif found[1].lower() == "signal":
            lines.append("Signal=?")
        else:
            lines.append(f"Duration={found[2]}")
    return "\r\n".join(lines).encode()
