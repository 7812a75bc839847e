from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.words.text import clock
from flask_sipvault.analysis.words.text import date_and_time
from flask_sipvault.analysis.words.text import duration
from flask_sipvault.analysis.words.text import MAX_QUOTED
from flask_sipvault.analysis.words.text import printable
from flask_sipvault.analysis.words.text import quoted
from flask_sipvault.sanitize import is_seen


@pytest.mark.parametrize(
    ("ms", "words"),
    [
        (0, "0 ms"),
        (42.6, "43 ms"),
        (99.6, "0.1 s"),
        (1240, "1.2 s"),
        (3000, "3.0 s"),
        (9949, "9.9 s"),
        (9951, "10 s"),
        (34_400, "34 s"),
        (59_600, "1 min 00 s"),
        (134_400, "2 min 14 s"),
        (3_599_700, "1 h 00 min"),
        (7_500_000, "2 h 05 min"),
    ],
)
def test_a_duration_has_the_unit_that_fits_it(ms: float, words: str) -> None:
    assert duration(ms) == words


def test_a_moment_is_told_in_utc() -> None:
    assert clock(1_795_442_531_999_999_999) == "14:02:11 UTC"
    assert date_and_time(1_795_442_531_000_000_000) == "23 Nov 2026, 14:02:11 UTC"


@given(st.integers())
def test_a_moment_out_of_the_calendar_is_no_error(ts: int) -> None:
    assert clock(ts)


@given(st.text())
def test_printable_text_has_no_control_characters(text: str) -> None:
    assert is_seen(printable(text))
    assert len(printable(text).splitlines()) <= 1


def test_an_escape_sequence_is_defused() -> None:
    assert printable("\x1b[31mred\u202e\r\n") == "␛[31mred⟨U+202E⟩␍␊"


def test_quoted_text_is_cut() -> None:
    assert quoted("x" * MAX_QUOTED) == "x" * MAX_QUOTED
    assert quoted("x" * 1000) == "x" * (MAX_QUOTED - 1) + "…"
