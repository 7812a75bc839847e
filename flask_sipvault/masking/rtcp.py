"""Masking of RTCP: the figures stay, the texts in which people are named go."""

from __future__ import annotations

import json
import struct
from collections.abc import Iterator
from typing import Any

from ..protocols import rtcp
from ..protocols import rtcp_json
from ..protocols.rtcp_packets import ITEM_NAMES
from .pseudonyms import Pseudonyms
from .texts import words

_HEADER = struct.Struct("!BBH")
_SSRC = struct.Struct("!I")
_VERSION = 2 << 6

#: How much of a packet is figures: SSRC and sender information, an APP packet's SSRC
#: and name, the two SSRCs of feedback (RFC 4585 section 6.1).
_FIGURES = {200: 28, 201: 8, 204: 12, 205: 12, 206: 12}
_REPORT_BLOCK = 24
_REPORTS = (200, 201)

#: XR blocks that hold figures alone (RFC 3611 section 4).
_XR_FIGURES = range(1, 8)

_ITEM_NUMBERS = {name: number for number, name in ITEM_NAMES.items()}

#: The fields of RTCP as JSON that are figures, from every sender.
_JSON_FIGURES = words(
    """
    type ssrc sdes_ssrc source_ssrc sdes_chunk_ssrc report_count sdes_report_count
    ntp_timestamp_sec ntp_timestamp_usec rtp_timestamp packets octets fraction_lost
    packets_lost highest_seq_no ia_jitter lsr dlsr id identifier fraction_discard
    loss_rate discard_rate burst_rate gap_rate burst_density gap_density burst_duration
    gap_duration round_trip_delay end_system_delay end_sys_delay signal_lev noise_lev
    RERL Gmin R_fact ext_R_fact MOS_LQ MOS_CQ JB_nom JB_max JB_abs_max
    """
)
_JSON_GROUPS = words(
    """
    sender_information report_blocks report_blocks_xr sdes_information
    extended_report_information
    """
)


def masked_rtcp(payload: bytes, pseudonyms: Pseudonyms) -> bytes:
    """A datagram of RTCP, binary or as JSON, with pseudonyms in it.

    Of what cannot be read (encrypted, damaged) only the size is kept.
    """
    try:
        packets = rtcp.parse(payload)
    except rtcp.RtcpError:
        return bytes(len(payload))
    if payload[:64].lstrip()[:1] == b"{":
        return _json(payload, pseudonyms)
    return b"".join(_packets(payload, packets, pseudonyms))


def _packets(
    payload: bytes, packets: list[rtcp.Packet], pseudonyms: Pseudonyms
) -> Iterator[bytes]:
    start = 0
    for packet in packets:
        first, kind, length = _HEADER.unpack_from(payload, start)
        whole = payload[start : start + 4 * (length + 1)]
        start += len(whole)
        if isinstance(packet, rtcp.SourceDescription):
            chunks = (_chunk(*chunk, pseudonyms) for chunk in packet.chunks)
            yield _written(kind, len(packet.chunks), b"".join(chunks))
        elif isinstance(packet, rtcp.Goodbye):
            ssrcs = b"".join(map(_SSRC.pack, packet.ssrcs))
            yield _written(kind, len(packet.ssrcs), ssrcs)
        elif isinstance(packet, rtcp.ExtendedReport):
            yield whole[:8] + b"".join(_xr_blocks(whole[8:]))
        else:
            figures = _FIGURES.get(kind, 8)
            if kind in _REPORTS:
                figures += _REPORT_BLOCK * (first & 0x1F)
            yield whole[:figures] + bytes(len(whole) - len(whole[:figures]))


def _written(kind: int, count: int, body: bytes) -> bytes:
    return _HEADER.pack(_VERSION | count & 0x1F, kind, len(body) // 4) + body


def _chunk(ssrc: int, items: dict[str, str], pseudonyms: Pseudonyms) -> bytes:
    """An SDES chunk (RFC 3550 section 6.5); its texts are known from ``a=ssrc`` too."""
    chunk = _SSRC.pack(ssrc)
    for name, text in items.items():
        masked = pseudonyms.token(name.lower(), text).encode()
        number = _ITEM_NUMBERS.get(name) or int(name)
        chunk += bytes((number, len(masked))) + masked
    return chunk + bytes(4 - len(chunk) % 4)


def _xr_blocks(data: bytes) -> Iterator[bytes]:
    start = 0
    while start + 4 <= len(data):
        kind, _, length = _HEADER.unpack_from(data, start)
        block = data[start : start + 4 * (length + 1)]
        yield block if kind in _XR_FIGURES else block[:4] + bytes(len(block) - 4)
        start += len(block)
    yield bytes(len(data) - start)


def _json(payload: bytes, pseudonyms: Pseudonyms) -> bytes:
    """The objects, one or several in a row, of which the first can be read."""
    objects = rtcp_json.objects(payload)
    written = [json.dumps(_object(each, pseudonyms)) for each in objects]
    return "\n".join(written).encode()


def _object(report: dict[str, Any], pseudonyms: Pseudonyms) -> dict[str, Any]:
    masked: dict[str, Any] = {}
    for name, value in report.items():
        if name == "text":
            kind = ITEM_NAMES.get(_number(report.get("type")), "text").lower()
            masked[name] = pseudonyms.token(kind, str(value))
        elif name in _JSON_FIGURES:
            # Some senders write figures as strings.
            masked[name] = _number(value)
        elif name in _JSON_GROUPS:
            masked[name] = _group(value, pseudonyms)
    return masked


def _group(value: Any, pseudonyms: Pseudonyms) -> Any:
    if isinstance(value, dict):
        return _object(value, pseudonyms)
    if isinstance(value, list):
        return [_object(item, pseudonyms) for item in value if isinstance(item, dict)]
    return None


def _number(value: Any) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return 0
