"""Answers that are not acknowledged: ``ack-missing``, ``reinvite-ack-missing``,
``forked-answer-ignored``, ``cancel-crossed-answer``.
"""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .shapes import only_from
from .telling import again
from .telling import ids
from .telling import numbers
from .telling import reshaped
from .telling import the

PUBLIC = ("Contact: <sip:bob@203.0.113.9:5060>",)
PRIVATE = ("Contact: <sip:bob@10.8.0.14:5060>",)


def answered(
    story: Story,
    *,
    headers: tuple[str, ...] = PUBLIC,
    way: str = "proxy > alice",
    times: int = 10,
) -> Story:
    """Alice calls the proxy's address, and its 200 is repeated."""
    there = " > ".join(reversed(way.split(" > ")))
    story.invite(0, there)
    again(story.reply, 2, "200 OK", way, headers=headers, times=times)
    return story


def acknowledged(story: Story, at: float, way: str, **more: Any) -> Story:
    return story.message(
        at, way, "ACK", **{"cseq": "1 ACK", "branch": "z9hG4bKack"} | more
    )


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_an_answer_repeated_to_the_end_lacks_its_ack(story: Story, shape: str) -> None:
    answered(story).bye(34, "proxy > alice")

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "ack-missing")

    assert (finding.severity, finding.certainty) == ("error", "certain")
    assert finding.parameters["count"] == 10


def test_it_says_so_where_only_the_called_side_was_captured(story: Story) -> None:
    answered(story).bye(34, "proxy > alice")
    assert ids(reshaped(only_from(1), story.evidence)) == ["ack-missing"]


def test_a_capture_that_ends_early_shows_it_too(story: Story) -> None:
    assert ids(answered(story, times=5).call()) == ["ack-missing"]


def test_a_private_contact_sent_to_a_public_address_is_the_likely_reason(
    story: Story,
) -> None:
    answered(story, headers=PRIVATE)

    finding = the(story.call(), "ack-missing")

    assert (finding.variant, finding.certainty) == ("private-contact", "likely")
    assert "10.8.0.14" in str(finding.parameters["contact"])


def test_a_contact_that_a_proxy_has_marked_as_behind_nat_is_not_blamed(
    story: Story,
) -> None:
    fixed = "Contact: <sip:bob@10.8.0.14:5060;alias=203.0.113.9~5060~1>"
    answered(story, headers=(fixed,))
    assert the(story.call(), "ack-missing").variant == ""


def test_within_one_network_a_private_contact_is_no_reason(story: Story) -> None:
    answered(story, headers=PRIVATE, way="bob > carol")
    assert the(story.call(), "ack-missing").variant == ""


def test_a_proxy_that_keeps_the_ack_is_named(story: Story) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    for pause in (0, 0.5, 1.5, 3.5, 7.5, 11.5):
        story.reply(2 + pause, "200 OK", "bob > proxy", branch="z9hG4bK9")
        story.reply(2.01 + pause, "200 OK", "proxy > alice")
        acknowledged(story, 2.02 + pause, "alice > proxy")

    finding = the(story.call(), "ack-missing")

    assert finding.variant == "stopped"
    assert finding.parameters["place"] == Story.hosts["proxy"]


def test_a_proxy_that_keeps_ack_and_bye_is_named_without_any_repetition(
    story: Story,
) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    story.reply(2, "200 OK", "bob > proxy", branch="z9hG4bK9")
    story.reply(2.01, "200 OK", "proxy > alice")
    acknowledged(story, 2.02, "alice > proxy")
    story.bye(9, "alice > proxy")
    story.message(9.1, "proxy > alice", "404 Not here", cseq="2 BYE", branch="z9hG4bK2")

    finding = the(story.call(), "ack-missing")

    assert finding.variant == "stopped-with-bye"
    assert [each.id for each in finding.consequences] == ["bye-refused"]


def test_an_ack_that_goes_astray_is_shown(story: Story) -> None:
    answered(story)
    acknowledged(story, 2.1, "alice > carol")

    finding = the(story.call(), "ack-missing")

    assert finding.variant == "elsewhere"
    assert finding.parameters["place"] == Story.hosts["carol"]


