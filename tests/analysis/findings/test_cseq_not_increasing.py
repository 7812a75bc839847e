"""``cseq-not-increasing``: requests that have to be refused for their number."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .telling import again
from .telling import ids
from .telling import reshaped
from .telling import the

BOTH_WAYS = pytest.mark.parametrize("way", ["alice > bob", "bob > alice"])


@pytest.fixture
def story() -> Story:
    """A call that is up; each side has sent a request with a high number."""
    story = Story().invite(0, cseq="24871 INVITE")
    story.reply(1, "200 OK", cseq="24871 INVITE")
    story.message(1.1, "alice > bob", "ACK", cseq="24871 ACK", branch="z9hG4bKack")
    held = {"cseq": "5000 INFO", "branch": "z9hG4bK5", "tags": "b a"}
    story.message(5, "bob > alice", "INFO", **held)
    return story.message(5.1, "alice > bob", "200 OK", **held)


def back(way: str) -> str:
    return " > ".join(reversed(way.split(" > ")))


@BOTH_WAYS
@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize("number", [1, 4999])
def test_a_lower_number_is_refused(
    story: Story, number: int, way: str, shape: str
) -> None:
    tags = "a b" if way.startswith("alice") else "b a"
    low = {"cseq": f"{number} BYE", "branch": "z9hG4bK2", "tags": tags}
    story.bye(60, way, **low)
    story.message(60.1, back(way), "500 Server Internal Error", **low)

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "cseq-not-increasing")

    assert finding.parameters["number"] == number
    assert finding.certainty == "certain"
    assert [each.id for each in finding.consequences] == ["bye-refused"]


def test_a_proxy_that_speaks_for_a_side_is_named_as_who_it_is(story: Story) -> None:
    low = {"cseq": "1 BYE", "branch": "z9hG4bK2", "tags": "a b"}
    story.bye(60, "proxy > bob", **low)
    story.message(60.1, "bob > proxy", "500 Oops", **low)
    finding = the(story.call(), "cseq-not-increasing")
    assert finding.variant == "in-the-name-of-the-caller"
    assert finding.parameters["sender"] == Story.hosts["proxy"]


def test_an_equal_number_is_none_that_goes_up(story: Story) -> None:
    same = {"cseq": "24871 INVITE", "branch": "z9hG4bK8", "tags": "a b"}
    story.message(60, "alice > bob", "INVITE", **same)
    story.message(60.1, "bob > alice", "500 Oops", **same)
    assert the(story.call(), "cseq-not-increasing").parameters["method"] == "INVITE"


def test_it_may_be_dropped_without_a_word(story: Story) -> None:
    again(story.bye, 60, "alice > bob", cseq="1 BYE")
    finding = the(story.call(), "cseq-not-increasing")
    assert (finding.variant, finding.certainty) == ("silent", "likely")


def test_each_side_counts_for_itself(story: Story) -> None:
    own = {"cseq": "5001 BYE", "branch": "z9hG4bK2", "tags": "b a"}
    story.bye(60, "bob > alice", **own)
    story.message(60.1, "alice > bob", "500 Oops", **own)
    assert ids(story.call()) == ["bye-refused"]


def test_a_low_number_that_is_accepted_harms_nobody(story: Story) -> None:
    low = {"cseq": "1 BYE", "branch": "z9hG4bK2", "tags": "a b"}
    story.bye(60, **low)
    story.message(60.1, "bob > alice", "200 OK", **low)
    assert ids(story.call()) == []


def test_a_retransmission_bears_the_number_that_it_had(story: Story) -> None:
    again(story.bye, 60, "alice > bob", cseq="24872 BYE", times=2)
    story.message(62, "bob > alice", "200 OK", cseq="24872 BYE", branch="z9hG4bK2")
    assert ids(story.call()) == []
