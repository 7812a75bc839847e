"""Messages that were refused as malformed, or dropped without a word."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...language import N_
from ..call import Call
from ..sip.defects import Defect
from ..sip.defects import DefectKind
from ..sip.defects import find_defects
from ..sip.messages import Message
from ..sip.transactions import Transaction
from .silent_hops import silent_hops

#: "Bad Request", and the version that is not supported (RFC 3261 sections 21.4.1 and
#: 21.5.6).
MALFORMED_CODES = frozenset({400, 505})

#: Many phones end their SDP so, and nobody minds.
_HARMLESS_ALONE = frozenset({"unfinished"})


#: What each defect is, with :attr:`.Defect.what` and :attr:`.Defect.bytes` as
#: placeholders.
DEFECT_WORDS: dict[DefectKind, str] = {
    "unreadable": N_("it has no start line of SIP"),
    "missing": N_("it lacks the header {what}"),
    "twice": N_("it has the header {what} twice, with different values"),
    "cseq": N_("its CSeq does not fit: {what}"),
    "too-long": N_("{bytes} bytes more than its Content-Length of {what}"),
    "too-short": N_("{bytes} bytes fewer than its Content-Length of {what}"),
    "via": N_("its Via cannot be read: {what}"),
    "uri": N_("an address in it cannot be read: {what}"),
    "sdp": N_("its description of media cannot be read: {what}"),
    "unfinished": N_("its description of media ends in the middle of a line"),
}


@dataclass(frozen=True, slots=True)
class RefusedMessage:
    """A request that was refused as malformed, or that met no response and has defects.

    :param transaction: at the hop where it was refused.
    :param refusal: None where there was no response.
    """

    transaction: Transaction
    request: Message
    refusal: Message | None
    defects: list[Defect]


def refused_messages(call: Call) -> Iterator[RefusedMessage]:
    """In order of time; of a request at several hops, where it was refused first."""
    silent = {id(hop.transaction) for hop in silent_hops(call)}
    for each in call.transactions:
        if each.request is None:
            continue
        refusal = each.refusal
        refused = refusal is not None and refusal.code in MALFORMED_CODES
        if not refused and id(each) not in silent:
            continue
        if any(
            t.refusal and t.refusal.code in MALFORMED_CODES for t in each.downstream
        ):
            continue
        defects = list(find_defects(each.request))
        if not refused and {d.kind for d in defects} <= _HARMLESS_ALONE:
            continue
        yield RefusedMessage(each, each.request, refusal, defects)
