"""The sequence numbers of a stream."""

from __future__ import annotations

import random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.rtp_sequence import AGAIN
from flask_sipvault.protocols.rtp_sequence import ANEW
from flask_sipvault.protocols.rtp_sequence import APART
from flask_sipvault.protocols.rtp_sequence import Gap
from flask_sipvault.protocols.rtp_sequence import MAX_DROPOUT
from flask_sipvault.protocols.rtp_sequence import MAX_MISORDER
from flask_sipvault.protocols.rtp_sequence import NEXT
from flask_sipvault.protocols.rtp_sequence import SequenceNumbers

#: A packet every 20 ms.
INTERVAL = 20_000_000


def placed(*numbers: int) -> tuple[SequenceNumbers, list[int]]:
    """The numbers in the order they came, and what was said of each."""
    sequence = SequenceNumbers()
    said = [sequence.place(n & 0xFFFF, i * INTERVAL) for i, n in enumerate(numbers)]
    return sequence, said


def missing(sequence: SequenceNumbers) -> list[int]:
    """How many never came, gap by gap."""
    return [gap.size for gap in sequence.take_gaps()]


def test_one_after_the_other_nothing_is_lost() -> None:
    sequence, said = placed(7, 8, 9)
    assert said == [APART, NEXT, NEXT]
    assert (sequence.expected, missing(sequence)) == (3, [])


def test_what_is_left_out_is_a_gap() -> None:
    sequence, said = placed(7, 8, 12, 13, 15)
    assert said == [APART, NEXT, APART, NEXT, APART]
    assert (sequence.expected, missing(sequence)) == (9, [3, 1])


@pytest.mark.parametrize("start", [0xFFFE, 0xFFFF, 0, 1])
def test_after_65535_comes_0(start: int) -> None:
    sequence, _ = placed(*range(start, start + 6))
    assert sequence.expected == 6
    assert sequence.cycles == (start > 0xFF)
    assert missing(sequence) == []


def test_a_gap_may_lie_across_the_end() -> None:
    sequence, _ = placed(0xFFFD, 0xFFFE, 0x10002)
    assert (sequence.expected, sequence.cycles, missing(sequence)) == (6, 1, [3])


def test_a_late_packet_fills_its_gap() -> None:
    sequence, said = placed(1, 2, 5, 4, 6)
    assert said[3] == APART
    assert (sequence.reordered, sequence.expected) == (1, 6)
    assert missing(sequence) == [1]


def test_a_late_packet_may_part_a_gap_in_two() -> None:
    sequence, _ = placed(1, 5, 3)
    assert missing(sequence) == [1, 1]


def test_late_packets_may_come_across_the_end() -> None:
    sequence, _ = placed(0xFFFE, 0x10001, 0x10000, 0xFFFF, 0x10002)
    assert (sequence.reordered, sequence.expected) == (2, 5)
    assert missing(sequence) == []


def test_what_was_sent_before_the_first_that_came_is_expected_too() -> None:
    sequence, said = placed(0, -1, 1)
    assert said == [APART, APART, NEXT]
    assert (sequence.expected, sequence.reordered, missing(sequence)) == (3, 1, [])


def test_what_lies_between_it_and_the_first_is_missing() -> None:
    sequence, _ = placed(10, 7, 11)
    assert (sequence.expected, missing(sequence)) == (5, [2])


@pytest.mark.parametrize("again", [3, 2, 1])
def test_what_came_before_is_a_duplicate(again: int) -> None:
    sequence, said = placed(1, 2, 3, again)
    assert said[3] == AGAIN
    assert (sequence.duplicates, sequence.expected) == (1, 3)


@pytest.mark.parametrize("step", [MAX_DROPOUT, 20_000, -MAX_MISORDER - 1, -20_000])
def test_a_single_packet_from_elsewhere_is_a_stray(step: int) -> None:
    sequence, said = placed(*range(500, 600), 599 + step, 600, 601)
    assert said[100] == AGAIN
    assert (sequence.strays, sequence.resets, sequence.expected) == (1, 0, 102)
    assert missing(sequence) == []


