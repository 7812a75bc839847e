"""The hops that a call took: each request that set it up, and what it met there."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from ...protocols.address import Endpoint
from ...protocols.address import Transport
from .transactions import Transaction


@dataclass(frozen=True, slots=True)
class Hop:
    """One INVITE outside of a dialog at one hop. Times are ns since the epoch.

    :param n: the number of the request; of its first response where the request was
        not captured.
    :param source: the host that sent it, ``target`` the one it was sent to.
    :param sent_ts: None where the request was not captured.
    :param first_code: of the first response, 100 included; None where there was none.
    :param final_code: of the response that decided; None where there was none.
    :param retransmissions: how many times the request was sent again.
    :param upstream: the ``n`` of the hop that it came from; None for the first.
    :param added_ms: from when the sender received the request to when it sent it here.
        Of a proxy that tries several targets one after the other this is what the
        targets before cost.
    :param gave_up: whether no response came at all until the sender's timer ran out.
    """

    n: int
    source: Endpoint
    target: Endpoint
    transport: Transport
    sent_ts: int | None
    first_ts: int | None
    first_code: int | None
    final_ts: int | None
    final_code: int | None
    retransmissions: int
    upstream: int | None
    added_ms: float | None
    gave_up: bool
    leg: str = ""


def find_hops(transactions: Iterable[Transaction]) -> list[Hop]:
    """The hops in order of time."""
    return [
        _hop(each)
        for each in transactions
        if each.method == "INVITE" and not each.in_dialog
    ]


def _hop(invite: Transaction) -> Hop:
    request, final = invite.request, invite.final
    first = invite.responses[0] if invite.responses else None
    above = invite.upstream
    received = above.request if above is not None else None
    added = None
    if request is not None and received is not None and request.ts >= received.ts:
        added = round((request.ts - received.ts) / 1e6, 3)
    return Hop(
        invite.first.n,
        invite.client,
        invite.server,
        invite.transport,
        request.ts if request else None,
        first.ts if first else None,
        first.code if first else None,
        final.ts if final else None,
        final.code if final else None,
        len(invite.retransmissions),
        above.first.n if above is not None else None,
        added,
        invite.timed_out == "B",
        invite.leg,
    )
