"""A host that is there, and on which nothing listens for the call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....evidence import NetworkEvent
from ....language import N_
from ....protocols.address import Endpoint
from ....protocols.network_error import ErrorKind
from ...call import Call
from ...sip.refusal import Refusal
from ..failover import got_through
from ..model import Finding
from ..references import message
from ..references import messages
from ..references import network_events
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import setup_invites
from ..silent_hops import silent_hops
from ..silent_hops import SilentHop
from ..undelivered import unconnected
from ..undelivered import undelivered

#: What servers say of a next hop that the network refused to reach.
_NOT_REACHED = re.compile(
    r"connection (?:refused|reset)|(?:port|host|net(?:work)?|destination)"
    r"(?: is)? unreachable|no route to host|error on sending to next hop"
    r"|connect(?:ion)? (?:failed|error)|transport (?:error|failure)",
    re.IGNORECASE,
)


#: What the network says, and the texts that say it.
_VARIANTS: dict[ErrorKind, str] = {
    "port-unreachable": "",
    "reset": "reset",
    "prohibited": "prohibited",
    "net-unreachable": "unreachable",
    "host-unreachable": "unreachable",
    "protocol-unreachable": "unreachable",
    "unreachable": "unreachable",
    "ttl-exceeded": "unreachable",
}


def _find(call: Call) -> Iterator[Finding]:
    if any(got_through(t) for t in setup_invites(call)):
        return  # another server took the call: slow-failover or failover says it
    errors = undelivered(call)
    found = False
    for hop in silent_hops(call):
        events = errors.get(hop.transaction.number, [])
        kinds = [e for e in events if e.error.kind in _VARIANTS]
        if kinds:
            found = True
            yield _closed(hop, kinds)
    if found:
        return
    resets = [e for e in unconnected(call) if e.error.kind == "reset"]
    if resets and call.refusal is not None and not call.refusal.rang:
        yield _not_connected(call.refusal, resets)
    else:
        yield from _reported(call)


def _closed(hop: SilentHop, events: list[NetworkEvent]) -> Finding:
    request = hop.transaction.first
    error = events[0].error
    then = [hop.then] if hop.then is not None and hop.then.code else []
    return Finding(
        "port-closed",
        "error",
        variant=_VARIANTS[error.kind],
        parameters={
            "client": request.src,
            "server": request.dst,
            "method": request.method,
            "by": Endpoint(error.src.ip, 0),
            "transport": error.transport.upper(),
            "count": len(events),
        },
        evidence=(
            *messages(hop.transaction.sendings, N_("sent, and not delivered")),
            *network_events(events, N_("{by} says that it is not delivered")),
            *messages(then, N_("made by {client} for it")),
        ),
        since_ts=request.ts,
    )


def _not_connected(refusal: Refusal, events: list[NetworkEvent]) -> Finding:
    error = events[0].error
    return Finding(
        "port-closed",
        "error",
        variant="reset",
        parameters={
            "client": Endpoint(error.lost_src.ip, 0),
            "server": error.lost_dst,
            "method": "INVITE",
            "by": Endpoint(error.src.ip, 0),
            "transport": "TCP",
            "count": len(events),
        },
        evidence=(
            message(refusal.made, N_("made by {client} for it")),
            *network_events(events, N_("{by} says that it is not delivered")),
        ),
        since_ts=events[0].ts,
    )


def _reported(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or refusal.rang is not None:
        return
    said = next((text for text in refusal.said if _NOT_REACHED.search(text)), "")
    if not said:
        return
    yield Finding(
        "port-closed",
        "error",
        "likely",
        "reported",
        {"server": refusal.maker, "code": refusal.made.summary, "said": said},
        (message(refusal.made, N_("says that the next host was not reached: {said}")),),
        refusal.made.ts,
    )


RULE = Rule(
    "port-closed",
    _find,
    {
        "": Texts(
            N_(
                "Nothing listens on {server} for the {method} of {client}: port"
                " unreachable."
            ),
            N_(
                "The host is there and said {count} times by ICMP that no program"
                " takes {transport} packets on this port. The callee was never asked."
            ),
            (
                N_(
                    "Whether the SIP server on {server} runs, and on which address,"
                    " port and transport it listens."
                ),
                N_("Whether {client} should send to another port."),
            ),
        ),
        "reset": Texts(
            N_("{server} refuses TCP connections from {client}: connection reset."),
            N_(
                "The {method} needs a connection, and {by} answered with RST {count}"
                " times: no program listens there, or it does not want this sender."
                " The callee was never asked."
            ),
            (
                N_(
                    "Whether the SIP server on {server} runs, and listens on TCP or"
                    " TLS on this port."
                ),
                N_("Whether a firewall on the way refuses the connection."),
            ),
        ),
        "prohibited": Texts(
            N_("A filter forbids {client} to reach {server}: {by} says so."),
            N_(
                "The {method} was not delivered; {by} answered {count} times by ICMP"
                " that the communication is administratively prohibited. The callee"
                " was never asked."
            ),
            (
                N_("The rules of the firewall {by} for {client} and {server}."),
                N_("Whether {client} should come from another address."),
            ),
        ),
        "unreachable": Texts(
            N_("{server} cannot be reached from {client}: {by} says so."),
            N_(
                "The {method} was not delivered; {by} answered {count} times by ICMP"
                " that no way leads there. The callee was never asked."
            ),
            (
                N_("Whether {server} is up, and has this address."),
                N_("The routes from {client} to {server}, at {by} first."),
            ),
        ),
        "reported": Texts(
            N_("{server} could not reach the next host: {said}."),
            N_(
                "It refused the call with {code} and says that the network did not"
                " let it send. Likely nothing listens at the address that it was to"
                " send to, or no way leads there."
            ),
            (
                N_("In the logs of {server}: which address and port it tried."),
                N_(
                    "Whether the SIP server of the next host runs, on this port and"
                    " transport."
                ),
                N_("Whether a firewall on the way rejects the packets."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Port closed"),
        N_(
            "The network said that a request cannot be delivered: nothing listens on"
            " the port (ICMP port unreachable, TCP RST), or a router or firewall"
            " refuses."
        ),
        N_("The call fails at once, or after another server has been tried."),
        (
            N_("The SIP server of the next host is not running."),
            N_("It listens on another port, address or transport."),
            N_("A firewall that rejects instead of dropping."),
            N_("A route that points to a wrong address."),
        ),
        (
            N_("ICMP errors and TCP resets beside the request, in the ladder."),
            N_("On the next host: ss -lntu shows what listens where."),
        ),
        (
            N_(
                "Start the server, or correct the address, port and transport of the"
                " route."
            ),
            N_("Open the firewall for the sender."),
        ),
        {
            "OpenSIPS": N_("socket= lines; dispatcher and drouting destinations."),
            "Kamailio": N_("listen= lines; dispatcher and lcr destinations."),
            "Asterisk": N_("pjsip.conf, type=transport: bind and protocol."),
            "FreeSWITCH": N_(
                "Sofia profile: sip-ip, sip-port, bind-params; sofia status."
            ),
        },
    ),
    ("RFC 3261 8.1.3.1", "RFC 3261 18.4", "RFC 792", "RFC 4443"),
    rank=110,
    explains=frozenset(
        {
            "call-refused",
            "cancel-no-response",
            "cancelled",
            "hop-no-response",
            "overload-503",
            "slow-setup",
            "subscriber-absent",
        }
    ),
)
