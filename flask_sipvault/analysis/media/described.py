"""What the descriptions say of the two ends of packets that were captured."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from typing import NamedTuple

from ...protocols.address import Endpoint
from ...protocols.rtp_figures import StreamFigures
from ...protocols.sdp import Media
from ..sip.messages import Message
from ..sip.sides import other_side
from ..sip.sides import Side
from .negotiation import LineState
from .negotiation import Negotiation

_SIDES: tuple[Side, Side] = ("caller", "callee")


class DescribedEnds(NamedTuple):
    """A state of an m-line by which packets go from one side to the other."""

    state: LineState
    sender: Side

    @property
    def receiver(self) -> Side:
        """To whom the packets go."""
        return other_side(self.sender)

    @property
    def sending(self) -> Media | None:
        """How the sender described itself."""
        return self.state.of(self.sender)

    @property
    def receiving(self) -> Media | None:
        """How the receiver described what it wants."""
        return self.state.of(self.receiver)

    def holds_within(self, start: int, end: int) -> bool:
        """Whether it held at any time between two, in ns since the epoch."""
        until = self.state.until_ts
        return self.state.since_ts <= end and (until is None or until >= start)


class Descriptions:
    """What was agreed on at any hop, by the addresses that it names."""

    def __init__(self, negotiations: Iterable[Negotiation]) -> None:
        self._to: dict[Endpoint, list[DescribedEnds]] = defaultdict(list)
        self._from: dict[Endpoint, list[DescribedEnds]] = defaultdict(list)
        for negotiation in negotiations:
            for line in negotiation.lines:
                for state in line.states:
                    for side in _SIDES:
                        self._add(DescribedEnds(state, side))

    def _add(self, ends: DescribedEnds) -> None:
        to = ends.receiving.rtp if ends.receiving is not None else None
        source = ends.sending.rtp if ends.sending is not None else None
        if to is not None:
            self._to[to].append(ends)
        if source is not None:
            self._from[source].append(ends)

    def of(self, packets: StreamFigures, sender: Side | None) -> list[DescribedEnds]:
        """The states that are about packets: by where they went or, where nobody
        described that (behind NAT), by where they came from. In order of the
        negotiations and of time; empty where nothing tells.

        :param sender: whose packets they are; None where that is not known.
        """
        for end, known in ((packets.dst, self._to), (packets.src, self._from)):
            found = known.get(end, []) if end is not None else []
            own = [each for each in found if sender in (None, each.sender)]
            if own:
                return own
        return []


def description_of(state: LineState, side: Side) -> Message | None:
    """The message in which a side described the line."""
    exchange = state.exchange
    if side == state.offerer:
        return exchange.offer
    answers = [*exchange.early, *([exchange.answer] if exchange.answer else [])]
    return next((m for m in answers if m.n == state.n), exchange.answer)
