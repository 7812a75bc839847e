"""A call that the callee did not want to take."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import AT_ONCE_NS
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "declined":
        return
    rang = refusal.rang
    at_once = refusal.took_ns is not None and refusal.took_ns < AT_ONCE_NS
    variant = "" if rang else ("at-once" if at_once else "silent")
    yield Finding(
        "declined",
        "info",
        "likely" if variant == "at-once" else "certain",
        variant,
        {
            "code": refusal.made.summary,
            "server": refusal.maker,
            "rung_ms": (refusal.made.ts - rang.ts) // 1_000_000 if rang else 0,
            "took_ms": (refusal.took_ns or 0) // 1_000_000,
        },
        (
            message(refusal.made, N_("declined")),
            *([message(rang, N_("it rang"))] if rang else []),
        ),
        refusal.made.ts,
    )


_NEXT = (
    N_(
        "Nothing, unless the callee says that they did not: then the settings of the"
        " phone at {server}."
    ),
)

RULE = Rule(
    "declined",
    _find,
    {
        "": Texts(
            N_("The callee declined the call after {rung_ms} of ringing: {code}."),
            N_(
                "The phone rang and the call was then refused there. Somebody pressed"
                " the button, or the phone did so by itself."
            ),
            _NEXT,
        ),
        "silent": Texts(
            N_("The callee declined the call: {code}."),
            N_("{server} refused the call for the callee. No ringing was seen before."),
            _NEXT,
        ),
        "at-once": Texts(
            N_("The call was declined at once: {code}."),
            N_(
                "{server} refused after {took_ms}, without ringing. That is no"
                " person; likely do-not-disturb, a list of blocked callers, or a rule"
                " of the server."
            ),
            (
                N_(
                    "Do-not-disturb, blocked callers and forwarding on the phone and"
                    " the server at {server}."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Declined"),
        N_("The callee, or the phone in their name, refused the call."),
        N_("A busy tone or an announcement after some ringing."),
        (
            N_("Somebody pressed reject."),
            N_("Do-not-disturb, or a list of blocked callers."),
        ),
        (N_("603, 607 or Q.850 cause 21; 486 or 600 after ringing."),),
        (N_("Nothing."),),
    ),
    ("RFC 3261 21.6.2", "RFC 8197", "ITU-T Q.850"),
    rank=900,
)
