from __future__ import annotations

import json
import struct
from typing import Any

import pytest

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.media.rtcp_reports import MAX_ROUND_TRIP_MS
from flask_sipvault.analysis.media.rtcp_reports import ntp_middle
from flask_sipvault.analysis.media.rtcp_reports import Report
from flask_sipvault.analysis.media.rtcp_reports import round_trip_ms
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_figures import Payload
from flask_sipvault.protocols.rtp_figures import StreamFigures

ALICE, BOB = 0x12345678, 0x9ABCDEF0


def reports(call: Call) -> list[Report]:
    return [report for datagram in call.media.rtcp for report in datagram.reports]


def receiver_report(
    reporter: int, ssrc: int, *, jitter: int = 0, lsr: int = 0, dlsr: int = 0
) -> bytes:
    block = struct.pack("!IIIIII", ssrc, 0x40_000003, 1000, jitter, lsr, dlsr)
    return struct.pack("!BBHI", 0x81, 201, 7, reporter) + block


def add(
    story: Any,
    at: float,
    payload: bytes,
    src: Endpoint | None = None,
    dst: Endpoint | None = None,
) -> None:
    ts = 1_795_442_531_000_000_000 + round(at * 1e9)
    story.evidence.rtcp.append(RtcpDatagram(ts, src, dst, payload))


def stream(ssrc: int, *payloads: Payload) -> StreamFigures:
    return StreamFigures(ssrc, None, None, 0, 0, 5, 5, payloads=list(payloads))


def only(story: Any) -> Report:
    [report] = reports(story.call())
    return report


def test_the_recorded_reports_are_those_that_tshark_reads(explained: Any) -> None:
    # tshark -T fields -e rtcp.ssrc.fraction -e rtcp.ssrc.cum_nr -e rtcp.ssrc.jitter
    read = reports(explained("answered_rtcp"))
    assert [(r.reporter, r.ssrc) for r in read] == [
        (ALICE, BOB),
        (BOB, ALICE),
        (ALICE, BOB),
        (BOB, ALICE),
        (ALICE, BOB),
    ]
    assert [r.fraction_lost * 256 for r in read] == [3, 0, 7, 0, 10]
    assert [r.cumulative_lost for r in read] == [2, -1, 7, -1, 18]
    assert [r.jitter for r in read] == [1, 0, 2, 1, 4]


def test_jitter_is_in_milliseconds_by_the_clock_of_the_codec(explained: Any) -> None:
    read = reports(explained("answered_rtcp"))
    assert [r.jitter_ms for r in read] == [0.125, 0, 0.25, 0.125, 0.5]


def test_the_round_trip_is_that_from_the_capture_to_the_reporter_and_back(
    explained: Any,
) -> None:
    read = reports(explained("answered_rtcp"))
    # tshark gives 0, 0, 1 and 0 ms, without fractions.
    assert [r.round_trip_ms for r in read] == [None, 0.415, 0.291, 0.601, 0.275]


def test_addresses_that_were_not_captured_follow_from_the_ssrc(
    explained: Any,
) -> None:
    seen = explained("answered_rtcp").media.rtcp
    derived = explained("answered_rtcp", addresses=False).media.rtcp
    assert [(d.src, d.dst) for d in derived] == [(d.src, d.dst) for d in seen]
    assert all(d.derived for d in derived)
    assert not any(d.derived for d in seen)


def test_real_phones_through_a_proxy_tell_their_ssrc_too(explained: Any) -> None:
    derived = explained("proxy_baresip", 2, addresses=False).media.rtcp
    assert {str(d.src) for d in derived} == {"10.77.0.2:14083", "10.77.0.3:15059"}


def test_without_ssrc_in_the_session_description_there_are_none(
    explained: Any,
) -> None:
    derived = explained("quality_twice", addresses=False).media.rtcp
    assert {(d.src, d.dst, d.derived) for d in derived} == {(None, None, False)}


def test_an_ssrc_at_two_addresses_is_at_none_for_certain(story: Any) -> None:
    story.invite(0, "alice > proxy", sdp="PCMU 198.51.100.23:4000\na=ssrc:7 cname:a")
    story.invite(
        0.1,
        "proxy > bob",
        branch="z9hG4bKb",
        sdp="PCMU 203.0.113.9:30000\na=ssrc:7 cname:a",
    )
    add(story, 1, receiver_report(7, 8))
    [datagram] = story.call().media.rtcp
    assert (datagram.src, datagram.derived) == (None, False)


