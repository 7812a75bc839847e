"""The call as one JSON document: ``call.json`` and ``flask sipvault show --json``.

Every key is always there; what was not measured is null.
"""

from __future__ import annotations

import base64
import dataclasses
import math
from collections.abc import Mapping
from typing import Any

from ...evidence import NetworkEvent
from ...protocols import rtcp
from ...protocols.address import Endpoint
from ..explain import Call
from ..explain import Party
from ..logs import level
from ..media.rtcp_reports import Datagram
from ..sip.messages import Message
from ..words.headline import headline
from ..words.headline import reason
from .events import events_document
from .events import hops_document
from .events import visibility_document
from .findings import findings_document
from .identities import identities_document
from .quality import quality_document

#: JSON that others sent us is passed on no deeper than this.
_MAX_DEPTH = 8


def call_document(call: Call) -> dict[str, Any]:
    """All that is known of a call, in values that :mod:`json` can write.

    Times are ns since the epoch, addresses ``ip:port``, SSRCs ``0x`` and 8 hex digits.
    """
    evidence = call.evidence
    return {
        "call_id": evidence.call_id,
        "customer_id": evidence.customer_id,
        "state": evidence.state,
        "first_ts": call.first_ts,
        "last_ts": call.last_ts,
        "outcome": {
            **dataclasses.asdict(call.outcome),
            "reason": reason(call),
            "headline": headline(call),
        },
        "caller": _party(call.caller),
        "callee": _party(call.callee),
        "identities": identities_document(call.identities),
        "messages": [_message(message) for message in call.messages],
        "media": {
            "streams": [
                *(stream.as_json() for stream in evidence.media),
                *_plain(evidence.other_media),
            ],
            "rtcp": [_datagram(datagram) for datagram in call.media.rtcp],
        },
        "quality": quality_document(call.quality),
        "logs": [
            {
                "ts": line.ts,
                "source": line.source,
                "level": level(line.line),
                "line": line.text,
            }
            for line in sorted(evidence.logs, key=lambda line: line.ts)
        ],
        "network": [
            _network_event(event)
            for event in sorted(evidence.network, key=lambda event: event.ts)
        ],
        "capture": dataclasses.asdict(evidence.capture),
        "events": events_document(call.events),
        "hops": hops_document(call.hops),
        "visibility": visibility_document(call.visibility.limits),
        "findings": findings_document(call.findings),
        "legs": [{"why": why, "call_id": other} for why, other in evidence.legs],
        "agents": list(evidence.agents),
        "parts": list(evidence.parts),
        "damage": list(evidence.damage),
    }


def _party(party: Party) -> dict[str, Any]:
    return {**dataclasses.asdict(party), "endpoint": _address(party.endpoint)}


def _address(endpoint: Endpoint | None) -> str | None:
    return None if endpoint is None else str(endpoint)


def _message(message: Message) -> dict[str, Any]:
    parsed = message.sip
    text, encoded = _text_or_base64(message.raw)
    return {
        "n": message.n,
        "ts": message.ts,
        "src": str(message.src),
        "dst": str(message.dst),
        "transport": message.transport,
        "kind": message.kind,
        "method": message.method or None,
        "code": parsed.code if parsed else None,
        "reason": parsed.reason if parsed and message.kind == "response" else None,
        "cseq": message.header("CSeq") or None,
        "branch": message.branch or None,
        "leg": message.leg or None,
        "transaction": message.transaction,
        "retransmission_of": message.retransmission_of,
        "copy_of": message.copy_of,
        "problem": message.problem or None,
        "incomplete": message.incomplete or None,
        "missing_bytes": message.missing,
        "fragments": message.fragments,
        "raw": text,
        "raw_base64": encoded,
    }


