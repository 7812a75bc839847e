"""The capture begins when the call was under way."""

from __future__ import annotations

from ....language import N_
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

RULE = Rule(
    "began-late",
    finds("began-late", N_("the first message that was captured")),
    {
        "": Texts(
            N_("The capture began late: how the call was set up is not in it."),
            N_(
                "The first messages belong to a call that was under way already. Who"
                " called, and what was agreed on before, is known only as far as later"
                " messages repeat it."
            ),
            (
                N_("Whether another capture, agent or part has the beginning."),
                N_("Whether the capture ran before the call began."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Capture began late"),
        N_("The INVITE that set up the call was not captured."),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("The capture was started during the call."),
            N_("The first messages took another way, or another transport."),
        ),
        (N_("In the page: the ladder begins within the call."),),
        (N_("Capture all the time, and look for the call afterwards."),),
    ),
    rank=RANK,
)
