"""The header of RTP packets (RFC 3550 section 5.1)."""

from __future__ import annotations

import struct
from dataclasses import dataclass

_FIXED = struct.Struct("!BBHII")
_EXTENSION = struct.Struct("!HH")

#: How long the header is that every packet has, in bytes.
FIXED_HEADER_SIZE = _FIXED.size


class RtpError(ValueError):
    """These bytes are no RTP packet."""


@dataclass(slots=True)
class RtpHeader:
    """What a packet says of itself.

    :param marker: of audio, the first packet after a silence.
    :param timestamp: in units of the payload's clock rate.
    :param payload_length: bytes of payload, without padding.
    :param csrc_count: how many sources a mixer names.
    :param extension: whether a header extension is there.
    """

    payload_type: int
    marker: bool
    sequence: int
    timestamp: int
    ssrc: int
    payload_length: int
    csrc_count: int
    extension: bool


def parse_header(data: bytes) -> RtpHeader:
    """Read the header.

    A padding count that cannot be right is taken for none: SRTP encrypts it, and a
    capture may have cut it off.

    :raises RtpError: if it is another version, or shorter than its header says.
    """
    if len(data) < _FIXED.size:
        raise RtpError(f"{len(data)} bytes are too few for an RTP header")
    first, second, sequence, timestamp, ssrc = _FIXED.unpack_from(data)
    if first >> 6 != 2:
        raise RtpError(f"RTP version {first >> 6} instead of 2")
    csrc_count = first & 0x0F
    extension = bool(first & 0x10)
    start = _FIXED.size + 4 * csrc_count
    if extension:
        if len(data) < start + _EXTENSION.size:
            raise RtpError("the RTP header is cut short")
        words = _EXTENSION.unpack_from(data, start)[1]
        start += _EXTENSION.size + 4 * words
    length = len(data) - start
    if length < 0:
        raise RtpError("the RTP header is cut short")
    if first & 0x20 and 0 < data[-1] <= length:
        length -= data[-1]
    return RtpHeader(
        payload_type=second & 0x7F,
        marker=bool(second & 0x80),
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        payload_length=length,
        csrc_count=csrc_count,
        extension=extension,
    )


def looks_like_rtp(data: bytes) -> bool:
    """Whether this may be RTP and is not RTCP (RFC 5761 section 4).

    Four bytes can be anything, so this is a sieve for datagrams to addresses that an
    SDP named, no proof.
    """
    if len(data) < _FIXED.size or data[0] >> 6 != 2 or 192 <= data[1] <= 223:
        return False
    try:
        parse_header(data)
    except RtpError:
        return False
    return True
