"""What RTCP reported during the call, row by row, with the addresses and units that
only the signalling knows.
"""

from __future__ import annotations

from collections import defaultdict
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace

from ..evidence import RtcpDatagram
from ..protocols import rtcp
from ..protocols.address import Endpoint
from ..protocols.sdp import AUXILIARY_CODECS
from ..protocols.sdp import Media
from .dialog import Call

#: From 1900, where NTP's time starts, to 1970, in seconds.
_NTP_EPOCH = 2_208_988_800

#: A round trip longer than this is a clock that runs apart, not a network.
MAX_ROUND_TRIP_MS = 10_000


@dataclass(slots=True)
class Report:
    """What one receiver said about one stream in one report block.

    :param src: where the report came from; None where that is not certain.
    :param reporter: the SSRC of who reports; ``ssrc`` the stream that is reported on.
    :param fraction_lost: since the report before, 0 to 1.
    :param cumulative_lost: since the start, in packets; may be negative.
    :param jitter: in timestamp units.
    :param jitter_ms: None where the stream's clock rate is not known.
    :param round_trip_ms: from where the capture was made, or from the stream's sender
        where its report was not captured, to the reporter and back; None where it
        cannot be measured.
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    reporter: int
    ssrc: int
    fraction_lost: float
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    jitter_ms: float | None
    round_trip_ms: float | None


@dataclass(slots=True)
class Datagram:
    """One RTCP datagram, read.

    :param derived: the addresses were not captured but follow from the SDP.
    :param problem: why it could not be read; "" if it could.
    :param reports: one for each report block, in order.
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    derived: bool
    packets: list[rtcp.Packet] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    problem: str = ""


def read_rtcp(call: Call) -> list[Datagram]:
    """The call's RTCP in order of time."""
    agreed = _Agreed(call)
    in_order = sorted(call.evidence.rtcp, key=lambda datagram: datagram.ts)
    datagrams = [_read(item, agreed) for item in in_order]
    # When the sender report that a block answers to was seen: the first if several saw.
    seen: dict[tuple[int, int], int] = {}
    for datagram in datagrams:
        for packet in datagram.packets:
            if isinstance(packet, rtcp.SenderReport):
                seen.setdefault((packet.ssrc, _middle(packet.ntp)), datagram.ts)
    for datagram in datagrams:
        datagram.reports = [
            _report(datagram, packet.ssrc, block, agreed, seen)
            for packet in datagram.packets
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport)
            for block in packet.blocks
        ]
    return datagrams


def reports(call: Call) -> list[Report]:
    """All report blocks of the call in order of time."""
    return [report for datagram in read_rtcp(call) for report in datagram.reports]


def round_trip_ms(arrival: int, lsr: int, dlsr: int) -> float | None:
    """The round trip by the sender's clock (RFC 3550 section 6.4.1).

    :param arrival: when the report came, as the middle 32 bits of an NTP time.
    :returns: None where the sender had reported nothing yet, or the clocks contradict.
    """
    if lsr == 0:
        return None
    units = (arrival - lsr - dlsr) & 0xFFFF_FFFF
    return _credible(units / 65.536) if units < 0x8000_0000 else None


def _credible(ms: float) -> float | None:
    return round(ms, 3) if 0 <= ms <= MAX_ROUND_TRIP_MS else None


def _middle(ntp: int) -> int:
    return ntp >> 16 & 0xFFFF_FFFF


