"""SIP messages (RFC 3261), read from whatever a network carries.

The parser forgives what phones and attackers do wrong, since the wrong message is the
one a trace is read for. Only the start line decides whether bytes are SIP: a message
with a sound start line always gives a :class:`SipMessage`, however broken the rest.
Text is decoded as UTF-8; bytes that are not become U+FFFD.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from itertools import islice

from .mime import body_parts
from .mime import BodyPart as BodyPart
from .mime import END_OF_HEAD
from .mime import header_fields
from .mime import unfolded
from .sip_fields import canonical_name
from .sip_fields import NameAddr as NameAddr
from .sip_fields import split_outside
from .sip_fields import Via as Via

#: A header section longer than this is no message but an attack on a stream's buffer.
MAX_HEAD = 256 * 1024

#: So many header fields of a message are read; ordinary messages have thirty.
MAX_FIELDS = 1000

#: So many hops are read of Via. Max-Forwards allows 255 (RFC 3261 section 20.22).
MAX_VIAS = 256

_TOKEN = rb"[\w.!%*+`'~-]+"
_VERSION = rb"[Ss][Ii][Pp]/\d{1,3}\.\d{1,3}"

#: Status-Line or Request-Line (RFC 3261 sections 7.1, 7.2), after the line ends that
#: section 7.5 says to skip. More or other white space than one space is forgiven, also
#: inside the Request-URI (RFC 4475 section 3.1.2.6), as is a version to come.
_START = re.compile(
    rb"[\r\n]*(?:"
    rb"(" + _VERSION + rb")[ \t]+(\d{3})(?:[ \t]([^\n]*))?"
    rb"|(" + _TOKEN + rb")[ \t]+([^ \t\r\n][^\n]*)[ \t](" + _VERSION + rb")[ \t]*"
    rb")\r?(?=\n|\Z)"
)

#: The next of what :func:`peek` looks for: a Call-ID, a CSeq, or the header's end.
_PEEKED = re.compile(
    rb"\n(?=[CcIi\r\n])(?:"
    rb"(?:[Ii]|[Cc][Aa][Ll][Ll]-[Ii][Dd])[ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
    rb"|[Cc][Ss][Ee][Qq][ \t]*:([^\n]*(?:\n[ \t][^\n]*)*)"
    rb"|\r?\n)"
)

# What nearly all messages look like, in one match from the start line to the later of
# Call-ID and CSeq. The lines on the way can be neither in any spelling.
_OTHER_LINES = rb"(?:\n(?:[^CcIi\r\n]|Con)[^\n]*)*\n"
_PLAIN_CALL_ID = rb"Call-ID: ?([!-~]+)\r?(?!\n[ \t])"
_PLAIN_CSEQ = rb"CSeq: ?\d+ ([A-Z]+)\r?(?=\n[^ \t])"
_PLAIN = re.compile(
    rb"(?:SIP/2\.0 \d{3} [^\n]*|[A-Z]+ [^ \t\r\n][^\n]* SIP/2\.0\r?)"
    + _OTHER_LINES
    + rb"(?:"
    + (_PLAIN_CALL_ID + _OTHER_LINES + _PLAIN_CSEQ)
    + rb"|"
    + (_PLAIN_CSEQ + _OTHER_LINES + _PLAIN_CALL_ID + rb"(?=\n)")
    + rb")"
)

_CONTENT_LENGTH = re.compile(
    rb"\n(?:[Ll]|[Cc][Oo][Nn][Tt][Ee][Nn][Tt]-[Ll][Ee][Nn][Gg][Tt][Hh])[ \t]*:"
    rb"([^\n]*(?:\n[ \t][^\n]*)*)"
)

#: What may stand behind a body without meaning anything.
_PADDING = b"\r\n\t \0"

_LENGTH = re.compile("[0-9]{1,10}")

#: How a start line still incomplete may look: a method, or more of the line.
_START_BEGUN = re.compile(rb"[\r\n]*[\w.!%*+`'~/-]*(?:[ \t][^\n]*)?\Z")


class SipError(ValueError):
    """These bytes are no SIP message."""


@dataclass(slots=True)
class SipMessage:
    """One request or response.

    :param method: None for a response.
    :param uri: the Request-URI; None for a response.
    :param code: the status code, three digits; None for a request.
    :param reason: the reason phrase; "" for a request.
    :param version: as it stands, ``SIP/2.0`` but for the odd one out.
    :param headers: in order. Names in their long form and usual spelling, folded
        values on one line.
    :param body: as many bytes as Content-Length says, or all there are if it says
        nothing sensible or more than came.
    :param raw: all the bytes that were parsed.
    :param left_out: what was not read, a sentence each; see :data:`MAX_FIELDS` and
        :data:`MAX_VIAS`.
    """

    method: str | None
    uri: str | None
    code: int | None
    reason: str
    version: str
    headers: list[tuple[str, str]]
    body: bytes
    raw: bytes
    left_out: tuple[str, ...] = ()
    _by_name: dict[str, list[str]] = field(
        default_factory=dict, init=False, repr=False, compare=False
    )

    @property
    def is_request(self) -> bool:
        """Whether this asks rather than answers."""
        return self.method is not None

    @property
    def start_line(self) -> str:
        """Request-Line or Status-Line, its white space put right."""
        if self.method is not None:
            return f"{self.method} {self.uri} {self.version}"
        return f"{self.version} {self.code:03} {self.reason}"

    def get(self, name: str) -> str | None:
        """The value of the first header field of this name, in any case or form."""
        values = self.get_all(name)
        return values[0] if values else None

    def get_all(self, name: str) -> list[str]:
        """The values of all header fields of this name, one for each field."""
        if not self._by_name and self.headers:
            for have, value in self.headers:
                self._by_name.setdefault(have.lower(), []).append(value)
        found = self._by_name.get(name.lower())
        if found is None and len(name) == 1:
            found = self._by_name.get(canonical_name(name).lower())
        return found or []

    def values(self, name: str) -> list[str]:
        """The values of all header fields of this name that are lists, one by one."""
        return [
            value.strip()
            for each in self.get_all(name)
            for value in split_outside(each, ",")
            if value.strip()
        ]

    def addresses(self, name: str) -> list[NameAddr]:
        """What a list of addresses holds: Route, Record-Route, Contact."""
        return [NameAddr.parse(value) for value in self.values(name)]

    @property
    def call_id(self) -> str:
        """What names the call; "" where there is none."""
        return self.get("Call-ID") or ""

    @property
    def cseq_number(self) -> int | None:
        """Where the request stands in its dialog; None if that cannot be read."""
        return self.cseq[0]

    @property
    def cseq(self) -> tuple[int | None, str]:
        """Number and method of the CSeq."""
        return _cseq(self.get("CSeq") or "")

    @property
    def cseq_method(self) -> str:
        """The method of the request, in a response of the one it answers; "" where
        there is none.
        """
        return self.cseq[1]

    @property
    def vias(self) -> list[Via]:
        """The topmost, the last hop before the capture, first; of a great many the
        first :data:`MAX_VIAS`.
        """
        values = (
            value for each in self.get_all("Via") for value in split_outside(each, ",")
        )
        return [Via.parse(value) for value in islice(values, MAX_VIAS)]

    @property
    def branch(self) -> str:
        """The topmost Via's branch, which names the transaction; "" without one."""
        topmost = split_outside(self.get("Via") or "", ",")[0]
        return Via.parse(topmost).params.get("branch", "")

    @property
    def from_(self) -> NameAddr:
        """Who sent the request, in its responses too."""
        return NameAddr.parse(self.get("From") or "")

    @property
    def to(self) -> NameAddr:
        """Whom the request is for. Its tag comes with the first answer."""
        return NameAddr.parse(self.get("To") or "")

    @property
    def contact(self) -> NameAddr | None:
        """The first address of the first Contact."""
        first = self.get("Contact")
        return NameAddr.parse(split_outside(first, ",")[0]) if first else None

    @property
    def user_agent(self) -> str:
        """The software that sent this: User-Agent, or Server in a response."""
        server = None if self.is_request else self.get("Server")
        return self.get("User-Agent") or server or ""

    @property
    def surplus(self) -> int:
        """By how many bytes what follows the header section is longer than
        Content-Length says, negative where it is shorter; 0 where it fits or nothing
        sensible is said. Line ends and padding behind the body do not count.
        """
        stated = _length(self.get("Content-Length") or "")
        end = END_OF_HEAD.search(self.raw, len(self.raw) - len(self.raw.lstrip()))
        if stated is None or end is None:
            return 0
        found = len(self.raw) - end.end()
        if found > stated and not self.raw[end.end() + stated :].strip(_PADDING):
            return 0
        return found - stated

    def bodies(self) -> list[BodyPart]:
        """The body; of a multipart its parts; nothing where there is no body."""
        return body_parts(self.get("Content-Type") or "", self.body)

    @property
    def sdp(self) -> bytes | None:
        """The first session description in the body.

        A body that names no type and begins like one is taken for one.
        """
        content_type = (self.get("Content-Type") or "").strip().lower()
        if content_type == "application/sdp":  # as nearly always
            return self.body or None
        for part in self.bodies():
            if part.content_type == "application/sdp":
                return part.data
            if not part.content_type and part.data.startswith(b"v=0"):
                return part.data
        return None


