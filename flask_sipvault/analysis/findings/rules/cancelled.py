"""A call that the caller gave up before it was answered."""

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
    if kind_of(call) != "cancelled":
        return
    ending, refusal, found = call.ending, call.refusal, call.setup
    by_caller = ending is not None and ending.by == "caller"
    end = ending.message if by_caller and ending is not None else None
    if end is None and refusal is not None:
        end = refusal.made
    start = found.start if found is not None else None
    rang = found.ringing if found is not None else None
    if end is None or start is None:
        return
    withdrawn = "rung" if rang is not None else ""
    if found is not None and found.first is None:
        withdrawn = "late"
    yield Finding(
        "cancelled",
        "info",
        variant=withdrawn if by_caller else "unseen",
        parameters={
            "wait_ms": max(0, end.ts - start.ts) // 1_000_000,
            "rung_ms": max(0, end.ts - rang.ts) // 1_000_000 if rang else 0,
            "code": refusal.made.summary if refusal is not None else "-",
        },
        evidence=(message(end),),
        since_ts=end.ts,
    )


RULE = Rule(
    "cancelled",
    _find,
    {
        "": Texts(
            N_("The caller gave up after {wait_ms}, before it rang."),
            N_(
                "A CANCEL of the caller withdrew the call. No ringing had been"
                " signalled by then."
            ),
            (
                N_(
                    "If callers say that they heard nothing: which host took how"
                    " long, in the table of hops."
                ),
            ),
        ),
        "rung": Texts(
            N_("The caller gave up after {rung_ms} of ringing."),
            N_(
                "A CANCEL of the caller withdrew the call while it rang. Nothing is"
                " wrong with it."
            ),
        ),
        "late": Texts(
            N_("The caller gave up before anybody answered."),
            N_(
                "A CANCEL of the caller withdrew the call, whose INVITE is not in"
                " this capture."
            ),
        ),
        "unseen": Texts(
            N_("The call was withdrawn before it was answered: {code}."),
            N_(
                "The response says that the INVITE was cancelled. The CANCEL of the"
                " caller is not in this capture."
            ),
        ),
    },
    CatalogueEntry(
        N_("Given up by the caller"),
        N_("The caller hung up before anybody answered."),
        N_("Nothing that they did not do themselves."),
        (N_("A wrong number dialled."), N_("The wait was too long; see slow-setup.")),
        (N_("The CANCEL, and the 487 that follows it."),),
        (N_("Nothing."),),
    ),
    ("RFC 3261 9.1", "RFC 3261 21.4.25"),
    rank=900,
)
