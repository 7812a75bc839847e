"""TCP connections put together from their segments (RFC 9293), each way by itself.

A capture is not a connection's end: it may begin in the middle, have lost what both
ends received, and hold every retransmission. So nothing is waited for long, and memory
is bounded whatever the number of connections.
"""

from __future__ import annotations

import struct
from collections import OrderedDict
from typing import NamedTuple

from .framing import Framed
from .framing import MessageFramer

#: How long segments after a gap wait for what is missing, in time of the capture: a
#: little if the other side acknowledged it, since then it is the capture that lost it
#: or holds it out of order; otherwise for two retransmissions (RFC 6298).
ACKNOWLEDGED_GAP_NS = 50_000_000
GAP_NS = 5_000_000_000

#: How many segments wait in one direction, and how many bytes.
MAX_WAITING = 128
MAX_WAITING_BYTES = 512 << 10

#: A segment this far from the expected one is of another connection, whose beginning
#: was not captured: larger than any window in use.
FAR = 64 << 20

#: How many directions are remembered, and what all of them may hold. The one silent
#: for longest is forgotten first.
MAX_DIRECTIONS = 8192
MAX_HELD = 32 << 20

SYN, RST, ACK = 0x02, 0x04, 0x10
_header = struct.Struct("!HHIIBB").unpack_from


class Direction(NamedTuple):
    """One direction of a connection; addresses as the bytes in IP's header."""

    src: bytes
    sport: int
    dst: bytes
    dport: int

    @property
    def opposite(self) -> Direction:
        return Direction(self.dst, self.dport, self.src, self.sport)


class Segment(NamedTuple):
    """One TCP segment.

    :param missing: how many bytes at the end of its data the capture cut off.
    """

    sport: int
    dport: int
    sequence: int
    acknowledged: int
    flags: int
    data: bytes
    missing: int = 0

    @classmethod
    def parse(cls, payload: bytes, missing: int = 0) -> Segment | None:
        """Read an IP packet's payload; None if it is not even a whole header."""
        if len(payload) < 20:
            return None
        sport, dport, sequence, acknowledged, offset, flags = _header(payload)
        start = (offset >> 4) * 4
        if start < 20:
            return None
        data = payload[start:]
        return cls(sport, dport, sequence, acknowledged, flags, data, missing)


class Delivered(NamedTuple):
    """A message out of a connection.

    :param ts: of the segment that made it whole, in nanoseconds.
    """

    ts: int
    direction: Direction
    message: Framed


class Connections:
    """All TCP connections of a capture: segments go in, messages come out."""

    def __init__(self) -> None:
        # The longest silent first.
        self._streams: OrderedDict[Direction, _Stream] = OrderedDict()
        self._held = 0

    def add(self, ts: int, src: bytes, dst: bytes, segment: Segment) -> list[Delivered]:
        """Take a segment in; what became whole by it, of either direction."""
        delivered: list[Delivered] = []
        direction = Direction(src, segment.sport, dst, segment.dport)
        opposite = self._streams.get(direction.opposite)
        if opposite is not None:
            if segment.flags & ACK:
                opposite.acknowledge(segment.acknowledged)
            if opposite.overdue(ts):
                self._held -= opposite.held
                opposite.give_up(delivered)
                self._held += opposite.held
        if segment.data or segment.missing or segment.flags & SYN:
            self._add(ts, direction, segment, delivered)
        return delivered

    def flush(self) -> list[Delivered]:
        """The capture is over: what waits for lost segments goes on without them."""
        delivered: list[Delivered] = []
        for stream in self._streams.values():
            stream.give_up(delivered)
        self._streams.clear()
        self._held = 0
        return delivered

    def _add(
        self,
        ts: int,
        direction: Direction,
        segment: Segment,
        delivered: list[Delivered],
    ) -> None:
        stream = self._streams.pop(direction, None)
        if stream is not None:
            self._held -= stream.held
            if stream.is_other(segment):
                stream.give_up(delivered)
                stream = None
        if stream is None:
            stream = _Stream(direction, _first_byte(segment))
        stream.add(ts, segment, delivered)
        # It stays known when the connection ends, so that a retransmission after that
        # is old news.
        self._streams[direction] = stream
        self._held += stream.held
        while len(self._streams) > MAX_DIRECTIONS or self._held > MAX_HELD:
            _, forgotten = self._streams.popitem(last=False)
            self._held -= forgotten.held
            forgotten.give_up(delivered)


