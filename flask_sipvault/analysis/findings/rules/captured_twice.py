"""The same packets were captured more than once."""

from __future__ import annotations

from ....language import N_
from ...visibility import Limit
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _variant(limit: Limit) -> str:
    return "one" if limit.count == 1 else ""


_EXPLANATION = N_(
    "The same bytes between the same addresses within a millisecond are a copy that the"
    " capture made; a retransmission comes half a second later at the earliest. Copies"
    " are not counted."
)
_NEXT = (
    N_("Whether a mirror port copies packets where they enter and where they leave."),
    N_("Whether two interfaces, or a bridge and its port, are captured at once."),
)

RULE = Rule(
    "captured-twice",
    finds("captured-twice", N_("a copy"), _variant),
    {
        "": Texts(
            N_("{count} packets were captured twice; they are no retransmissions."),
            _EXPLANATION,
            _NEXT,
        ),
        "one": Texts(
            N_("One packet was captured twice; it is no retransmission."),
            _EXPLANATION,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Captured twice"),
        N_("The capture holds the same packets more than once."),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("A mirror port that shows each packet where it enters and leaves."),
            N_("A capture on all interfaces of a host that forwards packets."),
        ),
        (N_("In the capture: equal packets a few microseconds apart."),),
        (N_("Capture on one interface, or mirror one direction of each port."),),
    ),
    rank=RANK + 1,
)
