"""The SIP ladder as inline SVG, drawn on the server.

Attributes and classes only: the dashboard's content security policy allows no style
attribute. The colours are the style sheet's. The drawing has a fixed size, so that its
text stays readable; where it is wider than its card, the card scrolls.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from markupsafe import escape
from markupsafe import Markup

from ..analysis.ladder import Ladder
from ..analysis.ladder import Row
from . import figures
from .plain import on_one_line

#: The page's card shows this much without scrolling.
CARD_WIDTH = 600

_TIMES = 120  # the columns of time and delta
_SIDE = 64  # from the outer lifelines to the edge
_NARROWEST = 156  # between two lifelines, so that "200 OK PCMU" fits
_HEADS = 42
_ROW = 28
_PAUSE = 26  # extra height where nothing happened for long
_LOOP = 34  # how far a message to oneself reaches out
_CHARACTER = 6.4  # width of a label's average character, in pixels
_TAIL = 6  # characters kept at the end of a detail that does not fit
_HEAD_CHARACTER = 7.7  # the same of a lifeline's name

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


def draw(ladder: Ladder) -> LadderDrawing:
    """Draw the ladder; each row links to ``#m<n>``, its message on the page."""
    columns = _columns(len(ladder.lifelines))
    width = round(columns[-1] + _SIDE)
    return LadderDrawing(
        heads=_join(_heads(ladder, columns, width)),
        rows=_join(_rows(ladder, columns, width)),
        scrolls=width > CARD_WIDTH,
    )


def _columns(count: int) -> list[float]:
    """Where the lifelines stand."""
    first = _TIMES + _SIDE
    if count < 2:
        return [(first + CARD_WIDTH - _SIDE) / 2]
    gap = max(_NARROWEST, (CARD_WIDTH - first - _SIDE) / (count - 1))
    return [first + gap * column for column in range(count)]


def _heads(ladder: Ladder, columns: list[float], width: int) -> Iterator[str]:
    yield (
        f'<svg class="sv-heads" width="{width}" height="{_HEADS}"'
        f' viewBox="0 0 {width} {_HEADS}" aria-hidden="true" focusable="false">'
    )
    gap = columns[1] - columns[0] if len(columns) > 1 else 2.0 * _SIDE
    room = int((min(gap, 2 * _SIDE) - 6) / _HEAD_CHARACTER)
    for x, lifeline in zip(columns, ladder.lifelines, strict=True):
        label, address = on_one_line(lifeline.label), on_one_line(lifeline.address)
        yield f"<g><title>{escape(label)} {escape(address)}</title>"
        yield (
            f'<text class="sv-who" x="{x:.0f}" y="17" text-anchor="middle">'
            f"{escape(_cut(label, room))}</text>"
        )
        if address != label:
            yield (
                f'<text class="sv-addr" x="{x:.0f}" y="33" text-anchor="middle">'
                f"{escape(_cut(address, int(room * 1.3)))}</text>"
            )
        yield "</g>"
    yield "</svg>"


def _rows(ladder: Ladder, columns: list[float], width: int) -> Iterator[str]:
    tops, height = _tops(ladder.rows)
    yield (
        f'<svg class="sv-rungs" width="{width}" height="{height}"'
        f' viewBox="0 0 {width} {height}" role="group"'
        ' aria-labelledby="sv-ladder-title">'
        '<title id="sv-ladder-title">SIP ladder: a row a message, in time order</title>'
    )
    for x in columns:
        yield f'<line class="sv-life" x1="{x:.0f}" x2="{x:.0f}" y1="0" y2="{height}"/>'
    for top, row in zip(tops, ladder.rows, strict=True):
        if row.delta_ns >= PAUSE_NS:
            yield _pause(top, row, width)
        yield _row(ladder, row, columns, top, width)
    yield "</svg>"


def _tops(rows: list[Row]) -> tuple[list[int], int]:
    """The upper edge of each row, and the height of them all."""
    tops, y = [], 4
    for row in rows:
        if row.delta_ns >= PAUSE_NS:
            y += _PAUSE
        tops.append(y)
        y += _ROW
    return tops, y + 8


