"""The RTP of captures, sorted by stream and measured.

Whose a packet is, and what its payload type means, may be said only later in a capture,
or in another. So headers are kept until parts of calls are given out, seventeen bytes a
packet, and measured then. Of payloads only those that may be telephone events are kept.
"""

from __future__ import annotations

import struct
from bisect import bisect_left
from bisect import bisect_right
from collections.abc import Iterator
from typing import NamedTuple
from typing import TypeAlias

from ..correlation.media_index import MediaIndex
from ..protocols.address import Endpoint
from ..protocols.capture import Captured
from ..protocols.rtp import looks_like_rtp
from ..protocols.rtp import parse_header
from ..protocols.rtp import RtpError
from ..protocols.rtp_events import EVENT_SIZE
from ..protocols.rtp_events import EventPacket
from ..protocols.rtp_figures import StreamFigures
from ..protocols.rtp_stream import CUT
from ..protocols.rtp_stream import StreamMeter
from ..protocols.sdp import STATIC_CODECS

#: How many streams are followed from one part of their calls into the next. Of more,
#: those that were silent for longest begin anew.
MAX_FOLLOWED = 10_000

#: When a packet was seen, its header from the second byte up to the SSRC, and the size
#: of its payload.
_PACKET = struct.Struct("!q7sH")
#: When it was seen, marker and payload type, sequence number, timestamp, size.
_HEADER = struct.Struct("!qBHIH")
_TIME = struct.Struct("!q9x")

#: A header without contributing sources, extension and padding: its first byte, and how
#: long it is.
_PLAIN, _PLAIN_SIZE = b"\x80", 12

#: So many packets of a stream that may be of telephone events are kept: of 200 digits.
_MAX_EVENT_PACKETS = 4000

#: What a stream costs besides its packets, in bytes, on the safe side.
_STREAM_BYTES = 1000

#: What tells streams apart: whence, where to, the SSRC as in the header.
_Key: TypeAlias = tuple[Endpoint | None, Endpoint | None, bytes]


class Origin(NamedTuple):
    """Where items come from; two files may have one name."""

    number: int
    name: str


class Recording:
    """The RTP headers of one capture."""

    def __init__(self, origin: Origin) -> None:
        self.origin = origin
        self.packets: dict[_Key, bytearray] = {}
        self.event_packets: dict[_Key, list[EventPacket]] = {}

    def add(self, item: Captured) -> int:
        """Keep a packet's header.

        :returns: what that costs, in bytes.
        """
        payload = item.payload
        key = item.src, item.dst, payload[8:12]
        packets = self.packets.get(key)
        if packets is None and not looks_like_rtp(payload):
            return 0  # HEP carries anything under the name of RTP
        size = len(payload) - _PLAIN_SIZE
        if payload[:1] != _PLAIN or size < 0:
            size = _payload_size(payload)
        kept = size
        if item.missing:
            kept = min(size + item.missing, CUT - 1) | CUT
        elif size >= CUT:
            kept = CUT - 1
        try:
            packed = _PACKET.pack(item.ts, payload[1:8], kept)
        except struct.error:
            return 0  # a clock gone mad: a time of centuries
        if size == EVENT_SIZE and not item.missing:
            self._keep_event(item, key)
        if packets is not None:
            packets += packed
            return _PACKET.size
        self.packets[key] = bytearray(packed)
        return _STREAM_BYTES

    def _keep_event(self, item: Captured, key: _Key) -> None:
        """Keep a packet that is as long as those of telephone events."""
        kept = self.event_packets.setdefault(key, [])
        if len(kept) >= _MAX_EVENT_PACKETS:
            return
        try:
            header = parse_header(item.payload)
        except RtpError:
            return
        is_padded = item.payload[0] & 0x20
        if header.payload_type not in STATIC_CODECS and not is_padded:
            kept.append(
                EventPacket(
                    item.ts,
                    header.payload_type,
                    header.sequence,
                    header.timestamp,
                    item.payload[-EVENT_SIZE:],
                )
            )


def _payload_size(packet: bytes) -> int:
    try:
        return parse_header(packet).payload_length
    except RtpError:
        return 0


