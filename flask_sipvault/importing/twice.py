"""Evidence that comes a second time, perhaps with all of its times moved.

A capture is imported again by mistake, or overlaps with another, or was moved in time
(``--shift-to-now``, ``editcap -t``). The same bytes between the same addresses are the
same message: the Via branch is unique in space and time (RFC 3261 section 8.1.1.7), and
a retransmission comes within 64 * T1.
"""

from __future__ import annotations

from collections import Counter
from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterator

from ..evidence import Evidence
from ..evidence import merge
from ..evidence import SAME_PACKET_NS

#: No retransmission comes later than this, in ns (64 * T1, RFC 3261 section 17.1.1.2):
#: what is further apart is one message with two times.
_LAST_SENDING_NS = 32_000_000_000

#: How well the distances of all messages have to agree, in ns: files in microseconds
#: and tools that move times round them.
_AGREEMENT_NS = 1_000_000

#: How many messages have to agree on a distance at which retransmissions are possible.
_ENOUGH = 2


def offset_to(stored: Evidence, more: Evidence, *, moved: bool) -> int | None:
    """What to add to the times of ``more``, in ns, so that what both hold has the times
    that it has in ``stored``; None if they hold nothing in common.

    :param moved: whether the times of ``more`` were moved on purpose, so that even a
        distance of seconds is none between retransmissions.
    """
    known: dict[Hashable, list[int]] = defaultdict(list)
    for identity, ts in _packets(stored):
        known[identity].append(ts)
    new: dict[Hashable, list[int]] = defaultdict(list)
    for identity, ts in _packets(more):
        if identity in known:
            new[identity].append(ts)
    apart: list[int] = []
    for identity, times in new.items():
        apart += map(int.__sub__, sorted(known[identity]), sorted(times))
    if not apart:
        return None
    if any(abs(distance) <= SAME_PACKET_NS for distance in apart):
        return 0
    slots = Counter(distance // _AGREEMENT_NS for distance in apart)
    slot = max(slots, key=lambda each: slots[each] + slots[each + 1])
    agreeing = sorted(
        distance
        for distance in apart
        if 0 <= distance - slot * _AGREEMENT_NS < 2 * _AGREEMENT_NS
    )
    offset = agreeing[len(agreeing) // 2]
    if abs(offset) <= _LAST_SENDING_NS and not (moved and len(agreeing) >= _ENOUGH):
        return None
    return offset


def adds_to(stored: Evidence, more: Evidence) -> bool:
    """Whether ``more`` holds anything that ``stored``, as it was read from the vault,
    does not.
    """
    whole = merge([stored, more])
    return (
        whole.state != stored.state
        or whole.media != stored.media
        or whole.other_media != stored.other_media
        or any(
            len(getattr(whole, name)) != len(getattr(stored, name))
            for name in ("sip", "rtcp", "logs", "reports", "network")
        )
    )


def _packets(evidence: Evidence) -> Iterator[tuple[Hashable, int]]:
    for message in evidence.sip:
        yield (message.payload, message.src, message.dst), message.ts
    for datagram in evidence.rtcp:
        yield datagram.payload, datagram.ts
