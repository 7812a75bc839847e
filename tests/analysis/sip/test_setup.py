from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.sip.setup import CallSetup
from flask_sipvault.analysis.sip.setup import find_setup


def invitation(story: Any) -> CallSetup:
    found = find_setup(story.call().messages)
    assert found is not None
    return found


def test_what_the_callers_side_saw_counts(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "180 Ringing", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "180 Ringing", "proxy > alice")
    story.reply(2, "200 OK", "bob > proxy", branch="z9hG4bKb")
    story.reply(2.1, "200 OK", "proxy > alice")
    found = invitation(story)
    assert found.ringing is not None
    assert found.answer is not None
    assert (found.ringing.n, found.answer.n) == (4, 6)
    assert found.final_at_caller


def test_where_that_is_missing_any_hop_will_do(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(2, "200 OK", "bob > proxy", branch="z9hG4bKb")
    found = invitation(story)
    assert found.answer is not None
    assert found.answer.n == 3
    assert not found.final_at_caller


def test_a_change_of_a_call_that_is_up_is_no_part_of_its_setup(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.message(5, "alice > bob", "INVITE", cseq="2 INVITE", branch="z9hG4bK2")
    story.reply(5.1, "491 Request Pending", cseq="2 INVITE", branch="z9hG4bK2")
    found = invitation(story)
    assert [m.n for m in found.responses] == [2]
    assert [m.n for m in found.attempts] == [1]


def test_nor_is_the_called_sides_change_with_the_same_number(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.message(5, "bob > alice", "INVITE", branch="z9hG4bKx", tags="b a")
    story.reply(
        5.1, "488 Not Acceptable Here", "alice > bob", branch="z9hG4bKx", tags="b a"
    )
    assert [m.n for m in invitation(story).responses] == [2]


def test_after_a_challenge_the_last_attempt_decides(story: Any) -> None:
    story.invite(0).reply(0.1, "407 Proxy Authentication Required")
    second = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(0.2, **second).reply(1, "486 Busy Here", **second)
    found = invitation(story)
    assert found.challenged
    assert found.final is not None
    assert found.final.code == 486


def test_a_challenge_that_nobody_answered_was_not_met_before(story: Any) -> None:
    story.invite(0).reply(0.1, "407 Proxy Authentication Required")
    assert not invitation(story).challenged


def test_the_answer_to_an_attempt_that_was_not_captured_counts_too(
    story: Any,
) -> None:
    story.invite(0).reply(0.1, "407 Proxy Authentication Required")
    story.reply(1, "200 OK", cseq="2 INVITE", branch="z9hG4bK2")
    found = invitation(story)
    assert found.answer is not None
    assert found.challenged


def test_the_far_end_of_the_path_is_the_called_side(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "200 OK", "proxy > alice")
    found = invitation(story)
    assert found.caller_place == story.hosts["alice"]
    assert found.callee_place == story.hosts["bob"]


def test_a_far_end_that_never_replied_is_where_the_invite_went(explained: Any) -> None:
    call = explained("proxy_sipp", 4)
    assert str(call.callee_place) == "127.0.0.9:5099"


def test_of_responses_alone_the_caller_is_who_passes_none_on(story: Any) -> None:
    story.reply(1, "180 Ringing", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "180 Ringing", "proxy > alice")
    found = invitation(story)
    assert found.first is None
    assert found.caller_place == story.hosts["alice"]


def test_without_invite_and_responses_there_is_none(story: Any) -> None:
    story.bye(0)
    assert find_setup(story.call().messages) is None
