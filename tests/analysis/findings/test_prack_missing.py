"""``prack-missing``: reliable provisional responses that are not acknowledged."""

from __future__ import annotations

from typing import Any

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .shapes import only_from
from .telling import again
from .telling import ids
from .telling import reshaped
from .telling import the

RELIABLE = ("Require: 100rel", "RSeq: 1")


@pytest.fixture
def story() -> Story:
    return Story().invite(0, headers=("Supported: timer, 100rel",))


def prack(story: Story, at: float, *, tag: str = "b", rack: str = "1 1 INVITE") -> Any:
    return story.message(
        at, "alice > bob", "PRACK", cseq="2 PRACK", branch=f"z9hG4bKp{tag}",
        tags=f"a {tag}", headers=(f"RAck: {rack}",),
    )  # fmt: skip


def confirmed(
    story: Story, at: float, start: str = "200 OK", *, tag: str = "b"
) -> Story:
    return story.message(
        at, "bob > alice", start, cseq="2 PRACK", branch=f"z9hG4bKp{tag}",
        tags=f"a {tag}",
    )  # fmt: skip


@pytest.mark.parametrize("shape", [n for n in FULL_SHAPES if n != "TCP"])
def test_a_response_that_is_repeated_lacks_its_prack(story: Story, shape: str) -> None:
    again(story.reply, 1, "183 Session Progress", headers=RELIABLE, times=6)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "prack-missing")
    assert (finding.variant, finding.severity) == ("", "warning")


def test_even_where_the_caller_was_not_captured(story: Story) -> None:
    again(story.reply, 1, "183 Session Progress", headers=RELIABLE, times=6)
    assert ids(reshaped(only_from(1), story.evidence)) == ["prack-missing"]


def test_the_call_fails_for_it(story: Story) -> None:
    again(story.reply, 1, "180 Ringing", headers=RELIABLE, times=6)
    story.reply(33, "504 Server Time-out")
    assert the(story.call(), "prack-missing").severity == "error"


def test_each_early_dialog_needs_its_own(story: Story) -> None:
    story.reply(1, "180 Ringing", headers=RELIABLE, tags="a b")
    confirmed(prack(story, 1.1), 1.2)
    again(story.reply, 1.3, "180 Ringing", headers=RELIABLE, tags="a c", times=5)
    assert the(story.call(), "prack-missing").parameters["tag"] == "c"


def test_over_a_stream_that_shows_the_caller_its_absence_is_enough(
    story: Story,
) -> None:
    story.reply(1, "180 Ringing", headers=RELIABLE)
    story.reply(20, "200 OK")
    call = reshaped(FULL_SHAPES["TCP"], story.evidence)
    assert "prack-missing" in ids(call)


def test_who_did_not_offer_it_is_not_to_blame(story: Story) -> None:
    story = Story().invite(0)
    again(story.reply, 1, "180 Ringing", headers=RELIABLE, times=6)
    assert the(story.call(), "prack-missing").variant == "not-offered"


def test_a_prack_for_another_response_acknowledges_nothing(story: Story) -> None:
    again(story.reply, 1, "180 Ringing", headers=RELIABLE, times=6)
    prack(story, 1.1, rack="7 1 INVITE")
    confirmed(story, 1.2, "481 Unknown")
    assert the(story.call(), "prack-missing").variant == "wrong"


def test_a_prack_may_be_lost(story: Story) -> None:
    again(story.reply, 1, "180 Ringing", headers=RELIABLE, times=6)
    prack(story, 1.1)
    assert the(story.call(), "prack-missing").variant == "lost"


def test_an_acknowledged_response_is_as_it_should_be(story: Story) -> None:
    again(story.reply, 1, "180 Ringing", headers=RELIABLE, times=1)
    confirmed(prack(story, 1.6), 1.7)
    story.reply(20, "200 OK")
    assert ids(story.call()) == []


def test_a_response_that_is_not_reliable_may_be_sent_again(story: Story) -> None:
    again(story.reply, 1, "180 Ringing", times=6)
    assert ids(story.call()) == []


def test_an_answer_right_after_it_may_be_quicker_than_the_prack(story: Story) -> None:
    story.reply(1, "180 Ringing", headers=RELIABLE)
    story.reply(2, "200 OK")
    story.message(2.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    assert "prack-missing" not in ids(story.call())
