"""The messages in an SCTP association's DATA chunks (RFC 9260 section 3.3.1)."""

from __future__ import annotations

import struct
from collections import OrderedDict

_DATA = 0
_BEGIN, _END = 0x02, 0x01

#: How many messages in fragments are put together at a time, and how long one may be.
MAX_PENDING = 256
MAX_MESSAGE = 256 << 10

_common_header = struct.Struct("!HH").unpack_from
_chunk_header = struct.Struct("!BBH").unpack_from

Association = tuple[bytes, int, bytes, int]


class Associations:
    """Puts together messages that were sent in several DATA chunks.

    The chunks of one message have consecutive TSNs (section 6.9); a message of which
    one is missing or comes out of turn is lost.
    """

    def __init__(self) -> None:
        # By the direction and the TSN that comes next.
        self._pending: OrderedDict[tuple[Association, int], bytearray] = OrderedDict()

    def add(
        self, src: bytes, dst: bytes, packet: bytes
    ) -> list[tuple[Association, bytes]]:
        """Take an SCTP packet in; the user messages that are whole now."""
        if len(packet) < 12:
            return []
        sport, dport = _common_header(packet)
        key = (src, sport, dst, dport)
        messages = []
        at = 12
        while at + 4 <= len(packet):
            kind, flags, length = _chunk_header(packet, at)
            if length < 4:
                break
            if kind == _DATA and 16 <= length <= len(packet) - at:
                tsn = struct.unpack_from("!I", packet, at + 4)[0]
                whole = self._data(key, flags, tsn, packet[at + 16 : at + length])
                if whole is not None:
                    messages.append((key, whole))
            at += length + -length % 4
        return messages

    def _data(
        self, key: Association, flags: int, tsn: int, data: bytes
    ) -> bytes | None:
        if flags & _BEGIN and flags & _END:
            return data
        begun = self._pending.pop((key, tsn), None)
        if flags & _BEGIN:
            begun = bytearray()
        if begun is None:
            return None
        begun += data
        if flags & _END:
            return bytes(begun)
        if len(begun) <= MAX_MESSAGE:
            self._pending[key, (tsn + 1) & 0xFFFFFFFF] = begun
        if len(self._pending) > MAX_PENDING:
            self._pending.popitem(last=False)
        return None
