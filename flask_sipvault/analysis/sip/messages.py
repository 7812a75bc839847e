"""A call's SIP messages in order, each with its transaction and its first sending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...evidence import SipPacket
from ...protocols import sdp
from ...protocols import sip
from ...protocols.address import Endpoint
from ...protocols.address import Transport
from .hosts import Hosts

#: What a Via branch begins with if it names one transaction only (RFC 3261 section
#: 8.1.1.7). Without it, or with nothing behind it, a branch tells nothing.
MAGIC_COOKIE = "z9hG4bK"


@dataclass(slots=True)
class Message:
    """One SIP message as it passed one point of the network.

    Through a proxy the same message is seen once on each side of it; these are two
    messages, with other addresses and another branch, and no retransmissions.

    :param n: its number in the call, from 1, in the order of time.
    :param ts: nanoseconds since the epoch.
    :param sip: None where it could not be read; ``problem`` then says why.
    :param summary: ``INVITE``, ``180 Ringing``.
    :param origin: the place it came from, see :class:`.places.Hosts`.
    :param target: the place it went to.
    :param transaction: the ``n`` of the request that opened its transaction; None
        where that request was not captured. The ACK to a refusal belongs to the INVITE
        (RFC 3261 section 17.1.1.3), the ACK to a 2xx and a CANCEL stand alone.
    :param retransmission_of: the ``n`` of the first sending; None for that one itself.
    :param sending: the how manieth sending of it this is, from 1.
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
    places = Hosts(in_order)
    messages = [_read(n, packet, places) for n, packet in enumerate(in_order, 1)]
    _find_transactions(messages)
    _find_retransmissions(messages)
    return messages


def _read(n: int, packet: SipPacket, places: Hosts) -> Message:
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
        origin=places.of(packet.src, packet.transport),
        target=places.of(packet.dst, packet.transport),
    )
    if parsed is not None:
        _describe(message, parsed)
    return message


def _describe(message: Message, parsed: sip.SipMessage) -> None:
    """Keep what is asked of a message often; the parser reads it at each asking."""
    message.kind = "request" if parsed.is_request else "response"
    message.summary = parsed.method or f"{parsed.code:03} {parsed.reason}".strip()
    message.branch = parsed.branch
    message.cseq_number = parsed.cseq_number
    message.cseq_method = parsed.cseq_method
    message.from_tag = parsed.from_.tag
    message.to_tag = parsed.to.tag
    described = parsed.sdp
    if described is not None:
        try:
            message.sdp = sdp.parse(described)
        except sdp.SdpError as error:
            message.problem = str(error)


def _find_transactions(messages: list[Message]) -> None:
    """Give each message its transaction."""
    known = _Transactions()
    for message in messages:
        if message.kind == "request" and message.method != "ACK":
            message.transaction = known.open(message)
    refused: set[int | None] = set()
    for message in messages:
        if message.kind == "response":
            message.transaction = known.named(
                message, message.cseq_method
            ) or known.between(
                message, message.cseq_method, message.target, message.origin
            )
            if message.code >= 300:
                refused.add(message.transaction)
    for message in messages:
        if message.method == "ACK":
            invite = known.named(message, "INVITE") or known.between(
                message, "INVITE", message.origin, message.target
            )
            same_branch = invite == known.named(message, "INVITE")
            if invite and (same_branch or invite in refused):
                message.transaction = invite
            else:
                message.transaction = known.open(message)


class _Transactions:
    """The transactions that a request was seen to open, by branch, CSeq number and
    method (RFC 3261 sections 17.1.3 and 17.2.3).

    Where the branch says nothing, or belongs to no request seen (some senders change
    it on the way), the CSeq between the same two places decides.
    """

    def __init__(self) -> None:
        self._opened: dict[Hashable, int] = {}
        self._between: dict[Hashable, int] = {}

    def open(self, request: Message) -> int:
        method = request.method
        way = (request.cseq_number, method, request.origin, request.target)
        name = _name(request, method) or (request.branch, way)
        transaction = self._opened.setdefault(name, request.n)
        self._between.setdefault(way, transaction)
        return transaction

    def named(self, message: Message, method: str) -> int | None:
        name = _name(message, method)
        return self._opened.get(name) if name else None

    def between(
        self, message: Message, method: str, client: Endpoint, server: Endpoint
    ) -> int | None:
        return self._between.get((message.cseq_number, method, client, server))


def _name(message: Message, method: str) -> Hashable:
    """What names a transaction on its own; None where the branch does not."""
    branch = message.branch
    if not branch.startswith(MAGIC_COOKIE) or branch == MAGIC_COOKIE:
        return None
    # A sender that uses one branch for all its requests exists; the CSeq helps there.
    return branch, message.cseq_number, method


def _find_retransmissions(messages: list[Message]) -> None:
    """Mark what was sent again.

    A forked request has another branch, a fork's response another To tag, a reliable
    provisional response that is new another RSeq (RFC 3262 section 3).
    """
    sendings: dict[Hashable, list[Message]] = defaultdict(list)
    for message in messages:
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