def test_an_ack_that_is_not_taken_is_told_from_one_that_is_not_sent(
    story: Story,
) -> None:
    answered(story)
    acknowledged(story, 2.1, "alice > proxy")
    assert the(story.call(), "ack-missing").variant == "arrives"


def test_an_ack_with_another_number_acknowledges_nothing(story: Story) -> None:
    answered(story)
    acknowledged(story, 2.1, "alice > proxy", cseq="7 ACK")
    assert the(story.call(), "ack-missing").variant == "wrong-number"


def test_what_follows_from_the_lost_ack_is_not_said_beside_it(story: Story) -> None:
    answered(story).bye(34, "proxy > alice")
    story.message(
        34.1, "alice > proxy", "481 No Call", cseq="2 BYE", branch="z9hG4bK2",
        tags="b a",
    )  # fmt: skip

    call = story.call()

    assert ids(call) == ["ack-missing"]
    assert [each.id for each in call.findings[0].consequences] == ["bye-refused"]


@pytest.mark.parametrize("times", [1, 2, 5])
def test_a_late_ack_is_no_missing_one(story: Story, times: int) -> None:
    answered(story, times=times)
    acknowledged(story, 20, "alice > proxy")
    story.bye(60, "alice > proxy")
    story.message(60.1, "proxy > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    assert ids(story.call()) == []


def test_an_ack_past_the_proxy_is_one(story: Story) -> None:
    """Without Record-Route it goes straight to the Contact."""
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    again(story.reply, 2, "200 OK", "bob > proxy", branch="z9hG4bK9", times=2)
    acknowledged(story, 4, "alice > bob")
    assert ids(story.call()) == []


def test_an_answer_that_was_captured_twice_is_not_repeated(story: Story) -> None:
    story.invite(0)
    for moment in (2, 2.00004, 2.0002, 2.0003, 2.0004, 2.0005):
        story.reply(moment, "200 OK")
    assert ids(story.call()) == []


# A re-INVITE.


def up(story: Story) -> Story:
    story.invite(0)
    story.reply(1, "200 OK")
    return acknowledged(story, 1.1, "alice > bob")


@pytest.mark.parametrize("by", ["alice", "bob"])
@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_change_that_nobody_acknowledges_ends_the_call(
    story: Story, by: str, shape: str
) -> None:
    up(story)
    there, back, tags = (
        ("alice > bob", "bob > alice", "a b")
        if by == "alice"
        else ("bob > alice", "alice > bob", "b a")
    )
    hold = {"cseq": "8 INVITE", "branch": "z9hG4bK8", "tags": tags}
    story.message(20, there, "INVITE", **hold)
    again(story.message, 20.1, back, "200 OK", **hold)
    story.bye(52.2, back, cseq="9 BYE")

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "reinvite-ack-missing")

    assert finding.parameters["count"] == 10


def test_a_change_that_is_acknowledged_is_none(story: Story) -> None:
    up(story)
    hold = {"cseq": "8 INVITE", "branch": "z9hG4bK8"}
    story.message(20, "alice > bob", "INVITE", **hold)
    again(story.message, 20.1, "bob > alice", "200 OK", times=1, **hold)
    acknowledged(story, 20.7, "alice > bob", cseq="8 ACK")
    assert ids(story.call()) == []


# A fork.


def forked(story: Story, *, times: int = 10) -> Story:
    story.invite(0)
    story.reply(2, "200 OK", tags="a b")
    acknowledged(story, 2.02, "alice > bob", tags="a b")
    again(story.reply, 2.03, "200 OK", tags="a c", times=times)
    return story


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_the_second_answer_of_a_fork_has_to_be_acknowledged_too(
    story: Story, shape: str
) -> None:
    forked(story)

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "forked-answer-ignored")

    assert finding.parameters["other_tag"] == "c"
    assert finding.parameters["first_tag"] == "b"


