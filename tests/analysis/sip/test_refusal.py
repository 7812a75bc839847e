"""How a call was refused: who made the refusal, after what, in what words."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.sip.phrases import own_phrase
from flask_sipvault.analysis.sip.refusal import Refusal

FAR: dict[str, Any] = {"branch": "z9hG4bK9"}
VIA = ("Via: SIP/2.0/UDP 198.51.100.23;branch=z9hG4bK1",)


def refusal_of(story: Any) -> Refusal:
    refusal = story.call().refusal
    assert isinstance(refusal, Refusal)
    return refusal


@pytest.fixture
def proxied(story: Any) -> Any:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.5, "proxy > bob", headers=VIA, **FAR)
    return story


def test_the_far_end_made_it(proxied: Any) -> None:
    proxied.reply(1.5, "404 Not Found", "bob > proxy", **FAR)
    proxied.reply(1.6, "404 Not Found", "proxy > alice")
    refusal = refusal_of(proxied)
    assert str(refusal.maker) == "10.8.0.14:5060"
    assert refusal.took_ns == 1_000_000_000
    assert (refusal.made.n, refusal.response.n) == (4, 5)


def test_a_proxy_may_translate_the_code(proxied: Any) -> None:
    proxied.reply(1.5, "503 Service Unavailable", "bob > proxy", **FAR)
    proxied.reply(1.6, "500 Error", "proxy > alice", tags="a p")
    assert refusal_of(proxied).code == 503


def test_a_proxy_that_heard_nothing_made_it_itself(proxied: Any) -> None:
    proxied.reply(9, "408 Request Timeout", "proxy > alice", tags="a p")
    refusal = refusal_of(proxied)
    assert str(refusal.maker) == "203.0.113.9:5060"
    assert [str(each.server) for each in refusal.asked] == ["10.8.0.14:5060"]


def test_a_branch_that_was_withdrawn_is_not_what_refused(proxied: Any) -> None:
    proxied.reply(1, "180 Ringing", "bob > proxy", **FAR)
    proxied.reply(20, "487 Request Terminated", "bob > proxy", **FAR)
    proxied.reply(20.1, "480 Unavailable", "proxy > alice", tags="a p")
    refusal = refusal_of(proxied)
    assert str(refusal.maker) == "203.0.113.9:5060"
    assert refusal.rang is not None


def test_of_a_fork_the_branch_whose_refusal_was_passed_on(proxied: Any) -> None:
    proxied.invite(0.5, "proxy > carol", headers=VIA, branch="z9hG4bK10")
    proxied.reply(1, "486 Busy Here", "bob > proxy", **FAR)
    proxied.reply(2, "404 Not Found", "carol > proxy", branch="z9hG4bK10", tags="a c")
    proxied.reply(2.1, "486 Busy Here", "proxy > alice")
    assert str(refusal_of(proxied).maker) == "10.8.0.14:5060"


def test_it_is_found_where_each_packet_was_captured_twice(story: Any) -> None:
    for at in (0, 0.00004):
        story.invite(at).reply(0.008 + at, "486 Busy Here")
    assert refusal_of(story).took_ns == 8_000_000


def test_its_words_are_those_that_say_more_than_the_code(story: Any) -> None:
    story.invite(0).reply(
        0.1,
        "503 No Circuits",
        headers=(
            'Warning: 399 gw "all trunks, really", 370 gw "bandwidth"',
            'Reason: Q.850;cause=34;text="congested", SIP;cause=503;text="503"',
        ),
    )
    refusal = refusal_of(story)
    assert refusal.said == [
        "No Circuits",
        "all trunks, really",
        "bandwidth",
        "congested",
    ]
    assert refusal.causes == {34}


@pytest.mark.parametrize(
    ("code", "phrase", "own"),
    [
        (486, "Busy Here", ""),
        (486, "busy  here!", ""),
        (486, "Rejected As Flood", "Rejected As Flood"),
        (404, "Busy Here", "Busy Here"),
        (480, "Temporarily not available", ""),
        (699, "Whatever", "Whatever"),
        (404, "", ""),
    ],
)
def test_a_phrase_of_its_own(code: int, phrase: str, own: str) -> None:
    assert own_phrase(code, phrase) == own
