"""The call was answered, and nothing of its media was captured."""

from __future__ import annotations

from ....language import N_
from ..capture_limits import finds
from ..capture_limits import RANK
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

RULE = Rule(
    "no-media-captured",
    finds("no-media-captured", N_("answered")),
    {
        "": Texts(
            N_("No media was captured: nothing can be said of the audio."),
            N_(
                "The call was answered, and the capture holds neither RTP nor RTCP nor"
                " a quality report of it. That does not mean that there was none."
            ),
            (
                N_("Whether the media passes the host that captures."),
                N_("Whether the capture's filter is for SIP only."),
            ),
        ),
    },
    CatalogueEntry(
        N_("No media captured"),
        N_("The capture has the signalling of the call and none of its media."),
        N_("Nothing: this is about the capture, not about the call."),
        (
            N_("A capture of the signalling alone, which is usual."),
            N_("Media that flows directly between the two sides."),
        ),
        (N_("The addresses in the session descriptions: who passes them."),),
        (N_("Capture where the media passes, or collect RTCP and quality reports."),),
    ),
    rank=RANK + 2,
)
