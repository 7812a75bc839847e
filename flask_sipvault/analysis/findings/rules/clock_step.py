"""The clock of the capture was set while it ran, or runs unevenly."""

from __future__ import annotations

from ....language import N_
from ...visibility import Limit
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _variant(limit: Limit) -> str:
    return "" if limit.ns else "back"


_NEXT = (
    N_("Whether the clock of the host that captures was set: by hand, by NTP."),
    N_("Times and delays around that moment: they are not to be relied on."),
)

RULE = Rule(
    "clock-step",
    finds("clock-step", N_("stamped before what it answers"), _variant),
    {
        "": Texts(
            N_("The capture's clock jumped by {off_ms} or more during the call."),
            N_(
                "Messages are stamped earlier than what they answer. The order of the"
                " page follows what answers what; the times are those of the capture."
            ),
            _NEXT,
        ),
        "back": Texts(
            N_("The capture's clock was set back during the call."),
            N_(
                "Times in the capture run back. The order of the page follows what"
                " answers what; the times are those of the capture."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Clock set during the call"),
        N_("The clock that stamped the packets was set, or runs unevenly."),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("NTP or an administrator set the clock of the host that captures."),
            N_("A virtual machine that was paused or moved."),
            N_("Several capture queues whose packets are stamped out of order."),
        ),
        (N_("In the page: messages that are stamped before those they answer."),),
        (N_("Keep the clock by an NTP client that slews it, and does not set it."),),
    ),
    rank=RANK,
)
