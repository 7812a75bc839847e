"""Datagrams in fragments."""

from __future__ import annotations

import itertools

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import fragments
from flask_sipvault.protocols.fragments import Reassembler

Piece = tuple[int, bytes, bool]
WHOLE = b"abcdefghijklmnopqrst"
PIECES: list[Piece] = [
    (0, WHOLE[:8], True),
    (8, WHOLE[8:16], True),
    (16, WHOLE[16:], False),
]


def add(
    reassembler: Reassembler, *pieces: Piece, datagram: object = "a", ts: int = 0
) -> list[bytes | None]:
    return [
        reassembler.add(ts, datagram, offset, data, more)  # type: ignore[arg-type]
        for offset, data, more in pieces
    ]


@pytest.mark.parametrize("order", list(itertools.permutations(PIECES)))
def test_in_any_order_the_last_piece_completes_it(order: tuple[Piece, ...]) -> None:
    reassembler = Reassembler()
    assert add(reassembler, *order) == [None, None, WHOLE]
    assert reassembler.held == 0


def test_one_that_came_twice_counts_once() -> None:
    pieces = [PIECES[0], PIECES[0], PIECES[1], PIECES[1], PIECES[2]]
    assert add(Reassembler(), *pieces)[-1] == WHOLE


def test_what_is_missing_is_not_made_up_by_what_came_twice() -> None:
    reassembler = Reassembler()
    overlapping = (0, WHOLE[:10], True)
    assert add(reassembler, PIECES[0], overlapping, PIECES[2]) == [None] * 3


def test_overlapping_fragments_fit_together() -> None:
    pieces = [(0, WHOLE[:16], True), (8, b"XXXXXXXX" + WHOLE[16:], False)]
    assert add(Reassembler(), *pieces) == [None, WHOLE]


def test_datagrams_are_kept_apart() -> None:
    reassembler = Reassembler()
    add(reassembler, PIECES[0], PIECES[1], datagram="a")
    assert add(reassembler, PIECES[2], datagram="b") == [None]
    assert add(reassembler, PIECES[2], datagram="a") == [WHOLE]


def test_a_used_identification_begins_anew_after_a_minute() -> None:
    reassembler = Reassembler()
    add(reassembler, (0, b"oldoldol", True), PIECES[1])
    later = fragments.TIMEOUT_NS + 1
    assert add(reassembler, PIECES[2], PIECES[0], ts=later) == [None, None]
    assert add(reassembler, PIECES[1], ts=later) == [WHOLE]


def test_no_datagram_is_longer_than_ip_can_say() -> None:
    reassembler = Reassembler()
    assert add(reassembler, (65528, bytes(16), False)) == [None]
    assert reassembler.held == 0


def test_the_oldest_gives_way(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(fragments, "MAX_PENDING", 2)
    reassembler = Reassembler()
    for datagram in "abc":
        add(reassembler, PIECES[0], PIECES[1], datagram=datagram)
    assert add(reassembler, PIECES[2], datagram="c") == [WHOLE]
    assert add(reassembler, PIECES[2], datagram="a") == [None]


def test_all_together_hold_no_more_than_the_limit(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(fragments, "MAX_HELD", 100)
    reassembler = Reassembler()
    for datagram in range(50):
        add(reassembler, PIECES[0], datagram=datagram)
        assert reassembler.held <= 100


def test_a_datagram_in_tiny_pieces_is_given_up() -> None:
    reassembler = Reassembler()
    pieces = [(8 * n, bytes(8), True) for n in range(fragments.MAX_FRAGMENTS + 1)]
    add(reassembler, *pieces)
    assert reassembler.held == 0


@given(
    whole=st.binary(min_size=1, max_size=400),
    size=st.integers(1, 10),
    order=st.randoms(use_true_random=False),
)
def test_what_was_cut_comes_back(whole: bytes, size: int, order: object) -> None:
    step = size * 8
    starts = range(0, len(whole), step)
    pieces = [(at, whole[at : at + step], at + step < len(whole)) for at in starts]
    order.shuffle(pieces)  # type: ignore[attr-defined]
    *before, last = add(Reassembler(), *pieces)
    assert last == whole
    assert not any(before)
