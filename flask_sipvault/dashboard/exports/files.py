"""A call as files to take away."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Iterable

from ...analysis.explain import Call
from ...evidence import Evidence
from ...protocols.packets import Message
from ...protocols.pcapwriter import Note
from ...protocols.pcapwriter import pcapng
from ...protocols.pcapwriter import RawPacket
from ...sanitize import on_one_line
from ...sanitize import visible
from .. import formatting as figures
from ..panels.messages.highlight import hexdump
from ..panels.messages.highlight import is_text
from ..panels.messages.highlight import split

#: The zip format knows no earlier time; a fixed one makes the same call the same file.
_NO_TIME = (1980, 1, 1, 0, 0, 0)


def capture(call: Call) -> bytes:
    """A pcapng file of SIP, RTCP, errors of the network and log lines. The SIP comes in
    the order of the page, which Wireshark keeps, also where that is not quite the order
    of its times.

    Log lines are systemd journal export blocks, not packet comments: tshark 4.0 and
    Wireshark list them between the packets, at their own time and with their text in
    the Info column, while a comment hides behind the packet it is tied to and takes
    its time. sngrep 1.6 and all that reads through libpcap pass over either.
    """
    evidence = call.evidence
    signalling = [
        Message(
            *(message.ts, message.src, message.dst, message.transport, message.raw),
            missing=message.missing if message.incomplete else 0,
        )
        for message in call.messages
    ]
    events = sorted(evidence.network, key=lambda event: event.ts)
    network = [RawPacket(event.ts, event.packet) for event in events]
    # An agent's RTCP comes without addresses. Where the SDP makes them certain it gets
    # them here, so that Wireshark knows it for RTCP; else 0.0.0.0:0.
    captured = sorted(evidence.rtcp, key=lambda datagram: datagram.ts)
    reports = [
        Message(item.ts, read.src, read.dst, "udp", item.payload)
        for item, read in zip(captured, call.media.rtcp, strict=True)
    ]
    lines = sorted(evidence.logs, key=lambda line: line.ts)
    notes = [Note(line.ts, line.source, line.text) for line in lines]
    return b"".join(pcapng(signalling, reports, network, notes))


def bundle(parts: Iterable[tuple[str, bytes]]) -> bytes:
    """The parts in one zip, each as it is kept.

    They are zips already: packed again they would only grow.

    :param parts: name and content.
    """
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w", zipfile.ZIP_STORED) as archive:
        for name, content in parts:
            archive.writestr(zipfile.ZipInfo(name, _NO_TIME), content)
    return file.getvalue()


def logs_text(evidence: Evidence) -> str:
    """The log lines, each after its time (UTC) and source."""
    return "".join(
        f"{figures.iso(line.ts)} {on_one_line(line.source) or figures.NONE}"
        f" {on_one_line(line.text)}\n"
        for line in evidence.logs
    )


def sip_text(call: Call) -> str:
    """The messages in full, each under a line with its time (UTC) and addresses."""
    return "\n".join(
        f"--- {message.n}. {figures.iso(message.ts)} {message.transport}"
        f" {message.src} -> {message.dst}\n{message_text(message.raw)}\n"
        for message in call.messages
    )


def message_text(raw: bytes) -> str:
    """A message to be read: bodies that are no text as a dump."""
    if is_text(raw):
        return visible(raw.decode().replace("\r\n", "\n"))
    head, body = split(raw)
    shown = visible(head.decode("utf-8", "replace").replace("\r\n", "\n"))
    if not body:
        return shown
    text = is_text(body)
    return f"{shown}\n\n{visible(body.decode()) if text else hexdump(body)}"
