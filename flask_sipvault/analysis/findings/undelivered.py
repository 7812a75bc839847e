"""Requests of which the network said that it did not deliver them."""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict

from ...evidence import NetworkEvent
from ...protocols.address import Endpoint
from ..call import Call
from ..sip.transactions import Transaction


def undelivered(call: Call) -> dict[int, list[NetworkEvent]]:
    """The network's errors about requests that no response came to, by the number of
    the transaction; of each in order of time.

    An error is about the request that was last sent between these two ends before it. A
    TCP connection that is reset after its requests were answered was only closed.
    """
    sent: dict[tuple[str, Endpoint], list[tuple[int, Transaction]]] = defaultdict(list)
    for transaction in call.transactions:
        for message in transaction.sendings:
            way = (message.src.ip, message.dst)
            sent[way].append((message.ts, transaction))
    for requests in sent.values():
        requests.sort(key=lambda item: item[0])
    found: dict[int, list[NetworkEvent]] = defaultdict(list)
    for event in sorted(call.evidence.network, key=lambda event: event.ts):
        requests = sent.get((event.error.lost_src.ip, event.error.lost_dst), [])
        at = bisect_right(requests, event.ts, key=lambda item: item[0])
        if at and not requests[at - 1][1].responses:
            found[requests[at - 1][1].number].append(event)
    return found


def unconnected(call: Call) -> list[NetworkEvent]:
    """TCP connections that a SIP host of the call could not open, to ends that none of
    its messages came to: it had nothing to send the request over.
    """
    hosts = {m.src.ip for m in call.messages} | {m.dst.ip for m in call.messages}
    reached = {m.dst for m in call.messages} | {m.src for m in call.messages}
    return sorted(
        (
            event
            for event in call.evidence.network
            if event.error.transport == "tcp"
            and event.error.lost_src.ip in hosts
            and event.error.lost_dst not in reached
            and event.error.lost_src not in reached
        ),
        key=lambda event: event.ts,
    )
