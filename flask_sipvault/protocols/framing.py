"""The messages in one direction of a TCP connection: SIP, SIP over WebSocket, HEP3.

What a stream carries is told by its content. Until that is known nothing is kept, and a
message is looked for at the beginning of each segment only: a download of a trace is
not SIP. After bytes of a SIP stream were lost, the next message is also found within a
segment, by a start line with header fields right after it.
"""

from __future__ import annotations

import re
from typing import Literal
from typing import NamedTuple

from . import hep
from . import sip
from . import websocket
from .mime import END_OF_HEAD

#: The longest message that is put together. Longer ones are lost.
MAX_MESSAGE = 256 << 10

#: The longest start line of a message in more than one segment.
MAX_START_LINE = 64 << 10

#: The longest HTTP head before a WebSocket.
MAX_HANDSHAKE = 16 << 10

_METHOD = rb"[\w.!%*+`'~-]{1,64}"

#: How a segment looks that begins with a SIP message: a start line, or so much of one
#: that it is not likely to be anything else. Segments that are even shorter are known
#: by their first word.
_SIP_BEGINS = re.compile(
    rb"SIP/2\.0 \d|"
    + _METHOD
    + rb" +(?:[^\r\n]* SIP/2\.0[ \t]*\r?\n|[A-Za-z][A-Za-z0-9+.-]{0,15}:[^\r\n]*\r?\Z)"
)

_METHODS = (
    b"INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO MESSAGE REFER NOTIFY "
    b"SUBSCRIBE PUBLISH"
)
_FIRST_WORDS = tuple(word + b" " for word in [b"SIP/2.0", *_METHODS.split()])

#: A message in the middle of a segment. Two lines are asked for, so that a status line
#: in a body (message/sipfrag, RFC 3420) is not taken for one.
_SIP_WITHIN = re.compile(
    rb"\n(?=(?:SIP/2\.0 \d{3} [^\r\n]*|" + _METHOD + rb" [^\r\n ]+ SIP/2\.0)\r\n"
    rb"(?:Via|v|Max-Forwards|Record-Route|Route|From|f|To|t|Call-ID|i) *:)"
)

_HANDSHAKE_BEGINS = re.compile(rb"GET /|HTTP/1\.1 101")
_HANDSHAKE_ENDS = b"\r\n\r\n"


class Framed(NamedTuple):
    """One message out of a stream.

    :param carrier: what it came in: the stream itself, a WebSocket in it, or HEP3.
    :param missing: how many bytes at its end the capture cut off, as far as is known.
    """

    carrier: Literal["tcp", "ws", "hep"]
    payload: bytes
    missing: int = 0


