"""Messages out of TCP segments: in whatever order, however often, even if not all."""

from __future__ import annotations

import struct
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import tcp
from flask_sipvault.protocols.tcp import Connections
from flask_sipvault.protocols.tcp import Segment

CALLER, CALLEE = b"\xc0\0\2\1", b"\xc0\0\2\2"
MS = 1_000_000
FIN, SYN, RST, ACK = 0x01, 0x02, 0x04, 0x10


def message(number: int, body: int = 0) -> bytes:
    head = f"BYE sip:b SIP/2.0\r\nCall-ID: {number}\r\nContent-Length: {body}\r\n\r\n"
    return head.encode() + b"x" * body


class Wire:
    """A connection's caller side, captured."""

    def __init__(self, start: int = 1000) -> None:
        self.connections = Connections()
        self.start = start
        self.now = 0
        self.found: list[tuple[int, bytes]] = []

    def sends(
        self,
        position: int,
        data: bytes = b"",
        *,
        flags: int = ACK,
        after: int = 0,
        missing: int = 0,
    ) -> None:
        """The caller sends data, at a position in its stream."""
        sequence = (self.start + position) & 0xFFFFFFFF
        segment = Segment(5060, 5060, sequence, 0, flags, data, missing)
        self._capture(CALLER, CALLEE, segment, after)

    def hears(self, position: int, *, after: int = 0) -> None:
        """The callee acknowledges all before a position in the caller's stream."""
        sequence = (self.start + position) & 0xFFFFFFFF
        self._capture(CALLEE, CALLER, Segment(5060, 5060, 7, sequence, ACK, b""), after)

    def ends(self) -> None:
        self._found(self.connections.flush())

    def _capture(self, src: bytes, dst: bytes, segment: Segment, after: int) -> None:
        self.now += after
        self._found(self.connections.add(self.now, src, dst, segment))

    def _found(self, delivered: list[tcp.Delivered]) -> None:
        for ts, direction, framed in delivered:
            assert direction == (CALLER, 5060, CALLEE, 5060)
            self.found.append((ts, framed.payload))

    @property
    def messages(self) -> list[bytes]:
        return [payload for _, payload in self.found]


@pytest.fixture
def wire() -> Wire:
    return Wire()


ONE, TWO, THREE = message(1), message(2, body=30), message(3)
SIZE = len(ONE)


class TestWhole:
    def test_one_message_a_segment(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE, TWO)
        assert wire.messages == [ONE, TWO]

    def test_several_messages_a_segment(self, wire: Wire) -> None:
        wire.sends(0, ONE + TWO + THREE)
        assert wire.messages == [ONE, TWO, THREE]

    def test_a_message_has_the_time_of_its_last_segment(self, wire: Wire) -> None:
        wire.sends(0, TWO[:20])
        wire.sends(20, TWO[20:40], after=3)
        wire.sends(40, TWO[40:] + ONE[:10], after=4)
        wire.sends(len(TWO) + 10, ONE[10:], after=5)
        assert wire.found == [(7, TWO), (12, ONE)]

    def test_sequence_numbers_that_wrap_round(self) -> None:
        wire = Wire(start=0xFFFFFFFF - 10)
        wire.sends(0, ONE)
        wire.sends(SIZE, TWO)
        assert wire.messages == [ONE, TWO]

    def test_directions_do_not_mix(self) -> None:
        connections = Connections()
        found = []
        for src, dst, data in (
            (CALLER, CALLEE, ONE[:9]),
            (CALLEE, CALLER, TWO[:9]),
            (CALLER, CALLEE, ONE[9:]),
            (CALLEE, CALLER, TWO[9:]),
        ):
            start = 9 if data in (ONE[9:], TWO[9:]) else 0
            segment = Segment(1, 1, start, 0, 0, data)
            found += connections.add(0, src, dst, segment)
        assert [(d.direction.src, d.message.payload) for d in found] == [
            (CALLER, ONE),
            (CALLEE, TWO),
        ]

    def test_a_connection_that_was_up_before_the_capture(self, wire: Wire) -> None:
        wire.sends(500, b"the end of a message\r\n\r\n")
        wire.sends(524, ONE)
        assert wire.messages == [ONE]


