"""What a capture lacks, or has too much of: cut frames, fragments, copies, clocks."""

from __future__ import annotations

from pathlib import Path

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import CaptureImporter
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import CaptureSummary
from flask_sipvault.protocols.capture import read_capture

from ..wire import ALICE
from ..wire import ALICE6
from ..wire import BOB
from ..wire import BOB6
from ..wire import capture
from ..wire import fragments
from ..wire import rtp
from ..wire import sdp
from ..wire import Seen
from ..wire import sip
from ..wire import tcp
from ..wire import udp

INVITE = sip("INVITE sip:bob@example.com SIP/2.0", body=sdp(4000))
OK = sip("SIP/2.0 200 OK", body=sdp(6000, "198.51.100.2"))
BYE = sip("BYE sip:bob@example.com SIP/2.0", cseq="2 BYE")
ACK, PSH_ACK = 0x10, 0x18


def imported(seen: list[Seen]) -> tuple[list[Evidence], CaptureImporter]:
    importer, summary = CaptureImporter("acme"), CaptureSummary()
    items = read_capture(capture(seen), summary=summary)
    calls = list(importer.feed(items, "x.pcap", summary))
    return [*calls, *importer.finish()], importer


def the_call(seen: list[Seen]) -> Evidence:
    (call,) = imported(seen)[0]
    return call


class TestCutFrames:
    def test_a_message_that_is_cut_in_its_body_is_kept_and_marked(self) -> None:
        frame = len(udp(INVITE)) + 14
        call = the_call([Seen(0, udp(INVITE), frame - 30)])
        (packet,) = call.sip
        assert packet.payload == INVITE[:-30]
        assert (packet.incomplete, packet.missing) == ("cut", 30)
        assert (call.capture.frames_cut, call.capture.cut_at) == (1, frame - 30)

    @pytest.mark.parametrize("size", range(42, len(udp(INVITE)) + 14))
    def test_wherever_it_is_cut_no_call_is_invented(self, size: int) -> None:
        calls, importer = imported([Seen(0, udp(INVITE), size)])
        assert {call.call_id for call in calls} <= {"call@example.com"}
        if not calls and b"\n" in INVITE[: size - 42]:
            assert importer.cut_before_call_id == 1

    @pytest.mark.parametrize("size", range(42, len(udp(INVITE)) + 14, 7))
    def test_a_port_that_is_cut_off_is_not_guessed(self, size: int) -> None:
        # "m=audio 4000" may end as "m=audio 40", where another call's media goes.
        stray = [
            Seen(1 + n / 50, udp(rtp(n), Endpoint("203.0.113.9", 9), end))
            for end in (Endpoint("192.0.2.1", port) for port in (4, 40, 400))
            for n in range(3)
        ]
        for call in imported([Seen(0, udp(INVITE), size), *stray])[0]:
            assert call.media == []

    def test_over_tcp_a_message_is_kept_up_to_the_cut(self) -> None:
        packet = tcp(PSH_ACK, payload=INVITE)
        call = the_call([Seen(0, packet, len(packet) + 14 - 50)])
        (message,) = call.sip
        assert (message.payload, message.missing) == (INVITE[:-50], 50)
        assert message.incomplete == "cut"

    @pytest.mark.parametrize("size", range(54, len(tcp(PSH_ACK, payload=INVITE)) + 14))
    def test_nor_does_tcp_invent_a_call(self, size: int) -> None:
        calls, _ = imported([Seen(0, tcp(PSH_ACK, payload=INVITE), size)])
        assert {call.call_id for call in calls} <= {"call@example.com"}

    def test_rtp_is_measured_by_what_its_headers_say(self) -> None:
        src, dst = Endpoint("192.0.2.1", 4000), Endpoint("198.51.100.2", 6000)
        speech = [Seen(1 + n / 50, udp(rtp(n), src, dst), 60) for n in range(50)]
        call = the_call([Seen(0, udp(INVITE)), Seen(0.5, udp(OK, BOB, ALICE)), *speech])
        (stream,) = call.media
        assert (stream.packets, stream.lost, stream.cut) == (50, 0, 50)
        (span,) = stream.packetization
        assert (span.size, span.packet_ms) == (160, 20)
        assert (call.capture.frames_cut, call.capture.cut_at) == (50, 60)

    def test_a_whole_capture_has_none(self) -> None:
        call = the_call([Seen(0, udp(INVITE)), Seen(1, tcp(PSH_ACK, payload=BYE))])
        assert call.capture.frames_cut == call.capture.cut_at == 0
        assert all(packet.incomplete == "" for packet in call.sip)

    @pytest.mark.parametrize(
        ("name", "call_id", "cut"),
        [
            ("2_snaplen300_udp", "1907983263271201083544@10.33.6.101", 9),
            ("2_snaplen500_udp", "1907983263271201083544@10.33.6.101", 8),
            ("2_snaplen500_tcp", "158936656982201062716@10.33.6.100", 7),
        ],
    )
    def test_captures_of_others(
        self, field_corpus: Path, name: str, call_id: str, cut: int
    ) -> None:
        summary = CaptureSummary()
        with (field_corpus / f"{name}.pcap").open("rb") as file:
            calls = list(
                import_capture(
                    read_capture(file, summary=summary),
                    customer_id="acme",
                    source=name,
                    summary=summary,
                )
            )
        assert [call.call_id for call in calls] == [call_id]
        assert (summary.frames_cut, summary.cut_at) == (cut, int(name[9:12]))
        assert calls[0].capture.frames_cut > 0
        assert calls[0].capture.has_rtp


