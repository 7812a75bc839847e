"""No ACK reaches the side that accepted a change of the call (RFC 3261 section 14)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unacknowledged import find_unacknowledged

#: Of the repetitions so many are named.
_MOST_NAMED = 20


def _find(call: Call) -> Iterator[Finding]:
    for found in find_unacknowledged(call):
        if not found.changes:
            continue
        request = found.invite.request
        yield Finding(
            "reinvite-ack-missing",
            "error",
            variant="arrives" if found.arriving else "",
            parameters={
                "sender": found.answer.origin,
                "other": found.passed_on.target,
                "answer": found.answer.summary,
                "count": found.repeated,
                "wait_ms": found.waited / 1e6,
            },
            evidence=(
                EvidenceReference("message", found.answer.n, N_("the answer")),
                *(
                    EvidenceReference("message", m.n, N_("the re-INVITE"))
                    for m in [request]
                    if m is not None
                ),
                *(
                    EvidenceReference("message", ack.n, N_("an ACK"))
                    for ack in found.arriving[:5]
                ),
                *(
                    EvidenceReference("message", again.n, N_("the answer, repeated"))
                    for again in found.sendings[1 : _MOST_NAMED + 1]
                ),
                *(
                    EvidenceReference("message", bye.n, N_("its sender hangs up"))
                    for bye in [found.hung_up]
                    if bye is not None
                ),
            ),
            since_ts=found.answer.ts,
        )


RULE = Rule(
    id="reinvite-ack-missing",
    find=_find,
    rank=130,
    explains=frozenset(
        {
            *("bye-unreachable", "bye-refused", "dialog-lost", "hold-not-resumed"),
            *(
                "reinvite-refused",
                "session-timer",
                "media-stops",
                "glare-retry-refused",
            ),
        }
    ),
    standard=("RFC 3261 14.2", "RFC 3261 13.3.1.4", "RFC 3261 13.2.2.4"),
    texts={
        "": Texts(
            N_(
                "No ACK for its {answer} to a re-INVITE reaches {sender}, which "
                "repeats it {count} times in {wait_ms}."
            ),
            N_(
                "A change of the call (hold, codec, session refresh) was accepted, and "
                "nothing acknowledges that. Who accepted it repeats the answer and "
                "ends the call after about 32 s."
            ),
            (
                N_(
                    "Look for the ACK in a capture on {other}: is it sent, and to "
                    "which address?"
                ),
                N_(
                    "Compare the Contact and Record-Route of the first INVITE and its "
                    "answer with those of the re-INVITE: a changed Contact leads the "
                    "ACK astray."
                ),
            ),
        ),
        "arrives": Texts(
            N_(
                "{sender} goes on repeating its {answer} to a re-INVITE although the "
                "ACK is sent to it: {count} times in {wait_ms}."
            ),
            N_(
                "The ACK was captured on its way, and who accepted the change does not "
                "get it or does not take it for its own. It ends the call after about "
                "32 s."
            ),
            (
                N_("Capture on {sender} itself: does the ACK arrive there?"),
                N_(
                    "If it arrives, compare its tags and its CSeq number with those of "
                    "the re-INVITE."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("ACK of a re-INVITE missing"),
        meaning=N_(
            "A re-INVITE was accepted with a 2xx that nobody acknowledged. The 2xx is "
            "repeated for 64*T1 = 32 s, then the side that sent it ends the call."
        ),
        noticed=N_(
            "The call is cut about 32 seconds after a hold, a resume, a transfer, a "
            "switch to fax, or a session refresh."
        ),
        causes=(
            N_("The 2xx names a Contact that the other side cannot reach."),
            N_("The ACK is sent without the Route headers of the dialog."),
            N_("A proxy or firewall in between lost the state of the call."),
        ),
        confirm=(
            N_(
                "In the ladder: the 2xx of the re-INVITE repeated in growing "
                "intervals, then a BYE by who sent it."
            ),
            N_(
                "Compare with the ACK of the first INVITE, which did arrive: what is "
                "different?"
            ),
        ),
        fix=(
            N_(
                "Let both sides announce a Contact that the other can reach, in each "
                "message."
            ),
            N_("Let each proxy route an ACK with a To tag by its Route headers."),
        ),
        settings={
            "OpenSIPS": N_(
                "loose_route() before anything else for requests with a To tag; "
                "fix_nated_contact() for re-INVITEs and their answers, too."
            ),
            "Kamailio": N_(
                "loose_route() for requests with a To tag; set_contact_alias() for "
                "re-INVITEs and their answers, too, with handle_ruri_alias()."
            ),
            "Asterisk": N_(
                "rewrite_contact=yes for phones behind NAT; direct_media=no avoids "
                "re-INVITEs that move the media."
            ),
            "FreeSWITCH": N_(
                "ext-sip-ip of the profile; apply-nat-acl for phones behind NAT."
            ),
        },
    ),
)
