from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.words.headline import headline


@pytest.mark.parametrize(
    ("name", "index", "sentence"),
    [
        ("non_calls", 0, "OPTIONS, accepted with 200 OK."),
        ("non_calls", 1, "REGISTER, accepted with 200 OK."),
        ("non_calls", 4, "PUBLISH, accepted with 200 OK."),
        (
            "proxy_baresip",
            0,
            "REGISTER, accepted with 200 OK after an authentication challenge.",
        ),
    ],
)
def test_what_is_no_call_is_told_too(
    explained: Any, name: str, index: int, sentence: str
) -> None:
    call = explained(name, index)
    outcome = call.outcome
    assert outcome.status == "unknown"
    assert headline(call) == sentence


def test_a_registration_refused(story: Any) -> None:
    story.message(0, "alice > proxy", "REGISTER", tags="a")
    story.message(0.1, "proxy > alice", "403 Forbidden", cseq="1 REGISTER")
    call = story.call()
    outcome = call.outcome
    assert headline(call) == "REGISTER, refused with 403 Forbidden."
    assert outcome.final_code == 403


def test_a_challenge_that_was_the_last_word_is_not_said_twice(story: Any) -> None:
    story.message(0, "alice > proxy", "REGISTER", tags="a")
    story.message(0.1, "proxy > alice", "401 Unauthorized", cseq="1 REGISTER")
    assert headline(story.call()) == "REGISTER, refused with 401 Unauthorized."


def test_a_request_that_met_no_reply(story: Any) -> None:
    for at in (0, 0.5):
        story.message(at, "alice > proxy", "OPTIONS", tags="a")
    assert headline(story.call()) == (
        "OPTIONS, sent 2 times, without a final response."
    )


def test_only_the_end_of_a_call(story: Any) -> None:
    story.bye(0).message(0.1, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    call = story.call()
    outcome = call.outcome
    assert outcome.status == "unknown"
    assert outcome.final_code is None
    assert headline(call) == (
        "Only the end of this call was captured: BYE, accepted with 200 OK."
    )


def test_only_a_stretch_of_a_call(story: Any) -> None:
    story.message(0, "alice > bob", "ACK")
    assert headline(story.call()) == (
        "Only a part of this call was captured, without its INVITE: ACK."
    )


@pytest.mark.parametrize(
    ("state", "status", "sentence"),
    [
        (
            "COMPLETE",
            "answered",
            "Answered before the capture began; its end was not captured.",
        ),
        (
            "PARTIAL",
            "in_progress",
            "In progress, answered before the capture began.",
        ),
    ],
)
def test_a_call_that_was_up_before_the_capture_began(
    story: Any, state: Any, status: str, sentence: str
) -> None:
    story.message(0, "alice > bob", "INVITE")
    story.reply(0.1, "200 OK")
    call = story.call(state)
    outcome = call.outcome
    assert (outcome.status, headline(call)) == (status, sentence)


def test_and_ended_in_it(story: Any) -> None:
    story.message(0, "alice > bob", "INVITE")
    story.reply(0.1, "200 OK").bye(5)
    call = story.call("PARTIAL")
    outcome = call.outcome
    assert outcome.status == "answered"
    assert headline(call) == "Answered before the capture began, ended by a BYE."


def test_nothing_captured(story: Any) -> None:
    call = story.call()
    outcome = call.outcome
    assert outcome.status == "unknown"
    assert headline(call) == "No SIP message of this call was captured."


def test_nothing_readable_captured(story: Any) -> None:
    story.packet(0, "alice > bob", b"\xff\xff")
    assert headline(story.call()) == ("Nothing that was captured can be read as SIP.")
