"""The buckets of a direction as columns of its curves."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Sequence

from ....analysis.media.quality import Bucket
from ....analysis.media.quality import Figures
from ....analysis.media.quality import Quality
from ....analysis.media.quality import Verdict
from ....analysis.media.quality import worst_of
from ....language import _
from ....language import N_
from ... import formatting as figures
from ..ladder.media_band import Tone
from ..timeline.axis import TimeAxis
from .chart_svg import Column

#: More columns than this cannot be told apart; a long call has them joined.
MOST_COLUMNS = 120

VERDICT_NAMES: dict[Verdict, str] = {
    "good": N_("good"),
    "fair": N_("fair"),
    "poor": N_("poor"),
    "bad": N_("bad"),
    "unknown": N_("not rated"),
}


def is_coarse(quality: Quality) -> bool:
    """Whether the call is so long that each column of the whole stands for several
    buckets: then a stretch of it is drawn anew when it is opened.
    """
    return any(len(each.buckets) > MOST_COLUMNS for each in quality.measured)


def columns_of(buckets: Sequence[Bucket], axis: TimeAxis, start: int) -> list[Column]:
    """The buckets as columns, the worst of several for all where there are many; of
    these only what is in view.

    :param start: the call's first moment, in ns since the epoch.
    """
    if len(buckets) > MOST_COLUMNS:
        begin, end = (start + round(ms * 1e6) for ms in (axis.begin, axis.end))
        buckets = [each for each in buckets if each.end > begin and each.ts < end]
    together = -(-len(buckets) // MOST_COLUMNS) or 1
    return [
        _column(buckets[at : at + together], start)
        for at in range(0, len(buckets), together)
    ]


def _column(buckets: Sequence[Bucket], start: int) -> Column:
    def worst(name: str, choose: Callable[[list[float]], float]) -> float | None:
        values = [getattr(bucket, name) for bucket in buckets]
        known = [value for value in values if value is not None]
        return choose(known) if known else None

    verdict = worst_of(bucket.verdict for bucket in buckets)
    first, last = buckets[0].ts - start, buckets[-1].end - start
    mos, loss = worst("mos", min), worst("loss", max)
    jitter, rtt = worst("jitter", max), worst("rtt", max)
    says = [
        _("MOS {mos} ({verdict})").format(
            mos=figures.number(mos), verdict=_(VERDICT_NAMES[verdict])
        )
        if mos is not None
        else _(VERDICT_NAMES[verdict]),
        _("loss {value}").format(value=figures.number(loss, "%")),
        _("jitter {value}").format(value=figures.number(jitter, "ms")),
    ]
    if rtt is not None:
        says.append(_("round trip {value}").format(value=figures.number(rtt, "ms")))
    return Column(
        first / 1e6,
        last / 1e6,
        mos,
        loss,
        jitter,
        rtt,
        tone(verdict),
        _(VERDICT_NAMES[verdict]),
        _("{begin} to {end}: {figures}").format(
            begin=clock(first), end=clock(last), figures=", ".join(says)
        ),
    )


def tone(verdict: Verdict) -> Tone:
    """The colour of a verdict; "" for none."""
    return "" if verdict == "unknown" else verdict


def worst_heard(measured: Figures) -> Verdict:
    """The verdict of its worst stretch, or of all."""
    return worst_of([measured.verdict, *(s.verdict for s in measured.stretches)])


def clock(ns: int) -> str:
    """Minutes and seconds since the call began."""
    return figures.since(ns).partition(".")[0]
