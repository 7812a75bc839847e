"""When no packet of an RTP stream came for a while, and whose doing that was.

A sender that pauses goes on with its sequence numbers; packets that the network lost
leave numbers out.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from .rtp_values import count_of

#: Speech comes in packets of 10 to 60 ms (RFC 3551 section 4.2). What is missing for so
#: long is a gap, in ns.
GAP_NS = 1_000_000_000

#: A stream with more gaps has its first ones listed.
MAX_GAPS = 200

#: A sender's clock that went on by so much of a pause was sampling all the time.
_WENT_ON = 0.8


@dataclass(frozen=True, slots=True)
class Gap:
    """A stretch without packets.

    :param start_ts: when the last packet before it came, in ns since the epoch;
        ``end_ts`` the first after it.
    :param missing: how many packets were sent meanwhile and never came, by sequence
        number; None where the numbers began anew.
    :param clock_ms: by how much the timestamps went on, in ms; None where the clock
        rate is not known.
    """

    start_ts: int
    end_ts: int
    missing: int | None
    clock_ms: int | None

    @property
    def is_silence(self) -> bool:
        """Whether the sender had nothing to say, and sent nothing (RFC 3551 section
        4.1): no packet is missing, and its clock went on.
        """
        whole_ms = (self.end_ts - self.start_ts) / 1e6
        if self.missing != 0 or self.clock_ms is None:
            return False
        return _WENT_ON * whole_ms <= self.clock_ms <= whole_ms / _WENT_ON

    def as_json(self) -> list[int | None]:
        """A row in ``gaps`` of ``media.json``."""
        return [self.start_ts, self.end_ts, self.missing, self.clock_ms]

    @classmethod
    def from_json(cls, row: object) -> Gap:
        """What :meth:`as_json` wrote.

        :raises TypeError: for anything else.
        """
        if not isinstance(row, list) or len(row) != 4:
            raise TypeError("no gap")
        start, end, missing, clock = row
        if clock is not None and type(clock) is not int:
            raise TypeError("no time")
        return cls(
            count_of(start),
            count_of(end),
            None if missing is None else count_of(missing),
            clock,
        )


def joint(
    one: Iterable[Gap], last_ts: int, first_ts: int, other: Iterable[Gap]
) -> list[Gap]:
    """The gaps of two parts of a stream that follow one another.

    :param last_ts: when the last packet of the first part came, ``first_ts`` the first
        of the second.
    """
    between = []
    if first_ts - last_ts >= GAP_NS:
        between = [Gap(last_ts, first_ts, None, None)]
    return [*one, *between, *other][:MAX_GAPS]
