"""When a call is over, whatever order its messages come in."""

from __future__ import annotations

import itertools
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.collector.items import Item
from flask_sipvault.correlation.call_state import CallState

from ..collector.conftest import bye
from ..collector.conftest import bye_ok
from ..collector.conftest import invite
from ..collector.conftest import ok
from ..collector.conftest import refusal
from ..collector.conftest import SECOND
from ..collector.conftest import sip_item
from ..collector.conftest import TS


def after(*items: Item) -> CallState:
    state = CallState()
    for item in items:
        state.follow(item.ts, item.cseq_method, item.payload)
    return state


def over(*items: Item) -> float | None:
    """When it was over, in seconds from the beginning; None while it is up."""
    at = after(*items).over_at
    return None if at is None else round((at - TS) / SECOND, 3)


def cancel(ts: float, **changes: Any) -> Item:
    return sip_item("CANCEL sip:bob@b SIP/2.0", "1 CANCEL", ts=ts, **changes)


CALL = [invite(0), ok(1), bye(9), bye_ok(9.1)]


def test_a_call_is_up_from_its_invite_on() -> None:
    assert over(invite()) is None
    assert over(invite(), ok()) is None


def test_a_bye_ends_it_and_its_answer_makes_that_sure() -> None:
    assert over(*CALL[:3]) == 9
    assert not after(*CALL[:3]).answered_end
    assert over(*CALL) == 9.1
    assert after(*CALL).answered_end


@pytest.mark.parametrize("order", list(itertools.permutations(range(4))))
def test_the_order_of_arrival_does_not_matter(order: tuple[int, ...]) -> None:
    assert over(*(CALL[place] for place in order)) == 9.1


def test_who_hangs_up_does_not_matter() -> None:
    tags = ("callee", "caller")

    assert over(invite(), ok(), bye(9, tags=tags), bye_ok(9.1, tags=tags)) == 9.1


def test_a_bye_that_asks_for_credentials_is_not_answered_yet() -> None:
    challenge = sip_item("SIP/2.0 401 No", "2 BYE", ts=9.1, tags=("caller", "callee"))

    assert not after(invite(), ok(), bye(), challenge).answered_end


@pytest.mark.parametrize("code", [302, 401, 403, 407, 486, 487, 503, 603])
def test_a_refusal_ends_it(code: int) -> None:
    state = after(invite(), refusal(code))

    assert state.over_at == TS + 2 * SECOND
    assert state.answered_end


def test_an_invite_with_credentials_goes_on() -> None:
    again = sip_item("INVITE sip:bob@b SIP/2.0", "2 INVITE", ts=2.5)

    assert over(invite(), refusal(407), again) is None
    assert over(invite(), again, refusal(407)) is None


def test_a_retransmitted_invite_from_before_the_end_changes_nothing() -> None:
    assert over(invite(0), refusal(486, 2), invite(0.5)) == 2


def test_provisional_answers_end_nothing() -> None:
    ringing = sip_item("SIP/2.0 183 Session Progress", "1 INVITE", ts=1)

    assert over(invite(), ringing) is None


def test_a_cancel_ends_it_and_the_487_makes_that_sure() -> None:
    assert over(invite(), cancel(2)) == 2
    assert not after(invite(), cancel(2)).answered_end
    assert after(invite(), cancel(2), refusal(487, 2.1)).answered_end


def test_an_answer_that_crosses_the_cancel_wins() -> None:
    assert over(invite(), cancel(2), ok(2.1)) is None
    assert over(invite(), ok(2.1), cancel(2)) is None


def test_a_refused_reinvite_ends_nothing() -> None:
    tags = ("caller", "callee")
    reinvite = sip_item("INVITE sip:bob@b SIP/2.0", "2 INVITE", ts=5, tags=tags)
    refused = sip_item("SIP/2.0 488 No", "2 INVITE", ts=5.1, tags=tags)

    assert over(invite(), ok(), reinvite, refused) is None
    assert over(invite(), ok(), reinvite, refused, bye(), bye_ok()) == 9.1


def test_a_refusal_on_one_branch_of_a_fork_is_not_the_callers() -> None:
    forked = invite(0.1, hops=2)

    assert over(invite(), forked, refusal(486, 2, hops=2)) is None
    assert over(invite(), forked, refusal(486, 2, hops=2), refusal(486, 2.1)) == 2.1


