from __future__ import annotations

from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.media.intervals import BUCKET_NS
from flask_sipvault.analysis.media.intervals import Interval
from flask_sipvault.analysis.media.intervals import into_buckets
from flask_sipvault.analysis.media.paths import Coding

SECOND = 1_000_000_000
PCMU = Coding("PCMU", "", 20.0)


def interval(
    start: float, end: float, expected: float, lost: float = 0, jitter: float = 1
) -> Interval:
    """An interval of PCMU; times in seconds."""
    return Interval(
        round(start * SECOND), round(end * SECOND), expected, lost, jitter, PCMU
    )


def test_a_report_on_seven_seconds_is_spread_over_two_buckets() -> None:
    first, second = into_buckets([interval(3, 10, 350, 7)])
    assert (first.start, first.end) == (3 * SECOND, 5 * SECOND)
    assert (first.expected, first.lost) == (pytest.approx(100), pytest.approx(2))
    assert (second.expected, second.lost) == (pytest.approx(250), pytest.approx(5))


def test_two_reports_in_one_bucket_are_put_together() -> None:
    [bucket] = into_buckets([interval(0, 1, 50, 5, 4), interval(1, 4, 150, 0, 8)])
    assert (bucket.expected, bucket.lost) == (200, 5)
    assert bucket.jitter == pytest.approx(7)


@pytest.mark.parametrize(
    ("pieces", "lengths"),
    [
        ([interval(4.8, 5, 10, 5), interval(5, 10, 250)], [5.2]),
        ([interval(5, 10, 250), interval(10, 10.3, 15)], [5.3]),
        ([interval(4.8, 5, 10)], [0.2]),
        # It has no neighbour: the call was on hold in between.
        ([interval(4.8, 5, 10), interval(15, 20, 250)], [0.2, 5]),
    ],
)
def test_what_is_shorter_than_a_second_goes_to_its_neighbour(
    pieces: list[Interval], lengths: list[float]
) -> None:
    buckets = into_buckets(pieces)
    assert [(b.end - b.start) / SECOND for b in buckets] == pytest.approx(lengths)
    assert sum(b.expected for b in buckets) == sum(p.expected for p in pieces)


def test_a_report_on_a_year_covers_a_minute() -> None:
    buckets = into_buckets([interval(0, 365 * 86400, 1000, 10)])
    assert buckets[-1].end - buckets[0].start == 60 * SECOND
    assert len(buckets) <= 13


@given(
    st.lists(
        st.builds(
            lambda start, length, expected, share: interval(
                start, start + length, expected, expected * share
            ),
            st.floats(0, 1000),
            st.floats(0, 59),
            st.floats(0.1, 1e5),
            st.floats(0, 1),
        ),
        max_size=10,
    )
)
def test_nothing_gets_lost_and_buckets_stay_in_order(pieces: list[Interval]) -> None:
    buckets = into_buckets(pieces)
    total: Callable[[str, list[Interval]], float] = lambda name, each: sum(  # noqa: E731
        getattr(one, name) for one in each
    )
    for name in ("expected", "lost"):
        assert total(name, buckets) == pytest.approx(total(name, pieces), rel=1e-6)
    for bucket in buckets:
        assert bucket.start < bucket.end
        assert 0 <= bucket.lost <= bucket.expected * 1.000001
        assert bucket.end - bucket.start <= BUCKET_NS + 2 * SECOND
    assert [b.start for b in buckets] == sorted(b.start for b in buckets)
