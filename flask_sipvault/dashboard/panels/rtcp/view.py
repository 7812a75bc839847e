"""RTCP as rows of a table: who says what of which stream."""

from __future__ import annotations

from collections.abc import Iterator

from ....analysis.explain import Call
from ....analysis.media.rtcp_reports import Datagram
from ....analysis.media.rtcp_reports import Report
from ....language import _
from ....protocols import rtcp
from ....sanitize import on_one_line
from ... import formatting as figures
from ...moments import moment
from ...page import ReportView


def report_views(call: Call) -> list[ReportView]:
    """A row for each report block, and one for each packet that has none but tells
    something all the same, in order of time.
    """
    if not call.evidence.rtcp:
        return []
    return [view for datagram in call.media.rtcp for view in _of_datagram(datagram)]


def _of_datagram(datagram: Datagram) -> Iterator[ReportView]:
    if datagram.problem:
        yield _view(
            datagram,
            "RTCP",
            note=_("cannot be read: {problem}").format(problem=datagram.problem),
        )
    reports = iter(datagram.reports)
    for packet in datagram.packets:
        if isinstance(packet, rtcp.SenderReport):
            sent = _("sent {count} packets so far").format(count=f"{packet.packets:,}")
            yield from _of_blocks(datagram, packet, reports, sent)
        elif isinstance(packet, rtcp.ReceiverReport):
            yield from _of_blocks(datagram, packet, reports, "")
        elif isinstance(packet, rtcp.ExtendedReport):
            for block in packet.blocks:
                if isinstance(block, rtcp.VoipMetrics):
                    yield _of_metrics(datagram, block)
        elif isinstance(packet, rtcp.Goodbye):
            ssrc = packet.ssrcs[0] if packet.ssrcs else None
            yield _view(datagram, "BYE", ssrc, note=packet.reason or _("stream ended"))


def _of_blocks(
    datagram: Datagram,
    packet: rtcp.SenderReport | rtcp.ReceiverReport,
    reports: Iterator[Report],
    sent: str,
) -> Iterator[ReportView]:
    """The reports of one packet: there is one for each of its blocks, in order."""
    kind = "SR" if isinstance(packet, rtcp.SenderReport) else "RR"
    if not packet.blocks and sent:
        yield _view(datagram, kind, note=f"{_ssrc(packet.ssrc)} {sent}")
    for __, report in zip(packet.blocks, reports, strict=False):
        yield _view(
            datagram,
            kind,
            report.ssrc,
            loss=figures.share(report.fraction_lost),
            lossy=report.fraction_lost > 0,
            lost=figures.number(report.cumulative_lost, digits=0),
            jitter=figures.number(report.jitter_ms, "ms"),
            round_trip=figures.number(report.round_trip_ms, "ms"),
            note=f"{_ssrc(packet.ssrc)} {sent}" if sent else "",
        )


def _of_metrics(datagram: Datagram, block: rtcp.VoipMetrics) -> ReportView:
    scores = {"R": block.r_factor, "MOS-LQ": block.mos_lq, "MOS-CQ": block.mos_cq}
    facts = [f"{name} {score}" for name, score in scores.items() if score is not None]
    if block.discard_rate:
        facts.append(
            _("{share} discarded").format(share=figures.share(block.discard_rate))
        )
    return _view(
        datagram,
        "XR",
        block.ssrc,
        loss=figures.share(block.loss_rate),
        lossy=block.loss_rate > 0,
        round_trip=figures.number(block.round_trip_delay or None, "ms"),
        note=", ".join(facts),
    )


def _view(
    datagram: Datagram,
    kind: str,
    ssrc: int | None = None,
    *,
    loss: str = figures.NONE,
    lossy: bool = False,
    lost: str = figures.NONE,
    jitter: str = figures.NONE,
    round_trip: str = figures.NONE,
    note: str = "",
) -> ReportView:
    return ReportView(
        at=moment(datagram.ts),
        kind=kind,
        ssrc=_ssrc(ssrc),
        loss=loss,
        lossy=lossy,
        lost=lost,
        jitter=jitter,
        round_trip=round_trip,
        route=_route(datagram),
        note=on_one_line(note),
    )


def _route(datagram: Datagram) -> str:
    if datagram.src is None and datagram.dst is None:
        return _("not captured")
    route = f"{datagram.src or '?'} → {datagram.dst or '?'}"
    return _("{route} (by the SDP)").format(route=route) if datagram.derived else route


def _ssrc(ssrc: int | None) -> str:
    return figures.NONE if ssrc is None else f"0x{ssrc:08x}"
