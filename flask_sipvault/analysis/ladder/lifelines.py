"""Who stands where in a ladder: the places of a call as columns, from left to right."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Container
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

from ...protocols.address import Endpoint
from ..explain import Call
from ..explain import Party
from ..sip.hosts import place_name
from ..sip.messages import Message
from ..words.text import printable
from .aliases import Aliases

#: ``merged``: a host is one lifeline, whatever ports it uses; unless it speaks to
#: itself, or both ends of the call are behind one address. ``split``: every address
#: and port is a lifeline of its own, the passing ports of TCP clients too.
Ports = Literal["merged", "split"]

Role = Literal["caller", "callee", ""]


@dataclass(frozen=True, slots=True)
class Lifeline:
    """One place of the call's path.

    :param label: who is there: its alias, the party's name or number, a proxy's
        software; where nothing tells, the address again.
    :param address: ``203.0.113.9:5060``; without a port where it is any of a host's.
    """

    place: Endpoint
    label: str
    address: str
    role: Role


class Columns:
    """The lifelines of a call, and which of them each message runs between.

    The caller's side stands to the left, the called side to the right, what lies
    between in the order in which the call came by.
    """

    def __init__(self, call: Call, ports: Ports, aliases: Aliases) -> None:
        self._split = ports == "split"
        self._merged = {} if self._split else _merged_hosts(call)
        self._position: dict[Endpoint, int] = {}
        #: What analysis calls the place, for each end that stands at a lifeline.
        self._places: dict[Endpoint, set[Endpoint]] = defaultdict(set)
        for place in self._order(call):
            self._position[place] = len(self._position)
        self.lifelines = self._describe(call, aliases)

    def ends(self, message: Message) -> tuple[int, int]:
        """The lifelines that a message leaves and reaches."""
        source, target = self._ends(message)
        return self._position[source], self._position[target]

    def _ends(self, message: Message) -> tuple[Endpoint, Endpoint]:
        if self._split:
            return message.src, message.dst
        return self._whole(message.origin), self._whole(message.target)

    def _whole(self, place: Endpoint) -> Endpoint:
        return self._merged.get(place.ip, place)

    def _order(self, call: Call) -> Iterable[Endpoint]:
        seen: dict[Endpoint, None] = {}
        for message in call.messages:
            ends = self._ends(message)
            for end, place in zip(ends, (message.origin, message.target), strict=True):
                seen[end] = None
                self._places[end].add(place)
        first = [end for end in seen if call.caller_place in self._places[end]]
        last = [end for end in seen if call.callee_place in self._places[end]]
        last = [end for end in last if end not in first]
        between = [end for end in seen if end not in first and end not in last]
        return [*first, *between, *last]

    def _describe(self, call: Call, aliases: Aliases) -> list[Lifeline]:
        software = _software(call.messages)
        return [self._lifeline(end, call, aliases, software) for end in self._position]

    def _lifeline(
        self,
        end: Endpoint,
        call: Call,
        aliases: Aliases,
        software: dict[Endpoint, str],
    ) -> Lifeline:
        places = self._places[end]
        role: Role = ""
        name = next((software[place] for place in places if place in software), "")
        if call.caller_place in places:
            role, name = "caller", _name(call.caller)
        elif call.callee_place in places:
            role, name = "callee", _name(call.callee)
        else:
            name = _name_in_legs(places, call) or name
        address = place_name(end)
        label = aliases.name(end) or printable(name) or address
        return Lifeline(end, label, address, role)


def _name(party: Party) -> str:
    return party.display or party.user


def _name_in_legs(places: Container[Endpoint | None], call: Call) -> str:
    """Who has a place in the midst of several legs: whoever transferred the call. A
    B2BUA is a side of two legs, with a name for each; or, where it has two addresses,
    with the name of an end.
    """
    names = {_name(call.caller), _name(call.callee)}
    found = {
        _name(party)
        for leg in call.legs
        for place, party in (
            (leg.caller_place, leg.caller),
            (leg.callee_place, leg.callee),
        )
        if place in places
    }
    return found.pop() if len(found) == 1 and not found & names else ""


def _merged_hosts(call: Call) -> dict[str, Endpoint]:
    """The hosts that are one lifeline, each by its address; without a port where they
    use several.
    """
    ports: dict[str, set[int]] = defaultdict(set)
    apart = set()
    for message in call.messages:
        for place in (message.origin, message.target):
            ports[place.ip].add(place.port)
        if message.origin.ip == message.target.ip:
            apart.add(message.origin.ip)
    caller, callee = call.caller_place, call.callee_place
    if caller and callee and caller.ip == callee.ip:
        # Two phones behind one NAT are two phones.
        apart.add(caller.ip)
    return {
        ip: Endpoint(ip, used.copy().pop() if len(used) == 1 else 0)
        for ip, used in ports.items()
        if ip not in apart
    }


def _software(messages: Iterable[Message]) -> dict[Endpoint, str]:
    """What each place says it is. Each hop makes its own 100; what it passes on names
    the one who made that.
    """
    software: dict[Endpoint, str] = {}
    for message in messages:
        if message.code == 100 and message.sip and message.origin not in software:
            software[message.origin] = message.sip.user_agent
    return software
