"""From what a capture holds to the evidence of each call.

A capture is a mixture: calls, registrations, RTP and RTCP that do not say whose they
are. The :class:`CaptureImporter` sorts it by call. However large the capture, it
holds no more than a budget of it: when that is used up, what it has is given out as
one part of each call, and the vault merges the parts.
"""

from __future__ import annotations

import json
import sys
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from typing import BinaryIO

from ..correlation.call_ids import CallIdMatcher
from ..correlation.call_state import CallState
from ..correlation.lost_packets import LostPackets
from ..correlation.media_index import description_in
from ..correlation.media_index import MediaIndex
from ..evidence import Evidence
from ..evidence import LogLine
from ..evidence import MAX_NETWORK_EVENTS
from ..evidence import merge
from ..evidence import NetworkEvent
from ..evidence import QualityReport
from ..evidence import RtcpDatagram
from ..evidence import SipPacket
from ..protocols.address import Endpoint
from ..protocols.capture import Captured
from ..protocols.capture import CaptureSummary
from .log_file import offset_to
from .log_file import read_lines
from .log_file import Stamp
from .rtp_buffer import Origin
from .rtp_buffer import RtpBuffer

#: How much is held before parts are given out, in bytes.
HELD_BYTES = 64 * 1024 * 1024

#: What an item costs beside its payload, in bytes, on the safe side.
_ITEM_BYTES = 400

#: A message of these methods is of a call, even where its INVITE was not captured.
_CALL_METHODS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"})

#: After the end of a call its ports may be another's: 64 * T1, as long as the last
#: transaction of a call can live (RFC 3261 section 17.1.1.2).
_AFTER_END_NS = 32 * 1_000_000_000

#: How many lines of a log are enough to tell its time zone.
_ZONE_SAMPLES = 500

_NOWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 - an unknown address, not one to bind


@dataclass(slots=True)
class _Dialog:
    """What is known of one Call-ID.

    :param held: what is not given out yet, by where it came from.
    :param state: whether it is over.
    :param steps: how often the clock of the capture it was last seen in had been set by
        then, and ``steps_of`` that capture's number.
    """

    first_ts: int
    last_ts: int
    is_call: bool = False
    state: CallState = field(default_factory=CallState)
    held: dict[Origin, Evidence] = field(default_factory=dict)
    steps: int = 0
    steps_of: int = 0


