"""A call that is sent in a circle."""

from __future__ import annotations

import re
from collections.abc import Hashable
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.messages import Message
from ...sip.transactions import MAX_HOPS
from ...sip.transactions import Transaction
from ..model import Finding
from ..references import message
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import setup_invites

_LOOP_DETECTED, _TOO_MANY_HOPS = 482, 483

#: The same request at the same host so often has no other reason than a loop. Twice may
#: be the way through an application server.
_CERTAIN_PASSES = 3

#: A Max-Forwards that begins so low runs out on a way of usual length (70 is usual,
#: RFC 3261 section 8.1.1.6).
_FEW_HOPS = 10

_MERGED = re.compile(r"merge", re.IGNORECASE)


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    code = refusal.code if refusal is not None else 0
    refused = code in (_LOOP_DETECTED, _TOO_MANY_HOPS)
    passes = _most_passes(setup_invites(call))
    if len(passes) >= _CERTAIN_PASSES or (refused and len(passes) > 1):
        answered = call.setup is not None and call.setup.answer is not None
        yield _loop(call, passes, answered)
    elif refused:
        yield from _reported(call, code)


def _most_passes(invites: list[Transaction]) -> list[Transaction]:
    """The sendings of one request to one host with one Request-URI and Route, each of
    which comes from the one before; the longest such row, in order.
    """
    most: list[Transaction] = []
    best = 1
    for each in invites:
        row = [t for t in _way_to(each) if _target(t) == _target(each)]
        if len(row) > best:
            most, best = row[::-1], len(row)
    return most


def _way_to(transaction: Transaction) -> Iterator[Transaction]:
    """The hops of a request from here back to its sender."""
    at: Transaction | None = transaction
    for _hop in range(MAX_HOPS + 1):
        if at is None:
            return
        yield at
        at = at.upstream


def _target(transaction: Transaction) -> Hashable:
    request = transaction.request
    assert request is not None
    assert request.sip is not None
    # A request that comes back with another target is a spiral (RFC 3261 section 6).
    return transaction.server, request.sip.uri, tuple(request.sip.values("Route"))


def _loop(call: Call, passes: list[Transaction], answered: bool) -> Finding:
    requests = [t.first for t in passes]
    refusal = call.refusal
    ends = [refusal.made, refusal.response] if refusal is not None else []
    last = passes[-1]
    uri = requests[0].sip.uri if requests[0].sip else ""
    return Finding(
        "routing-loop",
        "warning" if answered else "error",
        parameters={
            "client": last.client,
            "server": last.server,
            "uri": uri or "",
            "count": len(passes),
            "code": refusal.made.summary if refusal is not None else "-",
        },
        evidence=(
            *messages(requests, N_("the same Request-URI to the same host")),
            *messages(ends, N_("the refusal that ends it")),
        ),
        since_ts=requests[1].ts,
    )


def _reported(call: Call, code: int) -> Iterator[Finding]:
    refusal = call.refusal
    assert refusal is not None
    first = call.setup.first if call.setup else None
    hops = _max_forwards(first)
    reason = refusal.made.sip.reason if refusal.made.sip else ""
    evidence = [message(refusal.made, N_("the refusal"))]
    if code == _TOO_MANY_HOPS and hops is not None and hops < _FEW_HOPS:
        variant = "max-forwards"
        assert first is not None
        evidence.append(message(first, N_("Max-Forwards: {hops}")))
    elif code == _LOOP_DETECTED and _MERGED.search(reason):
        variant = "merged"
    else:
        variant = "reported"
    yield Finding(
        "routing-loop",
        "error",
        "certain" if variant == "max-forwards" else "likely",
        variant,
        {
            "server": refusal.maker,
            "code": refusal.made.summary,
            "hops": -1 if hops is None else hops,
            "number": call.callee.user,
        },
        tuple(evidence),
        refusal.made.ts,
    )


def _max_forwards(invite: Message | None) -> int | None:
    value = invite.header("Max-Forwards").strip() if invite is not None else ""
    return int(value) if re.fullmatch("[0-9]{1,5}", value) else None