class _Early(NamedTuple):
    """A segment that came before its turn."""

    ts: int
    position: int
    data: bytes
    missing: int


class _Stream:
    """One direction of a connection.

    Positions count its bytes from where the capture came in; unlike sequence numbers
    they do not wrap round.
    """

    __slots__ = (
        "_acknowledged",
        "_direction",
        "_early",
        "_framer",
        "_origin",
        "_position",
        "_size",
    )

    def __init__(self, direction: Direction, origin: int) -> None:
        self._direction = direction
        self._origin = origin  # the sequence number of position 0
        self._position = 0  # of the byte expected next
        self._acknowledged = 0  # position up to which the other side has all
        self._early: list[_Early] = []  # in order of arrival
        self._size = 0  # of the data in them
        self._framer = MessageFramer()

    @property
    def held(self) -> int:
        """How many bytes wait here."""
        return self._framer.held + self._size

    def acknowledge(self, sequence: int) -> None:
        """The other side has received everything before this sequence number."""
        self._acknowledged = self._position + self._ahead(sequence)

    def overdue(self, ts: int) -> bool:
        """Whether what is missing is not worth waiting for any longer."""
        if not self._early:
            return False
        acknowledged = self._acknowledged > self._position
        patience = ACKNOWLEDGED_GAP_NS if acknowledged else GAP_NS
        return ts - self._early[0].ts > patience

    def is_other(self, segment: Segment) -> bool:
        """Whether this segment is of a later connection between the same ports."""
        first = _first_byte(segment)
        renewed = segment.flags & SYN and first != self._origin
        return bool(renewed) or abs(self._ahead(first)) > FAR

    def add(self, ts: int, segment: Segment, delivered: list[Delivered]) -> None:
        ahead = self._ahead(_first_byte(segment))
        early = _Early(ts, self._position + ahead, segment.data, segment.missing)
        if ahead > 0 and (segment.data or segment.missing):
            self._early.append(early)
            self._size += len(segment.data)
            if (
                len(self._early) > MAX_WAITING
                or self._size > MAX_WAITING_BYTES
                or self.overdue(ts)
            ):
                self.give_up(delivered)
        else:
            self._take(ts, early, delivered)
            if self._early:
                self._close_gap(ts, delivered)

    def give_up(self, delivered: list[Delivered]) -> None:
        """Go on with what has come, over every gap, each message at its own time."""
        for early in sorted(self._early, key=_position):
            if early.position > self._position:
                self._framer.lose()
                self._position = early.position
            self._take(early.ts, early, delivered)
        self._early.clear()
        self._size = 0

    def _close_gap(self, ts: int, delivered: list[Delivered]) -> None:
        """Take, at the time the gap was closed, what waited right behind it."""
        for early in sorted(self._early, key=_position):
            if early.position > self._position:
                break
            self._take(ts, early, delivered)
            self._early.remove(early)
            self._size -= len(early.data)

    def _take(self, ts: int, piece: _Early, delivered: list[Delivered]) -> None:
        """Give the framer what is new of a segment that is not ahead of its turn."""
        known = self._position - piece.position
        new = len(piece.data) + piece.missing - known
        if new <= 0:
            return
        self._position += new
        messages = self._framer.feed(piece.data[known:])
        if piece.missing:
            messages += self._framer.cut(piece.missing)
        delivered.extend(Delivered(ts, self._direction, m) for m in messages)

    def _ahead(self, sequence: int) -> int:
        """How many bytes lie before a sequence number; negative if it is an old one."""
        ahead = (sequence - self._origin - self._position) & 0xFFFFFFFF
        return ahead - (1 << 32) if ahead > 0x7FFFFFFF else ahead


def _first_byte(segment: Segment) -> int:
    """The sequence number of a segment's data: SYN has one of its own."""
    return segment.sequence + bool(segment.flags & SYN) & 0xFFFFFFFF


def _position(early: _Early) -> int:
    return early.position
