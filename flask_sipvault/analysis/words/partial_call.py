"""What to say of a Call-ID whose INVITE was not captured, or that is no call."""

from __future__ import annotations

from ...language import _
from ..sip.partial_call import PartialCall
from .text import quoted


def partial_headline(partial: PartialCall) -> str:
    """``REGISTER, accepted with 200 OK.``"""
    if partial.kind == "empty":
        return _("No SIP message of this call was captured.")
    if partial.kind == "unreadable":
        return _("Nothing that was captured can be read as SIP.")
    if partial.kind == "answered":
        return _("Answered before the capture began, ended by a BYE.")
    if partial.kind == "up":
        return _("In progress, answered before the capture began.")
    if partial.kind == "answered-no-end":
        return _("Answered before the capture began; its end was not captured.")
    if partial.kind == "end":
        end = _("Only the end of this call was captured: {result}.")
        return end.format(result=_result(partial))
    if partial.kind == "part":
        names = quoted(", ".join(method for method in partial.methods if method))
        return _(
            "Only a part of this call was captured, without its INVITE: {names}."
        ).format(names=names)
    after = " " + _("after an authentication challenge") if partial.challenged else ""
    return f"{_result(partial)}{after}."


def _result(partial: PartialCall) -> str:
    """``REGISTER, accepted with 200 OK``."""
    name = quoted(partial.method) or _("A message without a method")
    final = partial.final
    if final is None:
        sent = (
            name
            if partial.sent <= 1
            else _("{name}, sent {count} times").format(name=name, count=partial.sent)
        )
        return _("{sent}, without a final response").format(sent=sent)
    if final.code < 300:
        result = _("{name}, accepted with {code}")
    else:
        result = _("{name}, refused with {code}")
    return result.format(name=name, code=quoted(final.summary))
