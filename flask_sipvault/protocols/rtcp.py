"""RTCP (RFC 3550 section 6): the reports that the two ends of a call give each other.

Reduced-size RTCP (RFC 5506), which begins with another packet than SR or RR, is read
like any other. Framing is taken strictly: where the lengths of a compound packet do not
add up it is encrypted (SRTCP) or damaged, and figures read from it would be invented.
"""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .rtcp_json import parse_json
from .rtcp_packets import App as App
from .rtcp_packets import DelaySinceLastReceiver as DelaySinceLastReceiver
from .rtcp_packets import ExtendedReport as ExtendedReport
from .rtcp_packets import Goodbye as Goodbye
from .rtcp_packets import ITEM_NAMES
from .rtcp_packets import Packet as Packet
from .rtcp_packets import ReceiverReferenceTime as ReceiverReferenceTime
from .rtcp_packets import ReceiverReport as ReceiverReport
from .rtcp_packets import ReportBlock as ReportBlock
from .rtcp_packets import RtcpError as RtcpError
from .rtcp_packets import SenderReport as SenderReport
from .rtcp_packets import signed24
from .rtcp_packets import SourceDescription as SourceDescription
from .rtcp_packets import StatisticsSummary as StatisticsSummary
from .rtcp_packets import Unknown as Unknown
from .rtcp_packets import VoipMetrics as VoipMetrics
from .rtcp_packets import XrBlock as XrBlock
from .rtcp_xr import xr_blocks

_HEADER = struct.Struct("!BBH")
_SENDER = struct.Struct("!IQIII")
_BLOCK = struct.Struct("!IIIIII")
_SSRC = struct.Struct("!I")

#: Packet types that RFC 5761 section 4 keeps apart from RTP's payload types.
_TYPES = range(192, 224)


def looks_like_rtcp(data: bytes) -> bool:
    """Whether this may be a binary RTCP datagram: version, type, and a first length
    that fits.
    """
    if len(data) < 8:
        return False
    first, packet_type, words = _HEADER.unpack_from(data)
    return first >> 6 == 2 and packet_type in _TYPES and 4 * (words + 1) <= len(data)


def parse(data: bytes) -> list[Packet]:
    """The packets of one datagram, from binary RTCP or from JSON as media servers send
    it over HEP.

    :raises RtcpError: if it is neither, or its framing is broken.
    """
    if data[:64].lstrip()[:1] == b"{":
        return parse_json(data)
    packets = list(_packets(data))
    if not packets:
        raise RtcpError(f"{len(data)} bytes are too few for RTCP")
    return packets


def _packets(data: bytes) -> Iterator[Packet]:
    start = 0
    # Some gateways leave a stray byte or two behind the last packet. SRTCP leaves more.
    while len(data) - start >= _HEADER.size:
        first, packet_type, words = _HEADER.unpack_from(data, start)
        if first >> 6 != 2 or packet_type not in _TYPES:
            raise RtcpError(f"no RTCP at byte {start}: encrypted or damaged")
        end = start + 4 * (words + 1)
        if end > len(data):
            raise RtcpError(f"RTCP packet of {end - start} bytes is cut short")
        whole = data[start:end]
        body = whole[_HEADER.size :]
        if first & 0x20 and body and body[-1] <= len(body):
            body = body[: len(body) - body[-1]]
        try:
            yield _packet(packet_type, first & 0x1F, body, whole)
        except struct.error as error:
            raise RtcpError(f"RTCP packet {packet_type} is too short") from error
        start = end


def _packet(packet_type: int, count: int, body: bytes, whole: bytes) -> Packet:
    if packet_type == SenderReport.type:
        ssrc, ntp, timestamp, packets, octets = _SENDER.unpack_from(body)
        blocks = _report_blocks(count, body, _SENDER.size)
        return SenderReport(ssrc, ntp, timestamp, packets, octets, blocks)
    if packet_type == ReceiverReport.type:
        return ReceiverReport(_ssrc(body, 0), _report_blocks(count, body, _SSRC.size))
    if packet_type == SourceDescription.type:
        return SourceDescription(list(_chunks(count, body)))
    if packet_type == Goodbye.type:
        return _goodbye(count, body)
    if packet_type == App.type:
        name = body[4:8].decode("ascii", "replace")
        return App(_ssrc(body, 0), name, body[8:])
    if packet_type == ExtendedReport.type:
        return ExtendedReport(_ssrc(body, 0), list(xr_blocks(body[_SSRC.size :])))
    return Unknown(packet_type, whole)


def _ssrc(body: bytes, offset: int) -> int:
    ssrc: int = _SSRC.unpack_from(body, offset)[0]
    return ssrc


def _report_blocks(count: int, body: bytes, offset: int) -> list[ReportBlock]:
    return [_block(*_BLOCK.unpack_from(body, offset + 24 * n)) for n in range(count)]


def _block(
    ssrc: int, losses: int, highest: int, jitter: int, lsr: int, dlsr: int
) -> ReportBlock:
    fraction = (losses >> 24) / 256
    return ReportBlock(ssrc, fraction, signed24(losses), highest, jitter, lsr, dlsr)


def _chunks(count: int, body: bytes) -> Iterator[tuple[int, dict[str, str]]]:
    """SDES chunks (RFC 3550 section 6.5). An item that overruns the packet ends it."""
    offset = 0
    for _ in range(count):
        ssrc = _ssrc(body, offset)
        offset += _SSRC.size
        items: dict[str, str] = {}
        while offset + 1 < len(body) and body[offset] != 0:
            kind, length = body[offset], body[offset + 1]
            text = body[offset + 2 : offset + 2 + length].decode("utf-8", "replace")
            items[ITEM_NAMES.get(kind, str(kind))] = text
            offset += 2 + length
        # One zero byte at least ends the items; more fill the last 32-bit word.
        offset += 4 - offset % 4
        yield ssrc, items


def _goodbye(count: int, body: bytes) -> Goodbye:
    ssrcs = [_ssrc(body, 4 * n) for n in range(count)]
    rest = body[4 * count :]
    reason = rest[1 : 1 + rest[0]].decode("utf-8", "replace") if rest else ""
    return Goodbye(ssrcs, reason)
