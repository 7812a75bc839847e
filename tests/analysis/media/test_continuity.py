"""Good is what was carried for as long as it should have been."""

from __future__ import annotations

import struct
from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.media.quality import Note
from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_stream import StreamMeter
from flask_sipvault.protocols.sdp import Codec
from tests.analysis.conftest import NOON
from tests.analysis.talks import ALICE
from tests.analysis.talks import BOB
from tests.analysis.talks import heard
from tests.analysis.talks import told

SECOND = 1_000_000_000
NATTED = Endpoint("203.0.113.77", 31337)


def both_ways(story: Any, talk: float = 30) -> None:
    """A call whose two directions are carried from the answer to the end."""
    told(story, talk=talk)
    heard(story, ALICE, BOB, 1, seconds=talk)
    heard(story, BOB, ALICE, 2, seconds=talk)


def test_carried_from_the_answer_to_the_end_is_good(story: Any) -> None:
    both_ways(story)
    call = story.call()
    assert call.quality.verdict == "good"
    assert call.quality.audio.status == "normal"
    assert [way.share for way in call.media.ways] == pytest.approx([1, 1], abs=0.01)


@pytest.mark.parametrize(
    ("at", "seconds", "where", "says"),
    [
        (1, 10, "end", "The caller heard nothing for the last 20 s."),
        (6, 25, "beginning", "The caller heard nothing for the first 5.0 s."),
    ],
)
def test_what_ends_early_or_begins_late_is_not(
    story: Any, at: float, seconds: float, where: str, says: str
) -> None:
    told(story)
    heard(story, ALICE, BOB, 1)
    heard(story, BOB, ALICE, 2, at=at, seconds=seconds)
    call = story.call()
    figures = call.quality.uas
    assert [missing.where for missing in figures.missing] == [where]
    assert figures.verdict in ("poor", "bad")
    assert figures.mos.avg > 4  # of what was carried
    assert call.quality.uac.verdict == "good"
    assert call.quality.audio.status == "interrupted"
    assert says in headline(call)


def test_nor_is_what_stops_for_a_while(story: Any) -> None:
    told(story)
    heard(story, ALICE, BOB, 1)
    heard(story, BOB, ALICE, 2, seconds=10)
    heard(story, BOB, ALICE, 2, at=18, seconds=13)
    first, second = story.evidence.media[1:]
    story.evidence.media[1:] = [first]
    story.evidence.media += [replace(second, src=second.src._replace(port=40_000))]
    call = story.call()
    [missing] = call.quality.uas.missing
    assert (missing.where, round(missing.seconds)) == ("between", 7)


def test_a_direction_that_carried_some_seconds_is_not_nothing(story: Any) -> None:
    told(story, talk=96)
    heard(story, ALICE, BOB, 1, seconds=96)
    heard(story, BOB, ALICE, 2, seconds=8)
    call = story.call()
    assert call.quality.audio.status == "interrupted"
    assert "The caller heard nothing for the last 1 min 28 s." in headline(call)


def test_a_stray_packet_is(story: Any) -> None:
    told(story, talk=96)
    heard(story, ALICE, BOB, 1, seconds=96)
    heard(story, BOB, ALICE, 2, seconds=0.1)
    call = story.call()
    assert call.quality.audio.status == "one-way"
    assert call.quality.uas.verdict == "bad"
    assert headline(call).count("The caller heard nothing") == 1


