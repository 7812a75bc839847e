"""Intervals of speech rated by the E-model, with all that is taken for granted."""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass

from . import emodel
from . import jitter_buffer
from .intervals import Interval
from .paths import Coding
from .quality import Bucket
from .quality import DegradedPeriod
from .quality import Note
from .quality import Scale
from .quality import Source
from .quality import Verdict
from .quality import VERDICTS
from .quality import worst_of
from .rtcp_streams import USUAL_PACKET_MS

_NO_CODEC = Note("no-mos-codec-unknown")


class Times:
    """Values with their times, to find those of a time."""

    def __init__(self, values: Iterable[tuple[int, float]] = ()) -> None:
        self._values = sorted(values)
        self._times = [ts for ts, _ in self._values]

    def __len__(self) -> int:
        return len(self._values)

    def within(self, start: int, end: int) -> float | None:
        """The mean of those from a time to another; None where there are none."""
        here = self._values[
            bisect_left(self._times, start) : bisect_left(self._times, end)
        ]
        return sum(value for _, value in here) / len(here) if here else None

    def nearest(self, ts: int) -> float | None:
        """The one nearest to a time; None where there is none at all."""
        at = bisect_left(self._times, ts)
        near = self._values[max(at - 1, 0) : at + 1]
        return min(near, key=lambda item: abs(item[0] - ts))[1] if near else None


@dataclass(frozen=True, slots=True)
class Network:
    """What is known of the way besides losses and jitter.

    :param there: round trips from the capture to the listener, ``back`` to the speaker.
    :param whole: round trips between the two ends, as one of them measured.
    :param discarded: what the listener's jitter buffer lost, in percent, as it said.
    """

    there: Times
    back: Times
    whole: Times
    discarded: float | None = None

    @property
    def source(self) -> Source | None:
        """Who measured the round trips of single buckets."""
        return "rtcp" if self.there else "rtcp-xr" if self.whole else None

    def to_listener(self, start: int, end: int) -> float | None:
        """The mean from a time to another, as it is shown."""
        return (self.there or self.whole).within(start, end)

    def round_trip(self, ts: int) -> float | None:
        """Between the two ends, as near to a time as it was measured."""
        whole = self.whole.nearest(ts)
        if whole is not None:
            return whole
        parts = [self.there.nearest(ts), self.back.nearest(ts)]
        known = [part for part in parts if part is not None]
        return sum(known) if known else None


