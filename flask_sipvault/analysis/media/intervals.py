"""What was measured of speech, stretch by stretch, whoever measured it."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import replace

from ...protocols.rtp_figures import BUCKET_MS
from .paths import Coding

BUCKET_NS = BUCKET_MS * 1_000_000

#: A shorter bucket tells too little: one lost packet of three is no bad audio.
SHORTEST_NS = 1_000_000_000

#: What one stretch may cover at most. More is a clock gone mad.
LONGEST_NS = 60_000_000_000


@dataclass(slots=True)
class Interval:
    """A stretch of speech.

    :param expected: how many packets should have come, a share of one where they were
        spread; above 0.
    :param lost: how many of them never came.
    :param jitter: in ms; None where it is not known.
    :param burst_ratio: None where it is not known.
    """

    start: int
    end: int
    expected: float
    lost: float
    jitter: float | None
    coding: Coding
    burst_ratio: float | None = None

    def bucket(self, phase: int) -> int:
        """Which five seconds most of it lies in, see :func:`into_buckets`."""
        return ((self.start + self.end) // 2 - phase) // BUCKET_NS


def into_buckets(intervals: Iterable[Interval], phase: int = 0) -> list[Interval]:
    """Intervals of any length, cut every five seconds, with what falls into one bucket
    put together.

    :param phase: where the cuts are: so many ns after multiples of five seconds since
        the epoch. Of a call that was moved in time, those of its RTP have moved too.
    """
    buckets: dict[int, Interval] = {}
    for interval in intervals:
        for piece in _pieces(interval, phase):
            bucket = (piece.start - phase) // BUCKET_NS
            have = buckets.get(bucket)
            buckets[bucket] = piece if have is None else together(have, piece)
    return _without_crumbs([buckets[at] for at in sorted(buckets)])


def _pieces(interval: Interval, phase: int) -> Iterable[Interval]:
    start = max(interval.start, interval.end - LONGEST_NS)
    if interval.end <= start:
        yield replace(interval, end=start + 1)
        return
    at = start
    while at < interval.end:
        cut = ((at - phase) // BUCKET_NS + 1) * BUCKET_NS + phase
        end = min(cut, interval.end)
        share = (end - at) / (interval.end - start)
        yield replace(
            interval,
            start=at,
            end=end,
            expected=interval.expected * share,
            lost=interval.lost * share,
        )
        at = end


def together(one: Interval, other: Interval) -> Interval:
    """Both as one. How speech is coded is as in what has more of it."""
    weights = one.expected, other.expected
    main = one if weights[0] >= weights[1] else other
    return Interval(
        min(one.start, other.start),
        max(one.end, other.end),
        one.expected + other.expected,
        one.lost + other.lost,
        _mean((one.jitter, other.jitter), weights),
        main.coding,
        _mean((one.burst_ratio, other.burst_ratio), weights),
    )


def _mean(
    values: tuple[float | None, float | None], weights: tuple[float, float]
) -> float | None:
    known = [
        (value, weight)
        for value, weight in zip(values, weights, strict=True)
        if value is not None
    ]
    total = sum(weight for _, weight in known)
    if not total:
        return known[0][0] if known else None
    return sum(value * weight for value, weight in known) / total


def _without_crumbs(buckets: Sequence[Interval]) -> list[Interval]:
    """Buckets too short to tell anything go to their neighbours, if they have any."""
    kept: list[Interval] = []
    crumb: Interval | None = None
    for bucket in buckets:
        if crumb is not None and _touch(crumb, bucket):
            kept.append(together(crumb, bucket))
        else:
            if crumb is not None:
                kept.append(crumb)
            if bucket.end - bucket.start >= SHORTEST_NS:
                kept.append(bucket)
            elif kept and _touch(kept[-1], bucket):
                kept[-1] = together(kept[-1], bucket)
            else:
                crumb = bucket
                continue
        crumb = None
    return kept if crumb is None else [*kept, crumb]


def _touch(one: Interval, other: Interval) -> bool:
    # Where one ends and the other begins, packets may be missing.
    return other.start - one.end < SHORTEST_NS
