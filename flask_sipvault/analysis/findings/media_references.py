"""References to what was captured of a call's media, and to its descriptions."""

from __future__ import annotations

from collections.abc import Iterable

from ...language import N_
from ..call import Call
from ..media.described import DescribedEnds
from ..media.described import description_of
from ..media.model import MediaStream
from ..media.model import Period
from ..media.negotiation import LineState
from ..sip.sides import Side
from .model import EvidenceReference
from .references import messages

#: Of RTCP datagrams so many are named; a long call has hundreds.
_MOST_RTCP = 10


def streams(seen: Iterable[MediaStream], what: str = "") -> list[EvidenceReference]:
    """The packets of streams, by their numbers in ``call.json``."""
    numbers = dict.fromkeys(each.n for stream in seen for each in stream.rtp)
    return [EvidenceReference("stream", n, what) for n in numbers]


def stream(n: int, what: str = "") -> EvidenceReference:
    """The packets of one source between one pair of addresses."""
    return EvidenceReference("stream", n, what)


def datagrams(numbers: Iterable[int], what: str = "") -> list[EvidenceReference]:
    """RTCP datagrams by their places, from 1."""
    first = sorted(set(numbers))[:_MOST_RTCP]
    return [EvidenceReference("rtcp", n, what) for n in first]


def span(period: Period, what: str = "") -> EvidenceReference:
    """A stretch of time."""
    return EvidenceReference(
        "span", None, what, from_ts=period.start_ts, to_ts=period.end_ts
    )


def descriptions(
    ends: Iterable[DescribedEnds], *, sending: str = "", receiving: str = ""
) -> list[EvidenceReference]:
    """The messages in which sides described themselves.

    :param sending: what those of the sender show; "" leaves them out, as
        ``receiving`` those of the receiver.
    """
    ends = list(ends)
    found: list[EvidenceReference] = []
    for what, by_sender in ((receiving, False), (sending, True)):
        if what:
            described = (
                description_of(e.state, e.sender if by_sender else e.receiver)
                for e in ends
            )
            found += messages([m for m in described if m is not None], what)
    return found


def agreed_by(state: LineState | None, what: str = "") -> list[EvidenceReference]:
    """The messages with the offer and the answer that hold."""
    if state is None:
        return []
    sides: tuple[Side, Side] = ("caller", "callee")
    both = [description_of(state, side) for side in sides]
    return messages([m for m in both if m is not None], what)


def conversation(call: Call) -> list[EvidenceReference]:
    """The messages between which the two sides spoke: the answer and the hang-up."""
    dialog = call.dialog
    found = []
    if dialog is not None and dialog.answer is not None:
        found += messages([dialog.answer], N_("the call is answered"))
    if call.ending is not None and call.ending.message.method == "BYE":
        found += messages([call.ending.message], N_("and hung up"))
    return found
