"""A request within the dialog whose CSeq number does not go up (RFC 3261 sections
12.2.1.1 and 12.2.2).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.dialogs import SequenceNumber
from ...sip.sides import Side
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unanswered import where_it_ends

_CHALLENGES = (401, 407)


def _find(call: Call) -> Iterator[Finding]:
    for dialog in call.dialogs:
        hops: dict[object, list[Transaction]] = defaultdict(list)
        for each in dialog.transactions:
            if each.request is not None:
                hops[each.from_tag, each.method, each.cseq].append(each)
        for side, numbers in dialog.sequence.items():
            for entry in numbers:
                before = entry.highest_before
                if before is None or entry.number > before:
                    continue
                found = _judge(call, dialog, side, entry, before, hops)
                if found is not None:
                    yield found
                    break


def _judge(
    call: Call,
    dialog: Dialog,
    side: Side,
    entry: SequenceNumber,
    before: int,
    requests: dict[object, list[Transaction]],
) -> Finding | None:
    tag = dialog.caller_tag if side == "caller" else dialog.callee_tag
    hops = requests.get((tag, entry.method, entry.number), [])
    first = next((t for t in hops if t.request and t.request.n == entry.n), None)
    if first is None or any(hop.answer is not None for hop in hops):
        return None  # nobody minds
    refused = [hop for hop in hops if hop.refusal is not None]
    if refused:
        failed = where_refused(refused[0])
        if failed.refusal is None or failed.refusal.code in _CHALLENGES:
            return None
    else:
        silent = where_it_ends(call, hops)
        if silent is None:
            return None
        failed = silent
    refusal = failed.refusal
    by_itself = first.client == dialog.hosts[side]
    variant = "" if by_itself else f"in-the-name-of-the-{side}"
    earlier = _bearer(dialog, side, before, entry)
    return Finding(
        "cseq-not-increasing",
        "error",
        certainty="certain" if _says_so(refusal.code if refusal else 0) else "likely",
        variant=variant if refusal is not None else f"{variant}-silent".lstrip("-"),
        parameters={
            "sender": first.client,
            "hop": failed.server,
            "method": entry.method,
            "number": entry.number,
            "highest": before,
            "refusal": refusal.summary if refusal is not None else "",
        },
        evidence=(
            EvidenceReference("message", entry.n, N_("CSeq number {number}")),
            *(
                EvidenceReference("message", n, N_("CSeq number {highest} before"))
                for n in earlier
            ),
            *(
                EvidenceReference("message", m.n, N_("refused"))
                for m in [refusal]
                if m is not None
            ),
        ),
        since_ts=entry.ts,
    )


def _says_so(code: int) -> bool:
    """The response that section 12.2.2 prescribes."""
    return code == 500


def _bearer(
    dialog: Dialog, side: Side, number: int, entry: SequenceNumber
) -> list[int]:
    """The message that bore the number before."""
    earlier = [
        e.n for e in dialog.sequence[side] if e.number == number and e.n < entry.n
    ]
    return earlier[:1]


def _texts(headline: str, explanation: str) -> Texts:
    return Texts(
        headline,
        explanation,
        (
            N_(
                "Check how {sender} counts the requests of the dialog that it sends "
                "itself."
            ),
            N_(
                "Check why {sender} sent this {method} at all (timeout of the dialog, "
                "session timer)."
            ),
        ),
    )


_COUNTS = N_(
    "Each request of a side within a dialog bears a higher CSeq number than the one "
    "before. A lower or equal number has to be refused with 500, and the request does "
    "not count: after a BYE of that kind the other side keeps the call."
)

RULE = Rule(
    id="cseq-not-increasing",
    find=_find,
    rank=112,
    explains=frozenset(
        {
            *("bye-refused", "bye-unreachable", "dialog-lost", "reinvite-refused"),
            *("transfer-failed", "session-timer", "hold-not-resumed"),
        }
    ),
    standard=("RFC 3261 12.2.1.1", "RFC 3261 12.2.2"),
    texts={
        "": _texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}: its CSeq "
                "number {number} is not higher than {highest}, which it used before."
            ),
            _COUNTS,
        ),
        "in-the-name-of-the-caller": _texts(
            N_(
                "{hop} refuses the {method} that {sender} sends in the caller's name "
                "with {refusal}: its CSeq number {number} is not higher than the "
                "caller's {highest}."
            ),
            _COUNTS,
        ),
        "in-the-name-of-the-callee": _texts(
            N_(
                "{hop} refuses the {method} that {sender} sends in the called side's "
                "name with {refusal}: its CSeq number {number} is not higher than that "
                "side's {highest}."
            ),
            _COUNTS,
        ),
        "silent": _texts(
            N_(
                "Nothing answers the {method} of {sender} to {hop}: its CSeq number "
                "{number} is not higher than {highest}, which it used before."
            ),
            _COUNTS,
        ),
        "in-the-name-of-the-caller-silent": _texts(
            N_(
                "Nothing answers the {method} that {sender} sends to {hop} in the "
                "caller's name: its CSeq number {number} is not higher than the "
                "caller's {highest}."
            ),
            _COUNTS,
        ),
        "in-the-name-of-the-callee-silent": _texts(
            N_(
                "Nothing answers the {method} that {sender} sends to {hop} in the "
                "called side's name: its CSeq number {number} is not higher than that "
                "side's {highest}."
            ),
            _COUNTS,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("CSeq number too low"),
        meaning=N_(
            "A request within the dialog bears a CSeq number that is not higher than "
            "the highest that this side used before. Who receives it must refuse it "
            "with 500."
        ),
        noticed=N_(
            "A hang-up, hold or transfer has no effect: the call goes on and is billed "
            "although it was ended."
        ),
        causes=(
            N_(
                "A proxy ends calls itself and does not know the numbers that the two "
                "sides used."
            ),
            N_(
                "A proxy authenticated the INVITE in the caller's name, which raised "
                "the number behind it, and passes later requests on with the old one."
            ),
            N_("A B2BUA or a failover node begins to count anew."),
        ),
        confirm=(
            N_(
                "Compare the CSeq number with those of the requests of the same side "
                "before, at the same hop. Each side counts its own: the other side's "
                "numbers do not matter."
            ),
        ),
        fix=(
            N_(
                "Let whoever sends requests in another's name track the CSeq numbers "
                "of the dialog."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "The dialog module keeps CSeq numbers of both sides where "
                "create_dialog() was called for the INVITE; uac_auth() of an INVITE "
                "needs it to correct later requests."
            ),
            "Kamailio": N_(
                "track_cseq_updates=1 of the dialog module, with dlg_manage() for the "
                "INVITE, where uac_auth() authenticates calls."
            ),
        },
    ),
)