def _network_event(event: NetworkEvent) -> dict[str, Any]:
    error = event.error
    kind, code = error.code or (None, None)
    return {
        "ts": event.ts,
        "kind": error.kind,
        "src": str(error.src),
        "dst": str(error.dst),
        "icmp_type": kind,
        "icmp_code": code,
        "mtu": error.mtu,
        "transport": error.transport,
        "lost_src": str(error.lost_src),
        "lost_dst": str(error.lost_dst),
        "lost_size": error.lost_size,
        "packet": event.packet.hex(),
    }


def _text_or_base64(data: bytes) -> tuple[str | None, str | None]:
    try:
        return data.decode("utf-8"), None
    except UnicodeDecodeError:
        return None, base64.b64encode(data).decode("ascii")


def _datagram(datagram: Datagram) -> dict[str, Any]:
    measured = iter(datagram.reports)
    extended = iter(datagram.extended)
    packets = []
    for packet in datagram.packets:
        shown = _packet(packet)
        if isinstance(packet, rtcp.SenderReport | rtcp.ReceiverReport):
            # One report for each block, in the same order.
            for block, report in zip(shown["blocks"], measured, strict=False):
                block["lost"] = report.lost
                block["expected"] = report.expected
                block["jitter_ms"] = report.jitter_ms
                block["round_trip_ms"] = report.round_trip_ms
        elif isinstance(packet, rtcp.ExtendedReport):
            for block, read in zip(shown["blocks"], extended, strict=False):
                block["jitter_ms"] = read.jitter_ms
                block["jitter_max_ms"] = read.jitter_max_ms
                block["round_trip_ms"] = read.round_trip_ms
        packets.append(shown)
    return {
        "ts": datagram.ts,
        "src": _address(datagram.src),
        "dst": _address(datagram.dst),
        "derived": datagram.derived,
        "problem": datagram.problem or None,
        "packets": packets,
    }


def _packet(packet: rtcp.Packet) -> dict[str, Any]:
    """``type``, ``ssrc`` and ``blocks``, which are there for every type, and the
    packet's own fields.
    """
    if isinstance(packet, rtcp.SourceDescription):
        chunks = [{"ssrc": _ssrc(ssrc), **items} for ssrc, items in packet.chunks]
        first = packet.chunks[0][0] if packet.chunks else None
        return {"type": 202, "ssrc": _ssrc(first), "blocks": [], "chunks": chunks}
    if isinstance(packet, rtcp.Goodbye):
        first = packet.ssrcs[0] if packet.ssrcs else None
        ssrcs = [_ssrc(ssrc) for ssrc in packet.ssrcs]
        shown = {"type": 203, "ssrc": _ssrc(first), "blocks": [], "ssrcs": ssrcs}
        return {**shown, "reason": packet.reason}
    return {"type": packet.type, "ssrc": None, "blocks": [], **_fields(packet)}


def _fields(part: Any) -> dict[str, Any]:
    """The fields of a part of RTCP, by name."""
    shown: dict[str, Any] = {}
    for field in dataclasses.fields(part):
        value = getattr(part, field.name)
        if field.name == "ssrc":
            shown["ssrc"] = _ssrc(value)
        elif field.name == "blocks":
            shown["blocks"] = [_block(block) for block in value]
        elif isinstance(value, bytes):
            shown[field.name] = value.hex()
        else:
            shown[field.name] = value
    return shown


def _block(block: Any) -> dict[str, Any]:
    shown = _fields(block)
    if not isinstance(block, rtcp.ReportBlock):
        shown["block_type"] = block.block_type
    return shown


def _ssrc(ssrc: int | None) -> str | None:
    return None if ssrc is None else f"0x{ssrc:08x}"


def _plain(value: Any, depth: int = 0) -> Any:
    """What others sent, so that :mod:`json` can write it: no infinity, no abyss."""
    if depth > _MAX_DEPTH:
        return None
    if isinstance(value, Mapping):
        return {str(key): _plain(item, depth + 1) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_plain(item, depth + 1) for item in value]
    if isinstance(value, float) and not math.isfinite(value):
        return None
    return value if isinstance(value, str | int | float | bool) else None
