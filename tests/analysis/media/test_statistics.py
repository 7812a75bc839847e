from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.media.quality import UNMEASURED
from flask_sipvault.analysis.media.statistics import percentile
from flask_sipvault.analysis.media.statistics import statistics_of

figures = st.floats(0, 1e6) | st.none()
weighed = st.lists(st.tuples(figures, st.floats(0, 1e6)), max_size=40)


def test_the_mean_counts_each_value_by_its_weight() -> None:
    assert statistics_of([(0.0, 250), (10.0, 50)]).avg == round(500 / 300, 3)


def test_percentiles_lie_between_the_values_in_proportion() -> None:
    twenty_one = [float(n) for n in range(21)]
    assert percentile(twenty_one, 0.05) == 1
    assert percentile(twenty_one, 0.95) == 19
    assert percentile([4.0, 8.0], 0.25) == 5


def test_what_was_not_measured_is_left_out() -> None:
    assert statistics_of([(None, 5), (3.0, 1), (None, 2)]).avg == 3
    assert statistics_of([(None, 5)]) == statistics_of([]) == UNMEASURED


@given(weighed)
def test_a_spread_is_in_order_whatever_the_values(
    values: list[tuple[float | None, float]],
) -> None:
    found = statistics_of(values)
    if found.avg is None:
        assert found == UNMEASURED
        return
    assert None not in (found.min, found.p5, found.p95, found.max)
    assert found.min <= found.p5 <= found.p95 <= found.max  # type: ignore[operator]
    assert found.min <= found.avg <= found.max  # type: ignore[operator]
