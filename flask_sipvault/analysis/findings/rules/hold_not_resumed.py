"""A party was put on hold, and nobody came back before the call was hung up."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ....language import N_
from ...call import Call
from ...events import Event
from ...media.negotiation import Negotiation
from ...sip.messages import Message
from ...sip.reasons import reasons
from ...sip.sides import other_side
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Who is on hold for longer than this and hangs up has given up waiting.
_WAITED_NS = 30_000_000_000

#: A side that hangs up on the one that it holds, so late, has forgotten it. Sooner it
#: may have meant to: the end of a consultation, for one.
_FORGOTTEN_NS = 60_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    if any(event.kind in ("transfer", "replaced") for event in call.events):
        return  # who is transferred waits on hold until another takes over
    negotiation = call.negotiation
    if negotiation is None:
        return
    # One change may hold several lines of audio.
    holds = {
        (event.by, event.n): event
        for event in call.events
        if event.kind == "hold" and event.leg == negotiation.leg
        if not event.parameters.get("resumed")
    }
    for event in islice(holds.values(), 2):
        yield from _of_hold(call, event, negotiation)


def _of_hold(call: Call, event: Event, negotiation: Negotiation) -> Iterator[Finding]:
    dialog = negotiation.dialog
    end = dialog.end if dialog is not None else None
    if dialog is None or end is None or end.kind != "bye":
        return
    if event.by is None or event.n is None or end.by is None:
        return
    waited = end.message.ts - event.ts
    gave_up = end.by != event.by
    if waited < (_WAITED_NS if gave_up else _FORGOTTEN_NS) or _gives_reason(
        end.message
    ):
        return
    hold = call.messages[event.n - 1]
    asked = call.messages[(hold.transaction or hold.n) - 1]
    yield Finding(
        "hold-not-resumed",
        "warning",
        variant="" if gave_up else "holder",
        parameters={
            "held": dialog.hosts[other_side(event.by)] or hold.origin,
            "holder": dialog.hosts[event.by] or hold.target,
            "waited_ms": waited // 1_000_000,
        },
        evidence=(
            message(asked, N_("put on hold")),
            *([message(hold, N_("and accepted"))] if hold is not asked else []),
            message(end.message, N_("hung up, still on hold")),
        ),
        since_ts=event.ts,
    )


def _gives_reason(bye: Message) -> bool:
    """Whether a machine hung up, as far as it says so: people give no reason."""
    given = reasons(bye.sip) if bye.sip is not None else []
    return any(not reason.ordinary for reason in given)


_NEXT = (
    N_("Whether somebody at {holder} meant to come back, or forgot the call."),
    N_("Whether {holder} tried to: a re-INVITE or UPDATE that was refused or lost."),
    N_("Whether the side on hold hears music or an announcement while it waits."),
)

RULE = Rule(
    "hold-not-resumed",
    _find,
    {
        "": Texts(
            N_("{held} was on hold for {waited_ms} and hung up."),
            N_(
                "{holder} put the call on hold and did not take it off hold again. The"
                " side that waited ended the call."
            ),
            _NEXT,
        ),
        "holder": Texts(
            N_("{held} was on hold for {waited_ms} until {holder} hung up."),
            N_(
                "{holder} put the call on hold, did not take it off hold again, and"
                " ended it while the other side was still waiting."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Hold not resumed"),
        N_(
            "One side put the other on hold, and the call was hung up before it was"
            " taken off hold."
        ),
        N_("Callers say that they were left waiting, or that the line went dead."),
        (
            N_("An agent forgot the call, or could not take it back."),
            N_("The re-INVITE that was to end the hold was lost or refused."),
            N_("A transfer inside a PBX that did not come about."),
        ),
        (
            N_("In the page: the hold and the BYE, and nothing between them."),
            N_("The PBX's own record of what the user did."),
        ),
        (
            N_("A reminder or a time limit for calls on hold in the PBX."),
            N_("Music or an announcement for the side that waits."),
        ),
        {
            "FreeSWITCH": N_(
                "rtp-hold-timeout-sec of the SIP profile ends calls that are on hold"
                " too long without media."
            ),
            "Asterisk": N_("rtp_timeout_hold of the PJSIP endpoint does the same."),
        },
    ),
    ("RFC 3264 8.4", "RFC 6337 5.3"),
    rank=700,
)
