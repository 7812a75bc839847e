"""A hold or a resume that is answered in a way that it must not be."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from ....language import N_
from ....protocols.sdp import Media
from ...call import Call
from ...media.negotiation import LineState
from ...media.negotiation import Negotiation
from ...sip.messages import Message
from ...sip.sides import other_side
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: What an answer may say to each direction of an offer (RFC 3264 section 6.1).
_ALLOWED = {
    "sendonly": frozenset({"recvonly", "inactive"}),
    "recvonly": frozenset({"sendonly", "inactive"}),
    "inactive": frozenset({"inactive"}),
}

_UNSPECIFIED = ("0.0.0.0", "::")  # noqa: S104


def _find(call: Call) -> Iterator[Finding]:
    made: dict[tuple[str, int | None, str], tuple[int, Finding]] = {}
    for negotiation in call.negotiations:
        for answer, finding in _of_negotiation(negotiation):
            # Of an answer that passed several hops, where it was made.
            key = (answer.leg, answer.cseq_number, answer.from_tag)
            known = made.get(key)
            if known is None or answer.n < known[0]:
                made[key] = answer.n, finding
    # A resume that fails is worse than a hold that is answered wrongly.
    found = sorted(made.values(), key=lambda each: (each[1].severity, each[0]))
    yield from (finding for _, finding in found[:1])


def _of_negotiation(negotiation: Negotiation) -> Iterator[tuple[Message, Finding]]:
    for line in negotiation.lines_of("audio"):
        before: LineState | None = None
        for at, state in enumerate(line.states):
            if state.early:
                continue
            problem = _problem(before, state)
            before = state
            answer, offer = state.exchange.answer, state.exchange.offer
            if problem and answer is not None and offer is not None:
                later = line.states[at + 1 : at + 4]
                yield answer, _finding(offer, answer, state, later, problem)


def _problem(before: LineState | None, state: LineState) -> str:
    offered, answered = state.offered, state.answered
    if not state.accepted or offered is None or answered is None:
        return ""
    if answered.address in _UNSPECIFIED or offered.address in _UNSPECIFIED:
        return ""  # the older way to hold a call (RFC 2543), which says it otherwise
    allowed = _ALLOWED.get(offered.direction)
    if allowed is not None:
        return "" if answered.direction in allowed else "hold"
    if before is None or not _resumes(before, state, offered):
        return ""
    other = other_side(state.offerer)
    still_held = answered.direction in ("recvonly", "inactive")
    return "resume" if still_held and other not in before.held_by() else ""


def _resumes(before: LineState, state: LineState, offered: Media) -> bool:
    return state.offerer in before.held_by() and offered.direction == "sendrecv"


def _finding(
    offer: Message,
    answer: Message,
    state: LineState,
    later: Sequence[LineState],
    problem: str,
) -> Finding:
    assert state.offered is not None and state.answered is not None
    evidence: list[EvidenceReference] = [
        message(answer, N_("the answer: {answered}")),
        message(offer, N_("the offer: {offered}")),
    ]
    evidence += [
        message(each.exchange.answer, N_("what followed"))
        for each in later
        if each.exchange.answer is not None
    ]
    return Finding(
        "hold-direction",
        "error" if problem == "resume" else "warning",
        variant=problem,
        parameters={
            "host": answer.origin,
            "sender": offer.origin,
            "offered": state.offered.direction,
            "answered": state.answered.direction,
        },
        evidence=tuple(evidence),
        since_ts=state.since_ts,
    )


_NEXT = (
    N_("In the logs of {host}: what it made of the change of direction."),
    N_("Whether the session description of {host} changes at all: its o= version."),
    N_("Whether both sides send audio again after the call was taken off hold."),
)

RULE = Rule(
    "hold-direction",
    _find,
    {
        "hold": Texts(
            N_("{host} answered a hold (a={offered}) with a={answered}."),
            N_(
                "To sendonly an answer may say recvonly or inactive, to recvonly"
                " sendonly or inactive, to inactive only that. The two sides now have"
                " different views of who sends, and audio may be missing, also after"
                " the hold."
            ),
            _NEXT,
        ),
        "resume": Texts(
            N_("{host} answered the end of the hold with a={answered}."),
            N_(
                "{sender} took the call off hold (a={offered}), and {host} answered as"
                " if it were still on hold: by that it sends nothing, and the call has"
                " audio in one direction at most."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Direction of a hold"),
        N_(
            "A hold and its end change the direction of the audio (sendonly, recvonly,"
            " inactive, sendrecv). The answer has to fit the offer; here it does not."
        ),
        N_("One-way audio or silence after a hold; music on hold that goes on."),
        (
            N_("A phone or PBX that answers each re-INVITE with the same description."),
            N_("An SBC that handles the hold of one side and not of the other."),
        ),
        (
            N_("In the page: the a= lines of the offers and answers, one by one."),
            N_("The RTP streams: which direction is missing, and since when."),
        ),
        (
            N_("Update the side that answers wrongly."),
            N_("Have the PBX hold the call itself and play its music, without SIP."),
        ),
        {
            "Asterisk": N_(
                "moh_passthrough of the PJSIP endpoint: whether a hold is passed on or"
                " held here with music."
            ),
            "FreeSWITCH": N_("disable-hold of the SIP profile makes it ignore holds."),
        },
    ),
    ("RFC 3264 6.1", "RFC 3264 8.4", "RFC 6337 5.3"),
    rank=260,
    explains=frozenset(
        {"one-way-audio", "no-audio", "media-stops", "media-timeout-silence"}
    ),
)
