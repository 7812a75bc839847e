"""What to say of a Call-ID whose INVITE was not captured, or that is no call."""

from __future__ import annotations

from ...evidence import State
from ...language import _
from ..words.text import quoted
from .messages import Message
from .outcome import Outcome
from .setup import CHALLENGES

#: Methods that only occur inside a call (INVITE's own usage, RFC 5057).
_IN_CALL = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"})


def outcome_without_invite(messages: list[Message], state: State) -> Outcome:
    """The outcome where :func:`.invitation.find_invitation` found nothing."""
    readable = [m for m in messages if m.sip is not None]
    if not messages:
        return Outcome(headline=_("No SIP message of this call was captured."))
    if not readable:
        return Outcome(headline=_("Nothing that was captured can be read as SIP."))
    methods = list(dict.fromkeys(m.method or m.cseq_method for m in readable))
    if not _IN_CALL.isdisjoint(methods):
        return _part_of_a_call(readable, methods, state)
    return _no_call(readable)


def _part_of_a_call(
    messages: list[Message], methods: list[str], state: State
) -> Outcome:
    if any(m.cseq_method == "INVITE" and 200 <= m.code < 300 for m in messages):
        # It changed a call that was up, or it would be part of an invitation.
        if "BYE" in methods:
            return Outcome(
                "answered",
                headline=_("Answered before the capture began, ended by a BYE."),
            )
        if state == "PARTIAL":
            return Outcome(
                "in_progress",
                headline=_("In progress, answered before the capture began."),
            )
        return Outcome(
            "answered",
            headline=_("Answered before the capture began; its end was not captured."),
        )
    if "BYE" in methods:
        result = _result(messages, "BYE")
        end = _("Only the end of this call was captured: {result}.")
        return Outcome(headline=end.format(result=result))
    names = quoted(", ".join(method for method in methods if method))
    return Outcome(
        headline=_(
            "Only a part of this call was captured, without its INVITE: {names}."
        ).format(names=names)
    )


def _no_call(messages: list[Message]) -> Outcome:
    first = messages[0]
    method = first.method or first.cseq_method
    final = _final(messages, method)
    passed = final is not None and final.code not in CHALLENGES
    challenged = passed and any(
        m.code in CHALLENGES and m.cseq_method == method for m in messages
    )
    after = " " + _("after an authentication challenge") if challenged else ""
    return Outcome(
        final_code=final.code if final else None,
        reason=final.sip.reason if final and final.sip else "",
        headline=f"{_result(messages, method)}{after}.",
    )


def _result(messages: list[Message], method: str) -> str:
    """``REGISTER, accepted with 200 OK``."""
    name = quoted(method) or _("A message without a method")
    final = _final(messages, method)
    if final is None:
        requests = sum(m.method == method for m in messages)
        sent = (
            name
            if requests <= 1
            else _("{name}, sent {count} times").format(name=name, count=requests)
        )
        return _("{sent}, without a final response").format(sent=sent)
    if final.code < 300:
        result = _("{name}, accepted with {code}")
    else:
        result = _("{name}, refused with {code}")
    return result.format(name=name, code=quoted(final.summary))


def _final(messages: list[Message], method: str) -> Message | None:
    finals = [m for m in messages if m.cseq_method == method and m.code >= 200]
    return finals[-1] if finals else None
