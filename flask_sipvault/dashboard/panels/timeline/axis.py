"""The time axis that everything of a call has in common.

Drawings on it are as wide as the page, whatever that is: what stands at a time stands
at so many percent, and text keeps its size. Times here are milliseconds since the
call's first moment, as for the scripts, which zoom by putting the same things
elsewhere.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import escape
from markupsafe import Markup

from ... import formatting as figures

#: Distances of the marks on the axis, in ms.
_STEPS = (
    *(1, 2, 5, 10, 20, 50, 100, 200, 500),
    *(1_000, 2_000, 5_000, 10_000, 15_000, 20_000, 30_000),
    *(60_000, 120_000, 300_000, 600_000, 900_000, 1_800_000),
    *(3_600_000, 7_200_000, 14_400_000, 43_200_000, 86_400_000),
)

#: So many marks fit beside each other.
_MOST_MARKS = 7

#: A stretch shorter than this, in ms, is not drawn larger.
SHORTEST_MS = 10.0

#: How much is seen before and behind what is looked at, as a share of it.
_MARGIN = 0.015

#: In the address of a page: the stretch that is open.
_SPAN = re.compile(r"(-?[0-9]{1,12})_(-?[0-9]{1,12})")


@dataclass(frozen=True, slots=True)
class TimeAxis:
    """The axis, and what of it is in view.

    :param first: the first moment of the call's evidence, in ms; ``last`` the last.
    :param begin: where the view begins, in ms, ``end`` where it ends.
    """

    first: float
    last: float
    begin: float
    end: float

    def at(self, ms: float) -> str:
        """Where a time is, in percent of the width: ``12.34%``."""
        share = (ms - self.begin) / (self.end - self.begin)
        # What is far out of sight need not be far out.
        return f"{100 * min(max(share, -1.0), 2.0):.3f}%"

    def wide(self, start: float, end: float) -> str:
        """How wide a stretch is, in percent of the width."""
        left, right = (float(self.at(ms)[:-1]) for ms in (start, end))
        return f"{max(right - left, 0):.3f}%"

    def marks(self) -> Iterator[tuple[float, str]]:
        """Times to be marked, with their names: ``1:20``."""
        step = self.step()
        ms = -(-self.begin // step) * step
        while ms <= self.end:
            whole = figures.since(round(ms * 1_000_000))
            yield ms, whole if step < 1000 else whole.partition(".")[0]
            ms += step

    def step(self) -> float:
        """From one mark to the next, in ms."""
        length = self.end - self.begin
        fitting = (step for step in _STEPS if length / step <= _MOST_MARKS)
        return next(fitting, length / _MOST_MARKS)


def whole_axis(first: float, last: float, span: str = "") -> TimeAxis:
    """The axis from a call's first moment to its last.

    :param span: what of it is wanted, as in the address of a page; "" for all.
    """
    last = max(last, first + 1)
    found = _SPAN.fullmatch(span)
    if found is not None:
        begin, end = float(found[1]), float(found[2])
        if begin < end and begin < last and end > first:
            return TimeAxis(first, last, begin, max(end, begin + SHORTEST_MS))
    margin = (last - first) * _MARGIN
    return TimeAxis(first, last, first - margin, last + margin)


def span_of(begin: float, end: float) -> str:
    """A stretch as it stands in the address of a page, with something around it."""
    margin = max((end - begin) * 0.05, SHORTEST_MS)
    return f"{round(begin - margin)}_{round(end + margin)}"


def scale(axis: TimeAxis) -> Markup:
    """The row of marks under what is drawn."""
    pieces = []
    for number, (ms, name) in enumerate(axis.marks()):
        share = float(axis.at(ms)[:-1])
        anchor = "start" if share < 5 else "end" if share > 95 else "middle"
        odd = " sv-odd" if number % 2 else ""
        pieces.append(
            f'<text class="sv-mark{odd}" x="{axis.at(ms)}" y="12"'
            f' text-anchor="{anchor}">{escape(name)}</text>'
        )
    # Times made of figures alone, and escaped besides.
    return Markup(  # noqa: S704
        '<svg class="sv-track" height="16" aria-hidden="true" data-sv-scale>'
        f"{''.join(pieces)}</svg>"
    )


def grid(axis: TimeAxis) -> Markup:
    """The lines at those marks, behind what is drawn."""
    lines = "".join(
        f'<line class="sv-grid" x1="{axis.at(ms)}" x2="{axis.at(ms)}" y1="0"'
        ' y2="100%"/>'
        for ms, _name in axis.marks()
    )
    return Markup(  # noqa: S704 - figures alone
        '<svg class="sv-gridlines" aria-hidden="true" focusable="false"'
        f" data-sv-grid>{lines}</svg>"
    )
