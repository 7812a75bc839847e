from __future__ import annotations

from typing import Any

import pytest

SECOND = 1_000_000_000


def test_a_dialog_is_made_confirmed_and_ended(explained: Any) -> None:
    call = explained("answered_rtp")
    (dialog,) = call.dialogs
    assert dialog.state == "terminated"
    assert dialog.early.code == 180
    assert dialog.answer.code == 200
    assert [ack.method for ack in dialog.acks] == ["ACK"]
    assert dialog.end.kind == "bye"
    assert dialog.end.by == "caller"
    assert dialog.end.answered.code == 200
    assert call.dialog is dialog


def test_the_hosts_of_its_sides_are_the_ends_and_not_the_proxy(explained: Any) -> None:
    (dialog,) = explained("proxy_sipp").dialogs
    assert str(dialog.hosts["caller"]) == "127.0.0.2:5061"
    assert str(dialog.hosts["callee"]) == "127.0.0.3:5080"
    assert len(dialog.invites) == 2
    assert len(dialog.answers) == 2


def test_a_fork_makes_a_dialog_for_each_that_answers(labelled: Any) -> None:
    first, second = labelled("forked-second-200-ignored").dialogs
    assert (first.callee_tag, second.callee_tag) == ("t-one", "t-two")
    assert first.acks
    assert not second.acks
    assert second.end.answered.code == 481


def test_an_early_dialog_ends_when_another_side_answers(labelled: Any) -> None:
    _, second = labelled("prack-missing-second-fork").dialogs
    assert second.end.kind == "other-answered"


def test_each_side_routes_by_the_record_route_that_reached_it(labelled: Any) -> None:
    """The callee in the order of the fields, the caller in reverse."""
    (dialog,) = labelled("bye-without-route-481").dialogs
    callee = ["sip:192.0.2.10;lr", "sip:172.18.6.9;lr"]
    assert dialog.route_sets == {"callee": callee, "caller": callee[::-1]}


def test_the_contact_tells_where_a_side_is_to_be_reached(labelled: Any) -> None:
    (dialog,) = labelled("ack-lost-private-contact").dialogs
    (target,) = dialog.targets["callee"]
    assert (target.n, target.host, target.port) == (3, "10.0.5.10", 5060)
    assert target.transport is None
    assert target.source.ip == "203.0.113.20"


@pytest.mark.parametrize(
    ("contact", "transport"),
    [
        ("<sip:bob@192.0.2.1;transport=TCP>", "tcp"),
        ("<sips:bob@192.0.2.1>", "tls"),
        ("<sip:bob@192.0.2.1>", None),
    ],
)
def test_a_contact_may_ask_for_another_transport(
    story: Any, contact: str, transport: str | None
) -> None:
    story.invite(0).reply(1, "200 OK", headers=(f"Contact: {contact}",))
    (target,) = story.call().dialogs[0].targets["callee"]
    assert target.transport == transport
    assert target.sent_over == "udp"


def test_an_accepted_reinvite_moves_the_target_and_a_refused_one_does_not(
    story: Any,
) -> None:
    story.invite(0, headers=("Contact: <sip:a@192.0.2.1>",)).reply(1, "200 OK")
    for at, cseq, address, reply in (
        (5, 2, "192.0.2.2", "488 Not Acceptable Here"),
        (9, 3, "192.0.2.3", "200 OK"),
    ):
        more = {"cseq": f"{cseq} INVITE", "branch": f"z9hG4bK{cseq}"}
        contact = (f"Contact: <sip:a@{address}>",)
        story.invite(at, tags="a b", headers=contact, **more)
        story.reply(at + 1, reply, **more)
    dialog = story.call().dialogs[0]
    assert [t.host for t in dialog.targets["caller"]] == ["192.0.2.1", "192.0.2.3"]
    at_8 = dialog.targets["caller"][0].ts + 8 * SECOND
    assert dialog.target_of("caller", at_8).host == "192.0.2.1"


def test_each_sides_numbers_are_kept_with_the_highest_before(labelled: Any) -> None:
    (dialog,) = labelled("bye-with-low-cseq").dialogs
    first, bye = dialog.sequence["caller"]
    assert (first.number, first.highest_before) == (24871, None)
    assert (bye.number, bye.highest_before, bye.method) == (1, 24871, "BYE")
    # A proxy that hung up on both sides in their names.
    assert dialog.end.by is None


def test_a_bye_whose_tags_are_no_dialogs_is_in_none(labelled: Any) -> None:
    call = labelled("bye-without-from-tag-481")
    (dialog,) = call.dialogs
    assert [t.number for t in dialog.byes] == [3]


def test_a_reliable_response_knows_its_prack(labelled: Any) -> None:
    first, second = labelled("prack-missing-second-fork").dialogs
    (told,), (lost,) = first.reliable, second.reliable
    assert told.prack.n == 4
    assert lost.prack is None
    assert [m.n for m in lost.sendings] == [6, 7, 8, 9, 10, 11]


def test_a_session_timer_has_its_refresher_and_its_refreshes(labelled: Any) -> None:
    (kept,) = labelled("session-timer-not-refreshed-healthy").dialogs
    (lost,) = labelled("session-timer-not-refreshed").dialogs
    assert kept.session.interval == lost.session.interval == 1800 * SECOND
    assert kept.session.refresher == lost.session.refresher == "caller"
    assert [m.n for m in kept.session.refreshes] == [7]
    assert lost.session.refreshes == []
    assert lost.session.expires_ts == lost.answer.ts + 1800 * SECOND


def test_requests_of_a_call_whose_start_was_missed_make_a_dialog(story: Any) -> None:
    dialog = story.bye(0).message(0.1, "bob > alice", "200 OK", cseq="2 BYE")
    (dialog,) = story.call().dialogs
    assert not dialog.sides_known
    assert dialog.confirmed.method == "BYE"
    assert dialog.end.by == "caller"


def test_where_only_the_caller_was_captured_its_ack_makes_the_dialog(
    story: Any,
) -> None:
    story.invite(0)
    story.message(2, "alice > bob", "ACK", branch="z9hG4bK7")
    (dialog,) = story.call().dialogs
    assert dialog.sides_known
    assert dialog.answer is None
    assert dialog.confirmed.method == "ACK"


def test_a_request_in_it_that_meets_481_ends_it(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    more = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(5, tags="a b", **more)
    story.reply(5.1, "481 Call/Transaction Does Not Exist", **more)
    (dialog,) = story.call().dialogs
    assert (dialog.end.kind, dialog.end.by, dialog.end.message.n) == (
        "lost",
        "caller",
        4,
    )