class TestFragments:
    LONG = sip("INVITE sip:bob@example.com SIP/2.0", body=sdp(4000) + "a=x\r\n" * 400)

    @pytest.mark.parametrize(("src", "dst"), [(ALICE, BOB), (ALICE6, BOB6)])
    def test_the_first_without_the_rest_is_kept_with_its_call(
        self, src: Endpoint, dst: Endpoint
    ) -> None:
        first, *rest = fragments(udp(self.LONG, src, dst), 800)
        assert len(rest) == 2
        call = the_call([Seen(0, first), Seen(0.5, udp(BYE, src, dst))])
        invite, _ = call.sip
        assert invite.payload == self.LONG[: 800 - 8]
        assert invite.missing == len(self.LONG) - 792
        assert (invite.incomplete, invite.fragments) == ("fragments", 1)
        assert (invite.src, invite.dst) == (src, dst)
        assert call.capture.fragments_missing == 2
        assert call.capture.frames_cut == 0

    def test_one_in_the_middle_that_is_missing_is_counted(self) -> None:
        first, _, last = fragments(udp(self.LONG), 800)
        call = the_call([Seen(0, first), Seen(0, last)])
        assert call.sip[0].payload == self.LONG[: 800 - 8]
        assert call.capture.fragments_missing == 1

    def test_each_retransmission_in_fragments_is_a_message(self) -> None:
        seen = [
            Seen(at, fragments(udp(self.LONG), 800, identification)[0])
            for identification, at in enumerate((0, 0.5, 1.5, 3.5))
        ]
        call = the_call(seen)
        assert len(call.sip) == 4
        assert call.capture.fragments_missing == 8

    def test_it_is_known_while_the_capture_goes_on(self) -> None:
        # What is known after a minute does not wait for the end of a day's capture.
        first, *_ = fragments(udp(self.LONG), 800)
        later, *_ = fragments(udp(self.LONG, BOB, ALICE), 800, 8)
        seen = [Seen(0, first), Seen(61, later), Seen(62, udp(BYE))]
        found = list(read_capture(capture(seen)))
        assert [item.incomplete for item in found] == ["fragments", "", "fragments"]

    def test_a_message_whose_fragments_all_came_says_how_many_there_were(self) -> None:
        call = the_call([Seen(0, it) for it in fragments(udp(self.LONG), 800)])
        (invite,) = call.sip
        assert (invite.payload, invite.incomplete) == (self.LONG, "")
        assert invite.fragments == 3
        assert call.capture.fragments_missing == 0

    def test_a_copy_of_a_fragment_is_no_message_without_the_rest(self) -> None:
        first, second, third = fragments(udp(self.LONG), 800)
        order = [third, third, second, second, first, first]
        call = the_call([Seen(n / 10_000, it) for n, it in enumerate(order)])
        assert len(call.sip) == 1
        assert call.capture.fragments_missing == 0

    def test_a_first_fragment_that_is_cut_was_cut(self) -> None:
        first, *rest = fragments(udp(self.LONG), 800)
        call = the_call([Seen(0, first, 500), *(Seen(0, it) for it in rest)])
        assert call.sip[0].incomplete == "cut"
        assert call.capture.fragments_missing == 0
        assert call.capture.frames_cut == 1

    def test_without_its_first_nothing_is_known(self) -> None:
        _, *rest = fragments(udp(self.LONG), 800)
        assert imported([Seen(0, it) for it in rest])[0] == []


