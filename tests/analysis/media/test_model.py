"""Streams, and each direction of speech over time, of recorded calls."""

from __future__ import annotations

from collections.abc import Callable

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.media.model import length_of
from flask_sipvault.analysis.media.model import overlap
from flask_sipvault.analysis.media.model import Period
from flask_sipvault.analysis.media.model import united
from flask_sipvault.analysis.media.model import without

SECOND = 1_000_000_000


def periods(*pairs: tuple[int, int]) -> list[Period]:
    return [Period(*pair) for pair in pairs]


def test_what_periods_share() -> None:
    shared = overlap(periods((0, 10), (20, 30)), periods((5, 25), (28, 40)))
    assert shared == periods((5, 10), (20, 25), (28, 30))


def test_what_is_left_of_periods() -> None:
    left = list(without(periods((0, 10), (20, 30)), periods((2, 4), (8, 22))))
    assert left == periods((0, 2), (4, 8), (22, 30))


def test_periods_that_touch_are_one() -> None:
    assert united(periods((5, 9), (0, 5), (12, 13)), gap_ns=2) == periods(
        (0, 9), (12, 13)
    )


def test_a_healthy_call_carries_both_directions_from_answer_to_end(
    labelled: Callable[[str], Call],
) -> None:
    call = labelled("loss-burst-one-direction-healthy")
    for way in call.media.ways:
        assert way.shown == "rtp"
        assert length_of(way.expected) > 6 * SECOND
        assert way.share is not None
        assert way.share > 0.9
        assert [stream.line for stream in way.streams] == [0]
        assert {stream.kind for stream in way.streams} == {"audio"}


def test_a_hold_is_no_time_in_which_speech_is_expected(
    labelled: Callable[[str], Call],
) -> None:
    way = labelled("hold-cut-by-rtp-timeout-healthy").media.caller_to_callee
    assert len(way.expected) == 2


def test_a_stream_is_found_in_the_evidence_by_its_number(
    labelled: Callable[[str], Call],
) -> None:
    call = labelled("loss-burst-one-direction")
    numbers = [seen.n for stream in call.media.streams for seen in stream.rtp]
    assert sorted(numbers) == [*range(1, len(call.evidence.media) + 1)]
