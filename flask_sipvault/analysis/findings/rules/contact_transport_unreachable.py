"""A request within the dialog cannot be delivered by the transport that the Contact
names (RFC 3261 sections 8.1.1.8, 18.1 and 19.1.1).
"""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator

from ....language import N_
from ....protocols.address import Endpoint
from ....protocols.address import Transport
from ....protocols.network_error import ErrorKind
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.dialogs import RemoteTarget
from ...sip.message import Message
from ...sip.sides import other_side
from ...sip.sides import Side
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unacknowledged import find_unacknowledged
from ..unacknowledged import Unacknowledged

#: What a proxy answers that cannot send a request on: of the RFC (section 16.9 says
#: 503), and the codes that Kamailio and OpenSIPS have chosen for it.
_NOT_SENT = frozenset({476, 477, 478, 500, 502, 503, 504})
_OF_PROXIES = frozenset({476, 477, 478})

#: What the network says, and which of the texts tells it.
_VARIANTS: dict[ErrorKind, str] = {
    "port-unreachable": "closed",
    "protocol-unreachable": "closed",
    "reset": "closed",
    "unanswered": "no-answer",
    "host-unreachable": "no-way",
    "net-unreachable": "no-way",
    "prohibited": "no-way",
    "unreachable": "no-way",
}

_SIP_PORT, _SIPS_PORT = 5060, 5061

#: A connection is tried just before the request could be sent over it, by clocks that
#: may differ.
_EARLY = 1_000_000_000

_STREAMS = frozenset({"tcp", "tls", "ws", "wss", "sctp"})


def _find(call: Call) -> Iterator[Finding]:
    in_vain = {f.dialog.number: f for f in find_unacknowledged(call)}
    for dialog in call.dialogs:
        unacknowledged = in_vain.get(dialog.number)
        said = next(_refused_by_the_network(call, dialog, unacknowledged), None)
        if said is not None:
            yield said
            continue
        for request in dialog.transactions:
            found = _judge(dialog, request)
            if found is not None:
                yield found
                break


def _refused_by_the_network(
    call: Call, dialog: Dialog, unacknowledged: Unacknowledged | None
) -> Iterator[Finding]:
    """By an ICMP error, a reset, or a connection that is not answered."""
    for event in sorted(call.evidence.network, key=lambda event: event.ts):
        error = event.error
        variant = _VARIANTS.get(error.kind)
        if variant is None:
            continue
        for side, target in _targets_at(dialog, error.lost_dst):
            failed = _undelivered(dialog, unacknowledged, side, event.ts)
            if failed is None or target.ts > event.ts:
                continue
            yield Finding(
                "contact-transport-unreachable",
                "error",
                variant=variant,
                parameters={
                    "sender": Endpoint(error.lost_src.ip, 0),
                    "place": error.lost_dst,
                    "method": failed.method,
                    "contact": target.uri,
                    "transport": error.transport.upper(),
                },
                evidence=(
                    EvidenceReference("message", failed.n, N_("what is not delivered")),
                    EvidenceReference(
                        "span",
                        what=N_("what the network says"),
                        from_ts=event.ts,
                        to_ts=event.ts,
                    ),
                    EvidenceReference(
                        "message", target.n, N_("the Contact that it goes to")
                    ),
                ),
                since_ts=event.ts,
            )
            return


def _targets_at(dialog: Dialog, place: Endpoint) -> Iterator[tuple[Side, RemoteTarget]]:
    for side, targets in dialog.targets.items():
        for target in reversed(targets):
            secure = target.transport in ("tls", "wss")
            port = target.port or (_SIPS_PORT if secure else _SIP_PORT)
            if (_address(target.host), port) == place:
                yield side, target
                break


def _address(host: str) -> str:
    """As addresses of packets are written; a name stays what it is."""
    try:
        return str(ipaddress.ip_address(host))
    except ValueError:
        return host


def _undelivered(
    dialog: Dialog, found: Unacknowledged | None, to: Side, ts: int
) -> Message | None:
    """What was to be sent to this side at that time and did not do its work: a request
    that was not accepted, or a 2xx whose ACK does not come.
    """
    for attempt in dialog.transactions:
        request = attempt.request
        if request is None or dialog.side_of(request) == to or attempt.upstream:
            continue
        if attempt.answer is None and -_EARLY <= ts - request.ts <= timers.TIMER_F:
            return request
    if found is None or dialog.side_of(found.answer) != to:
        return None
    if not 0 <= ts - found.answer.ts <= timers.ACK_WAIT:
        return None
    return next(iter(found.acks), found.answer)


