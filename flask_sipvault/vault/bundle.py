"""One part of a call as a zip file that people and programs can open.

====================  ==============================================================
``manifest.json``     whose call it is, and what the other members cannot say
``sip.pcap``          SIP messages, as :mod:`flask_sipvault.protocols.packets` has it
``rtcp.pcap``         RTCP datagrams, at 0.0.0.0:0 where the addresses are unknown
``logs.ndjson``       log lines: ``ts`` (ns), ``source``, ``line``
``quality.json``      the agents' own reports: ``ts`` (ns), ``report``
``media.json``        RTP statistics, one object per stream
``network.pcap``      ICMP errors, TCP resets, unanswered SYNs; only where there are any
====================  ==============================================================

JSON is ASCII: undecodable bytes of a log line are lone surrogates (``\\udc80`` … ), as
Python's ``surrogateescape`` has them.
"""

from __future__ import annotations

import dataclasses
import io
import itertools
import json
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import Any
from typing import cast
from typing import get_args
from typing import TypeVar

from ..evidence import CaptureFacts
from ..evidence import Evidence
from ..evidence import LogLine
from ..evidence import NetworkEvent
from ..evidence import QualityReport
from ..evidence import RtcpDatagram
from ..evidence import SipPacket
from ..evidence import State
from ..protocols.address import Endpoint
from ..protocols.address import Transport
from ..protocols.capture import Incomplete
from ..protocols.packets import Message
from ..protocols.packets import PacketError
from ..protocols.pcapwriter import MAX_TS
from ..protocols.pcapwriter import pcap
from ..protocols.pcapwriter import RawPacket
from ..protocols.pcapwriter import read_packets
from ..protocols.pcapwriter import read_pcap
from ..protocols.rtp_figures import from_json
from ..protocols.rtp_figures import is_count
from ..protocols.rtp_figures import StreamFigures
from . import archive

FORMAT = 1

_TRANSPORTS = get_args(Transport)
_CAPTURE_FACTS = tuple(item.name for item in dataclasses.fields(CaptureFacts))
_json = json.JSONEncoder().encode
_NOWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 (nobody binds to it)
_NOWHERE_V6 = Endpoint("::", 0)

_T = TypeVar("_T")


class BundleError(ValueError):
    """The part cannot be read, or must not be shown for this call."""


class OtherCallError(BundleError):
    """The part is whole, but another call's, or another customer's."""


def kept_time(ts: int) -> int:
    """The time as a part keeps it: what lies before 1970 or after 2106 is a clock gone
    mad, and is moved to the nearest time that a pcap file can hold.
    """
    return min(max(ts, 0), MAX_TS)


def pack(evidence: Evidence) -> bytes:
    """The evidence as a zip file: the same bytes for the same evidence.

    :raises BundleError: if it is too large for one part, or no JSON.
    """
    return pack_members(members(evidence))


def pack_members(contents: dict[str, bytes]) -> bytes:
    """What :func:`members` gave as a zip file.

    :raises BundleError: if it is too large for one part.
    """
    try:
        return archive.write(contents)
    except archive.ArchiveError as error:
        raise BundleError(str(error)) from error


def members(evidence: Evidence) -> dict[str, bytes]:
    """What goes into the zip file, by name, everything in time order.

    :raises BundleError: if a report is no JSON.
    """
    sip = sorted(evidence.sip, key=lambda item: item.ts)
    rtcp = sorted(evidence.rtcp, key=lambda item: item.ts)
    logs = sorted(evidence.logs, key=lambda item: item.ts)
    reports = sorted(evidence.reports, key=lambda item: item.ts)
    network = sorted(evidence.network, key=lambda item: item.ts)
    first, last = evidence.first_ts, evidence.last_ts
    manifest: dict[str, Any] = {
        "format": FORMAT,
        "customer_id": evidence.customer_id,
        "call_id": evidence.call_id,
        "state": evidence.state,
        "first_ts": None if first is None else kept_time(first),
        "last_ts": None if last is None else kept_time(last),
        "counts": {
            "sip": len(sip),
            "rtcp": len(rtcp),
            "logs": len(logs),
            "reports": len(reports),
            "media": len(evidence.media) + len(evidence.other_media),
        },
        "agents": evidence.agents,
        # Packets cannot tell TLS from TCP: the transports in the order of sip.pcap,
        # each with how many messages in a row it carried.
        "transports": [
            [transport, len(list(run))]
            for transport, run in itertools.groupby(item.transport for item in sip)
        ],
    }
    if evidence.capture != CaptureFacts():
        manifest["capture"] = {
            name: getattr(evidence.capture, name) for name in _CAPTURE_FACTS
        }
    # Of messages that are not whole, by their place in sip.pcap: why, and how many
    # bytes are missing.
    incomplete = [
        [place, item.incomplete, item.missing]
        for place, item in enumerate(sip)
        if item.incomplete
    ]
    if incomplete:
        manifest["incomplete"] = incomplete
    fragments = [
        [place, item.fragments] for place, item in enumerate(sip) if item.fragments
    ]
    if fragments:
        manifest["fragments"] = fragments
    if network:
        manifest["counts"]["network"] = len(network)
    lines = [
        {"ts": kept_time(item.ts), "source": item.source, "line": item.line}
        for item in logs
    ]
    try:
        contents = {
            "manifest.json": _object(manifest),
            "sip.pcap": b"".join(
                pcap(
                    Message(
                        *(kept_time(item.ts), item.src, item.dst, item.transport),
                        item.payload,
                        item.missing if item.incomplete else 0,
                    )
                    for item in sip
                )
            ),
            "rtcp.pcap": b"".join(
                pcap(
                    Message(kept_time(item.ts), item.src, item.dst, "udp", item.payload)
                    for item in rtcp
                )
            ),
            "logs.ndjson": b"".join(_line(line) + b"\n" for line in lines),
            "quality.json": _array(
                {"ts": kept_time(item.ts), "report": item.report} for item in reports
            ),
            "media.json": _array(
                [*(it.as_json() for it in evidence.media), *evidence.other_media]
            ),
        }
        if network:
            contents["network.pcap"] = b"".join(
                pcap(RawPacket(kept_time(item.ts), item.packet) for item in network)
            )
    except (ValueError, TypeError, RecursionError) as error:
        raise BundleError(f"this cannot be kept: {error}") from error
    return contents


