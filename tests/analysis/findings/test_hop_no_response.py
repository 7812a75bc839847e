"""hop-no-response: which host on the way gave no sign of life."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.sip.hosts import place_name

from .hops import alarms
from .hops import findings
from .hops import ids
from .hops import only
from .hops import shown
from .hops import unanswered
from .hops import via

BACK = {"branch": "z9hG4bK9"}


def test_the_silent_host_is_named_not_the_proxy_that_refuses(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    unanswered(story, 0.02, "proxy > bob", headers=via("z9hG4bK1"), **BACK)
    story.reply(32.02, "408 Request Timeout", "proxy > alice")
    finding = only(story, "hop-no-response")
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"
    assert finding.parameters["count"] == 7
    assert finding.certainty == "certain"
    assert {3, 9, 10} <= shown(finding)


@pytest.mark.parametrize("code", ["480 Temporarily Unavailable", "503 Service Down"])
def test_whatever_the_proxy_makes_of_it(story: Any, code: str) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    unanswered(story, 0.02, "proxy > bob", 4, headers=via("z9hG4bK1"), **BACK)
    story.reply(5, code, "proxy > alice")
    assert ids(story) == ["hop-no-response"]


def test_the_first_hop_may_be_the_silent_one(story: Any) -> None:
    unanswered(story, 0, "alice > bob")
    finding = only(story, "hop-no-response")
    assert str(finding.parameters["client"]) == "198.51.100.23:5060"


def test_over_tcp_nothing_is_sent_again(story: Any) -> None:
    tcp: dict[str, Any] = {"transport": "tcp"}
    story.invite(0, "alice > proxy", **tcp)
    story.reply(0.01, "100 Trying", "proxy > alice", **tcp)
    story.invite(0.02, "proxy > bob", headers=via("z9hG4bK1"), **BACK, **tcp)
    story.reply(30, "408 Request Timeout", "proxy > alice", **tcp)
    finding = only(story, "hop-no-response")
    assert place_name(finding.parameters["server"]) == "10.8.0.14"


def test_several_servers_none_of_which_responds(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    unanswered(story, 0.02, "proxy > bob", 3, headers=via("z9hG4bK1"), **BACK)
    unanswered(
        story, 2.0, "proxy > carol", 3, headers=via("z9hG4bK1"), branch="z9hG4bK10"
    )
    story.reply(4.0, "408 Request Timeout", "proxy > alice")
    finding = only(story, "hop-no-response")
    assert finding.variant == "several"
    assert finding.parameters["servers"] == 2


def test_a_dead_host_of_several_is_named_beside_one_that_refuses(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > bob", headers=via("z9hG4bK1"), **BACK)
    story.reply(0.04, "503 Service Unavailable", "bob > proxy", **BACK)
    unanswered(
        story, 0.1, "proxy > carol", 5, headers=via("z9hG4bK1"), branch="z9hG4bK10"
    )
    story.reply(15, "503 Service Unavailable", "proxy > alice")
    finding = only(story, "hop-no-response")
    assert str(finding.parameters["server"]) == "10.8.0.15:5060"


def test_a_registration_without_a_response(story: Any) -> None:
    for at in (0, 0.5, 1.5, 3.5):
        story.message(at, "alice > bob", "REGISTER", tags="a")
    assert only(story, "hop-no-response").parameters["method"] == "REGISTER"


def test_a_host_that_only_says_100(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > bob", headers=via("z9hG4bK1"), **BACK)
    story.reply(0.03, "100 Trying", "bob > proxy", **BACK)
    story.message(30, "proxy > bob", "CANCEL", tags="a", **BACK)
    story.reply(30.1, "487 Request Terminated", "bob > proxy", **BACK)
    story.reply(30.2, "408 Request Timeout", "proxy > alice")
    finding = only(story, "hop-no-response")
    assert finding.variant == "trying"
    assert finding.certainty == "likely"
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"


@pytest.mark.parametrize("code", ["408 Request Timeout", "504 Server Time-out"])
def test_a_server_reports_one_behind_it_that_was_not_captured(
    story: Any, code: str
) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.reply(32, code, "proxy > alice")
    finding = only(story, "hop-no-response")
    assert (finding.variant, finding.certainty) == ("reported", "likely")


def test_a_call_that_rang_was_not_lost_on_the_way(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.2, "180 Ringing", "proxy > alice")
    story.reply(60, "408 Request Timeout", "proxy > alice")
    assert ids(story) == ["no-answer"]


def test_one_lost_invite_is_no_silent_host(story: Any) -> None:
    story.invite(0).invite(0.5).invite(1.5)
    story.reply(1.6, "180 Ringing").reply(5, "200 OK").bye(30)
    assert alarms(story) == []


def test_where_only_the_caller_was_captured_the_ack_tells_of_an_answer(
    story: Any,
) -> None:
    unanswered(story, 0, "alice > bob", 4)
    story.message(8, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bK5")
    assert alarms(story) == []


def test_an_invite_at_the_end_of_the_capture_may_still_be_answered(story: Any) -> None:
    story.invite(0).invite(0.5).invite(1.5)
    assert findings(story) == []


def test_a_branch_of_a_fork_may_be_silent_while_another_rings(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > carol", headers=via("z9hG4bK1"), branch="z9hG4bK10")
    story.reply(0.1, "180 Ringing", "carol > proxy", branch="z9hG4bK10")
    story.reply(0.11, "180 Ringing", "proxy > alice")
    unanswered(story, 0.02, "proxy > bob", 5, headers=via("z9hG4bK1"), **BACK)
    story.reply(20, "200 OK", "carol > proxy", branch="z9hG4bK10")
    story.reply(20.01, "200 OK", "proxy > alice")
    assert "hop-no-response" not in ids(story)
