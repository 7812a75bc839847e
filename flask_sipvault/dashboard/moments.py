"""Times as the page shows them: to be read, and for programs."""

from __future__ import annotations

from dataclasses import dataclass

from . import formatting as figures


@dataclass(frozen=True, slots=True)
class Moment:
    """What a ``<time>`` element shows, and its ``datetime``."""

    text: str
    iso: str


def moment(ts: int) -> Moment:
    """A time of day, to the millisecond."""
    return Moment(figures.clock(ts), figures.iso(ts))


def day(ts: int) -> Moment:
    """A date and a time of day, to the second."""
    return Moment(figures.day_and_time(ts), figures.iso(ts))


def hour(seconds: int) -> Moment:
    """A time of day, to the minute.

    :param seconds: since the epoch.
    """
    ts = seconds * 1_000_000_000
    return Moment(f"{figures.clock(ts)[:5]} UTC", figures.iso(ts))
