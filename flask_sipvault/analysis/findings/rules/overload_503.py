"""A server that takes no calls: overloaded, being stopped, without a free line."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.refusal import Refusal
from ...sip.transactions import Transaction
from ..model import Finding
from ..references import message
from ..references import messages
from ..refusal_kind import CONGESTION_CAUSES
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import setup_invites

#: Q.850 41 is what any 503 becomes on the way through a gateway (RFC 3398 section
#: 8.2.6.1): it states nothing.
_STATED = CONGESTION_CAUSES - {41}


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "overload-503":
        return
    others = _refused_alike(call, refusal)
    servers = {t.server for t in others} or {refusal.maker}
    retry_after = refusal.made.header("Retry-After").partition(";")[0].partition("(")[0]
    stated = bool(retry_after.strip() or refusal.causes & _STATED)
    again = len(others) > 1 and len(servers) == 1
    refused = [t.refusal for t in others if t.refusal is not None]
    requests = [t.first for t in others[1:]] if again else []
    yield Finding(
        "overload-503",
        "error",
        "certain" if stated else "likely",
        ("again" if again else "stated") if stated else "",
        {
            "server": refusal.maker,
            "code": refusal.made.summary,
            "retry_after": retry_after.strip() or "-",
            "count": len(others),
            "said": refusal.statements or "-",
        },
        (
            message(refusal.made, N_("{server} refuses")),
            *messages(
                (m for m in refused if m is not refusal.made), N_("and refused before")
            ),
            *messages(requests, N_("sent to the same server again")),
        ),
        (refused[0] if refused else refusal.made).ts,
    )


def _refused_alike(call: Call, refusal: Refusal) -> list[Transaction]:
    """The INVITEs of one sender that were refused with this code."""
    at = refusal.transaction
    if at is None:
        return []
    return [
        t
        for t in setup_invites(call)
        if t.client == at.client
        and t.refusal is not None
        and t.refusal.code == refusal.code
    ]


RULE = Rule(
    "overload-503",
    _find,
    {
        "": Texts(
            N_("{server} takes no calls now: {code}."),
            N_(
                "The server refused for its own state and not because of the callee."
                " It does not say why; likely it is overloaded, out of lines, being"
                " stopped, or cannot reach the next server. No other server was tried"
                " after it."
            ),
            (
                N_("The load, the free lines and the logs of {server} at that time."),
                N_("Whether the sender has another server to try."),
            ),
        ),
        "stated": Texts(
            N_("{server} is overloaded or out of lines: {code}."),
            N_(
                "It says so itself (Retry-After: {retry_after}; {said}). No other"
                " server took the call after it."
            ),
            (
                N_("The load and the free lines of {server} at that time."),
                N_("Whether the sender has another server to try."),
            ),
        ),
        "again": Texts(
            N_(
                "{server} is overloaded or out of lines ({code}) and was asked"
                " {count} times."
            ),
            N_(
                "It says so itself (Retry-After: {retry_after}; {said}). The sender"
                " tried the same server again rather than another one, which adds to"
                " the load and does not help the call."
            ),
            (
                N_("The load and the free lines of {server} at that time."),
                N_(
                    "Why the sender tries no other server, and does not heed"
                    " Retry-After."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Server overloaded (503)"),
        N_(
            "A server refuses calls for its own state: too much load, no free line or"
            " channel, maintenance, or nothing behind it that works. A client should"
            " try another server, and leave this one alone for Retry-After seconds."
        ),
        N_(
            "A fast busy tone or an announcement that all lines are busy; another try"
            " may succeed."
        ),
        (
            N_("More calls than the server, the trunk or the gateway takes."),
            N_("All channels of a line towards the telephone network in use."),
            N_("A database or media server that the server needs is down or slow."),
            N_("The server is being stopped or restarted."),
        ),
        (
            N_("Retry-After, Reason (Q.850 34 and 42) and the phrase of the response."),
            N_("On the server: load, calls in progress, free channels."),
        ),
        (
            N_("Add capacity, or spread calls over more servers."),
            N_(
                "Let the sender try the next server after a 503, and pause the one"
                " that refused."
            ),
        ),
        {
            "OpenSIPS": N_(
                "load_balancer and dispatcher: failure_route with ds_next_dst() or"
                " lb_next(); ratelimit."
            ),
            "Kamailio": N_(
                "dispatcher: failure_route with ds_next_dst(), ds_mark_dst(); pike,"
                " ratelimit, pipelimit."
            ),
            "Asterisk": N_(
                "asterisk.conf: maxcalls, maxload; several contacts or trunks in Dial."
            ),
            "FreeSWITCH": N_(
                "switch.conf.xml: max-sessions, sessions-per-second; the bridge"
                " string with | for the next gateway."
            ),
        },
    ),
    ("RFC 3261 21.5.4", "RFC 3261 20.33", "RFC 7339", "ITU-T Q.850"),
    rank=200,
    explains=frozenset({"call-refused"}),
)
