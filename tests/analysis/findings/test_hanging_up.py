"""BYEs that do not end the call: ``bye-unreachable``, ``bye-dialog-mismatch``,
``bye-without-route``, ``bye-refused``.
"""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.protocols.address import Endpoint

from ..conftest import Story
from .shapes import FULL_SHAPES
from .telling import again
from .telling import ids
from .telling import reshaped
from .telling import the

NUMBER = {"cseq": "2 BYE", "branch": "z9hG4bK2"}


@pytest.fixture
def story() -> Story:
    """A call from Alice to Bob that is up."""
    return up(Story())


def up(story: Story, headers: tuple[str, ...] = ()) -> Story:
    story.invite(0, headers=headers)
    story.reply(1, "200 OK", headers=headers)
    story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    return story


def replied(story: Story, at: float, start: str, way: str, **more: Any) -> Story:
    tags = "a b" if way.endswith("alice") else "b a"
    return story.message(at, way, start, **{**NUMBER, "tags": tags, **more})


BOTH_WAYS = pytest.mark.parametrize("way", ["alice > bob", "bob > alice"])


def back(way: str) -> str:
    return " > ".join(reversed(way.split(" > ")))


# Reaching nobody.


@BOTH_WAYS
@pytest.mark.parametrize("shape", [name for name in FULL_SHAPES if name != "TCP"])
def test_a_bye_repeated_in_vain_reaches_nobody(
    story: Story, way: str, shape: str
) -> None:
    again(story.bye, 20, way)

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "bye-unreachable")

    assert (finding.severity, finding.certainty) == ("error", "certain")


def test_over_a_stream_the_time_that_passes_shows_it(story: Story) -> None:
    """A BYE is sent once; the other side goes on for longer than it may take."""
    story.bye(20)
    story.message(
        60, "bob > alice", "INFO", cseq="5 INFO", tags="b a", branch="z9hG4bK5"
    )
    call = reshaped(FULL_SHAPES["TCP"], story.evidence)
    assert "bye-unreachable" in ids(call)


def test_a_bye_at_the_end_of_a_capture_may_have_been_answered(story: Story) -> None:
    story.bye(20)
    assert ids(reshaped(FULL_SHAPES["TCP"], story.evidence)) == []


def test_one_that_is_repeated_once_is_only_slow(story: Story) -> None:
    again(story.bye, 20, "alice > bob", times=1)
    replied(story, 20.7, "200 OK", "bob > alice")
    assert ids(story.call()) == []


def test_a_proxy_gives_up_with_a_408(story: Story) -> None:
    story.bye(20)
    replied(story, 52, "408 Request Timeout", "bob > alice")
    assert the(story.call(), "bye-unreachable").variant == "given-up"


def test_the_hop_behind_which_nobody_answers_is_named() -> None:
    story = Story().invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bK9")
    story.reply(1.01, "200 OK", "proxy > alice")
    story.message(1.1, "alice > proxy", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    story.message(1.11, "proxy > bob", "ACK", cseq="1 ACK", branch="z9hG4bKac2")
    story.bye(20, "alice > proxy")
    again(story.bye, 20.01, "proxy > bob", branch="z9hG4bK7", tags="a b")
    replied(story, 52, "408 Request Timeout", "proxy > alice")

    finding = the(story.call(), "bye-unreachable")

    assert finding.parameters["hop"] == Story.hosts["bob"]
    assert finding.parameters["sender"] == Story.hosts["proxy"]


class NatStory(Story):
    """Alice is behind NAT, Bob is not."""

    hosts = {  # noqa: RUF012
        "alice": Endpoint("198.51.100.23", 5060),
        "inside": Endpoint("192.168.1.31", 5060),
        "bob": Endpoint("203.0.113.9", 5060),
    }


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_bye_to_a_private_address_is_lost(shape: str) -> None:
    story = up(NatStory(), ("Contact: <sip:alice@192.168.1.31:5060>",))
    again(story.bye, 20, "bob > inside", tags="b a")

    call = reshaped(FULL_SHAPES[shape], story.evidence)

    assert the(call, "bye-unreachable").variant == "private-contact"


def test_a_private_address_that_answers_is_reached() -> None:
    """Over a tunnel, say."""
    story = up(NatStory(), ("Contact: <sip:alice@192.168.1.31:5060>",))
    story.bye(20, "bob > inside", tags="b a")
    replied(story, 20.1, "200 OK", "inside > bob")
    assert ids(story.call()) == []


def test_where_both_sides_hang_up_nobody_misses_a_response(story: Story) -> None:
    story.bye(20)
    replied(story, 20.1, "200 OK", "bob > alice")
    again(story.bye, 20.05, "bob > alice", cseq="7 BYE", branch="z9hG4bK7")
    assert ids(story.call()) == []


# Of another dialog.


@pytest.mark.parametrize(
    ("tags", "variant"),
    [
        ("a c", "to"),
        ("c b", "from"),
        ("a", "to-missing"),
        (" b", "from-missing"),
    ],
)
@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_bye_with_other_tags_is_of_another_dialog(
    story: Story, tags: str, variant: str, shape: str
) -> None:
    story.bye(20, tags=tags)
    replied(story, 20.1, "481 No Such Call", "bob > alice", tags=tags)

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "bye-dialog-mismatch")

    assert finding.variant == variant
    assert finding.parameters["expected"] in "ab"


