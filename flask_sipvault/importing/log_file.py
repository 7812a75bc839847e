"""Reading a log file: its lines, and the time that each of them names.

Proxies log in many forms. Syslog's has neither a year nor a time zone, so the moment a
line means can only be told beside something whose time is known: here, the calls of the
capture that the log is imported with (:func:`offset_to`).
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from statistics import median
from typing import BinaryIO

#: A longer line is cut into several: a file without line ends must not fill the memory.
MAX_LINE = 64 * 1024

#: How far into a line its time is looked for. Before it may stand a priority, a host,
#: a channel's id or the key of a JSON object.
_HEAD = 120

_EPOCH = datetime(1970, 1, 1, tzinfo=timezone.utc)
_QUARTER_HOUR_NS = 900 * 1_000_000_000

#: Every time zone there is, or could be: 14 hours to both sides of UTC.
_ZONES_NS = range(-56 * _QUARTER_HOUR_NS, 57 * _QUARTER_HOUR_NS, _QUARTER_HOUR_NS)

#: How far apart the clocks of a proxy and of whoever captured its traffic may be.
_CLOCK_ERROR_NS = 60 * 1_000_000_000

_MONTHS = (
    *("Jan", "Feb", "Mar", "Apr", "May", "Jun"),
    *("Jul", "Aug", "Sep", "Oct", "Nov", "Dec"),
)

_CLOCK = (
    r"(?P<hour>\d\d):(?P<minute>\d\d):(?P<second>\d\d)(?:[.,](?P<fraction>\d{1,9}))?"
)

#: ISO 8601 and its relatives: RFC 5424, FreeSWITCH, Asterisk with a date format,
#: journalctl -o short-iso.
_ISO = re.compile(
    r"(?<!\d)(?P<year>[12]\d{3})[-/](?P<month>\d\d)[-/](?P<day>\d\d)[T ]"
    + _CLOCK
    + r"(?!\d)\s?(?P<zone>Z|[+-]\d\d:?\d\d(?!\d))?",
    re.ASCII,
)

#: RFC 3164 syslog, as OpenSIPS and Kamailio write it; Asterisk's ``[Nov 23 13:16:46]``;
#: ``Mon Nov 23 13:16:46 2026`` and Cisco's year before the clock.
_SYSLOG = re.compile(
    r"\b(?P<month>" + "|".join(_MONTHS) + r") {1,2}(?P<day>\d{1,2}) "
    r"(?:(?P<year>[12]\d{3}) )?" + _CLOCK + r"(?!\d)(?: (?P<year_after>[12]\d{3})\b)?",
    re.ASCII,
)

#: Seconds since 1970 at the very beginning: RTPengine's ``[1700745406.123456]``,
#: journalctl -o short-unix.
_UNIX = re.compile(r"\[?(?P<seconds>\d{10})(?:\.(?P<fraction>\d{1,9}))?[\] ]", re.ASCII)


@dataclass(frozen=True, slots=True)
class Stamp:
    """The time that stands in a line, as far as the line tells it.

    :param ns: nanoseconds since the epoch if the clock was UTC, or if the line names
        its zone; without a year, counted in a leap year far back (see :meth:`near`).
    :param has_year: whether the line names the year.
    :param has_zone: whether the line names the time zone.
    :param end: where in the line the time ends.
    """

    ns: int
    has_year: bool
    has_zone: bool
    end: int

    def near(self, ts: int) -> int:
        """The time in nanoseconds, in the year that brings it nearest to ``ts``."""
        if self.has_year:
            return self.ns
        moment = _EPOCH + timedelta(microseconds=self.ns // 1000)
        try:
            year = (_EPOCH + timedelta(microseconds=ts // 1000)).year
        except OverflowError:  # a capture may claim any time at all
            return self.ns
        candidates = []
        for candidate in range(year - 4, year + 5):
            try:
                placed = moment.replace(year=candidate)
            except ValueError:  # 29 February, or a year that calendars do not have
                continue
            candidates.append(_nanoseconds(placed) + self.ns % 1000)
        return min(candidates, key=lambda ns: abs(ns - ts), default=self.ns)


@dataclass(frozen=True, slots=True)
class Line:
    """One line of a log file.

    :param text: the line without its end; bytes that are not UTF-8 as surrogate
        escapes.
    :param stamp: its time; a line that has none shares that of the line before.
    :param own_stamp: whether the time stands in this very line.
    """

    text: str
    stamp: Stamp | None
    own_stamp: bool

    @property
    def message(self) -> str:
        """What follows the time: there a Call-ID may stand, and no day of a month."""
        if self.stamp is None or not self.own_stamp:
            return self.text
        return self.text[self.stamp.end :]


def read_lines(file: BinaryIO) -> Iterator[Line]:
    """The lines of a log, one at a time; empty ones are left out."""
    last: Stamp | None = None
    while raw := file.readline(MAX_LINE):
        text = raw.rstrip(b"\r\n").decode("utf-8", "surrogateescape")
        if not text.strip():
            continue
        stamp = find_stamp(text)
        if stamp is not None:
            last = stamp
        yield Line(text, last, stamp is not None)


def find_stamp(line: str) -> Stamp | None:
    """The time in the first part of a line; None where there is none that we know."""
    head = line[:_HEAD]
    if match := _UNIX.match(head):
        ns = int(match["seconds"]) * 1_000_000_000 + _fraction(match["fraction"])
        return Stamp(ns, has_year=True, has_zone=True, end=match.end() - 1)
    found = [m for m in (_ISO.search(head), _SYSLOG.search(head)) if m is not None]
    for match in sorted(found, key=lambda m: m.start()):
        stamp = _iso(match) if match.re is _ISO else _syslog(match)
        if stamp is not None:
            return stamp
    return None


def offset_to(samples: Iterable[tuple[Stamp, int, int]]) -> int:
    """What to add, in nanoseconds, to the times of a log that does not name its zone.

    Most lines about a call are written as it begins or ends. Clocks of two machines
    differ by seconds, time zones by quarters of an hour: so the zone is that quarter
    which brings the lines nearest to the ends of the calls that they name. UTC stands
    as long as it puts the lines into their calls.

    :param samples: the time in a line, and when the call that the line names began and
        ended, in nanoseconds since the epoch.
    :return: 0 where there is nothing to go by, or where no time zone explains it.
    """
    spans = [
        (stamp.near(first), first, last)
        for stamp, first, last in samples
        if not stamp.has_zone
    ]
    if not spans:
        return 0
    outside = median(max(first - ns, ns - last, 0) for ns, first, last in spans)
    if outside <= _CLOCK_ERROR_NS:
        return 0

    def distance(offset: int) -> float:
        return median(
            min(abs(ns + offset - first), abs(ns + offset - last))
            for ns, first, last in spans
        )

    best = min(_ZONES_NS, key=lambda offset: (distance(offset), abs(offset)))
    return best if distance(best) < _QUARTER_HOUR_NS else 0


def _iso(match: re.Match[str]) -> Stamp | None:
    zone = match["zone"]
    try:
        ns = _clock_ns(int(match["year"]), int(match["month"]), match)
    except ValueError:
        return None
    if zone is not None and zone != "Z":
        seconds = int(zone[1:3]) * 3600 + int(zone[-2:]) * 60
        ns -= (seconds if zone[0] == "+" else -seconds) * 1_000_000_000
    end = match.end() if zone else match.end("fraction")
    return Stamp(ns, True, zone is not None, end if end > 0 else match.end("second"))


def _syslog(match: re.Match[str]) -> Stamp | None:
    year = match["year"] or match["year_after"]
    month = _MONTHS.index(match["month"]) + 1
    try:
        # 1972 is a leap year: 29 February must be possible until the year is known.
        ns = _clock_ns(int(year) if year else 1972, month, match)
    except ValueError:
        return None
    return Stamp(ns, year is not None, False, match.end())


def _clock_ns(year: int, month: int, match: re.Match[str]) -> int:
    """:raises ValueError: if no calendar has that day, or no clock that time."""
    second = int(match["second"])
    moment = datetime(
        year,
        month,
        int(match["day"]),
        int(match["hour"]),
        int(match["minute"]),
        59 if second == 60 else second,  # a leap second counts as the one before
        tzinfo=timezone.utc,
    )
    return _nanoseconds(moment) + _fraction(match["fraction"])


def _fraction(digits: str | None) -> int:
    return int((digits or "0").ljust(9, "0"))


def _nanoseconds(moment: datetime) -> int:
    past = moment - _EPOCH
    return (
        past.days * 86_400 + past.seconds
    ) * 1_000_000_000 + past.microseconds * 1000
