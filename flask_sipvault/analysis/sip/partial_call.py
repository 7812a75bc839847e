"""What is known of a Call-ID whose INVITE was not captured, or that is no call."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...evidence import State
from .messages import Message
from .outcome import Outcome
from .setup import CHALLENGES

#: Methods that only occur inside a call (INVITE's own usage, RFC 5057).
_IN_CALL = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"})

#: ``empty``: no message. ``unreadable``: none that is SIP. ``answered``: answered
#: before the capture began, and ended in it; ``up``: and still up; ``answered-no-end``:
#: and its end was not captured. ``end``: only the BYE. ``part``: something else of a
#: call. ``request``: a request that is no call, such as REGISTER.
PartialKind = Literal[
    "empty",
    "unreadable",
    "answered",
    "up",
    "answered-no-end",
    "end",
    "part",
    "request",
]


@dataclass(frozen=True, slots=True)
class PartialCall:
    """What there is.

    :param methods: of all messages, in the order they came.
    :param method: what :attr:`final` answers: BYE, or the request that is no call.
    :param sent: how many times that request was sent.
    :param final: its last final response; None without.
    :param challenged: whether that came after a 401 or 407.
    """

    kind: PartialKind
    methods: tuple[str, ...] = ()
    method: str = ""
    sent: int = 0
    final: Message | None = None
    challenged: bool = False


def find_partial(messages: list[Message], state: State) -> PartialCall:
    """What there is where :func:`.setup.find_setup` found nothing."""
    readable = [m for m in messages if m.sip is not None and m.copy_of is None]
    if not readable:
        return PartialCall("unreadable" if messages else "empty")
    methods = tuple(dict.fromkeys(m.method or m.cseq_method for m in readable))
    if _IN_CALL.isdisjoint(methods):
        first = readable[0]
        return _of_request("request", readable, methods, first.method or methods[0])
    if any(m.cseq_method == "INVITE" and 200 <= m.code < 300 for m in readable):
        # It changed a call that was up, or it would be part of a setup.
        if "BYE" in methods:
            return PartialCall("answered", methods)
        return PartialCall("up" if state == "PARTIAL" else "answered-no-end", methods)
    if "BYE" in methods:
        return _of_request("end", readable, methods, "BYE")
    return PartialCall("part", methods)


def outcome_of_partial(partial: PartialCall) -> Outcome:
    """The outcome, as far as there is one."""
    if partial.kind in ("answered", "answered-no-end"):
        return Outcome("answered")
    if partial.kind == "up":
        return Outcome("in_progress")
    final = partial.final if partial.kind == "request" else None
    return Outcome(final_code=final.code if final else None)


def _of_request(
    kind: PartialKind, messages: list[Message], methods: tuple[str, ...], method: str
) -> PartialCall:
    answers = [m for m in messages if m.cseq_method == method and m.code]
    final = next((m for m in answers[::-1] if m.code >= 200), None)
    passed = final is not None and final.code not in CHALLENGES
    return PartialCall(
        kind,
        methods,
        method,
        sum(m.method == method for m in messages),
        final,
        passed and any(m.code in CHALLENGES for m in answers),
    )
