"""How a call was refused: who refused it, after what, and what they say of it."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from dataclasses import field

from ...protocols.address import Endpoint
from .messages import Message
from .phrases import own_phrase
from .reasons import Reason
from .reasons import reasons
from .reasons import warnings
from .setup import CallSetup
from .transactions import MAX_HOPS
from .transactions import Transaction

_Q850 = "Q.850"

#: What answers an INVITE that a CANCEL withdrew (RFC 3261 section 15.1.2).
_WITHDRAWN = 487

#: What a proxy answers of its own accord where the next hop is silent (RFC 3261 section
#: 16.8), or a gateway.
_NOT_ANSWERED = (408, 504)


@dataclass(slots=True)
class Refusal:
    """The response that decided a call which was not answered.

    :param response: as it came nearest to the caller.
    :param made: where it was seen first: the response of the host that refused. A proxy
        or B2BUA on the way may have changed its code.
    :param transaction: the INVITE that it answers there; None where not captured.
    :param maker: the host that refused, as far as captured.
    :param asked: INVITEs that this host had sent on before and that met no refusal, or
        that it withdrew: what it refused for is behind it.
    :param rang: the first 18x of the last attempt, at any hop; None where it did not
        ring.
    :param took_ns: from that host's first sight of the INVITE to its refusal.
    """

    response: Message
    made: Message
    transaction: Transaction | None
    maker: Endpoint
    asked: list[Transaction] = field(default_factory=list)
    rang: Message | None = None
    took_ns: int | None = None

    @property
    def code(self) -> int:
        """The status code that the host gave that refused."""
        return self.made.code

    @property
    def reasons(self) -> list[Reason]:
        """Its Reason header fields, and those that hosts on the way added."""
        found = [each for m in self._messages if m.sip for each in reasons(m.sip)]
        return list(dict.fromkeys(found))

    @property
    def causes(self) -> frozenset[int]:
        """The Q.850 causes that it states."""
        return frozenset(
            each.cause
            for each in self.reasons
            if each.protocol == _Q850 and each.cause is not None
        )

    @property
    def said(self) -> list[str]:
        """What it says in words of its own, and what hosts on the way added."""
        texts = [text for m in self._messages for text in said_by(m)]
        return list(dict.fromkeys(texts))

    @property
    def statements(self) -> tuple[str | Reason, ...]:
        """What it says beside its code: its phrase where that is not the standard's,
        the texts of Warnings, and its Reasons.
        """
        in_reasons = {each.text for each in self.reasons}
        texts = [text for text in self.said if text not in in_reasons]
        return (*texts, *self.reasons)

    @property
    def _messages(self) -> list[Message]:
        return [self.made] + [self.response] * (self.response is not self.made)


def said_by(response: Message) -> list[str]:
    """What a response says in words of its own: its phrase where that is not the
    standard's, the texts of Warning and Reason header fields.
    """
    if response.sip is None:
        return []
    texts = [own_phrase(response.code, response.sip.reason)]
    texts += [each.text for each in warnings(response.sip)]
    texts += [r.text for r in reasons(response.sip) if not r.text.isdigit()]
    return [text for text in dict.fromkeys(texts) if text]


def find_refusal(
    found: CallSetup | None, transactions: Collection[Transaction]
) -> Refusal | None:
    """How the call was refused; None for a call that was answered or not decided.

    Where no INVITE was captured it cannot be told what a refusal decided: another
    attempt may have followed, or it was of a call that was up.
    """
    if found is None or found.first is None:
        return None
    if found.final is None or found.final.code < 300:
        return None
    response = found.final
    at = next((t for t in transactions if response in t.responses), None)
    if at is None:
        return Refusal(response, response, None, response.origin)
    made = response
    for _hop in range(MAX_HOPS):
        below = _source(at, made)
        if below is None or below.refusal is None:
            break
        at, made = below, below.refusal
    refusal = Refusal(response, made, at, made.origin)
    refusal.asked = [
        t for t in at.downstream if t.refusal is None or t.refusal.code == _WITHDRAWN
    ]
    refusal.rang = _rang(found)
    if at.request is not None and made.ts >= at.request.ts:
        refusal.took_ns = made.ts - at.request.ts
    return refusal


def _source(transaction: Transaction, response: Message) -> Transaction | None:
    """The INVITE that was sent on, whose refusal this one is; None where the host
    refused of its own accord, because one that it had sent on was not answered.
    """
    before = [t for t in transaction.downstream if _ended_before(t, response)]
    for same in (
        [t for t in before if t.refusal and t.refusal.to_tag == response.to_tag],
        [t for t in before if t.refusal and t.refusal.code == response.code],
    ):
        if same and response.to_tag:
            return same[-1]
    silent = any(not t.responses for t in transaction.downstream)
    if silent and response.code in _NOT_ANSWERED:
        return None
    # With another code and tag: its own words for the failure of the last one tried.
    tried = [t for t in transaction.downstream if t.first.ts <= response.ts]
    last = max(tried, key=lambda t: t.first.ts, default=None)
    return last if last is not None and last in before else None


def _ended_before(transaction: Transaction, response: Message) -> bool:
    refusal = transaction.refusal
    return refusal is not None and refusal.n < response.n and refusal.code != _WITHDRAWN


def _rang(found: CallSetup) -> Message | None:
    return next(
        (m for m in found.responses if 180 <= m.code <= 189 and found.is_last(m)), None
    )
