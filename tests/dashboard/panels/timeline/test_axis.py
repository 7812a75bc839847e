from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.dashboard.panels.timeline.axis import grid
from flask_sipvault.dashboard.panels.timeline.axis import scale
from flask_sipvault.dashboard.panels.timeline.axis import span_of
from flask_sipvault.dashboard.panels.timeline.axis import TimeAxis
from flask_sipvault.dashboard.panels.timeline.axis import whole_axis

CALL = TimeAxis(0, 140_000, 0, 140_000)


def test_a_time_stands_at_so_many_percent() -> None:
    assert CALL.at(70_000) == "50.000%"
    assert CALL.wide(70_000, 84_000) == "10.000%"


def test_what_is_far_out_of_sight_is_not_far_out() -> None:
    assert CALL.at(-1e12) == "-100.000%"
    assert CALL.at(1e12) == "200.000%"


@pytest.mark.parametrize(
    ("length", "names"),
    [
        (140_000, ["0:00", "0:20", "0:40", "1:00", "1:20", "1:40", "2:00", "2:20"]),
        (14_000, ["0:00", "0:02", "0:04", "0:06", "0:08", "0:10", "0:12", "0:14"]),
        (300, ["0:00.000", "0:00.050", "0:00.100"]),
        (7_200_000, ["0:00", "30:00"]),
    ],
)
def test_marks_are_round_times(length: float, names: list[str]) -> None:
    axis = TimeAxis(0, length, 0, length)
    assert [name for _ms, name in axis.marks()][: len(names)] == names


def test_all_of_a_call_has_some_room_around_it() -> None:
    axis = whole_axis(0, 1000)
    assert (axis.begin, axis.end) == (-15, 1015)


def test_a_stretch_is_opened_by_the_address() -> None:
    axis = whole_axis(0, 140_000, span_of(80_000, 115_000))
    assert (axis.begin, axis.end) == (78_250, 116_750)
    assert (axis.first, axis.last) == (0, 140_000)


@pytest.mark.parametrize("span", ["", "5", "9_3", "a_b", "200000_300000", "1_2_3"])
def test_another_address_shows_all(span: str) -> None:
    assert whole_axis(0, 140_000, span).begin < 0


@given(
    st.floats(-1e13, 1e13), st.floats(0, 1e13), st.text(max_size=30) | st.just("0_1")
)
def test_whatever_the_times_it_can_be_drawn(
    first: float, length: float, span: str
) -> None:
    axis = whole_axis(first, first + length, span)
    assert axis.begin < axis.end
    assert len(list(axis.marks())) <= 8
    assert "nan" not in str(scale(axis)) + str(grid(axis))