def test_the_called_side_may_err_as_well(story: Story) -> None:
    story.bye(20, "bob > alice", tags="c a")
    replied(story, 20.1, "481 No Such Call", "alice > bob", tags="c a")
    finding = the(story.call(), "bye-dialog-mismatch")
    assert (finding.variant, finding.parameters["expected"]) == ("from", "b")


def test_tags_that_are_not_exchanged_are_wrong_too(story: Story) -> None:
    story.bye(20, "bob > alice", tags="a b")
    replied(story, 20.1, "481 No Such Call", "alice > bob", tags="a b")
    assert the(story.call(), "bye-dialog-mismatch").variant == "swapped"


def test_a_bye_with_other_tags_may_just_be_dropped(story: Story) -> None:
    again(story.bye, 20, "alice > bob", tags="a c")
    finding = the(story.call(), "bye-dialog-mismatch")
    assert (finding.variant, finding.certainty) == ("to-silent", "likely")


def test_one_that_is_accepted_does_its_work(story: Story) -> None:
    story.bye(20, tags="a c")
    replied(story, 20.1, "200 OK", "bob > alice", tags="a c")
    assert "bye-dialog-mismatch" not in ids(story.call())


def test_where_the_dialog_was_not_captured_its_tags_are_not_known() -> None:
    story = Story().bye(20, tags="a c")
    replied(story, 20.1, "481 No Such Call", "bob > alice", tags="a c")
    assert "bye-dialog-mismatch" not in ids(story.call())


# Without its route.

RECORDED = (
    "Record-Route: <sip:203.0.113.9;lr>, <sip:10.8.0.1;lr>",
    "Contact: <sip:x@10.8.0.14:5060>",
)


@pytest.mark.parametrize("shape", [n for n in FULL_SHAPES if n != "through a proxy"])
@BOTH_WAYS
def test_a_bye_that_ignores_record_route_is_refused(way: str, shape: str) -> None:
    story = up(Story(), RECORDED).bye(20, way)
    replied(story, 20.1, "481 No Such Call", back(way))

    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "bye-without-route")

    assert finding.variant == ""
    assert [each.id for each in finding.consequences] == ["bye-refused"]


def test_or_it_is_lost() -> None:
    story = up(Story(), RECORDED)
    again(story.bye, 20, "alice > bob")
    finding = the(story.call(), "bye-without-route")
    assert finding.variant == "none-silent"
    assert [each.id for each in finding.consequences] == ["bye-unreachable"]


def test_a_route_may_lack_a_proxy() -> None:
    story = up(Story(), RECORDED)
    story.bye(20, headers=("Route: <sip:203.0.113.9;lr>",))
    replied(story, 20.1, "404 Not Found", "bob > alice")
    finding = the(story.call(), "bye-without-route")
    assert (finding.variant, finding.parameters["route"]) == (
        "incomplete",
        "sip:10.8.0.1;lr",
    )


