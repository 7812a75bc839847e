"""A callee who is on the phone."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import Finding
from ..references import message
from ..refusal_kind import kind_of
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    refusal = call.refusal
    if refusal is None or kind_of(call) != "busy":
        return
    yield Finding(
        "busy",
        "info",
        parameters={"code": refusal.made.summary, "server": refusal.maker},
        evidence=(message(refusal.made),),
        since_ts=refusal.made.ts,
    )


RULE = Rule(
    "busy",
    _find,
    {
        "": Texts(
            N_("The callee was busy: {code}."),
            N_(
                "{server} refused the call as busy. A phone does that when it is in"
                " use or set not to be disturbed; nothing is wrong with the call."
            ),
            (
                N_(
                    "If the phone was free: whether it, or the server, is set to"
                    " do-not-disturb or has no free line."
                ),
            ),
        ),
    },
    CatalogueEntry(
        N_("Busy"),
        N_("The called phone is in use, or set not to be disturbed."),
        N_("A busy tone."),
        (
            N_("A call in progress."),
            N_("Do-not-disturb."),
            N_("A phone that takes no second call."),
        ),
        (N_("The response: 486, 600 or Q.850 cause 17."),),
        (N_("Nothing; call waiting or a voicemail, if callers shall get through."),),
    ),
    ("RFC 3261 21.4.24", "RFC 3261 21.6.1", "ITU-T Q.850"),
    rank=900,
)
