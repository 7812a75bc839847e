"""The blocks of RTCP extended reports, worked by hand from RFC 3611."""

from __future__ import annotations

import pytest

from flask_sipvault.protocols import rtcp
from flask_sipvault.protocols.rtcp_packets import DelaySinceLastReceiver
from flask_sipvault.protocols.rtcp_packets import OtherBlock
from flask_sipvault.protocols.rtcp_packets import ReceiverReferenceTime
from flask_sipvault.protocols.rtcp_packets import StatisticsSummary
from flask_sipvault.protocols.rtcp_packets import XrBlock


def blocks(text: str) -> list[XrBlock]:
    body = bytes.fromhex("12345678" + text)
    header = bytes([0x80, 207]) + (len(body) // 4).to_bytes(2, "big")
    [report] = rtcp.parse(header + body)
    assert isinstance(report, rtcp.ExtendedReport)
    assert (report.ssrc, report.type) == (0x12345678, 207)
    return report.blocks


def voip_metrics(text: str) -> rtcp.VoipMetrics:
    [block] = blocks("07 00 0008" + text)
    assert isinstance(block, rtcp.VoipMetrics)
    return block


def test_voip_metrics_give_their_figures() -> None:
    metrics = voip_metrics(
        "9abcdef0"
        "10 08 80 04"  # loss, discard, burst and gap density of 256
        "00c8 1388"  # bursts of 200 ms, gaps of 5000 ms
        "0064 0050"  # round trip 100 ms, end system 80 ms
        "e7 c4 3c 10"  # -25 dBm0, -60 dBm0, RERL 60 dB, Gmin 16
        "5a 7f 29 27"  # R 90, no external R, MOS-LQ 4.1, MOS-CQ 3.9
        "f5 00 003c"  # standard concealment, adaptive buffer at rate 5; nominal 60 ms
        "0078 00f0"  # at most 120 ms, at the very most 240 ms
    )

    assert metrics == rtcp.VoipMetrics(
        ssrc=0x9ABCDEF0,
        loss_rate=0.0625,
        discard_rate=0.03125,
        burst_density=0.5,
        gap_density=0.015625,
        burst_duration=200,
        gap_duration=5000,
        round_trip_delay=100,
        end_system_delay=80,
        signal_level=-25,
        noise_level=-60,
        residual_echo=60,
        gmin=16,
        r_factor=90,
        external_r_factor=None,
        mos_lq=4.1,
        mos_cq=3.9,
        concealment="standard",
        jitter_buffer_adaptive=True,
        jitter_buffer_rate=5,
        jitter_buffer_nominal=60,
        jitter_buffer_maximum=120,
        jitter_buffer_absolute_maximum=240,
    )


def test_what_is_unavailable_is_none() -> None:
    metrics = voip_metrics(
        "00000001 00000000 00000000 00000000 7f7f7f10 7f7f7f7f 00000000 00000000"
    )

    assert (metrics.signal_level, metrics.noise_level) == (None, None)
    assert (metrics.residual_echo, metrics.r_factor) == (None, None)
    assert (metrics.mos_lq, metrics.mos_cq) == (None, None)
    assert metrics.concealment == "unspecified"
    assert metrics.jitter_buffer_adaptive is None


@pytest.mark.parametrize(
    ("config", "concealment", "adaptive"),
    [
        ("f0", "standard", True),
        ("a0", "enhanced", False),
        ("50", "disabled", None),
        ("00", "unspecified", None),
    ],
)
def test_the_receivers_configuration(
    config: str, concealment: str, adaptive: bool | None
) -> None:
    metrics = voip_metrics("00000001" + "00000000" * 5 + config + "000000" + "00000000")

    assert metrics.concealment == concealment
    assert metrics.jitter_buffer_adaptive is adaptive


SUMMARY = (
    "9abcdef0 0001 03e9 00000005 00000002"
    "0000000a 00000190 00000064 00000014 40 42 41 01"
)


def test_a_statistics_summary_gives_its_figures() -> None:
    # Flags: losses, duplicates, jitter, TTL of IPv4.
    assert blocks("06 e8 0009" + SUMMARY) == [
        StatisticsSummary(0x9ABCDEF0, 1, 1001, 5, 2, 10, 400, 100, 20, 64, 66, 65, 1)
    ]


@pytest.mark.parametrize(
    ("flags", "figures"),
    [
        ("00", [None] * 10),
        ("80", [5, *[None] * 9]),
        ("40", [None, 2, *[None] * 8]),
        ("20", [None, None, 10, 400, 100, 20, *[None] * 4]),
        ("10", [*[None] * 6, 64, 66, 65, 1]),
    ],
)
def test_a_summary_has_only_what_its_flags_say(
    flags: str, figures: list[int | None]
) -> None:
    assert blocks(f"06 {flags} 0009" + SUMMARY) == [
        StatisticsSummary(0x9ABCDEF0, 1, 1001, *figures)
    ]


def test_reference_time_and_the_answers_to_it() -> None:
    assert blocks(
        "04 00 0002 b44db705 20000000"
        "05 00 0006 00000001 b7052000 00054000 00000002 00000000 00000000"
    ) == [
        ReceiverReferenceTime(0xB44DB705_20000000),
        DelaySinceLastReceiver(1, 0xB7052000, 0x00054000),
        DelaySinceLastReceiver(2, 0, 0),
    ]


def test_other_blocks_are_kept_as_they_are() -> None:
    # Loss RLE, a type to come, and one whose length is not its type's.
    assert blocks("01 00 0001 aabbccdd  c8 00 0000  07 00 0001 00000001") == [
        OtherBlock(1, b"\xaa\xbb\xcc\xdd"),
        OtherBlock(200, b""),
        OtherBlock(7, b"\0\0\0\1"),
    ]
