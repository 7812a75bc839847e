"""How well a call was heard, as the page shows it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from markupsafe import Markup

from ....analysis.media.quality import AudioStatus
from ....analysis.media.quality import Bucket
from ....analysis.media.quality import Direction
from ....analysis.media.quality import Figures
from ....analysis.media.quality import Note
from ....analysis.media.quality import Quality
from ....analysis.media.quality import Source
from ....analysis.media.quality import Statistics
from ....analysis.media.quality import StreamQuality
from ....analysis.words.assumptions import note_sentence
from ....analysis.words.assumptions import place_name
from ....analysis.words.quality import audio_reason
from ....analysis.words.quality import direction_name
from ....language import _
from ....language import N_
from ....sanitize import on_one_line
from ... import formatting as figures
from ..timeline.axis import TimeAxis
from .chart_svg import Column
from .chart_svg import draw_strip
from .chart_svg import Strip
from .columns import clock
from .columns import columns_of
from .columns import tone
from .columns import VERDICT_NAMES
from .columns import worst_heard

#: A table with more rows serves nobody; call.json has all.
MOST_ROWS = 1000

_STATUSES: dict[AudioStatus, str] = {
    "normal": N_("Audio both ways"),
    "interrupted": N_("Interrupted audio"),
    "one-way": N_("One-way audio"),
    "none": N_("No audio"),
    "silent": N_("Silent"),
    "unknown": N_("Audio not known"),
}
_SOURCES: dict[Source, str] = {
    "rtp": N_("RTP seen in the capture"),
    "rtcp": N_("reports of the listener (RTCP)"),
    "rtcp-xr": N_("VoIP metrics of the listener (RTCP XR)"),
    "agent": N_("report of a capture agent"),
}


@dataclass(frozen=True, slots=True)
class FigureRow:
    """A figure and its spread over the call, as cells of a table.

    :param cells: average, least, most, 5 % and 95 %.
    """

    name: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class BucketRow:
    """Five seconds, as a row of a table."""

    since: str
    until: str
    ms: str
    verdict: str
    tone: str
    cells: list[str]


@dataclass(frozen=True, slots=True)
class StreamRow:
    """A stream, as a row of a table."""

    direction: str
    route: str
    ssrc: str
    codec: str
    source: str
    leg: str
    counted: bool
    cells: list[str]


@dataclass(frozen=True, slots=True)
class StripView:
    """One figure's curve, and what stands beside it."""

    name: str
    value: str
    drawing: Markup


@dataclass(frozen=True, slots=True)
class DirectionView:
    """One direction of the audio.

    :param rated: its MOS and what that is called; ``tone`` the worst of it as a colour.
    :param facts: codec, addresses and source, in words.
    :param assumptions: those that the other direction does not have too.
    :param left_out: how many of the rows are in call.json alone.
    """

    id: str
    name: str
    rated: str
    tone: str
    facts: list[str]
    no_mos: str
    strips: list[StripView]
    spreads: list[FigureRow]
    rows: list[BucketRow]
    left_out: int
    assumptions: list[str]


@dataclass(frozen=True, slots=True)
class QualityView:
    """The audio of a call: ``sipvault/_quality.html``.

    :param assumptions: what the figures of both directions rest on.
    """

    status: str
    tone: str
    reason: str
    directions: list[DirectionView]
    streams: list[StreamRow]
    assumptions: list[str]


def quality_view(quality: Quality, axis: TimeAxis, start: int) -> QualityView:
    """The audio of a call.

    :param start: the call's first moment, in ns since the epoch.
    """
    audio = quality.audio
    both = quality.measured
    common = [
        note
        for note in (both[0].assumptions if len(both) == 2 else [])
        if note in both[1].assumptions
    ]
    return QualityView(
        status=_(_STATUSES[audio.status]),
        tone={"normal": "good", "unknown": ""}.get(
            audio.status, "" if audio.agreed else "bad"
        ),
        reason=on_one_line(audio_reason(audio)),
        directions=[
            _direction(quality, name, each, axis, start, common)
            for name, each in quality.directions.items()
            if each is not None
        ],
        streams=[_stream(quality, stream) for stream in quality.streams],
        assumptions=[on_one_line(note_sentence(note)) for note in common],
    )


def _direction(
    quality: Quality,
    name: Direction,
    measured: Figures,
    axis: TimeAxis,
    start: int,
    common: Sequence[Note],
) -> DirectionView:
    columns = columns_of(measured.buckets, axis, start)
    return DirectionView(
        id=name,
        name=_capital(direction_name(quality, name)),
        rated=_rated(measured),
        tone=tone(worst_heard(measured)),
        facts=_facts(quality, name, measured),
        no_mos=on_one_line(note_sentence(measured.no_mos)) if measured.no_mos else "",
        strips=[
            StripView(strip.name, _beside(strip, measured), draw_strip(strip, axis))
            for strip in _strips(columns)
        ]
        if columns
        else [],
        spreads=_spreads(measured),
        rows=[_row(bucket, start) for bucket in measured.buckets[:MOST_ROWS]],
        left_out=max(len(measured.buckets) - MOST_ROWS, 0),
        assumptions=[
            on_one_line(note_sentence(note))
            for note in measured.assumptions
            if note not in common
        ],
    )


