"""Packets about other packets that did not arrive."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.network_error import build
from flask_sipvault.protocols.network_error import NetworkError
from flask_sipvault.protocols.network_error import read

from ..wire import ALICE
from ..wire import ALICE6
from ..wire import BOB
from ..wire import BOB6
from ..wire import fragments
from ..wire import icmp
from ..wire import tcp
from ..wire import udp

PAYLOAD = b"INVITE sip:bob@example.com SIP/2.0\r\n" * 20


@pytest.mark.parametrize(("src", "dst"), [(ALICE, BOB), (ALICE6, BOB6)])
@pytest.mark.parametrize("quoted", [28, 100, 548])
def test_as_much_is_read_as_is_quoted(
    src: Endpoint, dst: Endpoint, quoted: int
) -> None:
    kind, code = (3, 3) if src is ALICE else (1, 4)
    error = read(icmp(kind, code, udp(PAYLOAD, src, dst), quoted=quoted))
    assert error is not None
    assert error.kind == "port-unreachable"
    assert (error.lost_src, error.lost_dst) == (src, dst)
    assert error.lost_size == len(PAYLOAD)
    assert error.quoted == PAYLOAD[: quoted - 28]


def test_a_first_fragment_tells_what_it_is_a_fragment_of() -> None:
    first, second, *_ = fragments(udp(PAYLOAD), 400)
    error = read(icmp(11, 1, first, quoted=100))
    assert error is not None
    assert (error.lost_src, error.lost_size) == (ALICE, len(PAYLOAD))
    assert read(icmp(11, 1, second, quoted=100)) is None


def test_a_reset_is_about_the_other_direction() -> None:
    error = read(tcp(0x04, BOB, ALICE))
    assert error is not None
    assert (error.kind, error.src, error.dst) == ("reset", BOB, ALICE)
    assert (error.lost_src, error.lost_dst) == (ALICE, BOB)


@pytest.mark.parametrize("flags", [0x10, 0x12, 0x18, 0x11])
def test_an_ordinary_segment_is_none(flags: int) -> None:
    assert read(tcp(flags)) is None


def test_a_datagram_is_none() -> None:
    assert read(udp(PAYLOAD)) is None


@pytest.mark.parametrize(
    "packet",
    [
        icmp(3, 4, udp(PAYLOAD), mtu=1400),
        icmp(11, 0, udp(PAYLOAD, ALICE6, BOB6)[:0] + udp(PAYLOAD)),
        icmp(1, 4, udp(PAYLOAD, ALICE6, BOB6)),
        icmp(2, 0, udp(PAYLOAD, ALICE6, BOB6), mtu=1280),
        icmp(3, 3, tcp(0x02)),
        tcp(0x04),
        tcp(0x02),
    ],
)
def test_one_can_be_built_that_says_the_same(packet: bytes) -> None:
    error = read(packet)
    assert error is not None
    assert read(build(error)) == error


def without_bytes(error: NetworkError | None) -> bool:
    return error is None or bool(error.lost_src.ip and error.src.ip)


@given(st.binary(max_size=80))
def test_whatever_the_bytes_it_is_read_or_none(data: bytes) -> None:
    assert without_bytes(read(data))


@given(
    st.sampled_from(
        [icmp(3, 3, udp(PAYLOAD)), icmp(1, 4, udp(PAYLOAD, ALICE6, BOB6)), tcp(4)]
    ),
    st.data(),
)
def test_so_is_one_that_is_cut_or_changed(packet: bytes, data: st.DataObject) -> None:
    changed = bytearray(packet[: data.draw(st.integers(1, len(packet)))])
    changed[data.draw(st.integers(0, len(changed) - 1))] = data.draw(
        st.integers(0, 255)
    )
    assert without_bytes(read(bytes(changed)))
