"""``media-timeout-on-hold``, ``media-timeout-silence``: calls that a watchdog cut."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.protocols.sdp import Codec

from ..conftest import Story
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from .conversations import A
from .conversations import B
from .conversations import both_speak
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import numbers
from .telling import reshaped
from .telling import the

TIMEOUT = 'Reason: Q.850;cause=102;text="RTP timeout"'
G729 = {"payload_type": 18, "codec": Codec("G729", 8000)}


def held(story: Story, *, talk: float = 10, by: str = "alice > bob") -> None:
    """Put on hold, without music, and never resumed."""
    how: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bKh", "tags": "a b"}
    mine, other = ALICE, BOB
    if by != "alice > bob":
        how["tags"], mine, other = "b a", BOB, ALICE
    back = " > ".join(reversed(by.split(" > ")))
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    story.message(1 + talk, by, "INVITE", sdp=f"PCMU {mine}\na=sendonly", **how)
    story.message(1.1 + talk, back, "200 OK", sdp=f"PCMU {other}\na=recvonly", **how)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_the_held_side_says_that_it_missed_rtp(story: Story, shape: str) -> None:
    held(story)
    story.bye(41, "bob > alice", cseq="1 BYE", headers=(TIMEOUT,))
    both_speak(story, seconds=10)
    call = reshaped(FULL_SHAPES[shape], story.evidence)
    finding = the(call, "media-timeout-on-hold")
    assert (finding.severity, finding.certainty) == ("error", "certain")
    assert finding.variant == "callee"
    assert len(numbers(finding)) == 3


def test_the_bye_says_so_where_no_media_was_captured(story: Story) -> None:
    held(story)
    story.bye(41, "bob > alice", cseq="1 BYE", headers=(TIMEOUT,))
    assert ids(story.call()) == ["media-timeout-on-hold"]


def test_the_side_that_holds_may_be_the_one_to_hang_up(story: Story) -> None:
    held(story, by="bob > alice")
    story.bye(41, "bob > alice", cseq="3 BYE", headers=(TIMEOUT,))
    both_speak(story, seconds=10)
    assert the(story.call(), "media-timeout-on-hold").variant == "callee"


def test_a_round_time_after_the_last_packet_tells(story: Story) -> None:
    held(story)
    story.bye(41, "bob > alice", cseq="1 BYE")
    both_speak(story, seconds=10)
    finding = the(story.call(), "media-timeout-on-hold")
    assert (finding.variant, finding.certainty) == ("callee-by-time", "likely")


@pytest.mark.parametrize("at", [27.3, 33.4, 47.7])
def test_people_hang_up_at_any_time(story: Story, at: float) -> None:
    held(story)
    story.bye(at, "bob > alice", cseq="1 BYE")
    both_speak(story, seconds=10)
    assert "media-timeout-on-hold" not in ids(story.call())


def test_who_says_why_he_hangs_up_is_no_watchdog(story: Story) -> None:
    held(story)
    why = ('Reason: Q.850;cause=16;text="Normal call clearing"',)
    story.bye(41, "bob > alice", cseq="1 BYE", headers=why)
    both_speak(story, seconds=10)
    assert ids(story.call()) == []


def test_music_on_hold_keeps_the_watchdog_quiet(story: Story) -> None:
    held(story)
    story.bye(41, "bob > alice", cseq="1 BYE")
    heard(story, ALICE, BOB, A, seconds=40)
    heard(story, BOB, ALICE, B, seconds=10)
    assert ids(story.call()) == []


def quiet(story: Story, *, codec: str = "G729", fmtp: str = "", **bye: Any) -> None:
    """Bob says nothing since second 7, and Alice hangs up after 30 s of it."""
    story.invite(0, sdp=f"{codec} {ALICE}{fmtp}")
    story.reply(1, "200 OK", sdp=f"{codec} {BOB}{fmtp}")
    story.bye(37, "alice > bob", **bye)
    how: Any = G729 if codec == "G729" else {}
    heard(story, ALICE, BOB, A, seconds=36, **how)
    heard(story, BOB, ALICE, B, seconds=6, **how)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_silence_suppression_is_taken_for_a_dead_call(story: Story, shape: str) -> None:
    quiet(story)
    call = reshaped(FULL_SHAPES[shape], story.evidence)
    finding = the(call, "media-timeout-silence")
    assert (finding.variant, finding.certainty) == ("caller-by-time", "likely")
    assert finding.parameters["silence_ms"] == pytest.approx(30_000, abs=60)


def test_a_watchdog_that_says_so(story: Story) -> None:
    quiet(story, codec="PCMU", headers=(TIMEOUT,))
    finding = the(story.call(), "media-timeout-silence")
    assert (finding.variant, finding.certainty) == ("caller", "certain")
    assert [each.id for each in finding.consequences] == ["media-stops"]


def test_a_watchdog_that_says_so_where_no_media_was_captured(story: Story) -> None:
    quiet(story, headers=('Reason: SIP;cause=604;text="MEDIA_TIMEOUT"',))
    story.evidence.media.clear()
    assert the(story.call(), "media-timeout-silence").variant == "caller-unseen"


def test_audio_that_broke_off_is_the_cause_where_nothing_may_pause(
    story: Story,
) -> None:
    quiet(story, fmtp="\na=fmtp:18 annexb=no")
    assert ids(story.call()) == ["media-stops"]


def test_a_person_hangs_up_after_a_silence(story: Story) -> None:
    quiet(story)
    story.evidence.sip[-1].ts += 3_400_000_000
    assert ids(story.call()) == []
