"""Re-INVITEs and UPDATEs that were refused, and what for: each counts as one thing."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..call import Call
from ..media.negotiation import Negotiation
from ..sip.dialogs import Dialog
from ..sip.messages import Message
from ..sip.sides import Side
from .media_refusals import media_problem
from .refusals import Refusal
from .refusals import refusals_of

#: ``glare``: 491, or a 500 that asks to wait (RFC 3261 sections 14.1 and 14.2).
#: ``glare-retry``: what was tried after one. ``extension``, ``interval``: 420, 421 and
#: 422, which are answered by trying again. ``dialog``: 481 and 408, which end the
#: dialog. ``other`` is anything; the rest as in
#: :data:`~.media_refusals.MediaProblem`.
Kind = Literal[
    "glare",
    "glare-retry",
    "extension",
    "interval",
    "dialog",
    "codec",
    "encryption",
    "suite",
    "fax",
    "other",
]

#: What the change was to do to the call.
Purpose = Literal["hold", "resume", "other"]

#: A change that is tried again, in another form, follows within seconds; what comes
#: later serves another purpose.
_RETRY_NS = 10_000_000_000

#: Who hangs up so soon after a refusal does it because of it.
_AT_ONCE_NS = 5_000_000_000


@dataclass(frozen=True, slots=True)
class RefusedChange:
    """One re-INVITE or UPDATE that was refused.

    :param side: who asked for the change.
    :param said: whether the refusal itself says that it is for ``kind``.
    :param recovered: whether what the same side tried soon after was accepted, or may
        have been: the capture ends too early, or its response is not in it.
    :param hung_up: the BYE that followed at once; None without.
    """

    dialog: Dialog
    side: Side
    refusal: Refusal
    kind: Kind
    said: bool
    purpose: Purpose
    recovered: bool
    hung_up: Message | None


def refused_changes(call: Call) -> list[RefusedChange]:
    """In order; of one that was passed on to another dialog only the innermost."""
    negotiations: dict[int, Negotiation] = {}
    for negotiation in call.negotiations:
        if negotiation.dialog is not None:
            negotiations.setdefault(negotiation.dialog.number, negotiation)
    found = [
        each
        for dialog in call.dialogs
        for each in _of_dialog(call, dialog, negotiations.get(dialog.number))
    ]
    found.sort(key=lambda each: each.refusal.response.n)
    return list(_innermost(found))


def _of_dialog(
    call: Call, dialog: Dialog, negotiation: Negotiation | None
) -> Iterator[RefusedChange]:
    changes = [
        (each, each.request, side)
        for each in dialog.changes
        if each.upstream is None and each.request is not None
        if (side := dialog.side_of(each.request)) is not None
    ]
    # When each side asked for what was not refused, in order of time.
    others: dict[Side, list[int]] = {"caller": [], "callee": []}
    for each, request, side in changes:
        if each.refusal is None:
            others[side].append(request.ts)
    glared: dict[Side, bool] = {}
    for each, _, side in changes:
        refusal = next(iter(refusals_of(each)), None)
        if refusal is None:
            if each.answer is not None:
                glared[side] = False
            continue
        kind, said = _kind(refusal, glared.get(side, False))
        if kind == "glare":
            glared[side] = True
        yield RefusedChange(
            dialog,
            side,
            refusal,
            kind,
            said,
            _purpose(negotiation, side, refusal),
            _recovers(call, dialog, others[side], refusal),
            hung_up_after(dialog, refusal.response, _AT_ONCE_NS),
        )


def _kind(refusal: Refusal, glared: bool) -> tuple[Kind, bool]:
    code = refusal.code
    if code == 491 or (code == 500 and refusal.response.header("Retry-After")):
        return "glare", True
    if code in (408, 481):
        return "dialog", True
    if code in (420, 421):
        return "extension", True
    if code == 422:
        return "interval", True
    offer = refusal.offer
    lines = [m for m in offer.media if not m.refused] if offer else []
    if lines and any(m.is_fax for m in lines):
        return "fax", False
    if glared:
        return "glare-retry", True
    problem = media_problem(refusal)
    # Without a word of it, most refusals in a call that is up are for something else:
    # its media had been agreed on.
    if problem is not None and problem[1] and problem[0] != "network":
        return problem[0], True
    return "other", False


def _recovers(
    call: Call, dialog: Dialog, others: Sequence[int], refusal: Refusal
) -> bool:
    """:param others: when the same side asked for what was not refused."""
    refused = refusal.response.ts
    place = bisect_right(others, refused)
    if place < len(others) and others[place] - refused <= _RETRY_NS:
        return True
    return not shows_what_followed(call, dialog, refusal.response)


def shows_what_followed(call: Call, dialog: Dialog, message: Message) -> bool:
    """Whether the capture goes on long enough after a message of a dialog to have what
    was tried next, or shows how the dialog ended.
    """
    last = call.visibility.last_ts
    goes_on = last is not None and last - message.ts > _RETRY_NS
    return goes_on or dialog.end is not None


def _purpose(negotiation: Negotiation | None, side: Side, refusal: Refusal) -> Purpose:
    lines = refusal.offer.media if refusal.offer else []
    audio = [line for line in lines if line.kind == "audio" and not line.refused]
    if not audio:
        return "other"
    holds = all(line.on_hold for line in audio)
    state = negotiation.audio_at(refusal.request.ts) if negotiation else None
    held = state is not None and side in state.held_by()
    if holds and not held:
        return "hold"
    return "resume" if held and not holds else "other"


def hung_up_after(dialog: Dialog, message: Message, within: int) -> Message | None:
    """The BYE that ended a dialog soon after a message.

    :param within: ns.
    """
    end = dialog.end
    if end is None or end.kind != "bye":
        return None
    return end.message if 0 <= end.message.ts - message.ts <= within else None


def _innermost(found: Sequence[RefusedChange]) -> Iterator[RefusedChange]:
    """Leave out what was refused because it was refused further on: its request came
    before that one's, its refusal after.
    """
    # The latest request among these, and the latest of another dialog than that one's.
    first, second = (0, 0), (0, 0)
    for each in found:
        own = (each.refusal.request.n, each.dialog.number)
        other = first if first[1] != own[1] else second
        if other[0] < own[0]:
            yield each
        if own[1] == first[1]:
            first = max(first, own)
        elif own[0] > first[0]:
            first, second = own, first
        else:
            second = max(second, own)
