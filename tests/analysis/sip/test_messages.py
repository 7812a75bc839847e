from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.sip.messages import Message


def retransmissions(messages: list[Message]) -> dict[int, int]:
    return {m.n: m.retransmission_of for m in messages if m.retransmission_of}


def transactions(messages: list[Message]) -> list[int | None]:
    return [m.transaction for m in messages]


def test_a_200_sent_again_for_want_of_an_ack_is_a_retransmission(
    explained: Any,
) -> None:
    call = explained("lost_ack_retrans")
    assert retransmissions(call.messages) == {3: 2, 5: 4, 6: 4}
    assert [m.sending for m in call.messages[3:6]] == [1, 2, 3]


def test_an_invite_without_any_reply_is_sent_six_times(explained: Any) -> None:
    call = explained("noanswer")
    assert retransmissions(call.messages) == {2: 1, 3: 1, 4: 1, 5: 1, 6: 1}


def test_a_bye_sent_again_is_a_retransmission(explained: Any) -> None:
    call = explained("quality_twice")
    assert retransmissions(call.messages) == {7: 6, 8: 6}


def test_what_a_proxy_passes_on_is_no_retransmission(explained: Any) -> None:
    call = explained("proxy_sipp")
    assert len(call.messages) == 14
    assert retransmissions(call.messages) == {}


def test_only_what_the_proxy_itself_repeats_is_one(explained: Any) -> None:
    call = explained("proxy_sipp", 4)
    assert retransmissions(call.messages) == {4: 3, 5: 3, 6: 3}


def test_every_hop_through_a_proxy_is_a_transaction_of_its_own(explained: Any) -> None:
    call = explained("proxy_sipp")
    assert transactions(call.messages) == [
        *[1, 1, 3, 3, 3, 1, 3, 1],
        # The ACK to a 200 belongs to no transaction but its own.
        *[9, 10],
        *[11, 12, 12, 11],
    ]


def test_the_ack_to_a_refusal_belongs_to_its_invite(explained: Any) -> None:
    call = explained("proxy_sipp", 1)
    assert [m.summary for m in call.messages[5:7]] == ["486 Busy Here", "ACK"]
    assert call.messages[6].transaction == call.messages[5].transaction == 3


def test_such_an_ack_is_found_also_if_it_brings_another_branch(explained: Any) -> None:
    call = explained("busy_486")
    assert call.messages[4].branch != call.messages[0].branch
    assert transactions(call.messages) == [1, 1, 1, 1, 1]


def test_a_cancel_opens_a_transaction_of_its_own_under_the_invites_branch(
    story: Any,
) -> None:
    story.invite(0)
    story.message(1, "alice > bob", "CANCEL", tags="a")
    story.message(1.1, "bob > alice", "200 OK", cseq="1 CANCEL")
    story.reply(1.2, "487 Request Terminated")
    story.message(1.3, "alice > bob", "ACK")
    assert transactions(story.call().messages) == [1, 2, 2, 1, 1]


def test_every_response_of_the_recordings_finds_its_request(
    agent_corpus: Path, recorded: Callable[..., Any]
) -> None:
    for capture in sorted(agent_corpus.glob("*.pcap")):
        if capture.stem == "many_150":
            continue  # Like many_20, at length.
        for evidence in recorded(capture.stem):
            messages = explain(evidence).messages
            for response in (m for m in messages if m.kind == "response"):
                assert response.transaction is not None, capture.stem
                request = messages[response.transaction - 1]
                assert request.method == response.cseq_method
                assert request.cseq_number == response.cseq_number
                assert (request.src, request.dst) == (response.dst, response.src)


@pytest.mark.parametrize("branch", [None, "z9hG4bK", "1"])
def test_without_a_branch_that_means_anything_places_and_cseq_decide(
    story: Any, branch: str | None
) -> None:
    story.invite(0, "alice > proxy", branch=branch)
    story.invite(0.1, "proxy > bob", branch=branch)
    story.reply(0.2, "180 Ringing", "bob > proxy", branch=branch)
    story.reply(0.3, "180 Ringing", "proxy > alice", branch=branch)
    assert transactions(story.call().messages) == [1, 2, 2, 1]


def test_a_response_whose_branch_was_changed_on_the_way_finds_its_request(
    story: Any,
) -> None:
    story.invite(0, branch="z9hG4bKours")
    story.reply(0.1, "180 Ringing", branch="z9hG4bKtheirs")
    assert transactions(story.call().messages) == [1, 1]


def test_a_response_to_what_was_not_captured_has_no_transaction(story: Any) -> None:
    story.reply(0, "180 Ringing")
    assert transactions(story.call().messages) == [None]


def test_one_branch_for_all_requests_does_not_make_them_one_transaction(
    story: Any,
) -> None:
    story.invite(0)
    story.message(1, "alice > bob", "INVITE", cseq="2 INVITE")
    story.reply(2, "200 OK", cseq="2 INVITE")
    assert transactions(story.call().messages) == [1, 2, 2]


def test_the_branches_of_a_fork_are_no_retransmissions(story: Any) -> None:
    story.invite(0, "proxy > bob", branch="z9hG4bKone")
    story.invite(0, "proxy > bob", branch="z9hG4bKtwo")
    assert retransmissions(story.call().messages) == {}


def test_ringing_at_two_phones_is_no_retransmission(story: Any) -> None:
    story.invite(0)
    story.reply(0.1, "180 Ringing", tags="a desk")
    story.reply(0.2, "180 Ringing", tags="a mobile")
    assert retransmissions(story.call().messages) == {}


def test_a_new_reliable_provisional_response_is_no_retransmission(story: Any) -> None:
    story.invite(0)
    story.reply(0.1, "180 Ringing", headers=("RSeq: 1",))
    story.reply(0.6, "180 Ringing", headers=("RSeq: 1",))
    story.reply(0.9, "180 Ringing", headers=("RSeq: 2",))
    assert retransmissions(story.call().messages) == {3: 2}


def test_the_same_response_with_another_body_is_no_retransmission(story: Any) -> None:
    story.invite(0)
    story.reply(0.1, "183 Session Progress")
    story.reply(0.2, "183 Session Progress", sdp="PCMU 10.8.0.14:17002")
    assert retransmissions(story.call().messages) == {}


def test_packets_come_into_the_order_of_their_times(story: Any) -> None:
    story.reply(2, "200 OK")
    story.invite(1)
    assert [m.summary for m in story.call().messages] == ["INVITE", "200 OK"]


def test_what_is_no_sip_is_kept_and_says_why(story: Any) -> None:
    story.packet(0, "alice > bob", b"\x00\x01\x02\x03")
    [message] = story.call().messages
    assert message.sip is None
    assert message.problem
    assert message.raw == b"\x00\x01\x02\x03"


def test_a_broken_session_description_leaves_the_message_readable(story: Any) -> None:
    story.packet(
        0,
        "alice > bob",
        b"INVITE sip:bob@example.com SIP/2.0\r\nContent-Type: application/sdp\r\n"
        b"Content-Length: 5\r\n\r\nhello",
    )
    [message] = story.call().messages
    assert message.summary == "INVITE"
    assert message.sdp is None
    assert "session description" in message.problem
