"""How the dashboard writes times, durations and shares.

Times are nanoseconds since the epoch and durations milliseconds, unless said
otherwise. What was not measured is a dash, never a nought.
"""

from __future__ import annotations

from datetime import datetime
from datetime import timezone

from ..language import ngettext

#: Stands where there is no figure.
NONE = "\N{EN DASH}"

_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)
_MINUS = "\N{MINUS SIGN}"
_SECOND = 1_000_000_000


def _utc(ts: int) -> datetime:
    return datetime.fromtimestamp(ts // _SECOND, timezone.utc)


def iso(ts: int) -> str:
    """``2026-11-23T14:02:11.123456Z``: to the microsecond, as captures have it."""
    return f"{_utc(ts):%Y-%m-%dT%H:%M:%S}.{ts % _SECOND // 1000:06d}Z"


def clock(ts: int) -> str:
    """``14:02:11.123``, in UTC."""
    return f"{_utc(ts):%H:%M:%S}.{ts % _SECOND // 1_000_000:03d}"


def day_and_time(ts: int) -> str:
    """``23 Nov 2026, 14:02:11 UTC``; the month's name is English in every locale."""
    when = _utc(ts)
    month = _MONTHS[when.month - 1]
    return f"{when.day} {month} {when.year}, {when:%H:%M:%S} UTC"


def since(ns: int) -> str:
    """Time since the call's start: ``0:05.402``, ``1:02:05.402````."""

    sign = _MINUS if ns < 0 else ""
    ms = abs(ns) // 1_000_000
    return f"{sign}{_hours_minutes_seconds(ms // 1000)}.{ms % 1000:03d}"


def delta(ns: int) -> str:
    """Time since the row before: ``+4 ms``, ``+1.15 s``, ``+2:14``."""
    ms = ns / 1_000_000
    if abs(ms) < 0.95:
        return f"{ns / 1000:+.0f} µs".replace("-", _MINUS)
    if abs(ms) < 999.5:
        return f"{ms:+.0f} ms".replace("-", _MINUS)
    if abs(ms) < 59_995:
        return f"{ms / 1000:+.2f} s".replace("-", _MINUS)
    sign = _MINUS if ms < 0 else "+"
    return sign + _hours_minutes_seconds(round(abs(ms) / 1000))


def duration(ms: float | None) -> str:
    """``<1 ms``, ``519 ms``, ``1.24 s``, ``2:14.4``. Below 0 where clocks disagree, to
    the tenth of a millisecond.
    """
    if ms is None:
        return NONE
    if ms < 0:
        return f"{_MINUS}{-ms:.1f} ms" if ms > -99.5 else _MINUS + duration(-ms)
    if 0 < ms < 0.5:
        return "<1 ms"
    if ms < 999.5:
        return f"{ms:.0f} ms"
    if ms < 59_995:
        return f"{ms / 1000:.2f} s"
    tenths = round(ms / 100)
    return f"{_hours_minutes_seconds(tenths // 10)}.{tenths % 10}"


def share(fraction: float | None) -> str:
    """A fraction in percent: ``4.1 %``."""
    return NONE if fraction is None else f"{fraction * 100:.1f} %"


def number(value: float | None, unit: str = "", digits: int = 1) -> str:
    """A measured figure with its unit: ``12.5 ms``."""
    if value is None:
        return NONE
    written = f"{value:,.{digits}f}"
    return f"{written} {unit}" if unit else written


def _hours_minutes_seconds(seconds: int) -> str:
    minutes, seconds = divmod(seconds, 60)
    hours, minutes = divmod(minutes, 60)
    if hours:
        return f"{hours}:{minutes:02d}:{seconds:02d}"
    return f"{minutes}:{seconds:02d}"


def size(count: int) -> str:
    """``734 bytes``, ``12.3 kB``."""
    if count < 10_000:
        return ngettext("{count} byte", "{count} bytes", count).format(
            count=f"{count:,}"
        )
    return f"{count / 1000:,.1f} kB"