class TestCopies:
    def test_a_message_that_a_mirror_port_sends_again_is_no_retransmission(
        self,
    ) -> None:
        seen = [Seen(0, udp(INVITE)), Seen(1, udp(OK, BOB, ALICE)), Seen(2, udp(BYE))]
        twice = [each._replace(at=each.at + d) for each in seen for d in (0, 0.0004)]
        messages = explain(the_call(twice)).messages
        assert [message.copy_of for message in messages] == [None, 1, None, 3, None, 5]
        assert {message.retransmission_of for message in messages} == {None}

    def test_rtcp_is_kept_once(self) -> None:
        src, dst = Endpoint("192.0.2.1", 4001), Endpoint("198.51.100.2", 6001)
        report = bytes.fromhex("80c90001deadbeef")
        seen = [Seen(1 + late, udp(report, src, dst)) for late in (0, 0.0004, 5)]
        call = the_call([Seen(0, udp(INVITE)), *seen])
        assert len(call.rtcp) == 2
        assert call.capture.duplicates == 1

    def test_rtp_is_counted_once(self) -> None:
        src, dst = Endpoint("192.0.2.1", 4000), Endpoint("198.51.100.2", 6000)
        speech = [
            Seen(1 + n / 50 + late, udp(rtp(n), src, dst))
            for n in range(100)
            for late in (0, 0.0002)
        ]
        call = the_call([Seen(0, udp(INVITE)), Seen(0.5, udp(OK, BOB, ALICE)), *speech])
        (stream,) = call.media
        assert (stream.packets, stream.expected) == (100, 100)
        assert (stream.duplicates, stream.copies) == (0, 100)
        assert stream.jitter_max == 0
        assert call.capture.duplicates == 100


class TestClock:
    def test_time_that_runs_back_during_a_call_is_counted(self) -> None:
        seen = [Seen(3600, udp(INVITE)), Seen(3601, udp(OK, BOB, ALICE))]
        call = the_call([*seen, Seen(2, udp(BYE))])
        assert call.capture.clock_steps == 1

    def test_of_a_call_that_was_over_or_not_begun_it_says_nothing(self) -> None:
        other = sip("INVITE sip:x@example.com SIP/2.0", call_id="other@example.com")
        seen = [Seen(3600, udp(INVITE)), Seen(3601, udp(BYE)), Seen(2, udp(other))]
        calls, _ = imported(seen)
        assert [call.capture.clock_steps for call in calls] == [0, 0]

    def test_frames_of_two_queues_may_change_places(self) -> None:
        call = the_call([Seen(0.05, udp(INVITE)), Seen(0, udp(OK, BOB, ALICE))])
        assert call.capture.clock_steps == 0


def test_what_a_capture_is_made_of_is_known_with_each_call() -> None:
    src, dst = Endpoint("203.0.113.1", 1), Endpoint("203.0.113.2", 2)
    with_rtp = the_call([Seen(0, udp(INVITE)), Seen(1, udp(rtp(1), src, dst))])
    assert with_rtp.capture.has_rtp is True
    assert with_rtp.capture.link_types == [1]
    assert the_call([Seen(0, udp(INVITE))]).capture.has_rtp is False
