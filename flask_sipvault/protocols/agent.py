"""The frames of the SIP VAULT agent, as they come over TCP.

All numbers are big-endian. A frame is a header of twelve bytes (the magic "SV", the
version, the type, the payload's length, a sequence number) and the payload. Live frames
have the sequence number 0 and replayed ones count from 1, so it tells nothing and is
not kept. Frames are in no order of time.
"""

from __future__ import annotations

import struct
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from ipaddress import ip_address

from .address import Endpoint
from .network import Endpoints
from .pieces import find_beginning
from .pieces import Pieces

MAGIC = b"SV"
VERSION = 1

#: The longest payload, in bytes.
MAX_PAYLOAD = 1 << 20

#: The longest Call-ID, in bytes.
MAX_CALL_ID = 512

#: The longest payload of a HANDSHAKE: whoever sends it has not shown a token yet.
MAX_HANDSHAKE = 4096

#: What a HANDSHAKE_ACK says.
ACCEPTED, AUTH_FAILED, VERSION_MISMATCH = 0, 1, 2

_HANDSHAKE, _HANDSHAKE_ACK, _SIP, _RTCP, _LOG = 1, 2, 3, 4, 5
_HEARTBEAT, _HEARTBEAT_ACK, _QUALITY, _MEDIA_WATCH = 6, 7, 8, 9

#: What an agent sends once it is let in.
_OF_AGENTS = (_SIP, _RTCP, _LOG, _HEARTBEAT, _QUALITY)

#: What each frame begins with.
_MARK = MAGIC + bytes([VERSION])

#: The direction byte of DATA_SIP: sent rather than received, and IPv6 addresses.
_OUTBOUND, _IPV6 = 0x01, 0x80

_header = struct.Struct("!2sBBII")
_u16 = struct.Struct("!H")
_u32 = struct.Struct("!I")
_ts = struct.Struct("!Q")
_ts_length = struct.Struct("!QH")
_ipv4_flow = struct.Struct("!4sH4sH")
_ipv6_flow = struct.Struct("!16sH16sH")


class FrameError(ValueError):
    """These bytes are no frame, or none that makes sense."""


@dataclass(slots=True)
class Handshake:
    """The first frame of an agent: who it is.

    :param token: the customer's secret. Never to be logged.
    """

    customer_id: str
    token: str = field(repr=False)
    agent_version: str


@dataclass(slots=True)
class HandshakeAck:
    """Our answer; today's agent looks at the status only."""

    status: int
    message: str = ""


@dataclass(slots=True)
class SipFrame:
    """A SIP message off the network.

    :param ts: of this and the others: nanoseconds since the epoch.
    :param outbound: today's agent never says so.
    """

    ts: int
    call_id: str
    src: Endpoint
    dst: Endpoint
    payload: bytes
    outbound: bool = False


@dataclass(slots=True)
class RtcpFrame:
    """An RTCP compound packet; the agent does not say between whom.

    :param ssrc: of the packet's sender.
    """

    ts: int
    call_id: str
    ssrc: int
    payload: bytes


@dataclass(slots=True)
class LogFrame:
    """A line of a log. The Call-ID is whatever the agent found as a mere substring."""

    ts: int
    call_id: str
    line: bytes


@dataclass(slots=True)
class QualityFrame:
    """A quality report that the agent made of the RTP it saw, as JSON."""

    ts: int
    call_id: str
    report: bytes


@dataclass(slots=True)
class Heartbeat:
    """A sign of life; today's agent gives none."""

    ts: int


@dataclass(slots=True)
class HeartbeatAck:
    """Our answer, with the same time."""

    ts: int


@dataclass(slots=True)
class MediaWatch:
    """Asks an agent to watch a media port.

    :param codec: like ``PCMU/8000``; empty where the SDP does not say.
    """

    call_id: str
    media: Endpoint
    codec: str


@dataclass(slots=True)
class BadFrame:
    """A frame whose payload makes no sense, or whose type is unknown. The stream goes
    on behind it: an agent that is hung up on does not come back.
    """

    type: int
    problem: str


Frame = (
    Handshake
    | HandshakeAck
    | SipFrame
    | RtcpFrame
    | LogFrame
    | QualityFrame
    | Heartbeat
    | HeartbeatAck
    | MediaWatch
    | BadFrame
)


