from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.sip.transactions import outermost
from flask_sipvault.analysis.sip.transactions import Transaction
from flask_sipvault.analysis.sip.transactions import where_refused
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint


def invites(call: Any) -> list[Transaction]:
    return [t for t in call.transactions if t.method == "INVITE"]


def test_one_hop_has_its_request_responses_and_ack(explained: Any) -> None:
    (invite, bye) = explained("answered_rtp").transactions
    assert (invite.method, bye.method) == ("INVITE", "BYE")
    assert invite.request.n == 1
    assert [m.code for m in invite.responses] == [100, 180, 200]
    assert [m.method for m in invite.acks] == ["ACK"]
    assert invite.answer.code == 200
    assert invite.refusal is None


def test_through_a_proxy_each_hop_is_a_transaction_linked_to_the_one_before(
    explained: Any,
) -> None:
    call = explained("proxy_sipp")
    first, second = invites(call)
    assert second.upstream is first
    assert first.downstream == [second]
    assert (first.server, second.client) == (second.client, first.server)
    assert [t.method for t in outermost(call.transactions)] == ["INVITE", "BYE"]


def test_a_hop_that_was_not_captured_is_counted_by_its_via(story: Any) -> None:
    story.invite(0, "alice > proxy", branch="z9hG4bKa")
    two_hops_on = ("Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bKhidden",)
    own = "Via: SIP/2.0/UDP 198.51.100.23;branch=z9hG4bKa"
    story.invite(0.1, "carol > bob", branch="z9hG4bKc", headers=(*two_hops_on, own))
    first, second = invites(story.call())
    assert second.upstream is first
    assert second.unseen_hops == 1


def test_a_forking_proxy_gives_one_request_several_ways_on(field: Any) -> None:
    call = field("fork3.pcap")
    first = invites(call)[0]
    assert len(first.downstream) == 3
    assert all(each.upstream is first for each in first.downstream)


def test_a_b2bua_that_hides_the_vias_is_linked_by_its_address(field: Any) -> None:
    call = field("b2bua60.pcap", 0)
    chain = invites(call)[:3]
    assert [t.upstream for t in chain] == [None, chain[0], chain[1]]


def test_what_never_met_a_response_has_timer_b_run_out(labelled: Any) -> None:
    caller, gateway = invites(labelled("gateway-silent-408"))
    assert [m.n for m in gateway.retransmissions] == [4, 5, 6, 7, 8, 9]
    assert gateway.responses == []
    assert gateway.timed_out == "B"
    assert caller.timed_out is None
    assert gateway.upstream is caller


def test_a_2xx_that_nobody_acknowledged_is_told_apart_from_a_refusal(
    labelled: Any,
) -> None:
    (answered,) = invites(labelled("ack-lost-private-contact"))
    assert answered.timed_out == "ACK"
    assert len(answered.sendings_of(answered.answer)) == 11
    (refused,) = invites(labelled("scanner-invite"))
    assert refused.timed_out == "H"


def test_a_fork_shows_which_of_its_2xx_was_acknowledged(labelled: Any) -> None:
    (invite,) = invites(labelled("forked-second-200-ignored"))
    one, two = invite.finals
    assert [ack.n for ack in invite.acks_of(one)] == [6]
    assert invite.acks_of(two) == []
    assert invite.timed_out == "ACK"


def test_a_bye_without_a_final_response_has_timer_f_run_out(labelled: Any) -> None:
    call = labelled("bye-lost-private-contact")
    bye = next(t for t in call.transactions if t.method == "BYE")
    assert bye.timed_out == "F"
    assert len(bye.sendings) == 11


def test_a_cancel_knows_its_invite(explained: Any) -> None:
    call = explained("cancel_487")
    invite = invites(call)[0]
    assert invite.cancel.method == "CANCEL"
    assert invite.cancel.cancels is invite


def test_responses_whose_request_was_not_captured_are_one_transaction(
    story: Any,
) -> None:
    story.reply(0, "180 Ringing").reply(1, "200 OK")
    (invite,) = story.call().transactions
    assert invite.request is None
    assert (str(invite.client), str(invite.server)) == (
        "198.51.100.23:5060",
        "10.8.0.14:5060",
    )
    assert [m.code for m in invite.responses] == [180, 200]


