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
    rb"SIP/2\.0 \d|" + _METHOD + rb" +(?:[^ \r\n][^\r\n]* SIP/2\.0[ \t]*\r?\n"
    rb"|[A-Za-z][A-Za-z0-9+.-]{0,15}:[^\r\n]*\r?\Z)"
)

#: What the beginning of a start line must look like as far as it has come: white space
#: behind a method or a version, or still nothing.
_WORD_BEGUN = re.compile(rb"[\w.!%*+`'~/-]{1,64}(?:[ \t]|\Z)")

_LINE_ENDS = re.compile(rb"[\r\n]*")

_METHODS = (
    b"INVITE ACK BYE CANCEL OPTIONS REGISTER PRACK UPDATE INFO MESSAGE REFER NOTIFY "
    b"SUBSCRIBE PUBLISH"
)
_FIRST_WORDS = tuple(word + b" " for word in [b"SIP/2.0", *_METHODS.split()])
_LONGEST_FIRST_WORD = max(map(len, _FIRST_WORDS))

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
        "_head",
        "_is_sip",
        "_needed",
        "_protocol",
        "_searched",
        "_websocket",
    )

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._protocol: Literal["", "sip", "hep", "handshake", "websocket"] = ""
        self._is_sip = False  # has been, whatever was lost since
        # A message may come byte by byte: nothing is looked at again.
        self._searched = 0  # how much of the buffer does not end what is looked for
        self._head = False  # whether the start line was found good
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
        self._drop(len(self._buffer))
        if self._protocol == "websocket":
            self._websocket = websocket.FrameReader()
        else:
            self._protocol = ""

    def cut(self, missing: int) -> list[Framed]:
        """The capture kept only the beginning of a segment: give what there is of a
        SIP message if its start line is whole.

        :param missing: how many bytes of the segment were cut off.
        """
        begun, protocol = bytes(self._buffer), self._protocol
        self.lose()
        if protocol != "sip" or b"\n" not in begun:
            return []
        if head := END_OF_HEAD.search(begun):
            total = head.end() + sip.body_length(begun, 0, head.start())
            missing = max(0, total - len(begun))
        return [Framed("tcp", begun, missing)]

    def _drop(self, size: int) -> None:
        """Forget so much of the buffer, and what is known of the rest."""
        del self._buffer[:size]
        self._searched = self._needed = 0
        self._head = False

    def _take(self, size: int) -> bytes:
        taken = bytes(self._buffer[:size])
        self._drop(size)
        return taken

    def _skip_line_ends(self) -> None:
        """Line ends between messages keep connections up (RFC 5626 section 3.5.1)."""
        found = _LINE_ENDS.match(self._buffer)
        size = found.end() if found else 0
        del found  # it holds the buffer, which must not shrink then
        if size:
            self._drop(size)

    def _recognise(self) -> None:
        """Set the protocol by what the buffer begins with, or drop what is in it."""
        self._skip_line_ends()
        data = self._buffer
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
            self._resynchronise(0)

    def _resynchronise(self, start: int) -> None:
        """Drop what is in the buffer up to the next SIP message in it, if any.

        :param start: what comes before is not looked at again.
        """
        self._protocol = ""
        within = _SIP_WITHIN.search(self._buffer, start) if self._is_sip else None
        size = within.end() if within else len(self._buffer)
        del within
        self._drop(size)

    def _sip(self, messages: list[Framed]) -> None:
        if not self._head:
            self._skip_line_ends()
            if not self._begins_well():
                return
        if not self._needed and not self._measure():
            return
        if len(self._buffer) >= self._needed:
            self._is_sip = True
            messages.append(Framed("tcp", self._take(self._needed)))

    def _begins_well(self) -> bool:
        """Whether the start line is whole; what has none is dropped."""
        data = self._buffer
        if not data:
            return False
        end = data.find(b"\n", self._searched)
        if end < 0:
            self._searched = len(data)
            if len(data) > MAX_START_LINE or not _WORD_BEGUN.match(data):
                self._resynchronise(len(data))
            return False
        if not sip.looks_like_sip(data):
            self._resynchronise(0)
            return False
        # The line end may be the first of the two that end a header section.
        self._head, self._searched = True, end
        return True

    def _measure(self) -> bool:
        """Whether it is known now how long the message is."""
        data = self._buffer
        found = END_OF_HEAD.search(data, self._searched)
        if found is None:
            # The last two bytes may begin the end.
            self._searched = max(self._searched, len(data) - 2)
            if len(data) > sip.MAX_HEAD:
                self._resynchronise(len(data))
            return False
        begin, end = found.span()
        del found
        needed = end + sip.body_length(data, 0, begin)
        if needed > max(len(data), MAX_MESSAGE):
            self._resynchronise(begin)
            return False
        self._needed = needed
        return True

    def _hep(self, messages: list[Framed]) -> None:
        try:
            length = hep.frame_length(self._buffer)
        except hep.HepError:
            self.lose()
            return
        if length is not None:
            messages.append(Framed("hep", self._take(length)))

    def _handshake(self) -> None:
        end = self._buffer.find(_HANDSHAKE_ENDS, self._searched)
        if end < 0:
            self._searched = max(0, len(self._buffer) - len(_HANDSHAKE_ENDS) + 1)
            if len(self._buffer) > MAX_HANDSHAKE:
                self.lose()
            return
        head = self._take(end + len(_HANDSHAKE_ENDS))[:end]
        self._protocol = "websocket" if websocket.is_upgrade(head) else ""

    def _frames(self, messages: list[Framed]) -> None:
        data = self._take(len(self._buffer))
        try:
            for message in self._websocket.feed(data):
                if sip.looks_like_sip(message):
                    messages.append(Framed("ws", message))
        except websocket.WebSocketError:
            self._websocket = websocket.FrameReader()
            self._protocol = ""


def _begins_sip(data: bytearray) -> bool:
    if _SIP_BEGINS.match(data):
        return True
    if b"\n" in data:
        return False
    begun = bytes(data[:_LONGEST_FIRST_WORD])
    return any(
        word.startswith(begun) or begun.startswith(word) for word in _FIRST_WORDS
    )


def _is_websocket(data: bytearray) -> bool:
    """Whether a connection that was up before the capture begins with a frame that
    holds a whole SIP message."""
    if not data.startswith((b"\x81", b"\x82")):
        return False
    try:
        found = websocket.FrameReader().feed(bytes(data))
    except websocket.WebSocketError:
        return False
    return bool(found) and sip.looks_like_sip(found[0])
