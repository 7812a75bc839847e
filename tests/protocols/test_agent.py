"""Frames of the agent: recorded, built, cut anywhere, and broken."""

from __future__ import annotations

import contextlib
import json
import struct
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import agent
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.agent import BadFrame
from flask_sipvault.protocols.agent import Frame
from flask_sipvault.protocols.agent import FrameError
from flask_sipvault.protocols.agent import FrameReader
from flask_sipvault.protocols.agent import Handshake
from flask_sipvault.protocols.agent import HandshakeAck
from flask_sipvault.protocols.agent import Heartbeat
from flask_sipvault.protocols.agent import HeartbeatAck
from flask_sipvault.protocols.agent import LogFrame
from flask_sipvault.protocols.agent import MediaWatch
from flask_sipvault.protocols.agent import QualityFrame
from flask_sipvault.protocols.agent import RtcpFrame
from flask_sipvault.protocols.agent import SipFrame

RECORDINGS = Path(__file__).resolve().parent.parent / "data" / "agent"
STREAMS = sorted(RECORDINGS.glob("*.svwire"))

A, B = Endpoint("192.0.2.1", 5060), Endpoint("198.51.100.7", 5080)
A6, B6 = Endpoint("2001:db8::1", 5060), Endpoint("2001:db8::2", 5062)
TS = 1_795_439_746_123_456_789

NAMES = {
    Handshake: "HANDSHAKE",
    SipFrame: "SIP",
    RtcpFrame: "RTCP",
    LogFrame: "LOG",
    QualityFrame: "QUALITY",
}

ONE_OF_EACH: list[Frame] = [
    Handshake("acme", "tok-acme", "1.2"),
    HandshakeAck(agent.AUTH_FAILED, "no"),
    SipFrame(TS, "a@b", A, B, b"OPTIONS sip:x SIP/2.0\r\n\r\n"),
    SipFrame(TS, "a@b", A6, B6, b"", outbound=True),
    RtcpFrame(TS, "a@b", 0xDEADBEEF, b"\x80\xc9\0\1\0\0\0\1"),
    LogFrame(TS, "é@b", b"call \xff\xfe"),
    Heartbeat(TS),
    HeartbeatAck(TS),
    QualityFrame(TS, "a@b", b"{}"),
    MediaWatch("a@b", Endpoint("2001:db8::1", 16384), "PCMU/8000"),
]


def read(data: bytes) -> list[Frame]:
    return list(FrameReader().feed(data))


@pytest.mark.parametrize("path", STREAMS, ids=lambda path: path.name)
def test_a_recorded_stream_holds_the_frames_that_were_counted_in_it(path: Path) -> None:
    name = path.name.split(".")[0]
    recorded = json.loads((RECORDINGS / f"{name}.expected.json").read_text())
    (counted,) = [c for c in recorded["connections"] if c["file"] == path.name]

    frames = read(path.read_bytes())

    assert Counter(NAMES[type(frame)] for frame in frames) == counted["frames"]
    assert frames[0] == Handshake("acme", "tok-acme", "dev")


@pytest.mark.parametrize("frame", ONE_OF_EACH, ids=lambda frame: type(frame).__name__)
def test_a_frame_that_was_built_is_read_back(frame: Frame) -> None:
    assert read(agent.build(frame, sequence=7)) == [frame]


def test_a_frame_looks_as_the_protocol_says() -> None:
    assert agent.build(SipFrame(1, "c@h", A, B, b"SIP", outbound=True), 2) == (
        bytes.fromhex("5356 01 03 0000001d 00000002")
        + bytes.fromhex("0000000000000001 0003")
        + b"c@h"
        + bytes.fromhex("01 c0000201 13c4 c6336407 13d8")
        + b"SIP"
    )


def test_a_recorded_handshake_is_built_byte_for_byte() -> None:
    recorded = (RECORDINGS / "ipv6_udp.svwire").read_bytes()

    assert agent.build(Handshake("acme", "tok-acme", "dev")) == recorded


@given(st.data())
def test_pieces_cut_anywhere_give_the_same_frames(data: st.DataObject) -> None:
    stream = data.draw(st.sampled_from(STREAMS[:12])).read_bytes()
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=40)))
    reader = FrameReader(handshake_first=True)

    frames = [
        frame
        for start, end in zip([0, *cuts], [*cuts, len(stream)], strict=True)
        for frame in reader.feed(stream[start:end])
    ]

    assert frames == read(stream)


def test_single_bytes_give_the_same_frames() -> None:
    stream = b"".join(map(agent.build, ONE_OF_EACH))
    reader = FrameReader()

    frames = [frame for byte in stream for frame in reader.feed(bytes([byte]))]

    assert frames == ONE_OF_EACH
    assert reader.pending == b""


def test_another_reader_goes_on_with_what_is_pending() -> None:
    stream = b"".join(map(agent.build, ONE_OF_EACH))
    one, other = FrameReader(), FrameReader()

    frames = [*one.feed(stream[:60]), *other.feed(one.pending + stream[60:])]

    assert frames == ONE_OF_EACH


