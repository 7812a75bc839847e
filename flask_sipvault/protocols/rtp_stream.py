"""Measuring one RTP stream by the headers of its packets.

Packets, losses and jitter are those of Wireshark's list of RTP streams, wherever that
follows RFC 3550. Of payloads only those of telephone events are looked at.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping

from .address import Endpoint
from .pcapfile import COPY_NS
from .rtp import RtpHeader
from .rtp_events import EventPacket
from .rtp_events import read_events
from .rtp_figures import Bucket
from .rtp_figures import BUCKET_MS
from .rtp_figures import MAX_EVENTS
from .rtp_figures import Payload
from .rtp_figures import StreamFigures
from .rtp_gaps import Gap
from .rtp_gaps import GAP_NS
from .rtp_gaps import MAX_GAPS
from .rtp_packetization import Packetizations
from .rtp_sequence import AGAIN
from .rtp_sequence import ANEW
from .rtp_sequence import APART
from .rtp_sequence import MAX_DROPOUT
from .rtp_sequence import NEXT
from .rtp_sequence import SequenceNumbers
from .rtp_values import rounded
from .sdp import Codec
from .sdp import STATIC_CODECS

#: How many packets are new when one is placed.
_NEW = {AGAIN: 0, NEXT: 1, APART: 1, ANEW: 2}

#: The source was silent where its timestamps went on by more than so many packets.
_SILENT_STEPS = 3

#: How often more than others a step of timestamps must be seen to count as the usual.
_SURE = 3

#: From one packet to the next no network's delay changes by more, in ms, but a sender's
#: clock may.
_JUMP_MS = 1000

#: A packet that comes later than this waited for its sender, not in a network, in ms.
_LONGEST_WAIT_MS = 5000

#: The payload type that comfort noise had before RFC 3551 gave it 13.
_OLD_NOISE_TYPE = 19
_OLD_NOISE = Codec("CN", 8000)

_BUCKET_NS = BUCKET_MS * 1_000_000

#: Marks the size of a packet that the capture cut off; the rest of it is the size.
CUT = 0x8000


class StreamMeter:
    """Measures what one source sends from one address to another.

    :param codecs: what the payload types mean; it may be replaced between packets.
    """

    def __init__(
        self,
        ssrc: int,
        src: Endpoint | None = None,
        dst: Endpoint | None = None,
        codecs: Mapping[int, Codec] = STATIC_CODECS,
    ) -> None:
        self.ssrc = ssrc
        self.src = src
        self.dst = dst
        self.codecs = codecs
        self._sequence = SequenceNumbers()
        self._packetizations = Packetizations()
        # Payload types that carry telephone events though nobody said so.
        self._event_types: set[int] = set()
        # When the packet before came, its number and timestamp.
        self._last = (-COPY_NS, -1, -1)
        self._jitter = 0.0
        # When the packet before came, its number and timestamp, the rate of its clock.
        self._before = (0, 0, 0, 0)
        self._after_noise = False
        self._speech_type: int | None = None
        self._event: int | None = None
        self._usual_step = 0
        self._votes = 0
        self._begin()

    def _begin(self) -> None:
        """Count from nothing again, and go on where the stream is."""
        self._figures = StreamFigures(self.ssrc, self.src, self.dst, 0, 0, 0, 0)
        self._gaps: list[Gap] = []
        self._payloads: dict[tuple[int, Codec | None], _Used] = {}
        self._tallies: dict[int, _Tally] = {}
        self._silence = 0.0
        self._measured = False
        self._mean = 0.0
        self._max = 0.0
        self._sequence.begin()

    def add(self, ts: int, header: RtpHeader) -> None:
        """Take in one packet.

        :param ts: when it was seen, in ns since the epoch.
        """
        second = header.marker << 7 | header.payload_type
        size = min(header.payload_length, CUT - 1)
        self.feed([(ts, second, header.sequence, header.timestamp, size)])

    def feed(
        self,
        packets: Iterable[tuple[int, int, int, int, int]],
        event_packets: Iterable[EventPacket] = (),
    ) -> None:
        """Take in packets in the order they were seen.

        :param packets: of each when it was seen in ns since the epoch, the second byte
            of its header (marker and payload type), sequence number, timestamp, and
            the bytes of its payload, with :data:`CUT` added where it was cut off.
        :param event_packets: those of them that may be of telephone events.
        """
        self._read_events(event_packets)
        figures, sequence = self._figures, self._sequence
        used, tally = _Used(0, None, 0), _Tally()
        payload_type, bucket_end = -1, 0
        add_size = self._packetizations.add
        before_ts, before_number, before_timestamp = self._last
        for ts, second, number, timestamp, size in packets:
            if (
                number == before_number
                and timestamp == before_timestamp
                and abs(ts - before_ts) <= COPY_NS
            ):
                figures.copies += 1
                continue
            if second & 0x7F != payload_type:
                payload_type = second & 0x7F
                used = self._switch(payload_type, ts)
            if not bucket_end - _BUCKET_NS <= ts < bucket_end:
                start = ts // _BUCKET_NS * _BUCKET_NS
                bucket_end = start + _BUCKET_NS
                tally = self._tally(start)
            placed = sequence.place(number, ts)
            if not figures.packets:
                figures.first_ts = figures.last_ts = ts
            elif ts > figures.last_ts:
                if ts - figures.last_ts >= GAP_NS:
                    skipped = number - before_number - 1 & 0xFFFF
                    clock = timestamp - before_timestamp
                    self._note_gap(ts, placed, skipped, clock, used.rate)
                figures.last_ts = ts
            before_ts, before_number, before_timestamp = ts, number, timestamp
            tally.packets += 1
            tally.came += _NEW[placed]
            used.packets += 1
            used.last_ts = ts
            if used.is_event:
                self._note_event(ts, timestamp)
            else:
                if not used.is_noise:
                    add_size(
                        *(ts, payload_type, used.rate, number, timestamp),
                        size & ~CUT,
                    )
                if used.rate:
                    packet = ts, number, timestamp, used.rate
                    self._measure(packet, used, tally, placed, second >= 0x80)
            if size >= CUT:
                figures.cut += 1
            figures.packets += 1
            figures.marked += second >> 7
            self._after_noise = used.is_noise
        self._last = before_ts, before_number, before_timestamp

    def _note_gap(
        self, ts: int, placed: int, skipped: int, clock: int, rate: int
    ) -> None:
        """Nothing had come for a while before this packet.

        :param skipped: how many sequence numbers lie between it and the one before.
        :param clock: by how much the timestamps went on.
        """
        if len(self._gaps) >= MAX_GAPS:
            return
        missing = {NEXT: 0, APART: skipped}.get(placed)
        clock_ms = _signed(clock) * 1000 // rate if rate else None
        self._gaps.append(Gap(self._figures.last_ts, ts, missing, clock_ms))

    def _read_events(self, packets: Iterable[EventPacket]) -> None:
        """Find telephone events, before the packets are counted: a payload type that
        turns out to carry them is no speech.
        """
        rates = {
            payload_type: codec.clock_rate
            for payload_type, codec in self.codecs.items()
            if codec.name.lower() == "telephone-event"
        }
        events = self._figures.telephone_events
        for event in read_events(packets, rates):
            if not event.described:
                self._event_types.add(event.payload_type)
            if len(events) < MAX_EVENTS:
                events.append(event)

    def _switch(self, payload_type: int, ts: int) -> _Used:
        """Go on with a payload type that the packet before did not have."""
        codec = self.codecs.get(payload_type)
        if codec is None and payload_type == _OLD_NOISE_TYPE:
            codec = _OLD_NOISE
        used = self._payloads.setdefault(
            (payload_type, codec), _Used(payload_type, codec, ts)
        )
        if codec is None and payload_type in self._event_types:
            used.is_event = True
        if not used.is_noise and not used.is_event:
            if self._speech_type not in (None, payload_type):
                self._figures.payload_changes += 1
            self._speech_type = payload_type
        return used

    def _tally(self, start: int) -> _Tally:
        tally = self._tallies.get(start)
        if tally is None:
            tally = self._tallies[start] = _Tally()
        return tally

    def _measure(
        self,
        packet: tuple[int, int, int, int],
        used: _Used,
        tally: _Tally,
        placed: int,
        marked: bool,
    ) -> None:
        """Go on with the jitter (RFC 3550 appendix A.8), and look for silences."""
        before, self._before = self._before, packet
        rate = used.rate
        if before[3] != rate:
            return  # the first packet, or of another clock
        step = _signed(packet[2] - before[2])
        transit_ms = (packet[0] - before[0]) / 1e6 - step * 1000 / rate
        if abs(transit_ms) > _JUMP_MS and (
            transit_ms > _LONGEST_WAIT_MS or self._jumped(before, packet, step)
        ):
            self._jitter = 0.0
            return
        self._jitter = jitter = self._jitter + (abs(transit_ms) - self._jitter) / 16
        if placed == NEXT and step > 0:
            self._look_for_silence(step, used)
        if marked or used.is_noise or self._after_noise:
            return
        # As in Wireshark, a packet that is left out counts as the mean so far.
        self._mean += (jitter - self._mean) / (self._figures.packets or 1)
        self._measured = True
        if jitter > self._max:
            self._max = jitter
        tally.measured += 1
        tally.jitter_sum += jitter
        if jitter > tally.jitter_max:
            tally.jitter_max = jitter

    def _jumped(
        self,
        before: tuple[int, int, int, int],
        packet: tuple[int, int, int, int],
        step: int,
    ) -> bool:
        """Whether the sender's clock jumped, as where another source was switched in,
        rather than a packet that was late: the timestamps went on by another step than
        that of so many packets.
        """
        count = packet[1] - before[1] & 0xFFFF
        usual = count * self._usual_step if count <= MAX_DROPOUT else 0
        return abs(step - usual) * 1000 > _JUMP_MS * packet[3]

    def _look_for_silence(self, step: int, used: _Used) -> None:
        """Compare a step of timestamps, from one packet to the next, with the usual."""
        if step == self._usual_step:
            self._votes += 1
        elif step > _SILENT_STEPS * self._usual_step and self._votes >= _SURE:
            self._figures.silences += 1
            self._silence += (step - self._usual_step) * 1000 / used.rate
        elif used.is_noise:
            return
        elif self._votes:
            self._votes -= 1
        else:
            self._usual_step, self._votes = step, 1

    def _note_event(self, ts: int, timestamp: int) -> None:
        """A telephone event: all its packets have one timestamp (RFC 4733 2.2.1)."""
        events = self._figures.events
        if timestamp == self._event and events:
            begin, _ = events[-1]
            events[-1] = begin, max(ts - begin, 0) // 1_000_000
        elif len(events) < MAX_EVENTS:
            events.append((ts, 0))
        self._event = timestamp

    def take(self) -> StreamFigures | None:
        """What was measured since it was last taken, as exactly as ``media.json`` keeps
        it, so that a call is explained alike before and after; None if nothing came.

        What comes next is a new part of the same stream: the sequence and the jitter go
        on where they are.
        """
        figures, sequence = self._figures, self._sequence
        if not figures.packets:
            return None
        for gap in sequence.take_gaps():
            figures.missing += gap.size
            figures.bursts += 1
            figures.longest_burst = max(figures.longest_burst, gap.size)
            for start, lost in gap.spread(_BUCKET_NS):
                self._tally(start).lost += lost
        figures.expected = sequence.expected
        figures.duplicates = sequence.duplicates
        figures.reordered = sequence.reordered
        figures.strays = sequence.strays
        figures.cycles = sequence.cycles
        figures.resets = sequence.resets
        figures.silence_ms = round(self._silence)
        if self._measured:
            figures.jitter_avg = rounded(self._mean)
            figures.jitter_max = rounded(self._max)
        rate = self._before[3]
        if self._usual_step and rate:
            figures.packet_ms = self._usual_step * 1000 / rate
        figures.comfort_noise = sum(
            used.packets for used in self._payloads.values() if used.is_noise
        )
        figures.gaps = self._gaps
        figures.packetization = self._packetizations.take()
        figures.payloads = [used.payload() for used in self._payloads.values()]
        figures.buckets = [
            tally.bucket(start) for start, tally in sorted(self._tallies.items())
        ]
        self._begin()
        return figures


def _signed(step: int) -> int:
    """A difference of two timestamps, which wrap at 32 bits."""
    return (step + 0x8000_0000 & 0xFFFF_FFFF) - 0x8000_0000


class _Used:
    """A payload type in use."""

    __slots__ = (
        "codec",
        "first_ts",
        "is_event",
        "is_noise",
        "last_ts",
        "packets",
        "payload_type",
        "rate",
    )

    def __init__(self, payload_type: int, codec: Codec | None, ts: int) -> None:
        self.payload_type = payload_type
        self.codec = codec
        self.first_ts = self.last_ts = ts
        self.packets = 0
        name = "" if codec is None else codec.name.lower()
        self.rate = 0 if codec is None else codec.clock_rate
        self.is_noise = name == "cn"
        self.is_event = name == "telephone-event"

    def payload(self) -> Payload:
        return Payload(
            self.payload_type,
            self.codec.name if self.codec else None,
            self.rate or None,
            self.packets,
            self.first_ts,
            self.last_ts,
        )


class _Tally:
    """A bucket that is being filled."""

    __slots__ = ("came", "jitter_max", "jitter_sum", "lost", "measured", "packets")

    def __init__(self) -> None:
        self.packets = 0
        self.came = 0
        self.lost = 0
        self.measured = 0
        self.jitter_sum = 0.0
        self.jitter_max = 0.0

    def bucket(self, start: int) -> Bucket:
        return Bucket(
            start,
            self.packets,
            self.came + self.lost,
            self.lost,
            rounded(self.jitter_sum / self.measured) if self.measured else None,
            rounded(self.jitter_max) if self.measured else None,
        )
