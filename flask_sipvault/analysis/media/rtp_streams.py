"""The RTP that was seen in captures, as intervals of speech in each direction."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass

from ...protocols.address import Endpoint
from ...protocols.rtp_figures import BUCKET_MS
from ...protocols.rtp_figures import StreamFigures
from .directions import Direction
from .directions import sender_of
from .intervals import BUCKET_NS
from .intervals import Interval
from .intervals import into_buckets
from .paths import MediaPaths

#: More jitter than this, in ms, is no measurement.
MOST_JITTER_MS = 60_000

#: More packets than this in five seconds are none either.
_MOST_PACKETS = 1_000_000


@dataclass(slots=True)
class MeasuredStream:
    """One stream of speech that was measured in a capture.

    :param n: its place in :attr:`flask_sipvault.evidence.Evidence.media`, from 1.
    :param direction: None where it cannot be told.
    """

    n: int
    measured: StreamFigures
    direction: Direction | None
    intervals: list[Interval]

    @property
    def addresses(self) -> tuple[Endpoint | None, Endpoint | None]:
        """Whence and where to."""
        return self.measured.src, self.measured.dst


def is_silent(measured: StreamFigures) -> bool:
    """Whether hardly anything in a stream was speech: comfort noise, or pauses."""
    length_ms = (measured.last_ts - measured.first_ts) / 1e6
    noise = measured.comfort_noise > 0.9 * max(measured.packets, 1)
    return noise or measured.silence_ms > 0.9 * max(length_ms, BUCKET_MS)


def bucket_phase(streams: Iterable[MeasuredStream]) -> int:
    """Where the streams' buckets begin, as :func:`.intervals.into_buckets` has it."""
    return next((_phase(s.measured) for s in streams if s.measured.buckets), 0)


def _phase(measured: StreamFigures) -> int:
    return measured.buckets[0].ts % BUCKET_NS if measured.buckets else 0


def measured_streams(
    streams: Iterable[tuple[int, StreamFigures]], paths: MediaPaths
) -> list[MeasuredStream]:
    """The streams of speech, in the order of their beginnings.

    :param streams: each with its place in the evidence.
    """
    speech = [(n, each) for n, each in streams if paths.is_audio(each)]
    speech.sort(key=lambda item: item[1].first_ts)
    directions = paths.of_streams(each for _, each in speech)
    return [
        MeasuredStream(
            n,
            measured,
            direction,
            into_buckets(_intervals(measured, direction, paths), _phase(measured)),
        )
        for (n, measured), direction in zip(speech, directions, strict=True)
    ]


def _intervals(
    measured: StreamFigures, direction: Direction | None, paths: MediaPaths
) -> Iterator[Interval]:
    sender = sender_of(direction)
    for bucket in measured.buckets:
        credible = 0 < bucket.expected <= _MOST_PACKETS
        if not credible or not 0 <= bucket.lost <= bucket.expected:
            continue
        start = max(bucket.ts, measured.first_ts)
        coding = paths.coding_of(measured, start, sender)
        packet_ns = round((coding.packet_ms or 0) * 1e6)
        end = min(bucket.ts + BUCKET_NS, measured.last_ts + packet_ns)
        jitter = bucket.jitter_avg
        yield Interval(
            start,
            max(end, start + 1),
            bucket.expected,
            bucket.lost,
            None if jitter is None or not 0 <= jitter <= MOST_JITTER_MS else jitter,
            coding,
            measured.burst_ratio,
        )
