"""``loss-burst``, ``jitter-burst`` and ``delay-high``: how the packets came."""

from __future__ import annotations

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
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the

TIMES = (6, 11, 16, 21, 26)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_burst_of_loss(story: Story, shape: str) -> None:
    told(story)
    heard(story, ALICE, BOB, A, lost=lambda s: 0.3 if 10 <= s < 13 else 0.0)
    heard(story, BOB, ALICE, B)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "loss-burst")
    assert (finding.severity, finding.variant) == ("warning", "callee")
    kinds = {each.kind for each in finding.evidence}
    assert kinds == {"span", "stream", "message"}


def test_loss_throughout_a_long_call(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, lost=lambda _: 0.04)
    assert the(story.call(), "loss-burst").variant == "caller-often"


def test_loss_that_only_the_listener_saw(story: Story) -> None:
    """What is lost behind the capture is not seen there."""
    told(story)
    both_speak(story)
    for at in TIMES:
        lost = 40 if at > 11 else 0
        bad = block(A, lost=lost, highest=50 * at)
        reports(story, at, BOB, ALICE, sender_report(B, at, 50 * at, bad))
    finding = the(story.call(), "loss-burst")
    assert finding.variant == "callee-reported"
    assert any(each.kind == "rtcp" for each in finding.evidence)


def test_loss_by_reports_alone(story: Story) -> None:
    told(story)
    for at in TIMES:
        lost = 60 if at > 11 else 0
        bad = block(B, lost=lost, highest=50 * at)
        reports(story, at, ALICE, BOB, sender_report(A, at, 50 * at, bad))
    assert the(story.call(), "loss-burst").variant == "caller-reported"


def test_loss_that_the_listener_did_not_have_is_the_captures(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A, lost=lambda s: 0.3 if 10 <= s < 13 else 0.0)
    heard(story, BOB, ALICE, B)
    for at in TIMES:
        good = block(A, highest=50 * at)
        reports(story, at, BOB, ALICE, sender_report(B, at, 50 * at, good))
    assert ids(story.call()) == []


@pytest.mark.parametrize("share", [0.005, 0.02])
def test_loss_that_nobody_hears(story: Story, share: float) -> None:
    told(story)
    both_speak(story, lost=lambda _: share)
    assert ids(story.call()) == []


def test_sequence_numbers_that_a_phone_leaves_out_on_hold(story: Story) -> None:
    held = {"cseq": "2 INVITE", "branch": "z9hG4bKh", "tags": "a b"}
    again = {"cseq": "3 INVITE", "branch": "z9hG4bKr", "tags": "a b"}
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    story.message(11, "alice > bob", "INVITE", sdp=f"PCMU {ALICE}\na=sendonly", **held)
    story.reply(11.1, "200 OK", sdp=f"PCMU {BOB}\na=recvonly", **held)
    story.message(21, "alice > bob", "INVITE", sdp=f"PCMU {ALICE}", **again)
    story.reply(21.1, "200 OK", sdp=f"PCMU {BOB}", **again)
    story.bye(31, cseq="4 BYE")
    both_speak(story, lost=lambda s: 1.0 if 10.1 <= s < 20 else 0.0)
    assert ids(story.call()) == []


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_burst_of_jitter(story: Story, shape: str) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, late_ms=lambda s: 150 if 9 <= s < 19 else 0)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "jitter-burst")
    assert (finding.severity, finding.variant) == ("warning", "caller")


def test_jitter_by_reports_alone(story: Story) -> None:
    told(story)
    for at in TIMES:
        jitter = 8 * (60 if at > 11 else 2)
        bad = block(B, highest=50 * at, jitter=jitter)
        reports(story, at, ALICE, BOB, sender_report(A, at, 50 * at, bad))
    assert the(story.call(), "jitter-burst").variant == "caller-reported"


def test_jitter_that_buffers_even_out(story: Story) -> None:
    told(story)
    both_speak(story, late_ms=lambda _: 30)
    assert ids(story.call()) == []


def test_one_report_of_jitter_that_no_network_has(story: Story) -> None:
    told(story)
    both_speak(story)
    for at in TIMES:
        bad = block(A, highest=50 * at, jitter=8 * 1200)
        reports(story, at, BOB, ALICE, receiver_report(B, bad))
    assert ids(story.call()) == []


def talk_across(story: Story, ms: float, *, asked: bool = True) -> None:
    """Bob is so far away from the capture, to and fro."""
    told(story)
    both_speak(story)
    for at in TIMES:
        if asked:
            reports(story, at, ALICE, BOB, sender_report(A, at, 50 * at))
        answer = block(A, highest=50 * at, asked=at, waited=0.5)
        reports(story, at + 0.5 + ms / 1000, BOB, ALICE, receiver_report(B, answer))


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_delay_at_which_people_talk_at_the_same_time(
    story: Story, shape: str
) -> None:
    talk_across(story, 700)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "delay-high")
    assert (finding.severity, finding.variant) == ("warning", "caller")
    assert finding.parameters["round_trip_ms"] == pytest.approx(700, abs=5)


def test_a_delay_across_an_ocean(story: Story) -> None:
    talk_across(story, 250)
    assert ids(story.call()) == []


def test_the_clocks_of_two_hosts_are_no_delay(story: Story) -> None:
    """Without the sender report that is answered, the time between clocks counts."""
    talk_across(story, 700, asked=False)
    assert ids(story.call()) == []
