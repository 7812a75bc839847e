"""Who called whom, and with what."""

from __future__ import annotations

from dataclasses import dataclass

from ...protocols.address import Endpoint
from ...protocols.sip_fields import NameAddr
from ...protocols.sip_fields import split_outside
from .messages import Message
from .setup import CallSetup


@dataclass(slots=True)
class Party:
    """One side of the call, "" where a thing is not known.

    :param user: the number or name in the URI.
    :param asserted: the number that the network vouches for (P-Asserted-Identity, RFC
        3325), if that is another.
    :param user_agent: the software of that side itself, not of a proxy between.
    :param endpoint: the address it was seen at.
    """

    user: str = ""
    display: str = ""
    host: str = ""
    uri: str = ""
    asserted: str = ""
    user_agent: str = ""
    endpoint: Endpoint | None = None


def find_parties(
    messages: list[Message], found: CallSetup | None
) -> tuple[Party, Party]:
    """The caller and the called side: From and To of the first INVITE; without one, of
    the first message there is.
    """
    readable = [m for m in messages if m.sip is not None]
    first = (found.start if found else None) or next(iter(readable), None)
    if first is None or first.sip is None:
        return Party(), Party()
    caller, callee = _party(first.sip.from_), _party(first.sip.to)
    asking = first.kind == "request"
    if found is not None:
        places = (found.caller_place, found.callee_place)
    elif asking:
        places = (first.origin, first.target)
    else:
        places = (first.target, first.origin)
    for party, place in zip((caller, callee), places, strict=True):
        own = [m for m in readable if m.origin == place and m.code != 100]
        party.user_agent = _user_agent(own)
        party.endpoint = _address(readable, place)
        party.asserted = _asserted(own, party.user)
    if found is not None:
        # Proxies leave User-Agent alone, and add the identity that they vouch for.
        caller.user_agent = caller.user_agent or _user_agent(found.invites)
        caller.asserted = caller.asserted or _asserted(found.invites, caller.user)
        callee.asserted = callee.asserted or _asserted(found.responses, callee.user)
    return caller, callee


def _party(address: NameAddr) -> Party:
    return Party(address.user, address.display, address.host, address.uri)


def _user_agent(messages: list[Message]) -> str:
    named = (m.sip.user_agent for m in messages if m.sip is not None)
    return next((name for name in named if name), "")


def _address(messages: list[Message], place: Endpoint | None) -> Endpoint | None:
    """A place with the port that it used first."""
    for message in messages:
        if message.origin == place:
            return message.src
        if message.target == place:
            return message.dst
    return None


def _asserted(messages: list[Message], user: str) -> str:
    for message in messages:
        fields = message.sip.get_all("P-Asserted-Identity") if message.sip else []
        for field in fields:
            for value in split_outside(field, ","):
                identity = NameAddr.parse(value)
                name = identity.user or identity.uri
                if name and name != user:
                    return name
    return ""
