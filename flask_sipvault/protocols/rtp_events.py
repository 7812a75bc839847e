"""Telephone events in RTP (RFC 4733): DTMF digits and other signals.

An event is sent as several packets with one timestamp, each with the duration so far
and the last three with the end bit (RFC 4733 section 2.5.1). That pattern tells events
even where no session description names their payload type.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import replace
from typing import Any
from typing import NamedTuple

from .rtp_values import count_of

#: How long the payload of an event is (RFC 4733 section 2.3).
EVENT_SIZE = 4

#: The events 0 to 15 (RFC 4733 section 3.2), and a hook flash.
DIGITS = "0123456789*#ABCD"
_HIGHEST_LIKELY = 16

#: Where no description says how fast the clock runs (RFC 4733 section 2.1).
_USUAL_RATE = 8000

#: So many packets make an event of a payload type that nobody described; one less if
#: the last of them has the end bit.
_SURE = 3


class EventPacket(NamedTuple):
    """An RTP packet that may be of a telephone event.

    :param ts: when it was seen, in ns since the epoch.
    :param payload: its :data:`EVENT_SIZE` bytes.
    """

    ts: int
    payload_type: int
    sequence: int
    timestamp: int
    payload: bytes


@dataclass(slots=True)
class TelephoneEvent:
    """One event.

    :param event: its number, below 16 an index of :data:`DIGITS`; None where it is
        masked.
    :param ts: when its first packet was seen, in ns since the epoch.
    :param timestamp: of RTP, which all its packets have.
    :param duration_ms: how long the key was pressed, as far as the packets say.
    :param volume: the power level in dBm0 below 0.
    :param ended: whether a packet with the end bit was seen.
    :param described: whether a session description names its payload type as
        telephone-event.
    """

    event: int | None
    ts: int
    timestamp: int
    payload_type: int
    duration_ms: int
    volume: int
    packets: int
    ended: bool
    described: bool

    def as_json(self) -> dict[str, Any]:
        """An object in ``telephone_events`` of ``media.json``."""
        return {
            "event": self.event,
            "ts": self.ts,
            "timestamp": self.timestamp,
            "payload_type": self.payload_type,
            "duration_ms": self.duration_ms,
            "volume": self.volume,
            "packets": self.packets,
            "ended": self.ended,
            "described": self.described,
        }

    @classmethod
    def from_json(cls, loaded: dict[str, Any]) -> TelephoneEvent:
        """What :meth:`as_json` wrote.

        :raises KeyError: and TypeError, for anything else.
        """
        event = loaded["event"]
        return cls(
            event=None if event is None else count_of(event),
            ts=count_of(loaded["ts"]),
            timestamp=count_of(loaded["timestamp"]),
            payload_type=count_of(loaded["payload_type"]),
            duration_ms=count_of(loaded["duration_ms"]),
            volume=count_of(loaded["volume"]),
            packets=count_of(loaded["packets"]),
            ended=bool(loaded["ended"]),
            described=bool(loaded["described"]),
        )


def read_events(
    packets: Iterable[EventPacket], rates: dict[int, int]
) -> list[TelephoneEvent]:
    """The events in a stream, in the order of their beginnings.

    :param packets: in the order they were seen.
    :param rates: the clock rates of the payload types that a session description names
        as telephone-event. Of other types only what shows to be an event is taken.
    """
    found: dict[tuple[int, int], TelephoneEvent] = {}
    durations: dict[tuple[int, int], int] = {}
    unlikely: set[tuple[int, int]] = set()
    before = -1
    for ts, payload_type, sequence, timestamp, payload in packets:
        if sequence == before:
            continue  # a copy
        before = sequence
        event, second = payload[0], payload[1]
        duration = payload[2] << 8 | payload[3]
        key = payload_type, timestamp
        rate = rates.get(payload_type, 0)
        have = found.get(key)
        if have is None:
            have = found[key] = TelephoneEvent(
                event=event,
                ts=ts,
                timestamp=timestamp,
                payload_type=payload_type,
                duration_ms=0,
                volume=second & 0x3F,
                packets=0,
                ended=False,
                described=bool(rate),
            )
        # The reserved bit is 0, and a duration only grows.
        if (
            event != have.event
            or event > _HIGHEST_LIKELY
            or second & 0x40
            or duration < durations.get(key, 0)
        ):
            unlikely.add(key)
        have.packets += 1
        have.ended = have.ended or bool(second & 0x80)
        durations[key] = max(duration, durations.get(key, 0))
        have.duration_ms = durations[key] * 1000 // (rate or _USUAL_RATE)
    return [
        event
        for key, event in found.items()
        if event.described
        or (key not in unlikely and event.packets + event.ended >= _SURE)
    ]


def joint(events: Iterable[TelephoneEvent], limit: int) -> list[TelephoneEvent]:
    """The events of a stream's parts, in order of time; one that a boundary between two
    parts divides is one.

    :param limit: how many to keep, the first ones.
    """
    joined: dict[tuple[int | None, int, int], TelephoneEvent] = {}
    for event in sorted(events, key=lambda event: event.ts):
        key = event.event, event.payload_type, event.timestamp
        have = joined.get(key)
        if have is None:
            joined[key] = event
        else:
            joined[key] = replace(
                have,
                duration_ms=max(have.duration_ms, event.duration_ms),
                packets=have.packets + event.packets,
                ended=have.ended or event.ended,
            )
    return list(joined.values())[:limit]
