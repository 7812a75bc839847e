"""A BYE reaches nobody (RFC 3261 sections 12.2.1.1 and 17.1.2.2)."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.dialogs import RemoteTarget
from ...sip.sides import other_side
from ...sip.transactions import Transaction
from ..addresses import is_private
from ..hanging_up import first_byes
from ..hanging_up import other_hung_up_by
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import where_it_ends

#: Of the repetitions so many are named.
_MOST_NAMED = 20


def _find(call: Call) -> Iterator[Finding]:
    busy = {
        end.ip
        for message in call.messages
        if message.method != "BYE"
        for end in (message.origin, message.target)
    }
    for dialog in call.dialogs:
        byes = first_byes(dialog)
        if any(bye.answer is not None for bye in dialog.byes):
            # A BYE was confirmed: what is not seen of another is no proof.
            strays: dict[int, Transaction] = {}
        else:
            strays = {b.number: b for b in dialog.byes if _goes_astray(busy, b)}
        for hops in _by_sender(dialog):
            request = hops[0].request
            if request is None:
                continue
            # A side that hung up, too, does not miss this BYE.
            crossed = request.ts + timers.T1 + timers.TOLERANCE
            if other_hung_up_by(byes, dialog.side_of(request), crossed):
                continue
            found = _judge(call, dialog, hops, strays)
            if found is not None:
                yield found
                break  # a further BYE of the same dialog says no more


def _by_sender(dialog: Dialog) -> Iterable[list[Transaction]]:
    """The BYEs of a dialog, each at all its hops."""
    found: dict[object, list[Transaction]] = {}
    for bye in dialog.byes:
        if bye.request is not None:
            found.setdefault((bye.from_tag, bye.cseq), []).append(bye)
    return found.values()


def _judge(
    call: Call,
    dialog: Dialog,
    hops: list[Transaction],
    strays: dict[int, Transaction],
) -> Finding | None:
    """
    :param strays: BYEs to a private address that is not reachable, by their number.
    """
    silent = where_it_ends(call, hops)
    given_up = [h for h in hops if h.refusal is not None and h.refusal.code == 408]
    if silent is not None:
        variant, bye = "", silent
    elif given_up:
        variant, bye = "given-up", given_up[-1]
    else:
        lost = [hop for hop in hops if hop.final is None and hop.number in strays]
        if not lost:
            return None
        variant, bye = "private-contact", lost[-1]
    request = bye.request
    assert request is not None
    side = dialog.side_of(request)
    target = dialog.target_of(other_side(side), request.ts) if side else None
    certain = variant != "private-contact"
    if silent is not None and bye.number in strays:
        variant = "private-contact"
    private = variant == "private-contact"
    return Finding(
        "bye-unreachable",
        "error",
        certainty="certain" if certain else "likely",
        variant=variant,
        parameters={
            "sender": bye.client,
            "hop": bye.server,
            "contact": target.uri if target is not None else "",
        },
        evidence=(
            EvidenceReference("message", request.n, N_("the BYE")),
            *_contact(target if private else None),
            *(
                EvidenceReference("message", again.n, N_("the BYE, repeated"))
                for again in bye.retransmissions[:_MOST_NAMED]
            ),
            *(
                EvidenceReference("message", hop.refusal.n, N_("given up with a 408"))
                for hop in given_up
                if hop.refusal is not None
            ),
        ),
        since_ts=request.ts,
    )


def _contact(target: RemoteTarget | None) -> list[EvidenceReference]:
    if target is None:
        return []
    return [EvidenceReference("message", target.n, N_("the Contact that it goes to"))]


def _goes_astray(busy: set[str], bye: Transaction) -> bool:
    """Whether it is sent from a public address straight to a private one that nothing
    else came from or went to.

    :param busy: the addresses of everything else.
    """
    request = bye.request
    if request is None or request.header("Route") or is_private(bye.client.ip):
        return False
    return is_private(bye.server.ip) and bye.server.ip not in busy


RULE = Rule(
    id="bye-unreachable",
    find=_find,
    rank=150,
    explains=frozenset({"dialog-lost", "media-stops", "bye-refused", "one-way-audio"}),
    standard=("RFC 3261 12.2.1.1", "RFC 3261 16.6", "RFC 3261 17.1.2.2"),
    texts={
        "": Texts(
            N_("{sender} hangs up, and {hop} does not answer its BYE."),
            N_(
                "Nothing that was captured confirms the BYE. The side that hung up has "
                "ended the call; the other side likely stays connected and hears "
                "silence, until a timer of its own ends the call."
            ),
            (
                N_("Check whether the BYE arrives at {hop}, by a capture there."),
                N_(
                    "Compare the address that it is sent to with the Contact and "
                    "Record-Route of the other side's last INVITE or answer."
                ),
                N_("Check whether {hop} was up: did it send anything after that?"),
            ),
        ),
        "private-contact": Texts(
            N_(
                "{sender} hangs up, and its BYE goes to the private address {hop}, "
                "where it is lost."
            ),
            N_(
                "The other side names {contact} as its Contact, an address inside its "
                "own network, and no Record-Route leads the BYE another way. The other "
                "side likely does not notice that the call has ended."
            ),
            (
                N_(
                    "Let the proxy that the INVITE passed add Record-Route, so that "
                    "the BYE takes the same way."
                ),
                N_(
                    "Let that proxy correct the Contact of clients behind NAT, or give "
                    "the client its external address."
                ),
            ),
        ),
        "given-up": Texts(
            N_(
                "The BYE of {sender} reaches nobody behind {hop}, which gives it up "
                "with a 408."
            ),
            N_(
                "A 408 to a BYE says that the next hop did not answer in time. The "
                "side that hung up has ended the call; the other side likely stays "
                "connected and hears silence, until a timer of its own ends the call."
            ),
            (
                N_(
                    "Check where {hop} sends the BYE: by its Route, or to the Contact "
                    "in its Request-URI."
                ),
                N_(
                    "Check whether the phone at that Contact is still there "
                    "(registration, NAT binding, connection)."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("BYE reaches nobody"),
        meaning=N_(
            "One side hung up and its BYE met no response: it is repeated for 64*T1 = "
            "32 s, or a proxy gives up and answers 408."
        ),
        noticed=N_(
            "One side hung up, the other stays connected in silence. Calls are billed "
            "longer than people talked."
        ),
        causes=(
            N_(
                "The Contact of the other side is a private address, and no proxy "
                "stayed in the path by Record-Route."
            ),
            N_(
                "The NAT binding or the TCP connection of a phone is gone; keep-alives "
                "are missing."
            ),
            N_("The BYE is sent without the Route headers of the dialog."),
            N_("The other side lost power or network."),
        ),
        confirm=(
            N_(
                "In the ladder: the BYE repeated in growing intervals without a "
                "response."
            ),
            N_(
                "Compare its destination with the address that the other side's "
                "messages came from."
            ),
        ),
        fix=(
            N_("Let each proxy of the path add Record-Route to an initial INVITE."),
            N_(
                "Let the proxy correct the Contact of clients behind NAT, and keep "
                "their binding open."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "record_route() for initial INVITEs; fix_nated_contact() or "
                "fix_nated_register() for clients behind NAT, with natping_interval of "
                "nathelper; create_dialog() with bye-on-timeout ends both sides when a "
                "dialog times out."
            ),
            "Kamailio": N_(
                "record_route() for initial INVITEs; set_contact_alias() with "
                "handle_ruri_alias(), and natping_interval of nathelper; "
                "$dlg_ctx(timeout_bye)=1 ends both sides when a dialog times out."
            ),
            "Asterisk": N_(
                "rewrite_contact=yes and force_rport=yes for phones behind NAT; "
                "qualify_frequency of the AOR keeps bindings open; rtp_timeout ends "
                "calls whose audio has stopped."
            ),
            "FreeSWITCH": N_(
                "apply-nat-acl and nat-options-ping for phones behind NAT; "
                "rtp-timeout-sec (media_timeout in newer versions) ends calls whose "
                "audio has stopped."
            ),
        },
    ),
)