def test_with_one_side_known_the_other_stays_open(story: Any) -> None:
    story.invite(0, sdp="PCMU 198.51.100.23:4000\na=ssrc:7 cname:a")
    add(story, 1, receiver_report(7, 8))
    [datagram] = story.call().media.rtcp
    assert (str(datagram.src), datagram.dst) == ("198.51.100.23:4001", None)


def test_with_two_on_the_other_side_neither_is_certain(story: Any) -> None:
    story.invite(0, sdp="PCMU 198.51.100.23:4000\na=ssrc:7 cname:a")
    story.reply(1, "183 Session Progress", tags="a b", sdp="PCMU 10.8.0.14:17002")
    story.reply(2, "200 OK", tags="a c", sdp="PCMU 10.8.0.15:17002")
    add(story, 3, receiver_report(7, 8))
    [datagram] = story.call().media.rtcp
    assert (str(datagram.src), datagram.dst) == ("198.51.100.23:4001", None)


@pytest.mark.parametrize(("answers", "port"), [(True, 4000), (False, 4001)])
def test_rtcp_shares_a_port_only_if_both_sides_say_so(
    story: Any, answers: bool, port: int
) -> None:
    mux = "\na=rtcp-mux"
    story.invite(0, sdp="PCMU 198.51.100.23:4000\na=ssrc:7 cname:a" + mux)
    story.reply(1, "200 OK", sdp="PCMU 10.8.0.14:17002" + (mux if answers else ""))
    add(story, 2, receiver_report(7, 8))
    [datagram] = story.call().media.rtcp
    assert datagram.src is not None
    assert datagram.src.port == port


def test_the_answers_first_codec_gives_the_clock(story: Any) -> None:
    story.invite(0, sdp="PCMU+opus 198.51.100.23:4000")
    story.reply(1, "200 OK", sdp="opus+PCMU 10.8.0.14:17002")
    add(story, 2, receiver_report(7, 8, jitter=480))
    assert only(story).jitter_ms == 10


def test_an_offer_alone_gives_it_if_it_leaves_no_choice(story: Any) -> None:
    story.invite(0, sdp="PCMU+PCMA 198.51.100.23:4000")
    add(story, 2, receiver_report(7, 8, jitter=80))
    assert only(story).jitter_ms == 10


def test_an_offer_with_a_choice_does_not(story: Any) -> None:
    story.invite(0, sdp="PCMU+opus 198.51.100.23:4000")
    add(story, 2, receiver_report(7, 8, jitter=80))
    assert only(story).jitter == 80
    assert only(story).jitter_ms is None


def test_rtp_that_was_seen_knows_better(story: Any) -> None:
    story.invite(0, sdp="PCMU+opus 198.51.100.23:4000")
    story.evidence.media = [stream(8, Payload(96, "opus", 48000, 5, 0, 0))]
    add(story, 2, receiver_report(7, 8, jitter=480))
    assert only(story).jitter_ms == 10


def test_rtp_that_was_seen_knows_each_codec_s_time(story: Any) -> None:
    noon = 1_795_442_531_000_000_000
    change = noon + 5_000_000_000
    payloads = (
        Payload(96, "opus", 48000, 5, change, change),
        Payload(13, "CN", 8000, 5, change + 1, change + 1),
        Payload(0, "PCMU", 8000, 5, noon, noon),
    )
    story.evidence.media = [stream(8, *payloads)]
    add(story, 2, receiver_report(7, 8, jitter=80))
    add(story, 12, receiver_report(7, 8, jitter=480))
    assert [report.jitter_ms for report in reports(story.call())] == [10, 10]


def test_without_signalling_jitter_has_no_milliseconds(story: Any) -> None:
    add(story, 2, receiver_report(7, 8, jitter=80))
    assert only(story).jitter_ms is None


def test_the_example_of_rfc_3550() -> None:
    # Section 6.4.1, figure 2.
    assert round_trip_ms(0xB710_8000, 0xB705_2000, 0x0005_4000) == 6125