def parse(data: bytes) -> SipMessage:
    """Read the message that a datagram holds; of several, the first.

    :raises SipError: if there is no start line of SIP. Nothing else is an error.
    """
    start = _START.match(data)
    if start is None:
        raise SipError("no SIP start line")
    status_version, code, reason, method, uri, version = start.groups()
    end = END_OF_HEAD.search(data, start.end())
    head = data[start.end() : end.start() if end else len(data)]
    # The rest of the start line is empty, and so no field; what continues it neither.
    fields = header_fields(head.decode("utf-8", "replace"))
    headers = fields[:MAX_FIELDS]
    left_out = tuple(_left_out(fields))
    body = data[end.end() :] if end else b""
    length = _length(next((v for name, v in headers if name == "Content-Length"), ""))
    if length is not None:
        body = body[:length]
    if code is not None:
        phrase = _text(reason or b"")
        return SipMessage(
            *(None, None, int(code), phrase, _text(status_version)),
            *(headers, body, data, left_out),
        )
    return SipMessage(
        *(_text(method), _text(uri), None, "", _text(version)),
        *(headers, body, data, left_out),
    )


def _left_out(fields: list[tuple[str, str]]) -> Iterator[str]:
    if len(fields) > MAX_FIELDS:
        yield (
            f"{len(fields) - MAX_FIELDS:,} header fields after the first {MAX_FIELDS:,}"
            " were not read"
        )
    # Each hop but the first of a field has a comma in front; quoted ones are few.
    vias = sum(1 + v.count(",") for name, v in fields[:MAX_FIELDS] if name == "Via")
    if vias > MAX_VIAS:
        yield f"of {vias:,} hops in Via the first {MAX_VIAS} were read"


