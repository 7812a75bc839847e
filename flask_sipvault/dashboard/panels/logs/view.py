"""The log as the call page shows it: line by line, each near a message."""

from __future__ import annotations

import bisect
from collections.abc import Callable
from collections.abc import Container
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass

from ....analysis.logs import level
from ....analysis.sip.messages import Message
from ....evidence import LogLine
from ....language import _
from ....language import N_
from ....sanitize import on_one_line
from ... import formatting as figures
from ...moments import moment
from ...page import Choice
from ...page import LogPiece
from ...page import LogsView
from ...page import LogView
from ...pagination import holding
from ...pagination import LOG_LINES_AT_ONCE
from ...pagination import ms_of
from ...pagination import stretches
from ...view_state import Level
from ...view_state import View

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
    "all": N_("All lines"),
    "warning": N_("Warnings and errors"),
    "error": N_("Errors"),
}


@dataclass(frozen=True, slots=True)
class _Line:
    """What there is to know of a line before anyone looks at it.

    :param source_number: see :class:`.page.LogView`.
    """

    n: int
    line: LogLine
    level: str
    tone: str
    source_number: int


class Log:
    """The lines of a call, and of each the message nearest to it in time.

    :param start: the call's first moment, in ns since the epoch.
    """

    def __init__(
        self, lines: Sequence[LogLine], messages: Sequence[Message], start: int
    ) -> None:
        self._messages = sorted(messages, key=lambda message: message.ts)
        self._times = [message.ts for message in self._messages]
        self._start = start
        sources = _sources(lines)
        self.lines = [
            _Line(
                n,
                line,
                word or "",
                _TONES.get(word, "info"),
                sources[line.source] if len(sources) > 1 else 0,
            )
            for n, line in enumerate(lines, 1)
            for word in (level(line.line),)
        ]

    def near(self, numbers: Container[int]) -> list[LogView]:
        """The lines that are nearest to the messages of these numbers."""
        near = [(line, self._nearest(line)) for line in self.lines]
        return [self.view(line) for line, nearest in near if nearest in numbers]

    def view(self, line: _Line) -> LogView:
        """A line as the page shows it."""
        ts = line.line.ts
        return LogView(
            n=line.n,
            ms=self.ms(line),
            at=moment(ts),
            since=figures.since(ts - self._start),
            source=on_one_line(line.line.source),
            source_number=line.source_number,
            level=line.level,
            tone=line.tone,
            text=on_one_line(line.line.text),
            nearest=self._nearest(line),
        )

    def ms(self, line: _Line) -> str:
        """When a line was written, in milliseconds since the call's first moment."""
        return ms_of(line.line.ts - self._start)

    def _nearest(self, line: _Line) -> int | None:
        at = _nearest(self._times, line.line.ts)
        return None if at is None else self._messages[at].n


def logs_view(log: Log, view: View, url: Callable[[View], str]) -> LogsView:
    """The log as a reader wants to see it.

    :param url: gives the address of the page, seen in some way.
    """
    text = view.log.lower()
    told = [
        line
        for line in log.lines
        if (not text or text in on_one_line(line.line.text).lower())
        and (not view.source or max(1, line.source_number) == view.source)
    ]
    found = [line for line in told if line.tone in _WANTED[view.level]]
    cut = list(
        stretches(
            found,
            LOG_LINES_AT_ONCE,
            what=_("Lines {first} to {last}"),
            number=lambda line: line.n,
            ms=log.ms,
            url=lambda n: f"{url(view.but(line=n))}#l{n}",
        )
    )
    shown = holding(cut, view.line)
    return LogsView(
        count=len(log.lines),
        found=len(found),
        find=view.log,
        pieces=[
            LogPiece(
                stretch, [log.view(line) for line in some] if at == shown else None
            )
            for at, (stretch, some) in enumerate(cut)
        ],
        levels=_levels(told, view, url),
        sources=_source_choices(log.lines, view, url),
    )


def _sources(lines: Iterable[LogLine]) -> dict[str, int]:
    """The sources' numbers, from 1."""
    numbers: dict[str, int] = {}
    for line in lines:
        numbers.setdefault(line.source, len(numbers) + 1)
    return numbers


def _levels(told: list[_Line], view: View, url: Callable[[View], str]) -> list[Choice]:
    """The choices of level; none where all lines are of the same."""
    counts = {
        each: sum(line.tone in tones for line in told)
        for each, tones in _WANTED.items()
    }
    if view.level == "all" and len(set(counts.values()) - {0}) < 2:
        return []
    return [
        Choice(
            _(_NAMES[each]),
            each,
            url(view.but(level=each, line=1)),
            view.level == each,
            f"{counts[each]:,}",
        )
        for each in _WANTED
        if counts[each] or view.level == each or each == "all"
    ]


def _source_choices(
    lines: list[_Line], view: View, url: Callable[[View], str]
) -> list[Choice]:
    names = {line.source_number: on_one_line(line.line.source) for line in lines}
    if len(names) < 2:
        return []
    choices = [Choice(_("All sources"), "0", url(view.but(source=0)), view.source == 0)]
    return choices + [
        Choice(
            name or _("unnamed"),
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
