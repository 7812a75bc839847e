"""Offers without an answer, and 2xx responses without the offer that is due."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

from ...protocols.address import Endpoint
from ..call import Call
from ..media.negotiation import Exchange
from ..media.negotiation import Negotiation
from ..sip.messages import Message

#: Which message came without it. ``offer``: a 2xx to an INVITE without an offer.
#: ``stripped``: it had one, until a host on the way took it out.
Where = Literal["response", "ack", "prack", "offer", "stripped"]


@dataclass(frozen=True, slots=True)
class MissingAnswer:
    """One of them, where it was sent.

    :param by: the host that sent the message without it.
    :param received: of ``stripped``, the message as that host got it.
    """

    negotiation: Negotiation
    exchange: Exchange
    message: Message
    where: Where
    by: Endpoint
    received: Message | None = None


def missing_answers(call: Call) -> list[MissingAnswer]:
    """In order; of a message that passed several hops, where it was sent first."""
    found: dict[tuple[object, ...], MissingAnswer] = {}
    for negotiation in call.negotiations:
        for exchange in negotiation.exchanges:
            for missing in _of_exchange(negotiation, exchange):
                message = missing.message
                key = (
                    *(message.leg, message.cseq_number, message.cseq_method),
                    *(message.from_tag, message.to_tag, message.method),
                )
                found.setdefault(key, missing)
    return sorted(found.values(), key=lambda each: each.message.n)


def _of_exchange(
    negotiation: Negotiation, exchange: Exchange
) -> Iterator[MissingAnswer]:
    message = exchange.missing_in
    if message is None or exchange.result not in ("unanswered", "no-offer"):
        return
    before = _one_hop_before(exchange, message)
    if any(each.sdp is None and not each.may_hide_sdp for each in before):
        return  # said of that hop
    carried = next((each for each in before if each.sdp is not None), None)
    if carried is not None:
        where: Where = "stripped"
    elif before:
        return  # that hop cannot be read
    elif message.kind == "response":
        where = "offer" if exchange.result == "no-offer" else "response"
    else:
        where = "ack" if message.method == "ACK" else "prack"
    yield MissingAnswer(negotiation, exchange, message, where, message.origin, carried)


def _one_hop_before(exchange: Exchange, message: Message) -> list[Message]:
    """The same message one hop nearer to who sent it."""
    transaction = exchange.transaction
    if message.kind == "response":
        return [
            response
            for below in transaction.downstream
            for response in below.responses
            if response.code == message.code and response.to_tag == message.to_tag
        ]
    above = transaction.upstream
    if message.method != "ACK" or above is None:
        return []
    return [
        ack for ack in above.acks if ack.to_tag == message.to_tag and ack.n < message.n
    ][:1]
