"""What was measured of one RTP stream, as values and as the JSON of ``media.json``.

A stream is what one source (SSRC) sends from one address to one other. It may be
measured in parts, which :mod:`flask_sipvault.protocols.rtp_parts` adds up again.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field
from typing import Any

from .address import Endpoint
from .rtp_events import TelephoneEvent
from .rtp_gaps import Gap
from .rtp_packetization import Packetization
from .rtp_values import count_of
from .rtp_values import is_count as is_count
from .rtp_values import measure_of
from .rtp_values import rounded
from .sdp import AUXILIARY_CODECS

#: How long a bucket is. Buckets begin at multiples of it since the epoch, so that those
#: of different streams, and of the parts of one, stand beside each other.
BUCKET_MS = 5_000

#: A stream with more telephone events has its first ones listed.
MAX_EVENTS = 200


@dataclass(slots=True)
class Payload:
    """One payload type of a stream.

    :param codec: its SDP name; None where no description tells, as ``clock_rate`` (Hz).
    """

    payload_type: int
    codec: str | None
    clock_rate: int | None
    packets: int
    first_ts: int
    last_ts: int

    @property
    def auxiliary(self) -> bool:
        """Whether it carries no speech or picture of its own."""
        return (self.codec or "").lower() in AUXILIARY_CODECS


@dataclass(slots=True)
class Bucket:
    """Five seconds of a stream.

    :param ts: when it begins, in ns since the epoch.
    :param packets: how many came, those that came twice twice.
    :param expected: how many different ones should have come.
    :param lost: how many of those never came. They are spread over the time in which
        they were missed, so that an outage is seen while it lasts.
    :param jitter_avg: ms, as in :class:`StreamFigures`; None where it is not measured.
    """

    ts: int
    packets: int
    expected: int
    lost: int
    jitter_avg: float | None
    jitter_max: float | None


@dataclass(slots=True)
class StreamFigures:
    """One stream, or the part of it that was seen so far.

    :param src: None where only the sender of the capture knows and does not say.
    :param packets: all that came, as ``expected`` is all that were sent between the
        first and the last of them (RFC 3550 appendix A.3).
    :param missing: how many never came. ``lost``, which is RFC 3550's, is less where
        others came twice.
    :param duplicates: how many had come before.
    :param reordered: how many came after one with a higher sequence number.
    :param strays: how many have a sequence number that fits nowhere.
    :param cycles: how often the sequence number went past 65535.
    :param resets: how often the source began a new sequence.
    :param bursts: how many times one or more in a row never came.
    :param longest_burst: the most that never came in a row.
    :param jitter_avg: the mean of the interarrival jitter (RFC 3550 section 6.4.1) over
        the packets, in ms. Left out are packets with a marker, comfort noise and what
        follows it: there the sender's own pauses are measured, not the network. None
        where the clock rate is not known.
    :param packet_ms: how much sound a packet mostly holds, by timestamps.
    :param marked: packets with a marker, each the beginning of speech after a silence.
    :param comfort_noise: packets of comfort noise.
    :param silences: how often the source sent nothing for a while without a loss.
    :param silence_ms: how long it did so in all.
    :param payload_changes: how often the codec changed.
    :param events: when each telephone event (DTMF) was sent, in ns since the epoch, and
        for how many ms.
    :param copies: how many packets the capture held twice within a millisecond, which
        are counted nowhere else.
    :param cut: how many packets the capture cut off.
    :param telephone_events: what the events of ``events`` say of themselves.
    :param packetization: the sizes of its packets over time.
    :param gaps: when no packet came for a second or more, in order of time; None where
        that was not noted, as in parts written before it was.
    :param payloads: in the order they were first seen.
    :param buckets: in order of time; where nothing was expected there is none.
    """

    ssrc: int
    src: Endpoint | None
    dst: Endpoint | None
    first_ts: int
    last_ts: int
    packets: int
    expected: int
    missing: int = 0
    duplicates: int = 0
    reordered: int = 0
    strays: int = 0
    cycles: int = 0
    resets: int = 0
    bursts: int = 0
    longest_burst: int = 0
    jitter_avg: float | None = None
    jitter_max: float | None = None
    packet_ms: float | None = None
    marked: int = 0
    comfort_noise: int = 0
    silences: int = 0
    silence_ms: int = 0
    payload_changes: int = 0
    copies: int = 0
    cut: int = 0
    events: list[tuple[int, int]] = field(default_factory=list)
    telephone_events: list[TelephoneEvent] = field(default_factory=list)
    packetization: list[Packetization] = field(default_factory=list)
    gaps: list[Gap] | None = None
    payloads: list[Payload] = field(default_factory=list)
    buckets: list[Bucket] = field(default_factory=list)

    @property
    def lost(self) -> int:
        """Expected less received, as RFC 3550 and Wireshark count: what came twice
        makes up for what never came, so that it may be negative.
        """
        return self.expected - self.packets

    @property
    def loss_percent(self) -> float | None:
        """``lost`` of a hundred expected; not below 0."""
        if self.expected <= 0:
            return None
        return round(max(self.lost, 0) * 100 / self.expected, 3)

    @property
    def burst_ratio(self) -> float | None:
        """The mean length of a burst against that of random loss (ITU-T G.107): 1 where
        losses are independent, more where they come together. None where nothing is
        missing.
        """
        if not self.bursts or self.expected <= 0:
            return None
        mean = self.missing / self.bursts
        return round(mean * (1 - self.missing / self.expected), 3)

    @property
    def main(self) -> Payload | None:
        """The payload of most packets, tones and noise apart."""
        payloads = [p for p in self.payloads if not p.auxiliary] or self.payloads
        return max(payloads, key=lambda p: p.packets, default=None)

    @property
    def key(self) -> tuple[int, Endpoint | None, Endpoint | None]:
        """What tells streams apart."""
        return self.ssrc, self.src, self.dst

    def as_json(self) -> dict[str, Any]:
        """An object of ``media.json``; :func:`from_json` reads it."""
        main = self.main
        return {
            "ssrc": f"0x{self.ssrc:08x}",
            "src": None if self.src is None else str(self.src),
            "dst": None if self.dst is None else str(self.dst),
            "payload_type": main.payload_type if main else None,
            "codec": main.codec if main else None,
            "clock_rate": main.clock_rate if main else None,
            "packets": self.packets,
            "expected": self.expected,
            "lost": self.lost,
            "loss_percent": self.loss_percent,
            "jitter_ms": {
                "avg": rounded(self.jitter_avg),
                "max": rounded(self.jitter_max),
            },
            "first_ts": self.first_ts,
            "last_ts": self.last_ts,
            "missing": self.missing,
            "bursts": self.bursts,
            "longest_burst": self.longest_burst,
            "burst_ratio": self.burst_ratio,
            "duplicates": self.duplicates,
            "reordered": self.reordered,
            "strays": self.strays,
            "cycles": self.cycles,
            "resets": self.resets,
            "packet_ms": rounded(self.packet_ms),
            "marked": self.marked,
            "comfort_noise": self.comfort_noise,
            "silences": self.silences,
            "silence_ms": self.silence_ms,
            "payload_changes": self.payload_changes,
            "copies": self.copies,
            "cut": self.cut,
            "payloads": [
                {
                    "payload_type": p.payload_type,
                    "codec": p.codec,
                    "clock_rate": p.clock_rate,
                    "packets": p.packets,
                    "first_ts": p.first_ts,
                    "last_ts": p.last_ts,
                }
                for p in self.payloads
            ],
            "events": [list(event) for event in self.events],
            "telephone_events": [it.as_json() for it in self.telephone_events],
            "packetization": [span.as_json() for span in self.packetization],
            "gaps": None if self.gaps is None else [gap.as_json() for gap in self.gaps],
            "bucket_ms": BUCKET_MS,
            "buckets": [
                [
                    b.ts,
                    b.packets,
                    b.expected,
                    b.lost,
                    rounded(b.jitter_avg),
                    rounded(b.jitter_max),
                ]
                for b in self.buckets
            ],
        }


def from_json(loaded: dict[str, Any]) -> StreamFigures | None:
    """What :meth:`StreamFigures.as_json` wrote; None for anything else, for what lies
    in a store may be damaged, or of another maker.
    """
    try:
        return _Reader(loaded).figures()
    except (KeyError, TypeError, ValueError):
        return None


class _Reader:
    """Reads the values of one JSON object.

    Every method raises KeyError, TypeError or ValueError for what is not there or is
    something else.
    """

    def __init__(self, loaded: dict[str, Any]) -> None:
        self._loaded = loaded

    def figures(self) -> StreamFigures:
        loaded = self._loaded
        if loaded["bucket_ms"] != BUCKET_MS:
            raise ValueError("buckets of another length")
        jitter = loaded["jitter_ms"]
        counts = {name: count_of(loaded[name]) for name in _COUNTS}
        later = {name: count_of(loaded.get(name, 0)) for name in _LATER_SUMS}
        return StreamFigures(
            ssrc=_ssrc(loaded["ssrc"]),
            src=_endpoint(loaded["src"]),
            dst=_endpoint(loaded["dst"]),
            jitter_avg=measure_of(jitter["avg"]),
            jitter_max=measure_of(jitter["max"]),
            packet_ms=measure_of(loaded["packet_ms"]),
            events=[(count_of(ts), count_of(ms)) for ts, ms in loaded["events"]],
            payloads=[_Reader(item).payload() for item in loaded["payloads"]],
            buckets=[_bucket(*row) for row in loaded["buckets"]],
            telephone_events=[
                TelephoneEvent.from_json(item)
                for item in loaded.get("telephone_events", ())
            ],
            packetization=[
                Packetization.from_json(span)
                for span in loaded.get("packetization", ())
            ],
            gaps=_gaps(loaded.get("gaps")),
            **counts,
            **later,
        )

    def payload(self) -> Payload:
        codec, rate = self._loaded["codec"], self._loaded["clock_rate"]
        if not isinstance(codec, str | None):
            raise TypeError("a codec is a name")
        return Payload(
            count_of(self._loaded["payload_type"]),
            codec,
            None if rate is None else count_of(rate),
            count_of(self._loaded["packets"]),
            count_of(self._loaded["first_ts"]),
            count_of(self._loaded["last_ts"]),
        )


#: What the first parts that were ever written do not have.
_LATER_SUMS = ("copies", "cut")

_EARLY_SUMS = (
    "packets",
    "expected",
    "missing",
    "duplicates",
    "reordered",
    "strays",
    "cycles",
    "resets",
    "bursts",
    "marked",
    "comfort_noise",
    "silences",
    "silence_ms",
    "payload_changes",
)
_COUNTS = (*_EARLY_SUMS, "longest_burst", "first_ts", "last_ts")

#: What parts of a stream add up to.
SUMS = (*_EARLY_SUMS, *_LATER_SUMS)


def _gaps(value: Any) -> list[Gap] | None:
    return None if value is None else [Gap.from_json(row) for row in value]


def _ssrc(value: Any) -> int:
    ssrc = int(value, 16)
    if not 0 <= ssrc <= 0xFFFF_FFFF:
        raise ValueError("not 32 bits")
    return ssrc


def _endpoint(value: Any) -> Endpoint | None:
    if not isinstance(value, str | None):
        raise TypeError("an address is text")
    return None if value is None else Endpoint.parse(value)


def _bucket(*row: Any) -> Bucket:
    ts, packets, expected, lost, jitter_avg, jitter_max = row
    return Bucket(
        count_of(ts),
        count_of(packets),
        count_of(expected),
        count_of(lost),
        measure_of(jitter_avg),
        measure_of(jitter_max),
    )