def test_it_may_be_the_first_answer_that_is_ignored(story: Story) -> None:
    story.invite(0)
    again(story.reply, 2, "200 OK", tags="a b")
    story.reply(2.03, "200 OK", tags="a c")
    acknowledged(story, 2.05, "alice > bob", tags="a c")
    finding = the(story.call(), "forked-answer-ignored")
    assert finding.parameters["other_tag"] == "b"


def test_the_second_answer_may_be_ended_by_bye(story: Story) -> None:
    forked(story, times=0)
    acknowledged(story, 2.05, "alice > bob", tags="a c")
    story.bye(2.06, tags="a c")
    story.message(
        2.1, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2", tags="a c"
    )
    assert ids(story.call()) == []


def test_a_fork_without_any_ack_is_a_missing_ack(story: Story) -> None:
    story.invite(0)
    again(story.reply, 2, "200 OK", tags="a b")
    again(story.reply, 2.03, "200 OK", tags="a c")
    assert set(ids(story.call())) == {"ack-missing"}


# A CANCEL that crosses the answer.


def cancelled(story: Story, at: float = 6.02) -> Story:
    story.invite(0)
    story.reply(0.5, "180 Ringing")
    cancel = {"cseq": "1 CANCEL", "branch": "z9hG4bK1", "tags": "a"}
    story.message(at, "alice > bob", "CANCEL", **cancel)
    story.message(at + 0.01, "bob > alice", "200 OK", **cancel)
    return story


@pytest.mark.parametrize("at", [5.98, 6.02])
@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_who_cancelled_has_to_end_the_answer_that_crossed(
    story: Story, at: float, shape: str
) -> None:
    cancelled(story, at)
    again(story.reply, 6, "200 OK")
    story.bye(38, "bob > alice")

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "cancel-crossed-answer")

    assert finding.severity == "error"


def test_acknowledging_is_not_enough(story: Story) -> None:
    cancelled(story)
    story.reply(6, "200 OK")
    acknowledged(story, 6.05, "alice > bob")
    story.bye(47, "bob > alice")

    finding = the(story.call(), "cancel-crossed-answer")

    assert (finding.variant, finding.severity) == ("kept", "warning")
    assert len(numbers(finding)) == 5


def test_acknowledged_and_hung_up_is_as_it_should_be(story: Story) -> None:
    cancelled(story)
    story.reply(6, "200 OK")
    acknowledged(story, 6.05, "alice > bob")
    story.bye(6.06)
    story.message(6.1, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    assert ids(story.call()) == []


def test_a_cancel_long_after_an_answer_that_did_not_arrive_is_another_fault(
    story: Story,
) -> None:
    cancelled(story, 20)
    again(story.reply, 6, "200 OK")
    assert ids(story.call()) == ["ack-missing"]


def test_a_proxy_may_withdraw_the_other_branches_of_its_fork(story: Story) -> None:
    story.invite(0, "alice > proxy")
    branch = {"branch": "z9hG4bK9"}
    story.invite(0.01, "proxy > bob", **branch)
    story.invite(0.01, "proxy > carol", branch="z9hG4bK8")
    story.reply(3, "200 OK", "carol > proxy", branch="z9hG4bK8", tags="a c")
    story.reply(3.01, "200 OK", "proxy > alice", tags="a c")
    story.message(3.01, "proxy > bob", "CANCEL", cseq="1 CANCEL", tags="a", **branch)
    story.reply(3.0, "200 OK", "bob > proxy", tags="a b", **branch)
    story.reply(3.02, "200 OK", "proxy > alice", tags="a b")
    for tag in "bc":
        acknowledged(
            story, 3.1, "alice > proxy", tags=f"a {tag}", branch=f"z9hG4bK{tag}"
        )
        target = "bob" if tag == "b" else "carol"
        acknowledged(
            story, 3.11, f"proxy > {target}", tags=f"a {tag}", branch=f"z9hG4bKx{tag}"
        )
    story.bye(40, "alice > proxy", tags="a b")
    assert "cancel-crossed-answer" not in ids(story.call())
