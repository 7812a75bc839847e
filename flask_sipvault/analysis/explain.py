"""A call, explained: its messages in order, who it was between, what became of it."""

from __future__ import annotations

from ..evidence import Evidence
from .call import Call as Call
from .events import find_events
from .findings.engine import find_findings
from .media.assessment import assess
from .media.find import find_media
from .media.negotiation import find_negotiations
from .media.presence import heard_early
from .media.presence import talked
from .media.quality import Scale
from .media.quality import USUAL_SCALE
from .sip.dialogs import find_dialogs
from .sip.hops import find_hops
from .sip.identity import find_identities
from .sip.messages import Message as Message
from .sip.messages import read_messages
from .sip.outcome import find_ending
from .sip.outcome import find_outcome
from .sip.outcome import Outcome as Outcome
from .sip.partial_call import find_partial
from .sip.partial_call import outcome_of_partial
from .sip.parties import find_parties
from .sip.parties import Party as Party
from .sip.refusal import find_refusal
from .sip.setup import find_setup
from .sip.transactions import find_transactions
from .visibility import find_visibility


def explain(evidence: Evidence, scale: Scale = USUAL_SCALE) -> Call:
    """What the evidence says about the call. Never fails, whatever was captured.

    :param scale: how speech is rated.
    """
    messages = read_messages(evidence.sip)
    transactions = find_transactions(messages)
    dialogs = find_dialogs(transactions)
    negotiations = find_negotiations(transactions, dialogs)
    setup = find_setup(messages, dialogs)
    ending = partial = early_media = None
    if setup is not None:
        ending = find_ending(setup, transactions, dialogs)
    media = find_media(evidence, messages, setup, ending, negotiations)
    if setup is None:
        partial = find_partial(messages, evidence.state)
        outcome = outcome_of_partial(partial)
    else:
        early_media = heard_early(setup, media.streams)
        if setup.final is None and setup.early_media is None and ending is None:
            setup.talked = talked(media.streams)
        outcome = find_outcome(setup, ending, evidence.state)
    caller, callee = find_parties(messages, setup)
    call = Call(
        evidence,
        messages,
        outcome,
        caller,
        callee,
        method=next((m.method for m in messages if m.method), ""),
        first_ts=evidence.first_ts,
        last_ts=evidence.last_ts,
        caller_place=setup.caller_place if setup else None,
        callee_place=setup.callee_place if setup else None,
        setup=setup,
        ending=ending,
        partial=partial,
        early_media=early_media,
        refusal=find_refusal(setup, transactions),
        transactions=transactions,
        dialogs=dialogs,
        negotiations=negotiations,
        identities=find_identities(messages),
        events=find_events(transactions, dialogs, negotiations, setup, early_media),
        hops=find_hops(transactions),
        media=media,
        visibility=find_visibility(evidence, messages, transactions, dialogs),
    )
    call.quality = assess(call, scale)
    call.findings = find_findings(call)
    return call
