"""Single messages are missing of what was captured."""

from __future__ import annotations

from ....language import N_
from ...visibility import Limit
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _variant(limit: Limit) -> str:
    if limit.hosts is None:
        return "gap" if limit.count == 1 else "gaps"
    return "" if limit.count == 1 else "several"


_EXPLANATION = N_(
    "Others show that they were sent: a response whose request is not there, or the"
    " reverse. The capture lost them, or they took another way. Nothing is concluded"
    " from what is missing there."
)
_OF_NUMBERS = N_(
    "The numbers by which a side counts its messages (CSeq, RSeq) go up by more than"
    " one: what was sent in between is not in this capture."
)
_NEXT = (
    N_("Whether the capture dropped packets: its own counters say so."),
    N_("Whether some messages take another way, or another transport."),
)

RULE = Rule(
    "messages-missing",
    finds("messages-missing", N_("shows that one is missing before it"), _variant),
    {
        "": Texts(
            N_("One message from {source} to {target} was not captured."),
            _EXPLANATION,
            _NEXT,
        ),
        "several": Texts(
            N_("{count} messages from {source} to {target} were not captured."),
            _EXPLANATION,
            _NEXT,
        ),
        "gap": Texts(
            N_("At one place the numbering shows that messages were not captured."),
            _OF_NUMBERS,
            _NEXT,
        ),
        "gaps": Texts(
            N_(
                "At {count} places the numbering shows that messages were not captured."
            ),
            _OF_NUMBERS,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Messages missing"),
        N_(
            "Messages that must have been sent, because others answer them or because"
            " the numbering jumps, are not in the capture."
        ),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("A capture that dropped packets under load."),
            N_("Messages that took another way, past the capture point."),
            N_("A call of which only some hops were captured."),
        ),
        (N_("The capture program's count of dropped packets."),),
        (
            N_(
                "A larger capture buffer, a filter for SIP, or another place to"
                " capture."
            ),
        ),
    ),
    rank=RANK,
)
