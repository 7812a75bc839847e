"""Which payload types a side had agreed to receive, and when."""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

from ..sip.sides import other_side
from ..sip.sides import Side
from .negotiation import LineState
from .negotiation import Negotiation

#: Packets may be on their way when an answer changes what holds, and an answerer may
#: send before its answer arrives (RFC 3264 section 8.3.1), in ns.
_ROUND_CHANGES_NS = 2_000_000_000


class _Agreed(NamedTuple):
    since_ts: int
    until_ts: int | None
    types: dict[Side, set[int]]


class AgreedPayloads:
    """What was agreed at any hop: relays may number payload types anew."""

    def __init__(self, negotiations: Iterable[Negotiation]) -> None:
        sides: tuple[Side, Side] = ("caller", "callee")
        self._agreed = [
            _Agreed(
                state.since_ts,
                state.until_ts,
                {side: _types(state, side) for side in sides},
            )
            for negotiation in negotiations
            for line in negotiation.lines
            for state in line.states
            if state.accepted
        ]
        self._known: dict[tuple[Side, int, int, int], bool | None] = {}

    def allow(
        self, sender: Side | None, payload_type: int, first_ts: int, last_ts: int
    ) -> bool | None:
        """Whether a payload type could be sent by a side at some time between two; None
        where nothing of that was captured, or nobody knows whose stream it is.
        """
        if sender is None:
            return None
        asked = sender, payload_type, first_ts, last_ts
        if asked not in self._known:
            self._known[asked] = self._find(*asked)
        return self._known[asked]

    def _find(
        self, sender: Side, payload_type: int, first_ts: int, last_ts: int
    ) -> bool | None:
        then = [
            agreed
            for agreed in self._agreed
            if agreed.since_ts - _ROUND_CHANGES_NS <= last_ts
            and (
                agreed.until_ts is None
                or first_ts <= agreed.until_ts + _ROUND_CHANGES_NS
            )
        ]
        if not then:
            return None
        receiver = other_side(sender)
        return any(payload_type in agreed.types[receiver] for agreed in then)


def _types(state: LineState, receiver: Side) -> set[int]:
    return {*state.types_to(receiver), *state.events_to(receiver)}
