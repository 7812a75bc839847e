"""A BYE whose tags are not those of the dialog (RFC 3261 section 12.2)."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ...sip.sides import other_side
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
    dialogs = _Dialogs(call)
    known = {(dialog.leg, tag) for dialog in call.dialogs for tag in dialog.tags}
    inside = {id(bye) for dialog in call.dialogs for bye in dialog.byes}
    seen: set[object] = set()
    for bye in call.transactions:
        request = bye.request
        if bye.method != "BYE" or request is None or not _fails(call, bye):
            continue
        key = (bye.leg, request.from_tag, request.to_tag, bye.cseq)
        if key in seen:
            continue  # the same at a further hop
        dialog = dialogs.meant_by(bye)
        if dialog is None or dialog.answer is None:
            continue
        if id(bye) in inside:
            wrong = _swapped(dialog, bye)
        else:
            wrong = _wrong(dialog, request, known)
        if wrong is None:
            continue
        seen.add(key)
        variant, expected, found = wrong
        final = bye.final
        yield Finding(
            "bye-dialog-mismatch",
            "error",
            certainty="certain" if final is not None else "likely",
            variant=variant if final is not None else f"{variant}-silent",
            parameters={
                "sender": bye.client,
                "hop": where_refused(bye).server,
                "refusal": final.summary if final is not None else "",
                "expected": expected,
                "found": found,
            },
            evidence=(
                EvidenceReference("message", request.n, N_("the BYE")),
                EvidenceReference("message", dialog.answer.n, N_("the dialog's tags")),
                *(
                    EvidenceReference("message", m.n, N_("refused"))
                    for m in [final]
                    if m is not None
                ),
                *(
                    EvidenceReference("message", other.request.n, N_("a later BYE"))
                    for other in dialog.byes[:1]
                    if other.request is not None and other.request.ts > request.ts
                ),
            ),
            since_ts=request.ts,
        )


def _fails(call: Call, bye: Transaction) -> bool:
    refusal = bye.refusal
    if refusal is not None:
        return refusal.code >= 400 and refusal.code not in _CHALLENGES
    return is_unanswered(call, bye)


class _Dialogs:
    """The dialogs that were answered, by their tags and by where their sides are."""

    def __init__(self, call: Call) -> None:
        self._by_tag: dict[object, list[Dialog]] = defaultdict(list)
        self._by_host: dict[object, list[Dialog]] = defaultdict(list)
        for dialog in call.dialogs:
            if dialog.answer is not None:
                for tag in dialog.tags:
                    self._by_tag[dialog.leg, tag].append(dialog)
                for host in dialog.hosts.values():
                    self._by_host[dialog.leg, host].append(dialog)

    def meant_by(self, bye: Transaction) -> Dialog | None:
        """The dialog that a BYE is to end: one whose tag it bears, or else the only one
        of these hosts. None where it may be any, as of a fork, whose dialogs share the
        caller's tag.
        """
        assert bye.request is not None
        for index, keys in (
            (self._by_tag, {bye.request.from_tag, bye.request.to_tag} - {""}),
            (self._by_host, {bye.client, bye.server}),
        ):
            found = [index.get((bye.leg, key), [])[:2] for key in keys]
            same = {dialog.number: dialog for each in found for dialog in each}
            if same:
                return next(iter(same.values())) if len(same) == 1 else None
        return None


def _wrong(
    dialog: Dialog, request: Message, known: set[tuple[str, str]]
) -> tuple[str, str, str] | None:
    """Which tag is wrong, what it should be, and what it is."""
    side = _sender(dialog, request)
    if side is None:
        return None
    own, other = _tags(dialog, side)
    if request.from_tag != own:
        if (request.leg, request.from_tag) in known and request.to_tag == own:
            return None
        missing = "" if request.from_tag else "-missing"
        return f"from{missing}", own, request.from_tag
    if request.to_tag != other:
        missing = "" if request.to_tag else "-missing"
        return f"to{missing}", other, request.to_tag
    return None


def _sender(dialog: Dialog, request: Message) -> Side | None:
    if request.from_tag == dialog.caller_tag or request.to_tag == dialog.callee_tag:
        return "caller"
    if request.from_tag == dialog.callee_tag or request.to_tag == dialog.caller_tag:
        return "callee"
    for side, host in dialog.hosts.items():
        if host == request.origin:
            return side
    return None


def _swapped(dialog: Dialog, bye: Transaction) -> tuple[str, str, str] | None:
    """Whether one side sends it with the tags in the other's places."""
    request = bye.request
    side = dialog.side_of(request) if request is not None else None
    if side is None or request is None or bye.refusal is None:
        return None
    if dialog.hosts[other_side(side)] != bye.client or dialog.hosts[side] == bye.client:
        return None
    if bye.refusal.code != 481:
        return None
    own, _ = _tags(dialog, other_side(side))
    return "swapped", own, request.from_tag