class Rater:
    """Rates one direction, or one stream, and keeps account of what it assumes.

    :param unheard: why nobody heard it, so that it has no MOS.
    :ivar no_mos: why some of it has no MOS; None while all has.
    """

    def __init__(
        self, scale: Scale, network: Network, unheard: Note | None = None
    ) -> None:
        self.no_mos = unheard
        self._unheard = unheard is not None
        self._scale = scale
        self._network = network
        self._assumptions: dict[Note, None] = {}

    @property
    def assumptions(self) -> list[Note]:
        """What the ratings rest on that was not measured."""
        return list(self._assumptions)

    def bucket(self, interval: Interval) -> Bucket:
        """The bucket that an interval comes to."""
        loss = min(100 * interval.lost / interval.expected, 100.0)
        rtt = self._network.to_listener(interval.start, interval.end)
        round_trip = self._network.round_trip((interval.start + interval.end) // 2)
        r = self.rate(
            interval.coding, loss, interval.jitter, round_trip, interval.burst_ratio
        )
        mos = None if r is None else round(emodel.mos(r), 3)
        verdict = self._scale.verdict(mos)
        heard = verdict
        if round_trip is not None and verdict in ("poor", "bad"):
            heard = self._verdict_but_for_delay(interval, loss)
        return Bucket(
            interval.start,
            interval.end,
            loss=round(loss, 3),
            jitter=_rounded(interval.jitter),
            rtt=_rounded(rtt),
            r=_rounded(r),
            mos=mos,
            verdict=verdict,
            heard=heard,
        )

    def _verdict_but_for_delay(self, interval: Interval, loss: float) -> Verdict:
        coding = interval.coding
        concealment = self._scale.g711_concealment
        assert coding.codec is not None
        model = emodel.model(coding.codec, fmtp=coding.fmtp, concealment=concealment)
        assert model is not None
        r = emodel.r_factor(
            coding.codec,
            loss_percent=self._with_discards(loss, interval.jitter, model),
            delay_ms=0,
            burst_ratio=interval.burst_ratio or 1.0,
            fmtp=coding.fmtp,
            concealment=concealment,
        )
        return self._scale.verdict(None if r is None else emodel.mos(r))

    def _with_discards(
        self, loss: float, jitter: float | None, model: emodel.Model
    ) -> float:
        """What is lost to the listener, with what comes too late, in percent."""
        discarded = self._network.discarded
        if discarded is None:
            # A guess must not cost a codec without Bpl its MOS.
            guessed = jitter_buffer.discarded_percent(jitter)
            discarded = 0.0 if model.bpl is None else guessed
        return loss + discarded - loss * discarded / 100

    def rate(
        self,
        coding: Coding,
        loss: float,
        jitter: float | None,
        round_trip: float | None,
        burst_ratio: float | None,
    ) -> float | None:
        """R of speech; None, and the reason in :attr:`no_mos`, where it has none."""
        concealment = self._scale.g711_concealment
        if self._unheard:
            return None
        if coding.refused and coding.payload_type is not None:
            self.no_mos = Note.of(
                "no-mos-not-negotiated", payload_type=coding.payload_type
            )
            return None
        if coding.codec is None:
            self.no_mos = _NO_CODEC
            return None
        model = emodel.model(coding.codec, fmtp=coding.fmtp, concealment=concealment)
        if model is None:
            self.no_mos = Note.of("no-mos-codec-unpublished", codec=coding.codec)
            return None
        delay = emodel.mouth_to_ear_ms(
            round_trip_ms=round_trip,
            jitter_ms=jitter,
            packet_ms=coding.packet_ms or USUAL_PACKET_MS,
            look_ahead_ms=model.look_ahead_ms,
        )
        r = emodel.r_factor(
            coding.codec,
            loss_percent=self._with_discards(loss, jitter, model),
            delay_ms=delay,
            burst_ratio=burst_ratio or 1.0,
            fmtp=coding.fmtp,
            concealment=concealment,
        )
        if r is None:
            self.no_mos = Note.of("no-mos-loss-unpublished", codec=model.name)
        self._note(model, coding, jitter, round_trip, burst_ratio if loss else 1.0)
        return r

    def _note(
        self,
        model: emodel.Model,
        coding: Coding,
        jitter: float | None,
        round_trip: float | None,
        burst_ratio: float | None,
    ) -> None:
        figures: dict[str, str | float] = {
            "codec": model.name,
            "ie": model.ie,
            "source": model.source,
        }
        if model.bpl is not None:
            figures["bpl"] = model.bpl
        kind = "wideband" if model.wideband else "narrowband"
        assumed = [Note.of(f"e-model-{kind}", **figures)]
        if model.note:
            assumed.append(Note(model.note))
        known = self._network.discarded is not None
        assumed.append(Note("discards-reported" if known else "jitter-buffer"))
        if jitter is None:
            assumed.append(Note("jitter-unknown"))
        assumed.append(Note("delay-unknown" if round_trip is None else "delay"))
        if coding.packet_ms is None:
            assumed.append(Note("packet-length"))
        if burst_ratio is None:
            assumed.append(Note("bursts-unknown"))
        elif burst_ratio > 1:
            assumed.append(Note("burst-ratio"))
        self._assumptions |= dict.fromkeys(assumed)


def stretches(buckets: Sequence[Bucket]) -> list[DegradedPeriod]:
    """Where it was heard badly: buckets in a row that are less than good, if one of
    them is poor or bad.
    """
    found: list[DegradedPeriod] = []
    run: list[Bucket] = []
    for bucket in [*buckets, None]:
        lesser = bucket is not None and bucket.verdict in VERDICTS[1:]
        follows = bucket is not None and (not run or bucket.ts - run[-1].end < 1e9)
        if run and not (lesser and follows):
            found += _stretch(run)
            run = []
        if lesser and bucket is not None:
            run.append(bucket)
    return found


def _stretch(run: list[Bucket]) -> list[DegradedPeriod]:
    worst = worst_of(bucket.verdict for bucket in run)
    if worst == "fair":
        return []
    return [
        DegradedPeriod(
            run[0].ts,
            run[-1].end,
            worst,
            min((b.mos for b in run if b.mos is not None), default=None),
            max((b.loss for b in run if b.loss is not None), default=None),
            by_delay=all(b.heard not in VERDICTS[2:] for b in run),
        )
    ]


def _rounded(value: float | None) -> float | None:
    return None if value is None else round(value, 3)
