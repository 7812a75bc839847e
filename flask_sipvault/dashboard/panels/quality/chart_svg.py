"""The curves of voice quality as inline SVG, drawn on the server.

Why not a charting library: uPlot and its like draw on a canvas, so that without script
there is nothing, a screen reader finds nothing, paper shows pixels, and the colours of
light and dark have to be told to it again. pygal writes style elements, which the
content security policy forbids, and svg.py nothing that a few lines do not. A strip
here is some hundred bytes of SVG for each five seconds, needs no script to be read, and
zooms by its ``viewBox``.

Attributes and classes only, as the content security policy allows no style attribute.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import escape
from markupsafe import Markup

from ... import formatting as figures
from ..timeline.axis import TimeAxis

#: Of a strip, in pixels.
HEIGHT = 46
_TALL = 66

#: Within the curve's own drawing, which is stretched to the strip, from the top.
_GROUND = 100

#: What is not good, from fair to bad.
LESSER = ("fair", "poor", "bad")

#: A word is about so wide, in percent of a page on a desk.
_WORD_PERCENT = 2.5

#: Columns of one stretch follow each other within so many ms.
_TOUCHING_MS = 1000.0


@dataclass(frozen=True, slots=True)
class Column:
    """Some seconds of one direction; None where nothing was measured.

    :param begin: in ms since the call's first moment, as ``end``.
    :param tone: of the verdict, ``word`` the verdict itself.
    :param says: all of it in words.
    """

    begin: float
    end: float
    mos: float | None
    loss: float | None
    jitter: float | None
    rtt: float | None
    tone: str
    word: str
    says: str


@dataclass(frozen=True, slots=True)
class Strip:
    """One figure over the call.

    :param field: which of a column's figures.
    :param least: the value at the bottom, ``most`` at the top.
    """

    name: str
    field: str
    columns: Sequence[Column]
    unit: str = ""
    least: float = 0.0
    most: float = 1.0


def draw_strip(strip: Strip, axis: TimeAxis) -> Markup:
    """The curve of a figure, bad stretches behind it, columns to point at above.

    Nothing where nothing was measured.
    """
    return Markup("".join(_strip(strip, axis)))  # noqa: S704 - every text was escaped


def _strip(strip: Strip, axis: TimeAxis) -> Iterator[str]:
    if all(getattr(column, strip.field) is None for column in strip.columns):
        return
    height = _TALL if strip.field == "mos" else HEIGHT
    words = ", ".join([strip.name, *_extremes(strip)])
    yield (
        f'<svg class="sv-track sv-strip sv-{strip.field}" height="{height}"'
        f' role="img" aria-label="{escape(words)}">'
    )
    yield from _stretches(strip, axis, height)
    base = height - 1
    yield (
        f'<line class="sv-base" x1="0" x2="100%" y1="{base}" y2="{base}"/>'
        f'<svg class="sv-plot" width="100%" height="{height}"'
        f' viewBox="{axis.begin:.3f} 0 {axis.end - axis.begin:.3f} {_GROUND}"'
        ' preserveAspectRatio="none" data-sv-plot aria-hidden="true">'
    )
    for run in _runs(strip):
        line = _line(strip, run)
        if strip.field != "mos":
            first, last = run[0].begin, run[-1].end
            area = f"{line}L{last:.0f} {_GROUND}L{first:.0f} {_GROUND}Z"
            yield f'<path class="sv-area" d="{area}"/>'
        yield f'<path class="sv-line" d="{line}" vector-effect="non-scaling-stroke"/>'
    yield "</svg>"
    top = figures.number(strip.most, strip.unit, 1 if strip.field == "mos" else 0)
    # On the right: on the left stands the cursor until somebody moves it.
    yield (
        '<text class="sv-scaletext" x="99.7%" y="11" text-anchor="end">'
        f"{escape(top)}</text>"
    )
    for column in strip.columns:
        middle = (column.begin + column.end) / 2
        yield (
            f'<rect class="sv-col" x="{axis.at(column.begin)}" y="0"'
            f' width="{axis.wide(column.begin, column.end)}" height="100%"'
            f' data-from="{column.begin:.0f}" data-to="{column.end:.0f}"'
            f' data-sv-choose="quality" data-ms="{middle:.0f}">'
            f"<title>{escape(column.says)}</title></rect>"
        )
    yield "</svg>"


def _extremes(strip: Strip) -> list[str]:
    values = [getattr(column, strip.field) for column in strip.columns]
    known = [value for value in values if value is not None]
    if not known:
        return [figures.NONE]
    least, most = (
        figures.number(value, strip.unit) for value in (min(known), max(known))
    )
    return [least] if least == most else [f"{least} {figures.NONE} {most}"]


def _runs(strip: Strip) -> Iterator[list[Column]]:
    """Columns in a row that have the figure."""
    run: list[Column] = []
    for column in strip.columns:
        if run and column.begin - run[-1].end >= _TOUCHING_MS:
            yield run
            run = []
        if getattr(column, strip.field) is not None:
            run.append(column)
        elif run:
            yield run
            run = []
    if run:
        yield run


def _line(strip: Strip, run: Sequence[Column]) -> str:
    """A step for each column: it stands for all of its time."""
    steps = []
    for number, column in enumerate(run):
        value = getattr(column, strip.field)
        share = (value - strip.least) / (strip.most - strip.least)
        y = (1 - min(max(share, 0.0), 1.0)) * (_GROUND - 8) + 4
        begin = column.begin if number == 0 else run[number - 1].end
        steps.append(f"{'L' if number else 'M'}{begin:.0f} {y:.1f}H{column.end:.0f}")
    return "".join(steps)


def lesser_runs(columns: Iterable[Column]) -> list[list[Column]]:
    """What is less than good: columns in a row that share a verdict."""
    runs: list[list[Column]] = []
    for column in columns:
        if column.tone not in LESSER:
            continue
        last = runs[-1][-1] if runs else None
        follows = last is not None and column.begin - last.end < _TOUCHING_MS
        if last is not None and follows and last.tone == column.tone:
            runs[-1].append(column)
        else:
            runs.append([column])
    return runs


def _stretches(strip: Strip, axis: TimeAxis, height: int) -> Iterator[str]:
    runs = lesser_runs(strip.columns)
    for run in runs:
        begin, end = run[0].begin, run[-1].end
        yield (
            f'<rect class="sv-stretch sv-{run[0].tone}" x="{axis.at(begin)}" y="0"'
            f' width="{axis.wide(begin, end)}" height="{height}"'
            f' data-from="{begin:.0f}" data-to="{end:.0f}"/>'
        )
    if strip.field == "mos":
        yield from draw_words(runs, axis, height - 6)


def draw_words(
    runs: Sequence[Sequence[Column]], axis: TimeAxis, y: int
) -> Iterator[str]:
    """The word of each run, as far as there is room; of several side by side the worst
    always.
    """
    for number, run in enumerate(runs):
        near = [
            other[0].tone
            for other in runs[max(number - 2, 0) : number + 3]
            if abs(other[0].begin - run[0].begin) < (axis.end - axis.begin) / 10
        ]
        worst = max(near, key=LESSER.index) == run[0].tone
        begin, end = run[0].begin, run[-1].end
        narrow = float(axis.wide(begin, end)[:-1]) < _WORD_PERCENT
        rank = " sv-worst" if worst else " sv-lesser" if narrow else ""
        yield (
            f'<text class="sv-word{rank} sv-{run[0].tone}" x="{axis.at(begin)}"'
            f' dx="3" y="{y}" data-at="{begin:.0f}" data-until="{end:.0f}">'
            f"{escape(run[0].word)}</text>"
        )