class TestRetransmission:
    def test_gives_nothing(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(0, ONE, after=200 * MS)
        assert wire.messages == [ONE]

    def test_that_goes_on_gives_what_is_new(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(0, ONE + TWO)
        assert wire.messages == [ONE, TWO]

    def test_after_the_end_gives_nothing(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE, flags=FIN | ACK)
        wire.sends(0, ONE, flags=FIN | ACK)
        assert wire.messages == [ONE]

    def test_a_keep_alive_probe_gives_nothing(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE - 1, b"\0")
        wire.sends(SIZE, TWO)
        assert wire.messages == [ONE, TWO]

    def test_of_a_syn_does_not_begin_anew(self, wire: Wire) -> None:
        wire.sends(-1, flags=SYN)
        wire.sends(0, ONE)
        wire.sends(-1, flags=SYN)
        wire.sends(0, ONE)
        assert wire.messages == [ONE]


class TestOrder:
    def test_segments_out_of_order(self, wire: Wire) -> None:
        wire.sends(-1, flags=SYN)
        wire.sends(SIZE, TWO, after=1)
        wire.sends(0, ONE, after=1)
        assert wire.found == [(2, ONE), (2, TWO)]

    def test_a_message_whose_parts_are_out_of_order(self, wire: Wire) -> None:
        wire.sends(0, TWO[:10])
        wire.sends(30, TWO[30:])
        wire.sends(20, TWO[20:30])
        wire.sends(10, TWO[10:20])
        assert wire.messages == [TWO]

    def test_overlapping_segments_out_of_order(self, wire: Wire) -> None:
        wire.sends(0, TWO[:10])
        wire.sends(25, TWO[25:])
        wire.sends(20, TWO[20:40])
        wire.sends(5, TWO[5:22])
        assert wire.messages == [TWO]


class TestLoss:
    def test_by_the_capture_costs_one_message(self, wire: Wire) -> None:
        """The callee has it, so that no retransmission will come."""
        wire.sends(0, ONE)
        wire.sends(SIZE + 700, THREE, after=MS)
        wire.hears(SIZE + 700 + len(THREE), after=MS)
        wire.hears(SIZE + 700 + len(THREE), after=60 * MS)
        assert wire.found == [(0, ONE), (MS, THREE)]

    def test_by_the_network_waits_for_the_retransmission(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE + len(TWO), THREE)
        wire.hears(SIZE, after=900 * MS)
        wire.sends(SIZE, TWO, after=2000 * MS)
        assert wire.messages == [ONE, TWO, THREE]

    def test_is_given_up_after_a_while(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE + 700, TWO)
        wire.sends(SIZE + 700 + len(TWO), THREE, after=6000 * MS)
        assert wire.found == [(0, ONE), (0, TWO), (6000 * MS, THREE)]

    def test_is_given_up_at_the_end_of_the_capture(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(SIZE + 700, TWO)
        assert wire.messages == [ONE]
        wire.ends()
        assert wire.messages == [ONE, TWO]

    def test_within_a_message_costs_only_that(self, wire: Wire) -> None:
        wire.sends(0, TWO[:20])
        wire.sends(50, TWO[50:])
        wire.sends(len(TWO), THREE)
        wire.ends()
        assert wire.messages == [THREE]

    def test_the_next_message_may_begin_within_a_segment(self, wire: Wire) -> None:
        invite = b"INVITE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP a\r\n\r\n"
        wire.sends(0, ONE + TWO[:20])
        wire.sends(500, b"v=0\r\no=- 1 1 IN IP4 192.0.2.1\r\n" + invite)
        wire.ends()
        assert wire.messages == [ONE, invite]

    def test_a_segment_that_the_capture_cut_gives_what_there_is(
        self, wire: Wire
    ) -> None:
        wire.sends(0, TWO[:-10], missing=10)
        wire.sends(len(TWO), THREE)
        assert wire.messages == [TWO[:-10], THREE]


class TestNewConnection:
    def test_between_the_same_ports(self, wire: Wire) -> None:
        wire.sends(-1, flags=SYN)
        wire.sends(0, ONE + TWO[:10])
        wire.start = 90_000
        wire.sends(-1, flags=SYN)
        wire.sends(0, ONE)
        assert wire.messages == [ONE, ONE]

    def test_whose_beginning_was_not_captured(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        wire.sends(tcp.FAR * 2, TWO)
        assert wire.messages == [ONE, TWO]


class TestLimits:
    def test_segments_after_a_gap(self, wire: Wire) -> None:
        wire.sends(0, ONE)
        at = SIZE + 700
        for _ in range(tcp.MAX_WAITING + 1):
            wire.sends(at, THREE)
            at += len(THREE)
        assert len(wire.messages) == 1 + tcp.MAX_WAITING + 1

    def test_directions(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tcp, "MAX_DIRECTIONS", 2)
        connections = Connections()
        found = []
        for data in (ONE[:20], ONE[20:]):
            for port in (1, 2, 3):
                start = 0 if data == ONE[:20] else 20
                segment = Segment(port, 5060, start, 0, 0, data)
                found += connections.add(0, CALLER, CALLEE, segment)
        assert not found

    def test_bytes_held(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setattr(tcp, "MAX_HELD", 1000)
        connections = Connections()
        for port in range(100):
            segment = Segment(port, 5060, 0, 0, 0, message(1, body=500)[:400])
            connections.add(0, CALLER, CALLEE, segment)
        # The last two are remembered, the first is not.
        rest = message(1, body=500)[400:]
        last = connections.add(0, CALLER, CALLEE, Segment(99, 5060, 400, 0, 0, rest))
        first = connections.add(0, CALLER, CALLEE, Segment(0, 5060, 400, 0, 0, rest))
        assert (len(last), len(first)) == (1, 0)


class TestParse:
    def test_a_header_with_options(self) -> None:
        header = struct.pack("!HHIIBBHHH", 1, 2, 3, 4, 0x60, ACK, 5, 0, 0)
        segment = Segment.parse(header + b"opts" + b"data", missing=9)
        assert segment == Segment(1, 2, 3, 4, ACK, b"data", 9)

    @pytest.mark.parametrize("data", [b"", bytes(19), bytes(20)])
    def test_less_than_a_header_is_none(self, data: bytes) -> None:
        assert Segment.parse(data) is None


@given(
    bodies=st.lists(st.integers(0, 200), min_size=1, max_size=8),
    chance=st.randoms(use_true_random=False),
    start=st.sampled_from([0, 0xFFFFFF00, 5]),
)
def test_any_cut_in_any_order_with_any_repetition(
    bodies: list[int], chance: Any, start: int
) -> None:
    sent = [message(number, body) for number, body in enumerate(bodies)]
    stream = b"".join(sent)
    segments = []
    at = 0
    while at < len(stream):
        size = chance.randrange(1, 120)
        segments.append((at, stream[at : at + size]))
        at += size
    segments += chance.sample(segments, len(segments) // 3)
    chance.shuffle(segments)

    wire = Wire(start)
    wire.sends(-1, flags=SYN)
    for at, data in segments:
        wire.sends(at, data)
    assert wire.messages == sent


@given(
    segments=st.lists(
        st.tuples(
            st.integers(-100, 3000),
            st.one_of(st.binary(max_size=50), st.sampled_from([ONE, TWO, ONE[:30]])),
            st.integers(0, 255),
            st.integers(0, 3000 * MS),
            st.integers(0, 20),
        ),
        max_size=30,
    )
)
def test_any_segments(segments: list[tuple[int, bytes, int, int, int]]) -> None:
    wire = Wire()
    for position, data, flags, after, missing in segments:
        wire.sends(position, data, flags=flags, after=after, missing=missing)
        wire.hears(position)
    wire.ends()
    assert wire.connections._held == 0