class TestOneSource:
    """What a source sends is one stream, wherever it goes."""

    def test_a_relay_that_latches_sends_one(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB, 1)
        heard(story, BOB, ALICE, 2, seconds=0.02)
        lost = {"lost": lambda second: 0.2}
        heard(story, BOB, NATTED, 2, at=1.02, seconds=29.9, **lost)
        call = story.call()
        [stream] = call.media.callee_to_caller.streams
        assert [seen.n for seen in stream.rtp] == [2, 3]
        assert stream.dst == NATTED
        assert call.quality.uas.loss.avg == pytest.approx(20, abs=0.5)
        assert call.quality.uas.verdict in ("poor", "bad")

    def test_so_does_a_phone_whose_peer_moves(self, story: Any) -> None:
        moved = BOB._replace(port=30_000)
        story.invite(0, sdp=f"PCMU {ALICE}")
        story.reply(1, "200 OK", sdp=f"PCMU {BOB}")
        again = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
        story.message(
            10, "bob > alice", "INVITE", tags="b a", sdp=f"PCMU {moved}", **again
        )
        story.message(
            10.1, "alice > bob", "200 OK", tags="b a", sdp=f"PCMU {ALICE}", **again
        )
        story.bye(31)
        heard(story, ALICE, BOB, 1, seconds=9)
        heard(story, ALICE, moved, 1, at=10.05, seconds=20.9)
        heard(story, BOB, ALICE, 2)
        call = story.call()
        [stream] = call.media.caller_to_callee.streams
        assert len(stream.rtp) == 2
        assert call.quality.verdict == "good"

    def test_two_parts_of_the_way_are_two(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, NATTED, 1)
        heard(story, NATTED, BOB, 1)
        streams = story.call().media.streams
        assert [len(stream.rtp) for stream in streams] == [1, 1]


class TestSilence:
    """A sender that has nothing to say loses nothing."""

    def silent_for(self, story: Any, seconds: float, *, noise: bool) -> Call:
        told(story)
        heard(story, ALICE, BOB, 1)
        meter = StreamMeter(2, BOB, ALICE)
        start = NOON + SECOND
        packets = [(start + n * 20_000_000, 0, n, 160 * n, 160) for n in range(500)]
        if noise:
            ts, _, number, timestamp, _ = packets[-1]
            packets.append((ts + 20_000_000, 13, number + 1, timestamp + 160, 1))
        skipped = len(packets) + round(seconds * 50)
        packets += [
            (
                start + (skipped + n) * 20_000_000,
                0x80 * (not n),
                m,
                160 * (skipped + n),
                160,
            )
            for n, m in enumerate(range(len(packets), 1500 - round(seconds * 50)))
        ]
        meter.feed(packets)
        figures = meter.take()
        assert figures is not None
        story.evidence.media.append(figures)
        call: Call = story.call()
        return call

    @pytest.mark.parametrize("noise", [False, True])
    def test_in_between_nothing_is_missing(self, story: Any, noise: bool) -> None:
        call = self.silent_for(story, 12, noise=noise)
        assert call.quality.uas is not None
        assert call.quality.uas.missing == []
        assert call.quality.verdict == "good"
        [stream] = call.media.callee_to_caller.streams
        assert len(stream.gaps) == 1

    def test_after_comfort_noise_the_end_is_no_interruption(self, story: Any) -> None:
        call = self.silent_for(story, 19.9, noise=True)
        way = call.media.callee_to_caller
        assert way.silent_since is not None
        assert way.missing == []


