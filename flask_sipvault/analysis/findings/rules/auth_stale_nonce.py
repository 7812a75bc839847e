"""A nonce that was called stale, and was not replaced by the new one."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..authentication import unresolved
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    for exchange in unresolved(call):
        last = exchange.last
        challenge = last.challenge
        if challenge is None or not any(each.stale for each in last.challenges):
            continue
        if not last.credentials:
            continue
        stale = [
            a
            for a in exchange.attempts
            if a.credentials and any(each.stale for each in a.challenges)
        ]
        again = len(stale) > 1 and exchange.gave(last.credentials[-1].nonce)
        yield Finding(
            "auth-stale-nonce",
            "error",
            variant="again" if again else "",
            parameters={
                "client": last.transaction.client,
                "server": challenge.origin,
                "code": challenge.summary,
                "method": exchange.method,
                "user": last.credentials[-1].params.get("username", ""),
                "count": len(stale),
            },
            evidence=(
                *messages(
                    (a.transaction.first for a in stale),
                    N_("with credentials for a nonce that has expired"),
                ),
                *messages(
                    (a.challenge for a in stale if a.challenge),
                    N_("stale=true and a new nonce"),
                ),
            ),
            since_ts=challenge.ts,
        )


RULE = Rule(
    "auth-stale-nonce",
    _find,
    {
        "": Texts(
            N_(
                "{client} did not repeat the {method} with the new nonce: {server}"
                " had only called the old one stale."
            ),
            N_(
                "The {code} says stale=true, which a server sends only where the"
                " password is right and the nonce too old. {client} should have sent"
                " the {method} again at once with the new nonce, without asking"
                " anybody, and did not."
            ),
            (
                N_("The software of {client}: whether it knows stale=true; an update."),
                N_("The life of a nonce on {server}: a longer one makes this rare."),
            ),
        ),
        "again": Texts(
            N_("{server} calls each nonce stale, also the one that it has just given."),
            N_(
                "{client} answered {count} times with the newest nonce, and each time"
                " {server} said stale=true. The password of {user} is right. Likely"
                " several servers answer in turns and do not share their nonces, or"
                " the nonce lives too short, or is used once only."
            ),
            (
                N_(
                    "Whether challenge and repeated request reach the same server"
                    " behind {server}."
                ),
                N_(
                    "Whether these servers share the secret that nonces are made"
                    " with, and their clocks agree."
                ),
                N_(
                    "The life of a nonce, and whether nonces may be used more than"
                    " once."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Stale nonce"),
        N_(
            "The credentials were right but made with a nonce that has expired. The"
            " server says so by stale=true and gives a new one; the client has to"
            " repeat the request with it."
        ),
        N_(
            "Calls fail now and then, usually after a pause, and succeed at the next"
            " try; or never succeed."
        ),
        (
            N_(
                "A client that keeps its credentials and does not understand"
                " stale=true."
            ),
            N_("Several servers that do not share the secret for nonces."),
            N_("A nonce that lives for seconds only."),
        ),
        (N_("stale=true in the challenge; whether another request follows it."),),
        (
            N_("Update the client, or let it ask for a challenge each time."),
            N_("Give all servers behind one address the same secret."),
            N_("Let nonces live longer."),
        ),
        {
            "OpenSIPS": N_("auth: secret, nonce_expire, disable_nonce_check."),
            "Kamailio": N_("auth: secret, nonce_expire, nonce_count, one_time_nonce."),
            "Asterisk": N_("pjsip.conf, type=auth: nonce_lifetime."),
            "FreeSWITCH": N_("Sofia profile: nonce-ttl."),
        },
    ),
    ("RFC 7616 3.3", "RFC 3261 22.3"),
    rank=140,
    explains=frozenset(
        {
            "call-refused",
            "auth-credentials",
            "auth-not-answered",
            "bye-refused",
            "reinvite-refused",
        }
    ),
)
