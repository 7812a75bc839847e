"""References to evidence, in a few words."""

from __future__ import annotations

from collections.abc import Iterable

from ...evidence import NetworkEvent
from ..sip.messages import Message
from .model import EvidenceReference

#: So many messages are named of one kind; a flood has thousands.
MOST_NAMED = 20


def message(seen: Message, what: str = "") -> EvidenceReference:
    """One SIP message."""
    return EvidenceReference("message", seen.n, what)


def messages(seen: Iterable[Message], what: str = "") -> list[EvidenceReference]:
    """SIP messages in order, no more than :data:`MOST_NAMED` of them."""
    by_number = sorted({each.n for each in seen})
    return [EvidenceReference("message", n, what) for n in by_number[:MOST_NAMED]]


def network_events(
    events: Iterable[NetworkEvent], what: str = ""
) -> list[EvidenceReference]:
    """What the network said, by its time."""
    return [
        EvidenceReference("span", None, what, from_ts=event.ts, to_ts=event.ts)
        for event in list(events)[:MOST_NAMED]
    ]
