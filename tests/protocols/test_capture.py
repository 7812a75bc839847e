"""Captures, against what tshark says is in them: no more and no less."""

from __future__ import annotations

import io
import json
import struct
import tracemalloc
from collections import defaultdict
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.protocols import fragments
from flask_sipvault.protocols import hep
from flask_sipvault.protocols import sip
from flask_sipvault.protocols import tcp
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import Captured
from flask_sipvault.protocols.capture import CaptureError
from flask_sipvault.protocols.capture import from_hep
from flask_sipvault.protocols.capture import read_capture

TESTS = Path(__file__).resolve().parent.parent
AGENT = TESTS / "data" / "agent"
PUBLIC = TESTS.parent.parent / "shared" / "corpus" / "public"

Expected = Callable[[Path], dict[str, Any]]

REGISTER = (
    b"REGISTER sip:example.com SIP/2.0\r\n"
    b"Call-ID: one@example.com\r\nCSeq: 1 REGISTER\r\nContent-Length: 0\r\n\r\n"
)
RTCP = bytes.fromhex("80c90001deadbeef")
RTP = bytes.fromhex("8000000100000000deadbeef") + bytes(160)


def captures(*folders: Path) -> list[Any]:
    """The captures in folders that have an expectation beside them."""
    paths = [
        path
        for folder in folders
        for path in sorted(folder.glob("*.pcap*"))
        if path.with_name(path.name.split(".")[0] + ".expected.json").exists()
    ]
    return [pytest.param(path, id=path.name) for path in paths]


def read(path: Path) -> list[Captured]:
    with path.open("rb") as file:
        items = list(read_capture(file, on_damage=pytest.fail))
    return sorted(items, key=lambda item: item.ts)


def sequences(items: list[Captured]) -> dict[str, list[str]]:
    """By Call-ID, the method or status code of each message."""
    calls = defaultdict(list)
    for item in items:
        if item.kind == "sip":
            message = sip.parse(item.payload)
            assert item.call_id == message.call_id
            assert item.cseq_method == message.cseq_method
            calls[message.call_id].append(message.method or str(message.code))
    return dict(calls)


def frame(payload: bytes, sport: int = 5060, dport: int = 5060) -> bytes:
    """An Ethernet frame with a UDP datagram from 192.0.2.1 to 192.0.2.2."""
    udp = dpkt.udp.UDP(sport=sport, dport=dport, data=payload)
    udp.ulen = len(udp)
    ip = dpkt.ip.IP(src=b"\xc0\0\2\1", dst=b"\xc0\0\2\2", p=17, data=udp)
    ip.len = len(ip)
    return bytes(dpkt.ethernet.Ethernet(data=ip))


def pcap(*frames: bytes, link: int = 1) -> io.BytesIO:
    """A capture of these frames, one a second."""
    file = io.BytesIO()
    writer = dpkt.pcap.Writer(file, linktype=link, nano=True)
    for number, data in enumerate(frames):
        writer.writepkt(data, ts=1_700_000_000 + number)
    file.seek(0)
    return file


