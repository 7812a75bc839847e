"""HEP packets, of real senders and of our own making."""

from __future__ import annotations

import gzip
import io
import struct
import zlib
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import hep
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.hep import build
from flask_sipvault.protocols.hep import frame_length
from flask_sipvault.protocols.hep import HepError
from flask_sipvault.protocols.hep import HepPacket
from flask_sipvault.protocols.hep import looks_like_hep
from flask_sipvault.protocols.hep import parse

CALL = HepPacket(
    hep.SIP,
    b"BYE sip:b SIP/2.0\r\n\r\n",
    ts=1_700_000_000_123_456_000,
    src=Endpoint("192.0.2.1", 5060),
    dst=Endpoint("2001:db8::2", 5061),
    transport="tcp",
    agent="2001",
    correlation_id="call@example.com",
    auth_key="a secret",
    vendor_chunks={hep.SIPPULSE_CUSTOMER: b"acme", hep.SIPPULSE_TOKEN: b"tok-acme"},
)


def packet(*chunks: tuple[int, int, bytes], length: int | None = None) -> bytes:
    body = b"".join(
        struct.pack("!HHH", vendor, kind, 6 + len(value)) + value
        for vendor, kind, value in chunks
    )
    return b"HEP3" + struct.pack("!H", length or 6 + len(body)) + body


def payload(data: bytes = b"data", kind: int = 0x0F) -> tuple[int, int, bytes]:
    return 0, kind, data


class TestRealSenders:
    # The two packets are those that SIP3's decoder is tested with.
    def test_version_2(self) -> None:
        data = bytes.fromhex(
            "02100211 13c413c6 0a000004 0a000004 2e6fa75d 94ad0000 01000000"
        )
        assert parse(data + b"SIP/2.0") == HepPacket(
            hep.SIP,
            b"SIP/2.0",
            ts=1_571_254_062_044_436_000,
            src=Endpoint("10.0.0.4", 5060),
            dst=Endpoint("10.0.0.4", 5062),
            agent="1",
        )

    def test_ipv4_in_sixteen_bytes_and_a_packet_that_is_cut(self) -> None:
        data = bytes.fromhex(
            "48455033 0220 0000 0001 0007 02 0000 0002 0007 11"
            "0000 0003 0016 00000000000000000000ffff4f8e5676"
            "0000 0004 0016 00000000000000000000ffffd430c596"
            "0000 0007 0008 13c7 0000 0008 0008 13c4"
            "0000 0009 000a 5c6aa458 0000 000a 000a 0004065e"
            "0000 000b 0007 01 0000 000c 000a 000007d4"
            "0000 000e 000b 6d79686570 0000 000f 000c 4e4f54494659"
        )
        assert parse(data) == HepPacket(
            hep.SIP,
            b"NOTIFY",
            ts=1_550_492_760_263_774_000,
            src=Endpoint("79.142.86.118", 5063),
            dst=Endpoint("212.48.197.150", 5060),
            agent="2004",
            auth_key="myhep",
        )

    def test_the_agent_over_tls(self, agent_corpus: Path) -> None:
        stream = (agent_corpus / "hep_tls.heptls").read_bytes()
        packets = []
        while stream:
            length = frame_length(stream)
            assert length is not None
            packets.append(parse(stream[:length]))
            stream = stream[length:]
        kinds = [item.protocol for item in packets]
        assert [kinds.count(k) for k in (hep.SIP, hep.RTCP, hep.LOG)] == [14, 6, 10]
        assert kinds.count(hep.SIPPULSE_QUALITY) == 1
        for item in packets:
            assert item.vendor_chunks == {
                hep.SIPPULSE_CUSTOMER: b"acme",
                hep.SIPPULSE_TOKEN: b"tok-acme",
            }
            assert (item.src is None) == (item.protocol != hep.SIP)

    def test_compressed_by_an_agent(self, public_corpus: Path) -> None:
        file = io.BytesIO(
            (public_corpus / "hep" / "hepwireshark_hep3_compressed.pcapng").read_bytes()
        )
        payloads = [
            parse(data[data.index(b"HEP3") :]).payload
            for _, data in dpkt.pcapng.Reader(file)
            if b"HEP3" in data
        ]
        assert len(payloads) == 21
        assert all(b"SIP/2.0" in data for data in payloads)


