"""WebSocket frames (the examples are those of RFC 6455 section 5.7)."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import websocket
from flask_sipvault.protocols.websocket import FrameReader
from flask_sipvault.protocols.websocket import is_upgrade
from flask_sipvault.protocols.websocket import WebSocketError

UNMASKED = bytes.fromhex("810548656c6c6f")
MASKED = bytes.fromhex("818537fa213d7f9f4d5158")


def frame(first: int, payload: bytes, mask: bytes = b"") -> bytes:
    size = len(payload)
    bit = 0x80 if mask else 0
    if size < 126:
        head = bytes([first, bit | size])
    elif size < 1 << 16:
        head = bytes([first, bit | 126]) + size.to_bytes(2, "big")
    else:
        head = bytes([first, bit | 127]) + size.to_bytes(8, "big")
    if mask:
        payload = bytes(b ^ mask[n % 4] for n, b in enumerate(payload))
    return head + mask + payload


@pytest.mark.parametrize("data", [UNMASKED, MASKED])
def test_a_single_frame(data: bytes) -> None:
    assert FrameReader().feed(data) == [b"Hello"]


def test_a_fragmented_message() -> None:
    data = bytes.fromhex("010348656c 80026c6f")
    assert FrameReader().feed(data) == [b"Hello"]


def test_control_frames_may_come_within_a_message() -> None:
    ping, close = bytes.fromhex("890548656c6c6f"), frame(0x88, b"\x03\xe8")
    data = bytes.fromhex("010348656c") + ping + bytes.fromhex("80026c6f") + close
    assert FrameReader().feed(data) == [b"Hello"]


@pytest.mark.parametrize("size", [0, 125, 126, 65535, 65536])
@pytest.mark.parametrize("mask", [b"", b"\1\2\3\4"])
def test_lengths_in_all_three_forms(size: int, mask: bytes) -> None:
    payload = bytes(n % 251 for n in range(size))
    assert FrameReader().feed(frame(0x82, payload, mask)) == [payload]


def test_several_messages_at_once() -> None:
    assert FrameReader().feed(UNMASKED + MASKED) == [b"Hello", b"Hello"]


def test_a_message_begun_anew_replaces_the_unfinished_one() -> None:
    assert FrameReader().feed(frame(0x01, b"lost") + UNMASKED) == [b"Hello"]


@pytest.mark.parametrize(
    "data",
    [frame(0xC1, b"compressed"), frame(0x83, b""), frame(0x8B, b""), b"SIP/2.0"],
    ids=["compressed", "reserved data", "reserved control", "no frame"],
)
def test_what_cannot_be_read_is_an_error(data: bytes) -> None:
    with pytest.raises(WebSocketError):
        FrameReader().feed(data)


def test_a_frame_that_is_too_long_is_an_error_before_it_has_come() -> None:
    with pytest.raises(WebSocketError):
        FrameReader().feed(b"\x82\x7f" + (1 << 40).to_bytes(8, "big"))


def test_fragments_without_end_are_an_error(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(websocket, "MAX_MESSAGE", 1000)
    reader = FrameReader()
    with pytest.raises(WebSocketError):
        for _ in range(12):
            reader.feed(frame(0x00, bytes(100)))


@pytest.mark.parametrize(
    ("head", "upgrade"),
    [
        (b"GET / HTTP/1.1\r\nUpgrade: websocket\r\nHost: a", True),
        (b"HTTP/1.1 101 X\r\nupgrade:WebSocket", True),
        (b"GET / HTTP/1.1\r\nUpgrade: h2c", False),
        (b"GET /?Upgrade: websocket HTTP/1.1\r\nHost: a", False),
    ],
)
def test_the_upgrade_is_known_by_its_header_field(head: bytes, upgrade: bool) -> None:
    assert is_upgrade(head) is upgrade


@given(
    messages=st.lists(st.binary(max_size=300), max_size=6),
    mask=st.sampled_from([b"", b"\0\1\2\xff"]),
    size=st.integers(1, 100),
)
def test_any_cut_of_a_stream(messages: list[bytes], mask: bytes, size: int) -> None:
    stream = b"".join(frame(0x81, message, mask) for message in messages)
    reader = FrameReader()
    found = []
    for at in range(0, len(stream), size):
        found += reader.feed(stream[at : at + size])
    assert found == messages
    assert reader.held == 0


@given(st.lists(st.binary(max_size=50), max_size=10))
def test_any_bytes(pieces: list[bytes]) -> None:
    reader = FrameReader()
    try:
        for piece in pieces:
            reader.feed(piece)
    except WebSocketError:
        pass
