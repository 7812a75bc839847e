"""What several processes stamp within their clocks' error is told in the order in which
SIP says that it was sent.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import seed
from hypothesis import strategies as st

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.joined_call import joined
from flask_sipvault.analysis.ladder.ladder import as_text
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.analysis.sip.messages import Message
from flask_sipvault.analysis.sip.messages import read_messages
from flask_sipvault.analysis.sip.order import CLOCK_ERROR_NS
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import SipPacket

from ..conftest import Story

DATA = Path(__file__).parents[2] / "data"

CHALLENGE = 'Proxy-Authenticate: Digest realm="example.com", nonce="84f1c1ae", qop="x"'
CREDENTIALS = 'Proxy-Authorization: Digest nonce="84f1c1ae", username="alice"'


def told(messages: list[Message]) -> list[str]:
    return [message.summary for message in messages]


def test_a_response_stamped_before_its_request_is_told_after_it(story: Story) -> None:
    story.reply(0, "100 Trying")
    story.invite(0.001)
    story.reply(0.002, "200 OK")

    call = story.call()

    assert told(call.messages) == ["INVITE", "100 Trying", "200 OK"]
    assert [m.transaction for m in call.messages] == [1, 1, 1]
    assert call.outcome.status == "answered"


def test_the_stamps_themselves_stay_as_they_are(story: Story) -> None:
    story.reply(0, "100 Trying")
    story.invite(0.001)
    stamps = {packet.ts for packet in story.evidence.sip}

    call = story.call()

    assert {message.ts for message in call.messages} == stamps
    assert [row.since_start_ns for row in ladder(call).rows] == [1_000_000, 0]
    assert "0:00.000 -1 ms" in as_text(call)


def test_beyond_the_clocks_error_time_decides(story: Story) -> None:
    story.reply(0, "100 Trying")
    story.invite(CLOCK_ERROR_NS / 1e9 + 0.000_001)

    assert told(story.call().messages) == ["100 Trying", "INVITE"]


def test_the_answer_to_a_first_sending_does_not_wait_for_the_second(
    story: Story,
) -> None:
    story.invite(0)
    story.reply(0.499, "100 Trying")
    story.invite(0.5)

    assert told(story.call().messages) == ["INVITE", "100 Trying", "INVITE"]


def test_an_ack_comes_after_the_2xx_that_it_acknowledges(story: Story) -> None:
    story.invite(0)
    story.message(1, "alice > bob", "ACK", branch="z9hG4bK2")
    story.reply(1.002, "200 OK")

    assert told(story.call().messages) == ["INVITE", "200 OK", "ACK"]


def test_an_ack_comes_after_the_refusal_that_it_acknowledges(story: Story) -> None:
    story.invite(0)
    story.message(1, "alice > bob", "ACK")
    story.reply(1.002, "486 Busy Here")

    assert told(story.call().messages) == ["INVITE", "486 Busy Here", "ACK"]


def test_a_cancel_comes_after_its_invite_and_before_the_487(story: Story) -> None:
    story.reply(0, "487 Request Terminated")
    story.message(0.001, "bob > alice", "200 OK", cseq="1 CANCEL")
    story.message(0.002, "alice > bob", "CANCEL", tags="a")
    story.invite(0.003)

    assert told(story.call().messages) == [
        *("INVITE", "CANCEL", "487 Request Terminated", "200 OK")
    ]


def test_a_prack_comes_after_the_response_that_it_names(story: Story) -> None:
    story.invite(0)
    story.message(
        1,
        "alice > bob",
        "PRACK",
        cseq="2 PRACK",
        branch="z9hG4bK2",
        headers=("RAck: 7 1 INVITE",),
    )
    story.reply(1.001, "180 Ringing", headers=("RSeq: 7", "Require: 100rel"))

    assert told(story.call().messages) == ["INVITE", "180 Ringing", "PRACK"]


def test_credentials_come_after_their_challenge(story: Story) -> None:
    story.invite(0)
    story.invite(1, cseq="2 INVITE", branch="z9hG4bK2", headers=(CREDENTIALS,))
    story.reply(1.001, "407 Proxy Authentication Required", headers=(CHALLENGE,))

    assert told(story.call().messages)[1:] == [
        *("407 Proxy Authentication Required", "INVITE")
    ]


def test_a_request_within_a_dialog_comes_after_the_tag_that_it_names(
    story: Story,
) -> None:
    story.bye(0)
    story.reply(0.002, "200 OK")
    story.invite(0.004)

    assert told(story.call().messages) == ["INVITE", "200 OK", "BYE"]


def through_a_proxy() -> list[tuple[str, str, tuple[str, ...], str]]:
    """A call in which each message is sent because of the one before: way, start line,
    branches from the top, CSeq.
    """
    near, far = ("z9hG4bKa1",), ("z9hG4bKp1", "z9hG4bKa1")
    ack, far_ack = ("z9hG4bKa2",), ("z9hG4bKp2", "z9hG4bKa2")
    return [
        ("alice > proxy", "INVITE", near, "1 INVITE"),
        ("proxy > bob", "INVITE", far, "1 INVITE"),
        ("bob > proxy", "200 OK", far, "1 INVITE"),
        ("proxy > alice", "200 OK", near, "1 INVITE"),
        ("alice > proxy", "ACK", ack, "1 ACK"),
        ("proxy > bob", "ACK", far_ack, "1 ACK"),
    ]


def tell(story: Story, skews_ns: list[int]) -> None:
    steps = zip(through_a_proxy(), skews_ns, strict=True)
    for at, ((way, start, branches, cseq), skew) in enumerate(steps):
        story.message(
            1 + at / 1000 + skew / 1e9,
            way,
            start,
            cseq=cseq,
            branch=branches[0],
            tags="a" if start == "INVITE" else "a b",
            headers=tuple(
                f"Via: SIP/2.0/UDP 203.0.113.9;branch={each}" for each in branches[1:]
            ),
        )


skews = st.lists(
    st.integers(-CLOCK_ERROR_NS // 4, CLOCK_ERROR_NS // 4), min_size=6, max_size=6
)


@seed(20261127)
@given(skews)
def test_whatever_the_skew_a_chain_of_causes_is_told_in_order(
    skews_ns: list[int],
) -> None:
    story = Story()
    tell(story, skews_ns)

    call = story.call()

    told_as = [(m.origin.ip, m.target.ip, m.summary) for m in call.messages]
    assert told_as == [
        (*(story.hosts[host].ip for host in way.split(" > ")), start)
        for way, start, _, _ in through_a_proxy()
    ]
    assert sorted(m.ts for m in call.messages) == [
        packet.ts for packet in sorted(story.evidence.sip, key=lambda it: it.ts)
    ]


def test_joined_legs_keep_the_order_of_each() -> None:
    one, other = Story(), Story()
    tell(one, [0, 0, 0, -1_500_000, 0, 0])
    tell(other, [500_000, 0, 0, 0, -2_000_000, 0])
    call, beside = one.call(), other.call()

    both = joined(call, [beside])

    for letter, leg in (("A", call), ("B", beside)):
        of_leg = [m.raw for m in both.messages if m.leg == letter]
        assert of_leg == [m.raw for m in leg.messages]


def test_what_kamailios_processes_stamped_is_told_in_order(
    captured: Callable[..., list[Evidence]],
) -> None:
    for evidence in captured(DATA / "peers" / "kamailio+rtpengine.hep.pcap"):
        by_time = sorted(evidence.sip, key=lambda packet: packet.ts)
        messages = explain(evidence).messages
        # The recording has the fault: it would show nothing otherwise.
        assert [m.raw for m in messages] != [packet.payload for packet in by_time]
        for message in messages:
            if message.kind == "response":
                assert message.transaction is not None
                assert message.transaction < message.n
        ends = [(m.summary, m.origin.ip[-2:], m.target.ip[-2:]) for m in messages[-4:]]
        assert ends == [
            *(("BYE", "30", ".1"), ("BYE", ".1", "31")),
            *(("200 OK", "31", ".1"), ("200 OK", ".1", "30")),
        ]


@pytest.mark.parametrize("calls", ["proxy_sipp", "busy_486", "lost_ack_retrans"])
def test_one_clock_is_believed(
    calls: str, recorded: Callable[..., list[Evidence]]
) -> None:
    for evidence in recorded(calls):
        by_time = sorted(evidence.sip, key=lambda packet: packet.ts)
        messages = read_messages(evidence.sip)
        assert [m.raw for m in messages] == [packet.payload for packet in by_time]


@seed(20261127)
@given(st.randoms(use_true_random=False), st.lists(st.integers(0, 9), max_size=40))
def test_messages_that_prove_each_other_earlier_are_all_told(
    rng: random.Random, picks: list[int]
) -> None:
    """Two INVITEs that name each other's branch as the one below their own, and more of
    that kind: whatever is forged, no message is lost or told twice.
    """
    story = Story()
    branches = [f"z9hG4bK{n}" for n in range(4)]
    for pick in picks:
        below = f"Via: SIP/2.0/UDP 203.0.113.9;branch={rng.choice(branches)}"
        start = ("INVITE", "ACK", "CANCEL", "200 OK", "487 Request Terminated")[
            pick % 5
        ]
        more: dict[str, Any] = {"branch": rng.choice(branches), "headers": (below,)}
        story.message(
            rng.randrange(4000) / 1e6, "alice > bob", start, cseq="1 INVITE", **more
        )
    packets: list[SipPacket] = story.evidence.sip

    messages = read_messages(packets)

    assert [m.n for m in messages] == list(range(1, len(packets) + 1))
    assert sorted(m.raw for m in messages) == sorted(p.payload for p in packets)


def test_requests_within_a_call_that_began_before_stay_in_the_order_of_time(
    story: Any,
) -> None:
    """The To tag of an UPDATE stands in its response as well, 0.1 ms later; that does
    not prove that the response came first.
    """
    for at, cseq in ((0, 2), (15, 3)):
        more = {"cseq": f"{cseq} UPDATE", "branch": f"z9hG4bK{cseq}"}
        story.message(at, "alice > bob", "UPDATE", **more)
        story.message(at + 0.0001, "bob > alice", "200 OK", **more)

    messages = read_messages(story.evidence.sip)

    assert [m.cseq_number for m in messages] == [2, 2, 3, 3]


def test_messages_that_prove_each_other_earlier_stay_at_their_time(
    story: Any,
) -> None:
    below = [f"Via: SIP/2.0/UDP 203.0.113.9;branch=z9hG4bK{n}" for n in (2, 1)]
    story.invite(0, branch="z9hG4bK1", headers=(below[0],))
    story.invite(0.001, branch="z9hG4bK2", headers=(below[1],))
    story.message(10, "bob > alice", "BYE", cseq="7 BYE", branch="z9hG4bK7")

    messages = read_messages(story.evidence.sip)

    assert [m.method for m in messages] == ["INVITE", "INVITE", "BYE"]
