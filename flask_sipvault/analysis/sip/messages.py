"""A call's SIP messages in order, read once, each with its first sending."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable

from ...evidence import SipPacket
from ...protocols import sdp
from ...protocols import sip
from ...protocols.pcapfile import COPY_NS
from .hosts import Hosts
from .message import Message as Message
from .order import in_order


def read_messages(packets: Iterable[SipPacket]) -> list[Message]:
    """The packets in order of time and of cause, read and related to each other.

    Whatever the bytes are, this gives a message for each packet.
    """
    by_time = sorted(packets, key=lambda packet: packet.ts)
    hosts = Hosts(by_time)
    messages = in_order([_read(packet, hosts) for packet in by_time])
    for n, message in enumerate(messages, 1):
        message.n = n
    _find_copies(messages)
    _find_retransmissions(messages)
    return messages


def _read(packet: SipPacket, hosts: Hosts) -> Message:
    """A message that has no number yet."""
    try:
        parsed = sip.parse(packet.readable)
    except sip.SipError as error:
        parsed, problem = None, str(error)
    else:
        problem = ""
    is_response = packet.payload.lstrip()[:4].upper() == b"SIP/"
    message = Message(
        0,
        packet.ts,
        packet.src,
        packet.dst,
        packet.transport,
        packet.payload,
        packet.size,
        sip=parsed,
        problem=problem,
        kind="response" if is_response else "request",
        summary="unreadable",
        sdp=None,
        origin=hosts.of(packet.src, packet.transport),
        target=hosts.of(packet.dst, packet.transport),
        incomplete=packet.incomplete,
        missing=packet.missing,
        fragments=packet.fragments,
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
    problems = list(parsed.left_out)
    described = parsed.sdp
    if described is not None:
        try:
            message.sdp = sdp.parse(described)
        except sdp.SdpError as error:
            problems.append(str(error))
        else:
            if message.sdp.left_out:
                problems.append(
                    f"{message.sdp.left_out:,} streams, formats and attributes of its"
                    " session description were not read"
                )
    message.problem = "; ".join(problems)


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
