"""A challenge that the sender of the request does not answer."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..authentication import Exchange
from ..authentication import unresolved
from ..model import Finding
from ..references import message
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: A challenge that was repeated so often over UDP did not arrive, or nobody wanted it.
_MANY = 4


def _find(call: Call) -> Iterator[Finding]:
    for exchange in unresolved(call):
        last = exchange.last
        challenge = last.challenge
        assert challenge is not None
        if exchange.method == "BYE":
            continue  # bye-refused
        if any(each.stale for each in last.challenges) and last.credentials:
            continue  # auth-stale-nonce
        realms = {each.realm for each in last.challenges}
        if any(
            each.realm in realms and exchange.gave(each.nonce)
            for each in last.credentials
        ):
            continue  # auth-credentials
        sendings = last.transaction.sendings_of(challenge)
        yield Finding(
            "auth-not-answered",
            "error",
            "likely" if _variant(exchange) == "unheard" else "certain",
            _variant(exchange),
            {
                "client": last.transaction.client,
                "server": challenge.origin,
                "code": challenge.summary,
                "method": exchange.method,
                "realm": last.challenges[0].realm if last.challenges else "",
                "algorithm": _algorithms(exchange),
                "count": len(sendings),
            },
            (
                message(challenge, N_("the challenge that nothing answers")),
                *messages(sendings[1:], N_("sent again, and not acknowledged")),
                message(last.transaction.first, N_("the request that was challenged")),
            ),
            challenge.ts,
        )


def _variant(exchange: Exchange) -> str:
    last = exchange.last
    challenge = last.challenge
    assert challenge is not None
    if not last.challenges:
        return "no-challenge"
    repeated = len(last.transaction.sendings_of(challenge)) >= _MANY
    if repeated and not last.transaction.acks:
        return "unheard"
    return "other" if last.credentials else ""


def _algorithms(exchange: Exchange) -> str:
    found = [each.params.get("algorithm", "MD5") for each in exchange.last.challenges]
    return ", ".join(dict.fromkeys(found))


RULE = Rule(
    "auth-not-answered",
    _find,
    {
        "": Texts(
            N_("{client} did not answer the challenge of {server}: {code}."),
            N_(
                "{server} asked for credentials of realm {realm} ({algorithm}), and"
                " no further {method} with credentials followed. The sender has none"
                " for this realm, does not know the algorithm, or is not meant to be"
                " challenged."
            ),
            (
                N_(
                    "Whether {client} has an account on {server}, with a user name"
                    " and password for realm {realm}."
                ),
                N_(
                    "Whether {server} should accept {client} by its address instead:"
                    " a trunk whose address is missing in the list."
                ),
                N_("Whether {client} knows {algorithm}."),
            ),
        ),
        "other": Texts(
            N_(
                "{client} had no credentials that {server} accepts, and did not"
                " answer its new challenge: {code}."
            ),
            N_(
                "The {method} carried credentials, but for another realm or for a"
                " nonce that {server} did not give in this call. {server} asked anew"
                " for realm {realm}, and nothing followed."
            ),
            (
                N_("Whether {client} has credentials for realm {realm}."),
                N_(
                    "Whether {client} should send the request again after a new"
                    " challenge, and why it did not."
                ),
            ),
        ),
        "unheard": Texts(
            N_(
                "{client} likely never got the challenge of {server}: {code}, sent"
                " {count} times and not acknowledged."
            ),
            N_(
                "An INVITE's refusal is repeated over UDP until it is acknowledged."
                " No ACK came, and no {method} with credentials. Likely the response"
                " is lost on the way back, or the sender does not want it."
            ),
            (
                N_(
                    "Whether the response goes to the address and port that the"
                    " request came from (rport, NAT, firewall)."
                ),
                N_("Who {client} is: scanners do not listen for responses."),
            ),
        ),
        "no-challenge": Texts(
            N_(
                "{server} asks for credentials but gives nothing to answer: {code}"
                " without a challenge."
            ),
            N_(
                "A 401 needs WWW-Authenticate and a 407 Proxy-Authenticate, with"
                " realm and nonce. Neither is there, so {client} cannot answer."
            ),
            (N_("Why {server}, or something on the way, leaves the header out."),),
        ),
    },
    CatalogueEntry(
        N_("Challenge not answered"),
        N_(
            "A server asked for credentials (401, 407) and the sender did not send"
            " the request again with them."
        ),
        N_("The call, or the registration, fails at once."),
        (
            N_("No account configured at the sender for this server or realm."),
            N_(
                "A trunk that should be known by its address, and is not: another"
                " address than the one in the list."
            ),
            N_("An algorithm that the sender does not know."),
            N_("The challenge does not reach the sender."),
        ),
        (
            N_("The realm and the algorithm of the challenge."),
            N_("Whether the sender acknowledges the 401 or 407."),
        ),
        (
            N_("Configure credentials at the sender, or its address at the server."),
            N_(
                "Offer MD5 beside SHA-256 as long as there are clients that know no"
                " other."
            ),
        ),
        {
            "OpenSIPS": N_(
                "permissions: check_address() before proxy_authorize(), with the"
                " sender's address in the address table; uac_auth for calls that"
                " OpenSIPS makes."
            ),
            "Kamailio": N_(
                "permissions: allow_source_address() before auth_check(), with the"
                " sender's address in the address table; uac: uac_auth()."
            ),
            "Asterisk": N_(
                "pjsip.conf: type=identify with match for the sender's address;"
                " endpoint: outbound_auth for calls that Asterisk makes."
            ),
            "FreeSWITCH": N_(
                "Sofia profile: apply-inbound-acl, auth-calls; gateway: username,"
                " password, realm."
            ),
        },
    ),
    ("RFC 3261 22.2", "RFC 3261 22.3", "RFC 8760"),
    rank=160,
    explains=frozenset({"call-refused", "bye-refused", "reinvite-refused"}),
)
