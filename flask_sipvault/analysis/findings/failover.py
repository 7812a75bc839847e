"""Servers that a host tried one after the other for a call, and which one took it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...protocols.address import Endpoint
from ..call import Call
from ..sip.messages import Message
from ..sip.setup import CHALLENGES
from ..sip.transactions import Transaction
from .silent_hops import by_client
from .silent_hops import setup_invites
from .silent_hops import silent_hops

#: Refusals after which the next server is tried (RFC 3263 section 4.3, RFC 3261 section
#: 21.5): what the refusing server says of itself, not of the called user.
SERVER_FAILED = frozenset({408, 500, 502, 503, 504})

#: What a withdrawn INVITE meets.
_WITHDRAWN = 487


@dataclass(frozen=True, slots=True)
class Failover:
    """A call that one host sent to several servers, of which the last took it.

    :param failed: the INVITEs that met nothing, no more than a 100, or a refusal in
        which the server speaks of itself; in order.
    :param taken: the INVITE of the server that took it.
    """

    client: Endpoint
    failed: tuple[Transaction, ...]
    taken: Transaction

    @property
    def lost_ns(self) -> int:
        """How much later the call came to the server that took it."""
        return self.taken.first.ts - self.failed[0].first.ts

    @property
    def decisive(self) -> list[Message]:
        """The failed INVITEs, their refusals, and the one that was taken."""
        refused = [t.refusal for t in self.failed if t.refusal is not None]
        requests = [t.first for t in (*self.failed, self.taken)]
        return [*requests, *refused]


def got_through(transaction: Transaction) -> bool:
    """Whether the INVITE reached somebody who decides about the call: it rang, or was
    answered, or was refused for another reason than the server's own state.
    """
    if any(180 <= m.code < 300 for m in transaction.responses):
        return True
    refusal, onwards = transaction.refusal, transaction.downstream
    if onwards and not any(each.refusal for each in onwards):
        return False  # refused for want of a response
    return refusal is not None and not (
        refusal.code in SERVER_FAILED
        or refusal.code in CHALLENGES
        or refusal.code == _WITHDRAWN
    )


def find_failovers(call: Call) -> Iterator[Failover]:
    """Each host that had to try another server before one took the call."""
    silent = {id(hop.transaction): hop.given_up_ts for hop in silent_hops(call)}
    for sent in by_client(setup_invites(call)).values():
        failed: list[Transaction] = []
        ended: list[int] = []
        for each in sent:
            if got_through(each):
                # Branches of a fork are not tried one after the other.
                before = sum(ts <= each.first.ts for ts in ended)
                tried = tuple(failed[:before])
                if tried and each.server not in {t.server for t in tried}:
                    yield Failover(each.client, tried, each)
                break
            end = silent.get(id(each)) or failed_ts(each)
            if end is not None:
                failed.append(each)
                ended.append(end)


def failed_ts(transaction: Transaction) -> int | None:
    """When the server refused for its own state, or the INVITE was withdrawn without
    any more than a 100; None where it did not fail so.
    """
    refusal = transaction.refusal
    if refusal is not None and refusal.code in SERVER_FAILED:
        return refusal.ts
    if is_only_trying(transaction) and transaction.cancel is not None:
        return transaction.cancel.first.ts
    return None


def is_only_trying(transaction: Transaction) -> bool:
    """Whether no more than a 100 came back, and what ends a withdrawn INVITE."""
    codes = {m.code for m in transaction.responses}
    return 100 in codes and codes <= {100, _WITHDRAWN}
