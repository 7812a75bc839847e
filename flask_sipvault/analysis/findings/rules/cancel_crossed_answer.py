"""The caller withdrew the call just as it was answered (RFC 3261 section 9.1, RFC 5407
section 3.1.2).
"""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unacknowledged import find_unacknowledged
from ..unacknowledged import Forks

#: Of the repetitions so many are named.
_MOST_NAMED = 20

#: Who cancelled hangs up as soon as the answer comes; so long is no delay any more.
_AT_ONCE = 5_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    yield from _ignored(call)
    for dialog in call.dialogs:
        yield from _kept(call, dialog)


def _ignored(call: Call) -> Iterator[Finding]:
    forks = Forks(call)
    for found in find_unacknowledged(call):
        cancel = found.cancel
        if cancel is None or cancel.request is None or found.changes or found.acks:
            continue
        if forks.acknowledged_beside(found.dialog):
            continue  # a proxy withdrew the other branches of its fork
        if any(bye.from_tag == found.dialog.caller_tag for bye in found.dialog.byes):
            continue
        ends = [found.hung_up] if found.hung_up is not None else []
        ends += [bye.final for bye in found.dialog.byes[:1] if bye.final is not None]
        yield Finding(
            "cancel-crossed-answer",
            "error",
            parameters={
                "caller": cancel.client,
                "callee": found.answer.origin,
                "answer": found.answer.summary,
                "count": found.repeated,
                "wait_ms": found.waited / 1e6,
            },
            evidence=(
                EvidenceReference("message", found.answer.n, N_("the answer")),
                *_withdrawn(cancel, cancel.request),
                *(
                    EvidenceReference("message", again.n, N_("the answer, repeated"))
                    for again in found.sendings[1 : _MOST_NAMED + 1]
                ),
                *(
                    EvidenceReference("message", end.n, N_("the called side gives up"))
                    for end in ends
                ),
            ),
            since_ts=found.answer.ts,
        )


def _kept(call: Call, dialog: Dialog) -> Iterator[Finding]:
    """The answer was acknowledged, but not ended."""
    answer, invite = dialog.answer, next(iter(dialog.invites), None)
    if answer is None or invite is None or not dialog.acks:
        return
    cancel, request = invite.cancel, invite.request
    if cancel is None or cancel.request is None or request is None:
        return
    if len(request.branches) > 1:
        return  # of a proxy, which may withdraw a branch of its fork
    if cancel.request.ts > answer.ts + timers.T1 + timers.TOLERANCE:
        return
    ack = dialog.acks[0]
    byes = [bye.request for bye in dialog.byes if bye.request is not None]
    own = [bye for bye in byes if bye.from_tag == dialog.caller_tag]
    until = min((bye.ts for bye in own), default=call.visibility.last_ts or 0)
    if until - ack.ts < _AT_ONCE:
        return
    if not own and not call.visibility.would_show(cancel.client, cancel.server):
        return
    yield Finding(
        "cancel-crossed-answer",
        "warning",
        certainty="likely",
        variant="kept",
        parameters={
            "caller": cancel.client,
            "callee": answer.origin,
            "answer": answer.summary,
            "wait_ms": (until - ack.ts) / 1e6,
        },
        evidence=(
            EvidenceReference("message", answer.n, N_("the answer")),
            *_withdrawn(cancel, cancel.request),
            EvidenceReference("message", ack.n, N_("the ACK")),
            *(
                EvidenceReference("message", bye.n, N_("the end of the call"))
                for bye in byes[:1]
            ),
        ),
        since_ts=answer.ts,
    )


def _withdrawn(cancel: Transaction, request: Message) -> list[EvidenceReference]:
    shown = [EvidenceReference("message", request.n, N_("the CANCEL"))]
    if cancel.final is not None:
        text = N_("the response to the CANCEL")
        shown.append(EvidenceReference("message", cancel.final.n, text))
    return shown


RULE = Rule(
    id="cancel-crossed-answer",
    find=_find,
    rank=106,
    explains=frozenset(
        {
            *("ack-missing", "bye-refused", "bye-unreachable", "bye-dialog-mismatch"),
            *("dialog-lost", "no-audio", "one-way-audio", "media-stops"),
        }
    ),
    standard=("RFC 3261 9.1", "RFC 3261 13.2.2.4", "RFC 5407 3.1.2"),
    texts={
        "": Texts(
            N_(
                "{caller} cancelled the call as {callee} answered it, and ignores the "
                "answer: the {answer} is repeated {count} times in {wait_ms}."
            ),
            N_(
                "CANCEL and answer crossed on their way, so that there was nothing "
                "left to cancel. The caller takes the call for cancelled; it has to "
                "acknowledge the answer and then hang up by BYE. Until the called side "
                "gives up, it is in a call with nobody."
            ),
            (
                N_(
                    "Check the stack of {caller}: a 2xx that comes after its CANCEL "
                    "has to be acknowledged and ended with a BYE."
                ),
            ),
        ),
        "kept": Texts(
            N_(
                "{caller} cancelled the call as {callee} answered it, acknowledged the "
                "answer, and did not hang up."
            ),
            N_(
                "CANCEL and answer crossed on their way. Who has cancelled a call and "
                "gets an answer all the same has to end it with a BYE at once; here "
                "the call was kept for {wait_ms}, likely with nobody on the caller's "
                "side."
            ),
            (
                N_(
                    "Check the stack of {caller}: a 2xx that comes after its CANCEL "
                    "has to be acknowledged and ended with a BYE."
                ),
                N_("Check whether somebody talked in this call at all."),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("CANCEL crossed the answer"),
        meaning=N_(
            "The caller withdrew the call at the moment when it was answered. The "
            "CANCEL came too late, and the caller did not deal with the answer, as it "
            "must: acknowledge it and hang up."
        ),
        noticed=N_(
            "The called person answers and hears nobody; their phone stays in the call "
            "for about 32 seconds or more. The caller saw nothing of it."
        ),
        causes=(
            N_("The caller's stack forgets the INVITE as soon as it has sent CANCEL."),
            N_(
                "A B2BUA or dialler that cancels calls by a timer races with people "
                "who answer."
            ),
        ),
        confirm=(
            N_(
                "In the ladder: the answer and the CANCEL within a fraction of a "
                "second, no 487, and no ACK or no BYE after it."
            ),
            N_("The CANCEL was confirmed, so that both sides do reach each other."),
        ),
        fix=(
            N_("Update the caller's stack."),
            N_(
                "Let a dialler or queue cancel a little earlier or later than people "
                "usually answer, so that it happens less."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "A proxy passes a 2xx on even after a CANCEL; do not drop it in "
                "onreply_route."
            ),
            "Kamailio": N_(
                "A proxy passes a 2xx on even after a CANCEL; do not drop it in "
                "onreply_route."
            ),
            "Asterisk": N_("The timeout of Dial() decides when a CANCEL is sent."),
            "FreeSWITCH": N_("call_timeout decides when a CANCEL is sent."),
        },
    ),
)