def _judge(dialog: Dialog, attempt: Transaction) -> Finding | None:
    request, refusal = attempt.request, attempt.refusal
    if request is None or refusal is None or attempt.upstream is not None:
        return None
    side = dialog.side_of(request)
    if refusal.code not in _NOT_SENT or side is None:
        return None
    target = dialog.target_of(other_side(side), request.ts)
    if target is None:
        return None
    own = target.transport or "udp"
    hop = where_refused(attempt)
    over = _sends_over(dialog, other_side(side), hop)
    if own not in _STREAMS and over not in _STREAMS:
        return None  # over UDP there is no connection that could fail
    by_a_proxy = refusal.code in _OF_PROXIES or _is_proxy(dialog, other_side(side), hop)
    if not by_a_proxy:
        return None
    differs = over is not None and own != over
    return Finding(
        "contact-transport-unreachable",
        "error",
        certainty="likely",
        variant="differs" if differs else "",
        parameters={
            "sender": attempt.client,
            "hop": hop.server,
            "method": attempt.method,
            "refusal": refusal.summary,
            "contact": target.uri,
            "transport": own.upper(),
            "sent_over": (over or own).upper(),
        },
        evidence=(
            EvidenceReference("message", request.n, N_("the request")),
            EvidenceReference("message", refusal.n, N_("refused")),
            EvidenceReference("message", target.n, N_("the Contact that it goes to")),
            *_later(dialog, attempt),
        ),
        since_ts=request.ts,
    )


def _sends_over(dialog: Dialog, side: Side, refused: Transaction) -> Transport | None:
    """What this side is connected by; None where the hop to it was not captured."""
    if not dialog.invites:
        return None
    nearest = dialog.invites[0 if side == "caller" else -1]
    end = nearest.client if side == "caller" else nearest.server
    return None if end == refused.server else nearest.transport


def _is_proxy(dialog: Dialog, target: Side, hop: Transaction) -> bool:
    """Whether who refused is not the side itself, but passed its messages on."""
    host = dialog.hosts[target]
    if host is None or hop.server == host or hop.downstream:
        return False
    return any(hop.server in (each.client, each.server) for each in dialog.invites)


def _later(dialog: Dialog, attempt: Transaction) -> Iterator[EvidenceReference]:
    for other in dialog.transactions:
        if other is not attempt and other.refusal and attempt.refusal:
            same = other.refusal.code == attempt.refusal.code
            if same and other.number > attempt.number and other.upstream is None:
                yield EvidenceReference("message", other.refusal.n, N_("refused"))