@pytest.mark.parametrize(
    ("arrival", "lsr", "dlsr"),
    [
        # Clocks apart: the answer before the question, or a minute late.
        (0xB710_8000, 0xB711_0000, 0),
        (0xB710_8000, 0xB6D0_8000, 0),
    ],
)
def test_a_round_trip_that_cannot_be_is_one_that_no_network_takes(
    arrival: int, lsr: int, dlsr: int
) -> None:
    assert not 0 <= round_trip_ms(arrival, lsr, dlsr) <= MAX_ROUND_TRIP_MS


class TestAReporterThatCannotBeBelieved:
    """One that is wrong once is right by chance at best."""

    def answered(self, story: Any, *delays: float, reporter: int = 7) -> None:
        """Sender reports of one second after another, each answered 0.1 s later by a
        report that says it waited so long, in seconds.
        """
        for second, delay in enumerate(delays):
            ntp = (FIGURE_2 >> 32) + second << 32
            add(story, second, sender_report(8, ntp))
            middle = ntp >> 16 & 0xFFFF_FFFF
            dlsr = round(delay * 65536)
            report = receiver_report(reporter, 8, lsr=middle, dlsr=dlsr)
            add(story, second + 0.1, report)

    def trips(self, story: Any) -> list[float | None]:
        return [report.round_trip_ms for report in reports(story.call())]

    def test_the_delay_that_it_tells_leaves_the_way(self, story: Any) -> None:
        self.answered(story, 0.05, 0.02)
        assert self.trips(story) == pytest.approx([50, 80], abs=0.1)

    def test_nothing_where_one_answer_left_before_the_question(
        self, story: Any
    ) -> None:
        self.answered(story, 0.05, 3.0, 0.02)
        assert self.trips(story) == [None] * 3

    def test_nothing_where_it_never_waits(self, story: Any) -> None:
        self.answered(story, 0, 0)
        assert self.trips(story) == [None] * 2

    def test_once_it_may_have_answered_at_once(self, story: Any) -> None:
        self.answered(story, 0, 0.05)
        assert self.trips(story) == pytest.approx([100, 50], abs=0.1)

    def test_the_other_side_is_believed_all_the_same(self, story: Any) -> None:
        self.answered(story, 3.0)
        self.answered(story, 0.05, reporter=9)
        assert self.trips(story)[-1] == pytest.approx(50, abs=0.1)


def test_a_round_trip_over_the_wrap_of_ntps_middle_bits() -> None:
    assert round_trip_ms(0x0000_8000, 0xFFFF_8000, 0x0000_8000) == 500


def test_the_middle_of_ntp_time_holds_seconds_and_a_sixteen_bit_fraction() -> None:
    # 1 January 1970 is 2 208 988 800 = 0x83AA7E80 seconds after 1900.
    assert ntp_middle(0) == 0x7E80_0000
    assert ntp_middle(1_500_000_000) == 0x7E81_8000