class TestSenderReports:
    """Where only RTCP was captured, its packet counts tell."""

    def sent(
        self, story: Any, ssrc: int, counts: list[int], src: Any, dst: Any
    ) -> None:
        """A report each five seconds since the answer, from RTCP's ports."""
        for number, packets in enumerate(counts, 1):
            payload = struct.pack(
                "!BBHIQIII", 0x80, 200, 6, ssrc, 0, 0, packets, packets * 160
            )
            ts = NOON + round((1 + 5 * number) * SECOND)
            ends = (end._replace(port=end.port + 1) for end in (src, dst))
            story.evidence.rtcp.append(RtcpDatagram(ts, *ends, payload))

    def test_that_rise_to_the_end_show_both_directions(self, story: Any) -> None:
        told(story)
        self.sent(story, 1, [250 * n for n in range(1, 6)], ALICE, BOB)
        self.sent(story, 2, [250 * n for n in range(1, 6)], BOB, ALICE)
        call = story.call()
        assert [way.shown for way in call.media.ways] == ["sender-reports"] * 2
        assert [way.missing for way in call.media.ways] == [[], []]
        assert call.quality.audio.status == "normal"

    def test_that_stand_still_show_when_it_ended(self, story: Any) -> None:
        told(story)
        self.sent(story, 1, [250 * n for n in range(1, 6)], ALICE, BOB)
        self.sent(story, 2, [250, 500, 500, 500, 500], BOB, ALICE)
        call = story.call()
        [missing] = call.media.callee_to_caller.missing
        assert missing.start_ts == NOON + 11 * SECOND
        assert call.quality.audio.status == "interrupted"

    def test_that_end_though_the_call_goes_on_show_it_too(self, story: Any) -> None:
        told(story, talk=60)
        self.sent(story, 1, [250 * n for n in range(1, 12)], ALICE, BOB)
        self.sent(story, 2, [250, 500], BOB, ALICE)
        [missing] = story.call().media.callee_to_caller.missing
        # The next report might have been late by some seconds.
        assert 11 < (missing.start_ts - NOON) / SECOND < 25

    def test_that_a_relay_passes_on_count_once(self, story: Any) -> None:
        told(story)
        self.sent(story, 1, [250, 500], ALICE, BOB)
        for each in list(story.evidence.rtcp):
            story.evidence.rtcp.append(replace(each, ts=each.ts + 1_000_000))
        [stream] = story.call().media.streams
        assert [count.packets for count in stream.counts] == [250, 500]


class TestPrivateAddresses:
    """From the Internet nothing arrives at an address of a private network."""

    @pytest.mark.parametrize(
        ("name", "heard_nothing"),
        [
            ("oneway-private-answer", "The called side heard nothing."),
            ("oneway-private-offer", "The caller heard nothing."),
        ],
    )
    def test_what_is_sent_there_is_not_heard(
        self, labelled: Callable[[str], Call], name: str, heard_nothing: str
    ) -> None:
        call = labelled(name)
        assert call.quality.audio.reason == "astray"
        assert headline(call).endswith(heard_nothing)
        [figures] = [f for f in call.quality.measured if f.mos.avg is None]
        assert (figures.verdict, figures.no_mos) == ("bad", Note("no-mos-astray"))

    @pytest.mark.parametrize(
        "name", ["oneway-private-offer-healthy", "lan-private-healthy"]
    )
    def test_but_the_healthy_twins_are_good(
        self, labelled: Callable[[str], Call], name: str
    ) -> None:
        call = labelled(name)
        assert (call.quality.verdict, call.quality.audio.status) == ("good", "normal")

    def to_a_private_address(self, story: Any) -> Evidence:
        """Alice is at a public address; Bob describes a private one, behind NAT."""
        story.hosts = {**story.hosts, "bob": Endpoint("203.0.113.14", 5060)}
        told(story)
        heard(story, ALICE, BOB, 1)
        heard(story, BOB._replace(ip="203.0.113.14"), ALICE, 2)
        evidence: Evidence = story.evidence
        return evidence

    def test_who_never_showed_himself_hears_nothing(self, story: Any) -> None:
        self.to_a_private_address(story)
        assert story.call().quality.audio.reason == "astray"

    @pytest.mark.parametrize("sign", ["sip", "rtp", "rtcp", "report"])
    def test_a_sign_of_him_is_enough(self, story: Any, sign: str) -> None:
        evidence = self.to_a_private_address(story)
        block = struct.pack("!IIIIII", 1, 0, 1400, 0, 0, 0)
        report = struct.pack("!BBHI", 0x81, 201, 7, 2) + block
        if sign == "sip":
            private = BOB._replace(port=5060)
            evidence.sip.append(replace(evidence.sip[1], ts=NOON + 2, src=private))
        elif sign == "rtp":
            heard(story, BOB, ALICE, 3, at=10, seconds=1)
        else:
            src = BOB if sign == "rtcp" else None
            evidence.rtcp.append(RtcpDatagram(NOON + 9 * SECOND, src, None, report))
        assert story.call().quality.audio.status == "normal"


