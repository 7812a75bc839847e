"""Binary RTCP."""

from __future__ import annotations

import struct
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import rtcp
from flask_sipvault.protocols.rtcp import ReportBlock

# Worked by hand from RFC 3550 section 6.4.1: V=2, RC=1, SR, 12 words follow.
SENDER_REPORT = bytes.fromhex(
    "81 c8 000c"
    "12345678"  # SSRC of the sender
    "b44db705 20000000"  # NTP: the time of the SR in figure 2
    "0000a0f0"  # RTP timestamp 41200
    "00000101"  # 257 packets
    "0000a0a0"  # 41120 octets
    "9abcdef0"  # the source reported on
    "40 fffffd"  # a quarter lost; -3 in all
    "00021234"  # two wraps, then 0x1234
    "000000a0"  # jitter of 160 units
    "b7052000"  # LSR of figure 2: 46853.125 s
    "00054000"  # DLSR of figure 2: 5.250 s
)
BLOCK = ReportBlock(0x9ABCDEF0, 0.25, -3, 0x00021234, 160, 0xB7052000, 0x00054000)
RECEIVER_REPORT = bytes.fromhex("80 c9 0001 12345678")
SOURCE_DESCRIPTION = bytes.fromhex(
    "81 ca 0004 12345678"
    "01 03 615c62"  # CNAME, 3 bytes: a\b
    "06 04 74c3bf6c"  # TOOL, 4 bytes, one of them no ASCII
    "00"
)
GOODBYE = bytes.fromhex("82 cb 0004 12345678 9abcdef0 04 64 6f 6e 65 000000")


def test_a_sender_report_gives_its_figures() -> None:
    [report] = rtcp.parse(SENDER_REPORT)

    assert report == rtcp.SenderReport(
        ssrc=0x12345678,
        ntp=0xB44DB705_20000000,
        rtp_timestamp=41200,
        packets=257,
        octets=41120,
        blocks=[BLOCK],
    )
    assert report.type == 200


def test_the_round_trip_of_rfc_3550_figure_2_comes_out() -> None:
    [report] = rtcp.parse(SENDER_REPORT)
    assert isinstance(report, rtcp.SenderReport)
    [block] = report.blocks

    # The block answers the report itself: its LSR is the middle of the NTP time.
    assert report.ntp >> 16 & 0xFFFF_FFFF == block.lsr
    arrival = 0xB7108000
    assert (arrival - block.lsr - block.dlsr) / 65536 == 6.125


def test_a_receiver_report_may_have_no_blocks() -> None:
    [report] = rtcp.parse(RECEIVER_REPORT)

    assert report == rtcp.ReceiverReport(0x12345678, [])
    assert report.type == 201


def test_a_receiver_report_has_up_to_31_blocks() -> None:
    data = struct.pack("!BBHI", 0x80 | 31, 201, 1 + 6 * 31, 1) + SENDER_REPORT[28:] * 31

    assert rtcp.parse(data) == [rtcp.ReceiverReport(1, [BLOCK] * 31)]


def test_what_a_profile_adds_to_a_report_is_passed_over() -> None:
    longer = bytes.fromhex("80 c9 0002 12345678 01020304")

    assert rtcp.parse(longer) == rtcp.parse(RECEIVER_REPORT)


def test_a_source_description_gives_its_items() -> None:
    [description] = rtcp.parse(SOURCE_DESCRIPTION)

    assert description == rtcp.SourceDescription(
        [(0x12345678, {"CNAME": "a\\b", "TOOL": "t\xffl"})]
    )


def test_chunks_begin_at_whole_words() -> None:
    # The first chunk's items end on a word, so that four zero bytes follow.
    data = bytes.fromhex("82 ca 0005 00000001 01026162 00000000 00000002 09017800")

    assert rtcp.parse(data) == [
        rtcp.SourceDescription([(1, {"CNAME": "ab"}), (2, {"9": "x"})])
    ]


def test_an_item_that_overruns_its_packet_ends_it() -> None:
    data = bytes.fromhex("81 ca 0002 00000001 01ff6162")

    assert rtcp.parse(data) == [rtcp.SourceDescription([(1, {"CNAME": "ab"})])]


