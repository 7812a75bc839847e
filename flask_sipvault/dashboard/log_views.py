"""The log as the call page shows it: line by line, each near a message."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Sequence

from ..analysis.logs import level
from ..analysis.messages import Message
from ..evidence import LogLine
from . import figures
from .moments import moment
from .page import Choice
from .page import LogPiece
from .page import LogsView
from .page import LogView
from .plain import on_one_line
from .stretches import holding
from .stretches import LOG_LINES_AT_ONCE
from .stretches import ms_of
from .stretches import stretches
from .view_state import Level
from .view_state import View

_TONES: dict[str | None, str] = {
    "CRITICAL": "error",
    "ERROR": "error",
    "WARNING": "warning",
}

_WANTED: dict[Level, tuple[str, ...]] = {
    "all": ("error", "warning", "info"),
    "warning": ("error", "warning"),
    "error": ("error",),
}
_NAMES: dict[Level, str] = {
    "all": "All lines",
    "warning": "Warnings and errors",
    "error": "Errors",
}


def log_views(
    lines: Sequence[LogLine],
    messages: Sequence[Message],
    start: int,
    near: Container[int | None] | None = None,
) -> list[LogView]:
    """The log lines, each with the message nearest to it in time.

    :param messages: in the order of time.
    :param start: the call's first moment, in ns since the epoch.
    :param near: only the lines that are nearest to the messages of these numbers.
    """
    sources = _sources(lines)
    times = [message.ts for message in messages]
    views = []
    for n, line in enumerate(lines, 1):
        at = _nearest(times, line.ts)
        nearest = None if at is None else messages[at].n
        if near is None or nearest in near:
            views.append(_view(n, line, start, sources, nearest))
    return views


def logs_view(
    lines: Sequence[LogLine],
    messages: Sequence[Message],
    start: int,
    view: View,
    url: Callable[[View], str],
) -> LogsView:
    """The log as a reader wants to see it.

    :param url: gives the address of the page, seen in some way.
    """
    everything = log_views(lines, messages, start)
    text = view.log.lower()
    told = [
        line
        for line in everything
        if (not text or text in line.text.lower())
        and (not view.source or max(1, line.source_number) == view.source)
    ]
    found = [line for line in told if line.tone in _WANTED[view.level]]
    cut = list(
        stretches(
            found,
            LOG_LINES_AT_ONCE,
            what="Lines",
            number=lambda line: line.n,
            ms=lambda line: line.ms,
            url=lambda n: f"{url(view.but(line=n))}#l{n}",
        )
    )
    shown = holding(cut, view.line)
    return LogsView(
        count=len(everything),
        found=len(found),
        find=view.log,
        pieces=[
            LogPiece(stretch, list(some) if at == shown else None)
            for at, (stretch, some) in enumerate(cut)
        ],
        levels=_levels(told, view, url),
        sources=_source_choices(everything, view, url),
    )


def _view(
    n: int,
    line: LogLine,
    start: int,
    sources: dict[str, int],
    nearest: int | None,
) -> LogView:
    word = level(line.line)
    return LogView(
        n=n,
        ms=ms_of(line.ts - start),
        at=moment(line.ts),
        since=figures.since(line.ts - start),
        source=on_one_line(line.source),
        source_number=sources[line.source] if len(sources) > 1 else 0,
        level=word or "",
        tone=_TONES.get(word, "info"),
        text=on_one_line(line.text),
        nearest=nearest,
    )


def _sources(lines: Iterable[LogLine]) -> dict[str, int]:
    """The sources' numbers, from 1."""
    numbers: dict[str, int] = {}
    for line in lines:
        numbers.setdefault(line.source, len(numbers) + 1)
    return numbers


def _levels(
    told: list[LogView], view: View, url: Callable[[View], str]
) -> list[Choice]:
    """The choices of level; none where all lines are of the same."""
    counts = {
        each: sum(line.tone in tones for line in told)
        for each, tones in _WANTED.items()
    }
    if view.level == "all" and len(set(counts.values()) - {0}) < 2:
        return []
    return [
        Choice(
            _NAMES[each],
            each,
            url(view.but(level=each, line=1)),
            view.level == each,
            f"{counts[each]:,}",
        )
        for each in _WANTED
        if counts[each] or view.level == each or each == "all"
    ]


def _source_choices(
    everything: list[LogView], view: View, url: Callable[[View], str]
) -> list[Choice]:
    names = {line.source_number: line.source for line in everything}
    if len(names) < 2:
        return []
    choices = [Choice("All sources", "0", url(view.but(source=0)), view.source == 0)]
    return choices + [
        Choice(
            name or "unnamed",
            str(number),
            url(view.but(source=number, line=1)),
            view.source == number,
        )
        for number, name in names.items()
    ]


def _nearest(times: list[int], ts: int) -> int | None:
    """Where in ``times``, which rise, the one nearest to ``ts`` is."""
    if not times:
        return None
    at = bisect.bisect(times, ts)
    if at == 0:
        return 0
    if at == len(times) or ts - times[at - 1] <= times[at] - ts:
        return at - 1
    return at
