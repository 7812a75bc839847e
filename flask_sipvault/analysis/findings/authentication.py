"""Challenges and what they were answered with (RFC 3261 section 22, RFC 7616)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from dataclasses import dataclass

from ...protocols.sip_fields import parameters
from ...protocols.sip_fields import split_outside
from ..call import Call
from ..sip.messages import Message
from ..sip.setup import CHALLENGES
from ..sip.transactions import Transaction

_CHALLENGE_FIELDS = ("WWW-Authenticate", "Proxy-Authenticate")
_CREDENTIAL_FIELDS = ("Authorization", "Proxy-Authorization")


@dataclass(frozen=True, slots=True)
class Digest:
    """A challenge, or the credentials that answer one.

    :param params: of the header field: ``realm``, ``nonce``, ``stale`` and others.
    """

    scheme: str
    params: dict[str, str]

    @property
    def realm(self) -> str:
        """Whose password is meant."""
        return self.params.get("realm", "")

    @property
    def nonce(self) -> str:
        """What the server wants to be hashed."""
        return self.params.get("nonce", "")

    @property
    def stale(self) -> bool:
        """Whether only the nonce was wrong (RFC 7616 section 3.3)."""
        return self.params.get("stale", "").lower() == "true"


@dataclass(frozen=True, slots=True)
class Attempt:
    """A request and, where it was challenged, the response that did so."""

    transaction: Transaction
    credentials: list[Digest]
    challenge: Message | None
    challenges: list[Digest]


@dataclass(frozen=True, slots=True)
class Exchange:
    """The attempts of one sender at one request, in order, of which one or more were
    challenged.
    """

    attempts: list[Attempt]

    @property
    def last(self) -> Attempt:
        """Which decides."""
        return self.attempts[-1]

    @property
    def method(self) -> str:
        """Of the request."""
        return self.last.transaction.method

    def gave(self, nonce: str) -> bool:
        """Whether a challenge of this exchange before the last one gave a nonce."""
        given = {c.nonce for a in self.attempts[:-1] for c in a.challenges}
        return nonce in given


def find_exchanges(call: Call) -> list[Exchange]:
    """The requests that were challenged, at the hop nearest to who sent them."""
    sent: dict[Hashable, list[Transaction]] = defaultdict(list)
    for each in call.transactions:
        if each.request is not None and each.upstream is None:
            # Some phones choose a new From tag for the request with credentials.
            key = (each.leg, each.client, each.method, each.in_dialog)
            sent[key].append(each)
    exchanges = []
    for group in sent.values():
        attempts = [_attempt(t) for t in sorted(group, key=lambda t: t.first.ts)]
        # Once a request is accepted, what follows is another one.
        while attempts:
            end = next(
                (i for i, a in enumerate(attempts, 1) if a.challenge is None),
                len(attempts),
            )
            if any(a.challenge is not None for a in attempts[:end]):
                exchanges.append(Exchange(attempts[:end]))
            attempts = attempts[end:]
    return exchanges


def unresolved(call: Call) -> list[Exchange]:
    """Those whose last attempt was challenged too, in a call that may not go on."""
    answered = call.setup is not None and call.setup.answer is not None
    return [
        each
        for each in find_exchanges(call)
        if each.last.challenge is not None
        and not (answered and not each.last.transaction.in_dialog)
        and not (call.evidence.state == "PARTIAL" and _is_fresh(call, each))
    ]


def _is_fresh(call: Call, exchange: Exchange) -> bool:
    """Whether nothing was captured since: an answer to the challenge may come yet."""
    challenge = exchange.last.challenge
    end = call.visibility.last_ts
    assert challenge is not None
    return end is None or end - challenge.ts < 1_000_000_000


def _attempt(transaction: Transaction) -> Attempt:
    refusal = transaction.refusal
    challenged = refusal is not None and refusal.code in CHALLENGES
    return Attempt(
        transaction,
        _digests(transaction.request, _CREDENTIAL_FIELDS),
        refusal if challenged else None,
        _digests(refusal, _CHALLENGE_FIELDS) if challenged else [],
    )


def _digests(seen: Message | None, names: tuple[str, ...]) -> list[Digest]:
    if seen is None or seen.sip is None:
        return []
    return [_digest(value) for name in names for value in seen.sip.get_all(name)]


def _digest(value: str) -> Digest:
    scheme, _, rest = value.strip().partition(" ")
    return Digest(scheme, parameters(split_outside(rest, ",")))
