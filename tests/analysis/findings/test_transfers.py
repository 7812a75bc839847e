"""Transfers: that fail, and that work."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.call import Call

from .media_changes import alarms
from .media_changes import of
from .media_changes import PCMU
from .media_changes import Talk

TO_3001 = ("Refer-To: <sip:3001@example.com>",)


def notify(talk: Talk, at: float, status: str, *, cseq: int, by: str = "bob") -> None:
    """Who was asked to call the target tells how that goes."""
    talk.request(at, "NOTIFY", cseq=cseq, by=by)
    packet = talk.story.evidence.sip[-1]
    body = f"SIP/2.0 {status}\r\n".encode()
    head = packet.payload.partition(b"Content-Length")[0]
    packet.payload = (
        b"%bContent-Type: message/sipfrag\r\nContent-Length: %d\r\n\r\n%b"
        % ((head, len(body), body))
    )
    talk.response(at + 0.01, "200 OK", "NOTIFY", cseq=cseq, by=by)


def transferred(
    story: Any, status: str, *, by: str = "alice", first: str = "202 Accepted"
) -> Call:
    talk = Talk(story).answered()
    other = "bob" if by == "alice" else "alice"
    talk.request(10, "REFER", cseq=2, by=by, headers=TO_3001)
    talk.response(10.1, first, "REFER", cseq=2, by=by)
    if status:
        notify(talk, 10.2, "100 Trying", cseq=5, by=other)
        notify(talk, 12, status, cseq=6, by=other)
    return talk.hung_up(15)


@pytest.mark.parametrize("by", ["alice", "bob"])
@pytest.mark.parametrize(
    "refusal", ["403 Forbidden", "488 No", "501 No", "603 Decline"]
)
def test_the_other_side_refuses(story: Any, by: str, refusal: str) -> None:
    call = transferred(story, "", by=by, first=refusal)
    finding = of(call, "transfer-failed")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("error", "")
    assert (
        finding.parameters["host"] == story.hosts["bob" if by == "alice" else "alice"]
    )
    assert finding.parameters["target"] == "3001"
    assert alarms(call) == ["transfer-failed"]


@pytest.mark.parametrize("by", ["alice", "bob"])
@pytest.mark.parametrize(
    ("status", "severity"),
    [("404 Not Found", "error"), ("503 Oops", "error"), ("486 Busy Here", "warning")],
)
def test_the_call_to_the_target_fails(
    story: Any, by: str, status: str, severity: str
) -> None:
    call = transferred(story, status, by=by)
    finding = of(call, "transfer-failed")
    assert finding is not None
    assert (finding.severity, finding.variant) == (severity, "target")
    assert finding.parameters["code"] == int(status[:3])
    assert alarms(call) == ["transfer-failed"]


def test_a_transfer_that_works(story: Any) -> None:
    call = transferred(story, "200 OK")
    assert alarms(call) == []
    finding = of(call, "transfer")
    assert finding is not None
    assert finding.variant == "caller"


def test_who_hangs_up_after_the_202_does_not_learn_the_result(story: Any) -> None:
    call = transferred(story, "")
    assert alarms(call) == []
    finding = of(call, "transfer")
    assert finding is not None
    assert finding.variant == "caller-asked"


def test_a_challenge_is_no_refusal(story: Any) -> None:
    talk = Talk(story).answered()
    talk.request(10, "REFER", cseq=2, headers=TO_3001)
    talk.response(10.1, "401 Unauthorized", "REFER", cseq=2)
    talk.request(10.2, "REFER", cseq=3, headers=TO_3001)
    talk.response(10.3, "202 Accepted", "REFER", cseq=3)
    notify(talk, 12, "200 OK", cseq=6)
    assert alarms(talk.hung_up(15)) == []


def test_a_second_attempt_that_works(story: Any) -> None:
    talk = Talk(story).answered()
    talk.request(10, "REFER", cseq=2, headers=("Refer-To: <sip:300@example.com>",))
    talk.response(10.1, "202 Accepted", "REFER", cseq=2)
    notify(talk, 11, "404 Not Found", cseq=5)
    talk.request(20, "REFER", cseq=3, headers=TO_3001)
    talk.response(20.1, "202 Accepted", "REFER", cseq=3)
    notify(talk, 22, "200 OK", cseq=6)
    assert alarms(talk.hung_up(25)) == []


def test_no_response_to_the_refer(story: Any) -> None:
    talk = Talk(story).answered()
    for at in (10, 10.5, 11.5, 13.5, 17.5, 21.5, 25.5, 29.5, 33.5, 37.5, 41.5):
        talk.request(at, "REFER", cseq=2, headers=TO_3001)
    call = talk.hung_up(50)
    finding = of(call, "transfer-failed")
    assert finding is not None
    assert finding.variant == "unanswered"
    assert finding.parameters["count"] == 11


@pytest.mark.parametrize("refusal", ["481 Call Does Not Exist", "486 Busy Here"])
def test_a_call_may_not_take_the_place_of_another(story: Any, refusal: str) -> None:
    replaces = ("Replaces: other-call%40h;to-tag=x;from-tag=y",)
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=replaces)
    talk.response(0.1, refusal, "INVITE", cseq=1)
    talk.request(0.2, "ACK", cseq=1)
    finding = of(story.call(), "transfer-failed")
    assert finding is not None
    assert finding.variant == "replaces"
    assert finding.parameters["call_id"] == "other-call@h"


def test_a_call_takes_the_place_of_another(story: Any) -> None:
    replaces = ("Replaces: other-call@h;to-tag=x;from-tag=y",)
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=replaces)
    talk.response(0.1, "200 OK", "INVITE", cseq=1, body=PCMU)
    talk.request(0.2, "ACK", cseq=1)
    call = talk.hung_up(30)
    assert alarms(call) == []
    finding = of(call, "transfer")
    assert finding is not None
    assert finding.variant == "replaced"
