"""What one direction of a connection carries, told by its content."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import framing
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.framing import Framed
from flask_sipvault.protocols.framing import MessageFramer

BYE = b"BYE sip:b SIP/2.0\r\nVia: SIP/2.0/TCP a\r\nContent-Length: 0\r\n\r\n"
OK = b"SIP/2.0 200 OK\r\nVia: SIP/2.0/TCP a\r\nContent-Length: 4\r\n\r\nbody"
UPGRADE = b"GET /ws HTTP/1.1\r\nHost: a\r\nUpgrade: websocket\r\n\r\n"
SWITCHING = b"HTTP/1.1 101 Switching Protocols\r\nupgrade:  WebSocket\r\n\r\n"


def text_frame(data: bytes) -> bytes:
    assert len(data) > 125 or len(data) < 126
    return bytes([0x81, len(data)]) + data


def feed(*pieces: bytes) -> list[Framed]:
    framer = MessageFramer()
    return [message for piece in pieces for message in framer.feed(piece)]


class TestSip:
    def test_messages_one_after_the_other(self) -> None:
        assert feed(BYE + OK + BYE) == [Framed("tcp", m) for m in (BYE, OK, BYE)]

    @pytest.mark.parametrize("size", [1, 7, 30])
    def test_once_known_as_sip_a_message_may_come_in_any_pieces(
        self, size: int
    ) -> None:
        pieces = [OK[at : at + size] for at in range(0, len(OK), size)]
        assert feed(BYE, *pieces, BYE) == [Framed("tcp", m) for m in (BYE, OK, BYE)]

    @pytest.mark.parametrize("cut", [1, 3, 4, 5, 8, 17, 18, 19])
    @pytest.mark.parametrize("first", [BYE, OK])
    def test_the_first_start_line_may_be_cut_anywhere(
        self, first: bytes, cut: int
    ) -> None:
        assert feed(first[:cut], first[cut:]) == [Framed("tcp", first)]

    def test_keep_alives_between_messages_are_no_part_of_them(self) -> None:
        assert feed(b"\r\n\r\n", BYE + b"\r\n\r\n", b"\r\n" + OK) == [
            Framed("tcp", BYE),
            Framed("tcp", OK),
        ]

    def test_what_follows_no_message_is_dropped(self) -> None:
        assert feed(BYE + b"v=0\r\n", OK) == [Framed("tcp", BYE), Framed("tcp", OK)]

    def test_a_message_that_is_too_long_is_lost_and_no_other(self) -> None:
        endless = BYE.replace(b"Length: 0", b"Length: 999999")
        filler = bytes(framing.MAX_MESSAGE)
        assert feed(BYE, endless, filler, OK) == [Framed("tcp", BYE), Framed("tcp", OK)]

    def test_a_status_line_in_a_lost_body_is_no_message(self) -> None:
        """The body of a NOTIFY in a transfer (RFC 3515 section 2.4.5)."""
        framer = MessageFramer()
        framer.feed(BYE)
        framer.lose()
        assert framer.feed(b"phrag\r\n\r\nSIP/2.0 200 OK\r\n") == []
        assert framer.feed(BYE) == [Framed("tcp", BYE)]


class TestOther:
    def test_a_trace_in_a_download_is_not_sip(self) -> None:
        answer = b"HTTP/1.1 200 OK\r\nContent-Type: text/plain\r\n\r\n"
        assert feed(answer + BYE + OK) == []

    def test_nothing_is_kept_of_it(self) -> None:
        framer = MessageFramer()
        for data in (b"\x16\x03\x01\x02\0" + bytes(500), b"220 mail ESMTP\r\n", b"GE"):
            framer.feed(data)
            assert framer.held == 0

    def test_empty_lines_do_not_make_it_sip(self) -> None:
        assert feed(b"\r\n\r\n", UPGRADE, text_frame(BYE)) == [Framed("ws", BYE)]

    def test_hep_one_packet_after_the_other(self) -> None:
        packets = [hep.build(hep.HepPacket(hep.SIP, BYE)) for _ in range(3)]
        stream = b"".join(packets)
        assert feed(stream[:10], stream[10:300], stream[300:]) == [
            Framed("hep", packet) for packet in packets
        ]

    def test_hep_that_goes_wrong_is_found_again_at_the_next_segment(self) -> None:
        packet = hep.build(hep.HepPacket(hep.SIP, BYE))
        assert feed(packet + b"HEP3\0\0", packet) == [Framed("hep", packet)] * 2


class TestWebSocket:
    @pytest.mark.parametrize("handshake", [UPGRADE, SWITCHING])
    def test_begins_after_the_handshake(self, handshake: bytes) -> None:
        data = handshake + text_frame(BYE)
        assert feed(data) == [Framed("ws", BYE)]
        assert feed(data[:20], data[20:70], data[70:]) == [Framed("ws", BYE)]

    def test_that_was_up_before_the_capture(self) -> None:
        assert feed(text_frame(BYE), text_frame(OK)) == [
            Framed("ws", BYE),
            Framed("ws", OK),
        ]

    def test_that_carries_something_else(self) -> None:
        assert feed(UPGRADE, text_frame(b'{"json": 1}'), text_frame(BYE)) == [
            Framed("ws", BYE)
        ]

    def test_goes_on_after_a_loss(self) -> None:
        framer = MessageFramer()
        framer.feed(UPGRADE + text_frame(BYE)[:20])
        framer.lose()
        assert framer.feed(text_frame(OK)) == [Framed("ws", OK)]

    def test_a_handshake_without_end_is_given_up(self) -> None:
        framer = MessageFramer()
        framer.feed(b"GET / HTTP/1.1\r\n" + b"x" * framing.MAX_HANDSHAKE)
        assert framer.held == 0


@given(
    pieces=st.lists(
        st.one_of(
            st.binary(max_size=60),
            st.sampled_from(
                [BYE, OK, UPGRADE, SWITCHING, text_frame(BYE), b"HEP3\0\x20", OK[:50]]
            ),
        ),
        max_size=20,
    ),
    lost=st.sets(st.integers(0, 20)),
)
def test_any_bytes(pieces: list[bytes], lost: set[int]) -> None:
    framer = MessageFramer()
    for number, piece in enumerate(pieces):
        for message in framer.feed(piece):
            assert message.payload
        if number in lost:
            framer.cut(1)
            assert framer.held == 0
