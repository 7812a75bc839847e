"""A call that was sent elsewhere, and that nobody sent there."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "redirected":
        return
    parsed = refusal.made.sip
    contacts = [each.uri for each in parsed.addresses("Contact")] if parsed else []
    yield Finding(
        "redirected",
        "info",
        variant="" if contacts else "nowhere",
        parameters={
            "server": refusal.maker,
            "code": refusal.made.summary,
            "uri": contacts[0] if contacts else "",
            "client": refusal.response.target,
        },
        evidence=(message(refusal.made, N_("redirects")),),
        since_ts=refusal.made.ts,
    )


RULE = Rule(
    "redirected",
    _find,
    {
        "": Texts(
            N_("{server} redirected the call to {uri}: {code}."),
            N_(
                "Who called is asked to call there instead. No INVITE to that target"
                " is in this capture under this Call-ID; many systems use a new one"
                " for it."
            ),
            (
                N_(
                    "Whether {client} follows redirections, and a call to the new"
                    " target at that time."
                ),
            ),
        ),
        "nowhere": Texts(
            N_("{server} redirected the call without saying where to: {code}."),
            N_(
                "The response has no Contact with another target, so that nobody can"
                " follow it."
            ),
            (N_("The forwarding that is set up on {server}."),),
        ),
    },
    CatalogueEntry(
        N_("Redirected"),
        N_(
            "A server or phone answered that the callee is to be called at another"
            " address."
        ),
        N_("The call goes on elsewhere, or fails where nobody follows."),
        (N_("A forwarding on the phone or the server."),),
        (N_("The Contact of the 3xx response, and a call there just after."),),
        (
            N_(
                "Nothing, if the call went on; or let the proxy follow redirections"
                " itself."
            ),
        ),
        {
            "OpenSIPS": N_("uac_redirect: get_redirects()."),
            "Kamailio": N_("uac_redirect: get_redirects()."),
            "Asterisk": N_("pjsip.conf, type=endpoint: redirect_method."),
            "FreeSWITCH": N_(
                "Sofia profile: manual-redirect; outbound_redirect_fatal."
            ),
        },
    ),
    ("RFC 3261 8.1.3.4", "RFC 3261 21.3"),
    rank=900,
)
