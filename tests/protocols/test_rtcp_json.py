"""RTCP as media servers send it over HEP."""

from __future__ import annotations

import contextlib
import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import rtcp
from flask_sipvault.protocols.rtcp import ReportBlock

# From the example in the documentation of RTPengine's HEP export.
RTPENGINE = b"""{"sender_information":
{"ntp_timestamp_sec":3667834977,"ntp_timestamp_usec":2355549043,
"octets":82240,"rtp_timestamp":84679,"packets":514},
"ssrc":3724882677,"type":200,"report_count":1,"report_blocks":
[{"source_ssrc":2062957521,"highest_seq_no":4663,"fraction_lost":64,
"ia_jitter":13,"packets_lost":7,"lsr":3093100159,"dlsr":296222}],
"sdes_ssrc":3724882677,"sdes_report_count":1,"sdes_information":
[ {"sdes_chunk_ssrc":3724882677,"type":1,"text":"a\\"b"},
{"sdes_chunk_ssrc":3724882677,"type":6,"text":"tool"}] }
"""

# From the capture that comes with hep-wireshark: larger than the field, and negative.
JAVA = (
    b'{"sender_information":{"ntp_timestamp_sec":3650797214,"packets":106,'
    b'"ntp_timestamp_usec":13217348104192,"octets":16960,"rtp_timestamp":16960},'
    b'"ssrc":451916597,"type":200,"report_blocks":[{"source_ssrc":898343773,'
    b'"highest_seq_no":20881,"fraction_lost":0,"ia_jitter":1,"packets_lost":0,'
    b'"lsr":-1097006646,"dlsr":7733}],"report_count":0}'
)


def parse(report: Any) -> list[rtcp.Packet]:
    return rtcp.parse(json.dumps(report).encode())


def block(**fields: Any) -> dict[str, Any]:
    return {"source_ssrc": 1, **fields}


def test_one_object_gives_the_packets_that_it_merges() -> None:
    assert rtcp.parse(RTPENGINE) == [
        rtcp.SenderReport(
            ssrc=3724882677,
            ntp=3667834977 << 32 | 2355549043,
            rtp_timestamp=84679,
            packets=514,
            octets=82240,
            blocks=[ReportBlock(2062957521, 0.25, 7, 4663, 13, 3093100159, 296222)],
        ),
        rtcp.SourceDescription([(3724882677, {"CNAME": 'a"b', "TOOL": "tool"})]),
    ]


def test_several_objects_one_after_the_other_are_all_read() -> None:
    packets = rtcp.parse(b" " + RTPENGINE + b'\r\n{"type":203,"ssrc":5}{"x":1}\0')

    assert [packet.type for packet in packets] == [200, 202, 203]


def test_numbers_beyond_their_field_are_brought_back_into_it() -> None:
    [report] = rtcp.parse(JAVA)

    assert isinstance(report, rtcp.SenderReport)
    assert report.blocks[0].lsr == -1097006646 + 2**32
    assert report.ntp == 3650797214 << 32 | 13217348104192 & 0xFFFFFFFF


def test_numbers_may_be_strings() -> None:
    [report] = parse(
        {"type": "201", "ssrc": "-1", "report_blocks": [block(ia_jitter="80")]}
    )

    assert isinstance(report, rtcp.ReceiverReport)
    assert (report.ssrc, report.blocks[0].jitter) == (0xFFFF_FFFF, 80)


@pytest.mark.parametrize("lost", [-3, 0xFF_FFFD, 0xFFFF_FFFD, "-3"])
def test_a_negative_loss_is_negative_in_any_notation(lost: int | str) -> None:
    [report] = parse({"type": 201, "report_blocks": [block(packets_lost=lost)]})

    assert isinstance(report, rtcp.ReceiverReport)
    assert report.blocks[0].cumulative_lost == -3


def test_a_report_may_have_no_blocks() -> None:
    [report] = parse({"type": 201, "ssrc": 7, "report_count": 0, "report_blocks": []})

    assert report == rtcp.ReceiverReport(7, [])


def test_a_missing_ssrc_is_that_of_the_description_or_nothing() -> None:
    with_sdes = parse({"type": 201, "sdes_ssrc": 9})
    without = parse({"type": 201})

    assert with_sdes == [rtcp.ReceiverReport(9, [])]
    assert without == [rtcp.ReceiverReport(0, [])]


def test_a_missing_type_is_told_by_what_is_there() -> None:
    sender = parse({"ssrc": 1, "sender_information": {"packets": 5}})
    receiver = parse({"ssrc": 1, "report_blocks": [block()]})

    assert [packet.type for packet in sender + receiver] == [200, 201]


def test_zeros_that_heplify_sends_for_nothing_are_nothing() -> None:
    zeros = ["type", "id", "fraction_lost", "burst_density", "round_trip_delay"]
    [report] = parse(
        {
            "sender_information": {"ntp_timestamp_sec": 0, "packets": 0, "octets": 0},
            "ssrc": 3571175962,
            "type": 201,
            "report_count": 1,
            "report_blocks": [{"source_ssrc": 0, "fraction_lost": 0}],
            "report_blocks_xr": dict.fromkeys(zeros, 0),
            "sdes_ssrc": 0,
        }
    )

    assert report == rtcp.ReceiverReport(3571175962, [])


