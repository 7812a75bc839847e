"""A request that is larger than the way to the next host takes."""

from __future__ import annotations

from collections.abc import Iterator

from ....evidence import NetworkEvent
from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...sip.transactions import Transaction
from ..failover import got_through
from ..model import Finding
from ..model import Severity
from ..references import message
from ..references import messages
from ..references import network_events
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import setup_invites
from ..silent_hops import silent_hops
from ..silent_hops import SilentHop
from ..undelivered import undelivered

#: A request larger than this must not be sent over UDP where the MTU of the path is not
#: known (RFC 3261 section 18.1.1).
LARGE_BYTES = 1300

#: Refusals of a message for its size (RFC 3261 sections 21.4.11 and 21.5.7).
_TOO_LARGE = frozenset({413, 513})


def _find(call: Call) -> Iterator[Finding]:
    errors = undelivered(call)
    for hop in silent_hops(call):
        events = errors.get(hop.transaction.number, [])
        told = [e for e in events if e.error.kind in ("too-big", "reassembly-timeout")]
        if told:
            yield _told(call, hop, told)
            return
        size = _size(hop.transaction)
        if hop.transaction.transport != "udp" or size <= LARGE_BYTES:
            continue
        passed = _passed(call, hop, size)
        if passed is not None:
            yield _lost(call, hop, passed)
            return
        if all(m.incomplete == "fragments" for m in hop.transaction.sendings):
            yield _rest_missing(call, hop)
            return
    yield from _refused(call)


