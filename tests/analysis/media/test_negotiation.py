from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.media.negotiation import Negotiation

ALICE, BOB = "198.51.100.23:14000", "10.8.0.14:17002"
RELIABLE = ("Require: 100rel", "RSeq: 1")


def results(negotiation: Negotiation) -> list[tuple[int | None, int | None, str]]:
    return [
        (each.offer and each.offer.n, each.answer and each.answer.n, each.result)
        for each in negotiation.exchanges
    ]


def codecs(negotiation: Negotiation) -> list[str | None]:
    (line,) = negotiation.lines
    return [state.codec.name if state.codec else None for state in line.states]


def agreed(story: Any) -> Negotiation:
    found: Negotiation | None = story.call().negotiation
    assert found is not None
    return found


def test_the_codec_in_use_is_the_first_of_the_answers_m_line(field: Any) -> None:
    """Offer and answer ``111 8 101``: opus, and not PCMA, whose number is static."""
    negotiation = field("codec_min.pcap").negotiation
    (state,) = negotiation.lines[0].states
    assert state.codec.name.lower() == "opus"
    assert state.payload_type == 111
    assert list(state.types_to("callee")) == [111, 8, 101]
    assert state.events_to("callee") == [101]


def test_the_answer_decides_and_not_the_offer(story: Any) -> None:
    story.invite(0, sdp=f"PCMU+G729 {ALICE}").reply(1, "200 OK", sdp=f"G729 {BOB}")
    assert codecs(agreed(story)) == ["G729"]


