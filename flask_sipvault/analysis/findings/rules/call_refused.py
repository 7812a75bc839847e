"""A refusal that no other rule has more to say of."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "other":
        return
    said = refusal.statements
    invite = refusal.transaction.request if refusal.transaction else None
    changed = refusal.response.code != refusal.code
    evidence = [message(refusal.made, N_("the refusal"))]
    if invite is not None:
        evidence.append(message(invite, N_("the INVITE that it refuses")))
    if changed:
        evidence.append(message(refusal.response, N_("what the caller got for it")))
    yield Finding(
        "call-refused",
        "error",
        variant="said" if said else "",
        parameters={
            "server": refusal.maker,
            "code": refusal.made.summary,
            "said": said,
            "took_ms": (refusal.took_ns or 0) // 1_000_000,
        },
        evidence=tuple(evidence),
        since_ts=refusal.made.ts,
    )


RULE = Rule(
    "call-refused",
    _find,
    {
        "": Texts(
            N_("{server} refused the call: {code}."),
            N_(
                "The refusal came {took_ms} after the INVITE and gives no reason"
                " beside its code."
            ),
            (
                N_("In the logs of {server}: why it refused this call."),
                N_(
                    "What differs from a call that {server} takes: number, sender,"
                    " headers."
                ),
            ),
        ),
        "said": Texts(
            N_("{server} refused the call: {code}."),
            N_("The refusal came {took_ms} after the INVITE and says: {said}."),
            (
                N_("In the logs of {server}: why it refused this call."),
                N_(
                    "What differs from a call that {server} takes: number, sender,"
                    " headers."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Call refused"),
        N_(
            "A host refused the call for a reason that only its code tells. flask"
            " sipvault explain CODE says what the code means."
        ),
        N_("The call fails, with a tone or an announcement."),
        (
            N_("A permission that is missing: 403."),
            N_("A server error: 500."),
            N_("Something in the INVITE that the host does not take."),
        ),
        (
            N_(
                "The code, the phrase, Warning and Reason of the refusal, and the"
                " logs of the host that made it."
            ),
        ),
        (N_("What the host's logs name."),),
    ),
    ("RFC 3261 21",),
    rank=890,
    last_resort=True,
)
