"""What RTCP reported during the call, row by row, with the addresses and units that
only the signalling knows.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field

from ...evidence import RtcpDatagram
from ...protocols import rtcp
from ...protocols.address import Endpoint
from .negotiated import NegotiatedMedia

#: A round trip that is negative by no more is a short one, in ms: clocks drift by some
#: millionths, and a capture's times are not exact.
_CLOCK_ERROR_MS = 10.0

#: From 1900, where NTP's time starts, to 1970, in seconds.
_NTP_EPOCH = 2_208_988_800

#: A round trip longer than this is a clock that runs apart, not a network.
MAX_ROUND_TRIP_MS = 10_000


@dataclass(slots=True)
class Report:
    """What one receiver said about one stream in one report block.

    :param src: where the report came from; None where that is not certain.
    :param reporter: the SSRC of who reports; ``ssrc`` the stream that is reported on.
    :param fraction_lost: since the report before, 0 to 1, as the reporter says.
    :param cumulative_lost: since the start, in packets; may be negative.
    :param lost: since the report before that was captured, in packets, of ``expected``:
        what the cumulative figures of the two differ by. None for the first, and where
        a new sequence began.
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
    lost: int | None
    expected: int | None
    jitter: int
    jitter_ms: float | None
    round_trip_ms: float | None


@dataclass(slots=True)
class Extended:
    """One block of an extended report (XR, RFC 3611).

    :param ssrc: the stream that it is about; None where the block names none.
    :param jitter_ms: the mean of a statistics summary; ``jitter_max_ms`` its maximum.
        None in other blocks, and where the stream's clock rate is not known.
    :param round_trip_ms: of VoIP metrics as reported; of DLRR as in :class:`Report`,
        from the capture, or from who sent the reference time, to the reporter and back.
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    reporter: int
    ssrc: int | None
    block: rtcp.XrBlock
    jitter_ms: float | None = None
    jitter_max_ms: float | None = None
    round_trip_ms: float | None = None


@dataclass(slots=True)
class Datagram:
    """One RTCP datagram, read.

    :param derived: the addresses were not captured but follow from the SDP.
    :param problem: why it could not be read; "" if it could.
    :param reports: one for each report block, in order.
    :param extended: one for each block of extended reports, in order.
    """

    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    derived: bool
    packets: list[rtcp.Packet] = field(default_factory=list)
    reports: list[Report] = field(default_factory=list)
    extended: list[Extended] = field(default_factory=list)
    problem: str = ""


def read_rtcp(
    captured: Iterable[RtcpDatagram], agreed: NegotiatedMedia
) -> list[Datagram]:
    """A call's RTCP in order of time."""
    in_order = sorted(captured, key=lambda datagram: datagram.ts)
    datagrams = [_read(item, agreed) for item in in_order]
    reader = _Reader(agreed, datagrams)
    for datagram in datagrams:
        for packet in datagram.packets:
            if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
                datagram.reports += [
                    reader.report(datagram, packet.ssrc, block)
                    for block in packet.blocks
                ]
            elif isinstance(packet, rtcp.ExtendedReport):
                datagram.extended += [
                    reader.extended(datagram, packet.ssrc, block)
                    for block in packet.blocks
                ]
    return datagrams


def round_trip_ms(arrival: int, lsr: int, dlsr: int) -> float:
    """The round trip by the sender's clock (RFC 3550 section 6.4.1), whether it can be
    or not: negative where the clocks contradict.

    :param arrival: when the report came, as the middle 32 bits of an NTP time.
    """
    units = (arrival - lsr - dlsr) & 0xFFFF_FFFF
    return (units - (1 << 32 if units >= 1 << 31 else 0)) / 65.536


def _credible(ms: float) -> float | None:
    return round(ms, 3) if 0 <= ms <= MAX_ROUND_TRIP_MS else None


def _middle(ntp: int) -> int:
    return ntp >> 16 & 0xFFFF_FFFF


