"""RTCP as JSON, the payload that RTPengine, RTPProxy, heplify, captagent and Asterisk
send over HEP under protocol 5. No standard describes it.

Senders merge a compound packet into one object, or put several objects one after the
other. Numbers come negative where the sender's language has no unsigned ones, larger
than their field, or as strings. What is not there was not reported.
"""

from __future__ import annotations

import json
from collections.abc import Iterator
from typing import Any

from .rtcp_packets import ExtendedReport
from .rtcp_packets import Goodbye
from .rtcp_packets import ITEM_NAMES
from .rtcp_packets import Packet
from .rtcp_packets import ReceiverReport
from .rtcp_packets import ReportBlock
from .rtcp_packets import RtcpError
from .rtcp_packets import SenderReport
from .rtcp_packets import signed24
from .rtcp_packets import SourceDescription
from .rtcp_packets import VoipMetrics
from .rtcp_xr import mean_opinion

# Control characters in SDES texts are not always escaped.
_DECODER = json.JSONDecoder(strict=False)


def parse_json(data: bytes) -> list[Packet]:
    """The packets that one or several JSON objects describe.

    :raises RtcpError: if the first object cannot be read, or nothing in the objects is
        RTCP. Damage after a good object is passed over.
    """
    problem = "this JSON cannot be read"
    packets: list[Packet] = []
    for report in objects(data):
        problem = "no RTCP in this JSON"
        packets.extend(_packets(report))
    if not packets:
        raise RtcpError(problem)
    return packets


def objects(data: bytes) -> Iterator[dict[str, Any]]:
    """The JSON objects that stand one behind the other, up to the first that cannot be
    read.
    """
    text = data.decode("utf-8", "replace")
    start = 0
    while start < len(text):
        if text[start].isspace():
            start += 1
            continue
        try:
            value, start = _DECODER.raw_decode(text, start)
        # RecursionError: brackets nested without end.
        except (ValueError, RecursionError):
            return
        if isinstance(value, dict):
            yield value


def _packets(report: dict[str, Any]) -> Iterator[Packet]:
    packet_type = _unsigned(report.get("type"))
    sdes_ssrc = _unsigned(report.get("sdes_ssrc"))
    ssrc = _unsigned(report.get("ssrc")) or sdes_ssrc
    # heplify sends zeros for a block that is not there.
    blocks = [
        _report_block(block)
        for block in _objects(report.get("report_blocks"))
        if _has_figures(block)
    ]
    sender = report.get("sender_information")
    if isinstance(sender, dict) and (packet_type == 200 or _has_figures(sender)):
        yield _sender_report(ssrc, sender, blocks)
    elif blocks or packet_type == 201:
        yield ReceiverReport(ssrc, blocks)
    if packet_type == 203:
        yield Goodbye([ssrc])
    yield from _source_description(sdes_ssrc or ssrc, report.get("sdes_information"))
    yield from _extended_report(ssrc, report)


def _sender_report(
    ssrc: int, sender: dict[str, Any], blocks: list[ReportBlock]
) -> SenderReport:
    # The field named for microseconds holds the NTP fraction, from every sender.
    seconds = _unsigned(sender.get("ntp_timestamp_sec"))
    fraction = _unsigned(sender.get("ntp_timestamp_usec"))
    return SenderReport(
        ssrc,
        seconds << 32 | fraction,
        _unsigned(sender.get("rtp_timestamp")),
        _unsigned(sender.get("packets")),
        _unsigned(sender.get("octets")),
        blocks,
    )


def _report_block(block: dict[str, Any]) -> ReportBlock:
    return ReportBlock(
        _unsigned(block.get("source_ssrc")),
        _fraction(block.get("fraction_lost")),
        signed24(_unsigned(block.get("packets_lost"))),
        _unsigned(block.get("highest_seq_no")),
        _unsigned(block.get("ia_jitter")),
        _unsigned(block.get("lsr")),
        _unsigned(block.get("dlsr")),
    )


