"""Events and hops of a call in its JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..events import Event
from ..sip.hops import Hop
from ..visibility import Limit


def events_document(events: Iterable[Event]) -> list[dict[str, Any]]:
    """Each event with the keys that all have, and those of its kind."""
    return [
        {
            "kind": event.kind,
            "ts": event.ts,
            "end_ts": event.end_ts,
            "n": event.n,
            "by": event.by,
            "leg": event.leg or None,
            **event.parameters,
        }
        for event in events
    ]


def hops_document(hops: Iterable[Hop]) -> list[dict[str, Any]]:
    """The requests that set the call up."""
    return [
        {
            "n": hop.n,
            "src": str(hop.source) if hop.source.port else hop.source.ip,
            "dst": str(hop.target) if hop.target.port else hop.target.ip,
            "transport": hop.transport,
            "sent_ts": hop.sent_ts,
            "first_ts": hop.first_ts,
            "first_code": hop.first_code,
            "final_ts": hop.final_ts,
            "final_code": hop.final_code,
            "retransmissions": hop.retransmissions,
            "upstream": hop.upstream,
            "added_ms": hop.added_ms,
            "gave_up": hop.gave_up,
            "leg": hop.leg or None,
        }
        for hop in hops
    ]


def visibility_document(limits: Iterable[Limit]) -> list[dict[str, Any]]:
    """What the capture does not show."""
    return [
        {
            "kind": limit.kind,
            "messages": list(limit.numbers),
            "hosts": [str(host) if host.port else host.ip for host in limit.hosts]
            if limit.hosts is not None
            else None,
            "count": limit.count,
        }
        for limit in limits
    ]