def ntp_middle(ts: int) -> int:
    """A time in ns since the epoch as the middle 32 bits of NTP's."""
    seconds, ns = divmod(ts, 1_000_000_000)
    return (seconds + _NTP_EPOCH << 16 | ns * 65_536 // 1_000_000_000) & 0xFFFF_FFFF


def _read(item: RtcpDatagram, agreed: _Agreed) -> Datagram:
    datagram = Datagram(item.ts, item.src, item.dst, derived=False)
    try:
        datagram.packets = rtcp.parse(item.payload)
    except rtcp.RtcpError as error:
        datagram.problem = str(error)
    if item.src is None and item.dst is None:
        datagram.src, datagram.dst = agreed.addresses(_sender(datagram.packets))
        datagram.derived = datagram.src is not None
    return datagram


def _sender(packets: list[rtcp.Packet]) -> int | None:
    """Whose datagram this is: its first packet says."""
    for packet in packets:
        if isinstance(packet, rtcp.Goodbye):
            return packet.ssrcs[0] if packet.ssrcs else None
        if not isinstance(packet, rtcp.SourceDescription | rtcp.Unknown):
            return packet.ssrc
    return None


def _report(
    datagram: Datagram,
    reporter: int,
    block: rtcp.ReportBlock,
    agreed: _Agreed,
    seen: dict[tuple[int, int], int],
) -> Report:
    rate = agreed.clock_rate(block.ssrc, reporter, datagram.src, datagram.dst)
    answered = seen.get((block.ssrc, block.lsr)) if block.lsr else None
    if answered is not None:
        # No clock but the capture's own: what is left of the time is the way.
        since = (datagram.ts - answered) / 1e6
        round_trip = _credible(since - block.dlsr / 65.536)
    else:
        round_trip = round_trip_ms(ntp_middle(datagram.ts), block.lsr, block.dlsr)
    return Report(
        datagram.ts,
        datagram.src,
        datagram.dst,
        reporter,
        block.ssrc,
        block.fraction_lost,
        block.cumulative_lost,
        block.highest_sequence,
        block.jitter,
        round(block.jitter * 1000 / rate, 3) if rate else None,
        round_trip,
    )


class _Agreed:
    """What the signalling tells of the media: whose SSRC, which address, which clock.

    Only what is certain counts: an SSRC that two addresses claim (a relay rewrote one
    of the two descriptions) has none.
    """

    def __init__(self, call: Call) -> None:
        self._kinds: set[str] = set()
        self._kind_of: dict[int | Endpoint, str] = {}
        self._rtcp_of: dict[int, set[Endpoint]] = defaultdict(set)
        self._rtcp: dict[str, set[Endpoint]] = defaultdict(set)
        self._rate: dict[str, int] = {}
        self._measured: dict[int, int] = _measured_rates(call)
        described = [
            (message.kind == "response" or message.method == "ACK", media)
            for message in call.messages
            if message.sdp is not None
            for media in message.sdp.media
            if media.port and media.codecs
        ]
        # RTP and RTCP share a port only if both sides say so (RFC 5761 section 5.1.1).
        shared = all(media.rtcp_mux for _, media in described)
        for answers, media in described:
            self._learn(replace(media, rtcp_mux=shared), answers)

    def _learn(self, media: Media, answers: bool) -> None:
        self._kinds.add(media.kind)
        for ssrc in media.ssrcs:
            self._kind_of[ssrc] = media.kind
        for end in (media.rtp, media.rtcp):
            if end is not None:
                self._kind_of[end] = media.kind
        if media.rtcp is not None:
            self._rtcp[media.kind].add(media.rtcp)
            for ssrc in media.ssrcs:
                self._rtcp_of[ssrc].add(media.rtcp)
        rates = [
            media.codecs[int(word)].clock_rate
            for word in media.formats
            if word.isdigit() and int(word) in media.codecs
            if media.codecs[int(word)].name.lower() not in AUXILIARY_CODECS
        ]
        # An answer's first codec is the one in use (RFC 3264 section 6.1); an offer
        # tells only if it leaves no choice.
        if rates and answers:
            self._rate[media.kind] = rates[0]
        elif len(set(rates)) == 1:
            self._rate.setdefault(media.kind, rates[0])

    def addresses(self, sender: int | None) -> tuple[Endpoint | None, Endpoint | None]:
        """Where the RTCP of an SSRC comes from, and where it goes."""
        own = self._rtcp_of.get(sender, set()) if sender is not None else set()
        if sender is None or len(own) != 1:
            return None, None
        others = self._rtcp[self._kind_of[sender]] - own
        return next(iter(own)), next(iter(others)) if len(others) == 1 else None

    def clock_rate(
        self, ssrc: int, reporter: int, src: Endpoint | None, dst: Endpoint | None
    ) -> int | None:
        """Of the stream reported on, in Hz."""
        if ssrc in self._measured:
            return self._measured[ssrc]
        for clue in (ssrc, reporter, dst, src):
            if clue is not None and clue in self._kind_of:
                return self._rate.get(self._kind_of[clue])
        if len(self._kinds) == 1:
            return self._rate.get(next(iter(self._kinds)))
        return None


def _measured_rates(call: Call) -> dict[int, int]:
    """Clock rates of the streams whose RTP itself was seen."""
    rates: dict[int, int] = {}
    for stream in call.evidence.media:
        rate = stream.get("clock_rate")
        try:
            ssrc = int(stream.get("ssrc", ""), 16)
        except (TypeError, ValueError):
            continue
        if isinstance(rate, int) and rate > 0:
            rates[ssrc] = rate
    return rates
