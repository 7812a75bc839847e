"""A host on the way to the callee that gives no sign of life."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.transactions import Transaction
from ..failover import failed_ts
from ..failover import got_through
from ..failover import is_only_trying
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import by_client
from ..silent_hops import setup_invites
from ..silent_hops import silent_hops
from ..silent_hops import SilentHop

#: What a proxy or gateway answers because the next hop did not (RFC 3261 section 16.8).
_TIME_OUTS = (408, 504)

#: Q.850: no user responding, no answer, subscriber absent. A person or a phone is
#: meant, not a server.
_ABOUT_THE_CALLEE = frozenset({18, 19, 20})

#: A withdrawn INVITE that met no more than a 100 for so long: nothing was reached.
_LONG_NS = 5_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    found = False
    reached = _reached(call)
    silent = by_client_and_method(silent_hops(call))
    for hops in silent:
        if hops[0].transaction.method == "INVITE" and reached:
            continue
        found = True
        yield _silent(hops)
    if found or reached:
        return
    trying = [t for t in setup_invites(call) if _gave_up_trying(call, t)]
    if trying:
        yield _only_trying(trying[-1])
    else:
        yield from _reported(call)


def _reached(call: Call) -> bool:
    """Whether the call reached somebody by whatever way: then a host that was silent
    before cost time, and did not fail the call.
    """
    invites = setup_invites(call)
    return any(got_through(t) for t in invites)


def by_client_and_method(hops: Iterable[SilentHop]) -> list[list[SilentHop]]:
    """The silent hops of each sender."""
    at = {id(hop.transaction): hop for hop in hops}
    groups = by_client(hop.transaction for hop in at.values())
    return [[at[id(t)] for t in group] for group in groups.values()]


def _silent(hops: list[SilentHop]) -> Finding:
    first = hops[0].transaction
    requests = [hop.transaction.first for hop in hops]
    again = [m for hop in hops for m in hop.transaction.retransmissions]
    then = [hop.then for hop in hops if hop.then is not None and hop.then.code]
    servers = list(dict.fromkeys(hop.transaction.server for hop in hops))
    waited = hops[-1].given_up_ts - first.first.ts
    return Finding(
        "hop-no-response",
        "error",
        variant="several" if len(servers) > 1 else "",
        parameters={
            "client": first.client,
            "server": servers[0],
            "servers": len(servers),
            "method": first.method,
            "count": sum(len(hop.transaction.sendings) for hop in hops),
            "waited_ms": waited // 1_000_000,
            "size": max(m.size for m in requests),
        },
        evidence=(
            *messages(requests, N_("the {method} that met no response")),
            *messages(again, N_("sent again: no response")),
            *messages(then, N_("made by {client}, for want of a response")),
        ),
        since_ts=first.first.ts,
    )


def _gave_up_trying(call: Call, transaction: Transaction) -> bool:
    """Whether the server said 100 and nothing more until others gave up."""
    if transaction.downstream or not is_only_trying(transaction):
        return False
    if transaction.acks and not transaction.finals:
        return False  # its final response was not captured
    if not call.visibility.would_show(transaction.server, transaction.client):
        return False
    ended = failed_ts(transaction)
    if ended is None:
        above = transaction.upstream
        refused = above.refusal if above is not None else None
        ended = refused.ts if refused is not None else None
    if ended is None and call.evidence.state == "EXPIRED":
        return True
    by_caller = call.ending is not None and call.ending.by == "caller"
    return (
        ended is not None and not by_caller and ended - transaction.first.ts >= _LONG_NS
    )


def _only_trying(transaction: Transaction) -> Finding:
    trying = transaction.responses[0]
    end = failed_ts(transaction)
    above = transaction.upstream.refusal if transaction.upstream else None
    evidence: list[EvidenceReference] = [
        message(transaction.first, N_("the INVITE")),
        message(trying, N_("it arrived; nothing more came")),
    ]
    if transaction.cancel is not None:
        evidence.append(message(transaction.cancel.first, N_("given up")))
    if above is not None:
        evidence.append(message(above, N_("made by {client}, for want of a response")))
    last = end or (above.ts if above is not None else transaction.first.ts)
    return Finding(
        "hop-no-response",
        "error",
        "likely",
        "trying",
        {
            "client": transaction.client,
            "server": transaction.server,
            "waited_ms": (last - transaction.first.ts) // 1_000_000,
        },
        tuple(evidence),
        transaction.first.ts,
    )


def _reported(call: Call) -> Iterator[Finding]:
    """What a host says of one behind it that was not captured."""
    refusal = call.refusal
    if (
        refusal is None
        or refusal.code not in _TIME_OUTS
        or refusal.rang is not None
        or refusal.causes & _ABOUT_THE_CALLEE
    ):
        return
    took = refusal.took_ns or 0
    yield Finding(
        "hop-no-response",
        "error",
        "likely",
        "reported",
        {
            "server": refusal.maker,
            "code": refusal.made.summary,
            "waited_ms": took // 1_000_000,
        },
        (message(refusal.made, N_("says that nobody responded in time")),),
        refusal.made.ts,
    )


RULE = Rule(
    "hop-no-response",
    _find,
    {
        "": Texts(
            N_("{server} did not respond to the {method} of {client}."),
            N_(
                "{client} sent it {count} times within {waited_ms} and nothing came"
                " back, not even a 100 Trying. A refusal that the caller got was made"
                " on the near side of {server}; the callee was never asked."
            ),
            (
                N_(
                    "Whether {server} is up, and SIP is listening there on this port"
                    " and transport."
                ),
                N_(
                    "Whether firewalls let the request through, and the response"
                    " back: capture on {server} itself."
                ),
                N_(
                    "Whether {server} drops what it does not know: the sender's"
                    " address may be missing in its trunk or access list."
                ),
                N_(
                    "The size of the request, {size} bytes: above some 1300 bytes IP"
                    " fragments may be lost on the way."
                ),
            ),
        ),
        "several": Texts(
            N_(
                "None of the {servers} servers that {client} sent the {method} to"
                " responded."
            ),
            N_(
                "{client} sent it {count} times within {waited_ms}, to one server"
                " after the other, and nothing came back from any of them. The callee"
                " was never asked."
            ),
            (
                N_(
                    "Whether {client} reaches the network of these servers at all:"
                    " route, firewall, VPN."
                ),
                N_("Whether the servers are up, beginning with {server}."),
                N_(
                    "Whether they drop what comes from {client}: its address may be"
                    " missing in their access lists."
                ),
            ),
        ),
        "trying": Texts(
            N_("{server} took the INVITE of {client} and then said nothing more."),
            N_(
                "{server} acknowledged the INVITE with 100 Trying; for {waited_ms} no"
                " ringing, answer or refusal followed, and {client} gave up. Likely"
                " the next host behind {server} is silent, or {server} is stuck."
            ),
            (
                N_("In the logs of {server}: where it sent the call, and what it met."),
                N_("A capture on {server}, of its other side."),
            ),
        ),
        "reported": Texts(
            N_("A host behind {server} likely did not respond: {code}."),
            N_(
                "{server} refused after {waited_ms} without any ringing before. This"
                " response is what a server makes itself when the next one does not"
                " respond. What it sent there is not in this capture."
            ),
            (
                N_("In the logs of {server}: where it sent the call."),
                N_("A capture on {server}, of its other side: which host is silent."),
            ),
        ),
    },
    CatalogueEntry(
        N_("No response from a hop"),
        N_(
            "A host sent a request to the next one and got nothing back, not even the"
            " 100 Trying that a server sends to an INVITE within 200 ms. The sender"
            " repeats it over UDP and gives up after 64*T1 (32 s by default); a proxy"
            " then refuses the call itself with 408."
        ),
        N_(
            "Silence for several seconds, up to half a minute, then an error tone or"
            " an announcement; or the call goes another way, late."
        ),
        (
            N_("The next host is down, or its SIP server is."),
            N_("A firewall or access list drops the request or the response."),
            N_("The route points to an address that nobody has any more."),
            N_("The response is sent to another address or port than the request's."),
            N_("The request is larger than the path takes; see invite-too-large."),
        ),
        (
            N_(
                "In the ladder: an arrow that is sent again and again without another"
                " one back."
            ),
            N_("In the table of hops: the hop without a first response."),
            N_("On the silent host: whether the request arrives there at all."),
        ),
        (
            N_("Bring the host back, or take it out of the routing."),
            N_("Probe next hops with OPTIONS, so that calls avoid one that is down."),
            N_(
                "Set a short timer for the first response, so that another host is"
                " tried after seconds and not after 32."
            ),
        ),
        {
            "OpenSIPS": N_(
                "tm: fr_timeout (the wait for a first response); dispatcher or"
                " drouting with ds_ping_interval or probing, so that a dead gateway"
                " is skipped."
            ),
            "Kamailio": N_(
                "tm: fr_timer (the wait for a first response); dispatcher:"
                " ds_ping_interval, ds_probing_mode."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=aor: qualify_frequency and qualify_timeout;"
                " type=system: timer_t1, timer_b."
            ),
            "FreeSWITCH": N_(
                "Gateway: ping, ping-max; Sofia profile: timer-T1, timer-T1X64."
            ),
        },
    ),
    ("RFC 3261 17.1.1.2", "RFC 3261 16.8", "RFC 3263 4.3"),
    rank=150,
    explains=frozenset(
        {
            "call-refused",
            "cancel-no-response",
            "cancelled",
            "no-answer",
            "overload-503",
            "slow-setup",
            "subscriber-absent",
        }
    ),
)
