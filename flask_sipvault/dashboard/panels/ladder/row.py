"""One message of the ladder as an arrow, with its times and its transaction."""

from __future__ import annotations

from collections.abc import Iterator

from markupsafe import escape

from ....analysis.ladder.ladder import Lifeline
from ....analysis.ladder.ladder import Row
from ....language import _
from ....sanitize import on_one_line
from ... import formatting as figures

HEIGHT = 28
HEIGHT_OF_TWO_LINES = 42  # where the detail has no room beside the label
TIMES = 148  # the columns of time, delta and transaction

#: So many colours tell transactions apart; beside each stands its number.
TRANSACTION_COLOURS = 6

_LOOP = 34  # how far a message to oneself reaches out
_CHARACTER = 6.4  # width of a label's average character, in pixels
_AIR = 28  # between a label and the lifelines, both sides together
_SMALL_CHARACTER = 5.8  # the same of a detail's
_TAIL = 6  # characters kept at the end of a detail that does not fit
_BASE = 20  # where the arrow is


def height(row: Row, columns: list[float]) -> int:
    """How high the row is."""
    return HEIGHT if _fits(row, columns) else HEIGHT_OF_TWO_LINES


def draw_row(
    row: Row,
    lifelines: list[Lifeline],
    columns: list[float],
    width: int,
    fold_url: str,
) -> Iterator[str]:
    """The row, its upper edge at 0.

    :param fold_url: the address of the page with every sending shown, or with only the
        first, whichever this is not; "" for a drawing without that choice.
    """
    classes = f"sv-row sv-{row.style}"
    if row.retransmission:
        classes += " sv-again"
    if row.leg:
        classes += f" sv-leg-{row.leg.lower()}"
    spoken = escape(_spoken(row, lifelines))
    start, end = columns[row.source], columns[row.target]
    high = height(row, columns)
    yield (
        f'<a class="{classes}" id="r{row.n}" href="#m{row.n}" data-n="{row.n}"'
        f' data-ms="{row.since_start_ns / 1_000_000:.3f}"'
        f' data-t="{row.transaction or ""}" aria-label="{spoken}">'
        f"<title>{spoken}</title>"
        f'<rect class="sv-hit" x="1" y="0" width="{width - 2}" height="{high - 2}"'
        ' rx="4"/>'
        f'<text class="sv-time" x="76" y="{_BASE - 3}" text-anchor="end">'
        f"{escape(figures.since(row.since_start_ns))}</text>"
    )
    if row.leg:
        yield f'<rect class="sv-legmark" x="1" y="1" width="5" height="{high - 4}"/>'
    if row.n > 1:
        yield (
            f'<text class="sv-delta" x="81" y="{_BASE - 3}">'
            f"{escape(figures.delta(row.delta_ns))}</text>"
        )
    if row.transaction is not None:
        yield _transaction(row.transaction, high)
    yield _arrow(start, end)
    yield _label(row, start, end, width, beside=high == HEIGHT)
    yield "</a>"
    if row.sendings > 1 and fold_url:
        yield _fold(row, width, fold_url)


def _spoken(row: Row, lifelines: list[Lifeline]) -> str:
    names = [lifelines[end].label for end in (row.source, row.target)]
    since = figures.since(row.since_start_ns)
    label = _("leg {label}").format(label=row.label) if row.leg else row.label
    spoken = _("{label} from {source} to {target} at {time}").format(
        label=label, source=names[0], target=names[1], time=since
    )
    if row.sendings > 1:
        spoken += _(", sent {count} times within {duration}").format(
            count=row.sendings,
            duration=figures.duration(row.last_sending_ns / 1_000_000),
        )
    if row.transaction is not None:
        spoken += ", " + _("transaction {n}").format(n=row.transaction)
    if row.detail:
        spoken += f", {row.detail}"
    return on_one_line(spoken)


def _transaction(number: int, high: int) -> str:
    colour = (number - 1) % TRANSACTION_COLOURS
    return (
        f'<text class="sv-tno" x="{TIMES - 7}" y="{_BASE - 3}" text-anchor="end">'
        f'{number}</text><rect class="sv-tick sv-t{colour}" x="{TIMES - 3}" y="0"'
        f' width="3" height="{high}"/>'
    )


def _arrow(start: float, end: float) -> str:
    y = _BASE
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


def _times(row: Row) -> str:
    return f" \N{MULTIPLICATION SIGN}{row.sendings}" if row.sendings > 1 else ""


def _fits(row: Row, columns: list[float]) -> bool:
    """Whether label and detail stand beside each other."""
    start, end = columns[row.source], columns[row.target]
    if start == end or not row.detail:
        return True
    room = (abs(end - start) - _AIR) / _CHARACTER
    return len(row.label) + len(_times(row)) + 1 + len(row.detail) / 1.1 <= room


def _label(row: Row, start: float, end: float, width: int, *, beside: bool) -> str:
    if start == end:
        x, anchor, span = start + _LOOP + 6, "start", width - start - _LOOP - 10
        y = _BASE + 4
    else:
        x, anchor, span = (start + end) / 2, "middle", abs(end - start) - _AIR
        y = _BASE - 6
    room = int(span / _CHARACTER)
    times = _times(row)
    label = cut(on_one_line(row.label), room - len(times))
    count = f'<tspan class="sv-times">{times}</tspan>' if times else ""
    if beside:
        room = int((room - len(label) - len(times) - 1) * 1.1)
    else:
        room = int((abs(end - start) - 4) / _SMALL_CHARACTER)
    detail = _cut_inside(on_one_line(row.detail), room)
    where = 'dx="5"' if beside else f'x="{x:.0f}" y="{_BASE + 15}"'
    note = f'<tspan class="sv-sub" {where}>{escape(detail)}</tspan>' if detail else ""
    return (
        f'<text class="sv-lab" x="{x:.0f}" y="{y}" text-anchor="{anchor}">'
        f"{escape(label)}{count}{note}</text>"
    )


def _fold(row: Row, width: int, url: str) -> str:
    """The button at the right that shows each sending, or only the first."""
    words = _("Sent {count} times: show or hide the retransmissions").format(
        count=row.sendings
    )
    return (
        f'<a class="sv-fold" href="{escape(url)}#r{row.n}" data-first="{row.n}"'
        f' role="button" aria-label="{words}"><title>{words}</title>'
        f'<rect x="{width - 50}" y="2" width="46" height="24" rx="12"/>'
        f'<text x="{width - 27}" y="18" text-anchor="middle">'
        f"\N{MULTIPLICATION SIGN}{row.sendings}"
        '<tspan class="sv-shut"> ▸</tspan><tspan class="sv-open"> ▾</tspan></text></a>'
    )


def cut(text: str, room: int) -> str:
    """The text, or as much of it as fits and an ellipsis; nothing where none fits."""
    if len(text) <= room:
        return text
    return f"{text[: room - 1]}…" if room > 3 else ""


def _cut_inside(text: str, room: int) -> str:
    """The text with its middle left out: a port, or "hold", stands at its end."""
    if len(text) <= room or room < 2 * _TAIL:
        return cut(text, room)
    return f"{text[: room - _TAIL - 1]}…{text[-_TAIL:]}"
