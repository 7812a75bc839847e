"""``cancel-refused``: a CANCEL that its INVITE is not found for."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the

CANCEL = {"cseq": "1 CANCEL", "tags": "a"}


@pytest.fixture
def story() -> Story:
    """A call that rings."""
    return Story().invite(0).reply(1, "180 Ringing")


@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize("after", ["200 OK", "480 No Answer", "183 Progress"])
@pytest.mark.parametrize(
    ("branch", "variant"), [("z9hG4bK1", ""), ("z9hG4bKother", "branch")]
)
def test_the_call_goes_on_for_it(
    story: Story, branch: str, variant: str, after: str, shape: str
) -> None:
    story.message(8, "alice > bob", "CANCEL", branch=branch, **CANCEL)
    story.message(8.1, "bob > alice", "481 Unknown", branch=branch, **CANCEL)
    story.reply(20, after)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "cancel-refused")
    assert finding.variant == variant


@pytest.mark.parametrize("final", ["200 OK", "486 Busy Here", "487 Terminated"])
def test_a_cancel_that_crosses_the_final_response_has_nothing_left_to_cancel(
    story: Story, final: str
) -> None:
    story.message(8, "alice > bob", "CANCEL", **CANCEL)
    story.reply(8.05, final)
    story.message(8.1, "bob > alice", "481 Unknown", **CANCEL)
    story.message(8.2, "alice > bob", "ACK", cseq="1 ACK")
    assert "cancel-refused" not in ids(story.call())


def test_where_nothing_comes_after_it_nobody_knows(story: Story) -> None:
    story.message(8, "alice > bob", "CANCEL", **CANCEL)
    story.message(8.1, "bob > alice", "481 Unknown", **CANCEL)
    assert ids(story.call()) == []