RULE = Rule(
    "routing-loop",
    _find,
    {
        "": Texts(
            N_(
                "The call goes round in a loop: {client} sends {uri} to {server}"
                " again and again."
            ),
            N_(
                "{server} got the same request with the same Request-URI {count}"
                " times, each one from the one before. It ended with {code}. Each"
                " host takes the other for the one that knows the callee."
            ),
            (
                N_(
                    "The routing of {server} for {uri}: why it sends the call on"
                    " instead of serving it."
                ),
                N_(
                    "The routing of {client} for {uri}: why it sends back what it got"
                    " from there."
                ),
                N_(
                    "Whether a forwarding or a default route leads back to where the"
                    " call comes from."
                ),
            ),
        ),
        "max-forwards": Texts(
            N_(
                "The INVITE may only pass {hops} hops, and {server} was one too many:"
                " {code}."
            ),
            N_(
                "The sender set Max-Forwards to {hops}; 70 is usual. No loop shows in"
                " this capture: the way was longer than the sender allows."
            ),
            (
                N_("Where Max-Forwards is set at the sender."),
                N_("How many hops the call has to pass."),
            ),
        ),
        "merged": Texts(
            N_("{server} got the same call by two ways and refused it: {code}."),
            N_(
                "A request that was forked on the way came together again at one host"
                " (RFC 3261 section 8.2.2.2). Likely two branches of the fork lead to"
                " the same place."
            ),
            (
                N_("Which hosts before {server} fork the call, and to what contacts."),
                N_("Whether the same contact is registered twice."),
            ),
        ),
        "reported": Texts(
            N_(
                "The call to {number} likely goes round in a loop: {server} answers"
                " {code}."
            ),
            N_(
                "The response says that the request passed too many hops or came back"
                " to a host where it had been. The loop itself is not in this"
                " capture."
            ),
            (
                N_(
                    "The Via header fields of the INVITE where it reaches {server}:"
                    " which hosts repeat."
                ),
                N_("The routing of the hosts behind {server} for {number}."),
                N_("Whether a forwarding leads back to the callee itself."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Routing loop"),
        N_(
            "A request came back to a host where it had been, with the same target,"
            " so that it goes round until Max-Forwards is used up (483) or a host"
            " notices (482)."
        ),
        N_(
            "The call fails after a short silence; the hosts of the loop have a load"
            " out of proportion."
        ),
        (
            N_("Two servers whose default routes point at each other."),
            N_("A number that each of the two believes the other to serve."),
            N_("Call forwarding in a circle."),
            N_("A domain or an own address that a proxy does not know as its own."),
        ),
        (
            N_(
                "In the ladder: the same INVITE to and fro, Max-Forwards one less"
                " each time."
            ),
            N_("In the Via header fields of a late INVITE: the same hosts in turns."),
        ),
        (
            N_("Correct the route of the host that should have served the call."),
            N_("Never send a call back to where it came from: check the source first."),
            N_("Tell the proxy its own addresses and domains."),
        ),
        {
            "OpenSIPS": N_(
                "alias in the script and the domain module, so that is_myself() knows"
                " own names; mf_process_maxfwd_header(); drouting without the gateway"
                " that the call came from."
            ),
            "Kamailio": N_(
                "alias and the domain module, so that myself knows own names;"
                " mf_process_maxfwd_header(); ds_is_from_list() before routing."
            ),
            "Asterisk": N_(
                "The dialplan: a context for calls from the trunk that never dials"
                " that trunk; CHANNEL(max_forwards)."
            ),
            "FreeSWITCH": N_(
                "The dialplan: a context for calls from the gateway that never"
                " bridges to it; max_forwards."
            ),
        },
    ),
    ("RFC 3261 16.3", "RFC 3261 8.2.2.2", "RFC 5393"),
    rank=100,
    explains=frozenset(
        {
            "call-refused",
            "hop-no-response",
            "overload-503",
            "slow-setup",
            "slow-failover",
        }
    ),
)