def test_auxiliary_formats_are_no_codec_in_use(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    answer = f"m=audio 17002 RTP/AVP 13 101 8\r\nc=IN IP4 {BOB[:9]}\r\n"
    body = "v=0\r\na=rtpmap:101 telephone-event/8000\r\n" + answer
    story.reply(1, "200 OK", sdp=f"PCMA {BOB}")
    packet = story.evidence.sip[-1]
    head = packet.payload.partition(b"\r\n\r\n")[0].rpartition(b"\r\n")[0]
    packet.payload = head + b"\r\n\r\n" + body.encode()
    assert codecs(agreed(story)) == ["PCMA"]


def test_a_delayed_offer_is_answered_by_the_ack(story: Any) -> None:
    story.invite(0).reply(1, "200 OK", sdp=f"PCMU+G729 {BOB}")
    story.message(1.1, "alice > bob", "ACK", branch="z9hG4bK7", sdp=f"G729 {ALICE}")
    negotiation = agreed(story)
    assert results(negotiation) == [(2, 3, "accepted")]
    assert codecs(negotiation) == ["G729"]
    (exchange,) = negotiation.exchanges
    assert exchange.delayed
    assert exchange.offerer == "callee"


def test_an_ack_that_had_to_bring_the_answer_and_did_not_is_named(
    labelled: Any,
) -> None:
    negotiation = labelled("delayed-offer-unanswered").negotiation
    (exchange,) = negotiation.exchanges
    assert exchange.result == "unanswered"
    assert exchange.missing_in.n == 5
    assert negotiation.lines == []


def test_a_2xx_to_a_reinvite_without_the_answer_is_named(labelled: Any) -> None:
    negotiation = labelled("reinvite-answered-without-sdp").negotiation
    assert results(negotiation) == [
        (1, 4, "accepted"),
        (6, None, "rejected"),
        (9, None, "unanswered"),
    ]
    # What had been agreed on before goes on (RFC 3261 section 14.1).
    assert codecs(negotiation) == ["PCMA"]


def test_a_refused_reinvite_changes_nothing(labelled: Any) -> None:
    negotiation = labelled("t38-refused").negotiation
    offer = negotiation.exchanges[1].offer
    assert offer.sdp.media[0].is_fax
    assert [line.kind for line in negotiation.lines] == ["audio"]


def test_an_accepted_reinvite_changes_the_codec_from_its_answer_on(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}").reply(1, "200 OK", sdp=f"PCMU {BOB}")
    more = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(5, tags="a b", sdp=f"G729 {ALICE}", **more)
    story.reply(6, "200 OK", sdp=f"G729 {BOB}", **more)
    call = story.bye(9, cseq="3 BYE", branch="z9hG4bK3").call()
    negotiation = call.negotiation
    assert codecs(negotiation) == ["PCMU", "G729"]
    answer, changed, bye = (call.messages[n].ts for n in (1, 3, 4))
    first, second = negotiation.lines[0].states
    assert (first.since_ts, first.until_ts) == (answer, changed)
    assert (second.since_ts, second.until_ts) == (changed, bye)
    assert negotiation.audio_at(changed - 1).codec.name == "PCMU"
    assert negotiation.audio_at(changed).codec.name == "G729"
    # Media may be faster than the answer; nothing held before it.
    assert negotiation.audio_at(answer - 1) is first
    assert negotiation.lines[0].at(answer - 1) is None


def test_an_update_and_a_prack_may_carry_offers_too(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "183 Session Progress", headers=RELIABLE, sdp=f"PCMU {BOB}")
    prack = {"cseq": "2 PRACK", "branch": "z9hG4bK2"}
    rack = ("RAck: 1 1 INVITE",)
    story.message(2, "alice > bob", "PRACK", headers=rack, sdp=f"PCMA {ALICE}", **prack)
    story.message(2.1, "bob > alice", "200 OK", sdp=f"PCMA {BOB}", **prack)
    update = {"cseq": "3 UPDATE", "branch": "z9hG4bK3"}
    story.message(3, "alice > bob", "UPDATE", sdp=f"G729 {ALICE}", **update)
    story.message(3.1, "bob > alice", "200 OK", sdp=f"G729 {BOB}", **update)
    story.reply(4, "200 OK")
    negotiation = agreed(story)
    assert results(negotiation) == [
        (1, 2, "accepted"),
        (3, 4, "accepted"),
        (5, 6, "accepted"),
    ]
    assert codecs(negotiation) == ["PCMU", "PCMA", "G729"]


def test_an_offer_in_a_reliable_response_is_answered_by_the_prack(story: Any) -> None:
    story.invite(0)
    story.reply(1, "183 Session Progress", headers=RELIABLE, sdp=f"PCMU+PCMA {BOB}")
    prack = {"cseq": "2 PRACK", "branch": "z9hG4bK2"}
    rack = ("RAck: 1 1 INVITE",)
    story.message(2, "alice > bob", "PRACK", headers=rack, sdp=f"PCMA {ALICE}", **prack)
    story.message(2.1, "bob > alice", "200 OK", **prack)
    story.reply(4, "200 OK")
    negotiation = agreed(story)
    assert results(negotiation) == [(2, 3, "accepted")]
    assert codecs(negotiation) == ["PCMA"]


def test_what_an_unreliable_183_brings_holds_until_the_2xx(story: Any) -> None:
    story.invite(0, sdp=f"PCMU+PCMA {ALICE}")
    story.reply(1, "183 Session Progress", sdp=f"PCMA {BOB}")
    early = agreed(story)
    assert results(early) == [(1, 2, "early")]
    assert [state.early for state in early.lines[0].states] == [True]
    story.reply(5, "200 OK", sdp=f"PCMU {BOB}")
    assert codecs(agreed(story)) == ["PCMA", "PCMU"]


def test_a_refusal_rejects_the_offer_without_a_dialog(labelled: Any) -> None:
    call = labelled("no-common-codec-488")
    (negotiation,) = call.negotiations
    (exchange,) = negotiation.exchanges
    assert negotiation.main
    assert exchange.result == "rejected"
    assert exchange.refusal.code == 488


def test_each_hop_keeps_its_own_addresses(story: Any) -> None:
    story.invite(0, "alice > proxy", sdp=f"PCMU {ALICE}")
    relay = {"branch": "z9hG4bK9", "sdp": "PCMU 203.0.113.9:30002"}
    story.invite(0.01, "proxy > bob", **relay)
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bK9", sdp=f"PCMU {BOB}")
    story.reply(1.01, "200 OK", "proxy > alice", sdp="PCMU 203.0.113.9:30000")
    near, far = story.call().negotiations
    assert near.main
    assert not far.main
    described = [
        str(n.lines[0].states[0].of(side).rtp)
        for n in (near, far)
        for side in ("caller", "callee")
    ]
    assert described == [ALICE, "203.0.113.9:30000", "203.0.113.9:30002", BOB]


def test_a_fork_negotiates_with_each_side_on_its_own(labelled: Any) -> None:
    one, two = labelled("forked-second-200-ignored").negotiations
    assert (one.exchanges[0].answer.n, two.exchanges[0].answer.n) == (5, 7)
    assert one.main
    assert not two.main


@pytest.mark.parametrize(
    ("offer", "answer", "held", "sends"),
    [
        ("sendrecv", "sendrecv", set(), {"caller", "callee"}),
        ("sendonly", "recvonly", {"caller"}, {"caller"}),
        ("inactive", "inactive", {"caller"}, set()),
        ("recvonly", "sendonly", set(), {"callee"}),
        ("sendrecv", "sendonly", {"callee"}, {"callee"}),
        # What RFC 3264 section 6.1 forbids: the callee still may not send.
        ("sendonly", "sendrecv", {"caller"}, {"caller"}),
    ],
)
def test_who_holds_and_who_sends(
    story: Any, offer: str, answer: str, held: set[str], sends: set[str]
) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}\na={offer}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}\na={answer}")
    (state,) = agreed(story).lines[0].states
    assert state.held_by() == held
    assert {side for side in ("caller", "callee") if state.may_send(side)} == sends


def test_a_line_that_the_answer_refuses_has_no_codec(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}").reply(1, "200 OK", sdp="PCMU 10.8.0.14:0")
    (state,) = agreed(story).lines[0].states
    assert not state.accepted
    assert state.codec is None


def test_keys_and_profile_are_those_that_were_described(labelled: Any) -> None:
    call = labelled("srtp-refused-488")
    offer = call.negotiation.exchanges[0].offer.sdp.media[0]
    assert offer.protocol == "RTP/SAVP"
    assert offer.crypto == ["AES_CM_128_HMAC_SHA1_80"]
    healthy = labelled("srtp-refused-488-healthy").negotiation.lines[0].states[0]
    assert healthy.accepted