def test_with_its_route_a_refusal_has_another_cause() -> None:
    story = up(Story(), RECORDED)
    story.bye(20, headers=("Route: <sip:10.8.0.1;lr>, <sip:203.0.113.9;lr>",))
    replied(story, 20.1, "481 No Such Call", "bob > alice")
    assert ids(story.call()) == ["bye-refused"]


def test_one_without_a_route_that_is_accepted_is_none_of_our_business() -> None:
    story = up(Story(), RECORDED).bye(20)
    replied(story, 20.1, "200 OK", "bob > alice")
    assert ids(story.call()) == []


def test_a_proxy_takes_its_own_route_away() -> None:
    """Behind the only proxy a BYE has no Route any more."""
    story = Story().invite(
        0, "proxy > bob", headers=("Via: SIP/2.0/UDP 198.51.100.23;branch=z9hG4bK0",)
    )
    story.reply(
        1, "200 OK", "bob > proxy",
        headers=(
            "Via: SIP/2.0/UDP 198.51.100.23;branch=z9hG4bK0",
            "Record-Route: <sip:203.0.113.9;lr>",
        ),
    )  # fmt: skip
    story.message(1.1, "proxy > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    story.bye(20, "proxy > bob", tags="a b")
    replied(story, 20.1, "481 No Such Call", "bob > proxy", tags="a b")
    assert "bye-without-route" not in ids(story.call())


# Refused for another reason.


@BOTH_WAYS
@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize(
    "code", ["403 Forbidden", "404 Not Here", "500 Oops", "603 No"]
)
def test_a_bye_that_is_refused_does_not_end_the_call(
    story: Story, code: str, way: str, shape: str
) -> None:
    story.bye(20, way)
    replied(story, 20.1, code, back(way))
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "bye-refused")
    assert finding.severity == "error"


def test_a_side_that_does_not_know_the_call_has_lost_it(story: Story) -> None:
    story.bye(20)
    replied(story, 20.1, "481 No Such Call", "bob > alice")
    finding = the(story.call(), "bye-refused")
    assert (finding.variant, finding.severity) == ("unknown", "warning")


def test_who_refused_is_named_and_not_who_passed_it_on() -> None:
    story = Story().invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bK9")
    story.reply(1.01, "200 OK", "proxy > alice")
    story.message(1.1, "alice > proxy", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    story.message(1.11, "proxy > bob", "ACK", cseq="1 ACK", branch="z9hG4bKac2")
    story.bye(20, "alice > proxy")
    story.bye(20.01, "proxy > bob", branch="z9hG4bK7", tags="a b")
    replied(story, 20.02, "403 No", "bob > proxy", branch="z9hG4bK7", tags="a b")
    replied(story, 20.03, "403 No", "proxy > alice")
    assert the(story.call(), "bye-refused").parameters["hop"] == Story.hosts["bob"]


def test_a_challenge_that_is_answered_is_no_refusal(story: Story) -> None:
    story.bye(20)
    replied(story, 20.1, "407 Proxy Authentication Required", "bob > alice")
    story.bye(20.2, cseq="3 BYE", branch="z9hG4bK3")
    replied(story, 20.3, "200 OK", "bob > alice", cseq="3 BYE", branch="z9hG4bK3")
    assert ids(story.call()) == []


def test_a_challenge_that_is_not_answered_leaves_the_call_up(story: Story) -> None:
    story.bye(20)
    replied(story, 20.1, "407 Proxy Authentication Required", "bob > alice")
    story.message(
        60, "bob > alice", "INFO", cseq="5 INFO", tags="b a", branch="z9hG4bK5"
    )
    assert the(story.call(), "bye-refused").variant == "challenged"


def test_byes_that_cross_are_no_fault(story: Story) -> None:
    story.bye(20)
    story.bye(20.05, "bob > alice", cseq="7 BYE", branch="z9hG4bK7")
    replied(story, 20.1, "481 No Such Call", "bob > alice")
    replied(
        story, 20.2, "481 No Such Call", "alice > bob", cseq="7 BYE", branch="z9hG4bK7"
    )
    assert ids(story.call()) == []
