"""Both sides asked for a change at once; the attempt that followed was refused too."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..model import EvidenceReference
from ..model import Finding
from ..model import Severity
from ..model import Value
from ..references import message
from ..refused_evidence import of_change
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..session_changes import refused_changes
from ..session_changes import RefusedChange

#: So many refusals in a row with nothing in between that was accepted are no accident:
#: two sides that wait as RFC 3261 section 14.1 says do not collide again and again.
_STUCK = 3


def _find(call: Call) -> Iterator[Finding]:
    glares: dict[tuple[int, str], list[RefusedChange]] = {}
    for change in refused_changes(call):
        key = (change.dialog.number, change.side)
        if change.kind == "glare":
            glares.setdefault(key, []).append(change)
            if change.recovered:
                glares.pop(key)
        elif change.kind == "glare-retry" and not change.recovered:
            yield _finding(change, glares.get(key, []))
            return
    for several in glares.values():
        if len(several) >= _STUCK:
            yield _finding(several[-1], several[:-1], variant="pending")
            return


def _finding(
    change: RefusedChange, glares: list[RefusedChange], variant: str = ""
) -> Finding:
    severity: Severity = "warning" if change.hung_up is None else "error"
    refusal = change.refusal
    parameters: dict[str, Value] = {
        "host": refusal.by,
        "sender": refusal.outer.client,
        "method": refusal.transaction.method,
        "code": refusal.response.summary,
        "count": len(glares) + 1,
    }
    before = [
        message(each.refusal.response, N_("before: both sides asked at once"))
        for each in glares[-3:]
    ]
    evidence: list[EvidenceReference] = [
        *of_change(change, N_("tried again after that")),
        *before,
    ]
    return Finding(
        "glare-retry-refused",
        severity,
        variant=variant,
        parameters=parameters,
        evidence=tuple(evidence),
        since_ts=refusal.response.ts,
    )


_NEXT = (
    N_("In the logs of {host}: why it refuses a change that is as before."),
    N_("Whether {host} still waits for an end of the change that it asked for itself."),
    N_("Whether one of the two needs to send re-INVITEs at that time at all."),
)

RULE = Rule(
    "glare-retry-refused",
    _find,
    {
        "": Texts(
            N_(
                "{host} refused the {method} that {sender} sent again after both had"
                " asked at once: {code}."
            ),
            N_(
                "Two re-INVITEs that cross refuse each other with 491, and each side"
                " tries again after a moment; that is ordinary. Here the new attempt"
                " was refused too, so that the change never came about."
            ),
            _NEXT,
        ),
        "pending": Texts(
            N_("{host} refused {count} changes of {sender} in a row with {code}."),
            N_(
                "The refusal says that another change is under way. Two sides that wait"
                " as they should do not meet so often: {host} most likely takes an old"
                " request for one that is still open."
            ),
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("Retry after glare refused"),
        N_(
            "Both sides wanted to change the call at the same time and refused each"
            " other with 491, as the standard says. The attempt after that was refused"
            " as well."
        ),
        N_(
            "A hold, a transfer or a switch of the audio path does not happen, or the"
            " call is hung up a moment after it was answered."
        ),
        (
            N_("A phone that does not get out of its own refused re-INVITE."),
            N_("Two servers that both change the audio path when a call is answered."),
        ),
        (
            N_("In the page: two re-INVITEs that cross, two 491, then the refusal."),
            N_("Compare the offer of the retry with what had been agreed on."),
        ),
        (
            N_("Have one side alone change the session, or do it later."),
            N_("Update the side that refuses the retry."),
        ),
        {
            "Asterisk": N_(
                "direct_media=no, or direct_media_glare_mitigation of the PJSIP"
                " endpoint, keeps re-INVITEs for direct media from crossing."
            ),
            "FreeSWITCH": N_(
                "bypass_media and bypass_media_after_bridge send a re-INVITE when the"
                " call is answered; without them there is none."
            ),
        },
    ),
    ("RFC 3261 14.1", "RFC 3261 14.2", "RFC 3311 5.2"),
    rank=250,
    explains=frozenset(
        {"reinvite-refused", "one-way-audio", "no-audio", "media-stops"}
    ),
)
