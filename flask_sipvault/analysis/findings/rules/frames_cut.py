"""Packets were cut off when they were captured."""

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
    "The capture kept {size} bytes of a frame at most. What was behind that is missing:"
    " header fields, session descriptions. Nothing is concluded from their absence."
)
_NEXT = (N_("Capture with -s 0, or a snap length of 65535 or more."),)

RULE = Rule(
    "frames-cut",
    finds("frames-cut", N_("its end is missing"), _variant),
    {
        "": Texts(
            N_("{count} packets were cut off when they were captured."),
            _EXPLANATION,
            _NEXT,
        ),
        "one": Texts(
            N_("One packet was cut off when it was captured."),
            _EXPLANATION,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Packets cut off"),
        N_("The capture kept only the beginning of some packets (snap length)."),
        N_("Nothing: this is about the capture, not about the call."),
        (N_("tcpdump or a capture agent with a small snap length."),),
        (N_("In the capture: the captured length is smaller than the packet's."),),
        (N_("Capture with -s 0."),),
    ),
    rank=RANK,
)
