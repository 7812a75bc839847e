"""What became of a call: its status, who ended it, and how long each part took."""

from __future__ import annotations

from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ...evidence import State
from . import timers
from .dialogs import Dialog
from .messages import Message
from .setup import CallSetup
from .sides import Side
from .transactions import Transaction

Status = Literal[
    "answered",
    "busy",
    "cancelled",
    "no_answer",
    "rejected",
    "failed",
    "in_progress",
    "unknown",
]

_STATUS: dict[int, Status] = {
    401: "rejected",
    402: "rejected",
    403: "rejected",
    407: "rejected",
    408: "no_answer",
    433: "rejected",
    480: "no_answer",
    486: "busy",
    487: "cancelled",
    600: "busy",
    603: "rejected",
    606: "rejected",
    607: "rejected",
    608: "rejected",
}

#: What a person, or a phone in their name, answers to a call they do not take.
_TURNED_DOWN = (486, 600, 603, 607)

#: Responses after which the caller sends its request again, with credentials.
_CHALLENGES = (401, 407)


@dataclass(slots=True)
class Outcome:
    """What became of a call. Times are in milliseconds, and None where not measured.

    :param final_code: the status code that decided the call.
    :param ended_by: who hung up, cancelled, or turned the call down; None if neither
        side did, or it cannot be told.
    :param setup_ms: from the first INVITE to the 2xx, as the caller's side saw it.
    :param post_dial_ms: from the first INVITE to the first 18x.
    :param ringing_ms: from the first 18x to the answer or the end.
    :param talk_ms: from the 2xx to the first BYE that either side sent; from the ACK
        where the 2xx was not captured. None where the caller had withdrawn the call.
    :param waited_ms: from the first INVITE to the response that decided the call,
        whether it was answered or refused.
    :param srd_ms: session request delay (RFC 6076 section 4.3): from the first INVITE
        to the first response that tells the caller something, which may be a refusal.
    :param sdd_ms: session disconnect delay (section 4.4): from the BYE to its response.
    :param sdt_ms: session duration time (section 4.5): from the 2xx to the BYE; to the
        time-out of a BYE that met no response.
    """

    status: Status = "unknown"
    final_code: int | None = None
    ended_by: Side | None = None
    setup_ms: float | None = None
    post_dial_ms: float | None = None
    ringing_ms: float | None = None
    talk_ms: float | None = None
    waited_ms: float | None = None
    srd_ms: float | None = None
    sdd_ms: float | None = None
    sdt_ms: float | None = None


@dataclass(frozen=True, slots=True)
class Ending:
    """How the call was hung up or withdrawn.

    :param kind: ``bye``; ``cancel``, also one that crossed an answer which nobody took;
        ``lost``: a request within the call met 481 or 408, after which it is over (RFC
        3261 section 12.2.1.2).
    :param message: the first BYE, the caller's CANCEL, the 481; the response to a BYE
        or CANCEL that was not captured itself.
    :param by: None where it was neither side, or it cannot be told.
    :param answered: what came of the BYE or CANCEL; None without a final response.
    """

    kind: Literal["bye", "cancel", "lost"]
    message: Message
    by: Side | None
    answered: Message | None = None


def find_outcome(found: CallSetup, ending: Ending | None, state: State) -> Outcome:
    """What became of a call whose setup was captured."""
    final = found.final
    outcome = Outcome(_status(found, ending, state))
    if final is not None and (found.answer or outcome.status != "in_progress"):
        outcome.final_code = final.code
    if found.proof is not None:
        # Of a branch that failed; the answer was not captured.
        outcome.final_code = None
    if outcome.status in ("answered", "cancelled"):
        outcome.ended_by = ending.by if ending else None
    elif outcome.final_code in _TURNED_DOWN:
        outcome.ended_by = "callee"
    _measure(outcome, found, ending)
    return outcome


def _status(found: CallSetup, ending: Ending | None, state: State) -> Status:
    final = found.final
    if found.answered:
        if ending is not None and ending.kind == "cancel":
            return "cancelled"
        return "in_progress" if state == "PARTIAL" and ending is None else "answered"
    if final is not None and (found.final_at_caller or state != "PARTIAL"):
        return _STATUS.get(final.code, "failed")
    if ending is not None and ending.by == "caller":
        return "cancelled"
    return "in_progress" if state == "PARTIAL" else "no_answer"