@pytest.mark.parametrize("step", [MAX_DROPOUT, 20_000, -MAX_MISORDER - 1, -20_000])
def test_two_in_a_row_are_a_new_sequence(step: int) -> None:
    again = range(599 + step, 604 + step)
    sequence, said = placed(*range(500, 600), *again)
    assert said[100:] == [AGAIN, ANEW, NEXT, NEXT, NEXT]
    assert (sequence.strays, sequence.resets) == (0, 1)
    assert (sequence.expected, missing(sequence)) == (105, [])


def test_a_stray_and_what_follows_it_much_later_are_no_new_sequence() -> None:
    sequence, _ = placed(1, 5000, 2, 3, 3000, *range(3001, 4999), 5001)
    assert (sequence.strays, sequence.resets) == (1, 0)


def test_a_new_sequence_keeps_what_was_lost_of_the_old() -> None:
    sequence, _ = placed(1, 2, 4, 30_000, 30_001, 30_003)
    assert missing(sequence) == [1, 1]


def test_an_outage_of_minutes_is_a_loss_and_no_new_sequence() -> None:
    sequence = SequenceNumbers()
    for n in [*range(100), *range(5000, 5010)]:
        sequence.place(n, n * INTERVAL)
    assert (sequence.resets, sequence.strays) == (0, 0)
    assert missing(sequence) == [4900]


def test_a_gap_is_spread_over_the_time_it_took() -> None:
    # One each at 110, 120 … 190.
    gap = Gap(first=1, last=9, after=100, before=200)
    assert list(gap.spread(50)) == [(100, 4), (150, 5)]
    assert list(gap.spread(25)) == [(100, 2), (125, 2), (150, 3), (175, 2)]
    assert list(gap.spread(1000)) == [(0, 9)]


def test_a_stretch_in_which_none_was_due_is_left_out() -> None:
    gap = Gap(first=1, last=1, after=100, before=200)
    assert list(gap.spread(10)) == [(150, 1)]


@given(
    st.integers(1, 3000), st.integers(0, 10**6), st.integers(0, 10**6), st.integers(1)
)
def test_however_it_is_spread_the_gap_is_whole(
    size: int, after: int, before: int, length: int
) -> None:
    spread = list(Gap(1, size, after, before).spread(length))
    assert sum(lost for _, lost in spread) == size
    assert len(spread) <= 121
    assert all(lost > 0 for _, lost in spread)


def test_however_many_gaps_there_are_none_is_forgotten() -> None:
    sequence, _ = placed(*range(0, 2000, 2))
    assert len(missing(sequence)) == 999


def test_counting_begins_anew_where_the_stream_is() -> None:
    sequence, _ = placed(1, 2, 4)
    sequence.take_gaps()
    sequence.begin()
    assert sequence.place(6, 4 * INTERVAL) == APART
    assert (sequence.expected, missing(sequence)) == (2, [1])


@given(
    start=st.integers(0, 0xFFFF),
    count=st.integers(2, 400),
    seed=st.integers(),
)
def test_exactly_what_was_dropped_is_missing(start: int, count: int, seed: int) -> None:
    chance = random.Random(seed)
    came = [n for n in range(count) if n in (0, count - 1) or chance.random() > 0.2]
    copies = [n for n in came if chance.random() < 0.1]
    # Neither first nor last changes places, so that the same packets are expected.
    middle = sorted([*came[1:-1], *copies], key=lambda n: n + chance.random() * 8)
    sequence = SequenceNumbers()
    order = [came[0], *middle, came[-1]]
    for place, n in enumerate(order):
        sequence.place(start + n & 0xFFFF, place * INTERVAL)
    lost = sum(missing(sequence))
    assert lost == count - len(came)
    assert sequence.expected == count
    assert sequence.duplicates == len(copies)
    assert sequence.expected == len(order) - sequence.duplicates + lost


@given(st.lists(st.tuples(st.integers(0, 0xFFFF), st.integers(0, 10**12))))
def test_whatever_comes_every_packet_has_its_place(
    packets: list[tuple[int, int]],
) -> None:
    sequence = SequenceNumbers()
    for number, ts in packets:
        sequence.place(number, ts)
    again = sequence.duplicates + sequence.strays
    assert sequence.expected == len(packets) - again + sum(missing(sequence))
