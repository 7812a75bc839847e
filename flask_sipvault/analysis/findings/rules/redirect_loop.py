"""A redirection that leads back to where the call was sent before."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ....protocols.sip_fields import host_and_port
from ....protocols.sip_fields import NameAddr
from ...call import Call
from ...sip.transactions import Transaction
from ..failover import got_through
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..silent_hops import by_client
from ..silent_hops import setup_invites

#: Redirections that name other addresses of the callee (RFC 3261 sections 21.3.1 to
#: 21.3.3). 305 names a proxy, 380 another service.
_MOVED = frozenset({300, 301, 302})

_Target = tuple[str, str, int | None, str]


def _find(call: Call) -> Iterator[Finding]:
    if call.setup is None or call.setup.answer is not None:
        return
    for sent in by_client(setup_invites(call)).values():
        tried: dict[_Target, Transaction] = {}
        redirected: list[Transaction] = []
        for each in sent:
            if each.request is None or each.request.sip is None:
                continue
            if got_through(each) and not _moved(each):
                break
            tried.setdefault(target_of(each.request.sip.uri or ""), each)
            if not _moved(each):
                continue
            redirected.append(each)
            contacts = _contacts(each)
            if contacts and all(target_of(uri) in tried for uri in contacts):
                back = tried[target_of(contacts[0])]
                yield _finding(call, each, back, redirected, contacts[0])
                return


def _moved(transaction: Transaction) -> bool:
    refusal = transaction.refusal
    return refusal is not None and refusal.code in _MOVED


def _contacts(transaction: Transaction) -> list[str]:
    refusal = transaction.refusal
    if refusal is None or refusal.sip is None:
        return []
    return [each.uri for each in refusal.sip.addresses("Contact")]


def target_of(uri: str) -> _Target:
    """What tells two Request-URIs apart: user, host, port, transport. Other parameters
    do not lead anywhere else.
    """
    address = NameAddr(uri=uri)
    rest = uri.rpartition("@")[2] or uri
    hostport, _, parameters = rest.partition(";")
    port = host_and_port(hostport.partition(":")[2] if "@" not in uri else hostport)[1]
    transport = ""
    for each in parameters.partition("?")[0].lower().split(";"):
        name, _, value = each.partition("=")
        if name.strip() == "transport":
            transport = value.strip()
    return address.user.lower(), address.host.lower(), port, transport


def _finding(
    call: Call,
    last: Transaction,
    back: Transaction,
    redirected: list[Transaction],
    uri: str,
) -> Finding:
    requests = [t.first for t in redirected]
    refused = [t.refusal for t in redirected if t.refusal is not None]
    itself = back is last
    return Finding(
        "redirect-loop",
        "error",
        variant="itself" if itself else "",
        parameters={
            "client": last.client,
            "server": last.server,
            "uri": uri,
            "count": len(redirected),
            "code": refused[-1].summary,
        },
        evidence=(
            *messages(refused, N_("redirects")),
            *messages([back.first, *requests], N_("sent to this target")),
        ),
        since_ts=refused[-1].ts,
    )


RULE = Rule(
    "redirect-loop",
    _find,
    {
        "": Texts(
            N_(
                "The redirections go round in a circle: {server} sends the call back"
                " to {uri}."
            ),
            N_(
                "{client} followed {count} redirections; the last one ({code}) names"
                " a target that the call had been sent to before. Following it again"
                " leads nowhere, so the call ends here."
            ),
            (
                N_(
                    "The forwardings of the callee: one of them leads back to the"
                    " first number."
                ),
                N_(
                    "What each of the redirecting servers has set up for these numbers."
                ),
            ),
        ),
        "itself": Texts(
            N_(
                "{server} redirects the call to the very target that it was sent to:"
                " {uri}."
            ),
            N_(
                "The Contact of the {code} is the Request-URI of the INVITE. A client"
                " must not try the same target twice (RFC 3261 section 8.1.3.4), so"
                " the call ends here."
            ),
            (
                N_("The forwarding set up on {server}: a number forwarded to itself."),
                N_(
                    "Whether {server} should have named another host, or another"
                    " number."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Redirection loop"),
        N_(
            "A 3xx response names a target that the call has already been sent to."
            " Whoever follows it goes round in a circle."
        ),
        N_(
            "The call fails at once or after a few seconds, as if the number were"
            " wrong."
        ),
        (
            N_("Two numbers that are forwarded to each other."),
            N_("A number forwarded to itself."),
            N_("A redirect server that knows nothing better than what it was asked."),
        ),
        (
            N_(
                "The Contact of each 3xx and the Request-URI of the INVITE that"
                " follows it."
            ),
        ),
        (
            N_("Remove one of the forwardings."),
            N_(
                "Let the redirect server refuse with 404 or 480 where it knows no"
                " other target."
            ),
        ),
        {
            "OpenSIPS": N_(
                "uac_redirect: contact filters; usrloc and the script's"
                " send_reply(302)."
            ),
            "Kamailio": N_(
                'uac_redirect: contact filters; the script\'s sl_send_reply("302").'
            ),
            "Asterisk": N_(
                "pjsip.conf, type=endpoint: redirect_method; Transfer() in the"
                " dialplan."
            ),
            "FreeSWITCH": N_(
                "redirect and deflect in the dialplan; the profile's manual-redirect."
            ),
        },
    ),
    ("RFC 3261 8.1.3.4", "RFC 3261 21.3"),
    rank=100,
    explains=frozenset({"call-refused", "redirected"}),
)