def _pause(top: int, row: Row, width: int) -> str:
    y = top - _PAUSE / 2
    words = escape(figures.duration(row.delta_ns / 1_000_000))
    return (
        f'<g class="sv-pause" aria-hidden="true">'
        f'<line x1="{_TIMES}" x2="{width - 8}" y1="{y:.0f}" y2="{y:.0f}"/>'
        f'<text x="{_TIMES - 8}" y="{y + 4:.0f}" text-anchor="end">{words}</text></g>'
    )


def _row(ladder: Ladder, row: Row, columns: list[float], top: int, width: int) -> str:
    start, end = columns[row.source], columns[row.target]
    base = top + 20
    classes = f"sv-row sv-{row.style}"
    if row.retransmission:
        classes += " sv-again"
    names = [ladder.lifelines[end].label for end in (row.source, row.target)]
    since = figures.since(row.since_start_ns)
    spoken = f"{row.label} from {names[0]} to {names[1]} at {since}"
    if row.detail:
        spoken += f", {row.detail}"
    spoken = on_one_line(spoken)
    pieces = [
        f'<a class="{classes}" id="r{row.n}" href="#m{row.n}" data-n="{row.n}"'
        f' aria-label="{escape(spoken)}">',
        f"<title>{escape(spoken)}</title>",
        f'<rect class="sv-hit" x="1" y="{top}" width="{width - 2}"'
        f' height="{_ROW - 2}" rx="4"/>',
        f'<text class="sv-time" x="62" y="{base - 3}" text-anchor="end">'
        f"{escape(since)}</text>",
    ]
    if row is not ladder.rows[0]:
        pieces.append(
            f'<text class="sv-delta" x="68" y="{base - 3}">'
            f"{escape(figures.delta(row.delta_ns))}</text>"
        )
    pieces.append(_arrow(start, end, base))
    pieces.append(_label(row, start, end, base, width))
    pieces.append("</a>")
    return "".join(pieces)


def _arrow(start: float, end: float, y: int) -> str:
    if start == end:
        out, back = f"h{_LOOP}", f"h-{_LOOP - 6}"
        return (
            f'<path class="sv-arrow" d="M{start:.0f} {y - 5} {out} v8 {back}"/>'
            f'<path class="sv-head" d="M{start + 2:.0f} {y + 3} l9 -4.5 v9 z"/>'
        )
    way = 1 if end > start else -1
    return (
        f'<line class="sv-arrow" x1="{start + 3 * way:.0f}" x2="{end - 9 * way:.0f}"'
        f' y1="{y}" y2="{y}"/>'
        f'<path class="sv-head" d="M{end - 2 * way:.0f} {y} l{-9 * way} -4.5 v9 z"/>'
    )


def _label(row: Row, start: float, end: float, y: int, width: int) -> str:
    if start == end:
        x, anchor, span = start + _LOOP + 6, "start", width - start - _LOOP - 10
        y += 4
    else:
        x, anchor, span = (start + end) / 2, "middle", abs(end - start) - 28
        y -= 6
    room = int(span / _CHARACTER)
    label = _cut(on_one_line(row.label), room)
    detail = _cut_inside(on_one_line(row.detail), int((room - len(label) - 1) * 1.1))
    note = f'<tspan class="sv-sub" dx="5">{escape(detail)}</tspan>' if detail else ""
    return (
        f'<text class="sv-lab" x="{x:.0f}" y="{y}" text-anchor="{anchor}">'
        f"{escape(label)}{note}</text>"
    )


def _cut(text: str, room: int) -> str:
    """The text, or as much of it as fits and an ellipsis; nothing where none fits."""
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if room > 3 else ""


def _cut_inside(text: str, room: int) -> str:
    """The text with its middle left out: a port, or "hold", stands at its end."""
    if len(text) <= room or room < 2 * _TAIL:
        return _cut(text, room)
    return f"{text[: room - _TAIL - 1]}…{text[-_TAIL:]}"


def _join(pieces: Iterator[str]) -> Markup:
    # Every text in the pieces was escaped where it was put in.
    return Markup("".join(pieces))  # noqa: S704
