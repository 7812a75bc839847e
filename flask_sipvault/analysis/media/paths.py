"""The ways media takes: from whom to whom, on which leg, as what.

:class:`.directions.Directions` tells the direction where the signalling names an
address or a source. Behind NAT it names neither: there the answer comes back to where
the packets came from (symmetric RTP, RFC 4961), and addresses are still those of one
side's host.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence
from typing import Literal
from typing import NamedTuple

from ...protocols.address import Endpoint
from ...protocols.rtp_figures import Payload
from ...protocols.rtp_figures import StreamFigures
from ...protocols.sdp import Media
from ..sip.messages import Message
from ..sip.setup import CallSetup
from ..sip.sides import Side
from .directions import Direction
from .directions import Directions
from .directions import opposite
from .directions import sender_of
from .negotiation import main_of
from .negotiation import Negotiation
from .payloads import AgreedPayloads
from .places import Place

#: The ends of a call that a leg reaches.
End = Literal["caller", "callee"]

#: Clock of every video format of RFC 3551, and of no codec for speech.
_VIDEO_CLOCK = 90_000

_LONGEST_PACKET_MS = 1000

_PLACES: dict[frozenset[End], Place] = {
    frozenset[End]({"caller", "callee"}): "direct",
    frozenset[End]({"caller"}): "caller",
    frozenset[End]({"callee"}): "callee",
    frozenset[End](): "between",
}


class Coding(NamedTuple):
    """How speech is coded.

    :param codec: its SDP name; None where nothing tells.
    :param fmtp: its parameters.
    :param packet_ms: how much of it a packet holds; None where nothing tells.
    :param payload_type: of RTP that was seen.
    :param refused: whether the listener had not agreed to the payload type.
    """

    codec: str | None = None
    fmtp: str = ""
    packet_ms: float | None = None
    payload_type: int | None = None
    refused: bool = False


class MediaPaths:
    """What the signalling tells of the streams of a call."""

    def __init__(
        self,
        messages: Sequence[Message],
        setup: CallSetup | None,
        negotiations: Sequence[Negotiation] = (),
    ) -> None:
        self.directions = Directions(messages, setup)
        self._agreed = main_of(negotiations)
        self._payloads = AgreedPayloads(negotiations)
        self._described = [
            (message, media)
            for message in messages
            if message.sdp is not None
            for media in message.sdp.media
        ]
        self._kinds: dict[Endpoint, set[str]] = defaultdict(set)
        self._media: dict[Endpoint, Media] = {}
        self._ends: dict[Endpoint, set[End]] = defaultdict(set)
        self._own: dict[Endpoint, set[End]] = defaultdict(set)
        self._hosts: dict[str, set[Direction]] = defaultdict(set)
        places: dict[End, Endpoint | None] = {
            "caller": setup.caller_place if setup else None,
            "callee": setup.callee_place if setup else None,
        }
        for message, media in self._described:
            for at in {media.rtp, media.rtcp}:
                if at is not None:
                    self._learn(at, message, media, places)

    def _learn(
        self,
        at: Endpoint,
        message: Message,
        media: Media,
        places: dict[End, Endpoint | None],
    ) -> None:
        self._kinds[at].add(media.kind)
        self._media.setdefault(at, media)
        for end, place in places.items():
            if place is not None and place in (message.origin, message.target):
                self._ends[at].add(end)
            if place is not None and place == message.origin:
                self._own[at].add(end)
        going_there = self.directions.of(None, at)
        if going_there is not None:
            self._hosts[at.ip].add(opposite(going_there))

    def author(self, message: Message) -> Side | None:
        """Which side a message comes from; None where that cannot be told."""
        return sender_of(self.directions.author(message))

    def of_streams(self, streams: Iterable[StreamFigures]) -> list[Direction | None]:
        """The direction of each stream; None where it cannot be told."""
        streams = list(streams)
        told: list[Direction | None] = [
            self.directions.of(each.src, each.dst, each.ssrc) for each in streams
        ]
        # The way back of a stream that goes one way goes the other.
        ways: dict[tuple[Endpoint | None, Endpoint | None], Direction] = {}
        for stream, direction in zip(streams, told, strict=True):
            if direction is not None:
                ways[stream.dst, stream.src] = opposite(direction)
        return [
            direction or ways.get((stream.src, stream.dst)) or self._by_hosts(stream)
            for stream, direction in zip(streams, told, strict=True)
        ]

    def _by_hosts(self, stream: StreamFigures) -> Direction | None:
        """By the host alone, which may send from another port than it named."""
        sender = self._host(stream.src)
        receiver = self._host(stream.dst)
        if receiver is not None and sender != receiver:
            return opposite(receiver)
        return sender if receiver is None else None

    def _host(self, at: Endpoint | None) -> Direction | None:
        sides = self._hosts.get(at.ip, set()) if at is not None else set()
        return next(iter(sides)) if len(sides) == 1 else None

    def is_audio(self, stream: StreamFigures) -> bool:
        """Whether it is speech, as far as can be told."""
        for at in (stream.dst, stream.src):
            if at is not None and at in self._kinds:
                return "audio" in self._kinds[at]
        main = stream.main
        return main is None or main.clock_rate != _VIDEO_CLOCK

    def ends(self, *addresses: Endpoint | None) -> frozenset[End]:
        """Which ends of the call a leg reaches, by the addresses of its streams."""
        return frozenset(
            end for at in addresses if at is not None for end in self._ends.get(at, ())
        )

    def next_to(self, end: End, *addresses: Endpoint | None) -> int:
        """How near to an end of the call a leg is, by the addresses of its streams: 0
        with an address that this end named itself, 1 with one that it was given; 2
        where nothing tells, 3 for a leg of the other end's.
        """
        known = [at for at in addresses if at is not None]
        if any(end in self._own.get(at, ()) for at in known):
            return 0
        ends = self.ends(*known)
        return 1 if end in ends else 3 if ends else 2

    def place(self, *addresses: Endpoint | None) -> Place | None:
        """Which part of the way a stream was captured on, by its addresses; None where
        nothing tells.
        """
        if not any(at in self._kinds for at in addresses):
            return None
        return _PLACES[self.ends(*addresses)]

    def coding_of(self, stream: StreamFigures, ts: int, sender: Side | None) -> Coding:
        """What a stream that was seen carries at a time."""
        payload = payload_at(stream, ts)
        packet_ms = _credible(stream.packet_ms)
        if payload is None:
            return Coding(packet_ms=packet_ms)
        described = (
            self._media.get(at) for at in (stream.dst, stream.src) if at is not None
        )
        fmtp = next(
            (
                media.fmtp[payload.payload_type]
                for media in described
                if media is not None and payload.payload_type in media.fmtp
            ),
            "",
        )
        agreed = self._payloads.allow(
            sender, payload.payload_type, payload.first_ts, payload.last_ts
        )
        return Coding(
            payload.codec,
            fmtp,
            packet_ms,
            payload.payload_type,
            refused=agreed is False and not payload.auxiliary,
        )

    def coding_agreed(self, ts: int) -> Coding:
        """What the two sides agreed to speak at a time; of the first answer, before."""
        state = self._agreed.audio_at(ts) if self._agreed is not None else None
        if state is None or state.codec is None or state.answered is None:
            return Coding()
        fmtp = state.answered.fmtp.get(state.payload_type or 0, "")
        return Coding(state.codec.name, fmtp, _credible(state.answered.ptime))

    def keeps_silent(self, direction: Direction) -> bool:
        """Whether the two had agreed, for the whole call, that nobody speaks in a
        direction: its speaker only receives, or its listener only sends.
        """
        said: dict[Direction, set[bool]] = {"uac": set(), "uas": set()}
        for message, media in self._described:
            if media.kind != "audio":
                continue
            author = self.directions.author(message)
            if author is not None:
                deaf = "recvonly" if author == direction else "sendonly"
                mute = media.port == 0 or media.direction in (deaf, "inactive")
                said[author].add(mute)
        return {True} in said.values()


def payload_at(stream: StreamFigures, ts: int) -> Payload | None:
    """The payload type that a stream spoke at a time; None where it has none."""
    spoken = [p for p in stream.payloads if not p.auxiliary] or stream.payloads
    then = [span for span in stream.packetization if span.first_ts <= ts]
    kind = then[-1].payload_type if then else None
    at_the_time = [p for p in spoken if p.payload_type == kind] or [
        p for p in spoken if p.first_ts <= ts <= p.last_ts
    ]
    return max(at_the_time or spoken, key=lambda p: p.packets, default=None)


def _credible(packet_ms: float | None) -> float | None:
    """A length of packets that speech can have."""
    if packet_ms is None or not 0 < packet_ms <= _LONGEST_PACKET_MS:
        return None
    return packet_ms
