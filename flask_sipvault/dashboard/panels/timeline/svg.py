"""The whole call on one time axis: SIP, the audio of both directions, the log."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import pairwise

from markupsafe import escape
from markupsafe import Markup

from ....analysis.explain import Call
from ....analysis.ladder.ladder import Ladder
from ....analysis.ladder.ladder import MediaSpan
from ....analysis.ladder.ladder import Row
from ....analysis.media.quality import Direction
from ....analysis.media.quality import Quality
from ....analysis.media.quality import Verdict
from ....analysis.words.findings import words_of
from ....analysis.words.quality import direction_name
from ....language import _
from ....language import N_
from ....sanitize import on_one_line
from ... import formatting as figures
from ...page import Choice
from ..findings.view import time_of
from ..logs.view import Log
from ..quality.chart_svg import Column
from ..quality.chart_svg import draw_words
from ..quality.chart_svg import lesser_runs
from ..quality.columns import columns_of
from ..quality.columns import is_coarse
from ..quality.columns import tone
from .axis import grid
from .axis import scale
from .axis import span_of
from .axis import TimeAxis

#: Heights of the lanes, in pixels.
_SIP = 18
_AUDIO = 16
_LOG = 16
_FINDINGS = 10

#: More marks than this in one lane cannot be told apart: of those that stand in one
#: place, the most telling is drawn.
_MOST_MARKS = 600

#: So much of a line's text is told when its mark is pointed at.
_LINE_SHOWN = 120

#: How high a mark stands, as a share of its lane: colour is not the only sign.
_STYLES = {"provisional": 0.5, "success": 0.8, "request": 1.0, "failure": 1.0}
_LEVELS = {"info": 0.45, "warning": 0.75, "error": 1.0}

#: How high a bar of audio stands: the worse, the lower.
_BARS = {"good": 1.0, "fair": 0.72, "poor": 0.5, "bad": 0.32, "": 0.2}

_ARROWS: dict[Direction, str] = {"uac": N_("audio →"), "uas": N_("audio ←")}

#: So many stretches of bad audio are offered to be opened.
_MOST_STRETCHES = 6


@dataclass(frozen=True, slots=True)
class Lane:
    """A row of the axis.

    :param words: what it is, for whom the few letters of ``name`` are too few.
    :param empty: what to say where there is nothing to draw.
    """

    id: str
    name: str
    words: str
    drawing: Markup
    empty: str = ""


@dataclass(frozen=True, slots=True)
class TimelineView:
    """The whole call: ``sipvault/_timeline.html``.

    :param spans: stretches to open, and the whole.
    :param coarse: whether a stretch has to be drawn anew to be seen in full.
    """

    first: str
    last: str
    begin: str
    end: str
    lanes: list[Lane]
    grid: Markup
    scale: Markup
    spans: list[Choice]
    coarse: bool


@dataclass(frozen=True, slots=True)
class _Mark:
    ms: float
    weight: float
    classes: str
    says: str
    data: str


def timeline_view(
    axis: TimeAxis,
    drawn: Ladder,
    call: Call,
    log: Log,
    *,
    start: int,
    chosen: str,
    url: Callable[[str], str],
) -> TimelineView:
    """The whole call.

    :param drawn: the ladder.
    :param start: the call's first moment, in ns since the epoch.
    :param chosen: which stretch of the axis the address of the page asks for.
    :param url: gives the address of the page with a stretch open.
    """
    rows, quality = drawn.drawn, call.quality
    lanes = [Lane("sip", _("SIP"), _("SIP messages"), _marks(_sip(rows), axis, _SIP))]
    for direction, measured in quality.directions.items():
        name = direction_name(quality, direction)
        columns = [] if measured is None else columns_of(measured.buckets, axis, start)
        if measured is not None and not measured.buckets:
            columns = [_all_along(axis, drawn.media, measured.verdict)]
        lanes.append(
            Lane(
                direction,
                _(_ARROWS[direction]) if quality.labels_certain else name,
                _("Audio {direction}").format(direction=name),
                _audio(columns, axis),
                "" if measured is not None else _nothing(quality, direction),
            )
        )
    lanes.append(
        Lane("log", _("log"), _("Log lines"), _marks(_log(log, start), axis, _LOG))
    )
    problems = list(_problems(call, start))
    if problems:
        words = _("Evidence of what went wrong")
        marks = _marks(iter(problems), axis, _FINDINGS)
        lanes.insert(0, Lane("findings", _("findings"), words, marks))
    return TimelineView(
        first=f"{axis.first:.3f}",
        last=f"{axis.last:.3f}",
        begin=f"{axis.begin:.3f}",
        end=f"{axis.end:.3f}",
        lanes=lanes,
        grid=grid(axis),
        scale=scale(axis),
        spans=_spans(axis, rows, quality, start, chosen, url),
        coarse=is_coarse(quality),
    )


def _nothing(quality: Quality, direction: Direction) -> str:
    audio = quality.audio
    if audio.status in ("one-way", "none") and audio.audible != direction:
        return _("no audio")
    return _("not measured")


def _all_along(axis: TimeAxis, media: MediaSpan | None, verdict: Verdict) -> Column:
    """A direction of which only the whole is known."""
    begin, end = axis.first, axis.last
    if media is not None:
        begin, end = media.start_ns / 1e6, media.end_ns / 1e6
    word = tone(verdict)
    says = _("the whole call: {verdict}").format(verdict=word or _("not rated"))
    return Column(begin, end, None, None, None, None, word, word, says)


def _sip(rows: Sequence[Row]) -> Iterator[_Mark]:
    for row in rows:
        again = " sv-again" if row.retransmission else ""
        yield _Mark(
            row.since_start_ns / 1e6,
            _STYLES[row.style],
            f"sv-{row.style}{again}",
            on_one_line(f"{row.label}, {figures.since(row.since_start_ns)}"),
            f'data-n="{row.n}"',
        )


def _problems(call: Call, start: int) -> Iterator[_Mark]:
    """The evidence of errors and warnings, each where it is in time."""
    for finding in call.findings:
        if finding.severity == "info":
            continue
        says = on_one_line(words_of(finding).headline)
        for reference in finding.evidence:
            ts = time_of(call, reference)
            if ts is not None:
                data = f'data-n="{reference.n}"' if reference.kind == "message" else ""
                tone = "failure" if finding.severity == "error" else "warning"
                yield _Mark((ts - start) / 1e6, 1.0, f"sv-{tone}", says, data)


def _log(log: Log, start: int) -> Iterator[_Mark]:
    for each in log.lines:
        since = each.line.ts - start
        text = on_one_line(each.line.text[:_LINE_SHOWN])
        yield _Mark(
            since / 1e6,
            _LEVELS[each.tone],
            f"sv-{each.tone}",
            f"{figures.since(since)} {text}",
            f'data-line="{each.n}"',
        )


def _marks(marks: Iterator[_Mark], axis: TimeAxis, height: int) -> Markup:
    drawn = list(marks)
    if len(drawn) > _MOST_MARKS:
        places: dict[int, _Mark] = {}
        length = max(axis.last - axis.first, 1.0)
        for mark in drawn:
            place = int((mark.ms - axis.first) / length * _MOST_MARKS)
            have = places.get(place)
            if have is None or mark.weight > have.weight:
                places[place] = mark
        drawn = list(places.values())
    lines = "".join(
        f'<line class="sv-tickmark {mark.classes}" x1="{axis.at(mark.ms)}"'
        f' x2="{axis.at(mark.ms)}" y1="{height * (1 - mark.weight):.1f}" y2="{height}"'
        f' data-at="{mark.ms:.3f}" {mark.data}>'
        f"<title>{escape(mark.says)}</title></line>"
        for mark in drawn
    )
    return _svg(lines, height)


def _audio(columns: Sequence[Column], axis: TimeAxis) -> Markup:
    pieces = []
    for column in columns:
        high = _AUDIO * _BARS[column.tone]
        pieces.append(
            f'<rect class="sv-bar-{column.tone or "unknown"}"'
            f' x="{axis.at(column.begin)}" y="{_AUDIO - high:.1f}"'
            f' width="{axis.wide(column.begin, column.end)}" height="{high:.1f}"'
            f' data-from="{column.begin:.0f}" data-to="{column.end:.0f}">'
            f"<title>{escape(column.says)}</title></rect>"
        )
    pieces += draw_words(lesser_runs(columns), axis, 9)
    return _svg("".join(pieces), _AUDIO)


def _svg(pieces: str, height: int) -> Markup:
    return Markup(  # noqa: S704 - every text in the pieces was escaped
        f'<svg class="sv-track" height="{height}" aria-hidden="true"'
        f' focusable="false">{pieces}</svg>'
    )


def _spans(
    axis: TimeAxis,
    rows: Sequence[Row],
    quality: Quality,
    start: int,
    chosen: str,
    url: Callable[[str], str],
) -> list[Choice]:
    """The whole call, its setup, its end, and every stretch of bad audio."""
    named: list[tuple[str, str]] = [(_("Whole call"), "")]
    times = [row.since_start_ns / 1e6 for row in rows]
    # The longest silence of the signalling parts setup from end.
    gaps = [(after - before, before, after) for before, after in pairwise(times)]
    longest = max(gaps, default=(0.0, 0.0, 0.0))
    if longest[0] > 0.3 * (axis.last - axis.first):
        named.append((_("Setup"), span_of(times[0], longest[1])))
        named.append((_("End"), span_of(longest[2], times[-1])))
    for direction, measured in quality.directions.items():
        for stretch in measured.stretches[:_MOST_STRETCHES] if measured else ():
            begin, end = ((ts - start) / 1e6 for ts in (stretch.ts, stretch.end))
            clock = figures.since(stretch.ts - start).partition(".")[0]
            label = _("{verdict} {arrow} at {time}").format(
                verdict=_(stretch.verdict), arrow=_arrow(direction), time=clock
            )
            named.append((label, span_of(begin, end)))
    if len(named) == 1:
        return []
    return [Choice(label, span, url(span), span == chosen) for label, span in named]


def _arrow(direction: Direction) -> str:
    return "→" if direction == "uac" else "←"