def find_ending(
    found: CallSetup, transactions: Sequence[Transaction], dialogs: Sequence[Dialog]
) -> Ending | None:
    """Who hung up: the first BYE of either side; in a call that was not answered, what
    the caller withdrew it with.

    A proxy may CANCEL one branch of a fork of its own accord: only the caller's own
    CANCEL ends the call.
    """
    withdrawn = next(
        (
            each
            for each in transactions
            if each.method == "CANCEL" and each.client == found.caller_place
        ),
        None,
    )
    byes = [t for t in transactions if t.method == "BYE"]
    if not found.answered:
        by_caller = [t for t in byes if t.client == found.caller_place]
        for each in [*([withdrawn] if withdrawn else []), *by_caller]:
            kind: Literal["bye", "cancel"] = "bye" if each.method == "BYE" else "cancel"
            return Ending(kind, each.first, "caller", each.final)
        return None
    if withdrawn is not None and _not_taken(found, byes, dialogs):
        return Ending("cancel", withdrawn.first, "caller", withdrawn.final)
    tag = found.answer.to_tag if found.answer else ""
    # A fork that answered too late gets a BYE of its own (section 13.2.2.4).
    others = {
        dialog.callee_tag
        for dialog in dialogs
        if dialog.caller_tag == found.caller_tag and dialog.callee_tag != tag
    }
    ours = [t for t in byes if not others & {t.from_tag, t.first.to_tag}] or byes
    if ours:
        finals = [t.final for t in ours if t.client == ours[0].client and t.final]
        passed = [final for final in finals if final.code not in _CHALLENGES]
        answered = next(iter(passed or finals), None)
        return Ending("bye", ours[0].first, _hung_up(found, ours), answered)
    for dialog in dialogs:
        if dialog.end is not None and dialog.end.kind == "lost":
            return Ending("lost", dialog.end.message, None)
    return None


def _not_taken(
    found: CallSetup, byes: Iterable[Transaction], dialogs: Iterable[Dialog]
) -> bool:
    """Whether nobody took the 2xx that a CANCEL crossed: it was sent again for want of
    an ACK, and the caller, who has withdrawn, sends no BYE either.
    """
    if found.answer is None or any(t.client == found.caller_place for t in byes):
        return False
    return any(
        dialog.answers and not dialog.acks and any(i.repeated for i in dialog.invites)
        for dialog in dialogs
        if dialog.caller_tag == found.caller_tag
        and dialog.callee_tag == found.answer.to_tag
    )


def _hung_up(found: CallSetup, byes: Sequence[Transaction]) -> Side | None:
    parties = (found.caller_place, found.callee_place)
    if not any(bye.client in parties for bye in byes):
        one_place = [bye for bye in byes if bye.client == byes[0].client]
        if len({bye.from_tag for bye in one_place}) > 1:
            # Somebody in between hung up on both sides, each in the other's name.
            return None
    return next((side for bye in byes if (side := _side(found, bye))), None)


def _side(found: CallSetup, bye: Transaction) -> Side | None:
    """Whose BYE this is: by the tags, or through something that changes these, by the
    host it comes from.
    """
    caller = {found.caller_tag} - {""}
    to_tag = bye.first.to_tag
    if bye.from_tag in caller or to_tag in found.callee_tags:
        return "caller"
    if to_tag in caller or bye.from_tag in found.callee_tags:
        return "callee"
    if bye.client == found.caller_place:
        return "caller"
    return "callee" if bye.client == found.callee_place else None


def _measure(outcome: Outcome, found: CallSetup, ending: Ending | None) -> None:
    hung_up = ending.message if ending else None
    answered = found.answered_at
    outcome.setup_ms = _between(found.first, found.answer)
    outcome.post_dial_ms = _between(found.first, found.ringing)
    outcome.ringing_ms = _between(found.ringing, answered or hung_up or found.final)
    outcome.srd_ms = _between(found.first, found.told)
    if outcome.status != "in_progress":
        outcome.waited_ms = _between(found.first, found.final)
    if ending is None or ending.kind == "cancel" or outcome.status != "answered":
        return
    outcome.talk_ms = outcome.sdt_ms = _between(answered, hung_up)
    if ending.kind == "bye" and ending.message.kind == "request":
        outcome.sdd_ms = _between(ending.message, ending.answered)
        if ending.answered is None and outcome.sdt_ms is not None:
            outcome.sdt_ms = round(outcome.sdt_ms + timers.TIMER_F / 1e6, 3)


def _between(start: Message | None, end: Message | None) -> float | None:
    """Milliseconds; None where an end is missing or the clocks contradict."""
    if start is None or end is None or end.ts < start.ts:
        return None
    return round((end.ts - start.ts) / 1e6, 3)
