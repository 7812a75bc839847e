"""What captured RTP shows of the signalling: that early media came, that somebody
answered.
"""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from typing import Any

from ..sip.setup import CallSetup
from ..sip.sides import Side
from .negotiation import Negotiation

#: So much of a stream is more than ringback or an announcement that starts.
_CONVERSATION_NS = 5_000_000_000

#: 250 packets are 5 s of 20 ms each.
_CONVERSATION_PACKETS = 250


def heard_early(
    setup: CallSetup,
    negotiations: Iterable[Negotiation],
    streams: Sequence[Mapping[str, Any]],
) -> bool | None:
    """Whether media came to the caller before the call was answered or refused; None
    where the signalling promised none, or nothing could show it.

    :param streams: of :attr:`flask_sipvault.evidence.Evidence.media`.
    """
    if setup.early_media is None or not streams:
        return None
    negotiations = list(negotiations)
    until = setup.final.ts if setup.final is not None else None
    own = _addresses(negotiations, "caller")
    other = _addresses(negotiations, "callee")
    for stream in streams:
        first = stream.get("first_ts")
        if not isinstance(first, int) or (until is not None and first >= until):
            continue
        if stream.get("src") not in own and stream.get("dst") not in other:
            return True
    return False


def _addresses(negotiations: Iterable[Negotiation], side: Side) -> set[str]:
    """Where a side receives, and so sends from, at any hop."""
    return {
        str(media.rtp)
        for negotiation in negotiations
        for line in negotiation.lines
        for state in line.states
        if (media := state.of(side)) is not None and media.rtp is not None
    }


def talked(streams: Sequence[Mapping[str, Any]]) -> bool:
    """Whether RTP went to and fro between two addresses for as long as only an answered
    call has it.
    """
    long_ones = {
        (stream.get("src"), stream.get("dst"))
        for stream in streams
        if _is_long(stream) and stream.get("src") and stream.get("dst")
    }
    return any((dst, src) in long_ones for src, dst in long_ones)


def _is_long(stream: Mapping[str, Any]) -> bool:
    first, last = stream.get("first_ts"), stream.get("last_ts")
    packets = stream.get("packets")
    if not isinstance(first, int) or not isinstance(last, int):
        return False
    enough = isinstance(packets, int) and packets >= _CONVERSATION_PACKETS
    return enough and last - first >= _CONVERSATION_NS
