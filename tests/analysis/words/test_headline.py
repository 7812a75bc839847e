from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.protocols.address import Endpoint

from ...speech import speech
from ..conftest import NOON


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
    assert headline(explained(name, index)) == sentence


def test_a_long_call_is_told_in_minutes(story: Any) -> None:
    story.invite(0).reply(5, "200 OK").bye(139.4, "bob > alice")
    assert headline(story.call()) == (
        "Answered, ended by the called side after 2 min 14 s."
    )


def test_early_media_is_mentioned(story: Any) -> None:
    story.invite(0)
    story.reply(1, "183 Session Progress", sdp="PCMU 10.8.0.14:17002")
    story.reply(5, "404 Not Found")
    assert headline(story.call()) == (
        "Failed: 404 Not Found after 5.0 s (the number does not exist), "
        "after early media."
    )


def test_a_bye_with_an_unusual_reason_says_it(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.bye(4, headers=('Reason: Q.850;cause=102;text="RTP timeout"',))
    assert headline(story.call()) == (
        "Answered, ended by the caller after 3.0 s (Q.850 102: RTP timeout)."
    )


def test_a_bye_with_an_ordinary_reason_does_not(story: Any) -> None:
    story.invite(0).reply(1, "200 OK").bye(4, headers=("Reason: Q.850;cause=16",))
    assert headline(story.call()) == "Answered, ended by the caller after 3.0 s."


def test_an_end_that_is_missing_is_said_to_be(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    assert headline(story.call()) == "Answered; its end was not captured."


def test_a_call_in_progress_says_since_when(story: Any) -> None:
    story.invite(0)
    assert headline(story.call("PARTIAL")) == (
        "In progress since 14:02:11 UTC, no answer yet."
    )
    story.reply(1, "180 Ringing")
    assert headline(story.call("PARTIAL")) == (
        "In progress since 14:02:11 UTC, ringing."
    )
    story.reply(5.4, "200 OK")
    assert headline(story.call("PARTIAL")) == (
        "In progress since 14:02:11 UTC, answered after 5.4 s."
    )


def test_a_call_cancelled_before_it_rang(story: Any) -> None:
    story.invite(0).message(2, "alice > bob", "CANCEL", tags="a")
    story.reply(2.1, "487 Request Terminated")
    assert headline(story.call()) == (
        "Cancelled by the caller after 2.0 s, before it rang."
    )


def test_a_call_cancelled_elsewhere(story: Any) -> None:
    story.invite(0).reply(1, "180 Ringing").reply(4, "487 Request Terminated")
    assert headline(story.call()) == (
        "Cancelled after ringing for 3.0 s; what withdrew it was not captured."
    )


def test_a_call_that_only_tried(story: Any) -> None:
    story.invite(0).invite(0.5).reply(1, "100 Trying")
    assert headline(story.call()) == (
        "No answer: 2 INVITEs, and no more than 100 Trying."
    )


def test_a_call_that_only_rang(story: Any) -> None:
    story.invite(0).reply(1, "180 Ringing")
    assert headline(story.call("EXPIRED")) == (
        "No answer: it rang, and no final response was captured."
    )


def test_a_challenge_left_unanswered(story: Any) -> None:
    story.invite(0).reply(1, "407 Proxy Authentication Required")
    assert headline(story.call()) == (
        "Rejected: the caller did not answer the challenge "
        "407 Proxy Authentication Required."
    )


def test_credentials_that_are_refused(story: Any) -> None:
    story.invite(0).reply(0.1, "401 Unauthorized")
    second = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(0.2, headers=('Authorization: Digest username="alice"',), **second)
    story.reply(0.3, "401 Unauthorized", **second)
    assert headline(story.call()) == (
        "Rejected: the caller's credentials were refused with 401 Unauthorized."
    )


def test_credentials_that_meet_no_reply(story: Any) -> None:
    story.invite(0).reply(0.1, "401 Unauthorized")
    story.invite(0.2, cseq="2 INVITE", branch="z9hG4bK2")
    assert headline(story.call()) == (
        "No answer: the INVITE with the answer to the authentication challenge "
        "met no reply."
    )


def test_a_person_who_declines_is_the_called_side(story: Any) -> None:
    story.invite(0).reply(3, "603 Decline")
    assert headline(story.call()) == (
        "Rejected by the called side with 603 Decline "
        "(the called side declined the call)."
    )


def test_a_redirection_not_followed(story: Any) -> None:
    story.invite(0).reply(1, "302 Moved Temporarily")
    assert headline(story.call()) == (
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
    assert headline(story.call()).startswith("Rejected by 10.8.0.14:5060 with")


def test_a_phrase_from_the_wire_cannot_flood_or_steer_the_sentence(story: Any) -> None:
    story.invite(0).reply(1, "499 \x1b[2J" + "x" * 5000)
    sentence = headline(story.call())
    assert "\x1b" not in sentence
    assert len(sentence) < 200


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        (
            "cancel-crosses-200",
            "Cancelled by the caller after ringing for 5.4 s; the called side had "
            "answered, and nobody took its answer.",
        ),
        ("no-ringback-183-silent", "Answered, ended by the caller after 6.0 s."),
        (
            "ringback-183-early-media-healthy",
            "Answered after early media, ended by the caller after 2.6 s.",
        ),
        # The first BYE ends the talk, also one that its receiver refuses.
        (
            "bye-without-from-tag-481",
            "Answered, ended by the called side after 24 s.",
        ),
        (
            "srtp-refused-488",
            "Failed: 488 Not Acceptable Here (the two sides share no codec or media "
            "settings; Warning 302: Incompatible transport protocol).",
        ),
        (
            "overload-503-retry-after",
            "Failed: 503 Service Unavailable (the server is overloaded, down, or has "
            "no free line; Q.850 42: overload).",
        ),
    ],
)
def test_the_labelled_calls_in_one_sentence(
    labelled: Any, name: str, sentence: str
) -> None:
    assert headline(labelled(name)) == sentence


def test_a_caller_who_waited_long_for_a_failure_is_told_how_long(field: Any) -> None:
    call = field("fail503.pcap")
    assert "503 Service Unavailable after 15 s" in headline(call)
    assert call.outcome.waited_ms > 15_000


def test_early_media_is_mentioned_only_where_it_came(field: Any) -> None:
    """The 183 described media, and the RTP in the capture began with the answer."""
    call = field("b2bua60.pcap")
    assert call.setup.early_media.code == 183
    assert call.early_media is False
    assert "early media" not in headline(call)


def test_a_text_beside_cause_16_that_tells_more_is_said(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.bye(4, headers=('Reason: Q.850;cause=16;text="Max call duration reached"',))
    assert headline(story.call()) == (
        "Answered, ended by the caller after 3.0 s "
        "(Q.850 16: Max call duration reached)."
    )


@pytest.mark.parametrize("name", ["text", "description"])
def test_a_reason_without_a_cause_is_said(story: Any, name: str) -> None:
    story.invite(0).reply(1, "200 OK")
    story.bye(4, headers=(f'Reason: SIP;{name}="RTP timeout"',))
    assert headline(story.call()) == (
        "Answered, ended by the caller after 3.0 s (SIP: RTP timeout)."
    )


def test_a_reason_that_repeats_the_status_code_is_not_said(explained: Any) -> None:
    assert "Q.850" not in headline(explained("busy_486"))


def test_an_end_of_which_only_the_response_was_captured_is_an_end(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.message(8, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    assert headline(story.call()) == "Answered, ended by the caller after 7.0 s."


def test_a_call_that_is_lost_has_an_end(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    more = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(9, tags="a b", **more)
    story.reply(9.1, "481 Call Does Not Exist", **more)
    assert headline(story.call()) == (
        "Answered, and lost after 8.1 s: "
        "481 Call Does Not Exist to a request within it."
    )


def test_an_answer_that_was_not_captured_is_proved_by_its_ack(story: Any) -> None:
    story.invite(0)
    story.message(2, "alice > bob", "ACK", branch="z9hG4bK7")
    story.bye(9)
    call = story.call()
    assert headline(call) == (
        "Answered, ended by the caller after 7.0 s; the answer itself was not captured."
    )
    assert call.outcome.final_code is None
    assert call.outcome.setup_ms is None


def test_an_answer_that_was_not_captured_is_proved_by_a_bye(story: Any) -> None:
    call = story.invite(0).reply(1, "180 Ringing").bye(9, "bob > alice").call()
    assert headline(call) == (
        "Answered, ended by the called side; the answer itself was not captured."
    )
    assert call.outcome.talk_ms is None


def test_the_ack_of_a_refusal_proves_no_answer(story: Any) -> None:
    call = story.invite(0).message(2, "alice > bob", "ACK").call()
    assert call.outcome.status == "no_answer"


def test_media_to_and_fro_proves_an_answer(story: Any) -> None:
    alice, bob = "198.51.100.23:14000", "10.8.0.14:17002"
    story.invite(0, sdp=f"PCMU {alice}").reply(1, "180 Ringing")
    for src, dst in ((alice, bob), (bob, alice)):
        ends = Endpoint.parse(src), Endpoint.parse(dst)
        story.evidence.media.append(
            speech(*ends, len(src), start=NOON + 2 * 10**9, seconds=30)
        )
    call = story.call()
    assert call.outcome.status == "answered"
    assert headline(call).startswith(
        "Answered; neither the answer itself nor its end was captured."
    )


def test_media_one_way_proves_nothing(story: Any) -> None:
    alice, bob = Endpoint("198.51.100.23", 14000), Endpoint("10.8.0.14", 17002)
    story.invite(0, sdp=f"PCMU {alice}").reply(1, "180 Ringing")
    story.evidence.media.append(speech(bob, alice, 1, start=NOON, seconds=30))
    assert story.call().outcome.status == "no_answer"
