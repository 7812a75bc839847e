"""The call was on hold and was taken off it again."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...events import Event
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    for side in ("caller", "callee"):
        # One change may hold several lines of audio.
        holds = {
            each.n: each
            for each in call.events
            if each.kind == "hold" and each.by == side and each.end_ts is not None
        }
        if holds:
            yield _finding(call, list(holds.values()), side)


def _finding(call: Call, holds: list[Event], side: str) -> Finding:
    resumed = all(each.parameters.get("resumed") for each in holds)
    resumes = [e for e in call.events if e.kind == "resume" and e.by == side]
    variant = side if len(holds) == 1 else f"{side}-often"
    return Finding(
        "hold",
        "info",
        variant=variant if resumed else f"{variant}-to-the-end",
        parameters={
            "count": len(holds),
            "held_ms": sum((e.end_ts or e.ts) - e.ts for e in holds) // 1_000_000,
        },
        evidence=tuple(
            messages(
                [call.messages[e.n - 1] for e in (*holds, *resumes) if e.n],
                N_("on hold, or off it"),
            )
        ),
        since_ts=holds[0].ts,
    )


_EXPLANATION = N_(
    "While a call is on hold, the side that waits sends no audio and hears nothing, or"
    " music. Silence in that time is as agreed."
)
_TO_THE_END = N_(
    "While a call is on hold, the side that waits sends no audio and hears nothing, or"
    " music. The call was hung up without being taken off hold."
)
_NEXT = (N_("The times of hold on the timeline, beside what the customer reports."),)

RULE = Rule(
    "hold",
    _find,
    {
        "caller": Texts(
            N_("The caller put the call on hold for {held_ms}."), _EXPLANATION, _NEXT
        ),
        "callee": Texts(
            N_("The called side put the call on hold for {held_ms}."),
            _EXPLANATION,
            _NEXT,
        ),
        "caller-often": Texts(
            N_("The caller put the call on hold {count} times, {held_ms} in all."),
            _EXPLANATION,
            _NEXT,
        ),
        "callee-often": Texts(
            N_("The called side put the call on hold {count} times, {held_ms} in all."),
            _EXPLANATION,
            _NEXT,
        ),
        "caller-to-the-end": Texts(
            N_("The caller put the call on hold for {held_ms}, until it ended."),
            _TO_THE_END,
            _NEXT,
        ),
        "callee-to-the-end": Texts(
            N_("The called side put the call on hold for {held_ms}, until it ended."),
            _TO_THE_END,
            _NEXT,
        ),
        "caller-often-to-the-end": Texts(
            N_(
                "The caller put the call on hold {count} times, {held_ms} in all, the"
                " last time until it ended."
            ),
            _TO_THE_END,
            _NEXT,
        ),
        "callee-often-to-the-end": Texts(
            N_(
                "The called side put the call on hold {count} times, {held_ms} in all,"
                " the last time until it ended."
            ),
            _TO_THE_END,
            _NEXT,
        ),
    },
    CatalogueEntry(
        N_("On hold"),
        N_("One side put the other on hold for a time."),
        N_("Silence, music or an announcement for that time."),
        (N_("Somebody pressed hold, or began a transfer."),),
        (N_("In the page: the offers with sendonly or inactive, and sendrecv again."),),
        (N_("Nothing: this is ordinary."),),
    ),
    ("RFC 3264 8.4",),
    rank=920,
)
