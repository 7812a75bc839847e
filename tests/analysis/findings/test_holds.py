"""Holds: answered wrongly, or never resumed."""

from __future__ import annotations

from typing import Any

import pytest

from .media_changes import alarms
from .media_changes import of
from .media_changes import PCMU
from .media_changes import Talk

SIDES = ["alice", "bob"]


def directed(direction: str) -> str:
    return f"{PCMU}\na={direction}"


@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("sendonly", "sendrecv"),
        ("sendonly", "sendonly"),
        ("inactive", "sendrecv"),
        ("inactive", "recvonly"),
        ("recvonly", "sendrecv"),
    ],
)
def test_an_answer_that_the_standard_forbids(
    story: Any, by: str, offer: str, answer: str
) -> None:
    talk = Talk(story, ("alice", "proxy", "bob")).answered()
    talk.changed(10, directed(offer), answer=directed(answer), by=by)
    talk.changed(20, directed("sendrecv"), answer=directed("sendrecv"), cseq=3, by=by)
    call = talk.hung_up(60)
    finding = of(call, "hold-direction")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("warning", "hold")
    assert (
        finding.parameters["host"] == story.hosts["bob" if by == "alice" else "alice"]
    )
    assert alarms(call) == ["hold-direction"]


@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize("answer", ["recvonly", "inactive"])
def test_a_resume_that_is_answered_as_a_hold(story: Any, by: str, answer: str) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"), by=by)
    talk.changed(20, directed("sendrecv"), answer=directed(answer), cseq=3, by=by)
    call = talk.hung_up(25, by)
    finding = of(call, "hold-direction")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("error", "resume")
    assert alarms(call) == ["hold-direction"]


@pytest.mark.parametrize(
    ("offer", "answer"),
    [
        ("sendonly", "recvonly"),
        ("sendonly", "inactive"),
        ("inactive", "inactive"),
        ("recvonly", "sendonly"),
        ("sendrecv", "sendonly"),
    ],
)
def test_answers_that_fit(story: Any, offer: str, answer: str) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed(offer), answer=directed(answer))
    talk.changed(20, directed("sendrecv"), answer=directed("sendrecv"), cseq=3)
    assert of(talk.hung_up(60), "hold-direction") is None


def test_the_older_way_to_hold_says_it_by_the_address(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, f"{PCMU}\nc=IN IP4 0.0.0.0", answer=PCMU)
    talk.changed(20, PCMU, answer=PCMU, cseq=3)
    assert alarms(talk.hung_up(60)) == []


def test_who_holds_the_other_too_may_go_on_with_it(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"))
    talk.changed(12, directed("inactive"), answer=directed("inactive"), by="bob")
    talk.changed(20, directed("sendrecv"), answer=directed("inactive"), cseq=3)
    assert of(talk.hung_up(25), "hold-direction") is None


@pytest.mark.parametrize("by", SIDES)
def test_who_waited_on_hold_hangs_up(story: Any, by: str) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"), by=by)
    held = "bob" if by == "alice" else "alice"
    call = talk.hung_up(100, held)
    finding = of(call, "hold-not-resumed")
    assert finding is not None
    assert finding.severity == "warning"
    assert finding.parameters["held"] == story.hosts[held]
    assert finding.parameters["waited_ms"] == 89_900
    assert alarms(call) == ["hold-not-resumed"]


def test_who_holds_hangs_up_long_after(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"))
    finding = of(talk.hung_up(100), "hold-not-resumed")
    assert finding is not None
    assert finding.variant == "holder"


@pytest.mark.parametrize(("until", "by"), [(30, "bob"), (50, "alice")])
def test_a_short_wait_is_nobodys_fault(story: Any, until: float, by: str) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"))
    call = talk.hung_up(until, by)
    assert alarms(call) == []
    finding = of(call, "hold")
    assert finding is not None
    assert finding.variant == "caller-to-the-end"


def test_a_hold_that_ends_is_worth_knowing_and_no_more(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"), by="bob")
    talk.changed(70, directed("sendrecv"), answer=PCMU, cseq=3, by="bob")
    call = talk.hung_up(100)
    assert alarms(call) == []
    finding = of(call, "hold")
    assert finding is not None
    assert (finding.variant, finding.parameters["held_ms"]) == ("callee", 60_000)


def test_several_holds_are_one_finding(story: Any) -> None:
    talk = Talk(story).answered()
    for n in range(3):
        at = 10 + 20 * n
        talk.changed(at, directed("sendonly"), answer=directed("recvonly"), cseq=2 + n)
        talk.changed(at + 10, directed("sendrecv"), answer=PCMU, cseq=12 + n)
    finding = of(talk.hung_up(100), "hold")
    assert finding is not None
    assert finding.variant == "caller-often"
    assert finding.parameters["count"] == 3


def test_a_watchdog_that_hangs_up_is_another_matter(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"))
    call = talk.hung_up(100, "bob", reason='Q.850;cause=102;text="RTP timeout"')
    assert of(call, "hold-not-resumed") is None


def test_who_is_transferred_waits_on_hold(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, directed("sendonly"), answer=directed("recvonly"))
    talk.request(20, "REFER", cseq=3, headers=("Refer-To: <sip:3001@h>",))
    talk.response(20.1, "202 Accepted", "REFER", cseq=3)
    assert of(talk.hung_up(100), "hold-not-resumed") is None
