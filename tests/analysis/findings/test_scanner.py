"""scanner: calls that nobody makes."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain

from .hops import findings
from .hops import ids
from .hops import only

CHALLENGE = ('WWW-Authenticate: Digest realm="a", nonce="n"',)


def unheeded(story: Any, refusal: str = "401 Unauthorized") -> None:
    for at in (0.01, 0.51, 1.51, 3.51):
        story.reply(at, refusal, headers=CHALLENGE)


@pytest.mark.parametrize("name", ["friendly-scanner", "sipvicious", "sipcli/v1.8"])
def test_a_scanner_says_its_name(story: Any, name: str) -> None:
    story.invite(0, headers=(f"User-Agent: {name}",))
    unheeded(story)
    finding = only(story, "scanner")
    assert (finding.severity, finding.certainty) == ("warning", "certain")
    assert ids(story) == ["scanner"]


@pytest.mark.parametrize("method", ["OPTIONS", "REGISTER"])
def test_with_whatever_method(story: Any, method: str) -> None:
    agent = ("User-Agent: friendly-scanner",)
    story.message(0, "alice > bob", method, tags="a", headers=agent)
    story.message(0.01, "bob > alice", "404 Not Found", cseq=f"1 {method}")
    assert ids(story) == ["scanner"]


def test_one_that_gets_through_is_an_error(story: Any) -> None:
    story.invite(0, headers=("User-Agent: friendly-scanner",)).reply(0.2, "200 OK")
    finding = only(story, "scanner")
    assert (finding.variant, finding.severity) == ("accepted", "error")


def test_one_that_hides_its_name_is_known_by_its_way(story: Any) -> None:
    story.invite(
        0,
        headers=("Contact: <sip:100@127.0.0.1:5060>",),
        uri="sip:9000011442079460199@198.51.100.10",
    )
    unheeded(story)
    finding = only(story, "scanner")
    assert (finding.variant, finding.certainty) == ("behaviour", "likely")


def test_a_caller_whose_challenge_does_not_arrive_is_none(story: Any) -> None:
    story.invite(0, headers=("User-Agent: Phone 1", "Contact: <sip:a@198.51.100.23>"))
    unheeded(story)
    assert ids(story) == ["auth-not-answered"]


def test_a_call_to_a_long_number_that_is_answered_is_none(story: Any) -> None:
    story.invite(0, uri="sip:00011442079460199000@198.51.100.10")
    story.reply(0.1, "180 Ringing").reply(3, "200 OK").bye(20)
    assert findings(story) == []


@pytest.mark.parametrize("agent", ["sipsak 0.9.7", "SIPp", "Asterisk PBX 18"])
def test_tools_of_operators_are_none(story: Any, agent: str) -> None:
    story.message(
        0, "alice > bob", "OPTIONS", tags="a", headers=(f"User-Agent: {agent}",)
    )
    story.message(0.01, "bob > alice", "200 OK", cseq="1 OPTIONS")
    assert explain(story.evidence).findings == []