def test_voip_metrics_as_heplify_writes_them() -> None:
    [report] = parse(
        {
            "type": 207,
            "ssrc": 1,
            "report_blocks_xr": {
                "type": 7,
                "id": 2,
                "fraction_lost": 64,
                "fraction_discard": 32,
                "burst_density": 128,
                "gap_density": 16,
                "burst_duration": 200,
                "gap_duration": 5000,
                "round_trip_delay": 100,
                "end_system_delay": 80,
            },
        }
    )

    assert report == rtcp.ExtendedReport(
        1, [rtcp.VoipMetrics(2, 0.25, 0.125, 0.5, 0.0625, 200, 5000, 100, 80)]
    )


def test_voip_metrics_as_captagent_writes_them() -> None:
    [report] = parse(
        {
            "ssrc": 1,
            "extended_report_information": {
                "type": 7,
                "identifier": 2,
                "loss_rate": 64,
                "discard_rate": 0,
                "burst_rate": 0,
                "gap_rate": 0,
                "burst_duration": 0,
                "gap_duration": 0,
                "round_trip_delay": 100,
                "end_sys_delay": 80,
                "signal_lev": 231,
                "noise_lev": 127,
                "RERL": 127,
                "Gmin": 16,
                "R_fact": 90,
                "ext_R_fact": 127,
                "MOS_LQ": 41,
                "MOS_CQ": 127,
                "RX_conf": [{"PLC": 3, "JB_adapt": 3, "JB_rate": 0}],
                "JB_nom": 60,
                "JB_max": 120,
                "JB_abs_max": 240,
            },
        }
    )

    assert isinstance(report, rtcp.ExtendedReport)
    [metrics] = report.blocks
    assert isinstance(metrics, rtcp.VoipMetrics)
    assert (metrics.ssrc, metrics.loss_rate, metrics.round_trip_delay) == (2, 0.25, 100)
    assert (metrics.signal_level, metrics.noise_level) == (-25, None)
    assert (metrics.residual_echo, metrics.gmin) == (None, 16)
    assert (metrics.r_factor, metrics.external_r_factor) == (90, None)
    assert (metrics.mos_lq, metrics.mos_cq) == (4.1, None)
    assert metrics.jitter_buffer_nominal == 60


def test_control_characters_in_a_text_are_forgiven() -> None:
    data = b'{"ssrc":1,"sdes_information":[{"type":1,"text":"a\x01\xff"}]}'

    assert rtcp.parse(data) == [rtcp.SourceDescription([(1, {"CNAME": "a\x01\ufffd"})])]


def test_half_a_surrogate_pair_is_replaced() -> None:
    [description] = rtcp.parse(rb'{"sdes_information":[{"type":1,"text":"\ud800"}]}')

    assert description == rtcp.SourceDescription([(0, {"CNAME": "?"})])


def test_a_block_that_names_no_source_still_counts() -> None:
    [report] = parse({"type": 201, "report_blocks": [{"fraction_lost": 64}]})

    assert report == rtcp.ReceiverReport(0, [ReportBlock(0, 0.25, 0, 0, 0, 0, 0)])


@pytest.mark.parametrize(
    "data",
    [
        b"{",
        b"{}",
        b'{"type":200}',
        b'{"type":200,',
        b'{"a":' * 100_000,
        b'{"type":' + b"9" * 5000 + b"}",
        b'{"call":"other"} {"type":201}'[:16],
    ],
)
def test_other_json_is_no_rtcp(data: bytes) -> None:
    with pytest.raises(rtcp.RtcpError):
        rtcp.parse(data)


def test_damage_behind_a_good_object_is_passed_over() -> None:
    assert [packet.type for packet in rtcp.parse(RTPENGINE + b'{"type":')] == [200, 202]


numbers = st.one_of(
    st.none(), st.booleans(), st.integers(), st.floats(), st.text(max_size=4)
)
values = st.recursive(
    numbers,
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(
            st.sampled_from(
                ["source_ssrc", "fraction_lost", "type", "id", "text", "x"]
            ),
            inner,
            max_size=4,
        )
    ),
    max_leaves=6,
)
keys = st.sampled_from(
    [
        "type",
        "ssrc",
        "sdes_ssrc",
        "sender_information",
        "report_blocks",
        "report_blocks_xr",
        "extended_report_information",
        "sdes_information",
    ]
)


@given(st.dictionaries(keys, values), st.binary(max_size=4))
def test_whatever_the_json_packets_or_rtcp_error(
    report: dict[str, Any], tail: bytes
) -> None:
    try:
        packets = rtcp.parse(json.dumps(report).encode() + tail)
    except rtcp.RtcpError:
        return
    assert packets


@given(st.binary(max_size=60))
def test_whatever_follows_the_brace_packets_or_rtcp_error(data: bytes) -> None:
    with contextlib.suppress(rtcp.RtcpError):
        assert rtcp.parse(b"{" + data)
