"""One stream out of the parts it was measured in, and a stream at another time."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace

from . import rtp_events
from . import rtp_gaps
from . import rtp_packetization
from .rtp_figures import Bucket
from .rtp_figures import MAX_EVENTS
from .rtp_figures import Payload
from .rtp_figures import StreamFigures
from .rtp_figures import SUMS

#: What two parts of one stream may overlap by, in ns: packets change places on their
#: way into a capture. What overlaps by more was seen twice.
OVERLAP_NS = 250_000_000


def join(parts: Iterable[StreamFigures]) -> list[StreamFigures]:
    """The figures of each stream, in the order of their beginnings.

    Parts that follow one another are added up. Of two that overlap, which two captures
    of one stream make, the one with more packets counts.
    """
    joined: dict[object, StreamFigures] = {}
    for part in sorted(parts, key=lambda part: (part.first_ts, part.last_ts)):
        have = joined.get(part.key)
        if have is None:
            joined[part.key] = part
        elif part.first_ts > have.last_ts - OVERLAP_NS:
            joined[part.key] = _sum(have, part)
        elif part.packets > have.packets:
            joined[part.key] = part
    return list(joined.values())


def _sum(one: StreamFigures, other: StreamFigures) -> StreamFigures:
    sums = {name: getattr(one, name) + getattr(other, name) for name in SUMS}
    return replace(
        one,
        **sums,
        last_ts=max(one.last_ts, other.last_ts),
        longest_burst=max(one.longest_burst, other.longest_burst),
        jitter_avg=_mean(
            (one.jitter_avg, one.packets), (other.jitter_avg, other.packets)
        ),
        jitter_max=_most(one.jitter_max, other.jitter_max),
        packet_ms=one.packet_ms if one.packet_ms is not None else other.packet_ms,
        events=[*one.events, *other.events][:MAX_EVENTS],
        telephone_events=rtp_events.joint(
            [*one.telephone_events, *other.telephone_events], MAX_EVENTS
        ),
        packetization=rtp_packetization.joint(
            [*one.packetization, *other.packetization]
        ),
        gaps=None
        if one.gaps is None or other.gaps is None
        else rtp_gaps.joint(one.gaps, one.last_ts, other.first_ts, other.gaps),
        payloads=list(_joint_payloads([*one.payloads, *other.payloads])),
        buckets=list(_joint_buckets([*one.buckets, *other.buckets])),
    )


def _joint_payloads(payloads: list[Payload]) -> Iterator[Payload]:
    joint: dict[object, Payload] = {}
    for payload in payloads:
        key = payload.payload_type, payload.codec, payload.clock_rate
        have = joint.get(key)
        joint[key] = (
            payload
            if have is None
            else replace(
                have,
                packets=have.packets + payload.packets,
                last_ts=max(have.last_ts, payload.last_ts),
            )
        )
    yield from joint.values()


def _joint_buckets(buckets: list[Bucket]) -> Iterator[Bucket]:
    """In order of time; a boundary between two parts may lie within a bucket."""
    joint: dict[int, Bucket] = {}
    for bucket in buckets:
        have = joint.get(bucket.ts)
        joint[bucket.ts] = (
            bucket
            if have is None
            else Bucket(
                bucket.ts,
                have.packets + bucket.packets,
                have.expected + bucket.expected,
                have.lost + bucket.lost,
                _mean(
                    (have.jitter_avg, have.packets), (bucket.jitter_avg, bucket.packets)
                ),
                _most(have.jitter_max, bucket.jitter_max),
            )
        )
    yield from sorted(joint.values(), key=lambda bucket: bucket.ts)


def _mean(*weighed: tuple[float | None, int]) -> float | None:
    """The mean of what was measured, by the packets it was measured on."""
    known = [(value, weight) for value, weight in weighed if value is not None]
    total = sum(weight for _, weight in known)
    if not total:
        return known[0][0] if known else None
    return sum(value * weight for value, weight in known) / total


def _most(one: float | None, other: float | None) -> float | None:
    return max((value for value in (one, other) if value is not None), default=None)


def shifted(figures: StreamFigures, by: int) -> StreamFigures:
    """A stream at another time.

    :param by: what to add to all times, in ns.
    """
    return replace(
        figures,
        first_ts=figures.first_ts + by,
        last_ts=figures.last_ts + by,
        events=[(ts + by, ms) for ts, ms in figures.events],
        telephone_events=[
            replace(it, ts=it.ts + by) for it in figures.telephone_events
        ],
        gaps=None
        if figures.gaps is None
        else [
            replace(gap, start_ts=gap.start_ts + by, end_ts=gap.end_ts + by)
            for gap in figures.gaps
        ],
        packetization=[
            replace(span, first_ts=span.first_ts + by, last_ts=span.last_ts + by)
            for span in figures.packetization
        ],
        payloads=[
            replace(p, first_ts=p.first_ts + by, last_ts=p.last_ts + by)
            for p in figures.payloads
        ],
        buckets=[replace(b, ts=b.ts + by) for b in figures.buckets],
    )
