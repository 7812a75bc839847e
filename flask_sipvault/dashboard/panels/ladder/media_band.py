"""Media in the ladder: a band between the two ends, with a curve for each direction.

When it flows is the signalling's word, see
:class:`flask_sipvault.analysis.ladder.ladder.MediaSpan`; how it was heard is up to
whoever measured it, and comes as lines.
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from markupsafe import escape

from ....analysis.ladder.ladder import MediaSpan
from ....analysis.words.text import duration
from ....language import _
from ....sanitize import on_one_line
from ... import formatting as figures
from ...pagination import ms_of

_BARE = 30  # the height of a band that says no more than its title
_LINE = 34  # what each curve adds to it
_TITLE = 22  # where the first curve begins
_INSET = 10


#: The colour of a verdict; "" for none.
Tone = Literal["good", "fair", "poor", "bad", ""]


@dataclass(frozen=True, slots=True)
class MediaLine:
    """One direction's values over the time of the band.

    :param label: what the curve says, in words: ``→ 4.3``, ``← 3.7, worst 2.3 at
        1:26``. The tone is the same in colour.
    :param points: times since the call's first message, in ns, and values; None where
        nothing was measured, which parts the curve.
    """

    label: str
    points: Sequence[tuple[int, float | None]]
    tone: Tone = ""


@dataclass(frozen=True, slots=True)
class MediaBand:
    """The band of a call.

    :param title: ``PCMU, 2 min 14 s``.
    :param low: the value at the bottom of a curve's strip, ``high`` at its top.
    """

    span: MediaSpan
    title: str
    lines: Sequence[MediaLine] = ()
    low: float = 1.0
    high: float = 4.5

    @property
    def height(self) -> int:
        """Of the drawing, in pixels."""
        return _BARE + _LINE * len(self.lines)


def media_band(span: MediaSpan, lines: Sequence[MediaLine] = ()) -> MediaBand:
    """The band of a call, with what was measured of its media, if anything was."""
    length = duration((span.end_ns - span.start_ns) / 1_000_000)
    words = [
        _("Media {codecs}").format(codecs=span.codecs).rstrip(),
        length if span.ended else f"{length} +",
    ]
    if not lines:
        words.append(_("by the signalling"))
    return MediaBand(span, on_one_line(" · ".join(words)), lines)


def draw_band(band: MediaBand, left: float, right: float, times: int) -> Iterator[str]:
    """The band between two lifelines, its upper edge at 0.

    :param times: where the column of times ends.
    """
    span, inner = band.span, band.height - 6
    start, end = (
        figures.since(at).partition(".")[0] for at in (span.start_ns, span.end_ns)
    )
    yield (
        f'<text class="sv-time" x="{times - 16}" y="{band.height / 2 + 4:.0f}"'
        f' text-anchor="end">{escape(start)} {figures.NONE} {escape(end)}</text>'
        f'<rect class="sv-band" x="{left:.0f}" y="3" width="{right - left:.0f}"'
        f' height="{inner}" rx="4" data-from="{ms_of(span.start_ns)}"'
        f' data-to="{ms_of(span.end_ns)}"/>'
        f'<text class="sv-sub" x="{left + _INSET:.0f}" y="18">'
        f"{escape(band.title)}</text>"
    )
    for at, line in enumerate(band.lines):
        top = _TITLE + at * _LINE
        yield from _curve(band, line, left + _INSET, right - _INSET, top)


def _curve(
    band: MediaBand, line: MediaLine, left: float, right: float, top: int
) -> Iterator[str]:
    tone = f" sv-{line.tone}" if line.tone else ""
    for stretch in _stretches(band, line, left, right, top):
        points = " ".join(f"{x:.1f},{y:.1f}" for x, y in stretch)
        yield f'<polyline class="sv-curve{tone}" points="{points}"/>'
    yield (
        f'<text class="sv-sub sv-curvelabel{tone}" x="{right:.0f}"'
        f' y="{top + _LINE - 5}" text-anchor="end">'
        f"{escape(on_one_line(line.label))}</text>"
    )


def _stretches(
    band: MediaBand, line: MediaLine, left: float, right: float, top: int
) -> Iterator[list[tuple[float, float]]]:
    """The parts of a curve between which nothing was measured."""
    start, end = band.span.start_ns, band.span.end_ns
    wide, high = max(1, end - start), band.high - band.low
    stretch: list[tuple[float, float]] = []
    for at, value in line.points:
        if value is None:
            if stretch:
                yield stretch
            stretch = []
            continue
        share = min(1.0, max(0.0, (at - start) / wide))
        level = min(1.0, max(0.0, (value - band.low) / high))
        y = top + 2 + (1 - level) * (_LINE - 16)
        stretch.append((left + share * (right - left), y))
    if stretch:
        yield stretch