class TestPayloads:
    def test_a_type_that_was_never_agreed_to_has_no_mos(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB, 1)
        heard(story, BOB, ALICE, 2, payload_type=8, codec=Codec("PCMA", 8000))
        call = story.call()
        figures = call.quality.uas
        assert figures.mos.avg is None
        assert figures.no_mos == Note.of("no-mos-not-negotiated", payload_type=8)
        [stream] = call.media.callee_to_caller.streams
        assert [codec.negotiated for codec in stream.codecs] == [False]

    def test_each_side_changes_its_codec_in_its_own_time(self, story: Any) -> None:
        told(story, codec="PCMU+PCMA")
        for ssrc, (src, dst), change in ((1, (ALICE, BOB), 10), (2, (BOB, ALICE), 20)):
            meter = StreamMeter(ssrc, src, dst)
            meter.feed(
                (
                    NOON + SECOND + n * 20_000_000,
                    8 * (n >= change * 50),
                    n,
                    160 * n,
                    160,
                )
                for n in range(1500)
            )
            figures = meter.take()
            assert figures is not None
            story.evidence.media.append(figures)
        for way, change in zip(story.call().media.ways, (10, 20), strict=True):
            before, after = way.streams[0].codecs
            assert (before.codec, after.codec) == ("PCMU", "PCMA")
            assert after.first_ts == NOON + (1 + change) * SECOND

    def test_a_codec_that_comes_back_is_told_each_time(self, story: Any) -> None:
        told(story, codec="PCMU+PCMA")
        meter = StreamMeter(1, ALICE, BOB)
        kinds = [0] * 500 + [8] * 500 + [0] * 500
        meter.feed(
            (NOON + SECOND + n * 20_000_000, kind, n, 160 * n, 160)
            for n, kind in enumerate(kinds)
        )
        figures = meter.take()
        assert figures is not None
        story.evidence.media.append(figures)
        [stream] = story.call().media.streams
        assert [codec.payload_type for codec in stream.codecs] == [0, 8, 0]


class TestWhatWouldNotShow:
    def test_one_direction_that_was_captured_says_nothing_of_the_other(
        self, story: Any
    ) -> None:
        story.invite(0, sdp=f"PCMU {ALICE}")
        story.message(1, "alice > bob", "ACK", tags="a b")
        story.bye(31)
        heard(story, ALICE, BOB, 1)
        call = story.call()
        assert not call.media.callee_to_caller.known
        assert call.quality.audio.status == "unknown"

    def test_a_stream_that_may_be_its_own_does_not_either(self, story: Any) -> None:
        told(story)
        heard(story, ALICE, BOB, 1)
        heard(story, NATTED, NATTED._replace(port=9000), 9)
        assert story.call().quality.audio.status == "unknown"


def test_delay_alone_is_not_bad_audio(story: Any) -> None:
    told(story)
    heard(story, ALICE, BOB, 1)
    heard(story, BOB, ALICE, 2)
    for second in range(5, 30, 5):
        ntp = second << 32
        sent = struct.pack("!BBHIQIII", 0x80, 200, 6, 2, ntp, 0, 50 * second, 0)
        ts = NOON + second * SECOND
        story.evidence.rtcp.append(RtcpDatagram(ts, BOB, ALICE, sent))
        middle = ntp >> 16 & 0xFFFF_FFFF
        block = struct.pack("!IIIIII", 2, 0, 50 * second, 0, middle, 65536 // 10)
        report = struct.pack("!BBHI", 0x81, 201, 7, 1) + block
        ts += 1_300_000_000
        story.evidence.rtcp.append(RtcpDatagram(ts, ALICE, BOB, report))
    call = story.call()
    assert call.quality.uas.verdict in ("poor", "bad")
    assert "heard bad audio" not in headline(call)
    assert "The caller heard the called side with much delay." in headline(call)


def test_the_packet_that_a_relay_sent_before_it_latched_hides_no_loss(
    field: Callable[..., Call],
) -> None:
    call = field("latched-min.pcap", folder="peers")
    assert call.quality.uas is not None
    assert call.quality.uas.loss.avg == pytest.approx(19.2, abs=0.1)
    assert call.quality.uas.verdict == "bad"
