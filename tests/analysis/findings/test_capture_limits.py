"""What the capture does not show is said, and is no alarm."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.words.findings import words_of
from flask_sipvault.evidence import CaptureFacts

from .media_changes import alarms
from .media_changes import G729
from .media_changes import of
from .media_changes import PCMU
from .media_changes import Talk
from .shapes import captured_twice
from .shapes import cut_short
from .shapes import late
from .shapes import only_from

LIMITS = {
    "one-direction": only_from(1),
    "began-late": late,
    "ended-early": cut_short,
    "captured-twice": captured_twice,
}


@pytest.mark.parametrize("kind", LIMITS)
def test_a_call_that_was_captured_in_part(story: Any, kind: str) -> None:
    Talk(story).answered().hung_up(30)
    call = explain(LIMITS[kind](story.evidence))
    finding = of(call, kind)
    assert finding is not None
    assert finding.severity == "info"
    assert all(words_of(each).headline for each in call.findings)
    assert alarms(call) == []


@pytest.mark.parametrize(
    ("facts", "kind"),
    [
        (CaptureFacts(frames_cut=7, cut_at=300), "frames-cut"),
        (CaptureFacts(fragments_missing=1), "fragments-missing"),
        (CaptureFacts(clock_steps=1), "clock-step"),
    ],
)
def test_what_the_capture_says_of_itself(
    story: Any, facts: CaptureFacts, kind: str
) -> None:
    Talk(story).answered().hung_up(30)
    story.evidence.capture = facts
    finding = of(explain(story.evidence), kind)
    assert finding is not None
    assert words_of(finding).headline


def test_a_message_that_others_prove(story: Any) -> None:
    Talk(story).answered().hung_up(30)
    story.evidence.sip = [
        packet for packet in story.evidence.sip if packet.payload[:3] != b"BYE"
    ]
    finding = of(explain(story.evidence), "messages-missing")
    assert finding is not None
    assert finding.parameters["source"] == story.hosts["alice"]


def test_clocks_of_two_capture_points(story: Any) -> None:
    Talk(story).answered().hung_up(30)
    story.evidence.agents = ["one", "two"]
    story.evidence.sip = [
        replace(p, ts=p.ts - 2_000_000_000) if p.src == story.hosts["bob"] else p
        for p in story.evidence.sip
    ]
    finding = of(explain(story.evidence), "clocks-differ")
    assert finding is not None
    assert "1.9 s" in words_of(finding).headline


def test_hops_that_are_encrypted(story: Any) -> None:
    via = "Via: SIP/2.0/TLS 192.0.2.99:5061;branch=z9hG4bKtls"
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=(via,))
    talk.response(1, "200 OK", "INVITE", cseq=1, body=PCMU)
    talk.request(1.1, "ACK", cseq=1)
    assert of(talk.hung_up(30), "encrypted") is not None


def test_of_a_whole_capture_only_the_media_is_missing(story: Any) -> None:
    call = Talk(story).answered().hung_up(30)
    assert [each.id for each in call.findings] == ["no-media-captured"]


def test_a_codec_that_changes_is_worth_knowing(story: Any) -> None:
    call = Talk(story).answered().changed(10, G729, answer=G729).hung_up(30)
    finding = of(call, "codec-change")
    assert finding is not None
    assert words_of(finding).headline == (
        "The codec changed from PCMU to G729 during the call."
    )
    assert alarms(call) == []


def test_the_same_codec_again_is_no_change(story: Any) -> None:
    call = Talk(story).answered().changed(10, PCMU, answer=PCMU).hung_up(30)
    assert of(call, "codec-change") is None
