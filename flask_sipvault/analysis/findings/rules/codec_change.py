"""The codec of the audio changed during the call."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..model import Value
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    changes = [
        each
        for each in call.events
        if each.kind == "codec-change" and each.parameters.get("media") == "audio"
    ]
    if not changes:
        return
    first, last = changes[0], changes[-1]
    parameters: dict[str, Value] = {
        "before": str(first.parameters.get("before") or ""),
        "codec": str(last.parameters.get("codec") or ""),
        "count": len(changes),
    }
    shown = [call.messages[each.n - 1] for each in changes if each.n is not None]
    yield Finding(
        "codec-change",
        "info",
        variant="" if len(changes) == 1 else "several",
        parameters=parameters,
        evidence=tuple(messages(shown, N_("agrees on another codec"))),
        since_ts=first.ts,
    )


_EXPLANATION = N_(
    "Both sides agreed on the other codec by offer and answer. Quality may change with"
    " it; by itself that is nothing wrong."
)
_NEXT = (N_("Whether the quality before and after differs: see the audio."),)

RULE = Rule(
    "codec-change",
    _find,
    {
        "": Texts(
            N_("The codec changed from {before} to {codec} during the call."),
            _EXPLANATION,
            _NEXT,
        ),
        "several": Texts(
            N_("The codec changed {count} times, from {before} to {codec} in the end."),
            _EXPLANATION,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Codec changed"),
        N_("A re-INVITE or UPDATE replaced the codec of the audio by another."),
        N_("The sound may change a little at that moment."),
        (
            N_("A transfer or a hold whose other party has other codecs."),
            N_("A fax or modem tone: gateways change to G.711 then."),
            N_("An SBC that leaves the media path to the two ends."),
        ),
        (N_("In the page: the m= lines of the offers and answers."),),
        (N_("Nothing: this is ordinary."),),
    ),
    ("RFC 3264 8.3.2",),
    rank=930,
)
