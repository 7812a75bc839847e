"""The SIP ladder as inline SVG, drawn on the server.

Attributes and classes only: the dashboard's content security policy allows no style
attribute. The colours are the style sheet's. The drawing has a fixed size, so that its
text stays readable; where it is wider than its card, the card scrolls.

A long call is drawn in pieces, each a drawing of its own under the one before. Within a
piece everything stands in groups under each other (``sv-item``), each with its height,
so that a script can fold some away and move up the rest.
"""

from __future__ import annotations

from collections.abc import Container
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import accumulate
from itertools import dropwhile

from markupsafe import escape
from markupsafe import Markup

from ....analysis.ladder.ladder import Ladder
from ....analysis.ladder.ladder import Row
from ....language import _
from ....sanitize import on_one_line
from ... import formatting as figures
from ...page import RepeatView
from . import row as ladder_row
from .media_band import draw_band
from .media_band import MediaBand
from .row import cut
from .row import draw_row

#: The page's card shows this much without scrolling.
CARD_WIDTH = 600

_SIDE = 56  # from the outer lifelines to the edge
_NARROWEST = 156  # between two lifelines, so that "200 OK PCMU" fits
HEADS_HEIGHT = 42  # of the lifelines' names
_REPEAT = 34  # of the line that stands for what is not shown each time
_PAUSE = 26  # extra height where nothing happened for long
_MARGIN = 4  # above and below a piece
_HEAD_CHARACTER = 7.7  # width of a lifeline's name's average character

#: Silence of ten seconds is worth seeing: a call that rings, talks or hangs.
PAUSE_NS = 10_000_000_000


@dataclass(frozen=True, slots=True)
class LadderDrawing:
    """The two drawings of a ladder, of the same width.

    :param heads: the lifelines' names, apart so that they can stay in sight.
    :param rows: everything below them.
    :param scrolls: whether it is wider than its card.
    """

    heads: Markup
    rows: Markup
    scrolls: bool


def draw(
    ladder: Ladder, *, media: MediaBand | None = None, unfolded: bool = True
) -> LadderDrawing:
    """Draw the whole ladder; each row links to ``#m<n>``, its message on the page.

    :param media: the band between the two ends, where media is to be shown.
    :param unfolded: whether every sending of a message is shown, not only the first.
    """
    pen = LadderPen(ladder, media=media, unfolded=unfolded)
    return LadderDrawing(pen.heads(), pen.piece(ladder.drawn), pen.scrolls)


@dataclass(frozen=True, slots=True)
class _Item:
    """What stands in a piece between two others.

    :param row: the row it is, or that it precedes.
    """

    classes: str
    height: int
    row: Row
    folded: bool


