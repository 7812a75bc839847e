from __future__ import annotations

import difflib
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.sip.alignment import aligned

LINES = st.lists(st.sampled_from("abcdefgh"), max_size=60)


def _common(left: list[str], right: list[str]) -> list[str]:
    blocks = aligned(left, right)
    return [line for block in blocks if block.equal for line in _ours(left, block)]


def _ours(left: list[str], block: tuple[bool, int, int, int, int]) -> list[str]:
    return left[block[1] : block[2]]


@given(LINES, LINES)
def test_the_blocks_hold_both_sides_from_end_to_end(
    left: list[str], right: list[str]
) -> None:
    blocks = aligned(left, right)
    assert [line for b in blocks for line in left[b.start : b.end]] == left
    assert [x for b in blocks for x in right[b.other_start : b.other_end]] == right
    for one, other in pairwise(blocks):
        assert one.equal != other.equal


@given(LINES, LINES)
def test_what_is_equal_is_the_same_on_both_sides(
    left: list[str], right: list[str]
) -> None:
    for block in aligned(left, right):
        ours = left[block.start : block.end]
        theirs = right[block.other_start : block.other_end]
        assert (ours == theirs) == block.equal


@given(st.permutations(range(200)), st.sets(st.integers(0, 199)))
def test_lines_that_were_put_in_between_are_found(
    numbers: list[int], extra: set[int]
) -> None:
    right = [str(number) for number in numbers]
    left = [line for line in right if int(line) not in extra]
    assert _common(left, right) == left


@given(st.lists(st.sampled_from("abcd"), max_size=30), st.integers(0, 29))
def test_short_pieces_are_compared_in_every_way(left: list[str], at: int) -> None:
    right = [*left[:at], "new", *left[at + 1 :]]
    matcher = difflib.SequenceMatcher(None, left, right, autojunk=False)
    least = sum(block.size for block in matcher.get_matching_blocks())
    assert len(_common(left, right)) >= least


def test_a_value_that_changed_among_many_alike_stands_beside_its_new_one() -> None:
    left = ["a"] * 1000 + ["old"] + ["a"] * 1000
    right = ["a"] * 1000 + ["new"] + ["a"] * 1000
    assert [tuple(b)[:3] for b in aligned(left, right)] == [
        (True, 0, 1000),
        (False, 1000, 1001),
        (True, 1001, 2001),
    ]
