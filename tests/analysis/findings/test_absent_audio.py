"""``one-way-audio`` and ``no-audio``: directions in which nothing came."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from ..conftest import Story
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import told
from .conversations import A
from .conversations import B
from .conversations import block
from .conversations import both_speak
from .conversations import receiver_report
from .conversations import reports
from .conversations import sender_report
from .conversations import sent_by_alice
from .conversations import sent_by_bob
from .shapes import FULL_SHAPES
from .shapes import only_from
from .telling import ids
from .telling import reshaped
from .telling import the

TIMES = (6, 11, 16, 21, 26)


@pytest.mark.parametrize("shape", [n for n in FULL_SHAPES if n != "through a proxy"])
def test_nothing_comes_from_the_called_side(story: Story, shape: str) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "one-way-audio")
    assert (finding.variant, finding.certainty) == ("caller", "likely")


def test_nothing_comes_from_the_caller(story: Story) -> None:
    told(story)
    heard(story, BOB, ALICE, B)
    assert the(story.call(), "one-way-audio").variant == "callee"


def test_a_few_stray_packets_are_no_audio(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, seconds=1)
    assert ids(story.call()) == ["one-way-audio"]


def test_by_reports_alone_a_side_sends_nothing(story: Story) -> None:
    """Bob reports on what he hears, and sends nothing (a receiver report)."""
    told(story)
    sent_by_alice(story, TIMES, hears=False)
    for at in TIMES:
        report = receiver_report(B, block(A, highest=50 * at))
        reports(story, at + 1, BOB, ALICE, report)
    finding = the(story.call(), "one-way-audio")
    assert (finding.variant, finding.certainty) == ("caller-not-sent", "certain")
    assert {each.n for each in finding.evidence if each.kind == "rtcp"} == {
        2,
        4,
        6,
        8,
        10,
    }


def test_by_reports_alone_what_is_sent_does_not_arrive(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES, hears=False)
    sent_by_bob(story, TIMES)
    finding = the(story.call(), "one-way-audio")
    assert (finding.variant, finding.certainty) == ("caller-lost", "certain")


def test_by_reports_of_the_listener_alone(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES, hears=False)
    assert the(story.call(), "one-way-audio").variant == "caller-unheard"


def test_by_reports_neither_side_sends(story: Story) -> None:
    told(story)
    for at in TIMES:
        reports(story, at, ALICE, BOB, receiver_report(A))
        reports(story, at + 1, BOB, ALICE, receiver_report(B))
    finding = the(story.call(), "no-audio")
    assert (finding.severity, finding.variant) == ("error", "not-sent")


def test_by_reports_nothing_arrives_anywhere(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES, hears=False)
    sent_by_bob(story, TIMES, hears=False)
    assert the(story.call(), "no-audio").variant == "lost"


def of_both(story: Story) -> None:
    told(story)
    both_speak(story)


def of_both_by_reports(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES)
    sent_by_bob(story, TIMES)


def of_one_as_agreed(story: Story) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}\na=sendonly")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}\na=recvonly")
    story.bye(31)
    heard(story, ALICE, BOB, A)


def of_one_in_a_short_call(story: Story) -> None:
    told(story, talk=4)
    heard(story, ALICE, BOB, A, seconds=4)


def of_nobody_where_media_was_not_captured(story: Story) -> None:
    told(story)


def of_an_unanswered_call(story: Story) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "180 Ringing")
    story.reply(9, "486 Busy Here")
    story.message(9.1, "alice > bob", "ACK", cseq="1 ACK")


def of_both_though_one_reports_without_blocks(story: Story) -> None:
    """Some devices never report on what they hear."""
    told(story)
    both_speak(story)
    sent_by_alice(story, TIMES, hears=False)
    sent_by_bob(story, TIMES)


def of_one_by_a_single_report(story: Story) -> None:
    told(story, talk=8)
    reports(story, 6, ALICE, BOB, sender_report(A, 6, 250))
    reports(story, 6.5, BOB, ALICE, sender_report(B, 6.5, 270, block(A)))


@pytest.mark.parametrize(
    "healthy",
    [
        of_both,
        of_both_by_reports,
        of_one_as_agreed,
        of_one_in_a_short_call,
        of_nobody_where_media_was_not_captured,
        of_both_though_one_reports_without_blocks,
        of_one_by_a_single_report,
    ],
)
def test_nothing_is_said_of_audio(
    story: Story, healthy: Callable[[Story], None]
) -> None:
    healthy(story)
    assert ids(story.call()) == []


def test_nothing_is_said_of_audio_of_an_unanswered_call(story: Story) -> None:
    of_an_unanswered_call(story)
    heard(story, BOB, ALICE, B, seconds=7)
    said = {finding.id for finding in story.call().findings}
    assert said.isdisjoint({"one-way-audio", "no-audio", "media-stops"})


@pytest.mark.parametrize("side", [0, 1])
def test_a_capture_of_one_direction_shows_only_one(story: Story, side: int) -> None:
    """Half of a tapped link: SIP and RTP of one host only."""
    told(story)
    story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bK3")
    story.reply(31.1, "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    heard(story, *((ALICE, BOB) if side == 0 else (BOB, ALICE)), A)
    assert "one-way-audio" not in ids(reshaped(only_from(side), story.evidence))
