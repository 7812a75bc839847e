"""slow-setup: more than 6 s until it rings, and at which host they went."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import findings
from .hops import only
from .hops import via

BACK = {"branch": "z9hG4bK9"}


def test_a_host_that_holds_the_invite(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(7.5, "proxy > bob", headers=via("z9hG4bK1"), **BACK)
    story.reply(7.9, "180 Ringing", "bob > proxy", **BACK)
    story.reply(7.91, "180 Ringing", "proxy > alice")
    story.reply(12, "200 OK", "bob > proxy", **BACK)
    story.reply(12.01, "200 OK", "proxy > alice")
    finding = only(story, "slow-setup")
    assert finding.variant == "held"
    assert str(finding.parameters["host"]) == "203.0.113.9:5060"
    assert finding.parameters["wait_ms"] == 7910
    assert finding.parameters["part_ms"] == 7500


def test_the_last_host_captured_takes_long_to_ring(story: Any) -> None:
    story.invite(0).reply(0.05, "100 Trying").reply(9, "183 Session Progress")
    story.reply(12, "200 OK").bye(30)
    finding = only(story, "slow-setup")
    assert finding.variant == "beyond"
    assert str(finding.parameters["host"]) == "10.8.0.14:5060"


def test_a_host_that_keeps_the_ringing_to_itself(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > bob", headers=via("z9hG4bK1"), **BACK)
    story.reply(0.3, "180 Ringing", "bob > proxy", **BACK)
    story.reply(8, "180 Ringing", "proxy > alice")
    story.reply(12, "200 OK", "proxy > alice")
    assert only(story, "slow-setup").variant == "kept"


def test_attempts_before_the_last_take_long(story: Any) -> None:
    story.invite(0).reply(0.1, "302 Moved", headers=("Contact: <sip:x@example.com>",))
    more: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
    story.invite(7, uri="sip:x@example.com", **more)
    story.reply(7.2, "180 Ringing", **more).reply(9, "200 OK", **more)
    assert only(story, "slow-setup").variant == "attempts"


def test_a_caller_who_does_not_want_to_wait(story: Any) -> None:
    story.invite(0).reply(0.05, "100 Trying")
    story.message(9, "alice > bob", "CANCEL", tags="a", cseq="1 CANCEL")
    story.reply(9.05, "487 Request Terminated")
    (finding,) = findings(story)
    assert (finding.id, finding.variant) == ("slow-setup", "withdrawn")
    assert [each.id for each in finding.consequences] == ["cancelled"]


@pytest.mark.parametrize("rings_at", [0.4, 5.9])
def test_up_to_6_s_are_usual(story: Any, rings_at: float) -> None:
    story.invite(0).reply(rings_at, "180 Ringing")
    story.reply(rings_at + 40, "200 OK").bye(100)
    assert findings(story) == []


def test_a_clock_that_was_set_is_no_delay(story: Any) -> None:
    story.invite(0).reply(200_000_000, "180 Ringing").reply(200_000_001, "200 OK")
    assert "slow-setup" not in alarms(story)


def test_ringing_that_would_not_have_been_captured_is_not_missed(story: Any) -> None:
    story.invite(0)
    story.message(9, "alice > bob", "CANCEL", tags="a", cseq="1 CANCEL")
    story.message(9.1, "alice > bob", "ACK", cseq="1 ACK")
    assert "slow-setup" not in alarms(story)
