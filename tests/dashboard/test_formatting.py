from __future__ import annotations

import pytest

from flask_sipvault.dashboard import formatting as figures

TS = 1_795_442_531_123_456_789


def test_moments_are_written_in_utc() -> None:
    assert figures.iso(TS) == "2026-11-23T14:02:11.123456Z"
    assert figures.clock(TS) == "14:02:11.123"
    assert figures.day_and_time(TS) == "23 Nov 2026, 14:02:11 UTC"


@pytest.mark.parametrize(
    ("ns", "written"),
    [
        (0, "0:00.000"),
        (5_402_999_999, "0:05.402"),
        (3_725_402_000_000, "1:02:05.402"),
        (-10_000_000, "−0:00.010"),
    ],
)
def test_time_since_the_start(ns: int, written: str) -> None:
    assert figures.since(ns) == written


@pytest.mark.parametrize(
    ("ns", "written"),
    [
        (0, "+0 µs"),
        (194_304, "+194 µs"),
        (999_600, "+1 ms"),
        (4_000_000, "+4 ms"),
        (999_400_000, "+999 ms"),
        (999_600_000, "+1.00 s"),
        (1_150_000_000, "+1.15 s"),
        (59_994_000_000, "+59.99 s"),
        (59_996_000_000, "+1:00"),
        (134_000_000_000, "+2:14"),
        (-20_000_000, "−20 ms"),
    ],
)
def test_time_since_the_row_before(ns: int, written: str) -> None:
    assert figures.delta(ns) == written


@pytest.mark.parametrize(
    ("ms", "written"),
    [
        (None, "–"),
        (0, "0 ms"),
        (519.4, "519 ms"),
        (1240, "1.24 s"),
        (134_400, "2:14.4"),
        (3_725_420, "1:02:05.4"),
    ],
)
def test_durations(ms: float | None, written: str) -> None:
    assert figures.duration(ms) == written


def test_shares_and_numbers() -> None:
    assert figures.share(0.041) == "4.1 %"
    assert figures.share(None) == "–"
    assert figures.number(12.34, "ms") == "12.3 ms"
    assert figures.number(-3, digits=0) == "-3"
    assert figures.number(None, "ms") == "–"


def test_sizes() -> None:
    assert figures.size(1) == "1 byte"
    assert figures.size(734) == "734 bytes"
    assert figures.size(12_345) == "12.3 kB"