def test_a_goodbye_names_sources_and_reason() -> None:
    [goodbye] = rtcp.parse(GOODBYE)

    assert goodbye == rtcp.Goodbye([0x12345678, 0x9ABCDEF0], "done")
    assert rtcp.parse(bytes.fromhex("81 cb 0001 00000001")) == [rtcp.Goodbye([1], "")]


def test_an_application_packet_gives_name_and_data() -> None:
    data = bytes.fromhex("80 cc 0003 00000001") + b"PoC1data"

    assert rtcp.parse(data) == [rtcp.App(1, "PoC1", b"data")]


def test_feedback_is_kept_whole() -> None:
    nack = bytes.fromhex("81 cd 0003 00000001 00000002 00010000")

    [unknown] = rtcp.parse(nack)

    assert unknown == rtcp.Unknown(205, nack)


def test_a_compound_gives_its_packets_in_order() -> None:
    packets = rtcp.parse(SENDER_REPORT + SOURCE_DESCRIPTION + GOODBYE)

    assert [packet.type for packet in packets] == [200, 202, 203]


def test_reduced_size_rtcp_needs_no_report_first() -> None:
    assert [packet.type for packet in rtcp.parse(SOURCE_DESCRIPTION)] == [202]


def test_padding_is_no_part_of_a_packet() -> None:
    padded = bytes.fromhex("a1 cb 0002 00000001 00000004")

    assert rtcp.parse(padded) == [rtcp.Goodbye([1], "")]


def test_stray_bytes_behind_the_last_packet_are_passed_over() -> None:
    # As an old gateway sends them, in the capture heplify_rtp_rtcp_sip.
    assert rtcp.parse(RECEIVER_REPORT + b"\0\0") == rtcp.parse(RECEIVER_REPORT)


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x80\xc9\x00",
        b"\x40" + RECEIVER_REPORT[1:],
        b"\x80\x08" + RECEIVER_REPORT[2:],
        RECEIVER_REPORT[:-1],
        # Reports counted that are not there.
        b"\x81" + RECEIVER_REPORT[1:],
        bytes.fromhex("80 c8 0001 00000001"),
        bytes.fromhex("82 ca 0001 00000001"),
        bytes.fromhex("80 cc 0000"),
        bytes.fromhex("80 cf 0000"),
        # A block of an extended report that is cut short.
        bytes.fromhex("80 cf 0002 00000001 07000008"),
        # SRTCP: the first header is clear, behind it comes what looks random.
        RECEIVER_REPORT + bytes.fromhex("80000001 0123456789abcdef0123"),
    ],
)
def test_broken_or_encrypted_rtcp_is_refused(data: bytes) -> None:
    with pytest.raises(rtcp.RtcpError):
        rtcp.parse(data)


@pytest.mark.parametrize(
    ("data", "looks_like"),
    [
        (RECEIVER_REPORT, True),
        (SENDER_REPORT + SOURCE_DESCRIPTION, True),
        (RECEIVER_REPORT[:-1], False),
        (b"\x80\x88" + RECEIVER_REPORT[2:], False),
        (b"\xc0" + RECEIVER_REPORT[1:], False),
        (b"{}", False),
        (b"", False),
    ],
)
def test_rtcp_is_told_from_other_datagrams(data: bytes, looks_like: bool) -> None:
    assert rtcp.looks_like_rtcp(data) is looks_like