@given(st.binary(max_size=200))
def test_whatever_the_bytes_there_are_frames_or_a_frame_error(noise: bytes) -> None:
    begun = agent.build(Heartbeat(TS))
    for data in (noise, b"SV\x01" + noise, begun + noise):
        with contextlib.suppress(FrameError):
            read(data)


@given(
    st.sampled_from(range(11)), st.binary(max_size=120), st.lists(st.integers(0, 200))
)
def test_whatever_the_payload_the_stream_goes_on_behind_it(
    kind: int, payload: bytes, cuts: list[int]
) -> None:
    frame = struct.pack("!2sBBII", b"SV", 1, kind, len(payload), 0) + payload

    frames = read(frame + agent.build(Heartbeat(TS)))

    assert len(frames) == 2
    assert frames[1] == Heartbeat(TS)


@given(st.integers(0, 10), st.integers(0, 200), st.integers(0, 255))
def test_a_broken_byte_in_a_payload_costs_no_other_frame(
    which: int, where: int, value: int
) -> None:
    raw = bytearray(agent.build(ONE_OF_EACH[which % len(ONE_OF_EACH)]))
    raw[12 + where % (len(raw) - 12)] = value

    assert len(read(bytes(raw) + agent.build(Heartbeat(TS)))) == 2


@pytest.mark.parametrize(
    ("header", "problem"),
    [
        (b"GET / HTTP/1", "does not go on with a frame"),
        (struct.pack("!2sBBII", b"SV", 2, 3, 1, 0), "version 2"),
        (struct.pack("!2sBBII", b"SV", 1, 3, (1 << 20) + 1, 0), "1048577 bytes"),
    ],
)
def test_a_stream_that_is_none_is_refused_at_the_header(
    header: bytes, problem: str
) -> None:
    with pytest.raises(FrameError, match=problem):
        read(header)


def test_the_frames_before_the_damage_are_given() -> None:
    frames = FrameReader().feed(agent.build(Heartbeat(TS)) + b"nonsense-nonsense")

    assert next(frames) == Heartbeat(TS)
    with pytest.raises(FrameError):
        next(frames)


def test_the_largest_payload_is_read() -> None:
    line = b"x" * (agent.MAX_PAYLOAD - 13)
    frame = LogFrame(TS, "a@b", line)

    assert read(agent.build(frame)) == [frame]
    with pytest.raises(FrameError, match="cannot hold"):
        agent.build(LogFrame(TS, "a@b", line + b"x"))


def test_a_call_id_over_512_bytes_is_refused_and_one_of_512_is_not() -> None:
    whole = agent.build(LogFrame(TS, "x" * 512, b"line"))
    payload = struct.pack("!QH", TS, 513) + b"x" * 513 + b"line"
    long = struct.pack("!2sBBII", b"SV", 1, 5, len(payload), 0) + payload

    assert read(whole + long) == [
        LogFrame(TS, "x" * 512, b"line"),
        BadFrame(5, "a Call-ID of 513 bytes"),
    ]
    with pytest.raises(FrameError, match="513"):
        agent.build(LogFrame(TS, "x" * 513, b"line"))


@pytest.mark.parametrize("cut", range(1, 27))
def test_a_sip_frame_without_all_of_its_addresses_is_bad(cut: int) -> None:
    payload = agent.build(SipFrame(TS, "a@b", A, B, b""))[12:-cut]
    frame = struct.pack("!2sBBII", b"SV", 1, 3, len(payload), 0) + payload

    (bad, _) = read(frame + agent.build(LogFrame(TS, "a@b", b"behind it")))

    assert isinstance(bad, BadFrame)


def test_a_type_to_come_is_passed_over() -> None:
    future = struct.pack("!2sBBII", b"SV", 1, 0x77, 3, 0) + b"new"

    assert read(future + agent.build(Heartbeat(TS))) == [
        BadFrame(0x77, "an unknown type of frame"),
        Heartbeat(TS),
    ]


def test_an_ack_may_be_one_byte() -> None:
    ack = struct.pack("!2sBBII", b"SV", 1, 2, 1, 0) + b"\0"

    assert read(ack) == [HandshakeAck(agent.ACCEPTED, "")]


@pytest.mark.parametrize(
    "header",
    [
        struct.pack("!2sBBII", b"SV", 1, 3, 1 << 20, 0),
        struct.pack("!2sBBII", b"SV", 1, 1, agent.MAX_HANDSHAKE + 1, 0),
    ],
)
def test_before_the_handshake_nothing_large_is_waited_for(header: bytes) -> None:
    with pytest.raises(FrameError):
        list(FrameReader(handshake_first=True).feed(header))


def test_addresses_of_two_families_cannot_be_written() -> None:
    with pytest.raises(FrameError, match="IPv4 and IPv6"):
        agent.build(SipFrame(TS, "a@b", A, B6, b""))


def test_a_token_never_shows() -> None:
    assert "tok-acme" not in repr(Handshake("acme", "tok-acme", "dev"))
