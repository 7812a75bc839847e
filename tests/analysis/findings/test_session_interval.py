"""``session-interval``: a 422 that is not heeded."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .shapes import only_from
from .telling import ids
from .telling import reshaped
from .telling import the


def attempt(
    story: Story, at: float, number: int, asked: int, answer: str, *headers: str
) -> Story:
    about = {"cseq": f"{number} INVITE", "branch": f"z9hG4bK{number}"}
    story.invite(at, headers=(f"Session-Expires: {asked}",), **about)
    story.reply(at + 0.1, answer, headers=headers, **about)
    return story.message(
        at + 0.2, "alice > bob", "ACK", cseq=f"{number} ACK", branch=about["branch"]
    )


TOO_SMALL = "422 Session Interval Too Small"


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_caller_that_gives_up_does_not_heed_it(story: Story, shape: str) -> None:
    attempt(story, 0, 1, 90, TOO_SMALL, "Min-SE: 120")
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "session-interval")
    assert (finding.parameters["asked"], finding.parameters["least"]) == (90, 120)


def test_nor_does_one_that_asks_for_too_little_again(story: Story) -> None:
    attempt(story, 0, 1, 90, TOO_SMALL, "Min-SE: 120")
    attempt(story, 1, 2, 100, TOO_SMALL, "Min-SE: 120")
    assert the(story.call(), "session-interval").variant == "again"


def test_a_422_has_to_say_what_it_wants(story: Story) -> None:
    attempt(story, 0, 1, 90, TOO_SMALL)
    assert the(story.call(), "session-interval").variant == "no-minimum"


@pytest.mark.parametrize("answer", ["200 OK", "486 Busy Here"])
def test_a_caller_that_asks_for_enough_heeds_it(story: Story, answer: str) -> None:
    attempt(story, 0, 1, 90, TOO_SMALL, "Min-SE: 120")
    attempt(story, 1, 2, 120, answer)
    assert "session-interval" not in ids(story.call())


def test_where_the_caller_was_not_captured_nobody_knows(story: Story) -> None:
    attempt(story, 0, 1, 90, TOO_SMALL, "Min-SE: 120")
    assert ids(reshaped(only_from(1), story.evidence)) == []


def test_within_a_call_the_refresh_fails(story: Story) -> None:
    attempt(story, 0, 1, 1800, "200 OK")
    about = {"cseq": "2 UPDATE", "branch": "z9hG4bK2"}
    story.message(
        900, "alice > bob", "UPDATE", headers=("Session-Expires: 90",), **about
    )
    story.message(900.1, "bob > alice", TOO_SMALL, headers=("Min-SE: 120",), **about)
    finding = the(story.call(), "session-interval")
    assert finding.severity == "warning"
