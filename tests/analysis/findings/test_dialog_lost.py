"""``dialog-lost``: a side that has forgotten the call, or is not there any more."""

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
    """A call that is up."""
    story = Story().invite(0)
    story.reply(1, "200 OK")
    return story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")


def back(way: str) -> str:
    return " > ".join(reversed(way.split(" > ")))


def about(method: str, way: str) -> dict[str, str]:
    tags = "a b" if way.startswith("alice") else "b a"
    return {"cseq": f"7 {method}", "branch": "z9hG4bK7", "tags": tags}


@BOTH_WAYS
@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize("method", ["INVITE", "UPDATE", "INFO", "OPTIONS", "REFER"])
def test_a_481_says_that_the_call_is_unknown(
    story: Story, method: str, way: str, shape: str
) -> None:
    story.message(30, way, method, **about(method, way))
    story.message(30.1, back(way), "481 No Such Call", **about(method, way))
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "dialog-lost")
    assert (finding.severity, finding.certainty) == ("error", "certain")


@pytest.mark.parametrize("method", ["PRACK", "NOTIFY", "SUBSCRIBE"])
def test_to_others_it_may_be_about_something_smaller(story: Story, method: str) -> None:
    story.message(30, "alice > bob", method, **about(method, "alice"))
    story.message(30.1, "bob > alice", "481 Unknown", **about(method, "alice"))
    assert "dialog-lost" not in ids(story.call())


@BOTH_WAYS
def test_a_408_after_which_the_call_is_ended_cut_it(story: Story, way: str) -> None:
    story.message(30, way, "UPDATE", **about("UPDATE", way))
    story.message(62, back(way), "408 Request Timeout", **about("UPDATE", way))
    story.bye(62.1, way, cseq="8 BYE")
    assert the(story.call(), "dialog-lost").variant == "timeout"


def test_a_408_after_which_the_call_goes_on_did_not(story: Story) -> None:
    story.message(30, "alice > bob", "UPDATE", **about("UPDATE", "alice"))
    story.message(62, "bob > alice", "408 Request Timeout", **about("UPDATE", "alice"))
    story.bye(300, cseq="8 BYE")
    assert ids(story.call()) == []


@BOTH_WAYS
def test_silence_after_which_the_call_is_ended_cut_it(story: Story, way: str) -> None:
    again(story.message, 30, way, "INVITE", **about("INVITE", way))
    story.bye(62.1, way, cseq="8 BYE")
    finding = the(story.call(), "dialog-lost")
    assert (finding.variant, finding.certainty) == ("silent", "likely")


def test_a_request_that_comes_after_the_bye_is_too_late(story: Story) -> None:
    story.bye(29.99, "bob > alice")
    story.message(30, "alice > bob", "INFO", **about("INFO", "alice"))
    story.message(30.1, "bob > alice", "481 No Such Call", **about("INFO", "alice"))
    story.message(
        30.1, "alice > bob", "200 OK", cseq="2 BYE", branch="z9hG4bK2", tags="b a"
    )
    assert ids(story.call()) == []


def test_glare_is_none(story: Story) -> None:
    story.message(30, "alice > bob", "INVITE", **about("INVITE", "alice"))
    story.message(30.1, "bob > alice", "491 Pending", **about("INVITE", "alice"))
    story.bye(31, cseq="9 BYE")
    assert "dialog-lost" not in ids(story.call())
