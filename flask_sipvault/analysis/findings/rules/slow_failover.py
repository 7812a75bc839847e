"""A call that was taken late because a server before did not take it."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..failover import find_failovers
from ..model import Finding
from ..references import message
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: A caller waits longer than this before it rings anyway, without noticing.
NOTICED_NS = 1_500_000_000


def _find(call: Call) -> Iterator[Finding]:
    for failover in find_failovers(call):
        if failover.lost_ns < NOTICED_NS:
            continue
        failed = failover.failed
        servers = list(dict.fromkeys(t.server for t in failed))
        refused = [t.refusal for t in failed if t.refusal is not None]
        again = [m for t in failed for m in t.retransmissions]
        yield Finding(
            "slow-failover",
            "warning",
            variant="several" if len(servers) > 1 else "",
            parameters={
                "client": failover.client,
                "server": servers[0],
                "servers": len(servers),
                "taken": failover.taken.server,
                "lost_ms": failover.lost_ns // 1_000_000,
            },
            evidence=(
                *messages(
                    (t.first for t in failed), N_("the INVITE that did not get through")
                ),
                *messages(again, N_("sent again")),
                *messages(refused, N_("refused by the server itself")),
                message(failover.taken.first, N_("the INVITE that was taken")),
            ),
            since_ts=failed[0].first.ts,
        )


RULE = Rule(
    "slow-failover",
    _find,
    {
        "": Texts(
            N_("{server} did not take the call, which cost {lost_ms}."),
            N_(
                "{client} sent the INVITE to {server} first and to {taken}, which"
                " took it, only {lost_ms} later. In that time the caller heard"
                " nothing."
            ),
            (
                N_("Why {server} does not take calls: down, filtered, overloaded."),
                N_("The routing of {client}: whether it still has to try {server}."),
                N_("The timer of {client} for a first response: 2 s are enough."),
            ),
        ),
        "several": Texts(
            N_("{servers} servers did not take the call, which cost {lost_ms}."),
            N_(
                "{client} tried them one after the other, beginning with {server};"
                " {taken} took the call {lost_ms} after the first. In that time the"
                " caller heard nothing."
            ),
            (
                N_("Why these servers do not take calls: down, filtered, overloaded."),
                N_("The routing of {client}: whether it still has to try them."),
                N_("The timer of {client} for a first response: 2 s are enough."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Slow failover"),
        N_(
            "The first server that a call was sent to did not take it, and another"
            " one did. That is what several servers are for, but the wait for the"
            " first one delays each call that is sent to it."
        ),
        N_(
            "Seconds of silence after dialling, then it rings as usual; not on each"
            " call, where servers take turns."
        ),
        (
            N_("The first server is down and still in the routing."),
            N_("The wait for a first response is left at its default, up to 32 s."),
            N_("Probing is off, or takes long to notice that a server is down."),
        ),
        (
            N_(
                "In the ladder: the INVITE that is sent again to one host and then"
                " once to another."
            ),
            N_("Other calls of the same minute: the same wait."),
        ),
        (
            N_("Probe the servers with OPTIONS and skip one that does not answer."),
            N_(
                "Wait for the first response 1 to 2 s, not 32: any server that is up"
                " sends 100 Trying within 200 ms."
            ),
        ),
        {
            "OpenSIPS": N_(
                "tm: fr_timeout; dispatcher: ds_ping_interval, ds_probing_mode;"
                " drouting: probing_interval."
            ),
            "Kamailio": N_(
                "tm: fr_timer; dispatcher: ds_ping_interval, ds_probing_mode."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=aor: qualify_frequency, so that an unreachable"
                " contact is skipped."
            ),
            "FreeSWITCH": N_(
                "Gateway: ping, ping-max; dial string: leg_progress_timeout, fail"
                " over with |."
            ),
        },
    ),
    ("RFC 3263 4.3", "RFC 3261 17.1.1.2", "RFC 3261 16.7"),
    rank=300,
    explains=frozenset({"slow-setup", "cancelled", "hop-no-response"}),
)