class FrameReader:
    """Cuts a stream into frames, whatever the pieces it comes in.

    :param handshake_first: refuse a stream that begins with anything but a HANDSHAKE,
        at its header already.
    """

    def __init__(self, *, handshake_first: bool = False) -> None:
        self._handshake_first = handshake_first
        self._endpoints = Endpoints()
        self._pieces = Pieces(_header.size)
        #: Whether bytes are missing, so that the next frame has to be looked for.
        self.searching = False

    @property
    def pending(self) -> bytes:
        """The beginning of a frame: what another reader needs to go on from here."""
        return bytes(self._pieces)

    @property
    def held(self) -> int:
        """How many bytes :attr:`pending` has."""
        return len(self._pieces)

    def feed(self, data: bytes) -> Iterator[Frame]:
        """The frames that these bytes complete. Take all of them.

        :raises FrameError: after the frames before it, if the stream does not go on
            with a frame. It cannot be read any further.
        """
        data = self._pieces.join(data)
        if not data:
            return
        at, end, needed = 0, len(data), _header.size
        if self.searching:
            at, needed = find_beginning(data, _MARK, _header.size, _size_at)
            if needed:
                self._pieces.keep(data[at:], needed)
                return
            self.searching, needed = False, _header.size
        while end - at >= _header.size:
            start = at + _header.size
            kind, length = self._read_header(data, at)
            if end - start < length:
                needed = _header.size + length
                break
            at = start + length
            yield self._parse(kind, data, start, at)
        self._pieces.keep(data[at:], needed)

    def _read_header(self, data: bytes, at: int) -> tuple[int, int]:
        magic, version, kind, length, _ = _header.unpack_from(data, at)
        if magic != MAGIC:
            raise FrameError("the stream does not go on with a frame")
        if version != VERSION:
            raise FrameError(f"a frame of version {version}")
        if self._handshake_first:
            if kind != _HANDSHAKE:
                raise FrameError(f"the stream begins with a frame of type {kind}")
            if length > MAX_HANDSHAKE:
                raise FrameError(f"a handshake of {length} bytes")
            self._handshake_first = False
        if length > MAX_PAYLOAD:
            raise FrameError(f"a frame of {length} bytes")
        return kind, length

    def _parse(self, kind: int, data: bytes, at: int, end: int) -> Frame:
        try:
            if kind == _SIP:  # nearly all frames are of these two types
                return self._sip(data, at, end)
            if kind == _LOG:
                return LogFrame(*_named(data, at, end))
            if kind in _READERS:
                return _READERS[kind](data[at:end])
        except (FrameError, struct.error, ValueError) as error:
            return BadFrame(kind, str(error))
        return BadFrame(kind, "an unknown type of frame")

    def _sip(self, data: bytes, at: int, end: int) -> SipFrame:
        ts, length = _ts_length.unpack_from(data, at)
        at += _ts_length.size
        call_id = _call_id(data, at, at + length)
        at += length
        direction = data[at] if at < end else 0
        flow = _ipv6_flow if direction & _IPV6 else _ipv4_flow
        way = at + 1
        at = way + flow.size
        if at > end:
            raise FrameError("the payload is cut short")
        src, sport, dst, dport = flow.unpack_from(data, way)
        return SipFrame(
            ts,
            call_id,
            self._endpoints[src, sport],
            self._endpoints[dst, dport],
            data[at:end],
            direction & _OUTBOUND != 0,
        )


def _size_at(data: bytes, at: int) -> int:
    """How long the frame is that begins here; 0 if it is none that an agent sends."""
    _, _, kind, length, _ = _header.unpack_from(data, at)
    return _header.size + length if kind in _OF_AGENTS else 0


def _call_id(data: bytes, start: int, end: int) -> str:
    if end - start > MAX_CALL_ID:
        raise FrameError(f"a Call-ID of {end - start} bytes")
    return data[start:end].decode("utf-8", "replace")


def _named(data: bytes, at: int, end: int) -> tuple[int, str, bytes]:
    """Time, Call-ID and the rest: the payload of many types."""
    ts, length = _ts_length.unpack_from(data, at)
    at += _ts_length.size
    if at + length > end:
        raise FrameError("the payload is cut short")
    return ts, _call_id(data, at, at + length), data[at + length : end]


def _text_at(data: bytes, at: int) -> tuple[str, int]:
    """A text behind its length, and where it ends."""
    (length,) = _u16.unpack_from(data, at)
    at += _u16.size
    if at + length > len(data):
        raise FrameError("the payload is cut short")
    return data[at : at + length].decode("utf-8", "replace"), at + length