def test_a_response_stamped_before_its_request_still_belongs_to_it(story: Any) -> None:
    story.reply(0, "100 Trying").invite(0.001).reply(1, "200 OK")
    (invite,) = story.call().transactions
    assert invite.request.n == 1
    assert [m.code for m in invite.responses] == [100, 200]


def test_a_mirror_ports_copies_are_in_no_transaction(story: Any) -> None:
    for late in (0, 0.0004):
        story.invite(late)
        story.reply(1 + late, "180 Ringing")
        story.reply(2 + late, "200 OK")
    call = story.call()
    (invite,) = call.transactions
    assert invite.retransmissions == []
    assert [m.code for m in invite.responses] == [180, 200]
    assert [m.copy_of for m in call.messages] == [None, 1, None, 3, None, 5]
    assert [m.retransmission_of for m in call.messages] == [None] * 6


def test_what_is_sent_again_later_is_a_retransmission_and_no_copy(story: Any) -> None:
    call = story.invite(0).invite(0.5).reply(1, "200 OK").call()
    assert [m.copy_of for m in call.messages] == [None, None, None]
    assert [m.n for m in call.transactions[0].retransmissions] == [2]


_HOSTS = [Endpoint(f"192.0.2.{n}", 5060) for n in range(3)]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["INVITE", "ACK", "BYE", "CANCEL", "PRACK", "180", "200"]),
            st.integers(0, 2),
            st.integers(0, 2),
            st.sampled_from(["a", "b", "c"]),
            st.sampled_from(["", "a", "b"]),
            st.lists(st.sampled_from(["x", "y", "z"]), min_size=1, max_size=3),
            st.integers(1, 3),
        ),
        max_size=20,
    )
)
def test_every_message_belongs_somewhere_and_no_request_came_from_itself(
    told: list[tuple[Any, ...]],
) -> None:
    evidence = Evidence("acme", "made-up")
    for at, (start, src, dst, one, other, branches, cseq) in enumerate(told):
        is_response = start.isdigit()
        lines = [
            f"SIP/2.0 {start} Fine" if is_response else f"{start} sip:b@b SIP/2.0",
            *(f"Via: SIP/2.0/UDP h;branch=z9hG4bK{name}" for name in branches),
            f"From: <sip:a@a>;tag={one}",
            "To: <sip:b@b>" + (f";tag={other}" if other else ""),
            f"CSeq: {cseq} {'INVITE' if is_response else start}",
            "Call-ID: made-up",
        ]
        payload = "\r\n".join([*lines, "", ""]).encode()
        evidence.sip.append(
            SipPacket(at * 10**9, _HOSTS[src], _HOSTS[dst], "udp", payload)
        )
    call = explain(evidence)
    placed = [
        message.n
        for each in call.transactions
        for message in (*each.sendings, *each.responses, *each.repeated)
    ]
    expected = [m.n for m in call.messages if m.method != "ACK"]
    assert sorted(placed) == expected
    for each in call.transactions:
        seen = {id(each)}
        while each.upstream is not None:
            each = each.upstream
            assert id(each) not in seen
            seen.add(id(each))


def test_a_refusal_arises_where_it_came_from_first(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    story.reply(1, "403 Forbidden", "bob > proxy", branch="z9hG4bK9")
    story.reply(1.01, "403 Forbidden", "proxy > alice")

    first, second = story.call().transactions

    assert where_refused(first) is second
    assert where_refused(second) is second


def test_a_refusal_that_a_proxy_made_itself_arises_there(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    story.reply(1, "503 Down", "bob > proxy", branch="z9hG4bK9")
    story.reply(1.01, "500 Oops", "proxy > alice")

    first, _second = story.call().transactions

    assert where_refused(first) is first


def test_an_update_is_within_a_dialog_though_only_its_response_was_captured(
    story: Any,
) -> None:
    story.invite(0)
    story.reply(1, "200 OK", headers=("Session-Expires: 90;refresher=uac",))
    story.message(40, "bob > alice", "200 OK", cseq="2 UPDATE", branch="z9hG4bK2")

    call = story.call()

    assert call.transactions[-1].in_dialog
    assert call.dialogs[0].session is not None
    assert len(call.dialogs[0].session.refreshes) == 1
