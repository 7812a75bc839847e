"""A number that a server does not know, or no longer, or not in this form."""

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

#: SIP codes and Q.850 causes that say more than that the number is not known.
_VARIANTS = {
    "incomplete": (frozenset({484}), frozenset({28})),
    "ambiguous": (frozenset({485}), frozenset[int]()),
    "changed": (frozenset({410}), frozenset({22})),
    "no-route": (frozenset[int](), frozenset({3})),
}


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "number-unknown":
        return
    variant = next(
        (
            name
            for name, (codes, causes) in _VARIANTS.items()
            if refusal.code in codes or refusal.causes & causes
        ),
        "",
    )
    invite = refusal.transaction.request if refusal.transaction else None
    said = refusal.statements
    yield Finding(
        "number-unknown",
        "error",
        variant=variant,
        parameters={
            "server": refusal.maker,
            "code": refusal.made.summary,
            "number": call.callee.user or call.callee.uri,
            "said": said or refusal.made.summary,
        },
        evidence=(
            message(refusal.made, N_("refused: {said}")),
            *([message(invite, N_("the number as it comes"))] if invite else []),
        ),
        since_ts=refusal.made.ts,
    )


_NEXT = (
    N_("Whether {number} is the number that was meant, and is set up on {server}."),
    N_("Whether it comes in the form that {server} expects: +, country code, prefix."),
    N_("Whether {server} knows the sender: some look a number up only for known ones."),
)

RULE = Rule(
    "number-unknown",
    _find,
    {
        "": Texts(
            N_("{server} does not know the number {number}: {code}."),
            N_(
                "It refused the call because of the number ({said}). Whether the"
                " number does not exist, or is not set up for this sender or in this"
                " form, the response does not tell."
            ),
            _NEXT,
        ),
        "incomplete": Texts(
            N_("The number {number} is incomplete or has a wrong form: {code}."),
            N_(
                "{server} refused the call because of the number's form ({said}), and"
                " no longer number followed."
            ),
            (
                N_("Whether digits are missing, or a prefix is too much."),
                N_("Which form {server} expects: +, country code, prefix."),
                N_("Whether the sender should collect more digits before it sends."),
            ),
        ),
        "ambiguous": Texts(
            N_("The number {number} is ambiguous to {server}: {code}."),
            N_("Several subscribers fit ({said}), and {server} does not choose one."),
            (N_("Which subscribers fit, and which form tells them apart."),),
        ),
        "changed": Texts(
            N_("The number {number} is no longer in use: {code}."),
            N_(
                "{server} knows the number and says that it is gone or has changed"
                " ({said})."
            ),
            (N_("Whether the response or an announcement names a new number."),),
        ),
        "no-route": Texts(
            N_("{server} has no route to the number {number}: {code}."),
            N_(
                "It refused the call because nothing in its routing leads there"
                " ({said})."
            ),
            (
                N_("The routes of {server} for this number, and for this sender."),
                N_(
                    "Whether it comes in the form that the routes expect: +, country"
                    " code, prefix."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Number unknown"),
        N_(
            "A server refused the call because of the called number: unknown,"
            " unrouted, incomplete, ambiguous, or no longer in use."
        ),
        N_("An announcement that the number does not exist, or a tone at once."),
        (
            N_("A number dialled wrongly."),
            N_("A number in another form than the server expects."),
            N_("A number that is not set up, or not yet, or not for this sender."),
            N_("A route that is missing."),
        ),
        (
            N_(
                "The number in the Request-URI at the host that refused: digits are"
                " changed on the way."
            ),
            N_("The words of the refusal, and its Q.850 cause."),
        ),
        (
            N_("Set the number up, or the route to it."),
            N_("Change the number's form on the way: strip or add prefixes."),
        ),
        {
            "OpenSIPS": N_("drouting, dialplan, alias_db and registrar look-ups."),
            "Kamailio": N_(
                "dialplan, lcr, carrierroute, alias_db and registrar look-ups."
            ),
            "Asterisk": N_(
                "The context of the endpoint and its extensions; dialplan show"
                " NUMBER@CONTEXT."
            ),
            "FreeSWITCH": N_(
                "The context of the profile or user and its extensions; directory."
            ),
        },
    ),
    ("RFC 3261 21.4.5", "RFC 3261 21.4.22", "RFC 3261 21.6.3", "RFC 3398 7.2.4.1"),
    rank=200,
    explains=frozenset({"call-refused"}),
)
