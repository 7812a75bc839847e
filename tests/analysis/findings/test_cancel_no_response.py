"""``cancel-no-response``: the CANCEL that nobody confirms."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .telling import again
from .telling import ids
from .telling import reshaped
from .telling import the

CANCEL = {"cseq": "1 CANCEL", "tags": "a"}


@pytest.fixture
def story() -> Story:
    """A call that rings."""
    return Story().invite(0).reply(1, "180 Ringing")


@pytest.mark.parametrize("shape", [n for n in FULL_SHAPES if n != "TCP"])
def test_a_cancel_repeated_in_vain_was_not_confirmed(story: Story, shape: str) -> None:
    again(story.message, 8, "alice > bob", "CANCEL", **CANCEL)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "cancel-no-response")
    assert finding.severity == "error"


def test_over_a_stream_what_the_other_side_does_next_shows_it(story: Story) -> None:
    story.message(8, "alice > bob", "CANCEL", **CANCEL)
    story.reply(20, "200 OK")
    call = reshaped(FULL_SHAPES["TCP"], story.evidence)
    assert the(call, "cancel-no-response").severity == "error"


def test_a_confirmed_cancel_has_to_end_the_invite(story: Story) -> None:
    story.message(8, "alice > bob", "CANCEL", **CANCEL)
    story.message(8.1, "bob > alice", "200 OK", **CANCEL)
    story.message(41, "alice > bob", "OPTIONS", cseq="9 OPTIONS", branch="z9hG4bK9")
    assert the(story.call(), "cancel-no-response").variant == "no-final"


def test_a_slow_confirmation_is_one(story: Story) -> None:
    again(story.message, 8, "alice > bob", "CANCEL", times=2, **CANCEL)
    story.message(10, "bob > alice", "200 OK", **CANCEL)
    story.reply(10.1, "487 Request Terminated")
    assert ids(story.call()) == []


def test_a_487_alone_shows_that_it_worked(story: Story) -> None:
    again(story.message, 8, "alice > bob", "CANCEL", **CANCEL)
    story.reply(8.2, "487 Request Terminated")
    assert ids(story.call()) == []


def test_a_capture_that_ends_there_shows_nothing(story: Story) -> None:
    story.message(8, "alice > bob", "CANCEL", **CANCEL)
    assert ids(story.call()) == []
