"""What became of a call, as one plain sentence."""

from __future__ import annotations

from ..protocols.address import Endpoint
from .invitation import CHALLENGES
from .invitation import Invitation
from .messages import Message
from .outcome import Ending
from .outcome import Outcome
from .places import place_name
from .reasons import CODE_WORDS
from .reasons import reasons
from .wording import clock
from .wording import duration
from .wording import quoted

_SIDES = {"caller": "the caller", "callee": "the called side"}


def headline(outcome: Outcome, found: Invitation, ending: Ending | None) -> str:
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


def _answered(outcome: Outcome, found: Invitation, ending: Ending | None) -> str:
    before = [
        *(["an authentication challenge"] if found.challenged else []),
        *(["early media"] if found.early_media else []),
    ]
    start = f"Answered after {' and '.join(before)}" if before else "Answered"
    if ending is None:
        return f"{start}; its end was not captured."
    if ending.by:
        by = f"ended by {_SIDES[ending.by]}"
    else:
        by = f"ended in between by {place_name(ending.message.origin)}"
    after = "" if outcome.talk_ms is None else f" after {duration(outcome.talk_ms)}"
    return f"{start}, {by}{after}{_extraordinary(ending.message)}."


def _extraordinary(message: Message) -> str:
    """What the Reason header says, if that is more than that somebody hung up."""
    said = reasons(message.sip) if message.sip else []
    worth = [quoted(reason.sentence()) for reason in said if not reason.ordinary]
    return f" ({'; '.join(worth)})" if worth else ""


def _in_progress(outcome: Outcome, found: Invitation) -> str:
    assert found.start is not None
    since = f"In progress since {clock(found.start.ts)}"
    if found.answer is None:
        return f"{since}, {'ringing' if found.ringing else 'no answer yet'}."
    if outcome.setup_ms is None:
        return f"{since}, answered."
    return f"{since}, answered after {duration(outcome.setup_ms)}."


def _cancelled(outcome: Outcome, found: Invitation, ending: Ending | None) -> str:
    start = "Cancelled by the caller" if ending else "Cancelled"
    if outcome.ringing_ms is not None:
        when = f" after ringing for {duration(outcome.ringing_ms)}"
    elif ending and found.first:
        waited = (ending.message.ts - found.first.ts) / 1e6
        when = f" after {duration(waited)}, before it rang"
    else:
        when = ""
    if ending:
        return f"{start}{when}{_extraordinary(ending.message)}."
    return f"{start}{when}; no CANCEL of the caller's was captured."


def _no_reply(found: Invitation) -> str:
    if found.ringing:
        return "No answer: it rang, and no final response was captured."
    number = sum(m.origin == found.caller_place for m in found.invites)
    sent = "one INVITE" if number == 1 else f"{number} INVITEs"
    replies = [m for m in found.responses if found.is_last(m)]
    if replies:
        return f"No answer: {sent}, and no more than {quoted(replies[-1].summary)}."
    if found.challenged:
        return (
            "No answer: the INVITE with the answer to the authentication challenge "
            "met no reply."
        )
    return f"No answer: {sent}, not one reply."


def _refused(outcome: Outcome, found: Invitation, final: Message) -> str:
    code = quoted(final.summary)
    words = CODE_WORDS.get(final.code)
    because = f" ({words})" if words else ""
    media = ", after early media" if found.early_media else ""
    took = ""
    if found.start and final.ts > found.start.ts:
        took = f" after {duration((final.ts - found.start.ts) / 1e6)}"
    if outcome.status == "busy":
        return f"Busy: the called side rejected the call with {code}{took}{media}."
    if outcome.status == "no_answer":
        return f"No answer: {code}{took}{because}{media}."
    if final.code in CHALLENGES:
        if found.attempts and _has_credentials(found.attempts[-1]):
            return f"Rejected: the caller's credentials were refused with {code}."
        return f"Rejected: the caller did not answer the challenge {code}."
    if outcome.status == "rejected":
        by = (
            "the called side" if outcome.ended_by else place_name(_author(found, final))
        )
        return f"Rejected by {by} with {code}{because}{media}."
    if final.code < 400:
        return f"Redirected with {code}{because}, and the caller did not follow."
    return f"Failed: {code}{because}{media}."


def _author(found: Invitation, final: Message) -> Endpoint:
    """The place that a response, passed on by others, came from first."""
    return next(
        m.origin
        for m in found.responses
        if (m.code, m.to_tag) == (final.code, final.to_tag)
    )


def _has_credentials(invite: Message) -> bool:
    return bool(invite.header("Authorization") or invite.header("Proxy-Authorization"))
