"""SIP over WebSocket (RFC 7118): the messages in a stream of frames (RFC 6455)."""

from __future__ import annotations

import re
import struct

#: The longest message that is put together.
MAX_MESSAGE = 256 << 10

_CONTINUATION, _TEXT, _BINARY = 0, 1, 2
_FIN, _RESERVED, _MASKED = 0x80, 0x70, 0x80

_UPGRADE = re.compile(rb"\n[Uu][Pp][Gg][Rr][Aa][Dd][Ee][ \t]*:[ \t]*(?i:websocket)")


class WebSocketError(ValueError):
    """These bytes are no WebSocket frames, or frames that cannot be read here: of an
    extension such as compression, or too long."""


def is_upgrade(head: bytes) -> bool:
    """Whether an HTTP request or response, up to its blank line, makes its side of the
    connection a WebSocket."""
    return _UPGRADE.search(head) is not None


class FrameReader:
    """One direction of a WebSocket connection, masked or not, fed as it arrives."""

    def __init__(self) -> None:
        self._buffer = bytearray()
        self._message: list[bytes] = []
        self._message_size = 0

    @property
    def held(self) -> int:
        """How many bytes wait for the rest of their message."""
        return len(self._buffer) + self._message_size

    def feed(self, data: bytes) -> list[bytes]:
        """Take in the bytes that come next; the messages that are whole now.

        :raises WebSocketError: if the stream cannot be understood any longer.
        """
        buffer = self._buffer
        buffer += data
        at = 0
        messages = []
        while (frame := _frame(buffer, at)) is not None:
            first, payload, at = frame
            opcode = first & 0x0F
            if opcode > _BINARY:  # close, ping, pong: may come within a message
                continue
            if opcode != _CONTINUATION:
                self._message, self._message_size = [], 0
            self._message.append(payload)
            self._message_size += len(payload)
            if self._message_size > MAX_MESSAGE:
                raise WebSocketError("a message that is too long")
            if first & _FIN:
                messages.append(b"".join(self._message))
                self._message, self._message_size = [], 0
        del buffer[:at]
        return messages


def _frame(buffer: bytearray, at: int) -> tuple[int, bytes, int] | None:
    """The first byte, the payload and the end of the frame at an offset; None while it
    is incomplete."""
    if len(buffer) < at + 2:
        return None
    first, second = buffer[at], buffer[at + 1]
    if first & _RESERVED or 2 < first & 0x0F < 8 or first & 0x0F > 10:
        raise WebSocketError("not a frame of plain WebSocket")
    start, length = at + 2, second & 0x7F
    if length > 125:
        size, layout = (2, "!H") if length == 126 else (8, "!Q")
        if len(buffer) < start + size:
            return None
        length = struct.unpack_from(layout, buffer, start)[0]
        start += size
        if length > MAX_MESSAGE:
            raise WebSocketError("a frame that is too long")
    mask = b""
    if second & _MASKED:
        mask = bytes(buffer[start : start + 4])
        start += 4
    end = start + length
    if len(buffer) < end:
        return None
    payload = bytes(buffer[start:end])
    return first, _unmasked(payload, mask) if mask else payload, end


def _unmasked(payload: bytes, mask: bytes) -> bytes:
    """RFC 6455 section 5.3, done with integers as long as the payload for speed."""
    size = len(payload)
    key = (mask * (size // 4 + 1))[:size]
    mixed = int.from_bytes(payload, "big") ^ int.from_bytes(key, "big")
    return mixed.to_bytes(size, "big")