class TestAgainstTshark:
    @pytest.mark.parametrize("path", captures(AGENT))
    def test_recordings_of_the_agents_tests(
        self, path: Path, expected: Expected
    ) -> None:
        items = read(path)
        calls = {cid: call["pcap"] for cid, call in expected(path)["calls"].items()}
        assert sequences(items) == {
            cid: call["sequence"] for cid, call in calls.items()
        }
        for kind in ("rtcp", "rtp"):
            count = sum(item.kind == kind for item in items)
            assert count == sum(call[kind] for call in calls.values())

    # In sip-junk-before-request the junk "DB" is the UDP checksum: the message itself
    # is sound but for its missing Call-ID. heplify_sip_ipv4_tcp_fragmented is SIP over
    # TCP to port 6060, which tshark takes for X11 unless told; we look at the content.
    @pytest.mark.parametrize("path", captures(PUBLIC))
    def test_captures_by_others(self, path: Path, expected: Expected) -> None:
        calls = expected(path)
        assert sequences(read(path)) == {
            cid: call["sequence"] for cid, call in calls.items()
        }

    # What the SDP announced, and what tshark decoded though no SDP did.
    # In heplify_rtp_rtcp_sip tshark shows 12 of the latter, and as "data" two sender
    # reports more, between ports of which it knows nothing.
    @pytest.mark.parametrize(
        ("name", "announced", "others"),
        [
            ("heplify_rtp_rtcp_sip.pcap", 14, 12 + 2),
            ("heplify_sip_ipv4_tcp.pcap", 2, 0),
            ("heplify_FAX-Call-t38-CA-TDM-SIP-FB-1.pcap", 0, 0),
        ],
    )
    def test_rtcp_of_captures_by_others(
        self,
        public_corpus: Path,
        expected: Expected,
        name: str,
        announced: int,
        others: int,
    ) -> None:
        path = public_corpus / name
        assert sum(call["rtcp"] for call in expected(path).values()) == announced
        rtcp = [item for item in read(path) if item.kind == "rtcp"]
        assert len(rtcp) == announced + others

    @pytest.mark.parametrize(
        "name",
        [
            "hep3_kamailio_siptrace.pcap",
            "hep3_sngrep_ipv6.pcap",
            "hep3_sngrep_proxy.pcap",
            "hepwireshark_hep.pcap",
            "hepwireshark_hep3_compressed.pcapng",
        ],
    )
    def test_hep_in_a_capture_is_what_it_encapsulates(
        self, public_corpus: Path, expected: Expected, name: str
    ) -> None:
        path = public_corpus / "hep" / name
        want = expected(path)
        with path.open("rb") as file:
            items = list(read_capture(file))
        by_code = {1: "sip", 5: "rtcp", 100: "log"}
        details = [d for d in want["detail"] if d["protocol_type"] in by_code]
        assert len(items) == len(details)
        for item, detail in zip(items, details, strict=True):
            assert item.kind == by_code[detail["protocol_type"]]
            assert (item.src, item.dst) == (
                _endpoint(detail["src"]),
                _endpoint(detail["dst"]),
            )
            assert item.transport == {17: "udp", 6: "tcp"}[detail["ip_proto"]]
            assert item.ts == round(detail["ts"] * 1_000_000) * 1000
            assert len(item.payload) == detail["payload_bytes"]
            assert item.agent == str(detail["capture_id"])
            assert item.call_id == (detail["call_id"] or detail["correlation_id"])
        assert sequences(items) == {
            cid: call["sequence"] for cid, call in want["calls"].items()
        }

    def test_the_sip_that_a_hep_sender_saw(
        self, public_corpus: Path, expected: Expected
    ) -> None:
        """Kamailio reports its ACK to a failure of its own twice; it was sent once."""
        path = public_corpus / "hep" / "hep3_kamailio_siptrace.sip.pcap"
        traced = expected(path)["calls"]
        ours = sequences(read(path))
        assert ours.keys() == traced.keys()
        assert sum(map(len, ours.values())) == 54
        assert sum(call["messages"] for call in traced.values()) == 57


def _endpoint(text: str) -> Endpoint:
    ip, port = text.split()
    return Endpoint(ip, int(port))


class TestContentDecides:
    """Whatever the ports."""

    def test_sip(self) -> None:
        (item,) = read_capture(pcap(frame(REGISTER, 40000, 8080)))
        assert item == Captured(
            "sip",
            1_700_000_000_000_000_000,
            Endpoint("192.0.2.1", 40000),
            Endpoint("192.0.2.2", 8080),
            "udp",
            REGISTER,
            "one@example.com",
            "REGISTER",
        )

    def test_sip_after_empty_lines(self) -> None:
        (item,) = read_capture(pcap(frame(b"\r\n\r\n" + REGISTER)))
        assert item.call_id == "one@example.com"

    def test_sip_without_a_call_id(self) -> None:
        (item,) = read_capture(pcap(frame(b"BYE sip:b SIP/2.0\r\n\r\n")))
        assert (item.kind, item.call_id, item.cseq_method) == ("sip", "", "")

    def test_rtcp_and_rtp_at_one_port(self) -> None:
        items = read_capture(pcap(frame(RTP, 4000, 4000), frame(RTCP, 4000, 4000)))
        assert [item.kind for item in items] == ["rtp", "rtcp"]

    @pytest.mark.parametrize(
        "payload",
        [
            b"",
            b"\0\0\0\0",
            b"\r\n\r\n",
            b"GET / HTTP/1.1\r\n\r\n",
            b"HEP3",
            bytes(1200),
        ],
    )
    def test_all_else_is_nothing(self, payload: bytes) -> None:
        assert list(read_capture(pcap(frame(payload)))) == []

    def test_sip_in_an_icmp_error_is_not_sent_again(self) -> None:
        quoted = frame(REGISTER)[14:]
        icmp = b"\x03\x03\0\0\0\0\0\0" + quoted
        ip = dpkt.ip.IP(src=b"\xc0\0\2\2", dst=b"\xc0\0\2\1", p=1, data=icmp)
        ip.len = len(ip)
        (found,) = read_capture(pcap(bytes(ip), link=101))
        assert (found.kind, found.payload) == ("network", bytes(ip))


