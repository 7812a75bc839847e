"""invite-too-large: large requests are lost where small ones pass."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import icmp
from .hops import ids
from .hops import only
from .hops import shown
from .hops import unanswered
from .hops import via

LARGE = ("X-Filler: " + "x" * 1300,)
AGAIN: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}


def challenged(story: Any) -> None:
    """A small INVITE that is answered."""
    story.invite(0)
    story.reply(
        0.02,
        "407 Proxy Authentication Required",
        headers=('Proxy-Authenticate: Digest realm="a", nonce="n"',),
    )
    story.message(0.03, "alice > bob", "ACK", cseq="1 ACK")


def test_the_second_invite_with_credentials_is_lost(story: Any) -> None:
    challenged(story)
    unanswered(story, 0.1, "alice > bob", headers=LARGE, **AGAIN)
    finding = only(story, "invite-too-large")
    assert {1, 4, 10} <= shown(finding)
    assert [each.id for each in finding.consequences] == ["hop-no-response"]


def test_at_a_hop_further_on_too(story: Any) -> None:
    back: dict[str, Any] = {"branch": "z9hG4bK9"}
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    unanswered(story, 0.02, "proxy > bob", headers=(*via("z9hG4bK1"), *LARGE), **back)
    story.message(12, "alice > proxy", "CANCEL", tags="a", cseq="1 CANCEL")
    story.message(12.1, "proxy > bob", "CANCEL", tags="a", cseq="1 CANCEL", **back)
    story.message(
        12.2, "bob > proxy", "481 Call Does Not Exist", cseq="1 CANCEL", **back
    )
    finding = only(story, "invite-too-large")
    assert finding.parameters["passed"] == "CANCEL"


def test_without_a_small_request_that_passes_the_host_may_be_dead(story: Any) -> None:
    unanswered(story, 0, "alice > bob", headers=LARGE)
    assert ids(story) == ["hop-no-response"]


def test_a_small_invite_that_is_lost_is_not_too_large(story: Any) -> None:
    challenged(story)
    unanswered(story, 0.1, "alice > bob", **AGAIN)
    assert ids(story) == ["hop-no-response"]


def test_a_large_invite_that_is_answered_is_none(story: Any) -> None:
    challenged(story)
    story.invite(0.1, headers=LARGE, **AGAIN).reply(0.2, "180 Ringing", **AGAIN)
    story.reply(3, "200 OK", **AGAIN).bye(20)
    assert alarms(story) == []


def test_over_tcp_a_message_may_be_large(story: Any) -> None:
    tcp: dict[str, Any] = {"transport": "tcp"}
    story.invite(0, **tcp).reply(0.02, "407 Proxy Authentication Required", **tcp)
    story.invite(0.1, headers=LARGE, **AGAIN, **tcp)
    story.message(40, "alice > bob", "CANCEL", tags="a", cseq="2 CANCEL", **tcp)
    assert "invite-too-large" not in ids(story)


@pytest.mark.parametrize("code", ["513 Message Too Large", "413 Entity Too Large"])
def test_a_server_may_say_so(story: Any, code: str) -> None:
    story.invite(0, headers=LARGE).reply(0.1, code)
    assert only(story, "invite-too-large").variant == "refused"


def test_a_router_says_which_size_its_link_takes(story: Any) -> None:
    for at in (0, 0.5, 1.5):
        story.invite(at, headers=LARGE)
        icmp(story, at + 0.01, "alice > bob", "too-big", "proxy", mtu=1400)
    finding = only(story, "invite-too-large")
    assert (finding.variant, finding.certainty) == ("mtu", "certain")
    assert finding.parameters["mtu"] == 1400
    assert finding.parameters["packet"] == finding.parameters["size"] + 28


def test_the_receiver_waited_for_fragments_in_vain(story: Any) -> None:
    unanswered(story, 0, "alice > bob", headers=LARGE)
    icmp(story, 30, "alice > bob", "reassembly-timeout")
    assert only(story, "invite-too-large").variant == "reassembly"


def test_only_first_fragments_come_here(story: Any) -> None:
    unanswered(story, 0, "alice > bob", headers=LARGE)
    for packet in story.evidence.sip:
        packet.fragments, packet.incomplete, packet.missing = 1, "fragments", 300
    finding = only(story, "invite-too-large")
    assert (finding.variant, finding.certainty) == ("fragments", "likely")


def test_a_sender_that_heeds_the_router_gets_through(story: Any) -> None:
    story.invite(0, headers=LARGE)
    icmp(story, 0.01, "alice > bob", "too-big", "proxy", mtu=1400)
    story.invite(0.5, headers=LARGE).reply(0.6, "180 Ringing")
    story.reply(3, "200 OK").bye(20)
    assert alarms(story) == []