def _tags(dialog: Dialog, side: Side) -> tuple[str, str]:
    tags = (dialog.caller_tag, dialog.callee_tag)
    return tags if side == "caller" else tags[::-1]


_NEXT = (
    N_(
        "Check the stack of {sender}: a request within the dialog bears its own tag in "
        "From and the other side's in To, as the answer of the call set them."
    ),
    N_(
        "Check whether something in between (B2BUA, topology hiding, SIP ALG) changes "
        "tags on one way only."
    ),
)
_REFUSED = N_(
    "The BYE does not belong to the call by its tags, so that the other side cannot "
    "find the dialog and refuses it. It stays connected until it hangs up itself or a "
    "timer ends the call."
)
_SILENT = N_(
    "The BYE does not belong to the call by its tags, and nothing answers it, likely "
    "for that reason. The other side stays connected until it hangs up itself or a "
    "timer ends the call."
)

RULE = Rule(
    id="bye-dialog-mismatch",
    find=_find,
    rank=115,
    explains=frozenset(
        {"bye-refused", "bye-unreachable", "dialog-lost", "bye-without-route"}
    ),
    standard=("RFC 3261 12.2.1.1", "RFC 3261 12.2.2", "RFC 3261 15.1.2"),
    texts={
        "from-missing": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: its From lacks the "
                "tag {expected}."
            ),
            _REFUSED,
            _NEXT,
        ),
        "from": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: its From has the "
                "tag {found} instead of {expected}."
            ),
            _REFUSED,
            _NEXT,
        ),
        "to-missing": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: its To lacks the "
                "tag {expected}."
            ),
            _REFUSED,
            _NEXT,
        ),
        "to": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: its To has the tag "
                "{found} instead of {expected}."
            ),
            _REFUSED,
            _NEXT,
        ),
        "swapped": Texts(
            N_(
                "{hop} refuses the BYE of {sender} with {refusal}: the tags of From "
                "and To are in each other's place."
            ),
            N_(
                "The side that was called has its own tag in the From of its requests, "
                "although it stood in the To of the INVITE. Here it did not exchange "
                "the two, so that the other side cannot find the dialog and stays "
                "connected."
            ),
            _NEXT,
        ),
        "from-missing-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: its From lacks the tag "
                "{expected}."
            ),
            _SILENT,
            _NEXT,
        ),
        "from-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: its From has the tag "
                "{found} instead of {expected}."
            ),
            _SILENT,
            _NEXT,
        ),
        "to-missing-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: its To lacks the tag "
                "{expected}."
            ),
            _SILENT,
            _NEXT,
        ),
        "to-silent": Texts(
            N_(
                "Nothing answers the BYE of {sender} to {hop}: its To has the tag "
                "{found} instead of {expected}."
            ),
            _SILENT,
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("BYE of another dialog"),
        meaning=N_(
            "The From tag or the To tag of a BYE is missing or is not that of the "
            "dialog. The other side looks a call up by Call-ID and both tags, finds "
            "none, and answers 481."
        ),
        noticed=N_("One side hung up, the other stays connected in silence."),
        causes=(
            N_(
                "A fault in the sender's stack, often of gateways and of home-made SIP "
                "clients."
            ),
            N_(
                "A B2BUA or topology hiding maps the tags on one way and forgets the "
                "other."
            ),
            N_(
                "After a fork, the BYE bears the tag of the branch that did not answer."
            ),
        ),
        confirm=(
            N_(
                "Compare From and To of the BYE with those of the answer: exchanged "
                "where the called side hangs up, in the same place where the caller "
                "does."
            ),
        ),
        fix=(
            N_("Update the sender's firmware or stack."),
            N_(
                "Switch off whatever rewrites tags in between, or let it see all "
                "messages of the dialog."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "topology_hiding() has to be followed by topology_hiding_match() for "
                "requests with a To tag."
            ),
            "Kamailio": N_(
                "topoh and topos have to be loaded on every node that the dialog "
                "passes, with the same keys or the same storage."
            ),
        },
    ),
)