class LadderPen:
    """Draws a ladder piece by piece.

    :param fold_url: see :func:`.ladder_row.draw_row`.
    :param repeats: what is said after the messages of these numbers.
    :param left_out: the numbers of the messages that are not drawn because of that.
    """

    def __init__(
        self,
        ladder: Ladder,
        *,
        media: MediaBand | None = None,
        unfolded: bool = True,
        fold_url: str = "",
        repeats: Mapping[int, RepeatView] | None = None,
        left_out: Container[int] = (),
    ) -> None:
        self._lifelines = ladder.lifelines
        self._columns = _columns(len(ladder.lifelines))
        self._media = media
        drawn = [row for row in ladder.drawn if row.n not in left_out]
        self._before_band = _longest_gap(drawn, media) if media else None
        self._repeats = repeats or {}
        self._unfolded = unfolded
        self._fold_url = fold_url
        self.width = round(self._columns[-1] + _SIDE)

    @property
    def scrolls(self) -> bool:
        """Whether the drawing is wider than its card."""
        return self.width > CARD_WIDTH

    def heads(self) -> Markup:
        """The lifelines' names."""
        return _join(self._heads())

    def piece(self, rows: Sequence[Row]) -> Markup:
        """Some of the rows, which follow each other."""
        return _join(self._piece(rows))

    def height(self, rows: Sequence[Row]) -> int:
        """How high the piece of these rows is, before it is drawn."""
        shown = sum(item.height for item in self._items(rows) if not item.folded)
        return shown + 2 * _MARGIN

    def _items(self, rows: Sequence[Row]) -> Iterator[_Item]:
        for row in rows:
            folded = row.retransmission and not self._unfolded
            if self._media and row.n == self._before_band:
                yield _Item("sv-mediaband", self._media.height, row, False)
            elif row.delta_ns >= PAUSE_NS:
                yield _Item("sv-pause", _PAUSE, row, folded)
            yield _Item("", ladder_row.height(row, self._columns), row, folded)
            if row.n in self._repeats:
                yield _Item("sv-repeat", _REPEAT, row, False)

    def _piece(self, rows: Sequence[Row]) -> Iterator[str]:
        items = list(self._items(rows))
        shown = [0 if item.folded else item.height for item in items]
        tops = list(accumulate(shown, initial=_MARGIN))
        height = tops.pop() + _MARGIN
        yield (
            f'<svg class="sv-rungs" width="{self.width}" height="{height}"'
            f' viewBox="0 0 {self.width} {height}" role="group"'
            f' aria-label="{escape(self._name(rows))}">'
        )
        yield from self._media_ground(items, tops, height)
        for x in self._columns:
            yield (
                f'<line class="sv-life" x1="{x:.0f}" x2="{x:.0f}" y1="0"'
                f' y2="{height}"/>'
            )
        for top, item in zip(tops, items, strict=True):
            yield from self._item(item, top)
        yield "</svg>"

    def _name(self, rows: Sequence[Row]) -> str:
        return _("SIP ladder, messages {first} to {last}").format(
            first=rows[0].n, last=rows[-1].n
        )

    def _item(self, item: _Item, top: int) -> Iterator[str]:
        classes = " ".join(filter(None, ["sv-item", item.classes]))
        if item.folded:
            classes += " sv-folded"
        again = f' data-again="{item.row.first}"' if item.row.retransmission else ""
        yield (
            f'<g class="{classes}" transform="translate(0 {top})"'
            f' data-height="{item.height}"{again}>'
        )
        if item.classes == "sv-pause":
            yield self._pause(item.row)
        elif item.classes == "sv-repeat":
            yield self._repeat(self._repeats[item.row.n])
        elif self._media and item.classes == "sv-mediaband":
            yield from draw_band(self._media, *self._media_ends(), ladder_row.TIMES)
        else:
            yield from draw_row(
                item.row, self._lifelines, self._columns, self.width, self._fold_url
            )
        yield "</g>"

    def _pause(self, row: Row) -> str:
        y = _PAUSE / 2
        words = escape(figures.duration(row.delta_ns / 1_000_000))
        edge = ladder_row.TIMES
        return (
            f'<line x1="{edge}" x2="{self.width - 8}" y1="{y:.0f}" y2="{y:.0f}"'
            f' aria-hidden="true"/><text x="{edge - 16}" y="{y + 4:.0f}"'
            f' text-anchor="end" aria-hidden="true">{words}</text>'
        )

    def _repeat(self, repeat: RepeatView) -> str:
        words = escape(repeat.text)
        left = ladder_row.TIMES + 12
        width = self.width - left - 8
        return (
            f'<a class="sv-repeatlink" href="{escape(repeat.url)}" role="button">'
            f'<rect x="{left}" y="4" width="{width}" height="24" rx="12"/>'
            f'<text x="{left + width / 2:.0f}" y="20" text-anchor="middle">{words} ▸'
            "</text></a>"
        )

    def _media_ends(self) -> tuple[float, float]:
        assert self._media is not None
        span = self._media.span
        left, right = sorted((self._columns[span.source], self._columns[span.target]))
        return left, right

    def _media_ground(
        self, items: list[_Item], tops: list[int], height: int
    ) -> Iterator[str]:
        """The ground of the rows during which media flows, as far as they are here."""
        if self._media is None:
            return
        span = self._media.span
        first, last = items[0].row.n, items[-1].row.n
        if last <= span.first or first >= span.last:
            return
        top, bottom = 0, height
        for y, item in zip(tops, items, strict=True):
            if item.row.n == span.first:
                top = y + item.height
            elif item.row.n == span.last and not item.classes:
                bottom = y
        left, right = self._media_ends()
        yield (
            f'<rect class="sv-media" x="{left:.0f}" y="{top}"'
            f' width="{right - left:.0f}" height="{max(0, bottom - top)}"'
            f' data-first="{span.first}" data-last="{span.last}"/>'
        )

    def _heads(self) -> Iterator[str]:
        columns = self._columns
        yield (
            f'<svg class="sv-heads" width="{self.width}" height="{HEADS_HEIGHT}"'
            f' viewBox="0 0 {self.width} {HEADS_HEIGHT}" aria-hidden="true"'
            ' focusable="false">'
        )
        gap = columns[1] - columns[0] if len(columns) > 1 else 2.0 * _SIDE
        for x, lifeline in zip(columns, self._lifelines, strict=True):
            outer = x in (columns[0], columns[-1])
            wide = min(gap, 2 * _SIDE) if outer else gap
            room = int((wide - 6) / _HEAD_CHARACTER)
            label = on_one_line(lifeline.label)
            address = on_one_line(lifeline.address)
            yield (
                f"<g><title>{escape(label)} {escape(address)}</title>"
                f'<text class="sv-who" x="{x:.0f}" y="17" text-anchor="middle">'
                f"{escape(cut(label, room))}</text>"
            )
            if address != label:
                yield (
                    f'<text class="sv-addr" x="{x:.0f}" y="33" text-anchor="middle">'
                    f"{escape(cut(address, int(room * 1.3)))}</text>"
                )
            yield "</g>"
        yield "</svg>"


def _columns(count: int) -> list[float]:
    """Where the lifelines stand."""
    first = ladder_row.TIMES + _SIDE
    if count < 2:
        return [(first + CARD_WIDTH - _SIDE) / 2]
    gap = max(_NARROWEST, (CARD_WIDTH - first - _SIDE) / (count - 1))
    return [first + gap * column for column in range(count)]


def _longest_gap(rows: Sequence[Row], media: MediaBand) -> int | None:
    """The number of the message before which, media flowing, the least happened."""
    span = media.span
    during = [
        row
        for row in rows
        if span.first < row.n <= span.last and not row.retransmission
    ]
    # What passes on and confirms the answer belongs to the setup still.
    talk = list(dropwhile(_confirms, during)) or during
    return max(talk, key=lambda row: row.delta_ns).n if talk else None


def _confirms(row: Row) -> bool:
    return row.style == "success" or row.label == "ACK"


def _join(pieces: Iterator[str]) -> Markup:
    # Every text in the pieces was escaped where it was put in.
    return Markup("".join(pieces))  # noqa: S704
