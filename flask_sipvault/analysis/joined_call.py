"""Several legs of one call as one: their messages on one axis of time."""

from __future__ import annotations

import heapq
import string
import sys
from collections.abc import Sequence
from dataclasses import fields
from dataclasses import replace
from typing import Any
from typing import TypeAlias
from typing import TypeVar

from ..evidence import CaptureFacts
from ..evidence import Evidence
from ..evidence import LogLine
from ..evidence import RtcpDatagram
from ..evidence import State
from .events import Event
from .explain import Call
from .findings.model import EvidenceKind
from .findings.model import Finding
from .media.find import find_media
from .media.negotiation import find_negotiations
from .sip.dialogs import find_dialogs
from .sip.hops import find_hops
from .sip.hosts import Hosts
from .sip.identity import find_identities
from .sip.messages import Message
from .sip.outcome import Ending
from .sip.setup import CallSetup
from .sip.transactions import find_transactions
from .visibility import find_visibility

#: So many legs are told apart, by a letter each.
MAX_LEGS = 5


def letter(number: int) -> str:
    """What the leg of this number, from 0, is called."""
    return string.ascii_uppercase[number]


def joined(call: Call, others: Sequence[Call]) -> Call:
    """A call with other legs of it beside it.

    The messages are numbered anew, in order of time, and each says by a letter of which
    leg it is: ``A`` for ``call``, ``B`` for the first of the others. Transactions and
    dialogs are those of all legs. What became of it is what became of ``call``. Its
    caller is that of the leg that began first, the called side that of the leg that
    began last.

    :raises ValueError: for more than :data:`MAX_LEGS`.
    """
    legs = [call, *others]
    if len(legs) > MAX_LEGS:
        raise ValueError(f"no more than {MAX_LEGS} legs can be told apart")
    evidence = _evidence(legs)
    in_order = sorted(legs, key=_began)
    first = next((leg for leg in in_order if leg.caller_place), call)
    last = next((leg for leg in in_order[::-1] if leg.callee_place), call)
    messages, of_leg = _messages(legs, Hosts(evidence.sip))
    transactions = find_transactions(messages)
    dialogs = find_dialogs(transactions)
    negotiations = find_negotiations(transactions, dialogs)
    return replace(
        call,
        evidence=evidence,
        messages=messages,
        setup=_told_anew(call.setup, of_leg[0]),
        ending=_told_anew(call.ending, of_leg[0]),
        transactions=transactions,
        dialogs=dialogs,
        identities=find_identities(messages),
        events=_events(legs, of_leg),
        findings=_findings(call, evidence, of_leg[0]),
        hops=find_hops(transactions),
        negotiations=negotiations,
        media=find_media(*(evidence, messages, call.setup, call.ending, negotiations)),
        visibility=find_visibility(evidence, messages, transactions, dialogs),
        first_ts=evidence.first_ts,
        last_ts=evidence.last_ts,
        caller=first.caller,
        caller_place=first.caller_place,
        callee=last.callee,
        callee_place=last.callee_place,
        legs=legs,
    )


def _began(leg: Call) -> int:
    return sys.maxsize if leg.first_ts is None else leg.first_ts


Timed: TypeAlias = RtcpDatagram | LogLine

#: The messages of a leg as the joined call has them, by their number in the leg.
_OfLeg: TypeAlias = dict[int, Message]


def _messages(legs: Sequence[Call], hosts: Hosts) -> tuple[list[Message], list[_OfLeg]]:
    """The messages of all legs, each with its references put right; and where those of
    each leg are among them.
    """
    # What shares a time stays in the order of the legs, and of each leg's capture.
    merged = heapq.merge(
        *(
            [(message.ts, at, message) for message in leg.messages]
            for at, leg in enumerate(legs)
        ),
        key=lambda item: item[:2],
    )
    in_order = list(merged)
    numbers = {(at, message.n): n for n, (_, at, message) in enumerate(in_order, 1)}
    messages = [
        replace(
            message,
            n=n,
            leg=letter(at),
            transaction=None,
            copy_of=numbers.get((at, message.copy_of or 0)),
            retransmission_of=numbers.get((at, message.retransmission_of or 0)),
            origin=hosts.of(message.src, message.transport),
            target=hosts.of(message.dst, message.transport),
        )
        for n, (_, at, message) in enumerate(in_order, 1)
    ]
    of_leg: list[_OfLeg] = [{} for _ in legs]
    for (at, n), new in zip(numbers, messages, strict=True):
        of_leg[at][n] = new
    return messages, of_leg


