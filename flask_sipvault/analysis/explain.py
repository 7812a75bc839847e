"""A call, explained: its messages in order, who it was between, what became of it."""

from __future__ import annotations

from ..evidence import Evidence
from .call import Call as Call
from .findings.engine import find_findings
from .media.assessment import assess
from .media.negotiation import find_negotiations
from .media.quality import Scale
from .media.quality import USUAL_SCALE
from .sip.dialogs import find_dialogs
from .sip.messages import Message as Message
from .sip.messages import read_messages
from .sip.outcome import find_ending
from .sip.outcome import find_outcome
from .sip.outcome import Outcome as Outcome
from .sip.partial_call import outcome_without_invite
from .sip.parties import find_parties
from .sip.parties import Party as Party
from .sip.setup import find_setup
from .sip.transactions import find_transactions
from .visibility import find_visibility
from .words.headline import headline
from .words.quality import audio_sentence


def explain(evidence: Evidence, scale: Scale = USUAL_SCALE) -> Call:
    """What the evidence says about the call. Never fails, whatever was captured.

    :param scale: how speech is rated.
    """
    messages = read_messages(evidence.sip)
    transactions = find_transactions(messages)
    dialogs = find_dialogs(transactions)
    found = find_setup(messages)
    ending = None
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
        setup=found,
        ending=ending,
        transactions=transactions,
        dialogs=dialogs,
        negotiations=find_negotiations(transactions, dialogs),
        visibility=find_visibility(evidence, messages, transactions, dialogs),
    )
    call.quality = assess(call, scale)
    heard = audio_sentence(call.quality)
    outcome.headline = " ".join(filter(None, [outcome.headline, heard]))
    call.findings = find_findings(call)
    return call
