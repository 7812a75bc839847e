"""Changes of a call that are refused: after glare, for fax, or for anything else."""

from __future__ import annotations

from typing import Any

import pytest

from .media_changes import alarms
from .media_changes import numbers
from .media_changes import of
from .media_changes import OPUS
from .media_changes import PCMU
from .media_changes import T38
from .media_changes import Talk

HOLD = PCMU + "\na=sendonly"
SIDES = ["alice", "bob"]


def glare(talk: Talk) -> Talk:
    """Both ask for a change at once, and refuse each other."""
    talk.changed(10, PCMU, "491 Request Pending", cseq=2)
    return talk.changed(10.01, PCMU, "491 Request Pending", cseq=7, by="bob")


@pytest.mark.parametrize("by", SIDES)
def test_the_attempt_after_glare_is_refused(story: Any, by: str) -> None:
    talk = glare(Talk(story).answered())
    talk.changed(12, PCMU, "488 Not Acceptable Here", cseq=20, by=by)
    call = talk.hung_up(12.5, by)
    finding = of(call, "glare-retry-refused")
    assert finding is not None
    assert finding.severity == "error"
    other = "bob" if by == "alice" else "alice"
    assert finding.parameters["host"] == story.hosts[other]
    assert call.messages[(numbers(finding)[0] or 0) - 1].code == 488
    assert alarms(call) == ["glare-retry-refused"]


def test_glare_alone_is_ordinary(story: Any) -> None:
    talk = glare(Talk(story).answered())
    assert alarms(talk.changed(12, PCMU, answer=PCMU, cseq=20).hung_up(60)) == []


def test_glare_that_nobody_tries_again_after_is_ordinary(story: Any) -> None:
    assert alarms(glare(Talk(story).answered()).hung_up(60)) == []


def test_a_request_that_stays_pending_for_ever(story: Any) -> None:
    talk = Talk(story).answered()
    for n in range(4):
        talk.changed(10 + 3 * n, PCMU, "491 Request Pending", cseq=2 + n)
    finding = of(talk.hung_up(60), "glare-retry-refused")
    assert finding is not None
    assert (finding.variant, finding.severity) == ("pending", "warning")


def test_glare_a_few_times_before_it_works(story: Any) -> None:
    talk = Talk(story).answered()
    for n in range(4):
        talk.changed(10 + 3 * n, PCMU, "491 Request Pending", cseq=2 + n)
    talk.changed(22, PCMU, answer=PCMU, cseq=10)
    assert alarms(talk.hung_up(60)) == []


@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
@pytest.mark.parametrize(
    "refusal", ["403 Forbidden", "488 Not Acceptable Here", "603 Decline", "500 Oops"]
)
def test_a_change_that_is_refused(
    story: Any, by: str, method: str, refusal: str
) -> None:
    talk = Talk(story, ("alice", "proxy", "bob")).answered()
    talk.changed(10, HOLD, refusal, by=by, method=method)
    call = talk.hung_up(60)
    finding = of(call, "reinvite-refused")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("warning", "hold")
    assert (
        finding.parameters["host"] == story.hosts["bob" if by == "alice" else "alice"]
    )
    assert alarms(call) == ["reinvite-refused"]


def test_who_hangs_up_at_once_did_not_get_what_was_needed(story: Any) -> None:
    talk = Talk(story).answered().changed(10, PCMU, "403 Forbidden")
    finding = of(talk.hung_up(11), "reinvite-refused")
    assert finding is not None
    assert finding.severity == "error"


def test_a_resume_that_is_refused(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, HOLD, answer=PCMU + "\na=recvonly")
    talk.changed(20, PCMU, "500 Server Error", cseq=3)
    call = talk.hung_up(70, "bob")
    finding = of(call, "reinvite-refused")
    assert finding is not None
    assert finding.variant == "resume"
    assert [each.id for each in finding.consequences if each.severity != "info"] == [
        "hold-not-resumed"
    ]


@pytest.mark.parametrize(
    "refusal", ["401 Unauthorized", "422 Session Interval Too Small", "487 Terminated"]
)
def test_refusals_that_belong_to_others(story: Any, refusal: str) -> None:
    talk = Talk(story).answered().changed(10, PCMU, refusal)
    assert of(talk.hung_up(60), "reinvite-refused") is None


def test_what_works_in_another_form_was_not_refused(story: Any) -> None:
    talk = Talk(story).answered().changed(10, OPUS, "488 Not Acceptable Here")
    talk.changed(10.5, PCMU, answer=PCMU, cseq=3)
    assert alarms(talk.hung_up(60)) == []


def test_what_was_tried_next_may_not_be_in_the_capture(story: Any) -> None:
    Talk(story).answered().changed(10, OPUS, "488 Not Acceptable Here")
    assert alarms(story.call("EXPIRED")) == []


def test_a_500_that_asks_to_wait_is_glare(story: Any) -> None:
    talk = Talk(story).answered()
    talk.changed(10, PCMU, "500 Server Internal Error", headers=("Retry-After: 5",))
    assert alarms(talk.changed(16, PCMU, answer=PCMU, cseq=3).hung_up(60)) == []


@pytest.mark.parametrize("by", SIDES)
@pytest.mark.parametrize(
    "refusal", ["488 Not Acceptable Here", "415 Unsupported Media Type", "606 No"]
)
def test_fax_is_refused(story: Any, by: str, refusal: str) -> None:
    call = Talk(story).answered().changed(10, T38, refusal, by=by).hung_up(40)
    finding = of(call, "t38-refused")
    assert finding is not None
    assert finding.severity == "warning"
    assert (
        finding.parameters["host"] == story.hosts["bob" if by == "alice" else "alice"]
    )
    assert alarms(call) == ["t38-refused"]


def test_fax_is_refused_by_an_answer_with_port_0(story: Any) -> None:
    call = (
        Talk(story)
        .answered()
        .changed(10, T38, answer="m=image 0 udptl t38")
        .hung_up(40)
    )
    finding = of(call, "t38-refused")
    assert finding is not None
    assert (finding.variant, finding.severity) == ("line", "warning")
    assert alarms(call) == ["t38-refused"]


def test_a_refused_fax_that_goes_on_as_audio_is_no_fault(story: Any) -> None:
    talk = Talk(story).answered().changed(10, T38, "488 Not Acceptable Here")
    call = talk.changed(10.5, PCMU, answer=PCMU, cseq=3).hung_up(60)
    finding = of(call, "t38-refused")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("info", "audio")


def test_a_fax_that_is_accepted_at_the_second_attempt(story: Any) -> None:
    talk = Talk(story).answered().changed(10, T38, "488 Not Acceptable Here")
    call = talk.changed(12, T38, answer=T38, cseq=3).hung_up(60)
    assert of(call, "t38-refused") is None


def test_a_fax_that_is_accepted(story: Any) -> None:
    assert alarms(Talk(story).answered().changed(10, T38, answer=T38).hung_up(60)) == []


def test_t38_beside_audio_at_the_start_is_only_said_to_be_possible(story: Any) -> None:
    offer, answer = f"{PCMU}\n{T38}", f"{PCMU}\nm=image 0 udptl t38"
    assert alarms(Talk(story).answered(offer, answer).hung_up(60)) == []


def test_a_call_that_is_fax_from_the_start_is_refused(story: Any) -> None:
    talk = Talk(story).request(0, "INVITE", cseq=1, body=T38, tags="a")
    talk.response(0.1, "488 Not Acceptable Here", "INVITE", cseq=1)
    finding = of(story.call(), "t38-refused")
    assert finding is not None
    assert finding.variant == "setup"
