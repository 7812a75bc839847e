from __future__ import annotations

import contextlib
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.packets import Framer
from flask_sipvault.protocols.packets import length_on_wire
from flask_sipvault.protocols.packets import MAX_SEGMENT
from flask_sipvault.protocols.packets import MAX_UDP_PAYLOAD
from flask_sipvault.protocols.packets import Message
from flask_sipvault.protocols.packets import messages
from flask_sipvault.protocols.packets import PacketError

ALICE = Endpoint("192.0.2.1", 5060)
BOB = Endpoint("198.51.100.2", 5061)
ALICE6 = Endpoint("2001:db8::1", 5060)
BOB6 = Endpoint("2001:db8::2", 5061)

# An IPv4 address in IPv6 form is how a packet has two families: none of its own here.
endpoints = st.builds(
    Endpoint,
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str).filter(lambda ip: not ip.startswith("::ffff:")),
    st.integers(0, 65535),
)
sent = st.builds(
    Message,
    st.integers(0, 2**62),
    endpoints,
    endpoints,
    st.sampled_from(["udp", "tcp", "sctp"]),
    st.binary(max_size=300),
    st.just(0),
)


def frames(*sent: Message) -> list[tuple[int, bytes]]:
    framer = Framer()
    return [(message.ts, frame) for message in sent for frame in framer.frames(message)]


def tcp_numbers(frame: bytes) -> tuple[int, int]:
    sequence, acknowledged = struct.unpack_from("!II", frame, 24)
    return sequence, acknowledged


@given(st.lists(sent))
def test_whatever_was_sent_is_read_back(sent: list[Message]) -> None:
    assert list(messages(frames(*sent))) == sent


@pytest.mark.parametrize("transport", ["udp", "tcp", "sctp"])
@pytest.mark.parametrize(("src", "dst"), [(ALICE, BOB), (ALICE6, BOB6)])
@pytest.mark.parametrize(
    "size",
    [0, 1, 1472, MAX_SEGMENT, MAX_SEGMENT + 1, MAX_UDP_PAYLOAD, 66000, 3 * MAX_SEGMENT],
)
def test_a_message_of_any_size_is_read_back(
    transport: str, src: Endpoint, dst: Endpoint, size: int
) -> None:
    message = Message(1, src, dst, transport, b"\r" * size)
    [read] = messages(frames(message))
    assert read.payload == message.payload
    assert (read.src, read.dst) == (src, dst)


@pytest.mark.parametrize("transport", ["udp", "tcp"])
@pytest.mark.parametrize(("src", "dst"), [(ALICE, BOB), (ALICE6, BOB6)])
def test_a_message_that_was_cut_off_has_headers_of_the_whole_one(
    transport: str, src: Endpoint, dst: Endpoint
) -> None:
    cut = Message(1, src, dst, transport, b"INVITE", missing=1000)
    ((_, packet),) = frames(cut)
    assert length_on_wire(packet) == len(packet) + 1000
    with pytest.raises(PacketError, match="not as it was written"):
        list(messages([(1, packet)]))


def test_what_follows_in_a_tcp_stream_counts_the_bytes_that_are_missing() -> None:
    cut = Message(1, ALICE, BOB, "tcp", b"INVITE", missing=1000)
    (_, first), (_, second) = frames(cut, cut)
    assert tcp_numbers(second)[0] - tcp_numbers(first)[0] == 1006


def test_a_datagram_is_one_packet_whatever_the_mtu() -> None:
    message = Message(1, ALICE, BOB, "udp", b"x" * MAX_UDP_PAYLOAD)
    [(_, packet)] = frames(message)
    assert len(packet) == 65535


def test_what_no_datagram_can_hold_goes_as_tcp() -> None:
    message = Message(1, ALICE, BOB, "udp", b"x" * (MAX_UDP_PAYLOAD + 1))
    assert list(messages(frames(message))) == [message._replace(transport="tcp")]


def test_unknown_addresses_are_zeros() -> None:
    for known, zero in ((None, "0.0.0.0"), (BOB, "0.0.0.0"), (BOB6, "::")):
        [read] = messages(frames(Message(1, None, known, "udp", b"")))
        assert read.src == Endpoint(zero, 0)
        assert read.dst == (known or Endpoint("0.0.0.0", 0))


def test_an_address_of_each_family_share_an_ipv6_packet() -> None:
    there = Message(1, ALICE, BOB6, "udp", b"x")
    back = Message(2, BOB6, ALICE, "udp", b"x")
    sent = frames(there, back)
    assert {frame[0] >> 4 for _, frame in sent} == {6}
    assert list(messages(sent)) == [there, back]


def test_each_direction_of_a_stream_counts_and_acknowledges() -> None:
    sent = frames(
        Message(1, ALICE, BOB, "tcp", b"12345"),
        Message(2, BOB, ALICE, "tls", b"123"),
        Message(3, ALICE, BOB, "ws", b"1"),
    )
    assert [tcp_numbers(frame) for _, frame in sent] == [(1, 1), (1, 6), (6, 4)]


def test_streams_of_other_addresses_count_for_themselves() -> None:
    other = ALICE._replace(port=5062)
    sent = frames(
        Message(1, ALICE, BOB, "tcp", b"12345"), Message(2, other, BOB, "tcp", b"1")
    )
    assert tcp_numbers(sent[1][1]) == (1, 1)


def test_sequence_numbers_wrap() -> None:
    framer = Framer()
    message = Message(1, ALICE, BOB, "tcp", b"12345")
    framer.frames(message)
    [counter] = framer._next
    framer._next[counter] = 0xFFFFFFFE
    numbers = [tcp_numbers(framer.frames(message)[0])[0] for _ in range(2)]
    assert numbers == [0xFFFFFFFE, 3]


def test_an_address_that_is_none_is_refused() -> None:
    with pytest.raises(ValueError, match="example"):
        Framer().frames(Message(1, Endpoint("example.net", 5060), BOB, "udp", b""))


def test_a_message_cut_off_is_an_error_after_what_is_whole() -> None:
    whole = Message(1, ALICE, BOB, "tcp", b"whole")
    sent = frames(whole, Message(2, ALICE, BOB, "tcp", b"x" * (MAX_SEGMENT + 1)))
    read = messages(sent[:-1])
    assert next(read) == whole
    with pytest.raises(PacketError, match="cut off"):
        next(read)


def test_a_message_broken_into_by_another_is_an_error() -> None:
    long = Message(2, ALICE, BOB, "tcp", b"x" * (MAX_SEGMENT + 1))
    first, last = frames(long)
    with pytest.raises(PacketError, match="breaks off"):
        list(messages([first, *frames(Message(2, BOB, ALICE, "udp", b"")), last]))


@given(st.lists(st.tuples(st.integers(0, 9), st.binary(max_size=80))))
def test_whatever_the_packets_a_message_or_the_error(
    packets: list[tuple[int, bytes]],
) -> None:
    with contextlib.suppress(PacketError):
        list(messages(packets))


@given(sent, st.data())
def test_a_packet_with_a_changed_byte_is_a_message_or_the_error(
    message: Message, data: st.DataObject
) -> None:
    changed = [(ts, _with_a_changed_byte(frame, data)) for ts, frame in frames(message)]
    with contextlib.suppress(PacketError):
        list(messages(changed))


def _with_a_changed_byte(frame: bytes, data: st.DataObject) -> bytes:
    at = data.draw(st.integers(0, len(frame) - 1))
    return frame[:at] + data.draw(st.binary(max_size=2)) + frame[at + 1 :]
