"""The call was transferred, and that worked."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

from ....language import N_
from ...call import Call
from ...events import Event
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: So many of them are told; a flood of REFERs has thousands.
_MOST = 4


def _find(call: Call) -> Iterator[Finding]:
    yield from islice(_transfers(call), _MOST)


def _transfers(call: Call) -> Iterator[Finding]:
    for event in call.events:
        if event.n is None:
            continue
        if event.kind == "transfer":
            yield from _of_transfer(call, event, event.n)
        elif event.kind == "replaced":
            yield from _of_replacement(call, event, event.n)


def _of_transfer(call: Call, event: Event, n: int) -> Iterator[Finding]:
    code, told = event.parameters.get("code"), event.parameters.get("result_n")
    if not event.parameters.get("accepted"):
        return
    if isinstance(code, int) and code >= 300:
        return
    worked = isinstance(code, int) and code >= 200
    evidence = [message(call.messages[n - 1], N_("the transfer to {target}"))]
    if worked and isinstance(told, int):
        evidence.append(message(call.messages[told - 1], N_("it worked")))
    yield Finding(
        "transfer",
        "info",
        variant=f"{event.by or 'side'}{'' if worked else '-asked'}",
        parameters={"target": str(event.parameters.get("target") or "")},
        evidence=tuple(evidence),
        since_ts=event.ts,
    )


def _of_replacement(call: Call, event: Event, n: int) -> Iterator[Finding]:
    code = event.parameters.get("code")
    if isinstance(code, int) and 200 <= code < 300:
        yield Finding(
            "transfer",
            "info",
            variant="replaced",
            parameters={"call_id": str(event.parameters.get("call_id") or "")},
            evidence=(message(call.messages[n - 1], N_("takes the other call over")),),
            since_ts=event.ts,
        )


_EXPLANATION = N_(
    "The other side took the transfer (REFER), called the target, and told that this"
    " worked."
)
_ASKED = N_(
    "The other side took the transfer (REFER). How its call to the target went is not"
    " in this dialog: whoever transfers often hangs up first."
)
_NEXT = (N_("The call to the target: it has a Call-ID of its own."),)

RULE = Rule(
    "transfer",
    _find,
    {
        "caller": Texts(
            N_("The caller transferred the call to {target}."), _EXPLANATION, _NEXT
        ),
        "callee": Texts(
            N_("The called side transferred the call to {target}."), _EXPLANATION, _NEXT
        ),
        "side": Texts(N_("The call was transferred to {target}."), _EXPLANATION, _NEXT),
        "caller-asked": Texts(
            N_("The caller had the call transferred to {target}."), _ASKED, _NEXT
        ),
        "callee-asked": Texts(
            N_("The called side had the call transferred to {target}."), _ASKED, _NEXT
        ),
        "side-asked": Texts(
            N_("The call was to be transferred to {target}."), _ASKED, _NEXT
        ),
        "replaced": Texts(
            N_("The call took the place of another, {call_id}."),
            N_(
                "Its INVITE names that call in Replaces, which is how a consultative"
                " transfer and a pick-up end."
            ),
            (N_("The call that it replaced, by that Call-ID."),),
        ),
    },
    CatalogueEntry(
        N_("Transfer"),
        N_("One side had the other call a third party, or a call replaced another."),
        N_("The other party changes; there may be a moment of silence or music."),
        (N_("Somebody pressed transfer, or picked the call up elsewhere."),),
        (N_("In the page: the REFER and the NOTIFYs with its result."),),
        (N_("Nothing: this is ordinary."),),
    ),
    ("RFC 3515", "RFC 3891", "RFC 5589"),
    rank=910,
)
