"""A reliable provisional response is not acknowledged by PRACK (RFC 3262)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip import timers
from ...sip.dialogs import Dialog
from ...sip.dialogs import ReliableResponse
from ...sip.message import Message
from ...sip.transactions import Transaction
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: So many repetitions, the last one 3.5 s after the response, are no slow PRACK any
#: more.
_ENOUGH = 3

#: Of the repetitions so many are named.
_MOST_NAMED = 12


def _find(call: Call) -> Iterator[Finding]:
    # Of a fork, the PRACK of another early dialog shows that the caller knows how.
    sent: dict[object, list[tuple[Dialog, Message]]] = defaultdict(list)
    for dialog in call.dialogs:
        pracks = [t.request for t in dialog.transactions if t.method == "PRACK"]
        for request in filter(None, pracks[:1]):
            sent[dialog.leg, dialog.caller_tag].append((dialog, request))
    for dialog in call.dialogs:
        beside = sent.get((dialog.leg, dialog.caller_tag), [])[:2]
        others = [request for owner, request in beside if owner is not dialog]
        for reliable in dialog.reliable:
            found = _judge(call, dialog, reliable, others)
            if found is not None:
                yield found
                break


def _judge(
    call: Call, dialog: Dialog, reliable: ReliableResponse, others: list[Message]
) -> Finding | None:
    """
    :param others: PRACKs of other branches of the fork.
    """
    response = reliable.response
    invite = dialog.invites[-1]
    pracks = [t for t in dialog.transactions if t.method == "PRACK" and t.request]
    own = [t for t in pracks if t.request is reliable.prack]
    if reliable.prack is None:
        if not _missing(call, dialog, reliable, invite):
            return None
        after = [t for t in pracks if t.request and t.request.ts > response.ts]
        refused = [t for t in after if t.refusal is not None]
        variant = "wrong" if refused else _offered(invite)
    else:
        since = reliable.prack.ts + timers.T1
        again = [m for m in reliable.sendings if m.ts > since]
        if len(again) < _ENOUGH or any(prack.answer for prack in own):
            return None
        refused = [t for t in own if t.refusal is not None]
        variant = "wrong" if refused else "lost"
    failed = _given_up(invite, reliable)
    other = next((t.request for t in pracks if t not in own and t.request), None)
    shown = reliable.prack or other or next(iter(others), None)
    return Finding(
        "prack-missing",
        "error" if failed else "warning",
        variant=variant,
        parameters={
            "caller": invite.client,
            "callee": response.origin,
            "response": response.summary,
            "tag": response.to_tag,
            "rseq": reliable.rseq,
        },
        evidence=(
            EvidenceReference("message", response.n, N_("the reliable response")),
            *(
                EvidenceReference("message", m.n, N_("repeated"))
                for m in reliable.sendings[1 : _MOST_NAMED + 1]
            ),
            *(
                EvidenceReference("message", m.n, N_("a PRACK"))
                for m in [shown]
                if m is not None
            ),
            *(
                EvidenceReference("message", m.n, N_("refused"))
                for each in refused[:1]
                if (m := each.refusal) is not None
            ),
            *(EvidenceReference("message", n, N_("the INVITE fails")) for n in failed),
        ),
        since_ts=response.ts,
    )


def _missing(
    call: Call, dialog: Dialog, reliable: ReliableResponse, invite: Transaction
) -> bool:
    """Whether a PRACK should be there: the response was repeated, or a PRACK would have
    been captured for as long as the early dialog went on.
    """
    if len(reliable.sendings) > _ENOUGH:
        return True
    response = reliable.response
    if not call.visibility.would_show(invite.client, invite.server):
        return False
    if invite.request is None:
        return False
    decided = [m.ts for m in invite.finals]
    decided += [
        cancel.request.ts
        for cancel in [invite.cancel]
        if cancel is not None and cancel.request is not None
    ]
    end = min([*decided, call.visibility.last_ts or 0])
    return end - response.ts > timers.T2


def _offered(invite: Transaction) -> str:
    """Whose fault it is: an INVITE that does not offer 100rel may not be answered so
    (RFC 3262 section 3).
    """
    request = invite.request
    if request is None:
        return ""
    names = ("Supported", "Require")
    offered = [
        v for name in names for v in (request.sip.values(name) if request.sip else [])
    ]
    return "" if "100rel" in {v.strip().lower() for v in offered} else "not-offered"


def _given_up(invite: Transaction, reliable: ReliableResponse) -> list[int]:
    """The 5xx by which the called side gives the call up for want of a PRACK."""
    return [
        final.n
        for final in invite.finals
        if 500 <= final.code < 600 and final.to_tag == reliable.response.to_tag
    ]


_MUST = N_(
    "A provisional response with Require: 100rel has to be acknowledged by a PRACK, "
    "each early dialog of a fork by its own. Without it the response is repeated, and "
    "after 32 s that branch is refused with a 5xx."
)

RULE = Rule(
    id="prack-missing",
    find=_find,
    rank=160,
    explains=frozenset({"no-answer", "overload-503", "hop-no-response", "slow-setup"}),
    standard=("RFC 3262 3", "RFC 3262 4", "RFC 3261 13.2.2.1"),
    texts={
        "": Texts(
            N_(
                "{caller} sends no PRACK for the reliable {response} of {callee} (tag "
                "{tag})."
            ),
            _MUST,
            (
                N_(
                    "Check the stack of {caller}: one PRACK for each early dialog and "
                    "each RSeq."
                ),
                N_(
                    "Switch 100rel off where nobody needs it, at one of the two sides "
                    "or at the proxy (Supported)."
                ),
            ),
        ),
        "not-offered": Texts(
            N_(
                "{callee} demands a PRACK for its {response} (tag {tag}) although the "
                "INVITE of {caller} does not offer 100rel."
            ),
            N_(
                "Only an INVITE that lists 100rel in Supported or Require may be "
                "answered by reliable provisional responses. The caller does not know "
                "PRACK, so that none comes, and the branch is given up after 32 s."
            ),
            (
                N_("Switch off the requirement of 100rel at {callee}."),
                N_("Check whether a proxy in between removes 100rel from Supported."),
            ),
        ),
        "wrong": Texts(
            N_(
                "The PRACK of {caller} for the reliable {response} of {callee} (tag "
                "{tag}) is refused, and the response goes on."
            ),
            N_(
                "A PRACK names in RAck the RSeq of the response ({rseq}) and the CSeq "
                "of the INVITE. With other values, or within another early dialog, it "
                "acknowledges nothing, and the branch is given up after 32 s."
            ),
            (
                N_(
                    "Compare RAck of the PRACK with RSeq of the response and CSeq of "
                    "the INVITE."
                ),
                N_(
                    "Check whether something in between changes one of the two, such "
                    "as a proxy that authenticates in the caller's name."
                ),
            ),
        ),
        "lost": Texts(
            N_(
                "The PRACK of {caller} does not reach {callee}, which goes on "
                "repeating its reliable {response} (tag {tag})."
            ),
            N_(
                "A PRACK was captured on its way, and nothing answers it. It goes to "
                "the Contact of the response by the route set of the early dialog; the "
                "branch is given up after 32 s."
            ),
            (
                N_(
                    "Compare where the PRACK goes with the Contact and Record-Route of "
                    "the {response}."
                ),
                N_("Capture on {callee}: does the PRACK arrive?"),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("PRACK missing"),
        meaning=N_(
            "A ringing or progress response demands an acknowledgement (Require: "
            "100rel) and gets none. It is repeated after 0.5 s, 1 s, 2 s and so on; "
            "after 32 s the called side refuses the INVITE with a 5xx."
        ),
        noticed=N_(
            "Some phones of a group stop ringing after half a minute or cannot answer; "
            "calls fail after 32 s of ringing; no ringback tone."
        ),
        causes=(
            N_(
                "The caller's stack sends one PRACK for each call and not for each "
                "early dialog of a fork."
            ),
            N_("The called side demands 100rel of a caller that does not offer it."),
            N_(
                "A proxy does not route PRACK, or the Contact of the provisional "
                "response is not reachable."
            ),
        ),
        confirm=(
            N_(
                "In the ladder: a 180 or 183 with Require: 100rel and RSeq that is "
                "repeated in growing intervals."
            ),
            N_("Is there a PRACK with its To tag and with its RSeq in RAck?"),
        ),
        fix=(
            N_("Update the caller's stack, or switch 100rel off on one side."),
            N_("Let proxies route PRACK as any request within a dialog."),
        ),
        settings={
            "OpenSIPS": N_(
                "loose_route() for requests with a To tag, PRACK included; remove_hf() "
                "of Supported takes the offer of 100rel away."
            ),
            "Kamailio": N_(
                "loose_route() for requests with a To tag, PRACK included; remove_hf() "
                "of Supported takes the offer of 100rel away."
            ),
            "Asterisk": N_(
                "100rel of the endpoint: no, yes, peer_supported or required."
            ),
            "FreeSWITCH": N_("enable-100rel of the profile."),
        },
    ),
)
