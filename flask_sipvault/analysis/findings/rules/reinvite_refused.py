"""A change of the call that was refused, for none of the reasons with a rule of their
own.
"""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..model import Severity
from ..refused_evidence import of_change
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..session_changes import refused_changes
from ..session_changes import RefusedChange


def _find(call: Call) -> Iterator[Finding]:
    found = [
        each
        for each in refused_changes(call)
        if each.kind == "other" and not each.recovered
    ]
    if not found:
        return
    worst = min(found, key=lambda each: each.hung_up is None)
    yield _finding(worst, found)


def _finding(change: RefusedChange, found: list[RefusedChange]) -> Finding:
    severity: Severity = "warning" if change.hung_up is None else "error"
    refusal = change.refusal
    others = [each for each in found if each is not change][:5]
    return Finding(
        "reinvite-refused",
        severity,
        variant="" if change.purpose == "other" else change.purpose,
        parameters={
            "host": refusal.by,
            "sender": refusal.outer.client,
            "method": refusal.transaction.method,
            "code": refusal.response.summary,
        },
        evidence=(
            *of_change(change),
            *(item for each in others for item in of_change(each)),
        ),
        since_ts=refusal.response.ts,
    )


_EXPLANATION = N_(
    "A refused {method} leaves the call as it was before: the side that asked for the"
    " change does not get it, and some hang up then."
)
_NEXT = (
    N_("The phrase, Warning and Reason of the refusal, and the logs of {host}."),
    N_("What the offer changes against the one before: codecs, direction, address."),
    N_("Whether {host} supports {method} in a call, as its Allow header says."),
)

RULE = Rule(
    "reinvite-refused",
    _find,
    {
        "": Texts(
            N_("{host} refused the {method} of {sender} in the call: {code}."),
            _EXPLANATION,
            _NEXT,
        ),
        "hold": Texts(
            N_("{host} refused to be put on hold by {sender}: {code}."),
            _EXPLANATION,
            _NEXT,
        ),
        "resume": Texts(
            N_("{host} refused to be taken off hold by {sender}: {code}."),
            N_(
                "The {method} that was to end the hold was refused, so that the call"
                " stays on hold and no audio flows."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Change refused"),
        N_(
            "One side asked for a change of the call by re-INVITE or UPDATE (hold,"
            " resume, codec, address, refresh), and the other refused it."
        ),
        N_("Hold, resume or transfer does nothing, or the call drops at that moment."),
        (
            N_("A description that the other side does not take: codec, direction."),
            N_("A side that does not support changes, or not by UPDATE."),
            N_("A gateway whose other side refused."),
        ),
        (
            N_("In the page: compare the refused offer with the one before it."),
            N_("The logs of the host that refused."),
        ),
        (
            N_("Have the side that asks keep to what was agreed on in the call."),
            N_("Switch off what sends the change, where the other cannot take it."),
        ),
        {
            "Asterisk": N_(
                "direct_media=no stops re-INVITEs for direct media; timers=no those"
                " that refresh the session."
            ),
            "FreeSWITCH": N_(
                "renegotiate-codec-on-reinvite of the SIP profile takes new codecs in a"
                " re-INVITE."
            ),
        },
    ),
    ("RFC 3261 14.1", "RFC 3261 14.2", "RFC 3311 5.2"),
    rank=350,
    explains=frozenset({"hold-not-resumed", "one-way-audio", "media-stops"}),
)
