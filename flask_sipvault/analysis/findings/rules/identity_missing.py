"""A call was refused because nobody signed for the caller (STIR)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..refusals import Refusal
from ..refusals import refused_setups
from ..refused_evidence import of_refusal
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..stir_responses import stir_cause

_USE_IDENTITY = 428


def _find(call: Call) -> Iterator[Finding]:
    for refusal in refused_setups(call):
        if stir_cause(refusal.response, refusal.text) == _USE_IDENTITY:
            yield _finding(refusal)
            return


def _finding(refusal: Refusal) -> Finding:
    request, sent = refusal.request, refusal.outer.request
    evidence: list[EvidenceReference] = [
        *of_refusal(refusal, N_("the INVITE as {host} got it"))
    ]
    variant = ""
    if request.header("Identity"):
        variant = "present"
    elif sent is not None and sent is not request and sent.header("Identity"):
        variant = "removed"
        evidence.append(message(sent, N_("here it still has an Identity header")))
    return Finding(
        "identity-missing",
        "error",
        variant=variant,
        parameters={
            "host": refusal.by,
            "sender": refusal.transaction.client,
            "code": refusal.response.summary,
        },
        evidence=tuple(evidence),
        since_ts=refusal.response.ts,
    )


_NEXT = (
    N_("Whether {sender} signs calls (STIR/SHAKEN) towards this destination."),
    N_("Whether the caller's number is one that the signer may sign for."),
    N_("Whether a proxy or B2BUA on the way takes the Identity header out."),
)

RULE = Rule(
    "identity-missing",
    _find,
    {
        "": Texts(
            N_("{host} takes only signed calls, and this one is not: {code}."),
            N_(
                "{host} asks for an Identity header (STIR), by which the caller's"
                " provider vouches for the calling number. The INVITE of {sender} has"
                " none."
            ),
            _NEXT,
        ),
        "removed": Texts(
            N_("The caller's signature was lost on the way to {host}: {code}."),
            N_(
                "The INVITE had an Identity header where it was sent, and none where it"
                " reached {host}. A hop between the two took it out."
            ),
            (
                N_("Which hop took the header out: each INVITE in the page shows it."),
                N_("Whether a B2BUA there is to pass Identity on, or to sign anew."),
            ),
        ),
        "present": Texts(
            N_("{host} asks for a signature though the call has one: {code}."),
            N_(
                "The INVITE reached {host} with an Identity header. {host} may need"
                " another kind of it (ppt), or not understand this one."
            ),
            (
                N_("Which kind of Identity {host} asks for: shaken, div, rph."),
                N_("In the logs of {host}: what it says of the header that came."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Identity missing"),
        N_(
            "The destination takes only calls that carry an Identity header (STIR),"
            " which this one does not."
        ),
        N_("Calls to some destinations fail at once, others work."),
        (
            N_("The provider does not sign calls, or not those of this number."),
            N_("An SBC or B2BUA takes header fields out that it does not know."),
            N_("A diverted call that lost its signature at the diversion."),
        ),
        (
            N_("In the page: the Identity header of the INVITE at each hop."),
            N_("With the provider: whether it signs for this number."),
        ),
        (
            N_("Sign calls where they enter the network, or have the provider do it."),
            N_("Have each hop pass Identity on unchanged."),
        ),
        {
            "OpenSIPS": N_("stir_shaken_auth() of the module stir_shaken signs."),
            "Kamailio": N_(
                "secsipid_add_identity() of the module secsipid signs, or"
                " stirshaken_add_identity() of stirshaken."
            ),
            "Asterisk": N_(
                "stir_shaken.conf and stir_shaken_profile of the PJSIP endpoint."
            ),
        },
    ),
    ("RFC 8224 6.2.2", "RFC 8588"),
    rank=210,
    explains=frozenset({"call-refused"}),
)
