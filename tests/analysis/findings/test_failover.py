"""slow-failover and failover: another server took the call, late or at once."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import findings
from .hops import only
from .hops import shown
from .hops import unanswered
from .hops import via

BOB = {"branch": "z9hG4bK9", "headers": via("z9hG4bK1")}
CAROL = {"branch": "z9hG4bK10", "headers": via("z9hG4bK1")}


def taken(story: Any, at: float) -> None:
    """Carol takes the call."""
    story.invite(at, "proxy > carol", **CAROL)
    back: dict[str, Any] = {"branch": "z9hG4bK10"}
    story.reply(at + 0.1, "180 Ringing", "carol > proxy", **back)
    story.reply(at + 0.11, "180 Ringing", "proxy > alice")
    story.reply(at + 3, "200 OK", "carol > proxy", **back)
    story.reply(at + 3.01, "200 OK", "proxy > alice")


@pytest.fixture
def dialled(story: Any) -> Any:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    return story


def test_a_dead_first_server_costs_seconds(dialled: Any) -> None:
    unanswered(dialled, 0.02, "proxy > bob", 5, **BOB)
    taken(dialled, 8.02)
    finding = only(dialled, "slow-failover")
    assert finding.severity == "warning"
    assert finding.parameters["lost_ms"] == 8000
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"
    assert str(finding.parameters["taken"]) == "10.8.0.15:5060"
    assert 3 in shown(finding)


def test_its_wait_is_not_said_again_as_a_slow_setup(dialled: Any) -> None:
    unanswered(dialled, 0.02, "proxy > bob", 5, **BOB)
    taken(dialled, 8.02)
    (finding,) = findings(dialled)
    assert [each.id for each in finding.consequences] == ["slow-setup"]


def test_a_server_that_only_says_100_is_left_after_a_while(dialled: Any) -> None:
    dialled.invite(0.02, "proxy > bob", **BOB)
    dialled.reply(0.03, "100 Trying", "bob > proxy", branch="z9hG4bK9")
    dialled.message(4, "proxy > bob", "CANCEL", tags="a", branch="z9hG4bK9")
    dialled.reply(4.05, "487 Request Terminated", "bob > proxy", branch="z9hG4bK9")
    taken(dialled, 4.1)
    assert only(dialled, "slow-failover").parameters["lost_ms"] == 4080


def test_a_caller_may_try_the_next_server_itself(story: Any) -> None:
    unanswered(story, 0, "alice > bob", 4)
    story.invite(5, "alice > carol", branch="z9hG4bK7")
    story.reply(5.1, "180 Ringing", "carol > alice", branch="z9hG4bK7")
    story.reply(9, "200 OK", "carol > alice", branch="z9hG4bK7")
    story.bye(20, "alice > carol")
    assert only(story, "slow-failover").parameters["lost_ms"] == 5000


def test_a_refusal_after_which_another_takes_it_at_once_is_no_fault(
    dialled: Any,
) -> None:
    dialled.invite(0.02, "proxy > bob", **BOB)
    dialled.reply(0.05, "503 Service Unavailable", "bob > proxy", branch="z9hG4bK9")
    taken(dialled, 0.06)
    finding = only(dialled, "failover")
    assert finding.severity == "info"
    assert alarms(dialled) == []


def test_branches_of_a_fork_are_not_tried_one_after_the_other(dialled: Any) -> None:
    dialled.invite(0.02, "proxy > bob", **BOB)
    dialled.reply(0.03, "100 Trying", "bob > proxy", branch="z9hG4bK9")
    taken(dialled, 0.03)
    dialled.message(3.2, "proxy > bob", "CANCEL", tags="a", branch="z9hG4bK9")
    dialled.reply(3.3, "487 Request Terminated", "bob > proxy", branch="z9hG4bK9")
    assert findings(dialled) == []


def test_ringing_one_after_the_other_is_no_failover(dialled: Any) -> None:
    dialled.invite(0.02, "proxy > bob", **BOB)
    dialled.reply(0.1, "180 Ringing", "bob > proxy", branch="z9hG4bK9")
    dialled.reply(0.11, "180 Ringing", "proxy > alice")
    dialled.message(20, "proxy > bob", "CANCEL", tags="a", branch="z9hG4bK9")
    dialled.reply(20.1, "487 Request Terminated", "bob > proxy", branch="z9hG4bK9")
    taken(dialled, 20.2)
    assert alarms(dialled) == []
