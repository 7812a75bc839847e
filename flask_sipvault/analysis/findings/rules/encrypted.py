"""Hops that are encrypted, of which the capture cannot show anything."""

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
    "Messages passed these hops over TLS before they were captured in the clear, as"
    " their Via fields tell. What was said there can be told only from this side."
)
_NEXT = (
    N_("A capture on the host that decrypts, or its key log, if that hop matters."),
)

RULE = Rule(
    "encrypted",
    finds("encrypted", N_("it came over TLS before"), _variant),
    {
        "": Texts(
            N_("{count} hops of the call are encrypted and not in the capture."),
            _EXPLANATION,
            _NEXT,
        ),
        "one": Texts(
            N_("One hop of the call is encrypted and not in the capture."),
            _EXPLANATION,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Encrypted hops"),
        N_("Parts of the call's way are encrypted (TLS, WSS) and were not captured."),
        N_("Nothing: this is about the capture, not about the call."),
        (N_("Phones and trunks that use TLS, as they should."),),
        (N_("In the page: the Via fields of the first message."),),
        (
            N_(
                "Have the server that decrypts send its messages by HEP, or keep a key"
                " log."
            ),
        ),
    ),
    rank=RANK + 1,
)