_Part = TypeVar("_Part", CallSetup, Ending)


def _told_anew(part: _Part | None, messages: _OfLeg) -> _Part | None:
    """A part of a leg's model with the messages that the joined call has."""
    if part is None:
        return None
    changes: dict[str, Any] = {}
    for each in fields(part):
        value = getattr(part, each.name)
        if isinstance(value, Message):
            changes[each.name] = messages[value.n]
        elif isinstance(value, list):
            changes[each.name] = [messages[message.n] for message in value]
    return replace(part, **changes)


def _events(legs: Sequence[Call], of_leg: Sequence[_OfLeg]) -> list[Event]:
    """The events of all legs, in order of time."""
    events = []
    for at, leg in enumerate(legs):
        for event in leg.events:
            parameters = dict(event.parameters)
            result = parameters.get("result_n")
            if isinstance(result, int):
                parameters["result_n"] = of_leg[at][result].n
            n = of_leg[at][event.n].n if event.n is not None else None
            events.append(replace(event, n=n, leg=letter(at), parameters=parameters))
    return sorted(events, key=lambda event: event.ts)


def _findings(call: Call, evidence: Evidence, messages: _OfLeg) -> list[Finding]:
    """What is said of the first leg, with the numbers that its evidence has now."""
    places: dict[EvidenceKind, dict[int, int]] = {
        "message": {n: message.n for n, message in messages.items()},
        "rtcp": _places(call.evidence.rtcp, evidence.rtcp),
        "log": _places(call.evidence.logs, evidence.logs),
        # The first leg's come first.
        "stream": {n: n for n in range(1, len(call.evidence.media) + 1)},
    }

    def told_anew(finding: Finding) -> Finding:
        return replace(
            finding,
            evidence=tuple(
                replace(each, n=places.get(each.kind, {}).get(each.n or 0))
                for each in finding.evidence
            ),
            consequences=tuple(told_anew(each) for each in finding.consequences),
        )

    return [told_anew(finding) for finding in call.findings]


def _places(before: Sequence[Timed], after: Sequence[Timed]) -> dict[int, int]:
    """Where items stand among those of all legs, by where they stood, from 1."""
    now = {id(item): place for place, item in enumerate(after, 1)}
    in_order = sorted(before, key=lambda item: item.ts)
    return {place: now[id(item)] for place, item in enumerate(in_order, 1)}


def _evidence(legs: Sequence[Call]) -> Evidence:
    """What was captured of all legs. The Call-ID is that of the first."""
    evidences = [leg.evidence for leg in legs]
    first = evidences[0]
    whole = Evidence(
        first.customer_id,
        first.call_id,
        _state(evidences),
        sip=[packet for each in evidences for packet in each.sip],
        rtcp=[datagram for each in evidences for datagram in each.rtcp],
        logs=[line for each in evidences for line in each.logs],
        reports=[report for each in evidences for report in each.reports],
        media=[stream for each in evidences for stream in each.media],
        other_media=[stream for each in evidences for stream in each.other_media],
        network=[event for each in evidences for event in each.network],
        capture=sum((each.capture for each in evidences), CaptureFacts()),
        legs=list(first.legs),
        agents=list(dict.fromkeys(name for each in evidences for name in each.agents)),
        parts=[key for each in evidences for key in each.parts],
        damage=[problem for each in evidences for problem in each.damage],
    )
    whole.sort()
    return whole


def _state(evidences: Sequence[Evidence]) -> State:
    """It goes on while one leg does."""
    states: tuple[State, ...] = ("PARTIAL", "EXPIRED", "COMPLETE")
    return next(state for state in states if any(e.state == state for e in evidences))
