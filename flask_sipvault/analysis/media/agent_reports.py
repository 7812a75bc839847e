"""What agents measured themselves (DATA_QUALITY), as far as it can be believed.

An agent reports at each BYE or CANCEL on the packets since its last report, so that of
several reports the one with the most samples speaks for the call. It names the two
directions at random, takes every codec for G.711, and puts two streams of one SSRC
together.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from ...evidence import QualityReport
from .quality import Statistics
from .rtp_streams import MOST_JITTER_MS

_PARTS = ("avg", "min", "max", "p5", "p95")


@dataclass(frozen=True, slots=True)
class AgentFigures:
    """One direction of a report; which, it does not tell.

    :param label: what the agent calls it: ``uac`` or ``uas``.
    """

    label: str
    loss: Statistics
    jitter: Statistics
    rtt: Statistics
    mos: Statistics


@dataclass(frozen=True, slots=True)
class AgentReport:
    """The report that rests on the most packets.

    :param codec: its SDP name; None where the report tells none.
    :param samples: how many packets it rests on.
    :param others: how many reports there are besides.
    """

    ts: int
    codec: str | None
    samples: int
    others: int
    sides: list[AgentFigures]


def weightiest(reports: Iterable[QualityReport]) -> AgentReport | None:
    """The report that speaks for the call; None where none has figures in it."""
    read = [each for each in map(_read, reports) if each.sides]
    best = max(read, key=lambda each: each.samples, default=None)
    if best is None:
        return None
    return AgentReport(
        best.ts, best.codec, best.samples, others=len(read) - 1, sides=best.sides
    )


def _read(report: QualityReport) -> AgentReport:
    summary = _mapping(report.report.get("summary"))
    codec = summary.get("codec")
    name = codec.partition("/")[0].strip() if isinstance(codec, str) else ""
    directions = _mapping(report.report.get("directions"))
    sides = [
        _figures(label, directions[label])
        for label in ("uac", "uas")
        if isinstance(directions.get(label), Mapping)
    ]
    return AgentReport(
        report.ts,
        name or None,
        int(_number(summary.get("sample_count"), 1e15) or 0),
        0,
        [side for side in sides if {side.loss.avg, side.mos.avg} != {None}],
    )


def _figures(label: str, side: Mapping[str, Any]) -> AgentFigures:
    rtt = _spread(side.get("rtt"), 0, 60_000)
    return AgentFigures(
        label,
        loss=_spread(side.get("loss"), 0, 100),
        jitter=_spread(side.get("jitter"), 0, MOST_JITTER_MS),
        # The agent writes 0 where it knows none.
        rtt=rtt if rtt.avg else Statistics(),
        mos=_spread(side.get("mos"), 1, 5),
    )


def _mapping(value: Any) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}


def _spread(value: Any, least: float, most: float) -> Statistics:
    parts = [_number(_mapping(value).get(part), most, least) for part in _PARTS]
    return Statistics(*(None if part is None else round(part, 3) for part in parts))


def _number(value: Any, most: float, least: float = 0) -> float | None:
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    # False for what is no number at all, too.
    return value if least <= value <= most else None
