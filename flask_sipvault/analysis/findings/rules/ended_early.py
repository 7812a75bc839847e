"""The capture ends while the call is up."""

from __future__ import annotations

from ....language import N_
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

RULE = Rule(
    "ended-early",
    finds("ended-early", N_("the call is up from here on")),
    {
        "": Texts(
            N_("The capture ended while the call was up: how it ended is not in it."),
            N_(
                "There is no BYE, nor anything else that ended the call. It went on"
                " after the capture, or its end took another way."
            ),
            (
                N_("Whether another capture, agent or part has the end."),
                N_("Whether the BYE took another way: its Request-URI, the routes."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Capture ended early"),
        N_("The call was answered, and its end was not captured."),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("The capture was stopped during the call."),
            N_("The BYE took another way, past the capture point."),
        ),
        (N_("In the page: the ladder ends without a BYE."),),
        (N_("Capture until the call is over, on a host that both sides pass."),),
    ),
    rank=RANK,
)
