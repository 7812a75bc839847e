"""The blocks of RTCP extended reports (RFC 3611)."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .rtcp_packets import DelaySinceLastReceiver
from .rtcp_packets import OtherBlock
from .rtcp_packets import ReceiverReferenceTime
from .rtcp_packets import StatisticsSummary
from .rtcp_packets import VoipMetrics
from .rtcp_packets import XrBlock

_HEADER = struct.Struct("!BBH")
_NTP = struct.Struct("!Q")
_DLRR = struct.Struct("!III")
_SUMMARY = struct.Struct("!IHHIIIIIIBBBB")
_VOIP = struct.Struct("!I4B4H2b6BBxHHH")

#: "Unavailable" of the levels, R factors and MOS (RFC 3611 sections 4.7.4, 4.7.5).
_UNAVAILABLE = 127

#: Packet loss concealment in RX config (section 4.7.6).
_CONCEALMENT = ("unspecified", "disabled", "enhanced", "standard")


def xr_blocks(body: bytes) -> Iterator[XrBlock]:
    """The report blocks after the reporter's SSRC.

    A block of a known type with another length than its own is kept as it is.

    :raises struct.error: if a block is cut short.
    """
    offset = 0
    while offset < len(body):
        block_type, specific, words = _HEADER.unpack_from(body, offset)
        offset += _HEADER.size
        data = body[offset : offset + 4 * words]
        if len(data) < 4 * words:
            raise struct.error("block is cut short")
        offset += len(data)
        yield from _block(block_type, specific, data)


def _block(block_type: int, specific: int, data: bytes) -> Iterator[XrBlock]:
    if block_type == ReceiverReferenceTime.block_type and len(data) == _NTP.size:
        yield ReceiverReferenceTime(*_NTP.unpack(data))
    elif block_type == DelaySinceLastReceiver.block_type and not len(data) % _DLRR.size:
        for ssrc, lrr, dlrr in _DLRR.iter_unpack(data):
            yield DelaySinceLastReceiver(ssrc, lrr, dlrr)
    elif block_type == StatisticsSummary.block_type and len(data) == _SUMMARY.size:
        yield _summary(specific, data)
    elif block_type == VoipMetrics.block_type and len(data) == _VOIP.size:
        yield _voip_metrics(data)
    else:
        yield OtherBlock(block_type, data)


def _summary(flags: int, data: bytes) -> StatisticsSummary:
    ssrc, begin, end, lost, duplicates, *rest = _SUMMARY.unpack(data)
    nothing: list[int | None] = [None] * 4
    return StatisticsSummary(
        ssrc,
        begin,
        end,
        lost if flags & 0x80 else None,
        duplicates if flags & 0x40 else None,
        *(rest[:4] if flags & 0x20 else nothing),
        *(rest[4:] if flags & 0x18 else nothing),
    )


def _voip_metrics(data: bytes) -> VoipMetrics:
    ssrc, loss, discard, burst, gap, *rest = _VOIP.unpack(data)
    burst_ms, gap_ms, round_trip, end_system, signal, noise, *rest = rest
    residual_echo, gmin, r_factor, external_r, mos_lq, mos_cq, config, *buffer = rest
    adaptive = {3: True, 2: False}.get(config >> 4 & 3)
    return VoipMetrics(
        ssrc,
        loss / 256,
        discard / 256,
        burst / 256,
        gap / 256,
        burst_ms,
        gap_ms,
        round_trip,
        end_system,
        _available(signal),
        _available(noise),
        _available(residual_echo),
        gmin,
        _available(r_factor),
        _available(external_r),
        mean_opinion(mos_lq),
        mean_opinion(mos_cq),
        _CONCEALMENT[config >> 6],
        adaptive,
        config & 0x0F,
        *buffer,
    )


def _available(number: int) -> int | None:
    return None if number == _UNAVAILABLE else number


def mean_opinion(tenths: int) -> float | None:
    """A MOS from the field that holds ten times it; None for what cannot be one."""
    return tenths / 10 if 10 <= tenths <= 50 else None