class RtpBuffer:
    """Measures the RTP of several captures, call by call.

    :param media: which call had which address, as far as it was seen.
    """

    def __init__(self, media: MediaIndex) -> None:
        #: How many streams, or parts of them, are of no call that was seen.
        self.unplaced = 0
        self._media = media
        self._recordings: list[Recording] = []
        self._meters: dict[tuple[str, _Key], StreamMeter] = {}

    def record(self, origin: Origin) -> Recording:
        """Begin another capture."""
        recording = Recording(origin)
        self._recordings.append(recording)
        return recording

    def give_out(self) -> Iterator[tuple[str, Origin, StreamFigures]]:
        """What was measured since it was last given out: the call, where it comes from,
        and the figures of a stream, or of the part of it that was seen since.
        """
        events = self._events_by_stream()
        for key, takes in self._by_stream().items():
            fed: dict[str, StreamMeter] = {}
            for packets in _in_sequence([packets for _, packets in takes]):
                for call_id, share in self._by_call(key, packets):
                    meter = fed[call_id] = self._meter(call_id, key)
                    meter.feed(
                        _HEADER.iter_unpack(share), _within(events.get(key), share)
                    )
            for call_id, meter in fed.items():
                figures = meter.take()
                if figures is not None:
                    yield call_id, takes[0][0], figures
        for stale in list(self._meters)[:-MAX_FOLLOWED]:
            del self._meters[stale]

    def _by_stream(self) -> dict[_Key, list[tuple[Origin, bytearray]]]:
        """What is kept, by where it comes from; after this, nothing is."""
        streams: dict[_Key, list[tuple[Origin, bytearray]]] = {}
        for recording in self._recordings:
            for key, packets in recording.packets.items():
                streams.setdefault(key, []).append((recording.origin, packets))
            recording.packets = {}
        return streams

    def _events_by_stream(self) -> dict[_Key, list[EventPacket]]:
        """What is kept of possible telephone events, in order of time."""
        events: dict[_Key, list[EventPacket]] = {}
        for recording in self._recordings:
            for key, packets in recording.event_packets.items():
                events.setdefault(key, []).extend(packets)
            recording.event_packets = {}
        for packets in events.values():
            packets.sort(key=lambda packet: packet.ts)
        return events

    def _by_call(
        self, key: _Key, packets: memoryview
    ) -> Iterator[tuple[str, memoryview]]:
        """Each call's share of a stream's packets: one port serves many calls, one
        after the other.
        """
        src, dst, ssrc = key
        times = _Times(packets)
        turns = self._media.turns(src, dst, times[0], times[len(times) - 1])
        named = self._media.owner_of_ssrc(int.from_bytes(ssrc, "big"))
        begins = [0, *(bisect_left(times, turn.since) for turn in turns[1:])]
        for turn, begin, end in zip(
            turns, begins, [*begins[1:], len(times)], strict=True
        ):
            call_id, over = turn.call_id, end
            if call_id is None and named is not None:
                call_id = named
                over = bisect_right(times, self._media.until(named), begin, end)
            if call_id is not None and over > begin:
                yield call_id, packets[begin * _PACKET.size : over * _PACKET.size]
            self.unplaced += begin < end and (call_id is None or over < end)

    def _meter(self, call_id: str, key: _Key) -> StreamMeter:
        src, dst, ssrc = key
        meter = self._meters.pop((call_id, key), None)
        if meter is None:
            meter = StreamMeter(int.from_bytes(ssrc, "big"), src, dst)
        meter.codecs = self._media.codecs(call_id, src, dst)
        # Now the last that would be forgotten.
        self._meters[call_id, key] = meter
        return meter


class _Times:
    """The times of packets, as a sequence to search in."""

    def __init__(self, packets: memoryview) -> None:
        self._packets = packets

    def __len__(self) -> int:
        return len(self._packets) // _PACKET.size

    def __getitem__(self, place: int) -> int:
        ts: int = _TIME.unpack_from(self._packets, place * _PACKET.size)[0]
        return ts


def _within(events: list[EventPacket] | None, packets: memoryview) -> list[EventPacket]:
    """Those of a stream's possible telephone events that are among these packets."""
    if not events:
        return []
    times = _Times(packets)
    first, last = times[0], times[len(times) - 1]
    return [event for event in events if first <= event.ts <= last]


def _in_sequence(takes: list[bytearray]) -> Iterator[memoryview]:
    """A stream's packets out of several captures, each once: captures that follow one
    another may overlap.
    """
    seen = -1
    views = [memoryview(packets) for packets in takes]
    for packets in sorted(views, key=lambda view: _Times(view)[0]):
        times = _Times(packets)
        new = bisect_right(times, seen)
        if new < len(times):
            yield packets[new * _PACKET.size :]
            seen = times[len(times) - 1]
