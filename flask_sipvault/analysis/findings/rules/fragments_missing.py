"""Fragments of messages are not in the capture."""

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
    "Large messages travel in several IP fragments. Without all of them a message"
    " cannot be read whole. Whether the network lost them or the capture, cannot be"
    " told here: captures with a filter on the port do not see the second fragment."
)
_NEXT = (
    N_("Whether the capture's filter lets fragments through, which have no port."),
    N_("Whether the receiver answers: then it got all of them."),
)

RULE = Rule(
    "fragments-missing",
    finds("fragments-missing", N_("its end is missing"), _variant),
    {
        "": Texts(
            N_("{count} IP fragments of messages are not in the capture."),
            _EXPLANATION,
            _NEXT,
        ),
        "one": Texts(
            N_("One IP fragment of a message is not in the capture."),
            _EXPLANATION,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Fragments missing"),
        N_("Some IP fragments of large messages were not captured."),
        N_("Nothing by itself; where the network lost them, the call fails."),
        (
            N_("A capture filter on a port, which later fragments do not carry."),
            N_("A firewall or NAT that drops fragments before the capture point."),
        ),
        (N_("In the capture: first fragments without the rest."),),
        (N_("Add fragments to the filter, or capture without a filter on ports."),),
    ),
    ("RFC 791 3.2", "RFC 3261 18.1.1"),
    rank=RANK,
)
