"""``media-stops`` and ``media-late``: audio that ends too early, or begins too late."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from flask_sipvault.protocols.sdp import Codec

from ..conftest import Story
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import told
from .conversations import A
from .conversations import B
from .conversations import block
from .conversations import both_speak
from .conversations import pauses
from .conversations import receiver_report
from .conversations import reports
from .conversations import sender_report
from .conversations import sent_by_alice
from .conversations import sent_by_bob
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the

TIMES = (6, 11, 16, 21, 26)
G729 = {"payload_type": 18, "codec": Codec("G729", 8000)}


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_the_audio_of_the_called_side_ends(story: Story, shape: str) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, seconds=12)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "media-stops")
    assert (finding.severity, finding.variant) == ("error", "callee")
    (span,) = [each for each in finding.evidence if each.kind == "span"]
    assert span.from_ts is not None
    assert span.to_ts is not None
    assert 17.8 < (span.to_ts - span.from_ts) / 1e9 < 18.2


def test_the_audio_of_the_caller_ends(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A, seconds=12)
    heard(story, BOB, ALICE, B)
    assert the(story.call(), "media-stops").variant == "caller"


def test_audio_that_comes_back_was_missing_all_the_same(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, seconds=10)
    heard(story, BOB, ALICE, 3, at=19, seconds=12)
    finding = the(story.call(), "media-stops")
    assert (finding.severity, finding.variant) == ("warning", "callee")


def test_an_outage_of_the_network(story: Story) -> None:
    """The sender's sequence numbers went on."""
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, lost=lambda s: 1.0 if 10 <= s < 17 else 0.0)
    finding = the(story.call(), "media-stops")
    assert finding.variant == "callee-lost"
    assert [each.id for each in finding.consequences] == ["loss-burst"]


def test_by_sender_reports_whose_count_stands_still(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES)
    sent_by_bob(story, TIMES, until=11)
    finding = the(story.call(), "media-stops")
    assert finding.variant == "callee-reported"
    assert any(each.kind == "rtcp" for each in finding.evidence)


def test_by_receiver_reports_of_who_had_sent_before(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES)
    sent_by_bob(story, (6, 11))
    for at in (16, 21, 26):
        reports(story, at, BOB, ALICE, receiver_report(B, block(A, highest=50 * at)))
    assert the(story.call(), "media-stops").variant == "callee-reported"


def test_by_a_listener_whose_sequence_number_stands_still(story: Story) -> None:
    told(story)
    sent_by_alice(story, TIMES)
    for at in TIMES:
        heard_until = block(A, highest=min(50 * at, 500))
        report = sender_report(B, at, 50 * at, heard_until)
        reports(story, at + 0.5, BOB, ALICE, report)
    assert the(story.call(), "media-stops").variant == "caller-lost"


def in_a_hold(story: Story) -> None:
    held = {"cseq": "2 INVITE", "branch": "z9hG4bKh", "tags": "a b"}
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    story.message(11, "alice > bob", "INVITE", sdp=f"PCMU {ALICE}\na=sendonly", **held)
    story.reply(11.1, "200 OK", sdp=f"PCMU {BOB}\na=recvonly", **held)
    story.bye(34.3, cseq="3 BYE")
    both_speak(story, seconds=10)


def with_silence_suppression(story: Story) -> None:
    told(story, codec="G729")
    heard(story, ALICE, BOB, A, **G729)
    heard(story, BOB, ALICE, B, seconds=12, **G729)


def in_a_silence_before_which_a_report_counted_more(story: Story) -> None:
    """The report in the silence counts what was sent before it."""
    in_silences_of_the_sender(story)
    for at, packets in ((8, 350), (16, 500), (21, 600)):
        reports(story, at, BOB, ALICE, sender_report(B, at, packets, block(A)))


def in_silences_of_the_sender(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    pauses(story, BOB, ALICE, B)


def in_the_last_moments(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, seconds=27)


def where_the_capture_of_media_ended(story: Story) -> None:
    told(story)
    both_speak(story, seconds=12)


def while_a_transfer_goes_on(story: Story) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    refer = {"cseq": "2 REFER", "branch": "z9hG4bKr"}
    story.message(13, "alice > bob", "REFER", **refer)
    story.message(13.1, "bob > alice", "202 Accepted", **refer)
    story.bye(31, cseq="3 BYE")
    heard(story, ALICE, BOB, A, seconds=12)
    heard(story, BOB, ALICE, B)


def by_one_report_that_did_not_rise(story: Story) -> None:
    told(story, talk=16)
    sent_by_alice(story, (6, 11, 16))
    sent_by_bob(story, (6, 11, 16), until=11)


@pytest.mark.parametrize(
    "healthy",
    [
        in_a_hold,
        with_silence_suppression,
        in_silences_of_the_sender,
        in_a_silence_before_which_a_report_counted_more,
        in_the_last_moments,
        where_the_capture_of_media_ended,
        while_a_transfer_goes_on,
        by_one_report_that_did_not_rise,
    ],
)
def test_nothing_stops(story: Story, healthy: Callable[[Story], None]) -> None:
    healthy(story)
    assert "media-stops" not in ids(story.call())


def test_the_first_audio_of_the_called_side_comes_late(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, at=4.5, seconds=26)
    finding = the(story.call(), "media-late")
    assert (finding.severity, finding.variant) == ("warning", "callee")
    assert finding.parameters["late_ms"] == pytest.approx(3500, abs=50)


def test_all_audio_comes_late(story: Story) -> None:
    told(story)
    both_speak(story, at=4.5, seconds=26)
    assert the(story.call(), "media-late").variant == "both"


def test_a_second_is_not_late(story: Story) -> None:
    told(story)
    heard(story, ALICE, BOB, A)
    heard(story, BOB, ALICE, B, at=2.5, seconds=28)
    assert ids(story.call()) == []


def test_who_says_nothing_at_first_sends_nothing_with_silence_suppression(
    story: Story,
) -> None:
    told(story, codec="G729")
    heard(story, ALICE, BOB, A, **G729)
    heard(story, BOB, ALICE, B, at=6, seconds=25, **G729)
    assert ids(story.call()) == []


def test_audio_after_a_hold_is_no_late_beginning(story: Story) -> None:
    in_a_hold(story)
    assert ids(story.call()) == []