def unpack(data: bytes, *, customer_id: str, call_id: str) -> Evidence:
    """The evidence in a part, as far as it can be read; ``damage`` says what cannot.

    :raises OtherCallError: if the part is of another call or customer.
    :raises BundleError: if there is no telling whose part it is, or it is larger than
        any part may be.
    """
    try:
        contents, damage = archive.read(data)
    except archive.ArchiveError as error:
        raise BundleError(f"the part is refused: {error}") from error
    manifest = _manifest(contents)
    if (manifest.get("customer_id"), manifest.get("call_id")) != (customer_id, call_id):
        raise OtherCallError("the part is of another call")
    part = _Part(contents, damage, manifest.get("counts"))
    state = manifest.get("state")
    agents = manifest.get("agents")
    transports = _transports(manifest.get("transports"))
    incomplete = _incomplete(manifest.get("incomplete"))
    fragments = _fragments(manifest.get("fragments"))
    streams = part.objects("media.json", "media", _stream)
    return Evidence(
        customer_id=customer_id,
        call_id=call_id,
        state=cast(State, state) if state in get_args(State) else "PARTIAL",
        sip=[
            _sip_packet(
                *(m, next(transports, None), incomplete.get(place)),
                fragments.get(place, 0),
            )
            for place, m in enumerate(part.messages("sip.pcap", "sip"))
        ],
        rtcp=[
            RtcpDatagram(m.ts, _known(m.src), _known(m.dst), m.payload)
            for m in part.messages("rtcp.pcap", "rtcp")
        ],
        logs=part.objects("logs.ndjson", "logs", _log_line),
        reports=part.objects("quality.json", "reports", _report),
        media=[ours for _, ours in streams if ours is not None],
        other_media=[loaded for loaded, ours in streams if ours is None],
        network=part.network_events(),
        capture=_capture_facts(manifest.get("capture")),
        agents=[
            name
            for name in (agents if isinstance(agents, list) else [])
            if isinstance(name, str)
        ],
        damage=damage,
    )


class _Part:
    """Reads the members of a part, and writes down what it cannot read."""

    def __init__(
        self, contents: dict[str, bytes], damage: list[str], counts: Any
    ) -> None:
        self.contents = contents
        self.damage = damage
        self.counts = counts if isinstance(counts, dict) else {}

    def messages(self, name: str, what: str) -> list[Message]:
        """The messages of a pcap file."""
        found: list[Message] = []
        problem = ""
        try:
            for message in read_pcap(self.contents.get(name, b"")):
                found.append(message)
        except PacketError as error:
            problem = f" ({error})"
        self._check(name, what, len(found), problem)
        return found

    def network_events(self) -> list[NetworkEvent]:
        """The packets of ``network.pcap``, which a part without any does not have."""
        name = "network.pcap"
        if name not in self.contents and "network" not in self.counts:
            return []
        found: list[NetworkEvent] = []
        problem = ""
        try:
            for ts, packet in read_packets(self.contents.get(name, b"")):
                event = NetworkEvent.read(ts, packet)
                if event is not None:
                    found.append(event)
        except PacketError as error:
            problem = f" ({error})"
        self._check(name, "network", len(found), problem)
        return found

    def objects(
        self, name: str, what: str, read: Callable[[dict[str, Any]], _T | None]
    ) -> list[_T]:
        """What ``read`` makes of each line with a JSON object on it."""
        found = []
        for line in io.BytesIO(self.contents.get(name, b"")):
            loaded = _load(line.rstrip(b",\n"))
            if isinstance(loaded, dict) and (item := read(loaded)) is not None:
                found.append(item)
        self._check(name, what, len(found))
        return found

    def _check(self, name: str, what: str, found: int, problem: str = "") -> None:
        written = self.counts.get(what)
        if not isinstance(written, int):
            written = found
        if name not in self.contents:
            problem = " (the file is missing)"
        if found != written or problem:
            self.damage.append(f"{name}: {found} of {written} could be read{problem}")


