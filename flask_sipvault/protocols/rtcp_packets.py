"""What RTCP reports, as values: RFC 3550 section 6 and RFC 3611.

Binary RTCP and the JSON that media servers send over HEP are both read into these.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar
from typing import TypeAlias


class RtcpError(ValueError):
    """These bytes are no RTCP, or encrypted (SRTCP), or damaged."""


@dataclass(slots=True)
class ReportBlock:
    """How one source is received (RFC 3550 section 6.4.1).

    :param ssrc: the source that is reported on.
    :param fraction_lost: since the last report, 0 to 1.
    :param cumulative_lost: since the start; negative where duplicates outnumber losses.
    :param highest_sequence: extended by the number of wraps in its upper 16 bits.
    :param jitter: in timestamp units of the payload.
    :param lsr: middle 32 bits of the NTP time in the last SR received; 0 for none.
    :param dlsr: time since then, in 1/65536 s.
    """

    ssrc: int
    fraction_lost: float
    cumulative_lost: int
    highest_sequence: int
    jitter: int
    lsr: int
    dlsr: int


@dataclass(slots=True)
class SenderReport:
    """SR: what a sender sent, and how it receives others.

    :param ntp: its wall clock, seconds since 1900 in the upper 32 bits, 2^-32 s below.
    """

    type: ClassVar[int] = 200
    ssrc: int
    ntp: int
    rtp_timestamp: int
    packets: int
    octets: int
    blocks: list[ReportBlock]


@dataclass(slots=True)
class ReceiverReport:
    """RR: how one who did not send receives others."""

    type: ClassVar[int] = 201
    ssrc: int
    blocks: list[ReportBlock]


@dataclass(slots=True)
class SourceDescription:
    """SDES: who the sources are.

    :param chunks: an SSRC each, with its items by name (``CNAME``, ``TOOL``…; the
        number where it has none).
    """

    type: ClassVar[int] = 202
    chunks: list[tuple[int, dict[str, str]]]


@dataclass(slots=True)
class Goodbye:
    """BYE: these sources end."""

    type: ClassVar[int] = 203
    ssrcs: list[int]
    reason: str = ""


@dataclass(slots=True)
class App:
    """APP: an application's own.

    :param name: four characters.
    """

    type: ClassVar[int] = 204
    ssrc: int
    name: str
    data: bytes


@dataclass(slots=True)
class ReceiverReferenceTime:
    """XR block 4: a receiver's wall clock, in the form of :attr:`SenderReport.ntp`."""

    block_type: ClassVar[int] = 4
    ntp: int


@dataclass(slots=True)
class DelaySinceLastReceiver:
    """One report of XR block 5 (DLRR): what lets a receiver measure the round trip.

    :param lrr: middle 32 bits of the NTP time in the last reference time; 0 for none.
    :param dlrr: time since then, in 1/65536 s.
    """

    block_type: ClassVar[int] = 5
    ssrc: int
    lrr: int
    dlrr: int


@dataclass(slots=True)
class StatisticsSummary:
    """XR block 6. Figures that the block's flags leave out are None.

    :param begin_sequence: the first sequence number reported on.
    :param end_sequence: the first no longer reported on.
    :param min_jitter: relative transit times, in timestamp units.
    :param min_ttl: time to live or hop limit of the packets.
    """

    block_type: ClassVar[int] = 6
    ssrc: int
    begin_sequence: int
    end_sequence: int
    lost: int | None
    duplicates: int | None
    min_jitter: int | None
    max_jitter: int | None
    mean_jitter: int | None
    deviation_jitter: int | None
    min_ttl: int | None
    max_ttl: int | None
    mean_ttl: int | None
    deviation_ttl: int | None


@dataclass(slots=True)
class VoipMetrics:
    """XR block 7 (RFC 3611 section 4.7). What is unavailable is None.

    :param loss_rate: lost in the network, 0 to 1, as ``discard_rate`` (arrived too
        late or early), ``burst_density`` and ``gap_density`` (lost or discarded within
        bursts, and between them).
    :param burst_duration: mean, in ms, as ``gap_duration``.
    :param round_trip_delay: between the RTP interfaces, in ms.
    :param end_system_delay: within the reporter, in ms.
    :param signal_level: in dBm0, as ``noise_level``.
    :param residual_echo: residual echo return loss, in dB.
    :param r_factor: 0 to 100.
    :param external_r_factor: of a network segment beyond the reporter.
    :param mos_lq: listening quality, 1 to 5, as ``mos_cq`` (conversational quality).
    :param concealment: ``standard``, ``enhanced``, ``disabled`` or ``unspecified``.
    :param jitter_buffer_adaptive: None for unknown.
    :param jitter_buffer_nominal: in ms, as the two that follow.
    """

    block_type: ClassVar[int] = 7
    ssrc: int
    loss_rate: float
    discard_rate: float
    burst_density: float
    gap_density: float
    burst_duration: int
    gap_duration: int
    round_trip_delay: int
    end_system_delay: int
    signal_level: int | None = None
    noise_level: int | None = None
    residual_echo: int | None = None
    gmin: int | None = None
    r_factor: int | None = None
    external_r_factor: int | None = None
    mos_lq: float | None = None
    mos_cq: float | None = None
    concealment: str = "unspecified"
    jitter_buffer_adaptive: bool | None = None
    jitter_buffer_rate: int | None = None
    jitter_buffer_nominal: int | None = None
    jitter_buffer_maximum: int | None = None
    jitter_buffer_absolute_maximum: int | None = None


@dataclass(slots=True)
class OtherBlock:
    """An XR block that nothing here explains.

    :param data: what follows the block's four bytes of header.
    """

    block_type: int
    data: bytes


XrBlock: TypeAlias = (
    ReceiverReferenceTime
    | DelaySinceLastReceiver
    | StatisticsSummary
    | VoipMetrics
    | OtherBlock
)


@dataclass(slots=True)
class ExtendedReport:
    """XR: more of how a source is received (RFC 3611)."""

    type: ClassVar[int] = 207
    ssrc: int
    blocks: list[XrBlock]


@dataclass(slots=True)
class Unknown:
    """Another type: feedback (205, 206) and what is to come.

    :param data: the whole packet, its header included.
    """

    type: int
    data: bytes


Packet: TypeAlias = (
    SenderReport
    | ReceiverReport
    | SourceDescription
    | Goodbye
    | App
    | ExtendedReport
    | Unknown
)

#: SDES items (RFC 3550 section 6.5).
ITEM_NAMES = {
    1: "CNAME",
    2: "NAME",
    3: "EMAIL",
    4: "PHONE",
    5: "LOC",
    6: "TOOL",
    7: "NOTE",
    8: "PRIV",
}


def signed24(number: int) -> int:
    """The lower 24 bits as a two's complement number, the form of cumulative losses."""
    number &= 0xFF_FFFF
    return number - 0x100_0000 if number & 0x80_0000 else number
