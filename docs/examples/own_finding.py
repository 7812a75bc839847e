"""A finding of one's own: our PSTN gateway has no free line."""

from __future__ import annotations

from collections.abc import Iterator

from flask_sipvault import CatalogueEntry
from flask_sipvault import EvidenceReference
from flask_sipvault import Finding
from flask_sipvault import Rule
from flask_sipvault import Texts
from flask_sipvault.analysis.call import Call

GATEWAY = "203.0.113.50"


def _find(call: Call) -> Iterator[Finding]:
    for transaction in call.transactions:
        refusal = transaction.refusal
        if refusal is None or refusal.code != 503 or refusal.src.ip != GATEWAY:
            continue
        yield Finding(
            "gateway-out-of-lines",
            "error",
            parameters={"gateway": refusal.src},
            evidence=(EvidenceReference("message", refusal.n),),
            since_ts=refusal.ts,
        )


RULE = Rule(
    id="gateway-out-of-lines",
    find=_find,
    texts={
        "": Texts(
            "The gateway {gateway} has no free line.",
            "It refused the call with 503, which it does when all channels are in use.",
            ("Look at the trunk's channels in the monitoring.",),
        )
    },
    catalogue=CatalogueEntry("Gateway out of lines", "All channels are in use."),
    rank=50,
    explains=frozenset({"overload-503", "call-limit"}),
)
