"""A call, explained: its messages in order, who it was between, what became of it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from ..evidence import Evidence
from ..protocols.address import Endpoint
from .fragments import outcome_without_invite
from .headline import headline
from .invitation import find_invitation
from .messages import Message as Message
from .messages import read_messages
from .outcome import find_ending
from .outcome import find_outcome
from .outcome import Outcome as Outcome
from .parties import find_parties
from .parties import Party as Party


@dataclass(slots=True)
class Call:
    """One call as its evidence tells it.

    :param method: the method of the first request; "" where there is none.
    :param first_ts: when the first item of the evidence was seen, ns since the epoch;
        None where there is nothing.
    :param legs: what it is joined of, see :mod:`.joined`; empty otherwise.
    :param caller_place: where the caller's side is on the network, and ``callee_place``
        the called side; None where it cannot be told.
    """

    evidence: Evidence
    messages: list[Message]
    outcome: Outcome
    caller: Party
    callee: Party
    method: str
    first_ts: int | None
    last_ts: int | None
    caller_place: Endpoint | None
    callee_place: Endpoint | None
    legs: list[Call] = field(default_factory=list)


def explain(evidence: Evidence) -> Call:
    """What the evidence says about the call. Never fails, whatever was captured."""
    messages = read_messages(evidence.sip)
    found = find_invitation(messages)
    if found is None:
        outcome = outcome_without_invite(messages, evidence.state)
    else:
        ending = find_ending(found, messages)
        outcome = find_outcome(found, ending, evidence.state)
        outcome.headline = headline(outcome, found, ending)
    caller, callee = find_parties(messages, found)
    return Call(
        evidence,
        messages,
        outcome,
        caller,
        callee,
        method=next((m.method for m in messages if m.method), ""),
        first_ts=evidence.first_ts,
        last_ts=evidence.last_ts,
        caller_place=found.caller_place if found else None,
        callee_place=found.callee_place if found else None,
    )
