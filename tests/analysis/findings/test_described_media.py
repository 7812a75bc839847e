"""``rtp-payload-not-negotiated``, ``ptime-mismatch``, ``dtmf-payload-type``,
``dtmf-method`` and ``no-ringback``: media against what was described of it.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from typing import Any

import pytest

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_events import EventPacket
from flask_sipvault.protocols.rtp_stream import StreamMeter
from flask_sipvault.protocols.sdp import Codec
from flask_sipvault.protocols.sdp import STATIC_CODECS

from ..conftest import NOON
from ..conftest import Story
from ..talks import ALICE
from ..talks import BOB
from ..talks import heard
from ..talks import told
from .conversations import A
from .conversations import B
from .conversations import both_speak
from .shapes import FULL_SHAPES
from .telling import ids
from .telling import reshaped
from .telling import the

SECOND = 1_000_000_000


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_a_payload_type_that_nobody_named(story: Story, shape: str) -> None:
    told(story)
    heard(story, ALICE, BOB, A, payload_type=8)
    heard(story, BOB, ALICE, B)
    call = reshaped(FULL_SHAPES[shape], story.evidence)
    finding = the(call, "rtp-payload-not-negotiated")
    assert (finding.severity, finding.variant) == ("error", "")
    assert finding.parameters["type"] == 8


def test_a_codec_that_its_sender_had_not_accepted(story: Story) -> None:
    story.invite(0, sdp=f"PCMA+PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMA {BOB}")
    story.bye(31)
    heard(story, ALICE, BOB, A, payload_type=8)
    heard(story, BOB, ALICE, B, payload_type=0)
    finding = the(story.call(), "rtp-payload-not-negotiated")
    assert (finding.severity, finding.variant) == ("warning", "not-answered")


def with_another_number_in_each_direction(story: Story) -> None:
    """Each side names its own number for one codec, which the other has to use."""
    story.invite(0, sdp=f"opus {ALICE}")
    answer = f"PCMU {BOB}\na=rtpmap:107 opus/48000/2"
    story.reply(1, "200 OK", sdp=answer.replace("PCMU", "opus"))
    story.bye(31)
    heard(story, ALICE, BOB, A, payload_type=96, codec=Codec("opus", 48000, 2))
    heard(story, BOB, ALICE, B, payload_type=96, codec=Codec("opus", 48000, 2))


def with_comfort_noise_unasked(story: Story) -> None:
    told(story)
    both_speak(story)
    heard(story, BOB, ALICE, 9, payload_type=13, seconds=5)


def with_a_codec_of_a_later_answer(story: Story) -> None:
    again = {"cseq": "2 INVITE", "branch": "z9hG4bKc", "tags": "a b"}
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    story.message(15, "alice > bob", "INVITE", sdp=f"PCMA {ALICE}", **again)
    story.reply(15.2, "200 OK", sdp=f"PCMA {BOB}", **again)
    story.bye(31, cseq="3 BYE")
    for src, dst, ssrc in ((ALICE, BOB, A), (BOB, ALICE, B)):
        heard(story, src, dst, ssrc, seconds=14)
        heard(story, src, dst, ssrc + 10, at=15.1, seconds=15.9, payload_type=8)


@pytest.mark.parametrize(
    "healthy",
    [
        with_another_number_in_each_direction,
        with_comfort_noise_unasked,
        with_a_codec_of_a_later_answer,
    ],
)
def test_what_was_agreed_on_is_no_surprise(
    story: Story, healthy: Callable[[Story], None]
) -> None:
    healthy(story)
    assert ids(story.call()) == []


def packets(
    story: Story, src: Endpoint, dst: Endpoint, *sizes: tuple[float, int], at: float = 1
) -> None:
    """A stream of G.711 whose packets hold so many ms each, for so many seconds."""
    meter = StreamMeter(7, src, dst, STATIC_CODECS)
    ts, number, timestamp = NOON + round(at * SECOND), 0, 0
    made = []
    for seconds, ms in sizes:
        for _ in range(round(seconds * 1000 / ms)):
            made.append((ts, 0, number, timestamp, 8 * ms))
            ts += ms * 1_000_000
            number += 1
            timestamp += 8 * ms
    meter.feed(made)
    figures = meter.take()
    assert figures is not None
    story.evidence.media.append(figures)


def asks_for(story: Story, offered: str, answered: str) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}{offered}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}{answered}")
    story.bye(21)
    heard(story, ALICE, BOB, A, seconds=20)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_packets_that_change_their_length(story: Story, shape: str) -> None:
    asks_for(story, "\na=ptime:20", "\na=ptime:20")
    packets(story, BOB, ALICE, (6, 40), (14, 20))
    call = reshaped(FULL_SHAPES[shape], story.evidence)
    assert the(call, "ptime-mismatch").variant == "changes"


def test_packets_of_another_length_than_both_named(story: Story) -> None:
    asks_for(story, "\na=ptime:20", "\na=ptime:20")
    packets(story, BOB, ALICE, (20, 60))
    finding = the(story.call(), "ptime-mismatch")
    assert (finding.severity, finding.variant) == ("warning", "agreed")


def test_packets_that_are_longer_than_the_receiver_takes(story: Story) -> None:
    asks_for(story, "\na=maxptime:30\na=ptime:20", "")
    packets(story, BOB, ALICE, (20, 60))
    assert the(story.call(), "ptime-mismatch").variant == "too-long"


def test_what_a_side_would_like_is_an_information(story: Story) -> None:
    asks_for(story, "\na=ptime:30", "\na=ptime:20")
    packets(story, BOB, ALICE, (20, 20))
    call = story.call()
    assert [(f.id, f.severity) for f in call.findings] == [("ptime-mismatch", "info")]


def test_a_new_length_after_a_new_negotiation(story: Story) -> None:
    again = {"cseq": "2 INVITE", "branch": "z9hG4bKc", "tags": "a b"}
    story.invite(0, sdp=f"PCMU {ALICE}\na=ptime:40")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}\na=ptime:20")
    story.message(7, "alice > bob", "INVITE", sdp=f"PCMU {ALICE}\na=ptime:20", **again)
    story.reply(7.1, "200 OK", sdp=f"PCMU {BOB}\na=ptime:20", **again)
    story.bye(21, cseq="3 BYE")
    heard(story, ALICE, BOB, A, seconds=20)
    packets(story, BOB, ALICE, (6, 40), (14, 20))
    assert story.call().findings == []


def presses(
    story: Story, src: Endpoint, dst: Endpoint, number: int, *, described: bool = True
) -> None:
    """Speech with three digits in it, as telephone events."""
    codecs = dict(STATIC_CODECS)
    if described:
        codecs[number] = Codec("telephone-event", 8000)
    meter = StreamMeter(7, src, dst, codecs)
    made, events = [], []
    for tick in range(1000):
        ts = NOON + SECOND + tick * 20_000_000
        digit, place = divmod(tick - 200, 100)
        if 0 <= digit < 3 and place < 8:
            stamp = (200 + 100 * digit) * 160
            end = 0x80 if place > 4 else 0
            data = struct.pack("!BBH", digit + 1, end | 10, 160 * (place + 1))
            events.append(EventPacket(ts, number, tick, stamp, data))
            made.append((ts, number, tick, stamp, 4))
        else:
            made.append((ts, 0, tick, tick * 160, 160))
    meter.feed(made, events)
    figures = meter.take()
    assert figures is not None
    story.evidence.media.append(figures)


def with_events(story: Story, offered: int, answered: int) -> None:
    def named(end: Endpoint, number: int) -> str:
        return f"PCMU {end}\na=rtpmap:{number} telephone-event/8000"

    story.invite(0, sdp=named(ALICE, offered))
    story.reply(1, "200 OK", sdp=named(BOB, answered))
    story.bye(21)
    for packet, number in zip(story.evidence.sip, (offered, answered), strict=False):
        packet.payload = packet.payload.replace(
            b"RTP/AVP 0 101", b"RTP/AVP 0 %d" % number
        ).replace(b"a=rtpmap:101 telephone-event/8000\r\n", b"")
        head, _, body = packet.payload.partition(b"\r\n\r\n")
        if number == 101:
            body += b"a=rtpmap:101 telephone-event/8000\r\n"
        lines = [
            b"Content-Length: %d" % len(body) if b"Content-Length" in line else line
            for line in head.split(b"\r\n")
        ]
        packet.payload = b"\r\n".join([*lines, b"", body])
    heard(story, ALICE, BOB, A, seconds=20)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_digits_with_a_number_that_nobody_named(story: Story, shape: str) -> None:
    with_events(story, 96, 96)
    presses(story, BOB, ALICE, 101, described=False)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "dtmf-payload-type")
    assert (finding.severity, finding.variant) == ("error", "")
    assert (finding.parameters["type"], finding.parameters["wanted"]) == (101, "96")


def test_digits_with_the_senders_own_number(story: Story) -> None:
    with_events(story, 96, 101)
    presses(story, BOB, ALICE, 101)
    assert the(story.call(), "dtmf-payload-type").variant == "own"


def test_digits_with_the_receivers_number(story: Story) -> None:
    with_events(story, 96, 101)
    presses(story, BOB, ALICE, 96)
    assert ids(story.call()) == []


def by_info(story: Story, at: float, response: str = "200 OK") -> None:
    how: Any = {"cseq": f"{round(at)} INFO", "branch": f"z9hG4bKi{at}"}
    story.message(
        at,
        "alice > bob",
        "INFO",
        headers=("Content-Type: application/dtmf-relay",),
        **how,
    )
    story.message(at + 0.1, "bob > alice", response, **how)


def test_digits_by_info_are_refused(story: Story) -> None:
    told(story)
    by_info(story, 5, "415 Unsupported Media Type")
    finding = the(story.call(), "dtmf-method")
    assert (finding.severity, finding.variant) == ("warning", "refused")


def test_digits_by_info_where_events_were_agreed_on(story: Story) -> None:
    told(story)
    both_speak(story)
    by_info(story, 5)
    assert the(story.call(), "dtmf-method").variant == "info"


def test_digits_by_info_and_as_events(story: Story) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
    story.bye(21, cseq="9 BYE")
    heard(story, BOB, ALICE, B, seconds=20)
    presses(story, ALICE, BOB, 101)
    by_info(story, 5)
    assert the(story.call(), "dtmf-method").variant == "twice"


def without_events(story: Story) -> None:
    for packet in story.evidence.sip:
        packet.payload = packet.payload.replace(b" 101\r\n", b"\r\n").replace(
            b"a=rtpmap:101 telephone-event/8000", b"a=x-nothing-of-digits-is-said-here"
        )


def test_digits_by_info_where_no_events_were_agreed_on(story: Story) -> None:
    told(story)
    both_speak(story)
    by_info(story, 5)
    without_events(story)
    assert ids(story.call()) == []


def test_events_that_the_receiver_does_not_know(story: Story) -> None:
    told(story, talk=20)
    heard(story, ALICE, BOB, A, seconds=20)
    presses(story, BOB, ALICE, 101, described=False)
    without_events(story)
    assert the(story.call(), "dtmf-method").variant == "events"


def rings(story: Story, *, headers: tuple[str, ...] = (), extra: str = "") -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "183 Session Progress", sdp=f"PCMU {BOB}{extra}", headers=headers)


def answered(story: Story, at: float = 9) -> None:
    story.reply(at, "200 OK", sdp=f"PCMU {BOB}")
    story.bye(at + 10)
    both_speak(story, at=at, seconds=10)


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_early_media_that_does_not_come(story: Story, shape: str) -> None:
    rings(story)
    story.reply(2, "180 Ringing")
    answered(story)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "no-ringback")
    assert (finding.severity, finding.variant) == ("warning", "")
    assert finding.parameters["silence_ms"] == pytest.approx(8000, abs=20)


def test_early_media_that_does_not_come_before_the_caller_gives_up(
    story: Story,
) -> None:
    rings(story)
    story.message(15, "alice > bob", "CANCEL", tags="a")
    story.message(15.1, "bob > alice", "200 OK", cseq="1 CANCEL")
    story.reply(15.2, "487 Request Terminated")
    story.message(15.3, "alice > bob", "ACK", cseq="1 ACK")
    heard(story, ALICE, BOB, A, seconds=14)
    found = [f for f in story.call().findings if f.id == "no-ringback"]
    assert [f.variant for f in found] == ["not-answered"]


def comes(story: Story) -> None:
    rings(story)
    heard(story, BOB, ALICE, B, seconds=18)
    story.reply(9, "200 OK", sdp=f"PCMU {BOB}")
    story.bye(19)
    heard(story, ALICE, BOB, A, at=9, seconds=10)


def was_not_promised(story: Story) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}")
    story.reply(1, "180 Ringing")
    answered(story)


def was_ruled_out(story: Story) -> None:
    rings(story, headers=("P-Early-Media: inactive",))
    answered(story)


def was_not_to_come(story: Story) -> None:
    rings(story, extra="\na=inactive")
    answered(story)


def has_preconditions(story: Story) -> None:
    rings(story, extra="\na=curr:qos local none")
    answered(story)


def was_answered_soon(story: Story) -> None:
    rings(story)
    answered(story, 3)


def would_not_have_been_captured(story: Story) -> None:
    rings(story)
    answered(story)
    story.evidence.media.clear()


@pytest.mark.parametrize(
    "healthy",
    [
        comes,
        was_not_promised,
        was_ruled_out,
        was_not_to_come,
        has_preconditions,
        was_answered_soon,
        would_not_have_been_captured,
    ],
)
def test_nothing_is_said_of_early_media_that(
    story: Story, healthy: Callable[[Story], None]
) -> None:
    healthy(story)
    assert ids(story.call()) == []
