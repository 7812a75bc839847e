"""A call, explained: its messages in order, who it was between, what became of it."""

from __future__ import annotations

from ..evidence import Evidence
from .assessment import assess
from .call import Call as Call
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
from .quality import Scale
from .quality import USUAL_SCALE
from .quality_words import audio_sentence


def explain(evidence: Evidence, scale: Scale = USUAL_SCALE) -> Call:
    """What the evidence says about the call. Never fails, whatever was captured.

    :param scale: how speech is rated.
    """
    messages = read_messages(evidence.sip)
    found = find_invitation(messages)
    if found is None:
        outcome = outcome_without_invite(messages, evidence.state)
    else:
        ending = find_ending(found, messages)
        outcome = find_outcome(found, ending, evidence.state)
        outcome.headline = headline(outcome, found, ending)
    caller, callee = find_parties(messages, found)
    call = Call(
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
    call.quality = assess(call, scale)
    heard = audio_sentence(call.quality)
    outcome.headline = " ".join(filter(None, [outcome.headline, heard]))
    return call
