"""Recorded streams once more: what an agent would send, and when.

A recording of the agent's frames, or of HEP3, is sent as it was. A capture becomes the
frames that an agent beside the same network would have sent.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace
from typing import BinaryIO
from typing import NamedTuple

from ..correlation.media_index import description_in
from ..correlation.media_index import MediaIndex
from ..protocols import agent
from ..protocols import hep
from ..protocols import rtcp
from ..protocols.agent import BadFrame
from ..protocols.agent import Frame
from ..protocols.agent import FrameError
from ..protocols.agent import FrameReader
from ..protocols.agent import Handshake
from ..protocols.agent import HandshakeAck
from ..protocols.agent import LogFrame
from ..protocols.agent import MediaWatch
from ..protocols.agent import QualityFrame
from ..protocols.agent import RtcpFrame
from ..protocols.agent import SipFrame
from ..protocols.capture import Captured
from ..protocols.capture import read_capture
from ..protocols.hep import HepError
from ..protocols.rtcp import RtcpError

_READ_SIZE = 1 << 16
_SECOND = 1_000_000_000

#: As many bytes are sent at once at most.
_BATCH = 1 << 16


class ReplayError(ValueError):
    """The recording cannot be sent; the message says why."""


class Login(NamedTuple):
    """For whom it is sent.

    :param token: the customer's secret. Never to be logged.
    """

    customer_id: str
    token: str

    def __repr__(self) -> str:
        return f"Login({self.customer_id!r}, …)"


class Sent(NamedTuple):
    """What is sent in one piece.

    :param ts: when it was captured, in nanoseconds since the epoch; 0 without a time.
    :param is_handshake: whether an answer is to be waited for.
    """

    ts: int
    data: bytes
    is_handshake: bool = False


def read_recording(
    file: BinaryIO, login: Login | None, *, starting_at: int | None = None
) -> Iterator[Sent]:
    """What is to be sent of a recording, in its order.

    :param file: a recording of an agent's frames or of HEP3, as they went over TCP, or
        a capture: its content tells.
    :param login: None: as recorded; a capture has none.
    :param starting_at: move all times so that the first is this, in nanoseconds.
    :raises ReplayError: if a capture is to be sent without a login, or the stream
        cannot be read.
    :raises flask_sipvault.protocols.capture.CaptureError: if it is none of the three.
    """
    beginning = file.read(len(hep.MAGIC))
    file.seek(0)
    shift = _Shift(starting_at)
    if beginning == hep.MAGIC:
        yield from _packets(file, login, shift)
        return
    frames: Iterable[Frame]
    if beginning.startswith(agent.MAGIC):
        frames = _recorded_frames(file, login)
    elif login is None:
        raise ReplayError("a capture does not say for which customer it is sent")
    else:
        frames = _captured_frames(file, login)
    for frame in frames:
        is_handshake = isinstance(frame, Handshake)
        ts = getattr(frame, "ts", 0)
        if ts:
            ts = shift(ts)
            frame.ts = ts  # type: ignore[union-attr]
        yield Sent(ts, agent.build(frame), is_handshake)


def play(
    pieces: Iterable[Sent],
    send: Callable[[bytes], None],
    greet: Callable[[bytes], None],
    *,
    speed: float,
) -> int:
    """Send what was recorded, at its own pace or faster.

    What is out of order in time is sent at once, in the order of the recording.

    :param send: sends bytes.
    :param greet: sends a handshake, and comes back when it was accepted.
    :param speed: 1 for the pace at which it was captured, 10 for ten times that.
    :returns: how many pieces were sent.
    """
    count, first = 0, 0
    batch = bytearray()
    began = time.monotonic()
    for piece in pieces:
        first = first or piece.ts
        due = began + (piece.ts - first) / _SECOND / speed
        wait = due - time.monotonic() if piece.ts else 0.0
        if batch and (wait > 0 or piece.is_handshake or len(batch) >= _BATCH):
            send(bytes(batch))
            batch.clear()
        if wait > 0:
            time.sleep(wait)
        if piece.is_handshake:
            greet(piece.data)
        else:
            batch += piece.data
        count += 1
    if batch:
        send(bytes(batch))
    return count


class _Shift:
    """Moves times so that the first is where it should be."""

    def __init__(self, starting_at: int | None) -> None:
        self._starting_at = starting_at
        self._by: int | None = None

    def __call__(self, ts: int) -> int:
        if self._starting_at is None:
            return ts
        if self._by is None:
            self._by = self._starting_at - ts
        return max(0, ts + self._by)


def _recorded_frames(file: BinaryIO, login: Login | None) -> Iterator[Frame]:
    reader = FrameReader()
    try:
        while data := file.read(_READ_SIZE):
            for frame in reader.feed(data):
                if isinstance(frame, Handshake) and login is not None:
                    yield replace(
                        frame, customer_id=login.customer_id, token=login.token
                    )
                elif not isinstance(frame, (BadFrame, HandshakeAck, MediaWatch)):
                    yield frame
    except FrameError as error:
        raise ReplayError(f"the recording cannot be read further: {error}") from error


def _packets(file: BinaryIO, login: Login | None, shift: _Shift) -> Iterator[Sent]:
    buffer = bytearray()
    try:
        while data := file.read(_READ_SIZE):
            buffer += data
            while length := hep.frame_length(bytes(buffer[: 1 << 16])):
                raw = bytes(buffer[:length])
                del buffer[:length]
                packet = hep.parse(raw)
                ts = shift(packet.ts)
                if login is not None:
                    packet.vendor_chunks[hep.SIPPULSE_CUSTOMER] = (
                        login.customer_id.encode()
                    )
                    packet.vendor_chunks[hep.SIPPULSE_TOKEN] = login.token.encode()
                if login is not None or ts != packet.ts:
                    packet.ts = ts
                    raw = hep.build(packet)
                yield Sent(ts, raw)
    except HepError as error:
        raise ReplayError(f"the recording cannot be read further: {error}") from error


def _captured_frames(file: BinaryIO, login: Login) -> Iterator[Frame]:
    """As an agent would: RTP is not sent, nor RTCP of no call that was seen."""
    yield Handshake(login.customer_id, login.token, "replay")
    media = MediaIndex()
    for item in read_capture(file):
        frame = _captured_frame(item, media)
        if frame is not None:
            yield frame


def _captured_frame(item: Captured, media: MediaIndex) -> Frame | None:
    call_id = item.call_id or ""
    if len(call_id.encode()) > agent.MAX_CALL_ID:
        return None
    if item.kind == "sip":
        description = description_in(item.payload)
        if description is not None and call_id:
            media.announce(item.ts, call_id, description)
        src, dst = item.src, item.dst
        if src is None or dst is None or (":" in src.ip) != (":" in dst.ip):
            return None
        return SipFrame(item.ts, call_id, src, dst, item.payload)
    if item.kind == "rtcp":
        owner = call_id or media.owner(item.ts, item.src, item.dst)
        ssrc = _ssrc(item.payload)
        if not owner or ssrc is None:
            return None
        return RtcpFrame(item.ts, owner, ssrc, item.payload)
    if item.kind == "log" and call_id:
        return LogFrame(item.ts, call_id, item.payload)
    if item.kind == "quality" and call_id:
        return QualityFrame(item.ts, call_id, item.payload)
    return None


def _ssrc(payload: bytes) -> int | None:
    try:
        packets = rtcp.parse(payload)
    except RtcpError:
        return None
    ssrcs = (getattr(packet, "ssrc", None) for packet in packets)
    return next((ssrc for ssrc in ssrcs if ssrc is not None), None)
