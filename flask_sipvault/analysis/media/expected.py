"""When there should have been speech, by what the two sides agreed on."""

from __future__ import annotations

from ..sip.outcome import Ending
from ..sip.sides import Side
from .model import overlap
from .model import Period
from .model import united
from .negotiation import LineState
from .negotiation import Negotiation


def expected_speech(
    negotiation: Negotiation | None, sender: Side, talk: Period | None
) -> list[Period]:
    """From the answer to the end, without holds; empty where nothing was agreed.

    :param talk: see :func:`conversation`.
    """
    if negotiation is None or talk is None:
        return []
    agreed = [
        Period(state.since_ts, state.until_ts or talk.end_ts)
        for line in negotiation.lines
        for state in line.states
        if state.kind == "audio" and state.may_send(sender) and not is_hold(state)
    ]
    return overlap([talk], united(agreed))


def conversation(
    negotiation: Negotiation | None, ending: Ending | None, last_ts: int | None
) -> Period | None:
    """From the answer to the end; None for a call that was not answered.

    :param negotiation: of the dialog that was answered.
    :param ending: how the call was hung up, by whatever BYE was sent first.
    :param last_ts: the last that was captured, for a call whose end was not.
    """
    dialog = negotiation.dialog if negotiation is not None else None
    if dialog is None or dialog.confirmed is None:
        return None
    start = dialog.confirmed.ts
    ends = [each.message.ts for each in (dialog.end, ending) if each is not None]
    end = min((ts for ts in ends if ts > start), default=last_ts)
    return Period(start, end) if end is not None and end > start else None


def is_hold(state: LineState) -> bool:
    """Whether one side put the other on hold. A call that goes one way from the outset
    (an announcement, a door phone) is none. The side that holds may play music, and
    need not (RFC 3264 section 8.4).
    """
    return state.exchange.changes_a_session and bool(state.held_by())
