"""A call that another server took at once."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..failover import find_failovers
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from .slow_failover import NOTICED_NS


def _find(call: Call) -> Iterator[Finding]:
    for failover in find_failovers(call):
        if failover.lost_ns >= NOTICED_NS:
            continue
        yield Finding(
            "failover",
            "info",
            parameters={
                "client": failover.client,
                "server": failover.failed[0].server,
                "taken": failover.taken.server,
                "lost_ms": failover.lost_ns // 1_000_000,
            },
            evidence=tuple(messages(failover.decisive)),
            since_ts=failover.failed[0].first.ts,
        )


RULE = Rule(
    "failover",
    _find,
    {
        "": Texts(
            N_("{server} did not take the call; {taken} took it {lost_ms} later."),
            N_(
                "{client} tried another server, as it should. Nobody noticed: the"
                " other one took the call at once."
            ),
            (N_("If many calls show it: why {server} does not take them."),),
        ),
    },
    CatalogueEntry(
        N_("Failover"),
        N_(
            "The first server that a call was sent to did not take it, another one"
            " did, and the caller did not have to wait. Nothing is wrong with this"
            " call."
        ),
        N_("Nothing."),
        (N_("A server that is overloaded, is being restarted, or is down."),),
        (N_("The refusal of the first server, if there is one, says why."),),
        (N_("Nothing, unless many calls show it."),),
    ),
    ("RFC 3263 4.3", "RFC 3261 21.5.4"),
    rank=950,
)
