"""Requests that nobody answers."""

from __future__ import annotations

from collections.abc import Iterable

from ..call import Call
from ..sip.transactions import Transaction

#: So many repetitions over UDP, the last one 7.5 s after the request (RFC 3261 section
#: 17.1.2.2), are no slow response any more.
_ENOUGH = 4


def is_unanswered(call: Call, transaction: Transaction) -> bool:
    """Whether a request met no final response: it was sent again and again, or, where
    a response would have been captured, its timer of 64*T1 ran out.
    """
    if transaction.request is None or transaction.final is not None:
        return False
    if transaction.method == "INVITE" and transaction.provisional:
        return False  # which ends its repetition
    if len(transaction.retransmissions) >= _ENOUGH:
        return True
    back = (transaction.server, transaction.client)
    return (
        transaction.timed_out is not None
        and call.visibility.seen.get(back, 0) > 0
        and call.visibility.would_show(*back)
    )


def where_it_ends(call: Call, hops: Iterable[Transaction]) -> Transaction | None:
    """Of one request at several hops the one behind which nobody answers; None where
    all are answered, or it cannot be told.
    """
    silent = [hop for hop in hops if is_unanswered(call, hop)]
    for hop in silent:
        if not any(further in silent for further in hop.downstream):
            return hop
    return None