def _refused(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is not None and refusal.code in _TOO_LARGE:
        invite = refusal.transaction.request if refusal.transaction else None
        yield Finding(
            "invite-too-large",
            "error",
            variant="refused",
            parameters={
                "server": refusal.maker,
                "code": refusal.made.summary,
                "size": invite.size if invite else 0,
            },
            evidence=(
                message(refusal.made, N_("refused for its size")),
                *([message(invite, N_("the INVITE, {size} bytes"))] if invite else []),
            ),
            since_ts=refusal.made.ts,
        )


def _told(call: Call, hop: SilentHop, events: list[NetworkEvent]) -> Finding:
    """The network says it: a link takes less, or fragments never came."""
    lost, error = hop.transaction, events[0].error
    return Finding(
        "invite-too-large",
        _severity(call),
        variant="mtu" if error.kind == "too-big" else "reassembly",
        parameters={
            "client": lost.client,
            "server": lost.server,
            "method": lost.method,
            "size": _size(lost),
            "by": Endpoint(error.src.ip, 0),
            "packet": _size(lost) + _headers(lost),
            "mtu": error.mtu or "-",
            "count": len(events),
        },
        evidence=(
            message(lost.first, N_("{size} bytes over UDP, no response")),
            *messages(lost.retransmissions, N_("sent again: no response")),
            *network_events(events, N_("{by} says that it is not delivered")),
        ),
        since_ts=lost.first.ts,
    )


def _rest_missing(call: Call, hop: SilentHop) -> Finding:
    """Only the first fragments came; a filter of the capture may hide the others."""
    lost = hop.transaction
    return Finding(
        "invite-too-large",
        _severity(call),
        "likely",
        "fragments",
        {
            "client": lost.client,
            "server": lost.server,
            "method": lost.method,
            "size": _size(lost),
            "count": len(lost.sendings),
        },
        tuple(messages(lost.sendings, N_("the first fragment alone, no response"))),
        lost.first.ts,
    )


def _headers(transaction: Transaction) -> int:
    """The bytes of IP and UDP before the message."""
    return 48 if ":" in transaction.first.src.ip else 28


def _severity(call: Call) -> Severity:
    reached = any(got_through(t) for t in setup_invites(call))
    return "warning" if reached else "error"


def _size(transaction: Transaction) -> int:
    return transaction.request.size if transaction.request else 0


def _passed(call: Call, hop: SilentHop, size: int) -> Transaction | None:
    """A smaller request between the same hosts that met a response; the largest."""
    lost = hop.transaction
    passed = [
        t
        for t in call.transactions
        if (t.client.ip, t.server.ip) == (lost.client.ip, lost.server.ip)
        and t.transport == lost.transport
        and t.responses
        and 0 < _size(t) < size
    ]
    return max(passed, key=_size, default=None)


def _lost(call: Call, hop: SilentHop, passed: Transaction) -> Finding:
    lost = hop.transaction
    return Finding(
        "invite-too-large",
        _severity(call),
        "likely",
        parameters={
            "client": lost.client,
            "server": lost.server,
            "method": lost.method,
            "size": _size(lost),
            "small": _size(passed),
            "passed": passed.method,
            "count": len(lost.sendings),
        },
        evidence=(
            message(lost.first, N_("{size} bytes over UDP, no response")),
            *messages(lost.retransmissions, N_("sent again: no response")),
            message(passed.first, N_("{small} bytes: answered")),
            message(passed.responses[0], N_("the answer to the small request")),
        ),
        since_ts=lost.first.ts,
    )


RULE = Rule(
    "invite-too-large",
    _find,
    {
        "": Texts(
            N_(
                "The {method} of {size} bytes is likely too large for the way to"
                " {server}: no response, while smaller requests pass."
            ),
            N_(
                "{client} sent it {count} times over UDP. A packet of this size is"
                " split into IP fragments, or is larger than a link on the way takes."
                " The {passed} of {small} bytes was answered by the same host, so the"
                " host is there."
            ),
            (
                N_(
                    "Whether firewalls, NATs and tunnels between {client} and"
                    " {server} pass IP fragments; capture on {server}."
                ),
                N_(
                    "The MTU of the way: ping with the DF bit and {size} bytes;"
                    ' whether ICMP "fragmentation needed" is filtered.'
                ),
                N_("What makes the message large: codecs, ICE candidates, headers."),
            ),
        ),
        "mtu": Texts(
            N_(
                "The {method} is too large for a link on the way to {server}: a"
                " packet of {packet} bytes, where {mtu} are taken."
            ),
            N_(
                "{by} said so {count} times by ICMP (fragmentation needed) and"
                " dropped the packet, because it may not be split (DF bit). {client}"
                " went on sending the same, so that {server} never got it."
            ),
            (
                N_(
                    "Why {client} does not heed ICMP: a filter on it, or path MTU"
                    " discovery that is only half on."
                ),
                N_(
                    "The DF bit of SIP packets from {client}; the MTU of its"
                    " interface against {mtu}."
                ),
                N_(
                    "What makes the message large: codecs, ICE candidates, headers;"
                    " or TCP instead."
                ),
            ),
        ),
        "reassembly": Texts(
            N_(
                "Fragments of the {method} of {size} bytes do not reach {server}:"
                " {by} says so."
            ),
            N_(
                "{by} got some of the IP fragments, waited for the others in vain and"
                " said so {count} times by ICMP (reassembly time exceeded). Something"
                " on the way drops fragments."
            ),
            (
                N_(
                    "Whether firewalls, NATs and tunnels between {client} and"
                    " {server} pass IP fragments."
                ),
                N_(
                    "What makes the message large: codecs, ICE candidates, headers;"
                    " or TCP instead."
                ),
            ),
        ),
        "fragments": Texts(
            N_(
                "Only the first IP fragment of the {method} to {server} came, likely"
                " because fragments are dropped."
            ),
            N_(
                "The {method} was sent {count} times in fragments, of which only the"
                " first was captured each time, and met no response. If the capture's"
                " filter does not hide the others (they have no port), something"
                " before this point drops them."
            ),
            (
                N_(
                    "Whether the capture's filter leaves fragments out: capture"
                    " without a port in it."
                ),
                N_(
                    "Whether firewalls, NATs and tunnels between {client} and"
                    " {server} pass IP fragments."
                ),
            ),
        ),
        "refused": Texts(
            N_("{server} refuses the INVITE for its size: {code}."),
            N_("The INVITE has {size} bytes, more than {server} takes."),
            (
                N_(
                    "What makes the message large: codecs, ICE candidates, headers,"
                    " attachments."
                ),
                N_("The largest message that {server} takes, by its settings."),
            ),
        ),
    },
    CatalogueEntry(
        N_("INVITE too large"),
        N_(
            "A request over UDP that does not fit into one packet of the path's MTU"
            " is sent in IP fragments, which many firewalls and NATs do not pass, or"
            " is dropped where the DF bit is set. RFC 3261 section 18.1.1 wants"
            " requests over 1300 bytes to go over TCP."
        ),
        N_(
            "Some calls never get through, others do: those with more codecs, with"
            " credentials or through more proxies are larger."
        ),
        (
            N_("A firewall, NAT or load balancer that drops fragments."),
            N_("A tunnel (VPN, PPPoE, MPLS) with a smaller MTU, and ICMP filtered."),
            N_("A long list of codecs, ICE candidates, SRTP keys, an Identity header."),
        ),
        (
            N_(
                "In the ladder: the small INVITE is answered, the larger one is"
                " repeated without a response."
            ),
            N_(
                "In the capture: fragments leave; on the receiving host the rest is"
                " missing."
            ),
            N_('ICMP "fragmentation needed", with the MTU of the next link.'),
        ),
        (
            N_("Use TCP or TLS for SIP between these hosts."),
            N_(
                "Offer fewer codecs; leave out headers that nobody reads; compact"
                " header names."
            ),
            N_("Let firewalls pass fragments, and ICMP type 3 code 4 (IPv6: type 2)."),
            N_(
                "Clear the DF bit, or set the MTU of the interface to that of the"
                " tunnel."
            ),
        ),
        {
            "OpenSIPS": N_(
                "socket=tcp:… and force_send_socket(); codec_delete_except_re() of"
                " sipmsgops."
            ),
            "Kamailio": N_(
                "udp_mtu and udp_mtu_try_proto = TCP; pmtu_discovery;"
                " sdp_keep_codecs_by_name() of sdpops."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=endpoint: allow with few codecs; transport=tcp;"
                " type=system: disable_tcp_switch=no; compact_headers=yes."
            ),
            "FreeSWITCH": N_(
                "Gateway: register-transport, contact-params or transport=tcp;"
                " outbound-codec-prefs; enable-compact-headers."
            ),
        },
    ),
    ("RFC 3261 18.1.1", "RFC 1191", "RFC 4459"),
    rank=120,
    explains=frozenset(
        {
            "hop-no-response",
            "call-refused",
            "slow-setup",
            "cancelled",
            "auth-credentials",
            "cancel-no-response",
        }
    ),
)
