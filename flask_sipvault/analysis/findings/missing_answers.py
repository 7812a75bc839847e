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
    hops = _Hops()
    for negotiation in call.negotiations:
        # A call in which nobody describes any media may be meant so: a test, a probe.
        if all(exchange.offer is None for exchange in negotiation.exchanges):
            continue
        for exchange in negotiation.exchanges:
            for missing in _of_exchange(negotiation, exchange, hops):
                message = missing.message
                key = (
                    *(message.leg, message.cseq_number, message.cseq_method),
                    *(message.from_tag, message.to_tag, message.method),
                )
                found.setdefault(key, missing)
    return sorted(found.values(), key=lambda each: each.message.n)


def _of_exchange(
    negotiation: Negotiation, exchange: Exchange, hops: _Hops
) -> Iterator[MissingAnswer]:
    message = exchange.missing_in
    if message is None or exchange.result not in ("unanswered", "no-offer"):
        return
    before = hops.before(exchange, message)
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


class _Hops:
    """The same message one hop nearer to who sent it."""

    def __init__(self) -> None:
        # Of the transactions asked for, by their number: a fork has many answers.
        self._responses: dict[int, dict[tuple[int, str], list[Message]]] = {}

    def before(self, exchange: Exchange, message: Message) -> list[Message]:
        """As it reached the host that sent it on; several of a fork."""
        transaction = exchange.transaction
        if message.kind == "response":
            known = self._responses.get(transaction.number)
            if known is None:
                known = self._responses[transaction.number] = {}
                for below in transaction.downstream:
                    for response in below.responses:
                        key = (response.code, response.to_tag)
                        known.setdefault(key, []).append(response)
            return known.get((message.code, message.to_tag), [])
        above = transaction.upstream
        if message.method != "ACK" or above is None:
            return []
        acks = (a for a in above.acks if a.to_tag == message.to_tag)
        return [ack for ack in acks if ack.n < message.n][:1]
