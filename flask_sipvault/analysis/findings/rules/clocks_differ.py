"""Two capture points whose clocks differ."""

from __future__ import annotations

from ....language import N_
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

RULE = Rule(
    "clocks-differ",
    finds("clocks-differ", N_("stamped before what it answers")),
    {
        "": Texts(
            N_("The clocks of the capture points differ by {off_ms} or more."),
            N_(
                "The call was captured at several points, and messages of the one are"
                " stamped before those of the other that they answer. The order of the"
                " page follows what answers what; delays between the points are not to"
                " be relied on."
            ),
            (N_("NTP on each host that captures."),),
        ),
    },
    CatalogueEntry(
        N_("Clocks differ"),
        N_("The hosts that captured the call do not agree on the time."),
        N_("Nothing: this is about the capture, not about the call."),
        (N_("A capture host without NTP, or with a wrong time zone in its stamps."),),
        (N_("In the page: responses that seem to come before their requests."),),
        (N_("Keep all capture hosts by NTP."),),
    ),
    rank=RANK,
)
