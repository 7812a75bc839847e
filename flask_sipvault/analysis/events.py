"""What happened in a call beside its being set up and ended: hold and resume,
transfers, changes of the codec, digits, refreshes of the session.
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Literal
from urllib.parse import unquote

from ..protocols.sip_fields import NameAddr
from .media.negotiation import LineState
from .media.negotiation import Negotiation
from .media.negotiation import same_codec
from .sip.dialogs import Dialog
from .sip.messages import Message
from .sip.setup import CallSetup
from .sip.sides import Side
from .sip.transactions import outermost
from .sip.transactions import Transaction

#: ``early-media``: media came before the answer, or was promised where nothing could
#: show it. ``fork-answered``: another side of a fork answered too. ``fax``: T.38 took
#: the place of audio. ``replaced``: an INVITE with Replaces took the call over.
EventKind = Literal[
    "hold",
    "resume",
    "transfer",
    "replaced",
    "codec-change",
    "fax",
    "session-refresh",
    "dtmf",
    "early-media",
    "fork-answered",
]

#: A value that an event may tell more by.
Parameter = str | int | float | bool | None

#: ``?`` stands for the digits of a masked call.
_DIGIT = re.compile(r"[0-9A-Da-d*#?]")
_SIGNAL = re.compile(r"(?im)^[ \t]*Signal[ \t]*=[ \t]*(\S{1,8})")
_DURATION = re.compile(r"(?im)^[ \t]*Duration[ \t]*=[ \t]*([0-9]{1,6})")
_STATUS_LINE = re.compile(r"\s*SIP/2\.0\s+([0-9]{3})")


@dataclass(frozen=True, slots=True)
class Event:
    """One event.

    :param ts: when it took effect, ns since the epoch.
    :param n: the message that shows it; None for what only media shows.
    :param by: whose doing it was; None where it cannot be told.
    :param end_ts: when it was over: of ``hold`` the resume or the call's end; None
        where it has no end, or none was captured.
    :param parameters: by kind: ``codec`` and ``before`` of a codec change; ``target``,
        ``code`` (of the last sipfrag), ``accepted`` and ``result_n`` of a transfer;
        ``digit``, ``method`` (``info``, ``rtp``) and ``duration_ms`` of ``dtmf``;
        ``method`` of a refresh; ``resumed`` of a hold; ``call_id`` of ``replaced``.
    """

    kind: EventKind
    ts: int
    n: int | None
    by: Side | None
    end_ts: int | None = None
    parameters: dict[str, Parameter] = field(default_factory=dict)
    leg: str = ""


def find_events(
    transactions: Sequence[Transaction],
    dialogs: Sequence[Dialog],
    negotiations: Sequence[Negotiation],
    setup: CallSetup | None,
    early_media: bool | None,
) -> list[Event]:
    """The events in order of time."""
    events = [
        *_early_media(setup, early_media),
        *_forks(dialogs),
        *(event for each in negotiations if each.main for event in _media(each)),
        *_transfers(transactions, dialogs),
        *_replaced(transactions),
        *_refreshes(dialogs),
        *_digits(transactions, dialogs),
    ]
    return sorted(events, key=lambda event: event.ts)


def _early_media(setup: CallSetup | None, heard: bool | None) -> Iterator[Event]:
    promised = setup.early_media if setup is not None else None
    if promised is not None and heard is not False:
        parameters: dict[str, Parameter] = {"code": promised.code, "heard": heard}
        yield Event("early-media", promised.ts, promised.n, "callee", None, parameters)


def _forks(dialogs: Sequence[Dialog]) -> Iterator[Event]:
    forks: dict[tuple[str, str], list[Dialog]] = defaultdict(list)
    for dialog in dialogs:
        if dialog.answers:
            forks[dialog.leg, dialog.caller_tag].append(dialog)
    for group in forks.values():
        group.sort(key=lambda dialog: dialog.answers[0].n)
        for dialog in group[1:]:
            answer = dialog.answers[0]
            parameters: dict[str, Parameter] = {"acknowledged": bool(dialog.acks)}
            yield Event(
                "fork-answered",
                answer.ts,
                answer.n,
                "callee",
                None,
                parameters,
                dialog.leg,
            )


def _media(negotiation: Negotiation) -> Iterator[Event]:
    """Holds, and what changed in the audio line."""
    for line in negotiation.lines:
        yield from _holds(negotiation, line.states)
        before: LineState | None = None
        for state in line.states:
            if before is not None:
                yield from _change(negotiation, before, state)
            before = state


def _change(
    negotiation: Negotiation, before: LineState, state: LineState
) -> Iterator[Event]:
    by = state.offerer
    old, new = before.codec, state.codec
    fax = any(m is not None and m.is_fax for m in (state.offered, state.answered))
    if fax and state.accepted and before.kind == "audio":
        yield Event("fax", state.since_ts, state.n, by, leg=negotiation.leg)
    elif state.kind == before.kind and old and new and not same_codec(old, new):
        parameters: dict[str, Parameter] = {
            "codec": new.name,
            "before": old.name,
            "media": state.kind,
        }
        yield Event(
            "codec-change",
            state.since_ts,
            state.n,
            by,
            None,
            parameters,
            negotiation.leg,
        )


def _holds(negotiation: Negotiation, states: Sequence[LineState]) -> Iterator[Event]:
    """Each side's holds of one line, each until that side's resume."""
    if not states or states[0].kind != "audio":
        return
    end = negotiation.dialog.end if negotiation.dialog is not None else None
    for side in _SIDES:
        since: LineState | None = None
        for state in states:
            held = side in state.held_by()
            if held and since is None:
                since = state
            elif not held and since is not None and state.accepted:
                yield _hold(negotiation, since, side, state.since_ts, resumed=True)
                yield Event(
                    "resume", state.since_ts, state.n, side, leg=negotiation.leg
                )
                since = None
        if since is not None:
            until = end.message.ts if end is not None else None
            yield _hold(negotiation, since, side, until, resumed=False)


_SIDES: tuple[Side, Side] = ("caller", "callee")


def _hold(
    negotiation: Negotiation,
    state: LineState,
    side: Side,
    until: int | None,
    *,
    resumed: bool,
) -> Event:
    return Event(
        "hold",
        state.since_ts,
        state.n,
        side,
        until,
        {"resumed": resumed},
        negotiation.leg,
    )


def _transfers(
    transactions: Sequence[Transaction], dialogs: Sequence[Dialog]
) -> Iterator[Event]:
    """REFERs (RFC 3515) with what the NOTIFYs told of them."""
    sides = _sides(dialogs)
    notified: dict[tuple[str, str], list[tuple[Message, int]]] = defaultdict(list)
    for each in outermost(transactions):
        if each.method == "NOTIFY" and each.request is not None:
            code = _sipfrag(each.request)
            if code is not None:
                # Sent by the side that was asked, so that its To tag is the asker's.
                key = (each.leg, each.to_tag)
                notified[key].append((each.request, code))
    for each in outermost(transactions):
        if each.method != "REFER" or each.request is None or each.request.sip is None:
            continue
        target = NameAddr.parse(each.request.header("Refer-To"))
        told = [
            (message, code)
            for message, code in notified.get((each.leg, each.from_tag), [])
            if message.n > each.request.n
        ]
        result, code = told[-1] if told else (None, None)
        refused = each.refusal
        accepted = each.answer is not None or bool(told)
        parameters: dict[str, Parameter] = {
            "target": target.user or target.uri,
            "attended": "replaces=" in target.uri.lower(),
            "accepted": accepted if accepted or refused else None,
            "code": refused.code if refused is not None else code,
            "result_n": result.n if result is not None else None,
        }
        yield Event(
            "transfer",
            each.request.ts,
            each.request.n,
            sides.get((each.leg, each.from_tag)),
            result.ts if result is not None and (code or 0) >= 200 else None,
            parameters,
            each.leg,
        )


def _sipfrag(message: Message) -> int | None:
    """The status that a NOTIFY of a transfer tells (RFC 3515 section 2.4.4)."""
    if message.sip is None:
        return None
    for part in message.sip.bodies():
        if part.content_type == "message/sipfrag":
            found = _STATUS_LINE.match(part.data[:64].decode("ascii", "replace"))
            return int(found[1]) if found else None
    return None


def _sides(dialogs: Iterable[Dialog]) -> dict[tuple[str, str], Side]:
    """Whose tag is whose."""
    sides: dict[tuple[str, str], Side] = {}
    for dialog in dialogs:
        sides.setdefault((dialog.leg, dialog.caller_tag), "caller")
        sides.setdefault((dialog.leg, dialog.callee_tag), "callee")
    return sides


def _replaced(transactions: Sequence[Transaction]) -> Iterator[Event]:
    for each in outermost(transactions):
        replaces = each.request.header("Replaces") if each.request is not None else ""
        if each.method == "INVITE" and replaces and each.request is not None:
            call_id = unquote(replaces.partition(";")[0].strip())
            code = each.final.code if each.final is not None else None
            yield Event(
                "replaced",
                each.request.ts,
                each.request.n,
                "caller",
                None,
                {"call_id": call_id, "code": code},
                each.leg,
            )


def _refreshes(dialogs: Sequence[Dialog]) -> Iterator[Event]:
    for dialog in dialogs:
        for message in dialog.session.refreshes if dialog.session is not None else []:
            # The 2xx has the tags of the request that it answers.
            by: Side = "callee"
            if message.from_tag == dialog.caller_tag:
                by = "caller"
            yield Event(
                "session-refresh",
                message.ts,
                message.n,
                by,
                None,
                {"method": message.cseq_method},
                dialog.leg,
            )


def _digits(
    transactions: Sequence[Transaction], dialogs: Sequence[Dialog]
) -> Iterator[Event]:
    """DTMF by INFO: ``application/dtmf-relay`` and ``application/dtmf``."""
    sides = _sides(dialogs)
    for each in outermost(transactions):
        if each.method != "INFO" or each.request is None or each.request.sip is None:
            continue
        for part in each.request.sip.bodies():
            digit, duration = _read_digit(part.content_type, part.data)
            if digit is not None:
                refusal = each.refusal
                parameters: dict[str, Parameter] = {
                    "digit": digit,
                    "method": "info",
                    "duration_ms": duration,
                    "refused": refusal.code if refusal is not None else None,
                }
                yield Event(
                    "dtmf",
                    each.request.ts,
                    each.request.n,
                    sides.get((each.leg, each.from_tag)),
                    None,
                    parameters,
                    each.leg,
                )


def _read_digit(content_type: str, data: bytes) -> tuple[str | None, int | None]:
    text = data[:256].decode("ascii", "replace")
    if content_type == "application/dtmf-relay":
        signal, duration = _SIGNAL.search(text), _DURATION.search(text)
        digit = _plain_digit(signal[1]) if signal else None
        return digit, int(duration[1]) if duration else None
    if content_type == "application/dtmf":
        return _plain_digit(text.strip()), None
    return None, None


def _plain_digit(text: str) -> str | None:
    """``5``, ``*``; 10 and 11 are the numbers of ``*`` and ``#`` (RFC 4733)."""
    named = {"10": "*", "11": "#", "12": "A", "13": "B", "14": "C", "15": "D"}
    text = named.get(text, text)
    return text.upper() if len(text) == 1 and _DIGIT.match(text) else None
