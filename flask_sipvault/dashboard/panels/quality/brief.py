"""How well a call was heard, in a word or two: for the band on top and the ladder."""

from __future__ import annotations

from ....analysis.media.quality import Direction
from ....analysis.media.quality import Figures
from ....analysis.media.quality import Quality
from ....analysis.words.quality import direction_name
from ....analysis.words.quality import mos_words
from ....language import _
from ....sanitize import on_one_line
from ... import formatting as figures
from ...page import Figure
from ..ladder.media_band import MediaLine
from .columns import clock
from .columns import tone
from .columns import VERDICT_NAMES
from .columns import worst_heard

#: As the called side and the caller are drawn: to the right, to the left.
_ARROWS: dict[Direction, str] = {"uac": "→", "uas": "←"}


def mos_figure(quality: Quality, direction: Direction) -> Figure:
    """A direction's MOS for the band under the headline."""
    measured = quality.directions[direction]
    label = _("MOS {direction}").format(direction=direction_name(quality, direction))
    if measured is None:
        return Figure(label, figures.NONE, _("not measured"))
    if measured.mos.avg is None:
        return Figure(label, figures.NONE, on_one_line(measured.codec or ""))
    worst, low = worst_heard(measured), measured.mos.min
    note = _(VERDICT_NAMES[measured.verdict])
    if low is not None and worst != measured.verdict:
        note = _("worst {least:.1f}, {verdict}").format(
            least=low, verdict=_(VERDICT_NAMES[worst])
        )
    return Figure(label, f"{measured.mos.avg:.1f}", note, tone(worst))


def loss_figure(quality: Quality) -> Figure:
    """The losses of both directions."""
    losses = [
        None if each is None else each.loss.avg for each in (quality.uac, quality.uas)
    ]
    if losses == [None, None]:
        return Figure(_("Loss → / ←"), figures.NONE, _("not measured"))
    there, back = (figures.number(loss, "%") for loss in losses)
    label = _("Loss → / ←") if quality.labels_certain else _("Loss, each way")
    return Figure(label, f"{there} / {back}")


def media_lines(quality: Quality, start: int) -> list[MediaLine]:
    """Both directions' MOS for the band in the ladder; nothing where there is none.

    :param start: the call's first message, in ns since the epoch.
    """
    if not quality.labels_certain:
        return []
    lines = []
    for direction, measured in quality.directions.items():
        if measured is None or not any(b.mos is not None for b in measured.buckets):
            continue
        points = [
            ((bucket.ts + bucket.end) // 2 - start, bucket.mos)
            for bucket in measured.buckets
        ]
        label = _band_label(direction, measured, start)
        lines.append(MediaLine(label, points, tone(worst_heard(measured))))
    return lines


def _band_label(direction: Direction, measured: Figures, start: int) -> str:
    """``← MOS 3.7, worst 2.3 at 1:26``"""
    label = f"{_ARROWS[direction]} {mos_words(measured)}"
    rated = [bucket for bucket in measured.buckets if bucket.mos is not None]
    worst = min(rated, key=lambda bucket: bucket.mos or 0.0)
    if measured.mos.avg is None or not measured.stretches:
        return label
    at = clock((worst.ts + worst.end) // 2 - start)
    return _("{label} at {time}").format(label=label, time=at)
