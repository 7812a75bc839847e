"""Only one of two hosts' sending was captured."""

from __future__ import annotations

from ....language import N_
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

RULE = Rule(
    "one-direction",
    finds("one-direction", N_("shows that something came before it")),
    {
        "": Texts(
            N_("Nothing that {source} sends to {target} was captured."),
            N_(
                "Only one direction between the two is in this capture, and it shows"
                " that the other was used. Nothing is concluded from messages that are"
                " missing there."
            ),
            (
                N_("Whether the mirror port copies what is sent and what is received."),
                N_(
                    "Whether the two directions take different ways through the"
                    " network."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("One direction captured"),
        N_(
            "Of two hosts that speak to each other only what one of them sends was"
            " captured. Its messages answer others that are not there."
        ),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("A mirror port or tap that copies one direction only."),
            N_("Asymmetric routing: the answers take another way."),
            N_("A capture filter on a source or destination address."),
        ),
        (N_("In the capture: packets from the one host only."),),
        (N_("Capture on the host itself, or mirror both directions."),),
    ),
    rank=RANK,
)
