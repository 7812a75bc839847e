"""The connections there are, and those of agents by their customer and address."""

from __future__ import annotations

from collections import Counter
from typing import Protocol
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from .connection import Connection

#: How many senders may be connected that have not shown whose they are.
MAX_STRANGERS = 500


class UnauthenticatedPeer(Protocol):
    """Somebody who has connected, and is nobody's yet."""

    sender: str

    def drop(self, reason: str) -> None:
        """Hang up."""


class ConnectionRegistry:
    """Who is connected.

    Strangers may be silent for long: HEP over TLS says nothing before its first packet.
    So their number is bounded, and whoever has most of them has to make room.
    """

    def __init__(self) -> None:
        #: All connections whose first byte was seen, in the order they were made.
        self.connections: dict[Connection, None] = {}
        self._strangers: dict[UnauthenticatedPeer, None] = {}
        self._agents: dict[tuple[str, str], dict[Connection, None]] = {}

    @property
    def strangers(self) -> int:
        """How many have not shown whose they are."""
        return len(self._strangers)

    def add_stranger(self, stranger: UnauthenticatedPeer) -> None:
        """Somebody has connected."""
        self._strangers[stranger] = None
        if len(self._strangers) > MAX_STRANGERS:
            ((busiest, _),) = Counter(s.sender for s in self._strangers).most_common(1)
            oldest = next(s for s in self._strangers if s.sender == busiest)
            del self._strangers[oldest]
            oldest.drop("crowd")

    def remove_stranger(self, stranger: UnauthenticatedPeer) -> None:
        """Somebody has gone, or is a stranger no more."""
        self._strangers.pop(stranger, None)

    def add_agent(self, customer_id: str, agent: Connection) -> None:
        """An agent has logged in."""
        self._agents.setdefault((customer_id, agent.sender), {})[agent] = None

    def remove_agent(self, customer_id: str, agent: Connection) -> None:
        """An agent has gone."""
        place = customer_id, agent.sender
        agents = self._agents.get(place, {})
        agents.pop(agent, None)
        if not agents:
            self._agents.pop(place, None)

    def has_agent(self, customer_id: str, ip: str) -> bool:
        """Whether an agent of this customer is connected from this address."""
        return (customer_id, ip) in self._agents

    def agents(self, customer_id: str, ip: str) -> list[Connection]:
        """The agents of a customer at an address."""
        return list(self._agents.get((customer_id, ip), ()))