def _handshake(data: bytes) -> Handshake:
    customer_id, at = _text_at(data, 0)
    token, at = _text_at(data, at)
    version, _ = _text_at(data, at)
    return Handshake(customer_id, token, version)


def _handshake_ack(data: bytes) -> HandshakeAck:
    """The message may be left out."""
    if not data:
        raise FrameError("no status")
    return HandshakeAck(data[0], _text_at(data, 1)[0] if len(data) > 1 else "")


def _rtcp(data: bytes) -> RtcpFrame:
    ts, call_id, rest = _named(data, 0, len(data))
    (ssrc,) = _u32.unpack_from(rest)
    return RtcpFrame(ts, call_id, ssrc, rest[_u32.size :])


def _quality(data: bytes) -> QualityFrame:
    return QualityFrame(*_named(data, 0, len(data)))


def _heartbeat(data: bytes) -> Heartbeat:
    return Heartbeat(*_ts.unpack_from(data))


def _heartbeat_ack(data: bytes) -> HeartbeatAck:
    return HeartbeatAck(*_ts.unpack_from(data))


def _media_watch(data: bytes) -> MediaWatch:
    call_id, at = _text_at(data, 0)
    ip, at = _text_at(data, at)
    (port,) = _u16.unpack_from(data, at)
    codec, _ = _text_at(data, at + _u16.size)
    return MediaWatch(call_id, Endpoint(str(ip_address(ip)), port), codec)


_READERS: dict[int, Callable[[bytes], Frame]] = {
    _HANDSHAKE: _handshake,
    _HANDSHAKE_ACK: _handshake_ack,
    _RTCP: _rtcp,
    _HEARTBEAT: _heartbeat,
    _HEARTBEAT_ACK: _heartbeat_ack,
    _QUALITY: _quality,
    _MEDIA_WATCH: _media_watch,
}


def build(frame: Frame, sequence: int = 0) -> bytes:
    """Write a frame, as an agent or a collector sends it.

    :raises FrameError: if something in it is longer than a frame can hold.
    """
    kind, payload = _payload(frame)
    if len(payload) > MAX_PAYLOAD:
        raise FrameError(f"a frame cannot hold {len(payload)} bytes")
    return _header.pack(MAGIC, VERSION, kind, len(payload), sequence) + payload


def _payload(frame: Frame) -> tuple[int, bytes]:
    match frame:
        case Handshake(customer_id, token, version):
            return _HANDSHAKE, _text(customer_id) + _text(token) + _text(version)
        case HandshakeAck(status, message):
            return _HANDSHAKE_ACK, bytes([status]) + _text(message)
        case SipFrame(ts, call_id, src, dst, payload, outbound):
            one, other = ip_address(src.ip).packed, ip_address(dst.ip).packed
            if len(one) != len(other):
                raise FrameError("a frame cannot mix IPv4 and IPv6")
            direction = _OUTBOUND * outbound | _IPV6 * (len(one) == 16)
            flow = _ipv6_flow if len(one) == 16 else _ipv4_flow
            way = flow.pack(one, src.port, other, dst.port)
            return _SIP, _name(ts, call_id) + bytes([direction]) + way + payload
        case RtcpFrame(ts, call_id, ssrc, payload):
            return _RTCP, _name(ts, call_id) + _u32.pack(ssrc) + payload
        case LogFrame(ts, call_id, line):
            return _LOG, _name(ts, call_id) + line
        case QualityFrame(ts, call_id, report):
            return _QUALITY, _name(ts, call_id) + report
        case Heartbeat(ts):
            return _HEARTBEAT, _ts.pack(ts)
        case HeartbeatAck(ts):
            return _HEARTBEAT_ACK, _ts.pack(ts)
        case MediaWatch(call_id, media, codec):
            where = _text(media.ip) + _u16.pack(media.port)
            return _MEDIA_WATCH, _text(call_id) + where + _text(codec)
    raise FrameError("a frame that could not be read cannot be written")


def _name(ts: int, call_id: str) -> bytes:
    raw = call_id.encode()
    if len(raw) > MAX_CALL_ID:
        raise FrameError(f"a Call-ID of {len(raw)} bytes")
    return _ts_length.pack(ts, len(raw)) + raw


def _text(text: str) -> bytes:
    raw = text.encode()
    if len(raw) > 0xFFFF:
        raise FrameError(f"a text of {len(raw)} bytes")
    return _u16.pack(len(raw)) + raw