class MessageFramer:
    """One direction of a connection, fed with its bytes in order."""

    __slots__ = (
        "_buffer",
        "_is_sip",
        "_needed",
        "_protocol",
        "_searched",
        "_websocket",
    )

    def __init__(self) -> None:
        self._buffer = b""
        self._protocol: Literal["", "sip", "hep", "handshake", "websocket"] = ""
        self._is_sip = False  # has been, whatever was lost since
        self._searched = 0  # how much of the buffer does not end a header section
        self._needed = 0  # how long the message in the buffer is, once that is known
        self._websocket = websocket.FrameReader()

    @property
    def held(self) -> int:
        """How many bytes wait for the rest of their message."""
        return len(self._buffer) + self._websocket.held

    def feed(self, data: bytes) -> list[Framed]:
        """Take in what a segment brought; the messages that are whole now."""
        messages: list[Framed] = []
        self._buffer += data
        while self._buffer:
            before = self._protocol, len(self._buffer)
            if self._protocol == "":
                self._recognise()
            elif self._protocol == "sip":
                self._sip(messages)
            elif self._protocol == "hep":
                self._hep(messages)
            elif self._protocol == "handshake":
                self._handshake()
            else:
                self._frames(messages)
            if before == (self._protocol, len(self._buffer)):
                break  # the rest of a message has yet to come
        if len(self._buffer) > MAX_MESSAGE:
            self.lose()
        return messages

    def lose(self) -> None:
        """Bytes are missing here: forget the message that they belong to.

        A WebSocket stays one, since its next frame most often begins a segment.
        """
        self._buffer = b""
        self._searched = self._needed = 0
        if self._protocol == "websocket":
            self._websocket = websocket.FrameReader()
        else:
            self._protocol = ""

    def cut(self, missing: int) -> list[Framed]:
        """The capture kept only the beginning of a segment: give what there is of a
        SIP message if its start line is whole.

        :param missing: how many bytes of the segment were cut off.
        """
        begun, protocol = self._buffer, self._protocol
        self.lose()
        if protocol != "sip" or b"\n" not in begun:
            return []
        if END_OF_HEAD.search(begun):
            total = sip.frame_length(begun + bytes(MAX_MESSAGE))
            missing = 0 if total is None else total - len(begun)
        return [Framed("tcp", begun, missing)]

    def _recognise(self) -> None:
        """Set the protocol by what the buffer begins with, or drop what is in it."""
        data = self._buffer = self._buffer.lstrip(b"\r\n")
        if not data:
            return
        if _begins_sip(data):
            self._protocol = "sip"
        elif data.startswith(hep.MAGIC):
            self._protocol = "hep"
        elif _HANDSHAKE_BEGINS.match(data):
            self._protocol = "handshake"
        elif _is_websocket(data):
            self._protocol = "websocket"
        else:
            self._resynchronise()

    def _resynchronise(self) -> None:
        """Drop what is in the buffer up to the next SIP message in it, if any."""
        self._searched = self._needed = 0
        within = _SIP_WITHIN.search(self._buffer) if self._is_sip else None
        self._buffer = self._buffer[within.end() :] if within else b""

    def _sip(self, messages: list[Framed]) -> None:
        # Line ends between messages keep connections alive (RFC 5626 section 3.5.1).
        self._buffer = self._buffer.lstrip(b"\r\n")
        try:
            length = self._sip_length()
        except sip.SipError:
            self._protocol = ""
            self._resynchronise()
            return
        if length is not None:
            self._is_sip = True
            messages.append(Framed("tcp", self._buffer[:length]))
            self._buffer = self._buffer[length:]
            self._searched = self._needed = 0

    def _sip_length(self) -> int | None:
        """Like :func:`.sip.frame_length`, but without reading again at every segment
        what has been read: a message may come byte by byte."""
        if not self._needed:
            end = END_OF_HEAD.search(self._buffer, self._searched)
            if end is None and self._searched:
                self._searched = max(len(self._buffer) - 3, 1)
                return None
            length = sip.frame_length(self._buffer)
            if length is not None:
                return length
            if end is None:
                if b"\n" in self._buffer:
                    self._searched = max(len(self._buffer) - 3, 1)
                elif len(self._buffer) > MAX_START_LINE:
                    raise sip.SipError("a start line that is too long")
                return None
            needed = sip.frame_length(self._buffer + bytes(MAX_MESSAGE))
            if needed is None:
                raise sip.SipError("a message that is too long")
            self._needed = needed
        return self._needed if len(self._buffer) >= self._needed else None

    def _hep(self, messages: list[Framed]) -> None:
        try:
            length = hep.frame_length(self._buffer)
        except hep.HepError:
            self._protocol = ""
            self._buffer = b""
            return
        if length is not None:
            messages.append(Framed("hep", self._buffer[:length]))
            self._buffer = self._buffer[length:]

    def _handshake(self) -> None:
        end = self._buffer.find(_HANDSHAKE_ENDS)
        if end < 0:
            if len(self._buffer) > MAX_HANDSHAKE:
                self.lose()
            return
        upgraded = websocket.is_upgrade(self._buffer[:end])
        self._protocol = "websocket" if upgraded else ""
        self._buffer = self._buffer[end + len(_HANDSHAKE_ENDS) :]

    def _frames(self, messages: list[Framed]) -> None:
        data, self._buffer = self._buffer, b""
        try:
            for message in self._websocket.feed(data):
                if sip.looks_like_sip(message):
                    messages.append(Framed("ws", message))
        except websocket.WebSocketError:
            self._websocket = websocket.FrameReader()
            self._protocol = ""


def _begins_sip(data: bytes) -> bool:
    if _SIP_BEGINS.match(data):
        return True
    return b"\n" not in data and any(
        word.startswith(data) or data.startswith(word) for word in _FIRST_WORDS
    )


def _is_websocket(data: bytes) -> bool:
    """Whether a connection that was up before the capture begins with a frame that
    holds a whole SIP message."""
    if data[:1] not in (b"\x81", b"\x82"):
        return False
    try:
        found = websocket.FrameReader().feed(data)
    except websocket.WebSocketError:
        return False
    return bool(found) and sip.looks_like_sip(found[0])
