"""What became of a call, as one plain sentence."""

from __future__ import annotations

from ...language import _
from ...language import ngettext
from ...protocols.address import Endpoint
from ..call import Call
from ..sip.hosts import place_name
from ..sip.messages import Message
from ..sip.outcome import Ending
from ..sip.outcome import Outcome
from ..sip.reasons import reasons
from ..sip.reasons import warnings
from ..sip.setup import CallSetup
from ..sip.setup import CHALLENGES
from .findings import words_of
from .partial_call import partial_headline
from .quality import audio_sentence
from .reasons import code_words
from .reasons import reason_sentence
from .reasons import warning_sentence
from .text import clock
from .text import duration
from .text import quoted

#: A caller who waited longer than this for a failure is told how long.
_SLOW_MS = 2_000


def headline(call: Call) -> str:
    """What became of the call, and of its audio: ``Answered, ended by the called side
    after 2 min 14 s. The caller heard poor audio for 35 s.``
    """
    what = _outcome(call)
    return " ".join(filter(None, [what, audio_sentence(call.quality)]))


def answer(call: Call) -> str:
    """The first line of the page: what became of the call and, where a finding tells,
    why. Without one it is the :func:`headline`.
    """
    wrong = next((each for each in call.findings if each.severity != "info"), None)
    if wrong is None:
        return headline(call)
    return " ".join(filter(None, [_outcome(call), words_of(wrong).headline]))


def reason(call: Call) -> str:
    """Why the call ended, as the wire says it: the response's phrase, and what Reason
    and Warning header fields of it, of the BYE or of the CANCEL add.
    """
    if call.partial is not None:
        final = call.partial.final if call.partial.kind == "request" else None
        return final.sip.reason if final is not None and final.sip else ""
    final = call.setup.final if call.setup is not None else None
    ending = call.ending.message if call.ending is not None else None
    said = [
        *_said(final),
        *(_said(ending) if ending is not final else []),
    ]
    phrase = final.sip.reason if final is not None and final.sip else ""
    if said and final is not None and final.code < 300:
        # "OK" says nothing about why an answered call ended.
        phrase = ""
    return "; ".join(part for part in dict.fromkeys([phrase, *said]) if part)


def _said(message: Message | None) -> list[str]:
    if message is None or message.sip is None:
        return []
    return [
        *(reason_sentence(each) for each in reasons(message.sip)),
        *(warning_sentence(each) for each in warnings(message.sip)),
    ]


def _outcome(call: Call) -> str:
    found, ending = call.setup, call.ending
    if found is None:
        return partial_headline(call.partial) if call.partial is not None else ""
    outcome = call.outcome
    if outcome.status == "answered":
        return _answered(call, found, ending)
    if outcome.status == "in_progress":
        return _in_progress(outcome, found)
    if outcome.status == "cancelled":
        return _cancelled(outcome, found, ending)
    if found.final is None:
        return _no_reply(found)
    return _refused(call, found, found.final)


def _answered(call: Call, found: CallSetup, ending: Ending | None) -> str:
    outcome = call.outcome
    challenged, media = found.challenged, _early_media(call)
    if challenged and media:
        start = _("Answered after an authentication challenge and early media")
    elif challenged:
        start = _("Answered after an authentication challenge")
    elif media:
        start = _("Answered after early media")
    else:
        start = _("Answered")
    unseen = "" if found.answer else _("; the answer itself was not captured")
    if ending is None:
        if unseen:
            missing = _("{start}; neither the answer itself nor its end was captured.")
            return missing.format(start=start)
        return _("{start}; its end was not captured.").format(start=start)
    after = "" if outcome.talk_ms is None else _after(outcome.talk_ms)
    if ending.kind == "lost":
        lost = _("{start}, and lost{after}: {code} to a request within it")
        code = quoted(ending.message.summary)
        return f"{lost.format(start=start, after=after, code=code)}{unseen}."
    if ending.by == "caller":
        by = _("ended by the caller")
    elif ending.by == "callee":
        by = _("ended by the called side")
    else:
        place = place_name(ending.message.origin)
        by = _("ended in between by {place}").format(place=place)
    return f"{start}, {by}{after}{_extraordinary(ending.message)}{unseen}."


def _early_media(call: Call) -> bool:
    """Whether early media is worth a word: it came, or nothing could show it."""
    promised = call.setup is not None and call.setup.early_media is not None
    return promised and call.early_media is not False


def _after(ms: float) -> str:
    return " " + _("after {duration}").format(duration=duration(ms))


def _extraordinary(message: Message) -> str:
    """What Reason and Warning header fields say, if that is more than that somebody
    hung up.
    """
    worth = _worth_saying(message)
    return f" ({'; '.join(worth)})" if worth else ""


def _worth_saying(message: Message) -> list[str]:
    if message.sip is None:
        return []
    return [
        *(
            quoted(reason_sentence(each))
            for each in reasons(message.sip)
            if not each.ordinary and not each.repeats(message.code)
        ),
        *(quoted(warning_sentence(w)) for w in warnings(message.sip) if w.text),
    ]


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
    if ending is None:
        missing = _("what withdrew it was not captured")
        return f"{start}{when}; {missing}."
    said = _extraordinary(ending.message)
    if found.answer is not None:
        crossed = _("the called side had answered, and nobody took its answer")
        return f"{start}{when}{said}; {crossed}."
    return f"{start}{when}{said}."


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


def _refused(call: Call, found: CallSetup, final: Message) -> str:
    outcome = call.outcome
    code = quoted(final.summary)
    said = _worth_saying(final)
    words = "; ".join(filter(None, [code_words(final.code), *said]))
    because = f" ({words})" if words else ""
    media = _(", after early media") if _early_media(call) else ""
    took = ""
    if found.start and final.ts > found.start.ts:
        took = _after((final.ts - found.start.ts) / 1e6)
    if outcome.status == "busy":
        busy = _("Busy: the called side rejected the call with {code}")
        return f"{busy.format(code=code)}{took}{_extraordinary(final)}{media}."
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
    slow = took if outcome.waited_ms and outcome.waited_ms >= _SLOW_MS else ""
    return f"{start}{slow}{because}{media}."


def _author(found: CallSetup, final: Message) -> Endpoint:
    """The place that a response, passed on by others, came from first."""
    return next(
        m.origin
        for m in found.responses
        if (m.code, m.to_tag) == (final.code, final.to_tag)
    )


def _has_credentials(invite: Message) -> bool:
    return bool(invite.header("Authorization") or invite.header("Proxy-Authorization"))
