"""A call's SIP messages in order, read once, each with its first sending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...evidence import SipPacket
from ...protocols import sdp
from ...protocols import sip
from ...protocols.address import Endpoint
from ...protocols.address import Transport
from ...protocols.sip_fields import Via
from .hosts import Hosts

#: The same datagram between the same two addresses so soon again is a mirror port's
#: copy: the fastest retransmission comes T1 = 500 ms later.
COPY_NS = 1_000_000


@dataclass(slots=True)
class Message:
    """One SIP message as it passed one point of the network.

    Through a proxy the same message is seen once on each side of it; these are two
    messages, with other addresses and another branch, and no retransmissions.

    :param n: its number in the call, from 1, in the order of time.
    :param ts: nanoseconds since the epoch.
    :param sip: None where it could not be read; ``problem`` then says why.
    :param summary: ``INVITE``, ``180 Ringing``.
    :param origin: the host it came from, see :class:`.hosts.Hosts`.
    :param target: the host it went to.
    :param transaction: the ``n`` of the request that opened its transaction, see
        :mod:`.transactions`; None where that request was not captured. The ACK to a
        refusal belongs to the INVITE (RFC 3261 section 17.1.1.3), the ACK to a 2xx and
        a CANCEL stand alone.
    :param retransmission_of: the ``n`` of the first sending; None for that one itself.
    :param sending: which transmission of it this is, 1 for the original.
    :param copy_of: the ``n`` of the same datagram, which was captured twice (a mirror
        port, two interfaces); None for what was captured once. A copy is neither a
        retransmission nor a message of its own.
    :param vias: the topmost first; ``branches`` of each of them, "" for none.
    :param from_tag: the tag of From, ``to_tag`` that of To; "" where there is none.
    :param leg: the letter of its leg where several are shown as one call, see
        :mod:`.joined`; "" otherwise.
    """

    n: int
    ts: int
    src: Endpoint
    dst: Endpoint
    transport: Transport
    raw: bytes
    sip: sip.SipMessage | None
    problem: str
    kind: Literal["request", "response"]
    summary: str
    sdp: sdp.Sdp | None
    origin: Endpoint
    target: Endpoint
    branch: str = ""
    cseq_number: int | None = None
    cseq_method: str = ""
    from_tag: str = ""
    to_tag: str = ""
    transaction: int | None = None
    retransmission_of: int | None = None
    sending: int = 1
    leg: str = ""
    copy_of: int | None = None
    vias: list[Via] = field(default_factory=list)
    branches: tuple[str, ...] = ()

    @property
    def method(self) -> str:
        """A request's method; "" for a response."""
        return (self.sip.method or "") if self.sip else ""

    @property
    def code(self) -> int:
        """A response's status code; 0 for a request."""
        return (self.sip.code or 0) if self.sip else 0

    def header(self, name: str) -> str:
        """The first value of a header field; "" where there is none."""
        return (self.sip.get(name) or "") if self.sip else ""


def read_messages(packets: Iterable[SipPacket]) -> list[Message]:
    """The packets in order of time, read and related to each other.

    Whatever the bytes are, this gives a message for each packet.
    """
    in_order = sorted(packets, key=lambda packet: packet.ts)
    hosts = Hosts(in_order)
    messages = [_read(n, packet, hosts) for n, packet in enumerate(in_order, 1)]
    _find_copies(messages)
    _find_retransmissions(messages)
    return messages


def _read(n: int, packet: SipPacket, hosts: Hosts) -> Message:
    try:
        parsed = sip.parse(packet.payload)
    except sip.SipError as error:
        parsed, problem = None, str(error)
    else:
        problem = ""
    is_response = packet.payload.lstrip()[:4].upper() == b"SIP/"
    message = Message(
        n,
        packet.ts,
        packet.src,
        packet.dst,
        packet.transport,
        packet.payload,
        sip=parsed,
        problem=problem,
        kind="response" if is_response else "request",
        summary="unreadable",
        sdp=None,
        origin=hosts.of(packet.src, packet.transport),
        target=hosts.of(packet.dst, packet.transport),
    )
    if parsed is not None:
        _describe(message, parsed)
    return message


def _describe(message: Message, parsed: sip.SipMessage) -> None:
    """Keep what is asked of a message often: the parser reads it each time."""
    message.kind = "request" if parsed.is_request else "response"
    message.summary = parsed.method or f"{parsed.code:03} {parsed.reason}".strip()
    message.vias = parsed.vias
    message.branches = tuple(via.params.get("branch", "") for via in message.vias)
    message.branch = message.branches[0] if message.branches else ""
    message.cseq_number, message.cseq_method = parsed.cseq
    message.from_tag = parsed.from_.tag
    message.to_tag = parsed.to.tag
    described = parsed.sdp
    if described is not None:
        try:
            message.sdp = sdp.parse(described)
        except sdp.SdpError as error:
            message.problem = str(error)


def _find_copies(messages: list[Message]) -> None:
    """Mark what was captured more than once."""
    latest: dict[Hashable, Message] = {}
    for message in messages:
        way = (message.src, message.dst, message.raw)
        original = latest.get(way)
        if original is not None and message.ts - original.ts <= COPY_NS:
            message.copy_of = original.n
        else:
            latest[way] = message


def _find_retransmissions(messages: list[Message]) -> None:
    """Mark what was sent again.

    A forked request has another branch, a fork's response another To tag, a reliable
    provisional response that is new another RSeq (RFC 3262 section 3).
    """
    sendings: dict[Hashable, list[Message]] = defaultdict(list)
    for message in messages:
        if message.copy_of is not None:
            message.sending = messages[message.copy_of - 1].sending
            continue
        same = sendings[_sending_key(message)]
        same.append(message)
        message.sending = len(same)
        if message is not same[0]:
            message.retransmission_of = same[0].n


def _sending_key(message: Message) -> Hashable:
    if message.sip is None:
        return message.src, message.dst, message.raw
    return (
        message.src,
        message.dst,
        message.method or message.code,
        message.branch,
        message.cseq_number,
        message.cseq_method,
        message.to_tag,
        message.header("RSeq"),
        message.sip.body,
    )
