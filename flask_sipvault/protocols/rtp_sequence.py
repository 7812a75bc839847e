"""The sequence numbers of an RTP stream: what came, what did not, what came again
(RFC 3550 appendix A.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

#: A packet so far ahead of the last is of a new sequence, if no outage of the network
#: explains the gap (``MAX_DROPOUT`` of the RFC).
MAX_DROPOUT = 3000

#: A packet so far behind the last is not just late (``MAX_MISORDER``).
MAX_MISORDER = 100

#: When so many gaps are open, those that nothing can fill any more are closed.
_MAX_OPEN = 64

#: Over how many stretches of time a gap is spread at most.
_MAX_STRETCHES = 120

#: What :meth:`SequenceNumbers.place` says of a packet: it came before, or fits nowhere;
#: it is the one after the highest so far; it is another that is new; it begins a new
#: sequence, and so did the one before.
AGAIN, NEXT, APART, ANEW = range(4)


class Gap(NamedTuple):
    """Packets in a row that did not come, and between which times they should have."""

    first: int
    last: int
    after: int
    before: int

    @property
    def size(self) -> int:
        """How many packets."""
        return self.last - self.first + 1

    def spread(self, length: int) -> Iterator[tuple[int, int]]:
        """How many should have come in each stretch of time, as if sent evenly.

        :param length: of a stretch in ns; they begin at multiples of it.
        :returns: the beginning of each stretch in which one should have come, and how
            many. All of a gap over very many stretches is in the last.
        """
        begin, end = self.after // length, self.before // length
        if end - begin > _MAX_STRETCHES:
            begin = end
        counted = 0
        for stretch in range(begin, end):
            time = (stretch + 1) * length - self.after
            due = -(-time * (self.size + 1) // (self.before - self.after)) - 1
            if due > counted:
                yield stretch * length, due - counted
                counted = due
        if counted < self.size:
            yield end * length, self.size - counted


class SequenceNumbers:
    """Puts packets in their places.

    :param expected: how many different ones were sent, from the first that came to the
        last.
    :param duplicates: how many had come before.
    :param reordered: how many came after a later one.
    :param strays: how many fit nowhere.
    :param cycles: how often the numbers went past 65535.
    :param resets: how often the source began a new sequence.
    """

    def __init__(self) -> None:
        self.begin()
        # The highest number so far, with the number of wraps in the bits above 16.
        self._highest = -1
        self._lowest = 0
        # What would follow a stray, if nothing else came in between.
        self._after_stray: tuple[int, int] | None = None
        self._open: list[Gap] = []
        self._seen = 0
        self._first_ts = self._last_ts = 0

    def begin(self) -> None:
        """Count from nothing again, and go on where the stream is."""
        self.expected = 0
        self.duplicates = 0
        self.reordered = 0
        self.strays = 0
        self.cycles = 0
        self.resets = 0
        self._closed: list[Gap] = []

    def place(self, number: int, ts: int) -> int:
        """Take in a packet.

        :param ts: when it came, in ns.
        :returns: ``AGAIN``, ``NEXT``, ``APART`` or ``ANEW``.
        """
        step = (number - self._highest) & 0xFFFF
        if step != 1 or self._highest < 0:
            return self._place_apart(number, step, ts)
        self._highest += 1
        self._seen += 1
        self._last_ts = ts
        self.expected += 1
        self.cycles += number == 0
        return NEXT

    def _place_apart(self, number: int, step: int, ts: int) -> int:
        if self._highest < 0:
            self._start(number, number, ts)
            return APART
        if (number, self._seen) == self._after_stray:
            # Two in a row: the first of them was no stray.
            self.strays -= 1
            self.resets += 1
            self._start(number - 1 & 0xFFFF, number, ts)
            return ANEW
        if step == 0:
            self.duplicates += 1
            return AGAIN
        if step < 0x8000:
            if step < MAX_DROPOUT or self._is_outage(step, ts):
                self._skip(step, ts)
                return APART
        elif 0x10000 - step <= MAX_MISORDER:
            return self._place_late(self._highest - 0x10000 + step, ts)
        self._after_stray = number + 1 & 0xFFFF, self._seen
        self.strays += 1
        return AGAIN

    def _start(self, first: int, last: int, ts: int) -> None:
        """Begin a sequence of which one or two packets have come."""
        # One cycle up, for what was sent earlier and comes late.
        self._lowest = 0x10000 + first
        self._highest = self._lowest + (last - first & 0xFFFF)
        self._after_stray = None
        self._closed += self._open
        self._open = []
        self._seen = 1
        self._first_ts = self._last_ts = ts
        self.expected += self._highest - self._lowest + 1

    def _is_outage(self, step: int, ts: int) -> bool:
        """Whether so many were sent while nothing came, by the pace so far."""
        if self._seen < 2:
            return False
        interval = (self._last_ts - self._first_ts) / (self._seen - 1)
        return 0 < step * interval <= 2 * (ts - self._last_ts)

    def _skip(self, step: int, ts: int) -> None:
        before = self._highest >> 16
        gap = Gap(self._highest + 1, self._highest + step - 1, self._last_ts, ts)
        self._open.append(gap)
        self._highest += step
        self.cycles += (self._highest >> 16) - before
        self.expected += step
        self._seen += step
        self._last_ts = ts
        if len(self._open) > _MAX_OPEN:
            too_late = self._highest - MAX_MISORDER
            self._closed += [gap for gap in self._open if gap.last < too_late]
            self._open = [gap for gap in self._open if gap.last >= too_late]

    def _place_late(self, number: int, ts: int) -> int:
        """Put a packet with its extended number behind the highest."""
        if number < self._lowest:
            if self._lowest - number > 1:
                self._open.insert(0, Gap(number + 1, self._lowest - 1, ts, ts))
            self.expected += self._lowest - number
            self._lowest = number
            self.reordered += 1
            return APART
        for place, gap in enumerate(self._open):
            if gap.first <= number <= gap.last:
                halves = gap._replace(last=number - 1), gap._replace(first=number + 1)
                self._open[place : place + 1] = [half for half in halves if half.size]
                self.reordered += 1
                return APART
        self.duplicates += 1
        return AGAIN

    def take_gaps(self) -> list[Gap]:
        """What never came. A packet that still comes late counts as a duplicate."""
        gaps = self._closed + self._open
        self._closed, self._open = [], []
        return gaps