class CaptureImporter:
    """Sorts captured items by call.

    :param keep_all: keep every Call-ID, not calls alone.
    :param budget: how much is held before parts are given out, in bytes.
    """

    def __init__(
        self, customer_id: str, *, keep_all: bool = False, budget: int = HELD_BYTES
    ) -> None:
        self.customer_id = customer_id
        #: How many SIP messages were left out because they are of no call.
        self.left_out = 0
        #: How many SIP messages were cut off before or within their Call-ID.
        self.cut_before_call_id = 0
        #: How many RTCP datagrams belong to no call that was seen.
        self.unplaced = 0
        self._keep_all = keep_all
        self._budget = budget
        self._held = 0
        self._dialogs: dict[str, _Dialog] = {}
        self._call_ids = CallIdMatcher()
        self._media = MediaIndex(self._media_until)
        self._streams = RtpBuffer(self._media)
        self._lost = LostPackets(self._media)
        self._summaries: dict[Origin, CaptureSummary] = {}
        # What may turn out to belong to a call that is yet to be seen.
        self._waiting: list[tuple[Captured, Origin]] = []
        self._origins = 0

    @property
    def unplaced_streams(self) -> int:
        """How many RTP streams, or parts of them, belong to no call that was seen."""
        return self._streams.unplaced

    def feed(
        self,
        items: Iterable[Captured],
        source: str,
        summary: CaptureSummary | None = None,
    ) -> Iterator[Evidence]:
        """Take in a capture; parts come out only where the budget is used up.

        :param source: the name of the file, for whatever does not name its agent.
        :param summary: what the capture tells of itself, kept up to date by whoever
            reads it.
        """
        origin = self._next_origin(source)
        if summary is not None:
            self._summaries[origin] = summary
        recording = self._streams.record(origin)
        for item in items:
            if item.kind == "rtp":
                self._held += recording.add(item)
            elif item.kind == "sip":
                self._add_message(item, origin)
                self._held += len(item.payload) + _ITEM_BYTES
            elif item.kind != "network" or not self._add_network_event(item, origin):
                self._waiting.append((item, origin))
                self._held += len(item.payload) + _ITEM_BYTES
            if self._held > self._budget:
                yield from self._give_out()

    def feed_log(self, file: BinaryIO, source: str) -> Iterator[Evidence]:
        """Take in the lines of a log that name a call seen before.

        :param file: seekable: it is read twice, first to tell its time zone.
        :param source: the name of the log.
        """
        origin = self._next_origin(source)
        self._place_waiting()
        samples, first_stamp = self._sample(file)
        offset = offset_to(samples)
        file.seek(0)
        for line in read_lines(file):
            call_id = self._call_ids.owner(line.message)
            if call_id is None:
                continue
            dialog = self._dialogs[call_id]
            ts = dialog.first_ts
            stamp = line.stamp or first_stamp
            if stamp is not None:
                ts = stamp.near(dialog.first_ts) + (0 if stamp.has_zone else offset)
            self._evidence(call_id, origin).logs.append(LogLine(ts, source, line.text))
            self._held += len(line.text) + _ITEM_BYTES
            if self._held > self._budget:
                yield from self._give_out()

    def finish(self) -> Iterator[Evidence]:
        """All that is still held, call by call, in the order they were first seen."""
        yield from self._give_out()

    def _add_message(self, item: Captured, origin: Origin) -> None:
        call_id = item.call_id
        if not call_id:
            if item.incomplete:
                self.cut_before_call_id += 1
            else:
                self.left_out += 1
            return
        dialog = self._dialogs.get(call_id)
        if dialog is None:
            dialog = self._dialogs[call_id] = _Dialog(item.ts, item.ts)
        dialog.first_ts = min(dialog.first_ts, item.ts)
        dialog.last_ts = max(dialog.last_ts, item.ts)
        if not dialog.is_call and (
            self._keep_all or item.cseq_method.upper() in _CALL_METHODS
        ):
            dialog.is_call = True
            self._call_ids.add(call_id)
        dialog.state.follow(item.ts, item.cseq_method.upper(), item.payload)
        evidence = self._evidence(call_id, origin)
        _name_agent(evidence, item)
        packet = SipPacket(
            item.ts,
            item.src or _NOWHERE,
            item.dst or _NOWHERE,
            item.transport,
            item.payload,
            item.missing,
            item.incomplete,
            item.fragments,
        )
        evidence.sip.append(packet)
        size = len(packet.payload) + packet.missing
        self._lost.note(packet.ts, packet.src, packet.dst, size, call_id)
        self._note_facts(evidence, dialog, item, origin)
        description = description_in(packet.readable) if dialog.is_call else None
        if description is not None:
            self._media.announce(packet.ts, call_id, description)

    def _note_facts(
        self, evidence: Evidence, dialog: _Dialog, item: Captured, origin: Origin
    ) -> None:
        """Keep with the call what its capture lacks of it."""
        facts, summary = evidence.capture, self._summaries.get(origin)
        if item.incomplete == "cut":
            facts.frames_cut += 1
        facts.fragments_missing += item.fragments_missing
        if summary is not None:
            if dialog.steps_of == origin.number:
                facts.clock_steps += summary.clock_steps - dialog.steps
            dialog.steps, dialog.steps_of = summary.clock_steps, origin.number

    def _add_network_event(self, item: Captured, origin: Origin) -> bool:
        """Keep an ICMP error or a TCP reset with the calls whose messages it is about;
        False where these have not been seen yet.
        """
        event = NetworkEvent.read(item.ts, item.payload)
        if event is None:
            return True
        owners = self._lost.owners(item.ts, event.error)
        owners = [call_id for call_id in owners if call_id in self._dialogs]
        for call_id in owners:
            self._keep_event(call_id, event, origin)
            self._held += len(item.payload) + _ITEM_BYTES
        return bool(owners)

    def _keep_event(self, call_id: str, event: NetworkEvent, origin: Origin) -> None:
        evidence = self._evidence(call_id, origin)
        if len(evidence.network) < MAX_NETWORK_EVENTS:
            evidence.network.append(event.without_speech())
        else:
            evidence.capture.network_left_out += 1

    def _place_waiting(self) -> None:
        self._place_network_events()
        for item, origin in self._waiting:
            if item.kind == "network":
                continue
            call_id = self._owner(item)
            if call_id is None:
                self.unplaced += item.kind == "rtcp"
                continue
            evidence = self._evidence(call_id, origin)
            _name_agent(evidence, item)
            if item.kind == "rtcp":
                evidence.rtcp.append(
                    RtcpDatagram(item.ts, item.src, item.dst, item.payload)
                )
                continue
            report = _json_object(item.payload) if item.kind == "quality" else None
            if report is not None:
                evidence.reports.append(QualityReport(item.ts, report))
            else:  # a report that cannot be read too
                source = item.agent or origin.name
                evidence.logs.append(LogLine(item.ts, source, _text(item.payload)))
        self._waiting.clear()

    def _place_network_events(self) -> None:
        """Find the calls of those errors that no message before them explained."""
        events: list[tuple[NetworkEvent, Origin]] = []
        for item, origin in self._waiting:
            if item.kind == "network":
                event = NetworkEvent.read(item.ts, item.payload)
                if event is not None:
                    events.append((event, origin))
        if not events:
            return
        messages = (
            (call_id, evidence.sip)
            for call_id, dialog in self._dialogs.items()
            for evidence in dialog.held.values()
        )
        owners = self._lost.late_owners([event for event, _ in events], messages)
        for (event, origin), call_ids in zip(events, owners, strict=True):
            for call_id in call_ids:
                if call_id in self._dialogs:
                    self._keep_event(call_id, event, origin)

    def _owner(self, item: Captured) -> str | None:
        """The call, among those seen, that something other than SIP belongs to."""
        if item.kind == "log":
            owner = self._call_ids.owner(_text(item.payload))
            if owner is not None:
                return owner
        if item.call_id is not None and item.call_id in self._call_ids:
            return item.call_id
        return self._owner_of_rtcp(item) if item.kind == "rtcp" else None

    def _owner_of_rtcp(self, item: Captured) -> str | None:
        owner = self._media.owner(item.ts, item.src, item.dst)
        return owner or self._media.owner_of_report(item.ts, item.payload)

    def _media_until(self, call_id: str) -> int:
        """Until when a Call-ID may have media; if it is no call, it has none."""
        if call_id not in self._call_ids:
            return -1
        over_at = self._dialogs[call_id].state.over_at
        return sys.maxsize if over_at is None else over_at + _AFTER_END_NS

    def _place_streams(self) -> None:
        for call_id, origin, figures in self._streams.give_out():
            evidence = self._evidence(call_id, origin)
            evidence.media.append(figures)
            evidence.capture.frames_cut += figures.cut
            evidence.capture.duplicates += figures.copies

    def _sample(
        self, file: BinaryIO
    ) -> tuple[list[tuple[Stamp, int, int]], Stamp | None]:
        """Times in a log beside those of the calls named there, and its first time."""
        samples: list[tuple[Stamp, int, int]] = []
        first: Stamp | None = None
        for line in read_lines(file):
            first = first or line.stamp
            if line.stamp is None or not line.own_stamp or line.stamp.has_zone:
                continue
            call_id = self._call_ids.owner(line.message)
            if call_id is not None:
                dialog = self._dialogs[call_id]
                samples.append((line.stamp, dialog.first_ts, dialog.last_ts))
                if len(samples) == _ZONE_SAMPLES:
                    break
        return samples, first

    def _next_origin(self, source: str) -> Origin:
        self._origins += 1
        return Origin(self._origins, source)

    def _evidence(self, call_id: str, origin: Origin) -> Evidence:
        held = self._dialogs[call_id].held
        if origin not in held:
            held[origin] = Evidence(self.customer_id, call_id, agents=[origin.name])
        return held[origin]

    def _give_out(self) -> Iterator[Evidence]:
        """One part of each call; of what is no call, nothing is kept."""
        self._place_waiting()
        self._place_streams()
        self._held = 0
        for call_id, dialog in list(self._dialogs.items()):
            if not dialog.is_call:
                self.left_out += sum(len(part.sip) for part in dialog.held.values())
                del self._dialogs[call_id]
                continue
            if not dialog.held:
                continue
            for origin, held in dialog.held.items():
                self._note_capture(held, origin)
            # Files may overlap: merging keeps a packet once that two of them hold.
            part = merge(dialog.held.values())
            dialog.held.clear()
            # Nothing more of an imported call will come, so it is never PARTIAL.
            part.state = "EXPIRED" if dialog.state.over_at is None else "COMPLETE"
            yield part

    def _note_capture(self, evidence: Evidence, origin: Origin) -> None:
        """Keep with a call what its capture says of itself."""
        summary = self._summaries.get(origin)
        if summary is None:
            return
        facts = evidence.capture
        facts.link_types = sorted(summary.link_types)
        facts.has_rtp = summary.has_rtp
        if facts.frames_cut:
            facts.cut_at = summary.cut_at


def import_capture(
    items: Iterable[Captured],
    *,
    customer_id: str,
    source: str,
    keep_all: bool = False,
    summary: CaptureSummary | None = None,
) -> Iterator[Evidence]:
    """The evidence of each call of one capture: see :class:`CaptureImporter`."""
    gatherer = CaptureImporter(customer_id, keep_all=keep_all)
    yield from gatherer.feed(items, source, summary)
    yield from gatherer.finish()


def _name_agent(evidence: Evidence, item: Captured) -> None:
    if item.agent and item.agent not in evidence.agents:
        evidence.agents.append(item.agent)


def _text(payload: bytes) -> str:
    return payload.decode("utf-8", "surrogateescape").rstrip("\r\n")


def _json_object(payload: bytes) -> dict[str, object] | None:
    try:
        value = json.loads(payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
