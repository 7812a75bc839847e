"""The header of RTP packets."""

from __future__ import annotations

import struct
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import rtp
from flask_sipvault.protocols import sip

# Version 2, PCMA with marker, sequence 0x1234, timestamp 160, SSRC 0xDEADBEEF.
PLAIN = bytes.fromhex("80 88 1234 000000a0 deadbeef") + b"\xd5" * 160


def test_a_header_gives_its_fields() -> None:
    assert rtp.parse_header(PLAIN) == rtp.RtpHeader(
        payload_type=8,
        marker=True,
        sequence=0x1234,
        timestamp=160,
        ssrc=0xDEADBEEF,
        payload_length=160,
        csrc_count=0,
        extension=False,
    )


def test_sources_extension_and_padding_are_no_payload() -> None:
    # P, X and two CSRCs; an extension of one word; 3 bytes of payload, 5 of padding.
    packet = bytes.fromhex(
        "b2 00 0001 00000000 00000001  00000002 00000003  bede0001 10aa0000"
        "010203 0000000005"
    )

    header = rtp.parse_header(packet)

    assert (header.csrc_count, header.extension) == (2, True)
    assert header.payload_length == 3


@pytest.mark.parametrize("count", [0, 161, 255])
def test_a_padding_count_that_cannot_be_right_is_no_padding(count: int) -> None:
    packet = b"\xa0" + PLAIN[1:-1] + bytes([count])

    assert rtp.parse_header(packet).payload_length == 160


def test_padding_may_be_all_there_is() -> None:
    packet = b"\xa0" + PLAIN[1:-1] + bytes([160])

    assert rtp.parse_header(packet).payload_length == 0


@pytest.mark.parametrize(
    "data",
    [
        b"",
        PLAIN[:11],
        b"\x40" + PLAIN[1:],
        b"\x81" + PLAIN[1:12],
        b"\x90" + PLAIN[1:12] + b"\0\0\0",
        b"\x90" + PLAIN[1:12] + b"\0\0\0\1\0\0\0",
    ],
)
def test_another_version_or_a_cut_header_is_no_rtp(data: bytes) -> None:
    assert not rtp.looks_like_rtp(data)
    with pytest.raises(rtp.RtpError):
        rtp.parse_header(data)


def test_rtcp_does_not_look_like_rtp() -> None:
    assert rtp.looks_like_rtp(PLAIN)
    assert not rtp.looks_like_rtp(b"\x80\xc8" + PLAIN[2:])


@given(st.binary(max_size=60))
def test_whatever_the_bytes_a_header_or_rtp_error(data: bytes) -> None:
    try:
        header = rtp.parse_header(data)
    except rtp.RtpError:
        assert not rtp.looks_like_rtp(data)
        return
    assert 0 <= header.payload_length <= len(data) - 12


@given(
    payload_type=st.integers(0, 127),
    marker=st.booleans(),
    sequence=st.integers(0, 0xFFFF),
    timestamp=st.integers(0, 0xFFFF_FFFF),
    ssrc=st.integers(0, 0xFFFF_FFFF),
    csrcs=st.lists(st.binary(min_size=4, max_size=4), max_size=15),
    extension=st.none() | st.integers(0, 5),
    payload=st.binary(max_size=40),
    padding=st.integers(0, 20),
)
def test_a_header_gives_back_what_it_was_made_of(
    payload_type: int,
    marker: bool,
    sequence: int,
    timestamp: int,
    ssrc: int,
    csrcs: list[bytes],
    extension: int | None,
    payload: bytes,
    padding: int,
) -> None:
    first = 0x80 | bool(padding) << 5 | (extension is not None) << 4 | len(csrcs)
    packet = struct.pack(
        "!BBHII", first, marker << 7 | payload_type, sequence, timestamp, ssrc
    )
    packet += b"".join(csrcs)
    if extension is not None:
        packet += struct.pack("!HH", 0xBEDE, extension) + b"\x11" * 4 * extension
    packet += payload
    if padding:
        packet += bytes(padding - 1) + bytes([padding])

    assert rtp.parse_header(packet) == rtp.RtpHeader(
        payload_type=payload_type,
        marker=marker,
        sequence=sequence,
        timestamp=timestamp,
        ssrc=ssrc,
        payload_length=len(payload),
        csrc_count=len(csrcs),
        extension=extension is not None,
    )


def test_recorded_media_reads_as_dpkt_reads_it(
    agent_corpus: Path, udp_payloads: Callable[[Path], list[bytes]]
) -> None:
    count = 0
    for data in udp_payloads(agent_corpus / "answered_rtp.pcap"):
        assert not (rtp.looks_like_rtp(data) and sip.looks_like_sip(data))
        if rtp.looks_like_rtp(data):
            ours, theirs = rtp.parse_header(data), dpkt.rtp.RTP(data)
            assert (ours.sequence, ours.timestamp, ours.ssrc, ours.payload_type) == (
                theirs.seq,
                theirs.ts,
                theirs.ssrc,
                theirs.pt,
            )
            assert ours.payload_length == len(theirs.data)
            count += 1
    assert count > 100