def _manifest(contents: dict[str, bytes]) -> dict[str, Any]:
    manifest = _load(contents.get("manifest.json", b""))
    if not isinstance(manifest, dict):
        raise BundleError("the part's manifest cannot be read")
    if manifest.get("format") != FORMAT:
        raise BundleError(
            "the part has a format that this version of flask_sipvault does not know"
        )
    return manifest


def _transports(runs: Any) -> Iterator[Transport]:
    """The transport of each message of sip.pcap, as far as the manifest tells."""
    for run in runs if isinstance(runs, list) else []:
        match run:
            case [str(name), int(count)] if name in _TRANSPORTS:
                for _ in range(count):
                    yield cast(Transport, name)
            case _:
                return


def _incomplete(listed: Any) -> dict[int, tuple[Incomplete, int]]:
    """Which messages of sip.pcap are not whole: why, and how much is missing."""
    found: dict[int, tuple[Incomplete, int]] = {}
    for item in listed if isinstance(listed, list) else []:
        match item:
            case [int(place), "cut" | "fragments" as why, int(missing)]:
                found[place] = (why, max(missing, 0))
    return found


def _fragments(listed: Any) -> dict[int, int]:
    """Which messages of sip.pcap came in fragments, and in how many."""
    found: dict[int, int] = {}
    for item in listed if isinstance(listed, list) else []:
        match item:
            case [int(place), int(count)] if is_count(count):
                found[place] = count
    return found


def _capture_facts(loaded: Any) -> CaptureFacts:
    """What the manifest says of the capture; parts of earlier writers say nothing."""
    facts = CaptureFacts()
    if not isinstance(loaded, dict):
        return facts
    for name in _CAPTURE_FACTS:
        value = loaded.get(name)
        if name == "link_types":
            if isinstance(value, list):
                facts.link_types = [link for link in value if is_count(link)]
        elif name == "has_rtp":
            facts.has_rtp = value if isinstance(value, bool) else None
        elif is_count(value):
            setattr(facts, name, value)
    return facts


def _sip_packet(
    message: Message,
    transport: Transport | None,
    incomplete: tuple[Incomplete, int] | None,
    fragments: int,
) -> SipPacket:
    why, missing = incomplete or ("", 0)
    if transport is None:
        transport = cast(Transport, message.transport)
    src, dst = message.src or _NOWHERE, message.dst or _NOWHERE
    return SipPacket(
        *(message.ts, src, dst, transport, message.payload),
        missing=missing,
        incomplete=why,
        fragments=fragments,
    )


def _log_line(loaded: dict[str, Any]) -> LogLine | None:
    match loaded:
        case {"ts": int(ts), "source": str(source), "line": str(line)}:
            return LogLine(kept_time(ts), source, line)
    return None


def _report(loaded: dict[str, Any]) -> QualityReport | None:
    match loaded:
        case {"ts": int(ts), "report": dict(report)}:
            return QualityReport(kept_time(ts), report)
    return None


def _stream(
    loaded: dict[str, Any],
) -> tuple[dict[str, Any], StreamFigures | None]:
    """An object as it is, and what it says, if it is ours."""
    return loaded, from_json(loaded)


def _known(endpoint: Endpoint | None) -> Endpoint | None:
    return None if endpoint in (_NOWHERE, _NOWHERE_V6) else endpoint


def _object(value: dict[str, Any]) -> bytes:
    """A JSON object, a key a line: to be read by people too."""
    # json's own way to indent takes four times as long.
    lines = ",\n ".join(f'"{key}": {_json(value[key])}' for key in value)
    return f"{{\n {lines}\n}}".encode("ascii")


def _line(value: Any) -> bytes:
    return _json(value).encode("ascii")


def _array(values: Iterable[Any]) -> bytes:
    """A JSON array, an element a line: so what precedes a cut can still be read."""
    return b"[\n" + b",\n".join(map(_line, values)) + b"\n]\n"


def _load(data: bytes) -> Any:
    """The JSON value; None for what is none."""
    try:
        return json.loads(data)
    except (ValueError, RecursionError):
        return None
