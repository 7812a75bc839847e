"""SIP over SCTP: the user messages in DATA chunks."""

from __future__ import annotations

import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sctp
from flask_sipvault.protocols.sctp import Associations

SRC, DST = b"\xc0\0\2\1", b"\xc0\0\2\2"
WAY = (SRC, 5060, DST, 5061)
BEGIN, END = 2, 1


def chunk(data: bytes, flags: int = BEGIN | END, tsn: int = 1) -> bytes:
    head = struct.pack("!BBHIHHI", 0, flags, 16 + len(data), tsn, 0, 0, 0)
    return head + data + bytes(-len(data) % 4)


def packet(*chunks: bytes) -> bytes:
    return struct.pack("!HHII", 5060, 5061, 0, 0) + b"".join(chunks)


def messages(*packets: bytes) -> list[bytes]:
    associations = Associations()
    return [m for data in packets for _, m in associations.add(SRC, DST, data)]


def test_a_message_in_one_chunk() -> None:
    found = Associations().add(SRC, DST, packet(chunk(b"message")))
    assert found == [(WAY, b"message")]


def test_several_chunks_in_a_packet_among_others() -> None:
    sack = struct.pack("!BBHIIHH", 3, 0, 16, 1, 1, 0, 0)
    assert messages(packet(sack, chunk(b"one"), chunk(b"three", tsn=2))) == [
        b"one",
        b"three",
    ]


def test_a_message_in_fragments() -> None:
    first = packet(chunk(b"in ", BEGIN, 0xFFFFFFFF))
    rest = packet(chunk(b"three ", 0, 0), chunk(b"parts", END, 1))
    assert messages(first, rest) == [b"in three parts"]


def test_fragments_of_two_associations_do_not_mix() -> None:
    associations = Associations()
    associations.add(SRC, DST, packet(chunk(b"one", BEGIN, 7)))
    assert associations.add(DST, SRC, packet(chunk(b"two", END, 8))) == []


def test_a_message_that_lacks_a_fragment_is_lost() -> None:
    assert messages(packet(chunk(b"a", BEGIN, 1), chunk(b"c", END, 3))) == []


def test_a_chunk_that_the_capture_cut_is_lost() -> None:
    assert messages(packet(chunk(b"one"), chunk(b"two!", tsn=2))[:-1]) == [b"one"]


def test_memory_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sctp, "MAX_MESSAGE", 100)
    monkeypatch.setattr(sctp, "MAX_PENDING", 5)
    associations = Associations()
    for tsn in range(0, 1000, 2):
        associations.add(SRC, DST, packet(chunk(bytes(90), BEGIN, tsn)))
    for tsn in range(1001, 1100):
        associations.add(SRC, DST, packet(chunk(bytes(90), 0, tsn)))
    assert sum(map(len, associations._pending.values())) <= 5 * 190


@given(
    data=st.binary(max_size=200),
    head=st.sampled_from([b"", packet(), packet(chunk(b"", BEGIN))]),
)
def test_any_bytes(data: bytes, head: bytes) -> None:
    Associations().add(SRC, DST, head + data)
