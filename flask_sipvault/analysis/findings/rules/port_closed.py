"""A host that is there, and on which nothing listens for the call."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: What servers say of a next hop that the network refused to reach.
_NOT_REACHED = re.compile(
    r"connection (?:refused|reset)|(?:port|host|net(?:work)?|destination)"
    r"(?: is)? unreachable|no route to host|error on sending to next hop"
    r"|connect(?:ion)? (?:failed|error)|transport (?:error|failure)",
    re.IGNORECASE,
)


def _find(call: Call) -> Iterator[Finding]:
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