@pytest.mark.parametrize(
    ("protocol", "kind"),
    [
        *((1, "sip"), (4, "rtp"), (5, "rtcp"), (100, "log"), (0x56, "log")),
        *((34, "quality"), (35, "quality"), (101, "quality"), (2, None), (61, None)),
    ],
)
def test_what_hep_carries_is_told_by_its_type(protocol: int, kind: str | None) -> None:
    payload = REGISTER if protocol == 1 else b"{}"
    found = from_hep(hep.HepPacket(protocol, payload, correlation_id="a@b"), 5)
    assert (found.kind if found else None) == kind


class TestHep:
    CALL = hep.HepPacket(
        hep.SIP,
        REGISTER,
        ts=1_600_000_000_123_456_000,
        src=Endpoint("2001:db8::1", 5060),
        dst=Endpoint("2001:db8::2", 5061),
        transport="tls",
        agent="edge",
    )

    def test_the_outer_packet_is_not_given(self) -> None:
        (item,) = read_capture(pcap(frame(hep.build(self.CALL), 1000, 2000)))
        assert item == Captured(
            "sip",
            self.CALL.ts,
            self.CALL.src,
            self.CALL.dst,
            "tls",
            REGISTER,
            "one@example.com",
            "REGISTER",
            "edge",
        )

    def test_without_a_time_it_was_captured_when_it_arrived(self) -> None:
        packet = hep.HepPacket(hep.SIP, REGISTER)
        (item,) = read_capture(pcap(frame(hep.build(packet))))
        assert item.ts == 1_700_000_000_000_000_000

    def test_addresses_may_be_unknown(self) -> None:
        packet = hep.HepPacket(hep.SIP, REGISTER)
        (item,) = read_capture(pcap(frame(hep.build(packet))))
        assert (item.src, item.dst) == (None, None)

    @pytest.mark.parametrize(
        ("protocol", "kind"),
        [
            (hep.RTCP, "rtcp"),
            (hep.RTP, "rtp"),
            (hep.LOG, "log"),
            (hep.OPENSIPS_LOG, "log"),
            (hep.SIPPULSE_QUALITY, "quality"),
        ],
    )
    def test_what_is_not_sip_has_the_correlation_id(
        self, protocol: int, kind: str
    ) -> None:
        packet = hep.HepPacket(protocol, b"{}", correlation_id="one@example.com")
        (item,) = read_capture(pcap(frame(hep.build(packet))))
        assert (item.kind, item.call_id) == (kind, "one@example.com")

    def test_what_claims_to_be_sip_and_is_not_is_nothing(self) -> None:
        packet = hep.HepPacket(hep.SIP, b"\r\n\r\n")
        assert list(read_capture(pcap(frame(hep.build(packet))))) == []

    def test_reports_of_other_systems_are_nothing(self) -> None:
        packet = hep.HepPacket(61, b"d7:command4:pinge")
        assert list(read_capture(pcap(frame(hep.build(packet))))) == []


