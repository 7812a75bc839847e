"""Calls in which somebody talks, in a few words."""

from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.media.quality import Figures
from flask_sipvault.analysis.media.quality import Quality
from flask_sipvault.analysis.media.quality import Scale
from flask_sipvault.protocols.address import Endpoint

from ..speech import speech
from .conftest import NOON

ALICE, BOB = Endpoint("198.51.100.23", 14000), Endpoint("10.8.0.14", 17002)
RELAY_A, RELAY_B = Endpoint("203.0.113.9", 30000), Endpoint("203.0.113.9", 30002)
SECOND = 1_000_000_000


def told(story: Any, *, codec: str = "PCMU", talk: float = 30, answer: str = "") -> Any:
    """A call from Alice to Bob that was answered after a second."""
    story.invite(0, sdp=f"{codec} {ALICE}")
    story.reply(1, "200 OK", sdp=f"{codec} {BOB}{answer}")
    return story.bye(1 + talk)


def through_a_relay(story: Any) -> None:
    """Alice and Bob talk through a proxy that relays their media."""
    story.invite(0, "alice > proxy", sdp=f"PCMU {ALICE}")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9", sdp=f"PCMU {RELAY_B}")
    back = {"branch": "z9hG4bK9", "sdp": f"PCMU {BOB}"}
    story.reply(1, "200 OK", "bob > proxy", **back)
    story.reply(1.01, "200 OK", "proxy > alice", sdp=f"PCMU {RELAY_A}")
    story.bye(31, "alice > proxy")


def heard(
    story: Any,
    src: Endpoint,
    dst: Endpoint,
    ssrc: int = 1,
    *,
    at: float = 1,
    seconds: float = 30,
    **how: Any,
) -> None:
    start = NOON + round(at * SECOND)
    stream = speech(src, dst, ssrc, start=start, seconds=seconds, **how)
    story.evidence.media.append(stream)


def known(figures: Figures | None) -> Figures:
    assert figures is not None
    return figures


def quality_of(story: Any, scale: Scale | None = None) -> Quality:
    return explain(story.evidence, scale or Scale()).quality
