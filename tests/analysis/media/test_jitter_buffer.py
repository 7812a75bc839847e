from __future__ import annotations

import pytest

from flask_sipvault.analysis.media.jitter_buffer import discarded_percent


@pytest.mark.parametrize(
    ("jitter", "lost"), [(None, 0), (0, 0), (5, 0), (10, 0.0003), (15, 0.13), (20, 1.2)]
)
def test_more_jitter_than_the_buffer_holds_is_lost(
    jitter: float | None, lost: float
) -> None:
    # 1 - Φ(40 / (jitter · √π / 2)), from a table of the normal distribution.
    assert discarded_percent(jitter) == pytest.approx(lost, rel=0.1, abs=1e-4)


def test_the_buffer_grows_with_the_jitter() -> None:
    assert discarded_percent(200) == pytest.approx(discarded_percent(20))
