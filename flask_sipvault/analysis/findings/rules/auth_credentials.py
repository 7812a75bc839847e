"""Credentials that are refused although they answer the challenge."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..authentication import Attempt
from ..authentication import Exchange
from ..authentication import find_exchanges
from ..authentication import unresolved
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

_FORBIDDEN = 403

#: That a 403 is about the password and not about a permission.
_ABOUT_PASSWORD = re.compile(
    r"auth|password|passwd|credential|digest|senha|secret|user ?name", re.IGNORECASE
)


def _find(call: Call) -> Iterator[Finding]:
    for exchange in unresolved(call):
        refused = _refused(exchange)
        if refused:
            yield _finding(exchange, refused)
    for exchange in find_exchanges(call):
        last = exchange.last
        final = last.transaction.refusal
        if (
            last.challenge is None
            and last.credentials
            and final is not None
            and final.code == _FORBIDDEN
            and final.sip is not None
            and _ABOUT_PASSWORD.search(
                _words(final.header("Warning"), final.sip.reason)
            )
        ):
            yield _finding(exchange, [last])


def _words(*texts: str) -> str:
    return " ".join(texts)


def _refused(exchange: Exchange) -> list[Attempt]:
    """The attempts whose credentials answered a challenge of this exchange for the
    realm that was challenged again, though the nonce was not called stale.
    """
    given: set[str] = set()
    refused = []
    for attempt in exchange.attempts:
        realms = {each.realm for each in attempt.challenges if not each.stale}
        stale = any(each.stale for each in attempt.challenges)
        if not stale and any(
            each.nonce in given and each.realm in realms for each in attempt.credentials
        ):
            refused.append(attempt)
        given |= {each.nonce for each in attempt.challenges}
    return refused if exchange.last in refused else []


def _finding(exchange: Exchange, refused: list[Attempt]) -> Finding:
    last = exchange.last
    final = last.transaction.refusal
    assert final is not None
    credentials = last.credentials[-1]
    requests = [each.transaction.first for each in refused]
    challenges = [a.challenge for a in exchange.attempts if a.challenge is not None]
    return Finding(
        "auth-credentials",
        "error",
        parameters={
            "client": last.transaction.client,
            "server": final.origin,
            "code": final.summary,
            "method": exchange.method,
            "user": credentials.params.get("username", ""),
            "realm": credentials.realm,
            "count": len(refused),
        },
        evidence=(
            *messages(requests, N_("with credentials of {user}")),
            *messages(
                {m.n: m for m in [*challenges, final]}.values(),
                N_("refused or challenged, not for a stale nonce"),
            ),
        ),
        since_ts=final.ts,
    )


RULE = Rule(
    "auth-credentials",
    _find,
    {
        "": Texts(
            N_("The credentials of {user} were refused by {server}: {code}."),
            N_(
                "{client} answered the challenge of realm {realm}, {count} times,"
                " with the nonce that it had been given, and was refused each time"
                " without stale=true. So the user name or the password is wrong, or"
                " the two sides do not hash the same."
            ),
            (
                N_(
                    "User name and password of {user} on both sides; whether the user"
                    " name is the one for authentication."
                ),
                N_(
                    "Whether the realm {realm} is the one that the password belongs"
                    " to (stored HA1 hashes depend on it)."
                ),
                N_(
                    "Whether something between changes the Request-URI or the"
                    " digest's uri."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Wrong credentials"),
        N_(
            "The caller, or the phone that registers, answered a challenge as it"
            " should and was challenged or refused again. A nonce that is only too"
            " old would be marked with stale=true."
        ),
        N_("Calls, or the registration, are refused at once, always."),
        (
            N_("A password or user name typed wrongly, or changed on one side only."),
            N_("The number used as user name where the account has another one."),
            N_("HA1 hashes stored for another realm or domain."),
            N_("Something on the way that rewrites the Request-URI."),
            N_("Another algorithm (SHA-256 against MD5) than the server keeps."),
        ),
        (
            N_("The username, realm and uri of the Authorization header."),
            N_("The log of the server: unknown user, or wrong response."),
        ),
        (
            N_("Set user name and password anew on both sides."),
            N_("Compute stored hashes anew for the realm that the server sends."),
        ),
        {
            "OpenSIPS": N_(
                "auth_db: calculate_ha1, password_column, use_domain; www_authorize()"
                " and proxy_authorize() and the realm given to them."
            ),
            "Kamailio": N_(
                "auth_db: calculate_ha1, password_column, use_domain; auth_check()"
                " and the realm given to it."
            ),
            "Asterisk": N_(
                "pjsip.conf, type=auth: username, password, realm, auth_type;"
                " endpoint: auth or outbound_auth."
            ),
            "FreeSWITCH": N_(
                "Directory: user id, password or a1-hash; gateway: username,"
                " auth-username, password, realm."
            ),
        },
    ),
    ("RFC 3261 22.1", "RFC 7616 3.3", "RFC 8760"),
    rank=150,
    explains=frozenset({"call-refused", "declined", "bye-refused", "reinvite-refused"}),
)
