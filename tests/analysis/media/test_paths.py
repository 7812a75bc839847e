from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.sdp import Codec

from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import known
from ..talks import quality_of
from ..talks import RELAY_A
from ..talks import RELAY_B
from ..talks import through_a_relay
from ..talks import told


def test_the_leg_next_to_the_listener_counts(story: Any) -> None:
    through_a_relay(story)
    heard(story, BOB, RELAY_B, 2)
    heard(story, RELAY_A, ALICE, 2, lost=lambda s: 0.05)
    quality = quality_of(story)
    assert known(quality.uas).loss.avg == pytest.approx(5, abs=0.1)
    counted = {str(s.dst): (s.place, s.counted) for s in quality.streams}
    assert counted == {
        str(RELAY_B): ("callee", False),
        str(ALICE): ("caller", True),
    }


def test_a_listener_behind_nat_is_known_by_where_he_sends_from(story: Any) -> None:
    through_a_relay(story)
    outside = Endpoint("192.0.2.77", 61000)
    heard(story, outside, RELAY_A, 1)
    heard(story, RELAY_A, outside, 2, lost=lambda s: 0.05)
    quality = quality_of(story)
    assert known(quality.uac).loss.avg == 0
    assert known(quality.uas).loss.avg == pytest.approx(5, abs=0.1)


def test_nothing_is_guessed_where_the_invite_is_missing(story: Any) -> None:
    story.message(0, "alice > bob", "INVITE", sdp=f"PCMU {ALICE}")
    story.reply(0.1, "200 OK", sdp=f"PCMU {BOB}")
    heard(story, ALICE, BOB, 1)
    quality = quality_of(story)
    assert quality.directions == {"uac": None, "uas": None}
    [stream] = quality.streams
    assert (stream.direction, stream.figures.verdict) == (None, "good")


def test_video_is_no_speech(story: Any) -> None:
    told(story)
    heard(story, BOB, ALICE, payload_type=34, codec=Codec("H263", 90000))
    [stream] = story.evidence.media
    stream.src = Endpoint.parse("10.8.0.14:40000")
    stream.dst = Endpoint.parse("198.51.100.23:40002")
    assert quality_of(story).streams == []
