"""Figures and foreign text, fit for a sentence."""

from __future__ import annotations

from datetime import datetime
from datetime import timezone

from ...language import _
from ...sanitize import on_one_line

#: A reason phrase may be as long as a packet; a sentence may not.
MAX_QUOTED = 80


def duration(ms: float) -> str:
    """``43 ms``, ``1.2 s``, ``34 s``, ``2 min 14 s``, ``1 h 02 min``."""
    if ms < 99.5:
        return f"{ms:.0f} ms"
    if ms < 9_950:
        return f"{ms / 1000:.1f} s"
    seconds = round(ms / 1000)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02} min"


def clock(ts: int) -> str:
    """The time of day of a moment in ns since the epoch: ``14:02:11 UTC``."""
    return _moment(ts, "%H:%M:%S UTC")


def date_and_time(ts: int) -> str:
    """``23 Nov 2026, 14:02:11 UTC``"""
    return _moment(ts, "%d %b %Y, %H:%M:%S UTC")


def _moment(ts: int, form: str) -> str:
    try:
        return datetime.fromtimestamp(ts // 1_000_000_000, timezone.utc).strftime(form)
    except (OverflowError, ValueError, OSError):
        return _("a time out of range")


def printable(text: str) -> str:
    """Text from the wire for one line of a terminal, which it cannot steer, nor turn
    the direction of what it stands beside.
    """
    return on_one_line(text)


def quoted(text: str) -> str:
    """Text from the wire as part of a sentence: printable, and not too long."""
    text = printable(text)
    return text if len(text) <= MAX_QUOTED else text[: MAX_QUOTED - 1] + "…"
