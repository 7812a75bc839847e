"""A BYE that ignores the route set of its dialog (RFC 3261 section 12.2.1.1)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ....protocols.sip_fields import NameAddr
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ...sip.sides import Side
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import is_unanswered

_CHALLENGES = (401, 407)


def _find(call: Call) -> Iterator[Finding]:
    for dialog in call.dialogs:
        for bye in dialog.byes:
            found = _judge(call, dialog, bye)
            if found is not None:
                yield found
                break


def _judge(call: Call, dialog: Dialog, bye: Transaction) -> Finding | None:
    request, refusal = bye.request, bye.refusal
    if request is None or request.sip is None or bye.upstream is not None:
        return None
    side = dialog.side_of(request)
    if side is None or dialog.hosts[side] != bye.client:
        return None  # a proxy in between has taken its own Route away
    wanted = _route_set(dialog, side)
    if wanted is None:
        return None
    route_set, brought_by = wanted
    if refusal is not None:
        if refusal.code < 400 or refusal.code in _CHALLENGES:
            return None
    elif not is_unanswered(call, bye):
        return None
    routes = [each.uri for each in request.sip.addresses("Route")]
    hosts = [_host(uri) for uri in routes]
    missing = [uri for uri in route_set if _host(uri) not in hosts]
    if not missing or _strict(route_set[0], request.sip.uri or ""):
        return None
    none = "" if not routes else "incomplete"
    return Finding(
        "bye-without-route",
        "error",
        variant=(none if refusal is not None else (none or "none") + "-silent"),
        parameters={
            "sender": bye.client,
            "hop": where_refused(bye).server,
            "refusal": refusal.summary if refusal is not None else "",
            "route": missing[0],
            "count": len(route_set),
        },
        evidence=(
            EvidenceReference("message", request.n, N_("the BYE")),
            EvidenceReference("message", brought_by.n, N_("its Record-Route")),
            *(
                EvidenceReference("message", m.n, N_("refused"))
                for m in [refusal]
                if m is not None
            ),
        ),
        since_ts=request.ts,
    )


def _route_set(dialog: Dialog, side: Side) -> tuple[list[str], Message] | None:
    """The Routes that this side's requests must bear, and the message that brought
    them; None where they are not known, or there are none.
    """
    routes = dialog.route_sets[side]
    if not routes or not dialog.invites:
        return None
    if side == "callee":
        brought_by = dialog.invites[-1].request
        return (routes, brought_by) if brought_by is not None else None
    first = dialog.invites[0]
    making = [m for m in first.responses if m.to_tag == dialog.callee_tag]
    making.sort(key=lambda m: -m.code)
    # Behind a proxy the caller's route set has lost what names that proxy.
    if not making or len(making[0].branches) > 1:
        return None
    return routes, making[0]


def _host(uri: str) -> str:
    return NameAddr(uri=uri).host.lower()


def _strict(first_route: str, request_uri: str) -> bool:
    """Whether it goes to a strict router: its address then is the Request-URI (section
    12.2.1.1), and the target is the last Route.
    """
    loose = ";lr" in first_route.lower()
    return not loose and _host(first_route) == _host(request_uri)


_NEXT = (
    N_(
        "Check the stack of {sender}: its route set is the Record-Route of the INVITE "
        "in the same order if it was called, of the answer in reverse order if it "
        "called."
    ),
    N_("The ACK and the BYE of the other side show the route set that works."),
)

RULE = Rule(
    id="bye-without-route",
    find=_find,
    rank=114,
    explains=frozenset(
        {"bye-refused", "bye-unreachable", "bye-dialog-mismatch", "dialog-lost"}
    ),
    standard=("RFC 3261 12.1.1", "RFC 3261 12.1.2", "RFC 3261 12.2.1.1"),
    texts={
        "": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: it lacks the Route "
                "headers of the dialog."
            ),
            N_(
                "Record-Route names {count} proxies, the first of them {route}, "
                "through which each request of the dialog has to go. The BYE has no "
                "Route header at all, so that it cannot be placed. The other side "
                "stays connected until a timer ends the call."
            ),
            _NEXT,
        ),
        "incomplete": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: its Route headers "
                "lack {route}."
            ),
            N_(
                "Record-Route names {count} proxies through which each request of the "
                "dialog has to go. The Route headers of the BYE name other ones, so "
                "that it does not find its way. The other side stays connected until a "
                "timer ends the call."
            ),
            _NEXT,
        ),
        "none-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: it lacks the Route "
                "headers of the dialog."
            ),
            N_(
                "Record-Route names {count} proxies, the first of them {route}, "
                "through which each request of the dialog has to go. The BYE has no "
                "Route header at all and goes past them. The other side stays "
                "connected until a timer ends the call."
            ),
            _NEXT,
        ),
        "incomplete-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: its Route headers lack "
                "{route}."
            ),
            N_(
                "Record-Route names {count} proxies through which each request of the "
                "dialog has to go. The Route headers of the BYE name other ones, so "
                "that it does not find its way. The other side stays connected until a "
                "timer ends the call."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("BYE without its Route"),
        meaning=N_(
            "The proxies of the call asked by Record-Route to stay in its path. A BYE "
            "came without the Route headers that follow from that; it was refused, or "
            "it went another way and got lost."
        ),
        noticed=N_(
            "One side hung up, the other stays connected in silence, often for a "
            "minute or more."
        ),
        causes=(
            N_(
                "A home-made or simple SIP stack that does not keep the route set, "
                "mostly of calls that it receives."
            ),
            N_("The route set is taken from another message, such as a re-INVITE."),
            N_("Something in between removes Record-Route on one way only."),
        ),
        confirm=(
            N_(
                "Compare the Route of the BYE with the Record-Route of the INVITE "
                "(where the called side hangs up) or of the answer (where the caller "
                "does)."
            ),
            N_("Does the ACK of the same side bear the Route headers?"),
        ),
        fix=(
            N_("Correct the stack that sends the BYE."),
            N_(
                "Where that is not possible, put a B2BUA in front of it that needs no "
                "Route."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "Without Route, loose_route() fails; match_dialog() finds the dialog "
                "by its Call-ID and tags, and fix_route_dialog() puts the right Routes "
                "in."
            ),
            "Kamailio": N_(
                "Without Route, loose_route() fails; topos keeps the route set itself "
                "and needs no Route of the client."
            ),
            "Asterisk": N_(
                "PJSIP keeps the route set itself; outbound_proxy of the endpoint "
                "needs ;lr in its URI."
            ),
        },
    ),
)
