"""A call that was refused because a limit is reached, by the refuser's own words."""

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
    if refusal is None or kind_of(call) != "call-limit":
        return
    yield Finding(
        "call-limit",
        "error",
        parameters={
            "server": refusal.maker,
            "code": refusal.made.summary,
            "said": tuple(refusal.said),
        },
        evidence=(message(refusal.made, N_("refused for a limit: {said}")),),
        since_ts=refusal.made.ts,
    )


RULE = Rule(
    "call-limit",
    _find,
    {
        "": Texts(
            N_("{server} refused the call for a limit that is reached: {said}."),
            N_(
                "The response {code} says so in its own words. The callee was not"
                " asked; the same call succeeds once the limit is no longer reached,"
                " or is raised."
            ),
            (
                N_(
                    "Which limit it is: calls at once, calls per second, per account,"
                    " per trunk, or a licence."
                ),
                N_(
                    "How many calls of this account were up at that time, and whether"
                    " calls that ended long ago are still counted."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Call limit reached"),
        N_(
            "A server refused the call because a number of calls, channels or new"
            " calls per second is reached, and says so in the reason phrase, a"
            " Warning or a Reason header."
        ),
        N_("Calls fail at busy hours, and succeed a little later."),
        (
            N_("More calls at once than the account or the trunk was sold for."),
            N_("Calls that ended without a BYE and are still counted."),
            N_("A dialler that starts more calls per second than is allowed."),
            N_("Fraud: calls that nobody of the customer makes."),
        ),
        (
            N_("The words of the refusal."),
            N_("The calls of the same customer that were up at that time."),
        ),
        (
            N_("Raise the limit, or let calls overflow to another trunk."),
            N_("Let the counter forget dead calls: session timers, dialog pings."),
            N_("Slow a dialler down."),
        ),
        {
            "OpenSIPS": N_(
                "dialog profiles (get_profile_size()), ratelimit, load_balancer"
                " resources."
            ),
            "Kamailio": N_(
                "dialog profiles (get_profile_size()), pipelimit, ratelimit."
            ),
            "Asterisk": N_(
                "asterisk.conf: maxcalls; GROUP_COUNT() in the dialplan; endpoint:"
                " device_state_busy_at."
            ),
            "FreeSWITCH": N_(
                "limit and limit_execute in the dialplan; max-sessions,"
                " sessions-per-second."
            ),
        },
    ),
    ("RFC 3261 20.43", "RFC 3326"),
    rank=190,
    explains=frozenset({"call-refused"}),
)
