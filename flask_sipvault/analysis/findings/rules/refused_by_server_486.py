"""A 486 that no person and no busy phone gave."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..refusal_kind import states_limit
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "refused-by-server-486":
        return
    said = refusal.statements
    invite = refusal.transaction.request if refusal.transaction else None
    yield Finding(
        "refused-by-server-486",
        "error",
        variant="limit" if states_limit(refusal) else "",
        parameters={
            "server": refusal.maker,
            "code": refusal.made.summary,
            "took_ms": (refusal.took_ns or 0) // 1_000_000,
            "said": said or refusal.made.summary,
            "number": call.callee.user,
        },
        evidence=(
            message(refusal.made, N_("after {took_ms}, without ringing: {said}")),
            *([message(invite, N_("the INVITE that it refuses"))] if invite else []),
        ),
        since_ts=refusal.made.ts,
    )


_NEXT = (
    N_(
        "In the logs of {server}: which rule, route or filter refused {number} from"
        " this sender."
    ),
    N_(
        "Whether number and sender come in the form that {server} expects: with or"
        " without + and country code, from an address that it knows."
    ),
)

RULE = Rule(
    "refused-by-server-486",
    _find,
    {
        "": Texts(
            N_("The callee is not busy: {server} refused the call itself ({code})."),
            N_(
                "The refusal came after {took_ms}, without any ringing, and says:"
                " {said}. No person was asked and no phone rang. Which rule of"
                " {server} refuses, this capture does not show."
            ),
            _NEXT,
        ),
        "limit": Texts(
            N_(
                "The callee is not busy: {server} refused the call for a limit"
                " ({said})."
            ),
            N_(
                "The response {code} came without any ringing and names a limit. No"
                " person was asked; the code for busy only stands for the limit here."
            ),
            (
                N_(
                    "Which limit it is: calls at once, calls per second, per account,"
                    " per trunk."
                ),
                N_(
                    "How many calls were up at that time, and whether calls that"
                    " ended long ago are still counted."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("486 from a server, not from a busy phone"),
        N_(
            "486 Busy Here should mean that the callee is on the phone. Here a server"
            " gave it of its own accord: at once, without ringing, and with a phrase,"
            " Warning or Reason that speaks of something else."
        ),
        N_("A busy tone at once, at each try, though the called phone is free."),
        (
            N_("A flood, fraud or call limit of the server."),
            N_("A number in a form that matches no route."),
            N_("A sender that the server does not know."),
        ),
        (
            N_(
                "The reason phrase, Warning and Reason of the 486, and how soon it"
                " came."
            ),
            N_("The logs of the server that gave it."),
        ),
        (
            N_("Correct the number's form, or the sender's entry, on the server."),
            N_("Refuse with a code that says what is meant: 403, 404, 503."),
        ),
        {
            "OpenSIPS": N_(
                "send_reply()/t_reply() in the script: look for 486; pike, ratelimit."
            ),
            "Kamailio": N_(
                "sl_send_reply()/t_reply() in the script: look for 486; pike,"
                " pipelimit."
            ),
            "Asterisk": N_(
                "Busy() and Hangup(17) in the dialplan; endpoint: device_state_busy_at."
            ),
            "FreeSWITCH": N_(
                "respond 486 and hangup USER_BUSY in the dialplan; limit."
            ),
        },
    ),
    ("RFC 3261 21.4.24", "RFC 3261 20.43", "RFC 3326"),
    rank=190,
    explains=frozenset({"call-refused"}),
)