class TestDamage:
    def test_a_file_that_is_cut_gives_what_is_whole(self) -> None:
        whole = pcap(frame(REGISTER), frame(REGISTER)).getvalue()
        damage: list[str] = []
        cut = io.BytesIO(whole[:-1])
        assert len(list(read_capture(cut, on_damage=damage.append))) == 1
        assert damage == ["the file is cut off after 1 frames"]

    def test_no_capture_is_refused_before_the_first_item_is_asked_for(self) -> None:
        with pytest.raises(CaptureError, match="save the capture"):
            read_capture(io.BytesIO(b"INVITE sip:b SIP/2.0\r\n\r\n"))

    def test_a_link_type_that_cannot_be_read_is_told_once(self) -> None:
        damage: list[str] = []
        file = pcap(frame(REGISTER), frame(REGISTER), link=147)
        assert list(read_capture(file, on_damage=damage.append)) == []
        assert damage == ["frames of link type 147, which cannot be read"]

    @given(data=st.binary(max_size=2000))
    def test_any_bytes(self, data: bytes) -> None:
        drain(data)

    @given(
        data=st.binary(max_size=500),
        link=st.sampled_from([0, 1, 12, 101, 108, 113, 276, 147]),
    )
    def test_any_frame(self, data: bytes, link: int) -> None:
        drain(pcap(data, link=link).getvalue())

    @pytest.mark.parametrize(
        "name", ["fragmented", "sip_tcp", "ipv6_udp", "answered_rtcp", "proxy_baresip"]
    )
    @settings(max_examples=25)
    @given(seed=st.randoms(use_true_random=False))
    def test_a_capture_with_wrong_bytes(self, name: str, seed: Any) -> None:
        data = bytearray((AGENT / f"{name}.pcap").read_bytes()[:30000])
        for _ in range(seed.randrange(1, 60)):
            data[seed.randrange(len(data))] = seed.randrange(256)
        drain(bytes(data[: seed.randrange(len(data))]))

    @settings(max_examples=100)
    @given(seed=st.randoms(use_true_random=False))
    def test_any_capture_by_others_with_wrong_bytes(
        self, public_corpus: Path, seed: Any
    ) -> None:
        path = seed.choice(sorted(public_corpus.glob("**/*.pcap*")))
        data = bytearray(path.read_bytes()[:30000])
        for _ in range(seed.randrange(1, 60)):
            data[seed.randrange(len(data))] = seed.randrange(256)
        drain(bytes(data[: seed.randrange(len(data))]))


def drain(data: bytes) -> None:
    """Read it all; nothing but a CaptureError may come of it."""
    try:
        for item in read_capture(io.BytesIO(data)):
            assert json.dumps([item.kind, item.call_id, item.cseq_method, item.agent])
            assert item.ts >= 0
    except CaptureError as error:
        assert str(error)


class _Endless(io.RawIOBase):
    """A capture of any length, made while it is read."""

    def __init__(self, pieces: Iterator[bytes]) -> None:
        self._pieces = pieces
        self.read_so_far = 0

    def read(self, size: int = -1) -> bytes:
        piece = next(self._pieces, b"")
        self.read_so_far += len(piece)
        return piece


def ip_record(source: int, protocol: int, payload: bytes, fragment: int = 0) -> bytes:
    """A record of a pcap with raw IP; the identification is that of the source."""
    size = 20 + len(payload)
    header = struct.pack(
        "!BxHHHBBxxI4s",
        0x45,
        size,
        source,
        fragment,
        64,
        protocol,
        source,
        b"\xc0\0\2\2",
    )
    return struct.pack("<IIII", source, 0, size, size) + header + payload


def tcp_segment(sequence: int, data: bytes) -> bytes:
    return struct.pack("!HHIIBBHHH", 5060, 5060, sequence, 0, 0x50, 0, 0, 0, 0) + data


def fragments_without_end(count: int) -> Iterator[bytes]:
    """First fragments, each of another datagram."""
    for number in range(count):
        yield ip_record(number, 17, bytes(1400), fragment=0x2000)


def messages_without_end(count: int) -> Iterator[bytes]:
    """Connections that each begin a message of many bytes."""
    head = b"INVITE sip:b SIP/2.0\r\nContent-Length: 250000\r\n\r\n"
    for number in range(count):
        yield ip_record(number, 6, tcp_segment(0, head + bytes(1400)))


def segments_with_gaps(count: int) -> Iterator[bytes]:
    """One connection of which every second byte was lost."""
    for number in range(count):
        sequence = number * 2800 & 0xFFFFFFFF
        yield ip_record(1, 6, tcp_segment(sequence, bytes(1400)))


@pytest.mark.parametrize(
    "records", [fragments_without_end, messages_without_end, segments_with_gaps]
)
def test_memory_is_bounded(
    records: Callable[[int], Iterator[bytes]], monkeypatch: pytest.MonkeyPatch
) -> None:
    """20 MB of what has to be kept for later, and is kept only up to a limit."""
    monkeypatch.setattr(tcp, "MAX_HELD", 2_000_000)
    monkeypatch.setattr(fragments, "MAX_HELD", 2_000_000)
    header = struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 101)

    def pieces() -> Iterator[bytes]:
        yield header
        yield from records(14_000)

    file = _Endless(pieces())
    tracemalloc.start()
    try:
        assert not list(read_capture(file))  # type: ignore[arg-type]
        assert file.read_so_far > 20_000_000
        assert tracemalloc.get_traced_memory()[1] < 8_000_000
    finally:
        tracemalloc.stop()