def test_of_two_answered_branches_one_may_be_hung_up() -> None:
    first, second = ("caller", "desk"), ("caller", "mobile")
    call = [invite(), ok(1, tags=first), ok(1.1, tags=second)]
    end = [bye(1.3, tags=second), bye_ok(1.4, tags=second)]

    assert over(*call, *end) is None
    assert over(*call, *end, bye(9, tags=first), bye_ok(9.1, tags=first)) == 9.1


def ack(ts: float, tags: tuple[str, str]) -> Item:
    return sip_item("ACK sip:bob@b SIP/2.0", "1 ACK", ts=ts, tags=tags)


#: Of two that answer the caller takes the first, and does not hang up on the second.
FIRST, SECOND_ONE = ("caller", "desk"), ("caller", "mobile")
IGNORED = [
    *(invite(), ok(1, tags=FIRST), ok(1.1, tags=SECOND_ONE), ack(1.2, FIRST)),
    *(bye(60, tags=FIRST), bye_ok(60.1, tags=FIRST)),
]


def test_a_branch_whose_answer_nobody_takes_gives_up_in_time() -> None:
    assert over(*IGNORED) == 60.1


def test_even_where_its_answer_is_seen_last() -> None:
    assert over(*IGNORED[:2], *IGNORED[3:], IGNORED[2]) == 60.1


def test_but_not_before_that() -> None:
    early = [bye(20, tags=FIRST), bye_ok(20.1, tags=FIRST)]
    assert over(*IGNORED[:4], *early) is None


def test_nor_where_no_ack_was_captured_at_all() -> None:
    assert over(*IGNORED[:3], *IGNORED[4:]) is None


def test_a_call_id_used_again_is_a_new_call() -> None:
    again = [invite(20), ok(21)]

    assert over(*CALL, *again) is None
    assert over(*CALL, *again, bye(29), bye_ok(29.1)) == 29.1


def test_a_bye_of_the_call_before_does_not_end_the_new_one() -> None:
    assert over(invite(), ok(), invite(20), bye(9), ok(21)) is None


def test_a_call_whose_beginning_was_not_captured_ends_too() -> None:
    assert over(bye(), bye_ok()) == 9.1


def test_unanswered_is_an_invite_without_any_response() -> None:
    update = sip_item("UPDATE sip:bob@b SIP/2.0", "3 UPDATE")

    assert after(invite(), invite(0.5)).unanswered
    assert not after(invite(), refusal(100, 0.1)).unanswered
    assert not after(update).unanswered


def test_compact_and_odd_spellings_are_understood() -> None:
    message = (
        b"\r\nBYE sip:b SIP/2.0\r\nf: <sip:a>; TAG = caller\r\nt:<sip:b>;tag=callee\r\n"
    )
    state = after(invite(), ok(), invite(2, tags=("caller", "callee")))
    state.follow(TS + 5 * SECOND, "BYE", message)

    assert state.over_at == TS + 5 * SECOND
    state.follow(TS + 6 * SECOND, "BYE", b"\r\nsip/2.0  200 OK\r\n")
    assert state.answered_end


@given(
    st.lists(
        st.tuples(
            st.integers(0, 20),
            st.sampled_from(["INVITE", "BYE", "CANCEL", "ACK", ""]),
            st.one_of(
                st.binary(max_size=60),
                st.sampled_from([item.payload for item in CALL]),
                st.sampled_from([b"SIP/2.0 ", b"SIP/2.0 2", b"SIP/2.0 20x", b"SIP/"]),
            ),
        )
    )
)
def test_whatever_the_messages_there_is_a_state(
    messages: list[tuple[int, str, bytes]],
) -> None:
    state = CallState()
    for ts, method, message in messages:
        state.follow(ts, method, message)

    assert state.over_at is None or state.over_at in {ts for ts, _, _ in messages}


MESSAGES = [*CALL, cancel(2), refusal(486), invite(10), ok(11, tags=("caller", "é"))]


@given(
    before=st.lists(st.sampled_from(MESSAGES), max_size=8),
    later=st.lists(st.sampled_from(MESSAGES), max_size=8),
)
def test_recalled_it_goes_on_as_if_nothing_had_been(
    before: list[Item], later: list[Item]
) -> None:
    recalled = CallState.recalled(after(*before).snapshot())
    for item in later:
        recalled.follow(item.ts, item.cseq_method, item.payload)

    assert recalled.snapshot() == after(*before, *later).snapshot()
    assert recalled.unanswered == after(*before, *later).unanswered
