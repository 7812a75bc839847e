"""One party's part in a call: what it sends, what it waits for, when.

The party is looked at where it stands. Of a call through proxies that is the leg beside
it; what happens behind the proxy is the business of whoever plays the other side.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import cast
from typing import Literal
from typing import TypeAlias

from ..analysis.explain import Call
from ..analysis.sip.messages import Message
from ..protocols.address import Endpoint
from ..protocols.sip import SipMessage

#: ``uac`` plays the caller, ``uas`` the called side.
Side = Literal["uac", "uas"]

#: A shorter wait is the machine's, not the caller's.
MIN_PAUSE_MS = 20

#: What any network may answer to an INVITE on the way, recorded or not.
_ON_THE_WAY = (100, 180, 183)


class NoScriptError(ValueError):
    """The capture does not show this party being part of a call's setup."""


@dataclass(slots=True)
class Pause:
    """Nothing happens for this long."""

    ms: int


@dataclass(slots=True)
class Send:
    """The party sends a message.

    :param answered: the request, where this is a response.
    :param late: another message came in since that request, so that what is to be
        copied from it must have been kept.
    :param invite: for CANCEL and for the ACK to a refusal: the INVITE they belong to,
        whose branch they share (RFC 3261 sections 9.1 and 17.1.1.3).
    """

    message: Message
    sip: SipMessage
    answered: Message | None = None
    late: bool = False
    invite: Message | None = None


@dataclass(slots=True)
class Expect:
    """The party waits for a message.

    :param message: as recorded; None for what was not, but may come.
    :param method: of a request; "" for a response.
    :param optional: it may come, or not.
    :param kept: its header fields are needed after the next message has come in.
    """

    message: Message | None
    method: str = ""
    code: int = 0
    optional: bool = False
    kept: bool = False


Step: TypeAlias = Send | Expect | Pause


def sides(call: Call) -> list[Side]:
    """The parties of which there is a script."""
    return [side for side in ("uac", "uas") if _opening(call, side) is not None]


def script(call: Call, side: Side) -> list[Step]:
    """The party's part, from the INVITE on. Retransmissions are left out: whoever plays
    it makes its own.

    :raises NoScriptError: if the INVITE of the call was not captured beside this party.
    """
    place = _place(call, side)
    steps: list[Step] = []
    requests: dict[int | None, Message] = {}
    before: Message | None = None
    for message in _leg(call, side):
        if message.kind == "request":
            requests[message.n] = message
        if message.origin != place:
            steps.append(Expect(message, message.method, message.code))
        else:
            waited = (message.ts - before.ts) // 1_000_000 if before else 0
            if waited >= MIN_PAUSE_MS:
                steps.append(Pause(waited))
            steps.append(_send(message, requests))
        before = message
    _mark_late(steps)
    return list(_with_options(steps))


def _place(call: Call, side: Side) -> Endpoint | None:
    return call.caller_place if side == "uac" else call.callee_place


def _opening(call: Call, side: Side) -> Message | None:
    """The INVITE that the party sends as the caller, or gets as the called side."""
    place = _place(call, side)
    for message in call.messages:
        if message.method == "INVITE" and not message.to_tag:
            ends = (message.origin, message.target)
            if place == ends[side == "uas"] and place != ends[side == "uac"]:
                return message
    return None


def _leg(call: Call, side: Side) -> Iterator[Message]:
    """The messages that the party sent or got, each once, of requests that are there
    too.
    """
    place, opening = _place(call, side), _opening(call, side)
    if opening is None:
        who = "caller" if side == "uac" else "called side"
        raise NoScriptError(f"no INVITE was captured beside the {who}")
    opened: set[int | None] = set()
    for message in call.messages[opening.n - 1 :]:
        at_place = (message.origin == place) != (message.target == place)
        sent_before = message.retransmission_of or message.copy_of
        if not at_place or message.sip is None or sent_before:
            continue
        if message.kind == "request" and message.method != "ACK":
            opened.add(message.n)
        elif message.transaction != message.n and message.transaction not in opened:
            continue
        yield message


def _send(message: Message, requests: dict[int | None, Message]) -> Send:
    send = Send(message, cast(SipMessage, message.sip))
    if message.kind == "response":
        send.answered = requests.get(message.transaction)
    elif message.method == "ACK" and message.transaction != message.n:
        send.invite = requests.get(message.transaction)
    elif message.method == "CANCEL":
        same = (
            request
            for request in reversed(requests.values())
            if request.method == "INVITE" and request.cseq_number == message.cseq_number
        )
        send.invite = next(same, None)
    return send


def _mark_late(steps: list[Step]) -> None:
    """Find the responses that are sent after something else came in."""
    last: Expect | None = None
    expected: dict[int, Expect] = {}
    for step in steps:
        if isinstance(step, Expect) and step.message is not None:
            last = expected[step.message.n] = step
        elif isinstance(step, Send) and step.answered is not None:
            request = expected.get(step.answered.n)
            if request is not None and request is not last:
                step.late = request.kept = True


def _with_options(steps: list[Step]) -> Iterator[Step]:
    """The steps, provisional responses optional where SIPp can go on without them: it
    cannot tell when to, if it is not another response that comes next.
    """
    run: list[Expect] = []
    for step in [*steps, None]:
        if isinstance(step, Expect) and 100 <= step.code < 200:
            run.append(step)
            continue
        final = isinstance(step, Expect) and step.code >= 200
        yield from _options(run, step) if final else _required(run)
        run = []
        if step is not None:
            yield step


def _options(run: list[Expect], final: Step | None) -> Iterator[Expect]:
    codes = {step.code: step for step in run}
    if isinstance(final, Expect) and final.message is not None:
        to_invite = final.message.cseq_method == "INVITE"
        for code in _ON_THE_WAY if to_invite else ():
            codes.setdefault(code, Expect(None, code=code))
    for _, step in sorted(codes.items()):
        step.optional = True
        yield step


def _required(run: list[Expect]) -> Iterator[Expect]:
    """Of provisional responses that make the party act the last must come."""
    if run:
        others = [step for step in run if step.code != run[-1].code]
        yield from _options(others, None)
        yield run[-1]
