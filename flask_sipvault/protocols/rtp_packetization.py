"""How much sound the packets of a stream hold, over time.

A span is a stretch of packets with one payload type, one step of timestamps and, where
the codec's packets have one size, one size. What changes for a packet or two (a lost
packet, the first after a silence) makes no span of its own.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from typing import Any

from .rtp_values import count_of
from .rtp_values import measure_of
from .rtp_values import rounded

#: A stream with more changes has its last span go on over the others.
MAX_SPANS = 200

#: So many packets in a row must be alike to begin a span.
_SURE = 3


@dataclass(slots=True)
class Packetization:
    """A stretch of a stream whose packets are alike.

    :param size: bytes of payload that most of the packets have, ``smallest`` and
        ``largest`` what others have.
    :param packet_ms: how much sound a packet holds, by timestamps; None where the clock
        rate is not known.
    """

    payload_type: int
    first_ts: int
    last_ts: int
    packets: int
    size: int
    smallest: int
    largest: int
    packet_ms: float | None

    def as_json(self) -> dict[str, Any]:
        """An object in ``packetization`` of ``media.json``."""
        return {
            "payload_type": self.payload_type,
            "first_ts": self.first_ts,
            "last_ts": self.last_ts,
            "packets": self.packets,
            "bytes": self.size,
            "bytes_min": self.smallest,
            "bytes_max": self.largest,
            "packet_ms": rounded(self.packet_ms),
        }

    @classmethod
    def from_json(cls, loaded: dict[str, Any]) -> Packetization:
        """What :meth:`as_json` wrote.

        :raises KeyError: and TypeError, for anything else.
        """
        return cls(
            payload_type=count_of(loaded["payload_type"]),
            first_ts=count_of(loaded["first_ts"]),
            last_ts=count_of(loaded["last_ts"]),
            packets=count_of(loaded["packets"]),
            size=count_of(loaded["bytes"]),
            smallest=count_of(loaded["bytes_min"]),
            largest=count_of(loaded["bytes_max"]),
            packet_ms=measure_of(loaded["packet_ms"]),
        )


def joint(spans: Iterable[Packetization]) -> list[Packetization]:
    """The spans of a stream's parts, in order of time; one that a boundary between two
    parts divides is one.
    """
    joined: list[Packetization] = []
    for span in sorted(spans, key=lambda span: span.first_ts):
        if joined and (len(joined) >= MAX_SPANS or _alike(joined[-1], span)):
            last = joined[-1]
            joined[-1] = replace(
                last,
                last_ts=max(last.last_ts, span.last_ts),
                packets=last.packets + span.packets,
                smallest=min(last.smallest, span.smallest),
                largest=max(last.largest, span.largest),
                packet_ms=span.packet_ms if last.packet_ms is None else last.packet_ms,
            )
        else:
            joined.append(span)
    return joined


def _alike(one: Packetization, other: Packetization) -> bool:
    """Whether they can be one span; of a single packet nobody knows what it holds."""
    return (one.payload_type, one.size) == (other.payload_type, other.size) and (
        one.packet_ms == other.packet_ms
        or one.packet_ms is None
        or other.packet_ms is None
    )


class _Span:
    """Packets that are alike so far.

    :param step: of the timestamp from packet to packet; 0 while it is not known, since
        that of the first packet tells of the one before.
    """

    __slots__ = (
        *("first_ts", "largest", "last_ts", "others", "packets", "payload_type"),
        *("rate", "size", "smallest", "step"),
    )

    def __init__(self, ts: int, payload_type: int, rate: int, size: int) -> None:
        self.payload_type = payload_type
        self.rate = rate
        self.step = 0
        self.size = self.smallest = self.largest = size
        self.first_ts = self.last_ts = ts
        self.packets = 1
        self.others = 0  # packets of another size

    def fits(self, payload_type: int, step: int, size: int, varies: bool) -> bool:
        """Whether a packet is like these.

        :param varies: whether the codec's packets have many sizes.
        """
        return (
            payload_type == self.payload_type
            and (varies or size == self.size)
            and (step == self.step or not step or not self.step)
        )

    @property
    def varies(self) -> bool:
        """Whether too many of its packets have another size than the first."""
        return self.others * 4 > self.packets

    def take_in(self, ts: int, step: int, size: int) -> None:
        self.packets += 1
        self.step = self.step or step
        if ts > self.last_ts:
            self.last_ts = ts
        if size != self.size:
            self.others += 1
            self.smallest = min(self.smallest, size)
            self.largest = max(self.largest, size)

    def absorb(self, other: _Span) -> None:
        """Take in packets that were alike, but too few."""
        self.packets += other.packets
        self.others += other.packets if other.size != self.size else other.others
        self.last_ts = max(self.last_ts, other.last_ts)
        self.smallest = min(self.smallest, other.smallest)
        self.largest = max(self.largest, other.largest)

    def made(self) -> Packetization:
        known = self.step > 0 and self.rate > 0
        return Packetization(
            payload_type=self.payload_type,
            first_ts=self.first_ts,
            last_ts=self.last_ts,
            packets=self.packets,
            size=self.size,
            smallest=self.smallest,
            largest=self.largest,
            packet_ms=self.step * 1000 / self.rate if known else None,
        )


class Packetizations:
    """Finds the spans of one stream, packet by packet."""

    def __init__(self) -> None:
        self._done: list[Packetization] = []
        self._span: _Span | None = None
        # What may become the next span.
        self._next: _Span | None = None
        self._number = -1
        self._timestamp = 0

    def add(
        self,
        ts: int,
        payload_type: int,
        rate: int,
        number: int,
        timestamp: int,
        size: int,
    ) -> None:
        """Take in a packet of speech.

        :param rate: of the payload type's clock, in Hz; 0 where it is not known.
        :param size: bytes of payload.
        """
        step = 0
        if number == (self._number + 1) & 0xFFFF:
            step = (timestamp - self._timestamp) & 0xFFFF_FFFF
        self._number, self._timestamp = number, timestamp
        span, following = self._span, self._next
        if span is None:
            self._span = _Span(ts, payload_type, rate, size)
            return
        if (
            following is None
            and step == span.step
            and size == span.size
            and payload_type == span.payload_type
        ):  # nearly always
            span.packets += 1
            if ts > span.last_ts:
                span.last_ts = ts
            return
        varies = span.varies
        if span.fits(payload_type, step, size, varies):
            if following is not None:
                span.absorb(following)
                self._next = None
            span.take_in(ts, step, size)
        elif following is None or not following.fits(payload_type, step, size, varies):
            if following is not None:
                span.absorb(following)
            self._next = _Span(ts, payload_type, rate, size)
        else:
            following.take_in(ts, step, size)
            if following.packets >= _SURE and len(self._done) < MAX_SPANS - 1:
                self._done.append(span.made())
                self._span, self._next = following, None

    def take(self) -> list[Packetization]:
        """The spans since they were last taken; the one that goes on begins anew."""
        done, self._done = self._done, []
        if self._span is not None:
            if self._next is not None:
                self._span.absorb(self._next)
            done.append(self._span.made())
        self._span = self._next = None
        return done
