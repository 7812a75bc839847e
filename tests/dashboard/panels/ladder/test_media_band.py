from __future__ import annotations

import re
from dataclasses import replace

import pytest

from flask_sipvault.analysis.ladder.ladder import Ladder
from flask_sipvault.analysis.ladder.ladder import Lifeline
from flask_sipvault.analysis.ladder.ladder import MediaSpan
from flask_sipvault.analysis.ladder.ladder import Row
from flask_sipvault.dashboard.panels.ladder.media_band import draw_band
from flask_sipvault.dashboard.panels.ladder.media_band import media_band
from flask_sipvault.dashboard.panels.ladder.media_band import MediaLine
from flask_sipvault.dashboard.panels.ladder.svg import draw
from flask_sipvault.protocols.address import Endpoint

SECOND = 1_000_000_000


def _span(first: int = 1, last: int = 3) -> MediaSpan:
    return MediaSpan(0, 1, first, last, 0, 100 * SECOND, "PCMU", ended=True)


def _band(*lines: MediaLine) -> str:
    return "".join(draw_band(media_band(_span(), lines), 100, 320, 90))


def _points(drawn: str) -> list[list[tuple[float, float]]]:
    return [
        [tuple(map(float, point.split(","))) for point in points.split()]  # type: ignore[misc]
        for points in re.findall(r'points="([^"]+)"', drawn)
    ]


def test_it_says_what_flows_how_long_and_on_whose_word() -> None:
    drawn = _band()
    assert "Media PCMU · 1 min 40 s · by the signalling" in drawn
    assert "0:00 \N{EN DASH} 1:40" in drawn


def test_a_curve_runs_through_the_time_of_the_call() -> None:
    line = MediaLine("→ 4.3", [(0, 4.5), (50 * SECOND, 4.5), (100 * SECOND, 1.0)])
    (curve,) = _points(_band(line))
    assert [x for x, _ in curve] == [110, 210, 310]
    assert curve[0][1] < curve[2][1]


def test_where_nothing_was_measured_the_curve_is_parted() -> None:
    line = MediaLine("→", [(0, 4.0), (SECOND, None), (2 * SECOND, 4.0)])
    assert [len(curve) for curve in _points(_band(line))] == [1, 1]


@pytest.mark.parametrize("value", [-5.0, 99.0])
def test_no_value_leaves_the_band(value: float) -> None:
    line = MediaLine("→", [(-SECOND, value), (999 * SECOND, value)])
    band = media_band(_span(), [line])
    (curve,) = _points("".join(draw_band(band, 100, 320, 90)))
    assert all(110 <= x <= 310 and 0 < y < band.height for x, y in curve)


def test_each_direction_has_its_curve_its_words_and_its_tone() -> None:
    drawn = _band(
        MediaLine("→ 4.3 good", [(0, 4.3)], "good"),
        MediaLine('← "2.3" <b>', [(0, 2.3)], "bad"),
    )
    assert drawn.count("<polyline") == 2
    assert "sv-good" in drawn
    assert "← &#34;2.3&#34; &lt;b&gt;" in drawn
    assert "signalling" not in drawn


def _ladder(deltas: list[int]) -> Ladder:
    places = [Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)]
    lifelines = [Lifeline(place, str(place), str(place), "") for place in places]
    rows = [
        Row(n, 0, 1, "INFO", "", "request", n, n, delta * SECOND, False)
        for n, delta in enumerate(deltas, 1)
    ]
    return Ladder(lifelines, rows)


def test_it_stands_where_for_longest_nothing_happened() -> None:
    drawn = draw(_ladder([0, 3, 20, 5, 40]), media=media_band(_span(1, 4)))
    items = re.findall(r'class="sv-item([^"]*)"', drawn.rows)
    # Before the third message, in place of its pause; what comes after is no media.
    assert items == ["", "", " sv-mediaband", "", "", " sv-pause", ""]


def test_it_stands_after_what_confirms_the_answer() -> None:
    ladder = _ladder([0, 30, 3, 1])
    ladder.rows[1] = replace(ladder.rows[1], label="ACK")
    drawn = draw(ladder, media=media_band(_span(1, 4)))
    items = re.findall(r'class="sv-item([^"]*)"', drawn.rows)
    assert items == ["", " sv-pause", "", " sv-mediaband", "", ""]


def test_the_ground_reaches_from_the_answer_to_the_bye() -> None:
    drawn = draw(_ladder([0, 1, 1, 1]), media=media_band(_span(2, 4)))
    found = re.search(
        r'<rect class="sv-media"[^>]* y="(\d+)"[^>]*? height="(\d+)"', drawn.rows
    )
    assert found
    # Two rows above, and between the answer and the BYE one row and the band.
    assert (int(found[1]), int(found[2])) == (4 + 2 * 28, 28 + 30)
