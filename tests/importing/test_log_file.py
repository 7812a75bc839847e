from __future__ import annotations

from datetime import datetime
from datetime import timezone
from io import BytesIO
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.importing.log_file import find_stamp
from flask_sipvault.importing.log_file import MAX_LINE
from flask_sipvault.importing.log_file import offset_to
from flask_sipvault.importing.log_file import read_lines
from flask_sipvault.importing.log_file import Stamp

SECOND = 1_000_000_000


def utc(text: str) -> int:
    moment = datetime.fromisoformat(text).replace(tzinfo=timezone.utc)
    return int(moment.timestamp()) * SECOND


AFTERNOON = utc("2026-11-23 13:16:46")


@pytest.mark.parametrize(
    ("line", "ns"),
    [
        ("2026-11-23T13:16:46Z proxy x", AFTERNOON),
        ("2026-11-23T13:16:46.25Z", AFTERNOON + SECOND // 4),
        ("2026-11-23T14:16:46.000000001+01:00 proxy", AFTERNOON + 1),
        ("2026-11-23T10:16:46-0300 proxy", AFTERNOON),
        ("<134>1 2026-11-23T13:16:46Z host app - - -", AFTERNOON),
        ("[1795439806.123456] INFO: [abc]: x", AFTERNOON + 123_456_000),
        ("1795439806.5 host kamailio[1]: x", AFTERNOON + SECOND // 2),
    ],
)
def test_a_time_with_its_zone_is_exact(line: str, ns: int) -> None:
    stamp = find_stamp(line)
    assert stamp is not None
    assert (stamp.ns, stamp.has_year, stamp.has_zone) == (ns, True, True)


@pytest.mark.parametrize(
    "line",
    [
        "[2026-11-23 13:16:46] VERBOSE[1][C-1] pbx.c: x",
        "2026-11-23 13:16:46 [DEBUG] sofia.c:1 x",
        "2026/11/23 13:16:46 [error] x",
        "aaaa-bbbb 2026-11-23 13:16:46 98.67% [DEBUG] x",
        "Mon Nov 23 13:16:46 2026 : x",
        "Nov 23 2026 13:16:46 cube: x",
    ],
)
def test_a_time_without_a_zone_counts_as_utc_until_more_is_known(line: str) -> None:
    stamp = find_stamp(line)
    assert stamp is not None
    assert (stamp.ns, stamp.has_year, stamp.has_zone) == (AFTERNOON, True, False)


@pytest.mark.parametrize(
    "line",
    [
        "Nov 23 13:16:46 proxy /usr/sbin/opensips[4242]: INFO:x",
        "<134>Nov 23 13:16:46 proxy opensips: x",
        "[Nov 23 13:16:46] NOTICE[123]: chan_sip.c: x",
        "Nov 23 13:16:46 [4242] DBG:core:x",
    ],
)
def test_a_time_without_a_year_takes_the_nearest(line: str) -> None:
    stamp = find_stamp(line)
    assert stamp is not None
    assert not stamp.has_year
    assert stamp.near(AFTERNOON + 3 * 86_400 * SECOND) == AFTERNOON


def test_the_fraction_of_a_syslog_second_counts() -> None:
    stamp = find_stamp("Nov 23 13:16:46.123456 proxy x")
    assert stamp is not None
    assert stamp.near(AFTERNOON) == AFTERNOON + 123_456_000


def test_a_day_of_one_digit_is_padded_with_a_space() -> None:
    stamp = find_stamp("Nov  3 13:16:46 proxy x")
    assert stamp is not None
    assert stamp.near(AFTERNOON) == utc("2026-11-03 13:16:46")


def test_a_log_of_new_years_eve_stays_in_the_old_year() -> None:
    stamp = find_stamp("Dec 31 23:59:59 proxy x")
    assert stamp is not None
    assert stamp.near(utc("2027-01-01 00:00:05")) == utc("2026-12-31 23:59:59")


def test_the_29th_of_february_goes_to_a_leap_year() -> None:
    stamp = find_stamp("Feb 29 12:00:00 proxy x")
    assert stamp is not None
    assert stamp.near(utc("2027-03-01 00:00:00")) == utc("2028-02-29 12:00:00")


@pytest.mark.parametrize(
    "line",
    [
        "",
        "INVITE sip:bob@192.0.2.2 SIP/2.0",
        "Date: Mon, 23 Nov 2026 13:16:46 GMT",
        " 0(23964) INFO: <core> [main.c:3055]: main()",
        "2026-13-45 13:16:46 no such day",
        "Feb 31 13:16:46 no such day",
        "Nov 23 25:61:61 no such time",
        "x" * 500 + " 2026-11-23T13:16:46Z",
    ],
)
def test_a_line_without_a_time_says_so(line: str) -> None:
    assert find_stamp(line) is None


def test_what_follows_the_time_is_the_message() -> None:
    (line,) = read_lines(BytesIO(b"Nov 1 13:16:46 proxy opensips: call 1 ended\n"))
    assert line.message == " proxy opensips: call 1 ended"


def test_a_line_without_a_time_takes_that_of_the_line_before() -> None:
    lines = list(read_lines(BytesIO(b"2026-11-23T13:16:46Z a\r\n\r\n  more of a\n")))
    assert [line.text for line in lines] == ["2026-11-23T13:16:46Z a", "  more of a"]
    assert lines[1].stamp is not None
    assert lines[1].stamp.ns == AFTERNOON
    assert lines[1].message == "  more of a"


def test_a_line_before_any_time_has_none() -> None:
    (line,) = read_lines(BytesIO(b"starting up"))
    assert line.stamp is None


def test_bytes_that_are_not_utf_8_are_kept() -> None:
    (line,) = read_lines(BytesIO(b"caf\xe9\n"))
    assert line.text.encode("utf-8", "surrogateescape") == b"caf\xe9"


def test_a_file_without_line_ends_does_not_become_one_line() -> None:
    lines = list(read_lines(BytesIO(b"x" * (MAX_LINE * 2 + 1))))
    assert [len(line.text) for line in lines] == [MAX_LINE, MAX_LINE, 1]


@pytest.mark.parametrize("hours", [-3.0, 0.0, 1.0, 5.5, 5.75, 13.0])
def test_the_zone_of_a_log_is_seen_by_the_calls_beside_it(hours: float) -> None:
    zone = int(hours * 3600 * SECOND)
    samples = []
    for second in range(9):
        naive = Stamp(AFTERNOON + zone + second * SECOND, True, False, 0)
        begin = AFTERNOON + second * SECOND - 700_000_000
        samples.append((naive, begin, begin + 90 * SECOND))
    assert offset_to(samples) == -zone


def test_a_long_call_does_not_hide_the_zone() -> None:
    """Half of its lines are written an hour later than the other half."""
    begin, end = AFTERNOON, AFTERNOON + 3700 * SECOND
    naive = [begin + 1, begin + 2, end - 2, end - 1]
    zone = 3 * 3600 * SECOND
    samples = [(Stamp(ns - zone, True, False, 0), begin, end) for ns in naive]
    assert offset_to(samples) == zone


def test_a_line_in_the_middle_of_a_long_call_is_no_reason_to_doubt_utc() -> None:
    naive = Stamp(AFTERNOON + 1200 * SECOND, True, False, 0)
    assert offset_to([(naive, AFTERNOON, AFTERNOON + 3600 * SECOND)]) == 0


def test_a_log_that_names_its_zone_is_not_moved() -> None:
    stamp = find_stamp("2026-11-23T13:16:46Z x")
    assert stamp is not None
    later = AFTERNOON + 3600 * SECOND
    assert offset_to([(stamp, later, later)]) == 0


def test_a_distance_of_days_is_no_time_zone() -> None:
    stamp = Stamp(AFTERNOON, True, False, 0)
    later = AFTERNOON + 3 * 86_400 * SECOND
    assert offset_to([(stamp, later, later)]) == 0


def test_every_line_of_a_recorded_log_has_a_time(agent_corpus: Path) -> None:
    for path in sorted(agent_corpus.glob("*.log")):
        with path.open("rb") as file:
            assert all(line.own_stamp for line in read_lines(file)), path.name


@given(st.text())
def test_any_text_has_a_time_or_none(text: str) -> None:
    stamp = find_stamp(text)
    assert stamp is None or stamp.end <= len(text)


@given(
    st.from_regex(
        r"(<\d+>)?(\d{4}[-/]\d\d[-/]\d\d[T ]|(Jan|Feb|Dec) [ \d]\d )"
        r"\d\d:\d\d:\d\d([.,]\d{1,9})?( ?(Z|[+-]\d\d:?\d\d))?.*",
    ),
    st.integers(-(2**63), 2**64),
)
def test_what_looks_like_a_time_never_fails(text: str, ts: int) -> None:
    stamp = find_stamp(text)
    if stamp is not None:
        assert isinstance(stamp.near(ts), int)
        assert isinstance(offset_to([(stamp, ts, ts)]), int)


@given(st.binary())
def test_any_bytes_are_lines(data: bytes) -> None:
    lines = list(read_lines(BytesIO(data)))
    kept = b"".join(line.text.encode("utf-8", "surrogateescape") for line in lines)
    assert len(kept) <= len(data)
