"""What became of a call, as one plain sentence."""

from __future__ import annotations

from ...language import _
from ...language import ngettext
from ...protocols.address import Endpoint
from ..sip.hosts import place_name
from ..sip.messages import Message
from ..sip.outcome import Ending
from ..sip.outcome import Outcome
from ..sip.reasons import CODE_WORDS
from ..sip.reasons import reasons
from ..sip.setup import CallSetup
from ..sip.setup import CHALLENGES
from .text import clock
from .text import duration
from .text import quoted


def headline(outcome: Outcome, found: CallSetup, ending: Ending | None) -> str:
    """The first line of the page: ``Answered, ended by the called side after 2 min
    14 s.``
    """
    if outcome.status == "answered":
        return _answered(outcome, found, ending)
    if outcome.status == "in_progress":
        return _in_progress(outcome, found)
    if outcome.status == "cancelled":
        return _cancelled(outcome, found, ending)
    if found.final is None:
        return _no_reply(found)
    return _refused(outcome, found, found.final)


def _answered(outcome: Outcome, found: CallSetup, ending: Ending | None) -> str:
    challenged, media = found.challenged, found.early_media
    if challenged and media:
        start = _("Answered after an authentication challenge and early media")
    elif challenged:
        start = _("Answered after an authentication challenge")
    elif media:
        start = _("Answered after early media")
    else:
        start = _("Answered")
    if ending is None:
        return _("{start}; its end was not captured.").format(start=start)
    if ending.by == "caller":
        by = _("ended by the caller")
    elif ending.by == "callee":
        by = _("ended by the called side")
    else:
        place = place_name(ending.message.origin)
        by = _("ended in between by {place}").format(place=place)
    after = "" if outcome.talk_ms is None else _after(outcome.talk_ms)
    return f"{start}, {by}{after}{_extraordinary(ending.message)}."


def _after(ms: float) -> str:
    return " " + _("after {duration}").format(duration=duration(ms))


def _extraordinary(message: Message) -> str:
    """What the Reason header says, if that is more than that somebody hung up."""
    said = reasons(message.sip) if message.sip else []
    worth = [quoted(reason.sentence()) for reason in said if not reason.ordinary]
    return f" ({'; '.join(worth)})" if worth else ""


def _in_progress(outcome: Outcome, found: CallSetup) -> str:
    assert found.start is not None
    since = _("In progress since {time}").format(time=clock(found.start.ts))
    if found.answer is None:
        state = _("ringing") if found.ringing else _("no answer yet")
        return f"{since}, {state}."
    state = _("answered")
    after = "" if outcome.setup_ms is None else _after(outcome.setup_ms)
    return f"{since}, {state}{after}."


def _cancelled(outcome: Outcome, found: CallSetup, ending: Ending | None) -> str:
    start = _("Cancelled by the caller") if ending else _("Cancelled")
    if outcome.ringing_ms is not None:
        ringing = duration(outcome.ringing_ms)
        when = " " + _("after ringing for {duration}").format(duration=ringing)
    elif ending and found.first:
        waited = duration(max(0, ending.message.ts - found.first.ts) / 1e6)
        when = " " + _("after {duration}, before it rang").format(duration=waited)
    else:
        when = ""
    if ending:
        return f"{start}{when}{_extraordinary(ending.message)}."
    missing = _("no CANCEL of the caller's was captured")
    return f"{start}{when}; {missing}."


def _no_reply(found: CallSetup) -> str:
    if found.ringing:
        return _("No answer: it rang, and no final response was captured.")
    number = sum(m.origin == found.caller_place for m in found.invites)
    sent = ngettext("one INVITE", "{count} INVITEs", number).format(count=number)
    replies = [m for m in found.responses if found.is_last(m)]
    if replies:
        last = quoted(replies[-1].summary)
        return _("No answer: {sent}, and no more than {reply}.").format(
            sent=sent, reply=last
        )
    if found.challenged:
        return _(
            "No answer: the INVITE with the answer to the authentication challenge met"
            " no reply."
        )
    return _("No answer: {sent}, not one reply.").format(sent=sent)


def _refused(outcome: Outcome, found: CallSetup, final: Message) -> str:
    code = quoted(final.summary)
    words = CODE_WORDS.get(final.code)
    because = f" ({_(words)})" if words else ""
    media = _(", after early media") if found.early_media else ""
    took = ""
    if found.start and final.ts > found.start.ts:
        took = _after((final.ts - found.start.ts) / 1e6)
    if outcome.status == "busy":
        busy = _("Busy: the called side rejected the call with {code}")
        return f"{busy.format(code=code)}{took}{media}."
    if outcome.status == "no_answer":
        start = _("No answer: {code}").format(code=code)
        return f"{start}{took}{because}{media}."
    if final.code in CHALLENGES:
        if found.attempts and _has_credentials(found.attempts[-1]):
            refused = _("Rejected: the caller's credentials were refused with {code}.")
        else:
            refused = _("Rejected: the caller did not answer the challenge {code}.")
        return refused.format(code=code)
    if outcome.status == "rejected":
        if outcome.ended_by:
            by = _("Rejected by the called side with {code}").format(code=code)
        else:
            place = place_name(_author(found, final))
            by = _("Rejected by {place} with {code}").format(place=place, code=code)
        return f"{by}{because}{media}."
    if final.code < 400:
        to = _("Redirected with {code}").format(code=code)
        unheeded = _(", and the caller did not follow")
        return f"{to}{because}{unheeded}."
    start = _("Failed: {code}").format(code=code)
    return f"{start}{because}{media}."


def _author(found: CallSetup, final: Message) -> Endpoint:
    """The place that a response, passed on by others, came from first."""
    return next(
        m.origin
        for m in found.responses
        if (m.code, m.to_tag) == (final.code, final.to_tag)
    )


def _has_credentials(invite: Message) -> bool:
    return bool(invite.header("Authorization") or invite.header("Proxy-Authorization"))