def _source_description(ssrc: int, items: Any) -> Iterator[SourceDescription]:
    chunks: dict[int, dict[str, str]] = {}
    for item in _objects(items):
        chunk = chunks.setdefault(_unsigned(item.get("sdes_chunk_ssrc")) or ssrc, {})
        number = _unsigned(item.get("type"))
        # JSON can spell half a surrogate pair, which no page could show.
        text = str(item.get("text", "")).encode("utf-8", "replace").decode()
        chunk[ITEM_NAMES.get(number, str(number))] = text
    if chunks:
        yield SourceDescription(list(chunks.items()))


def _extended_report(ssrc: int, report: dict[str, Any]) -> Iterator[ExtendedReport]:
    """VoIP metrics in heplify's words, or in captagent's."""
    heplify = report.get("report_blocks_xr")
    captagent = report.get("extended_report_information")
    # heplify sends zeros, the block type among them, where there is no such report.
    if isinstance(heplify, dict) and _has_figures(heplify):
        yield ExtendedReport(ssrc, [_heplify_metrics(heplify)])
    if isinstance(captagent, dict) and _has_figures(captagent):
        yield ExtendedReport(ssrc, [_captagent_metrics(captagent)])


def _heplify_metrics(block: dict[str, Any]) -> VoipMetrics:
    return VoipMetrics(
        _unsigned(block.get("id")),
        _fraction(block.get("fraction_lost")),
        _fraction(block.get("fraction_discard")),
        _fraction(block.get("burst_density")),
        _fraction(block.get("gap_density")),
        _unsigned(block.get("burst_duration")),
        _unsigned(block.get("gap_duration")),
        _unsigned(block.get("round_trip_delay")),
        _unsigned(block.get("end_system_delay")),
    )


def _captagent_metrics(block: dict[str, Any]) -> VoipMetrics:
    return VoipMetrics(
        _unsigned(block.get("identifier")),
        _fraction(block.get("loss_rate")),
        _fraction(block.get("discard_rate")),
        _fraction(block.get("burst_rate")),
        _fraction(block.get("gap_rate")),
        _unsigned(block.get("burst_duration")),
        _unsigned(block.get("gap_duration")),
        _unsigned(block.get("round_trip_delay")),
        _unsigned(block.get("end_sys_delay")),
        signal_level=_level(block.get("signal_lev")),
        noise_level=_level(block.get("noise_lev")),
        residual_echo=_rating(block.get("RERL")),
        gmin=_unsigned(block.get("Gmin")) or None,
        r_factor=_rating(block.get("R_fact")),
        external_r_factor=_rating(block.get("ext_R_fact")),
        mos_lq=mean_opinion(_unsigned(block.get("MOS_LQ"))),
        mos_cq=mean_opinion(_unsigned(block.get("MOS_CQ"))),
        jitter_buffer_nominal=_unsigned(block.get("JB_nom")),
        jitter_buffer_maximum=_unsigned(block.get("JB_max")),
        jitter_buffer_absolute_maximum=_unsigned(block.get("JB_abs_max")),
    )


def _objects(value: Any) -> list[dict[str, Any]]:
    """The objects of a list; of one object alone, that one."""
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, dict)]


def _has_figures(report: dict[str, Any]) -> bool:
    return any(_unsigned(value) for value in report.values())


def _unsigned(value: Any) -> int:
    """A 32-bit field out of a number or a string; 0 for anything else."""
    try:
        return int(value) & 0xFFFF_FFFF
    except (TypeError, ValueError, OverflowError):
        return 0


def _fraction(value: Any) -> float:
    """An 8-bit fraction of 256, as 0 to 1."""
    return (_unsigned(value) & 0xFF) / 256


def _rating(value: Any) -> int | None:
    """A figure of eight bits, of which 127 means unavailable."""
    number = _unsigned(value) & 0xFF
    return None if value is None or number == 127 else number


def _level(value: Any) -> int | None:
    """The same, signed."""
    number = _rating(value)
    return number - 256 if number is not None and number > 127 else number
