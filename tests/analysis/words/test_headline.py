from __future__ import annotations

from typing import Any

import pytest


@pytest.mark.parametrize(
    ("name", "index", "sentence"),
    [
        ("answered_rtp", 0, "Answered, ended by the caller after 7.6 s."),
        (
            "auth_invite",
            0,
            "Answered after an authentication challenge, "
            "ended by the caller after 1.5 s.",
        ),
        (
            "busy_486",
            0,
            "Busy: the called side rejected the call with 486 Busy Here after 0.4 s.",
        ),
        ("cancel_487", 0, "Cancelled by the caller after ringing for 2.0 s."),
        ("noanswer", 0, "No answer: 6 INVITEs, not one reply."),
        ("proxy_baresip", 2, "Answered, ended by the caller after 23 s."),
        (
            "proxy_sipp",
            2,
            "Rejected by 127.0.0.1:5060 with 403 Forbidden "
            "(the call is not permitted).",
        ),
        (
            "proxy_sipp",
            3,
            "No answer: 480 Temporarily Unavailable after 1 ms "
            "(the called side cannot be reached now).",
        ),
        (
            "proxy_sipp",
            4,
            "No answer: 408 Request Timeout after 5.0 s (nobody replied in time).",
        ),
    ],
)
def test_the_recorded_calls_in_one_sentence(
    explained: Any, name: str, index: int, sentence: str
) -> None:
    assert explained(name, index).outcome.headline == sentence


def test_a_long_call_is_told_in_minutes(story: Any) -> None:
    story.invite(0).reply(5, "200 OK").bye(139.4, "bob > alice")
    assert story.call().outcome.headline == (
        "Answered, ended by the called side after 2 min 14 s."
    )


def test_early_media_is_mentioned(story: Any) -> None:
    story.invite(0)
    story.reply(1, "183 Session Progress", sdp="PCMU 10.8.0.14:17002")
    story.reply(5, "404 Not Found")
    assert story.call().outcome.headline == (
        "Failed: 404 Not Found (the number does not exist), after early media."
    )


def test_a_bye_with_an_unusual_reason_says_it(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.bye(4, headers=('Reason: Q.850;cause=102;text="RTP timeout"',))
    assert story.call().outcome.headline == (
        "Answered, ended by the caller after 3.0 s (Q.850 102: RTP timeout)."
    )


def test_a_bye_with_an_ordinary_reason_does_not(story: Any) -> None:
    story.invite(0).reply(1, "200 OK").bye(4, headers=("Reason: Q.850;cause=16",))
    assert story.call().outcome.headline == "Answered, ended by the caller after 3.0 s."


def test_an_end_that_is_missing_is_said_to_be(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    assert story.call().outcome.headline == "Answered; its end was not captured."


def test_a_call_in_progress_says_since_when(story: Any) -> None:
    story.invite(0)
    assert story.call("PARTIAL").outcome.headline == (
        "In progress since 14:02:11 UTC, no answer yet."
    )
    story.reply(1, "180 Ringing")
    assert story.call("PARTIAL").outcome.headline == (
        "In progress since 14:02:11 UTC, ringing."
    )
    story.reply(5.4, "200 OK")
    assert story.call("PARTIAL").outcome.headline == (
        "In progress since 14:02:11 UTC, answered after 5.4 s."
    )


def test_a_call_cancelled_before_it_rang(story: Any) -> None:
    story.invite(0).message(2, "alice > bob", "CANCEL", tags="a")
    story.reply(2.1, "487 Request Terminated")
    assert story.call().outcome.headline == (
        "Cancelled by the caller after 2.0 s, before it rang."
    )


def test_a_call_cancelled_elsewhere(story: Any) -> None:
    story.invite(0).reply(1, "180 Ringing").reply(4, "487 Request Terminated")
    assert story.call().outcome.headline == (
        "Cancelled after ringing for 3.0 s; no CANCEL of the caller's was captured."
    )


def test_a_call_that_only_tried(story: Any) -> None:
    story.invite(0).invite(0.5).reply(1, "100 Trying")
    assert story.call().outcome.headline == (
        "No answer: 2 INVITEs, and no more than 100 Trying."
    )


def test_a_call_that_only_rang(story: Any) -> None:
    story.invite(0).reply(1, "180 Ringing")
    assert story.call("EXPIRED").outcome.headline == (
        "No answer: it rang, and no final response was captured."
    )


def test_a_challenge_left_unanswered(story: Any) -> None:
    story.invite(0).reply(1, "407 Proxy Authentication Required")
    assert story.call().outcome.headline == (
        "Rejected: the caller did not answer the challenge "
        "407 Proxy Authentication Required."
    )


def test_credentials_that_are_refused(story: Any) -> None:
    story.invite(0).reply(0.1, "401 Unauthorized")
    second = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(0.2, headers=('Authorization: Digest username="alice"',), **second)
    story.reply(0.3, "401 Unauthorized", **second)
    assert story.call().outcome.headline == (
        "Rejected: the caller's credentials were refused with 401 Unauthorized."
    )


def test_credentials_that_meet_no_reply(story: Any) -> None:
    story.invite(0).reply(0.1, "401 Unauthorized")
    story.invite(0.2, cseq="2 INVITE", branch="z9hG4bK2")
    assert story.call().outcome.headline == (
        "No answer: the INVITE with the answer to the authentication challenge "
        "met no reply."
    )


def test_a_person_who_declines_is_the_called_side(story: Any) -> None:
    story.invite(0).reply(3, "603 Decline")
    assert story.call().outcome.headline == (
        "Rejected by the called side with 603 Decline "
        "(the called side declined the call)."
    )


def test_a_redirection_not_followed(story: Any) -> None:
    story.invite(0).reply(1, "302 Moved Temporarily")
    assert story.call().outcome.headline == (
        "Redirected with 302 Moved Temporarily (the called side asks to be called "
        "elsewhere), and the caller did not follow."
    )


def test_the_refusal_is_laid_to_who_made_it_not_to_who_passed_it_on(
    story: Any,
) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "403 Forbidden", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "403 Forbidden", "proxy > alice")
    assert story.call().outcome.headline.startswith("Rejected by 10.8.0.14:5060 with")


def test_a_phrase_from_the_wire_cannot_flood_or_steer_the_sentence(story: Any) -> None:
    story.invite(0).reply(1, "499 \x1b[2J" + "x" * 5000)
    sentence = story.call().outcome.headline
    assert "\x1b" not in sentence
    assert len(sentence) < 200