def _rated(measured: Figures) -> str:
    """``MOS 4.2 good, worst 2.9 poor``"""
    mos, least = measured.mos.avg, measured.mos.min
    if mos is None:
        return _("no MOS")
    rated = _("MOS {mos:.1f} {verdict}").format(
        mos=mos, verdict=_(VERDICT_NAMES[measured.verdict])
    )
    if least is None or mos - least < 0.05:
        return rated
    return _("{rated}, worst {mos:.1f} {verdict}").format(
        rated=rated, mos=least, verdict=_(VERDICT_NAMES[worst_heard(measured)])
    )


def _facts(quality: Quality, name: Direction, measured: Figures) -> list[str]:
    own = [s for s in quality.streams if s.direction == name and s.counted]
    routes = dict.fromkeys(_route(stream) for stream in own)
    return [
        on_one_line(measured.codec or _("codec not known")),
        *(on_one_line(route) for route in list(routes)[:3] if route),
        _(_SOURCES[measured.source]),
    ]


def _route(stream: StreamQuality) -> str:
    if stream.src is None and stream.dst is None:
        return ""
    return f"{stream.src or '?'} → {stream.dst or '?'}"


def _strips(columns: Sequence[Column]) -> list[Strip]:
    """The four figures, the most telling first."""
    return [
        Strip(_("MOS"), "mos", columns, least=1.0, most=5.0),
        Strip(_("Loss"), "loss", columns, unit="%", most=_top(columns, "loss", 5)),
        Strip(
            _("Jitter"), "jitter", columns, unit="ms", most=_top(columns, "jitter", 10)
        ),
        Strip(
            _("Round trip"), "rtt", columns, unit="ms", most=_top(columns, "rtt", 20)
        ),
    ]


def _top(columns: Sequence[Column], name: str, least: float) -> float:
    """The upper end of a scale: a round figure above all values."""
    values = [getattr(column, name) for column in columns]
    most = max((value for value in values if value is not None), default=0.0)
    top = least
    while top < most:
        top *= 2
    return top


def _beside(strip: Strip, measured: Figures) -> str:
    spread: Statistics = getattr(measured, strip.field)
    digits = 1
    worst = spread.min if strip.field == "mos" else spread.max
    if spread.avg is None:
        return _("not rated") if strip.field == "mos" else _("not measured")
    average = figures.number(spread.avg, strip.unit, digits)
    if worst is None or abs(worst - spread.avg) < 0.05:
        return average
    return _("{average}, worst {worst}").format(
        average=average, worst=figures.number(worst, "", digits)
    )


def _spreads(measured: Figures) -> list[FigureRow]:
    rows = [
        (_("MOS"), measured.mos, "", 2),
        (_("R factor"), measured.r, "", 1),
        (_("Loss"), measured.loss, "%", 1),
        (_("Jitter"), measured.jitter, "ms", 1),
        (_("Round trip"), measured.rtt, "ms", 1),
    ]
    return [
        FigureRow(
            name,
            [
                figures.number(value, unit, digits)
                for value in (spread.avg, spread.min, spread.max, spread.p5, spread.p95)
            ],
        )
        for name, spread, unit, digits in rows
    ]


def _row(bucket: Bucket, start: int) -> BucketRow:
    middle = (bucket.ts + bucket.end) // 2 - start
    return BucketRow(
        since=clock(bucket.ts - start),
        until=clock(bucket.end - start),
        ms=f"{middle / 1e6:.3f}",
        verdict=_(VERDICT_NAMES[bucket.verdict]),
        tone=tone(bucket.verdict),
        cells=[
            figures.number(bucket.mos, digits=2),
            figures.number(bucket.loss, "%"),
            figures.number(bucket.jitter, "ms"),
            figures.number(bucket.rtt, "ms"),
        ],
    )


def _stream(quality: Quality, stream: StreamQuality) -> StreamRow:
    measured = stream.figures
    return StreamRow(
        direction=direction_name(quality, stream.direction)
        if stream.direction
        else _("not known"),
        route=on_one_line(_route(stream)) or _("not known"),
        ssrc=f"0x{stream.ssrc:08x}",
        codec=on_one_line(measured.codec or "") or figures.NONE,
        source=_(_SOURCES[measured.source]),
        leg=place_name(stream.place),
        counted=stream.counted,
        cells=[
            figures.number(measured.mos.avg),
            figures.number(measured.loss.avg, "%"),
            figures.number(measured.jitter.avg, "ms"),
            figures.number(measured.rtt.avg, "ms"),
        ],
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
