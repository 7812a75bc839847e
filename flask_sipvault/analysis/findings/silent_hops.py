"""Requests that met no response, and what their sender did then."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass

from ..call import Call
from ..sip import timers
from ..sip.messages import Message
from ..sip.transactions import Transaction
from .undelivered import undelivered

#: A request that was sent so often over UDP went unanswered for at least 3.5 s (RFC
#: 3261 section 17.1.1.2): longer than the network takes, or a lost packet or two.
MANY_SENDINGS = 4

#: Sooner than this nobody gives a request up because it is not answered.
_SOON_NS = 400_000_000


@dataclass(frozen=True, slots=True)
class SilentHop:
    """A request outside of any dialog that met no response at all.

    :param given_up_ts: when its sender was done with waiting, in ns since the epoch.
    :param then: the response of its own that it gave upstream, or the same request
        that it sent elsewhere; None where neither was captured.
    """

    transaction: Transaction
    given_up_ts: int
    then: Message | None

    @property
    def waited_ns(self) -> int:
        """How long its sender waited."""
        return self.given_up_ts - self.transaction.first.ts


def setup_invites(call: Call) -> list[Transaction]:
    """The INVITEs that were to set the call up, at each hop, in order of time."""
    return [t for t in call.transactions if _opens(t) and t.method == "INVITE"]


def silent_hops(call: Call) -> list[SilentHop]:
    """The requests outside of dialogs that met no response though it would have been
    captured, that were not sent on, and whose sender did not wait any longer.

    That it sent a request again and again over UDP shows that it had no response; else
    that it refused upstream, tried elsewhere, or that the timer ran out (RFC 3261
    sections 17.1.1.2 and 17.1.2.2).
    """
    requests = [t for t in call.transactions if _opens(t)]
    sent = by_client(requests)
    answered = {id(t) for dialog in call.dialogs for t in dialog.invites}
    errors = undelivered(call)
    hops = []
    for each in requests:
        if each.responses or each.acks or each.downstream or id(each) in answered:
            continue
        if each.method == "CANCEL":
            continue
        refused = errors.get(each.number, [])
        if not refused and not call.visibility.would_show(each.server, each.client):
            continue
        # Told that a packet was not delivered, nobody waits for a response to it.
        soon = 0 if refused else _SOON_NS
        then = _next_step(each, sent[_client(each)], each.first.ts + soon)
        end = _given_up(each, then)
        if end is None and refused:
            end = max(refused[-1].ts, *(m.ts for m in each.sendings))
        if end is not None:
            hops.append(SilentHop(each, end, then))
    return hops


def _opens(transaction: Transaction) -> bool:
    return not transaction.in_dialog and transaction.request is not None


def by_client(
    transactions: Iterable[Transaction],
) -> dict[Hashable, list[Transaction]]:
    """What each host sent of a method, in order of time."""
    sent: dict[Hashable, list[Transaction]] = defaultdict(list)
    for each in transactions:
        sent[_client(each)].append(each)
    for group in sent.values():
        group.sort(key=_start)
    return sent


def _client(transaction: Transaction) -> Hashable:
    return transaction.leg, transaction.client, transaction.method


def _start(transaction: Transaction) -> int:
    return transaction.first.ts


def _next_step(
    transaction: Transaction, sent: list[Transaction], given_up: int
) -> Message | None:
    """What its sender did next that tells that it had given up."""
    above = transaction.upstream.finals if transaction.upstream else []
    steps = [m for m in above if m.ts > given_up and m.code >= 300]
    at = bisect_right(sent, given_up, key=_start)
    if at < len(sent) and sent[at].request is not None:
        steps.append(sent[at].request)  # type: ignore[arg-type]
    return min(steps, key=lambda m: m.ts, default=None)


def _given_up(transaction: Transaction, then: Message | None) -> int | None:
    start = transaction.first.ts
    if then is not None:
        return then.ts
    if transaction.timed_out is not None:
        return start + timers.TIMER_F
    if len(transaction.sendings) >= MANY_SENDINGS:
        last = max(m.ts for m in transaction.sendings)
        cancel = transaction.cancel
        return max(last, cancel.first.ts) if cancel is not None else last
    return None
