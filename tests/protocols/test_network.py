"""From a frame down to what its IP datagram carries."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import network
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.fragments import Reassembler
from flask_sipvault.protocols.network import Endpoints
from flask_sipvault.protocols.network import ip_text
from flask_sipvault.protocols.network import Packet
from flask_sipvault.protocols.network import unwrap

SRC, DST = b"\xc0\0\2\1", b"\xc0\0\2\2"
SRC6, DST6 = bytes.fromhex("20010db8") + bytes(11) + b"\1", bytes(15) + b"\1"
DATA = b"what is carried."
MACS = bytes(12)


def ipv4(
    data: bytes = DATA,
    protocol: int = 17,
    fragment: int = 0,
    options: bytes = b"",
    length: int | None = None,
) -> bytes:
    size = 20 + len(options)
    if length is None:
        length = size + len(data)
    first = 0x40 | size // 4
    return (
        struct.pack("!BxHHHBBxx", first, length, 7, fragment, 64, protocol)
        + SRC
        + DST
        + options
        + data
    )


def ipv6(data: bytes = DATA, protocol: int = 17, length: int | None = None) -> bytes:
    length = len(data) if length is None else length
    return struct.pack("!IHBB", 6 << 28, length, protocol, 64) + SRC6 + DST6 + data


def ethernet(data: bytes, ethertype: int = 0x0800, tags: bytes = b"") -> bytes:
    return MACS + tags + struct.pack("!H", ethertype) + data


def gre(data: bytes, ethertype: int, flags: int = 0, fields: bytes = b"") -> bytes:
    return ipv4(struct.pack("!HH", flags, ethertype) + fields + data, protocol=47)


def unwrapped(link: int, *frames: bytes) -> Packet | None:
    """What the last of these frames gives."""
    fragments = Reassembler()
    packet = None
    for frame in frames:
        packet = unwrap(link, 0, frame, fragments)
    # What comes before the payload differs from test to test, as do fragments.
    return None if packet is None else packet._replace(header=b"", fragments=0)


PLAIN = Packet(SRC, DST, 17, DATA, 0)
PLAIN6 = Packet(SRC6, DST6, 17, DATA, 0)


class TestLinks:
    @pytest.mark.parametrize(
        ("link", "before4", "before6"),
        [
            (network.NULL, b"\2\0\0\0", b"\x1e\0\0\0"),
            (network.NULL, b"\0\0\0\2", b"\0\0\0\x18"),
            (network.LOOP, b"\0\0\0\2", b"\0\0\0\x1c"),
            (network.ETHERNET, MACS + b"\x08\0", MACS + b"\x86\xdd"),
            (network.LINUX_SLL, bytes(14) + b"\x08\0", bytes(14) + b"\x86\xdd"),
            (network.LINUX_SLL2, b"\x08\0" + bytes(18), b"\x86\xdd" + bytes(18)),
            (12, b"", b""),
            (14, b"", b""),
            (101, b"", b""),
        ],
    )
    def test_carry_both_versions_of_ip(
        self, link: int, before4: bytes, before6: bytes
    ) -> None:
        assert unwrapped(link, before4 + ipv4()) == PLAIN
        assert unwrapped(link, before6 + ipv6()) == PLAIN6

    def test_raw_ip_of_one_version(self) -> None:
        assert unwrapped(228, ipv4()) == PLAIN
        assert unwrapped(229, ipv6()) == PLAIN6

    def test_an_unknown_one_carries_nothing(self) -> None:
        assert unwrapped(147, ipv4()) is None

    @pytest.mark.parametrize("ethertype", [0x0806, 0x88CC, 38])
    def test_what_is_not_ip_is_nothing(self, ethertype: int) -> None:
        assert unwrapped(1, ethernet(ipv4(), ethertype)) is None

    def test_the_padding_of_short_frames_is_cut_off(self) -> None:
        assert unwrapped(1, ethernet(ipv4() + bytes(10))) == PLAIN


class TestTags:
    def test_vlan(self) -> None:
        assert unwrapped(1, ethernet(ipv4(), tags=b"\x81\0\0\x0a")) == PLAIN

    def test_vlan_in_vlan(self) -> None:
        tags = b"\x88\xa8\0\x0a\x81\0\0\x0b"
        assert unwrapped(1, ethernet(ipv6(), 0x86DD, tags)) == PLAIN6

    def test_vlan_of_a_cooked_capture(self) -> None:
        frame = bytes(14) + b"\x81\0" + b"\0\x0a" + b"\x08\0" + ipv4()
        assert unwrapped(network.LINUX_SLL, frame) == PLAIN

    def test_mpls(self) -> None:
        labels = b"\0\0\x10\x40" + b"\0\0\x21\x40"
        assert unwrapped(1, ethernet(labels + ipv4(), 0x8847)) == PLAIN

    @pytest.mark.parametrize(
        ("protocol", "inner", "want"),
        [(0x0021, ipv4(), PLAIN), (0x0057, ipv6(), PLAIN6), (0xC021, ipv4(), None)],
    )
    def test_pppoe(self, protocol: int, inner: bytes, want: Packet | None) -> None:
        head = b"\x11\0\0\1" + struct.pack("!HH", len(inner) + 2, protocol)
        assert unwrapped(1, ethernet(head + inner, 0x8864)) == want


class TestTunnels:
    @pytest.mark.parametrize(
        "frame",
        [
            ipv4(ipv4(), protocol=4),
            ipv4(ipv4(ipv4(), protocol=4), protocol=4),
            ipv6(ipv4(), protocol=4),
            gre(ipv4(), 0x0800),
            gre(ipv4(), 0x0800, flags=0xB000, fields=bytes(12)),
            gre(ethernet(ipv4()), 0x6558),
            gre(ethernet(ipv4()), 0x88BE),
            gre(ethernet(ipv4()), 0x88BE, flags=0x1000, fields=bytes(4 + 8)),
            gre(ethernet(ipv4()), 0x22EB, flags=0x1000, fields=bytes(4 + 12)),
            gre(
                ethernet(ipv4()),
                0x22EB,
                flags=0x1000,
                fields=bytes(4 + 11) + b"\1" + bytes(8),
            ),
        ],
        ids=[
            "IP in IP",
            "IP in IP in IP",
            "IPv4 in IPv6",
            "GRE",
            "GRE with checksum, key and sequence number",
            "Ethernet in GRE",
            "ERSPAN I",
            "ERSPAN II",
            "ERSPAN III",
            "ERSPAN III with a platform header",
        ],
    )
    def test_the_innermost_counts(self, frame: bytes) -> None:
        assert unwrapped(101, frame) == PLAIN

    def test_ipv6_in_ipv4(self) -> None:
        assert unwrapped(101, ipv4(ipv6(), protocol=41)) == PLAIN6

    def test_pptp_is_nothing(self) -> None:
        assert unwrapped(101, gre(ipv4(), 0x880B, flags=0x3001)) is None

    def test_tunnels_without_end_are_given_up(self) -> None:
        frame = ipv4()
        for _ in range(network.MAX_LAYERS):
            frame = ipv4(frame, protocol=4)
        assert unwrapped(101, frame) is None


class TestIPv4:
    def test_options_are_skipped(self) -> None:
        assert unwrapped(101, ipv4(options=bytes(8))) == PLAIN

    def test_a_length_left_to_the_network_card(self) -> None:
        assert unwrapped(101, ipv4(length=0)) == PLAIN

    def test_what_the_capture_cut_off_is_counted(self) -> None:
        assert unwrapped(101, ipv4()[:-5]) == Packet(SRC, DST, 17, DATA[:-5], 5)

    def test_an_authentication_header_is_skipped(self) -> None:
        header = b"\x11\x04" + bytes(22)
        assert unwrapped(101, ipv4(header + DATA, protocol=51)) == PLAIN

    def test_fragments(self) -> None:
        first, last = ipv4(DATA[:8], fragment=0x2000), ipv4(DATA[8:], fragment=1)
        assert unwrapped(101, first, last) == PLAIN
        assert unwrapped(101, last, first) == PLAIN
        assert unwrapped(101, first) is None

    def test_do_not_fragment_does_not_make_a_fragment(self) -> None:
        assert unwrapped(101, ipv4(fragment=0x4000)) == PLAIN

    def test_a_fragment_that_the_capture_cut_is_lost(self) -> None:
        first, last = ipv4(DATA[:8], fragment=0x2000), ipv4(DATA[8:], fragment=1)
        assert unwrapped(101, first[:-1], last) is None

    def test_a_tunnel_in_fragments(self) -> None:
        inner = ipv4()
        first = ipv4(inner[:16], protocol=4, fragment=0x2000)
        last = ipv4(inner[16:], protocol=4, fragment=2)
        assert unwrapped(101, first, last) == PLAIN


class TestIPv6:
    @pytest.mark.parametrize(
        ("header", "size"),
        [
            (0, bytes([17, 0]) + bytes(6)),
            (43, bytes([17, 2]) + bytes(22)),
            (60, bytes([17, 1]) + bytes(14)),
            (51, bytes([17, 4]) + bytes(22)),
        ],
        ids=["hop by hop", "routing", "destination", "authentication"],
    )
    def test_extension_headers_are_skipped(self, header: int, size: bytes) -> None:
        assert unwrapped(101, ipv6(size + DATA, protocol=header)) == PLAIN6

    def test_several_extension_headers(self) -> None:
        headers = bytes([60, 0]) + bytes(6) + bytes([17, 0]) + bytes(6)
        assert unwrapped(101, ipv6(headers + DATA, protocol=0)) == PLAIN6

    def test_fragments_whose_first_has_more_extension_headers(self) -> None:
        inner = bytes([17, 0]) + bytes(6) + DATA
        first = ipv6(struct.pack("!BxHI", 60, 0 | 1, 9) + inner[:16], protocol=44)
        last = ipv6(struct.pack("!BxHI", 60, 16, 9) + inner[16:], protocol=44)
        assert unwrapped(101, first, last) == PLAIN6
        assert unwrapped(101, last, first) == PLAIN6

    def test_the_only_fragment_of_a_datagram(self) -> None:
        atomic = ipv6(struct.pack("!BxHI", 17, 0, 9) + DATA, protocol=44)
        assert unwrapped(101, atomic) == PLAIN6

    def test_a_length_left_to_the_network_card(self) -> None:
        assert unwrapped(101, ipv6(length=0)) == PLAIN6

    def test_what_the_capture_cut_off_is_counted(self) -> None:
        assert unwrapped(101, ipv6()[:-3]) == Packet(SRC6, DST6, 17, DATA[:-3], 3)


class TestEndpoints:
    def test_text_is_the_shortest(self) -> None:
        assert ip_text(SRC) == "192.0.2.1"
        assert ip_text(SRC6) == "2001:db8::1"

    def test_the_same_endpoint_is_the_same_object(self) -> None:
        endpoints = Endpoints()
        assert endpoints[SRC, 5060] == Endpoint("192.0.2.1", 5060)
        assert endpoints[SRC, 5060] is endpoints[SRC, 5060]

    def test_their_number_is_bounded(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(Endpoints, "LIMIT", 10)
        endpoints = Endpoints()
        for port in range(100):
            assert endpoints[SRC, port].port == port
        assert len(endpoints) <= 10


@given(
    link=st.sampled_from(sorted(network.LINK_TYPES)),
    head=st.sampled_from(
        [
            b"",
            ipv4(),
            ipv6(),
            ethernet(ipv4()),
            ethernet(ipv6(), 0x86DD),
            ethernet(b"", 0x8847),
            ethernet(b"", 0x8864),
            gre(b"", 0x88BE),
            ipv6(b"", protocol=44, length=500),
        ]
    ),
    cut=st.integers(0, 60),
    data=st.binary(max_size=200),
)
def test_any_bytes(link: int, head: bytes, cut: int, data: bytes) -> None:
    packet = unwrapped(link, head[: max(len(head) - cut, 0)] + data)
    if packet is not None:
        assert len(packet.src) == len(packet.dst) in (4, 16)
        assert packet.missing >= 0