packet_like = st.builds(
    lambda count, kind, body: (
        struct.pack("!BBH", 0x80 | count, kind, len(body) // 4)
        + body[: len(body) // 4 * 4]
    ),
    st.integers(0, 63),
    st.sampled_from([192, 200, 201, 202, 203, 204, 205, 207]),
    st.binary(max_size=64),
)


@given(st.one_of(st.binary(max_size=100), st.lists(packet_like).map(b"".join)))
def test_whatever_the_bytes_packets_or_rtcp_error(data: bytes) -> None:
    try:
        packets = rtcp.parse(data)
    except rtcp.RtcpError:
        return
    assert packets
    assert all(192 <= packet.type <= 223 for packet in packets)


blocks = st.builds(
    ReportBlock,
    ssrc=st.integers(0, 0xFFFF_FFFF),
    fraction_lost=st.integers(0, 255).map(lambda lost: lost / 256),
    cumulative_lost=st.integers(-0x80_0000, 0x7F_FFFF),
    highest_sequence=st.integers(0, 0xFFFF_FFFF),
    jitter=st.integers(0, 0xFFFF_FFFF),
    lsr=st.integers(0, 0xFFFF_FFFF),
    dlsr=st.integers(0, 0xFFFF_FFFF),
)


@given(
    ssrc=st.integers(0, 0xFFFF_FFFF),
    ntp=st.integers(0, 2**64 - 1),
    blocks=st.lists(blocks, max_size=4),
)
def test_a_report_gives_back_what_it_was_made_of(
    ssrc: int, ntp: int, blocks: list[ReportBlock]
) -> None:
    data = struct.pack("!IQIII", ssrc, ntp, 1, 2, 3)
    for block in blocks:
        fraction = int(block.fraction_lost * 256)
        losses = fraction << 24 | block.cumulative_lost & 0xFF_FFFF
        data += struct.pack("!II", block.ssrc, losses)
        data += struct.pack("!II", block.highest_sequence, block.jitter)
        data += struct.pack("!II", block.lsr, block.dlsr)
    header = struct.pack("!BBH", 0x80 | len(blocks), 200, len(data) // 4)

    assert rtcp.parse(header + data) == [rtcp.SenderReport(ssrc, ntp, 1, 2, 3, blocks)]


FIELDS = [
    "rtcp.senderssrc",
    "rtcp.sender.packetcount",
    "rtcp.sender.octetcount",
    "rtcp.timestamp.rtp",
    "rtcp.ssrc.fraction",
    "rtcp.ssrc.cum_nr",
    "rtcp.ssrc.ext_high",
    "rtcp.ssrc.jitter",
    "rtcp.ssrc.lsr",
    "rtcp.ssrc.dlsr",
    "rtcp.sdes.text",
]


def in_tsharks_order(packets: list[rtcp.Packet]) -> list[str]:
    """The same figures, each field's values joined by commas."""
    reports: list[rtcp.SenderReport | rtcp.ReceiverReport] = []
    senders: list[rtcp.SenderReport] = []
    texts: list[str] = []
    for packet in packets:
        if isinstance(packet, rtcp.SenderReport):
            senders.append(packet)
        if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
            reports.append(packet)
        if isinstance(packet, rtcp.SourceDescription):
            texts += [text for _, items in packet.chunks for text in items.values()]
    blocks = [block for report in reports for block in report.blocks]
    columns: list[list[object]] = [
        [f"0x{report.ssrc:08x}" for report in reports],
        [report.packets for report in senders],
        [report.octets for report in senders],
        [report.rtp_timestamp for report in senders],
        [round(block.fraction_lost * 256) for block in blocks],
        [block.cumulative_lost for block in blocks],
        [block.highest_sequence for block in blocks],
        [block.jitter for block in blocks],
        [block.lsr for block in blocks],
        [block.dlsr for block in blocks],
        list(texts),
    ]
    return [",".join(map(str, column)) for column in columns]


@pytest.mark.parametrize("name", ["answered_rtcp", "oneway_rtcp_rr", "quality_twice"])
def test_recorded_rtcp_reads_as_tshark_reads_it(
    name: str,
    agent_corpus: Path,
    udp_payloads: Callable[[Path], list[bytes]],
    need_tool: Callable[[str], str],
) -> None:
    capture = agent_corpus / f"{name}.pcap"
    command = [need_tool("tshark"), "-r", str(capture), "-Y", "rtcp", "-T", "fields"]
    for field in FIELDS:
        command += ["-e", field]
    output = subprocess.run(command, check=True, capture_output=True, text=True).stdout

    ours = [
        in_tsharks_order(rtcp.parse(data))
        for data in udp_payloads(capture)
        if rtcp.looks_like_rtcp(data)
    ]

    assert ours == [line.split("\t") for line in output.splitlines()]
    assert len(ours) >= 4