class TestChunks:
    def test_a_payload_is_all_that_must_be_there(self) -> None:
        assert parse(packet(payload())) == HepPacket(0, b"data")

    def test_in_any_order(self) -> None:
        assert parse(packet(payload(), (0, 0x0B, b"\1"))).protocol == hep.SIP

    def test_of_another_vendor_do_not_stand_for_the_generic_ones(self) -> None:
        item = parse(packet((3, 0x0F, b"other"), payload()))
        assert (item.payload, item.vendor_chunks) == (b"data", {(3, 0x0F): b"other"})

    def test_the_first_of_a_kind_counts(self) -> None:
        assert parse(packet(payload(b"one"), payload(b"two"))).payload == b"one"

    def test_text_loses_the_nul_at_its_end(self) -> None:
        assert parse(packet(payload(), (0, 0x11, b"id\0"))).correlation_id == "id"

    def test_text_that_is_not_utf8_is_still_text(self) -> None:
        assert parse(packet(payload(), (0, 0x11, b"\xff"))).correlation_id == "\ufffd"

    def test_a_node_name_says_more_than_a_number(self) -> None:
        chunks = [(0, 0x0C, b"\0\0\0\7"), (0, 0x13, b"edge")]
        assert parse(packet(payload(), chunks[0])).agent == "7"
        assert parse(packet(payload(), *chunks)).agent == "edge"

    @pytest.mark.parametrize(
        ("number", "transport"),
        [(17, "udp"), (6, "tcp"), (132, "sctp"), (22, "tls"), (50, "ws"), (99, "udp")],
    )
    def test_transports(self, number: int, transport: str) -> None:
        assert parse(packet(payload(), (0, 2, bytes([number])))).transport == transport

    @pytest.mark.parametrize("address", [b"", b"\1\2\3", bytes(20)])
    def test_an_address_of_no_known_size_is_none(self, address: bytes) -> None:
        assert parse(packet(payload(), (0, 3, address))).src is None

    @pytest.mark.parametrize(
        "data",
        [
            b"HEP3",
            packet(),
            packet((0, 0x0B, b"\1")),
            packet(payload())[:6] + bytes(6),
            packet(payload(b"not zlib", 0x10)),
        ],
        ids=["no length", "empty", "no payload", "chunk of no length", "damaged"],
    )
    def test_what_cannot_be_read_is_an_error(self, data: bytes) -> None:
        with pytest.raises(HepError):
            parse(data)


class TestCompression:
    @pytest.mark.parametrize("compress", [zlib.compress, gzip.compress])
    def test_by_zlib_and_gzip(self, compress: object) -> None:
        data = compress(b"INVITE " * 100)  # type: ignore[operator]
        assert parse(packet(payload(data, 0x10))).payload == b"INVITE " * 100

    def test_a_bomb_is_an_error(self) -> None:
        data = zlib.compress(bytes(hep.MAX_PAYLOAD + 1))
        with pytest.raises(HepError, match="more than"):
            parse(packet(payload(data, 0x10)))

    def test_as_much_as_is_allowed(self) -> None:
        data = zlib.compress(bytes(hep.MAX_PAYLOAD))
        assert len(parse(packet(payload(data, 0x10))).payload) == hep.MAX_PAYLOAD


class TestOldVersions:
    def test_version_1_does_not_say_when(self) -> None:
        data = bytes.fromhex("01100211 13c413c4 c0000201 c0000202") + b"data"
        item = parse(data)
        assert (item.ts, item.payload) == (0, b"data")
        assert item.src == Endpoint("192.0.2.1", 5060)

    def test_ipv6(self) -> None:
        addresses = bytes.fromhex("20010db8") + bytes(27) + b"\1"
        item = parse(bytes.fromhex("01280a11 13c413c5") + addresses + b"data")
        assert (item.src, item.dst) == (
            Endpoint("2001:db8::", 5060),
            Endpoint("::1", 5061),
        )

    @pytest.mark.parametrize("size", [3, 8, 15, 20])
    def test_a_cut_header_is_an_error(self, size: int) -> None:
        data = bytes.fromhex("02100211 13c413c6 0a000004 0a000004 2e6fa75d")
        with pytest.raises(HepError):
            parse(data[:size])


class TestStream:
    def test_a_packet_is_as_long_as_it_says(self) -> None:
        data = build(CALL)
        assert frame_length(data + data) == len(data)

    @pytest.mark.parametrize("size", [0, 3, 5, 6, 40])
    def test_more_is_needed(self, size: int) -> None:
        assert frame_length(build(CALL)[:size]) is None

    @pytest.mark.parametrize("data", [b"X", b"HEP4", b"HEP3\0\5"])
    def test_what_is_none_is_an_error(self, data: bytes) -> None:
        with pytest.raises(HepError):
            frame_length(data)


class TestBuild:
    def test_is_read_back(self) -> None:
        assert parse(build(CALL)) == CALL

    def test_more_than_fits_is_an_error(self) -> None:
        with pytest.raises(HepError, match="cannot hold"):
            build(HepPacket(hep.SIP, bytes(65536)))


def test_the_secrets_are_not_in_its_repr() -> None:
    assert "secret" not in repr(CALL)
    assert "tok-acme" not in repr(CALL)


@given(
    head=st.sampled_from(
        [b"HEP3", build(CALL), packet(payload(zlib.compress(b"a"), 0x10)), b"\2\x10\2"]
    ),
    cut=st.integers(0, 100),
    data=st.binary(max_size=100),
)
def test_any_bytes(head: bytes, cut: int, data: bytes) -> None:
    data = head[: max(len(head) - cut, 0)] + data
    looks_like_hep(data)
    try:
        item = parse(data)
    except HepError:
        return
    assert 0 <= item.ts < 1 << 63
    assert isinstance(item.payload, bytes)
