"""What became of a call: its status, who ended it, and how long each part took."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from ...evidence import State
from .messages import Message
from .reasons import reasons
from .setup import CallSetup

Side = Literal["caller", "callee"]

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


@dataclass(slots=True)
class Outcome:
    """What became of a call. Times are in milliseconds, and None where not measured.

    :param final_code: the status code that decided the call.
    :param reason: why, as the wire says it: the response's phrase, and what a Reason
        header (RFC 3326) of it, of the BYE or of the CANCEL adds.
    :param ended_by: who hung up, cancelled, or turned the call down; None if neither
        side did, or it cannot be told.
    :param setup_ms: from the first INVITE to the 2xx, as the caller's side saw it.
    :param post_dial_ms: from the first INVITE to the first 18x.
    :param ringing_ms: from the first 18x to the answer or the end.
    :param talk_ms: from the 2xx to the first BYE.
    :param headline: all of it as one plain sentence.
    """

    status: Status = "unknown"
    final_code: int | None = None
    reason: str = ""
    ended_by: Side | None = None
    setup_ms: float | None = None
    post_dial_ms: float | None = None
    ringing_ms: float | None = None
    talk_ms: float | None = None
    headline: str = ""


@dataclass(frozen=True, slots=True)
class Ending:
    """How the call was hung up or withdrawn.

    :param message: the first BYE; in a call never answered, the caller's CANCEL.
    :param by: None where it was neither side, or it cannot be told.
    """

    message: Message
    by: Side | None


def find_outcome(found: CallSetup, ending: Ending | None, state: State) -> Outcome:
    """What became of a call whose setup was captured; all but the headline."""
    final = found.final
    outcome = Outcome(_status(found, ending, state))
    if final is not None and (found.answer or outcome.status != "in_progress"):
        outcome.final_code = final.code
    if outcome.status in ("answered", "cancelled"):
        outcome.ended_by = ending.by if ending else None
    elif outcome.final_code in _TURNED_DOWN:
        outcome.ended_by = "callee"
    outcome.reason = _reason(final, ending)
    _measure(outcome, found, ending)
    return outcome


def _status(found: CallSetup, ending: Ending | None, state: State) -> Status:
    final = found.final
    if found.answer:
        return "in_progress" if state == "PARTIAL" and ending is None else "answered"
    if final is not None and (found.final_at_caller or state != "PARTIAL"):
        return _STATUS.get(final.code, "failed")
    if ending is not None and ending.by == "caller":
        return "cancelled"
    return "in_progress" if state == "PARTIAL" else "no_answer"


def find_ending(found: CallSetup, messages: list[Message]) -> Ending | None:
    """Who hung up: the first BYE; in a call that was not answered, what the caller
    withdrew it with.

    A proxy may CANCEL one branch of a fork of its own accord: only the caller's own
    CANCEL ends the call.
    """
    if found.answer:
        byes = [m for m in messages if m.method == "BYE"]
        # A fork that answered too late gets a BYE of its own (section 13.2.2.4).
        tag = found.answer.to_tag
        byes = [m for m in byes if tag in (m.from_tag, m.to_tag)] or byes
        return Ending(byes[0], _hung_up(found, byes)) if byes else None
    for message in messages:
        if message.origin == found.caller_place and message.method in ("CANCEL", "BYE"):
            return Ending(message, "caller")
    return None


def _hung_up(found: CallSetup, byes: list[Message]) -> Side | None:
    parties = (found.caller_place, found.callee_place)
    if not any(bye.origin in parties for bye in byes):
        one_place = [bye for bye in byes if bye.origin == byes[0].origin]
        if len({bye.from_tag for bye in one_place}) > 1:
            # Somebody in between hung up on both sides, each in the other's name.
            return None
    return next((side for bye in byes if (side := _side(found, bye))), None)


def _side(found: CallSetup, bye: Message) -> Side | None:
    """Whose BYE this is: by the tags, or through something that changes these, by the
    place it comes from.
    """
    caller = {found.caller_tag} - {""}
    if bye.from_tag in caller or bye.to_tag in found.callee_tags:
        return "caller"
    if bye.to_tag in caller or bye.from_tag in found.callee_tags:
        return "callee"
    if bye.origin == found.caller_place:
        return "caller"
    return "callee" if bye.origin == found.callee_place else None


def _measure(outcome: Outcome, found: CallSetup, ending: Ending | None) -> None:
    hung_up = ending.message if ending else None
    outcome.setup_ms = _between(found.first, found.answer)
    outcome.post_dial_ms = _between(found.first, found.ringing)
    outcome.ringing_ms = _between(found.ringing, found.answer or hung_up or found.final)
    outcome.talk_ms = _between(found.answer, hung_up)


def _between(start: Message | None, end: Message | None) -> float | None:
    """Milliseconds; None where an end is missing or the clocks contradict."""
    if start is None or end is None or end.ts < start.ts:
        return None
    return round((end.ts - start.ts) / 1e6, 3)


def _reason(final: Message | None, ending: Ending | None) -> str:
    phrase = final.sip.reason if final and final.sip else ""
    said = [
        reason.sentence()
        for message in (final, ending.message if ending else None)
        if message and message.sip
        for reason in reasons(message.sip)
    ]
    if said and final and final.code < 300:
        # "OK" says nothing about why an answered call ended.
        phrase = ""
    return "; ".join(part for part in dict.fromkeys([phrase, *said]) if part)