def looks_like_sip(data: bytes | bytearray) -> bool:
    """Whether :func:`parse` would read this, whatever port it came from."""
    return _START.match(data) is not None


def peek(data: bytes) -> tuple[str, str] | None:
    """Call-ID and CSeq method, as :func:`parse` would give them, at a fraction of its
    cost; None if this is no SIP. Every packet of a capture comes through here.
    """
    plain = _PLAIN.match(data)
    if plain is None:
        return _peek_slowly(data)
    call_id, method, method_first, call_id_last = plain.groups()
    if call_id is None:
        return call_id_last.decode("ascii"), method_first.decode("ascii")
    return call_id.decode("ascii"), method.decode("ascii")


def _peek_slowly(data: bytes) -> tuple[str, str] | None:
    start = _START.match(data)
    if start is None:
        return None
    call_id: str | None = None
    method: str | None = None
    for found in _PEEKED.finditer(data, start.end()):
        if found.lastindex is None:
            break
        value = unfolded(found[found.lastindex].decode("utf-8", "replace"))
        if found.lastindex == 1 and call_id is None:
            call_id = value
        elif found.lastindex == 2 and method is None:
            method = _cseq(value)[1]
    return call_id or "", method or ""


def frame_length(buffer: bytes) -> int | None:
    """How many bytes the first message of a stream has, body included.

    A stream's message without a Content-Length that can be read has no body (RFC 3261
    section 18.3 makes it mandatory). Line ends before the message count as part of it.

    :returns: None while more bytes are needed to tell, or to fill the body.
    :raises SipError: if what the buffer begins with cannot become a SIP message.
    """
    start = _START.match(buffer)
    if start is None:
        if len(buffer) <= MAX_HEAD and _START_BEGUN.match(buffer):
            return None
        raise SipError("the stream does not begin with a SIP message")
    end = END_OF_HEAD.search(buffer, start.end())
    if end is None:
        if len(buffer) > MAX_HEAD:
            raise SipError(f"a header section of more than {MAX_HEAD} bytes")
        return None
    total = end.end() + body_length(buffer, start.end(), end.start())
    return total if total <= len(buffer) else None


def body_length(buffer: bytes | bytearray, start: int, end: int) -> int:
    """What the first Content-Length says; 0 where there is none that can be read.

    :param start: where the header section begins, in the buffer, or its start line.
    :param end: where it ends.
    """
    field = _CONTENT_LENGTH.search(buffer, start, end)
    value = unfolded(field[1].decode("utf-8", "replace")) if field else ""
    return _length(value) or 0


def _text(data: bytes) -> str:
    return data.decode("utf-8", "replace").strip(" \t\r")


def _length(text: str) -> int | None:
    return int(text) if _LENGTH.fullmatch(text) else None


def _cseq(text: str) -> tuple[int | None, str]:
    """Number and method of a CSeq (RFC 3261 section 20.16). A number beyond all reason
    is None, as is one that is missing.
    """
    number, *method = text.split(None, 1) or [""]
    if not (number.isascii() and number.isdigit()):
        return None, text
    return int(number) if len(number) <= 32 else None, "".join(method)
