"""No ACK reaches the side that answered (RFC 3261 sections 13.2.2.4 and 13.3.1.4)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ..addresses import is_private
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unacknowledged import find_unacknowledged
from ..unacknowledged import Forks
from ..unacknowledged import Unacknowledged

#: Of the repetitions so many are named; with another T1 there may be hundreds.
_MOST_NAMED = 20


def _find(call: Call) -> Iterator[Finding]:
    forks = Forks(call)
    in_vain = list(find_unacknowledged(call))
    repeated = {found.dialog.number for found in in_vain}
    for dialog in call.dialogs:
        if dialog.number not in repeated:
            yield from _not_passed_on(call, dialog)
    for found in in_vain:
        beside = forks.acknowledged_beside(found.dialog)
        ignored = beside is not None and not found.acks
        if found.changes or found.cancel or ignored:
            continue  # other rules say why
        variant, place, shown = _reason(call, found)
        contact = found.passed_on.sip.contact if found.passed_on.sip else None
        yield Finding(
            "ack-missing",
            "error",
            certainty="likely" if variant == "private-contact" else "certain",
            variant=variant,
            parameters={
                "callee": found.answer.origin,
                "caller": found.passed_on.target,
                "answer": found.answer.summary,
                "count": found.repeated,
                "wait_ms": found.waited / 1e6,
                "contact": contact.uri if contact else "",
                "place": place,
            },
            evidence=(
                EvidenceReference("message", found.answer.n, N_("the answer")),
                *(
                    EvidenceReference("message", found.passed_on.n, N_("its Contact"))
                    for _ in range(found.passed_on is not found.answer)
                ),
                *shown,
                *(
                    EvidenceReference("message", again.n, N_("the answer, repeated"))
                    for again in found.sendings[1 : _MOST_NAMED + 1]
                ),
                *(
                    EvidenceReference("message", bye.n, N_("the called side gives up"))
                    for bye in [found.hung_up]
                    if bye is not None
                ),
            ),
            since_ts=found.answer.ts,
        )


def _not_passed_on(call: Call, dialog: Dialog) -> Iterator[Finding]:
    """Where the called side does not repeat its answer: a proxy that gets the ACK, does
    not pass it on, and does not pass the BYE on either, which it refuses itself.
    """
    answer, invite = dialog.answer, next(iter(dialog.invites[-1:]), None)
    if answer is None or invite is None or invite.upstream is None:
        return
    proxy = invite.client
    acks = [ack for ack in dialog.acks if ack.target == proxy]
    if not acks or any(ack.origin == proxy for ack in dialog.acks):
        return
    kept = [
        bye
        for bye in dialog.byes
        if bye.server == proxy and not bye.downstream and bye.refusal is not None
        if bye.from_tag == dialog.caller_tag and bye.refusal.code not in (401, 407)
    ]
    if not kept or not call.visibility.would_show(proxy, invite.server):
        return
    first = kept[0]
    yield Finding(
        "ack-missing",
        "error",
        variant="stopped-with-bye",
        parameters={
            "place": proxy,
            "callee": invite.server,
            "answer": answer.summary,
            "refusal": first.refusal.summary if first.refusal else "",
        },
        evidence=(
            EvidenceReference("message", answer.n, N_("the answer")),
            *_acks(acks),
            *(
                EvidenceReference("message", m.n, what)
                for m, what in (
                    (first.request, N_("the BYE")),
                    (first.refusal, N_("refused")),
                )
                if m is not None
            ),
        ),
        since_ts=answer.ts,
    )


def _reason(
    call: Call, found: Unacknowledged
) -> tuple[str, Endpoint, list[EvidenceReference]]:
    """The variant, the place that it is about, and what shows it."""
    callee = found.answer.origin
    if found.arriving:
        return "arrives", callee, _acks(found.arriving)
    number = found.answer.cseq_number
    wrong = [ack for ack in found.acks if ack.cseq_number != number]
    if wrong:
        return "wrong-number", wrong[0].origin, _acks(wrong)
    if _names_private(found):
        return "private-contact", callee, _acks(found.acks)
    if found.acks:
        # The ACK came as far as this host.
        last = found.acks[-1].target
        if call.visibility.would_show(last, callee):
            return "stopped", last, _acks(found.acks)
        return "elsewhere", last, _acks(found.acks)
    return "", callee, []


def _acks(acks: list[Message]) -> list[EvidenceReference]:
    return [EvidenceReference("message", ack.n, N_("an ACK")) for ack in acks[:5]]


def _names_private(found: Unacknowledged) -> bool:
    """Whether the 2xx came from a public address to another, and names a private one in
    its Contact, where the ACK goes unless somebody in between knows better.
    """
    contact = found.passed_on.sip.contact if found.passed_on.sip else None
    if contact is None or not is_private(contact.host):
        return False
    fixed = ";alias=" in contact.uri or ";received=" in contact.uri
    ends = (found.answer.origin, found.answer.target)
    return not fixed and not any(is_private(end.ip) for end in ends)


_NEXT = (
    N_("Look for the ACK in a capture on {caller}: is it sent, and to which address?"),
    N_(
        "Compare the Route and the Request-URI of the ACK with the Record-Route and "
        "the Contact of the answer."
    ),
)

RULE = Rule(
    id="ack-missing",
    find=_find,
    rank=110,
    explains=frozenset(
        {
            *("bye-unreachable", "bye-refused", "bye-dialog-mismatch", "dialog-lost"),
            *("bye-without-route", "media-stops", "reinvite-refused"),
            "reinvite-ack-missing",
        }
    ),
    standard=(
        *("RFC 3261 13.2.2.4", "RFC 3261 13.3.1.4", "RFC 3261 12.1.1"),
        "RFC 3261 12.2.1.1",
    ),
    texts={
        "": Texts(
            N_(
                "No ACK for its {answer} reaches {callee}, which repeats it {count} "
                "times in {wait_ms}."
            ),
            N_(
                "The called side repeats its answer until the ACK comes, and hangs up "
                "after about 32 s, though both sides may hear each other. Nothing that "
                "was captured acknowledges this answer."
            ),
            _NEXT,
        ),
        "private-contact": Texts(
            N_(
                "No ACK for its {answer} reaches {callee}: its Contact names the "
                "private address {contact}."
            ),
            N_(
                "The caller sends its ACK to the Contact of the answer, unless "
                "Record-Route leads it another way. This Contact is an address inside "
                "the called side's own network, which is likely where the ACK is lost. "
                "The answer is repeated {count} times in {wait_ms}; after about 32 s "
                "the called side hangs up."
            ),
            (
                N_(
                    "Check which external address {callee} is told to use, and which "
                    "networks it takes for local."
                ),
                N_("Switch off SIP ALG on the router of the called side."),
                N_("Look for the ACK of {caller} at the outside of that router."),
            ),
        ),
        "stopped": Texts(
            N_(
                "{place} receives the ACK and does not pass it on to {callee}, which "
                "repeats its {answer} {count} times in {wait_ms}."
            ),
            N_(
                "The ACK of a 2xx is a request of its own that a proxy routes by the "
                "Route header or the Request-URI. It was captured on its way to "
                "{place}, and not behind it. The called side hangs up after about 32 s."
            ),
            (
                N_(
                    "Check how {place} routes an ACK within a dialog: by Route first, "
                    "then by Request-URI."
                ),
                N_(
                    "Check that the Route of the ACK names {place} as its Record-Route "
                    "did."
                ),
            ),
        ),
        "stopped-with-bye": Texts(
            N_(
                "{place} passes neither the ACK nor the BYE on to {callee}; it refuses "
                "the BYE with {refusal}."
            ),
            N_(
                "Both came to {place}, and the INVITE had passed it. It does not know "
                "how to route requests within the call. The called side stays in the "
                "call until it gives up or a timer ends it."
            ),
            (
                N_(
                    "Check how {place} routes requests with a To tag: by Route first, "
                    "then by Request-URI."
                ),
                N_(
                    "Check that {place} adds Record-Route to the initial INVITE, and "
                    "that the Route of ACK and BYE names it."
                ),
            ),
        ),
        "elsewhere": Texts(
            N_(
                "The ACK goes to {place} and does not reach {callee}, which repeats "
                "its {answer} {count} times in {wait_ms}."
            ),
            N_(
                "The answer is repeated to its end although an ACK was captured: this "
                "ACK did not come to who answered. The called side hangs up after "
                "about 32 s."
            ),
            (
                N_(
                    "Check whether {place} is where the Record-Route and the Contact "
                    "of the answer lead."
                ),
                N_("Look for the ACK behind {place}."),
            ),
        ),
        "arrives": Texts(
            N_(
                "{callee} goes on repeating its {answer} although the ACK is sent to "
                "it: {count} times in {wait_ms}."
            ),
            N_(
                "The ACK was captured on its way to the called side, which does not "
                "get it or does not take it for its own. After about 32 s it hangs up."
            ),
            (
                N_(
                    "Capture on {callee} itself: does the ACK arrive there? If not, "
                    "look at firewalls and NAT in between."
                ),
                N_(
                    "If it arrives, compare its tags, Request-URI and CSeq number with "
                    "those of the dialog."
                ),
            ),
        ),
        "wrong-number": Texts(
            N_(
                "The ACK of {place} bears another CSeq number than the INVITE, and "
                "{callee} repeats its {answer} {count} times in {wait_ms}."
            ),
            N_(
                "An ACK belongs to the INVITE whose CSeq number it bears; with another "
                "number it acknowledges nothing. After about 32 s the called side "
                "hangs up."
            ),
            (
                N_(
                    "Look at who wrote the ACK: a caller that got a challenge before "
                    "must use the number of its last INVITE; so must a proxy that "
                    "authenticates in the caller's name."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("ACK missing"),
        meaning=N_(
            "The called side answered with a 2xx and got no ACK. It repeats the 2xx "
            "after 0.5 s, 1 s, 2 s, 4 s and then every 4 s, over TCP too, and hangs up "
            "64*T1 = 32 s after the answer."
        ),
        noticed=N_(
            "The call is cut about 32 seconds after it was answered, often with good "
            "audio until then."
        ),
        causes=(
            N_(
                "The Contact of the answer is an address that the caller cannot reach, "
                "mostly a private one behind NAT."
            ),
            N_(
                "A proxy in between did not add Record-Route, or the caller ignores "
                "it, so that the ACK takes a way that does not exist."
            ),
            N_("A proxy does not route an ACK within a dialog."),
            N_("SIP ALG of a router has rewritten Contact or Record-Route by halves."),
            N_("A firewall forgot the connection, or lets only one address through."),
        ),
        confirm=(
            N_(
                "In the ladder: the answer repeated in growing intervals, and a BYE of "
                "the called side 32 s after the first."
            ),
            N_(
                "Compare the Contact of the answer with the address that the packet "
                "came from."
            ),
            N_(
                "Capture at the caller: the ACK that it sends shows the address that "
                "it tries."
            ),
        ),
        fix=(
            N_(
                "Let the called side know its external address, or let the proxy in "
                "front of it correct the Contact."
            ),
            N_(
                "Let each proxy that the dialog has to pass add Record-Route, and "
                "route requests with a To tag by Route."
            ),
            N_("Switch off SIP ALG."),
        ),
        settings={
            "OpenSIPS": N_(
                "record_route() for each initial INVITE, loose_route() for requests "
                "with a To tag (an ACK without Route by t_check_trans() and its "
                "Request-URI), fix_nated_contact() of nathelper for answers from "
                "behind NAT."
            ),
            "Kamailio": N_(
                "record_route() and loose_route(); set_contact_alias() with "
                "handle_ruri_alias(), or fix_nated_contact() of nathelper, in "
                "onreply_route too."
            ),
            "Asterisk": N_(
                "external_signaling_address and local_net of the transport; "
                "rewrite_contact=yes of the endpoint for phones behind NAT."
            ),
            "FreeSWITCH": N_(
                "ext-sip-ip of the profile; apply-nat-acl for phones behind NAT."
            ),
        },
    ),
)
