from __future__ import annotations

import struct
from typing import Any

from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.protocols.sdp import Codec

from ..conftest import NOON
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import known
from ..talks import quality_of
from ..talks import SECOND
from ..talks import told


def test_both_ways(story: Any) -> None:
    told(story)
    heard(story, ALICE, BOB)
    heard(story, BOB, ALICE, 2)
    assert quality_of(story).audio.status == "normal"


def test_one_way_though_nobody_agreed_to_that(story: Any) -> None:
    told(story)
    heard(story, ALICE, BOB)
    call = story.call()
    audio = call.quality.audio
    assert (audio.status, audio.audible, audio.agreed) == ("one-way", "uac", False)
    assert headline(call).endswith("The caller heard nothing.")


def test_a_few_stray_packets_are_no_audio(story: Any) -> None:
    told(story)
    heard(story, ALICE, BOB)
    heard(story, BOB, ALICE, 2, seconds=1)
    assert quality_of(story).audio.status == "one-way"


def test_of_a_short_call_nothing_is_said(story: Any) -> None:
    told(story, talk=3)
    heard(story, ALICE, BOB, seconds=3)
    assert quality_of(story).audio.status == "unknown"


def test_of_early_media_nothing_is_said(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "183 Session Progress", sdp=f"PCMU {BOB}")
    story.reply(20, "486 Busy Here")
    heard(story, BOB, ALICE, seconds=18)
    quality = quality_of(story)
    assert quality.audio.status == "unknown"
    assert known(quality.uas).verdict == "good"


def test_none_where_both_reported_and_neither_sent(story: Any) -> None:
    told(story)
    for at in (5, 10, 15):
        for src, dst, ssrc in ((ALICE, BOB, 1), (BOB, ALICE, 2)):
            empty = struct.pack("!BBHI", 0x80, 201, 1, ssrc)
            ends = (end._replace(port=end.port + 1) for end in (src, dst))
            ts = NOON + at * SECOND
            story.evidence.rtcp.append(RtcpDatagram(ts, *ends, empty))
    call = story.call()
    assert call.quality.audio.status == "none"
    assert headline(call).endswith("Neither side sent audio.")


def test_silent_where_all_was_comfort_noise(story: Any) -> None:
    told(story)
    noise = {"payload_type": 13, "codec": Codec("CN", 8000)}
    heard(story, ALICE, BOB, **noise)
    heard(story, BOB, ALICE, 2, **noise)
    assert quality_of(story).audio.status == "silent"
