"""A call that rang and that nobody took."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.messages import Message
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    if kind_of(call) != "no-answer":
        return
    refusal, ending, found = call.refusal, call.ending, call.setup
    by_caller = ending is not None and ending.by == "caller"
    rang = found.ringing if found is not None else None
    end: Message | None = None
    if by_caller and ending is not None:
        end = ending.message
    elif refusal is not None:
        end = refusal.made
    if end is None:
        return
    variant = "given-up" if by_caller else ("" if rang is not None else "stated")
    yield Finding(
        "no-answer",
        "info",
        variant=variant,
        parameters={
            "code": refusal.made.summary if refusal is not None else "-",
            "server": refusal.maker if refusal is not None else end.origin,
            "rung_ms": (end.ts - rang.ts) // 1_000_000 if rang is not None else 0,
        },
        evidence=(
            *([message(rang, N_("it rang"))] if rang is not None else []),
            message(end, N_("and here that ends")),
        ),
        since_ts=end.ts,
    )


RULE = Rule(
    "no-answer",
    _find,
    {
        "": Texts(
            N_(
                "Nobody answered: it rang for {rung_ms}, then {server} ended the call"
                " with {code}."
            ),
            N_(
                "The phone rang and nobody took the call before a timer ran out."
                " Nothing is wrong with the call."
            ),
            (
                N_(
                    "If {rung_ms} of ringing is too short: the timer for ringing on"
                    " {server} or before it."
                ),
            ),
        ),
        "given-up": Texts(
            N_("Nobody answered: it rang for {rung_ms}, then the caller gave up."),
            N_(
                "The phone rang and nobody took the call. Nothing is wrong with the"
                " call."
            ),
            (
                N_(
                    "If the callee says that the phone did not ring: the phone"
                    " itself, and other phones of a fork."
                ),
            ),
        ),
        "stated": Texts(
            N_("Nobody answered, says {server}: {code}."),
            N_(
                "The response says that the callee did not answer (Q.850 cause 18 or"
                " 19). No ringing was seen on this side."
            ),
            (N_("Whether ringing should have been signalled: 180, or early media."),),
        ),
    },
    CatalogueEntry(
        N_("No answer"),
        N_("The called phone rang and nobody took the call."),
        N_("Ringing tone until the caller hangs up or an announcement comes."),
        (N_("Nobody there."), N_("A phone on which ringing is switched off.")),
        (N_("18x, then a CANCEL, 408, 480, 487 or Q.850 cause 19."),),
        (N_("Nothing; a voicemail or a forwarding, if callers shall get through."),),
        {
            "OpenSIPS": N_("tm: fr_inv_timeout is how long a proxy lets it ring."),
            "Kamailio": N_("tm: fr_inv_timer is how long a proxy lets it ring."),
            "Asterisk": N_("The timeout of Dial()."),
            "FreeSWITCH": N_("call_timeout, originate_timeout, leg_timeout."),
        },
    ),
    ("RFC 3261 16.7", "RFC 3261 21.4.18", "ITU-T Q.850"),
    rank=900,
)