def ntp_middle(ts: int) -> int:
    """A time in ns since the epoch as the middle 32 bits of NTP's."""
    seconds, ns = divmod(ts, 1_000_000_000)
    return (seconds + _NTP_EPOCH << 16 | ns * 65_536 // 1_000_000_000) & 0xFFFF_FFFF


def _read(item: RtcpDatagram, agreed: NegotiatedMedia) -> Datagram:
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


class _Reader:
    """Reads blocks with what the rest of the call's RTCP tells of them."""

    def __init__(self, agreed: NegotiatedMedia, datagrams: list[Datagram]) -> None:
        self._agreed = agreed
        self._before: dict[tuple[int, int], Report] = {}
        # When a time that blocks answer to was seen: the first if it was seen twice.
        self._seen: dict[tuple[int, int], int] = {}
        for datagram in datagrams:
            for packet in datagram.packets:
                for ssrc, ntp in _clocks(packet):
                    self._seen.setdefault((ssrc, _middle(ntp)), datagram.ts)
        self._distrusted = self._find_distrusted(datagrams)

    def _find_distrusted(self, datagrams: list[Datagram]) -> set[int]:
        """The reporters of whose round trips one cannot be, because it came back before
        it was sent or took minutes, or who never wait. What else they tell looks like a
        round trip by chance.
        """
        found: set[int] = set()
        # The times that each reporter answered to, those after no delay apart.
        answered: dict[int, set[int]] = defaultdict(set)
        at_once: dict[int, set[int]] = defaultdict(set)
        for datagram in datagrams:
            for reporter, ssrc, last, delay in _answers(datagram):
                trip = self._trip(datagram, ssrc, last, delay)
                if not -_CLOCK_ERROR_MS <= trip <= MAX_ROUND_TRIP_MS:
                    found.add(reporter)
                answered[reporter].add(last)
                if not delay:
                    at_once[reporter].add(last)
        return found | {
            reporter
            for reporter, times in at_once.items()
            if len(times) > 1 and times == answered[reporter]
        }

    def report(
        self, datagram: Datagram, reporter: int, block: rtcp.ReportBlock
    ) -> Report:
        lost, expected = self._since_before(reporter, block)
        report = Report(
            datagram.ts,
            datagram.src,
            datagram.dst,
            reporter,
            block.ssrc,
            block.fraction_lost,
            block.cumulative_lost,
            block.highest_sequence,
            lost,
            expected,
            block.jitter,
            self._milliseconds(datagram, reporter, block.ssrc, block.jitter),
            self._round_trip(datagram, reporter, block.ssrc, block.lsr, block.dlsr),
        )
        self._before[reporter, block.ssrc] = report
        return report

    def extended(
        self, datagram: Datagram, reporter: int, block: rtcp.XrBlock
    ) -> Extended:
        ssrc = getattr(block, "ssrc", None)
        read = Extended(datagram.ts, datagram.src, datagram.dst, reporter, ssrc, block)
        if isinstance(block, rtcp.VoipMetrics):
            read.round_trip_ms = block.round_trip_delay or None
        elif isinstance(block, rtcp.DelaySinceLastReceiver):
            read.round_trip_ms = self._round_trip(
                datagram, reporter, block.ssrc, block.lrr, block.dlrr
            )
        elif isinstance(block, rtcp.StatisticsSummary):
            about = datagram, reporter, block.ssrc
            read.jitter_ms = self._milliseconds(*about, block.mean_jitter)
            read.jitter_max_ms = self._milliseconds(*about, block.max_jitter)
        return read

    def _since_before(
        self, reporter: int, block: rtcp.ReportBlock
    ) -> tuple[int | None, int | None]:
        before = self._before.get((reporter, block.ssrc))
        if before is None or block.highest_sequence < before.highest_sequence:
            return None, None
        expected = block.highest_sequence - before.highest_sequence
        return block.cumulative_lost - before.cumulative_lost, expected

    def _milliseconds(
        self, datagram: Datagram, reporter: int, ssrc: int, units: int | None
    ) -> float | None:
        rate = self._agreed.clock_rate(
            datagram.ts, ssrc, reporter, datagram.src, datagram.dst
        )
        return round(units * 1000 / rate, 3) if rate and units is not None else None

    def _round_trip(
        self, datagram: Datagram, reporter: int, ssrc: int, last: int, delay: int
    ) -> float | None:
        """The way from whose clock this answers to, and back.

        :param last: middle 32 bits of the clock's time; 0 where none was received.
        :param delay: how long the answer waited, in 1/65536 s.
        """
        if not last or reporter in self._distrusted:
            return None
        return _credible(self._trip(datagram, ssrc, last, delay))

    def _trip(self, datagram: Datagram, ssrc: int, last: int, delay: int) -> float:
        """In ms, whether it can be or not."""
        asked = self._seen.get((ssrc, last))
        if asked is None:
            return round_trip_ms(ntp_middle(datagram.ts), last, delay)
        # No clock but the capture's own: what is left of the time is the way.
        return (datagram.ts - asked) / 1e6 - delay / 65.536


def _answers(datagram: Datagram) -> Iterator[tuple[int, int, int, int]]:
    """Who answers to whose clock: the reporter, the SSRC, the time that it last had
    from it, and how long ago that was; without those that never had any.
    """
    for packet in datagram.packets:
        if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
            for block in packet.blocks:
                if block.lsr:
                    yield packet.ssrc, block.ssrc, block.lsr, block.dlsr
        elif isinstance(packet, rtcp.ExtendedReport):
            for each in packet.blocks:
                if isinstance(each, rtcp.DelaySinceLastReceiver) and each.lrr:
                    yield packet.ssrc, each.ssrc, each.lrr, each.dlrr


def _clocks(packet: rtcp.Packet) -> Iterator[tuple[int, int]]:
    """The NTP times in a packet that others answer to, with whose they are."""
    if isinstance(packet, rtcp.SenderReport):
        yield packet.ssrc, packet.ntp
    elif isinstance(packet, rtcp.ExtendedReport):
        for block in packet.blocks:
            if isinstance(block, rtcp.ReceiverReferenceTime):
                yield packet.ssrc, block.ntp