RULE = Rule(
    id="contact-transport-unreachable",
    find=_find,
    rank=108,
    explains=frozenset(
        {
            *("ack-missing", "bye-unreachable", "bye-refused", "dialog-lost"),
            *("reinvite-refused", "reinvite-ack-missing", "session-timer"),
            *("transfer-failed", "port-closed", "overload-503", "hold-not-resumed"),
        }
    ),
    standard=("RFC 3261 8.1.1.8", "RFC 3261 18.1.1", "RFC 3261 16.9", "RFC 5923"),
    texts={
        "": Texts(
            N_(
                "{hop} cannot deliver the {method} of {sender} to the Contact "
                "{contact} and answers {refusal}."
            ),
            N_(
                "Requests within the call go to the Contact of the other side by the "
                "transport that it names, here {transport}. There is likely no "
                "connection left to that address, and no new one can be opened, as to "
                "most clients behind NAT."
            ),
            (
                N_(
                    "Check whether the connection of that client was still open at "
                    "{hop}, and whether {hop} uses it again instead of opening a new "
                    "one."
                ),
                N_(
                    "Check whether {contact} can be reached from {hop} by {transport} "
                    "at all."
                ),
            ),
        ),
        "differs": Texts(
            N_(
                "{hop} cannot deliver the {method} of {sender} and answers {refusal}: "
                "the Contact {contact} means {transport}, while that side sends over "
                "{sent_over}."
            ),
            N_(
                "Requests within the call go to the Contact by the transport that it "
                "names, and without a transport parameter that is UDP. The side behind "
                "it is connected by {sent_over} and likely does not listen for "
                "{transport} there."
            ),
            (
                N_("Let that side write ;transport={sent_over} into its Contact."),
                N_(
                    "Or let {hop} send requests within the call over the connection "
                    "that it has to that side."
                ),
            ),
        ),
        "closed": Texts(
            N_(
                "{place} refuses what {sender} sends to the Contact {contact} within "
                "the call by {transport} ({method})."
            ),
            N_(
                "Requests within the call go to the Contact of the other side. There "
                "nothing listens for {transport}: the network says so by a reset or an "
                "ICMP error. The other side does not notice a hang-up, and who waits "
                "for an ACK does not get it."
            ),
            (
                N_(
                    "Compare the Contact with the address and the transport that the "
                    "messages of that side come from."
                ),
                N_(
                    "Check whether {contact} is open to {sender} by {transport}: "
                    "firewall, NAT, listening port."
                ),
            ),
        ),
        "no-answer": Texts(
            N_(
                "No connection to the Contact {contact} can be opened by {sender} for "
                "the {method} within the call: {place} does not answer."
            ),
            N_(
                "Requests within the call go to the Contact of the other side by the "
                "transport that it names, here {transport}. The connection attempt "
                "gets no answer, as it is where a client is behind NAT or a firewall. "
                "The other side does not notice a hang-up, and who waits for an ACK "
                "does not get it."
            ),
            (
                N_(
                    "Compare the Contact with the address and the transport that the "
                    "messages of that side come from."
                ),
                N_(
                    "Check whether {contact} is open to {sender} by {transport}: "
                    "firewall, NAT, listening port."
                ),
            ),
        ),
        "no-way": Texts(
            N_(
                "The network does not deliver what {sender} sends to the Contact "
                "{contact} within the call ({method}): {place} is not reachable."
            ),
            N_(
                "Requests within the call go to the Contact of the other side. A "
                "router or firewall on the way says by ICMP that this address cannot "
                "be reached from there. The other side does not notice a hang-up, and "
                "who waits for an ACK does not get it."
            ),
            (
                N_(
                    "Compare the Contact with the address and the transport that the "
                    "messages of that side come from."
                ),
                N_(
                    "Check whether {contact} is open to {sender} by {transport}: "
                    "firewall, NAT, listening port."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Contact's transport not reachable"),
        meaning=N_(
            "A request within the call could not be sent to the Contact of the other "
            "side: by the transport that it names nothing listens there, or the "
            "connection is gone."
        ),
        noticed=N_(
            "A hang-up, hold or transfer has no effect on the other side; the call "
            "stays up there in silence, or is cut after 32 s because the ACK is lost."
        ),
        causes=(
            N_(
                "The Contact lacks ;transport=tcp, tls or ws, so that requests go by "
                "UDP to a side that is only connected by a stream."
            ),
            N_(
                "A client behind NAT has closed its TCP or WebSocket connection, or "
                "lost it."
            ),
            N_("The Contact names the listening port of another transport."),
            N_(
                "A browser (WebRTC) writes a host name that ends in .invalid, which "
                "can only be reached over its own connection."
            ),
        ),
        confirm=(
            N_(
                "Compare the transport parameter of the Contact with the transport "
                "that the message came over."
            ),
            N_(
                "Look for connection attempts, resets and ICMP errors towards the "
                "Contact in a capture on the proxy."
            ),
        ),
        fix=(
            N_("Correct the Contact, in the client or at the proxy in front of it."),
            N_(
                "Let the proxy keep and use again the connection that the client "
                "opened."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "fix_nated_contact() of nathelper; tcp_connection_lifetime and "
                "tcp_keepalive for long calls over TCP."
            ),
            "Kamailio": N_(
                "set_contact_alias() with handle_ruri_alias() sends over the "
                "connection that is there; tcp_connection_lifetime and tcp_keepalive "
                "for long calls."
            ),
            "Asterisk": N_(
                "rewrite_contact=yes of the endpoint, which makes PJSIP use the "
                "connection that is there."
            ),
            "FreeSWITCH": N_("apply-nat-acl for clients behind NAT."),
        },
    ),
)