def test_where_the_senders_report_was_not_captured_its_own_clock_has_to_do(
    story: Any,
) -> None:
    ts = 1_795_442_531_000_000_000 + 2_000_000_000
    lsr = ntp_middle(ts - 300_000_000)
    add(story, 2, receiver_report(7, 8, lsr=lsr, dlsr=65536 // 4))
    assert only(story).round_trip_ms == pytest.approx(50, abs=0.1)


def test_rtcp_that_cannot_be_read_says_why(story: Any) -> None:
    add(story, 2, b"\x80\xc8\xff\xff")
    [datagram] = story.call().media.rtcp
    assert datagram.problem
    assert datagram.reports == datagram.packets == []


def test_json_of_a_media_server_is_read_like_rtcp(story: Any) -> None:
    report = {"fraction_lost": 64, "packets_lost": 3, "ia_jitter": 80, "lsr": 0}
    document = {
        "ssrc": 7,
        "type": 201,
        "report_count": 1,
        "report_blocks": [{"source_ssrc": 8, "highest_seq_no": 9, "dlsr": 0} | report],
    }
    story.invite(0, sdp="PCMU 198.51.100.23:4000")
    add(story, 2, json.dumps(document).encode(), story.hosts["bob"])
    assert only(story).ssrc == 8
    assert only(story).jitter_ms == 10
    assert only(story).src == story.hosts["bob"]


class TestLossBetweenReports:
    """What cumulative figures tell, and a fraction does not once a report is lost."""

    def received(
        self, story: Any, *figures: tuple[int, int], reporter: int = 7
    ) -> list[tuple[int | None, int | None]]:
        """Reports with these cumulative losses and highest sequence numbers."""
        for at, (lost, highest) in enumerate(figures):
            block = struct.pack("!IIIIII", 8, lost & 0xFF_FFFF, highest, 0, 0, 0)
            header = struct.pack("!BBHI", 0x81, 201, 7, reporter)
            add(story, at, header + block)
        return [(report.lost, report.expected) for report in reports(story.call())]

    def test_it_is_what_two_reports_differ_by(self, story: Any) -> None:
        assert self.received(story, (3, 1000), (8, 1250), (8, 1500)) == [
            (None, None),
            (5, 250),
            (0, 250),
        ]

    def test_highest_numbers_count_their_wraps(self, story: Any) -> None:
        assert self.received(story, (0, 0x0_FFF0), (1, 0x1_0010))[1] == (1, 32)

    def test_what_came_twice_makes_it_negative(self, story: Any) -> None:
        assert self.received(story, (3, 1000), (-2, 1250))[1] == (-5, 250)

    def test_a_new_sequence_begins_without(self, story: Any) -> None:
        assert self.received(story, (3, 1000), (0, 100))[1] == (None, None)

    def test_each_receiver_has_its_own(self, story: Any) -> None:
        self.received(story, (3, 1000))
        assert self.received(story, (9, 1200), reporter=9)[1] == (None, None)


def sender_report(ssrc: int, ntp: int) -> bytes:
    return struct.pack("!BBHIQIII", 0x80, 200, 6, ssrc, ntp, 0, 0, 0)


def extended_report(reporter: int, *blocks: bytes) -> bytes:
    body = struct.pack("!I", reporter) + b"".join(blocks)
    return struct.pack("!BBH", 0x80, 207, len(body) // 4) + body


#: The clock that figure 2 of RFC 3550 begins with, on 10 November 1995.
FIGURE_2 = 0xB44D_B705_2000_0000


class TestRoundTrip:
    """Pairs worked by hand: figure 2 of RFC 3550 has SR at 0xb705.2000, a delay of
    5.25 s at the receiver, and the report back at 0xb710.8000: 6.125 s.
    """

    def test_figure_2_by_the_sender_s_clock(self, story: Any) -> None:
        # The capture is made at the sender, by whose clock the report comes back
        # 11.375 s later: 0xb710.8000. Its SR was not captured.
        seconds = (FIGURE_2 >> 32) - 2_208_988_800 + 11
        arrival = seconds * 1_000_000_000 + 500_000_000
        payload = receiver_report(7, 8, lsr=0xB705_2000, dlsr=0x0005_4000)
        story.evidence.rtcp.append(RtcpDatagram(arrival, None, None, payload))
        assert only(story).round_trip_ms == 6125

    def test_figure_2_by_the_clock_of_the_capture(self, story: Any) -> None:
        # That clock is another, but as much time goes by: 11.375 s less 5.25 s.
        add(story, 0, sender_report(8, FIGURE_2))
        add(story, 11.375, receiver_report(7, 8, lsr=0xB705_2000, dlsr=0x0005_4000))
        assert only(story).round_trip_ms == 6125

    def test_a_retransmitted_clock_counts_from_when_it_was_first_seen(
        self, story: Any
    ) -> None:
        add(story, 0, sender_report(8, FIGURE_2))
        add(story, 0.001, sender_report(8, FIGURE_2))
        add(story, 5.3, receiver_report(7, 8, lsr=0xB705_2000, dlsr=0x0005_4000))
        assert only(story).round_trip_ms == 50

    def test_another_source_s_clock_is_not_taken(self, story: Any) -> None:
        add(story, 0, sender_report(9, FIGURE_2))
        add(story, 5.3, receiver_report(7, 8, lsr=0xB705_2000, dlsr=0x0005_4000))
        assert only(story).round_trip_ms is None

    def test_a_receiver_that_does_not_send_measures_by_dlrr(self, story: Any) -> None:
        # Its clock goes out in an XR, and comes back in one 0.3 s later, of which
        # 0.25 s were spent at the sender.
        reference = struct.pack("!BBHQ", 4, 0, 2, FIGURE_2)
        back = struct.pack("!BBHIII", 5, 0, 3, 7, 0xB705_2000, 0x4000)
        add(story, 0, extended_report(7, reference))
        add(story, 0.3, extended_report(8, back))
        first, second = story.call().media.rtcp
        assert [row.round_trip_ms for row in first.extended] == [None]
        [row] = second.extended
        assert (row.reporter, row.ssrc, row.round_trip_ms) == (8, 7, 50)


class TestExtendedReports:
    summary = struct.pack(
        "!BBHIHHIIIIIIBBBB",
        *(6, 0xE0, 9, 8),
        *(1000, 1250, 5, 1, 80, 800, 160, 40),
        *(0, 0, 0, 0),
    )
    metrics = struct.pack(
        "!BBHI4B4H2b6BBxHHH",
        *(7, 0, 8, 8),
        *(13, 0, 128, 2, 120, 4000, 87, 35),
        *(-20, -60, 127, 16, 82, 127, 41, 40, 0xF0),
        *(40, 60, 120),
    )

    def test_a_statistics_summary_has_jitter_by_the_clock_of_the_codec(
        self, story: Any
    ) -> None:
        story.invite(0, sdp="PCMU 198.51.100.23:4000")
        add(story, 1, extended_report(7, self.summary))
        [datagram] = story.call().media.rtcp
        [row] = datagram.extended
        assert (row.reporter, row.ssrc) == (7, 8)
        assert (row.jitter_ms, row.jitter_max_ms) == (20, 100)
        assert (row.block.lost, row.block.duplicates) == (5, 1)
        assert row.round_trip_ms is None

    def test_what_a_summary_leaves_out_is_none(self, story: Any) -> None:
        story.invite(0, sdp="PCMU 198.51.100.23:4000")
        bare = self.summary[:1] + b"\0" + self.summary[2:]
        add(story, 1, extended_report(7, bare))
        [row] = story.call().media.rtcp[0].extended
        assert (row.jitter_ms, row.jitter_max_ms, row.block.lost) == (None, None, None)

    def test_voip_metrics_have_the_round_trip_that_the_reporter_measured(
        self, story: Any
    ) -> None:
        add(story, 1, extended_report(7, self.metrics))
        [row] = story.call().media.rtcp[0].extended
        assert (row.ssrc, row.round_trip_ms, row.jitter_ms) == (8, 87, None)
        assert (row.block.r_factor, row.block.mos_lq, row.block.mos_cq) == (82, 4.1, 4)
        assert row.block.loss_rate == pytest.approx(0.0508, abs=1e-4)

    def test_a_round_trip_of_0_was_not_measured(self, story: Any) -> None:
        none = self.metrics[:16] + b"\0\0" + self.metrics[18:]
        add(story, 1, extended_report(7, none))
        [row] = story.call().media.rtcp[0].extended
        assert row.block.round_trip_delay == 0
        assert row.round_trip_ms is None

    def test_there_is_a_row_for_each_block_in_order(self, story: Any) -> None:
        other = struct.pack("!BBHI", 1, 0, 1, 8)
        blocks = [self.metrics, other, self.summary]
        add(story, 1, extended_report(7, *blocks) + receiver_report(7, 8))
        [datagram] = story.call().media.rtcp
        assert [row.block.block_type for row in datagram.extended] == [7, 1, 6]
        assert [row.ssrc for row in datagram.extended] == [8, None, 8]
        assert len(datagram.reports) == 1


def test_a_codec_change_changes_the_clock_from_then_on(story: Any) -> None:
    story.invite(0, sdp="PCMU+opus 198.51.100.23:4000")
    story.reply(1, "200 OK", sdp="PCMU 10.8.0.14:17002")
    add(story, 2, receiver_report(7, 8, jitter=80))
    story.invite(10, sdp="opus 198.51.100.23:4000", cseq="2 INVITE", branch="z9hG4bK2")
    story.reply(
        11, "200 OK", sdp="opus 10.8.0.14:17002", cseq="2 INVITE", branch="z9hG4bK2"
    )
    add(story, 12, receiver_report(7, 8, jitter=480))
    assert [report.jitter_ms for report in reports(story.call())] == [10, 10]
