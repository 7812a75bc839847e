"""What agents and media servers send, in one form, whichever protocol it came by."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ..protocols import hep
from ..protocols import sip
from ..protocols.address import Endpoint
from ..protocols.address import Transport
from ..protocols.agent import Frame
from ..protocols.agent import LogFrame
from ..protocols.agent import MAX_CALL_ID
from ..protocols.agent import QualityFrame
from ..protocols.agent import RtcpFrame
from ..protocols.agent import SipFrame

Kind = Literal["sip", "rtcp", "log", "quality"]

#: SQLite's largest integer; a time beyond it is a clock gone mad.
_LAST_TS = (1 << 63) - 1


@dataclass(slots=True)
class Item:
    """Something that belongs to a call of a customer, as it was sent.

    :param call_id: of SIP the message's own; of anything else what its sender names,
        which may be wrong, or "".
    :param ts: when it was captured, in nanoseconds since the epoch.
    :param payload: a SIP message, an RTCP datagram (binary or JSON), a log line, or a
        quality report (JSON).
    :param agent: the name of the capture agent.
    :param sender: the IP address that it was sent to us from.
    :param cseq_method: of SIP, in capitals; "" where it has none.
    :param of_call: whether its sender speaks of calls only, so that the Call-ID is one.
    """

    customer_id: str
    call_id: str
    kind: Kind
    ts: int
    src: Endpoint | None
    dst: Endpoint | None
    transport: Transport
    payload: bytes
    agent: str = ""
    sender: str = ""
    cseq_method: str = ""
    of_call: bool = False


def from_frame(
    frame: Frame, customer_id: str, *, agent: str = "", sender: str = ""
) -> Item | None:
    """What a frame of the agent holds; None if it holds nothing of a call.

    The agent follows INVITE dialogs only, but sends the SIP of any method.

    :param customer_id: whom the agent logged in for.
    """
    if isinstance(frame, SipFrame):
        found = sip.peek(frame.payload)
        call_id, method = found or ("", "")
        if not call_id or len(call_id) > MAX_CALL_ID:
            call_id = frame.call_id
        return Item(
            customer_id,
            call_id,
            "sip",
            min(frame.ts, _LAST_TS),
            frame.src,
            frame.dst,
            "udp",  # the agent captures nothing else
            frame.payload,
            agent,
            sender,
            method.upper(),
        )
    kind: Kind
    if isinstance(frame, LogFrame):
        kind, payload = "log", frame.line
    elif isinstance(frame, RtcpFrame):
        kind, payload = "rtcp", frame.payload
    elif isinstance(frame, QualityFrame):
        kind, payload = "quality", frame.report
    else:
        return None
    return Item(
        customer_id,
        frame.call_id,
        kind,
        min(frame.ts, _LAST_TS),
        None,
        None,
        "udp",
        payload,
        agent,
        sender,
        of_call=True,
    )


def from_hep(
    packet: hep.HepPacket, customer_id: str, now: int, *, sender: str = ""
) -> Item | None:
    """What a HEP packet holds; None if it holds nothing of a call.

    :param customer_id: whose it is, by
        :meth:`~flask_sipvault.collector.authentication.Authority.hep_customer`.
    :param now: when it arrived, in nanoseconds since the epoch, for senders that do not
        say when it was captured.
    """
    kind = hep.KINDS.get(packet.protocol)
    if kind is None or kind == "rtp":  # nobody's voice is kept
        return None
    call_id, method = packet.correlation_id, ""
    if kind == "sip":
        found = sip.peek(packet.payload)
        if found is None:
            return None
        call_id, method = found
    if len(call_id.encode("utf-8", "surrogatepass")) > MAX_CALL_ID:
        return None
    return Item(
        customer_id,
        call_id,
        kind,
        min(packet.ts or now, _LAST_TS),
        packet.src,
        packet.dst,
        packet.transport,
        packet.payload,
        packet.agent or sender,
        sender,
        method.upper(),
        # Asterisk may name a channel, OpenSIPS a registration.
        of_call=hep.SIPPULSE_CUSTOMER in packet.vendor_chunks and kind != "sip",
    )
