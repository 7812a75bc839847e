"""TCP connections that were asked for in vain: a SYN that nothing came back to."""

from __future__ import annotations

from collections import OrderedDict
from typing import NamedTuple

from .tcp import ACK
from .tcp import Direction
from .tcp import Segment
from .tcp import SYN

#: After how long without an answer it counts as none, in ns: the first retransmission
#: comes after a second, the second after three (RFC 6298 sections 2 and 5.7).
PATIENCE_NS = 3_000_000_000

#: How many are waited for at a time. A scan of ports makes many.
MAX_WAITING = 1024


class Unanswered(NamedTuple):
    """The first SYN of a connection that never came about.

    :param ts: when it was sent, in nanoseconds.
    :param packet: its IP packet.
    """

    ts: int
    packet: bytes


class Handshakes:
    """The connections that wait for an answer, in bounded memory."""

    def __init__(self) -> None:
        self._waiting: OrderedDict[Direction, Unanswered] = OrderedDict()

    def add(
        self, ts: int, direction: Direction, segment: Segment, packet: bytes
    ) -> list[Unanswered]:
        """Take a segment in; the SYNs that are given up by now.

        :param packet: the IP packet that it came in.
        """
        waiting = self._waiting
        if segment.flags & (SYN | ACK) == SYN:
            waiting.setdefault(direction, Unanswered(ts, packet))
        elif waiting:
            waiting.pop(direction.opposite, None)
            # It goes on: the answer went another way than the capture sees.
            waiting.pop(direction, None)
        given_up = []
        while waiting:
            oldest = next(iter(waiting.values()))
            if ts - oldest.ts < PATIENCE_NS and len(waiting) <= MAX_WAITING:
                break
            _, oldest = waiting.popitem(last=False)
            if ts - oldest.ts >= PATIENCE_NS:
                given_up.append(oldest)
        return given_up

    def flush(self, ts: int) -> list[Unanswered]:
        """The capture is over: the SYNs that were not answered in time.

        :param ts: of its last frame, in nanoseconds.
        """
        given_up = [it for it in self._waiting.values() if ts - it.ts >= PATIENCE_NS]
        self._waiting.clear()
        return given_up
