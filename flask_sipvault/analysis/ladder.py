"""The call as a ladder: who stands where, and what passes between them, in order.

Geometry is the drawer's business, the page's or, for a terminal, :func:`as_text`.
"""

from __future__ import annotations

import string
from dataclasses import dataclass
from typing import Literal

from ..protocols.address import Endpoint
from .details import detail
from .details import Style
from .details import style
from .dialog import Call
from .dialog import Party
from .places import place_name
from .wording import date_and_time
from .wording import printable

#: Columns of the times in :func:`as_text`, and the least between two lifelines.
_TIMES = 20
_NARROWEST = 18


@dataclass(frozen=True, slots=True)
class Lifeline:
    """One place of the call's path, see :class:`.places.Places`.

    :param label: who is there: the party's name or number, a proxy's software; where
        nothing tells, the address again.
    :param address: ``203.0.113.9:5060``; without a port where it is any of a host's.
    """

    place: Endpoint
    label: str
    address: str
    role: Literal["caller", "callee", ""]


@dataclass(frozen=True, slots=True)
class Row:
    """One message as an arrow.

    :param n: the message's number in the call.
    :param source: the index of the lifeline it leaves.
    :param target: the index of the lifeline it reaches.
    :param label: ``INVITE``, ``180 Ringing``; a second sending has its count behind.
    :param detail: ``SDP PCMU 10.8.0.14:17002``, ``Reason: Q.850 16``; "" for nothing.
    :param since_start_ns: since the first message.
    :param delta_ns: since the message before, 0 for the first.
    """

    n: int
    source: int
    target: int
    label: str
    detail: str
    style: Style
    ts: int
    since_start_ns: int
    delta_ns: int
    retransmission: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    lifelines: list[Lifeline]
    rows: list[Row]


def ladder(call: Call) -> Ladder:
    """The call's ladder: the caller's side to the left, the called side to the right,
    what lies between in the order in which the call came by.
    """
    places = _order(call)
    position = {place: index for index, place in enumerate(places)}
    rows = []
    start = before = call.messages[0].ts if call.messages else 0
    for message in call.messages:
        label = printable(message.summary)
        if message.sending > 1:
            label = f"{label} \N{MULTIPLICATION SIGN}{message.sending}"
        rows.append(
            Row(
                message.n,
                position[message.origin],
                position[message.target],
                label,
                detail(message),
                style(message),
                message.ts,
                since_start_ns=message.ts - start,
                delta_ns=message.ts - before,
                retransmission=message.retransmission_of is not None,
            )
        )
        before = message.ts
    return Ladder(_lifelines(call, places), rows)


def _order(call: Call) -> list[Endpoint]:
    places: dict[Endpoint, None] = {}
    if call.caller_place is not None:
        places[call.caller_place] = None
    for message in call.messages:
        places[message.origin] = places[message.target] = None
    callee = call.callee_place
    if callee in places and callee != call.caller_place:
        del places[callee]
        places[callee] = None
    return list(places)


def _lifelines(call: Call, places: list[Endpoint]) -> list[Lifeline]:
    software: dict[Endpoint, str] = {}
    for message in call.messages:
        # Each hop makes its own 100; what it passes on names the one who made that.
        if message.code == 100 and message.sip and message.origin not in software:
            software[message.origin] = message.sip.user_agent
    lifelines = []
    for place in places:
        role: Literal["caller", "callee", ""] = ""
        if place == call.caller_place:
            role, name = "caller", call.caller.display or call.caller.user
        elif place == call.callee_place:
            role, name = "callee", call.callee.display or call.callee.user
        else:
            name = software.get(place, "")
        address = place_name(place)
        lifelines.append(Lifeline(place, printable(name) or address, address, role))
    return lifelines


def as_text(call: Call, width: int = 100) -> str:
    """The call in plain lines of at most ``width`` columns.

    Nothing that came off the wire can steer the terminal: what is not printable is
    replaced. Where the lifelines do not fit beside each other, there is a list instead.
    """
    drawn = ladder(call)
    lines = [call.outcome.headline]
    if call.messages:
        lines.append(f"{_who(call.caller)} → {_who(call.callee)}")
        lines.append(date_and_time(call.messages[0].ts))
    lines.append("")
    lines += (drawn.rows and _drawing(drawn, width)) or _list(drawn)
    return "\n".join(_clipped(printable(line), width).rstrip() for line in lines) + "\n"


def _who(party: Party) -> str:
    names = [party.display, party.user or party.uri or "unknown"]
    agent = f" ({party.user_agent})" if party.user_agent else ""
    return " ".join(name for name in names if name) + agent


def _drawing(drawn: Ladder, width: int) -> list[str]:
    """The arrows under their lifelines; nothing if these would stand too close."""
    labels = [lifeline.address for lifeline in drawn.lifelines]
    lines = []
    margin = max(map(len, labels)) // 2 + 1
    gaps = max(1, len(labels) - 1)
    gap = (width - _TIMES - 2 * margin) // gaps
    if gap < 2 * margin:
        # Addresses of IPv6 mostly.
        letters = string.ascii_uppercase[: len(labels)]
        lines = [f"{a} = {label}" for a, label in zip(letters, labels, strict=False)]
        labels, margin = list(letters), 1
        gap = (width - _TIMES - 2 * margin) // gaps
    if gap < _NARROWEST:
        return []
    centres = [_TIMES + margin + index * gap for index in range(len(labels))]
    head = ""
    for centre, label in zip(centres, labels, strict=True):
        head = head.ljust(centre - len(label) // 2) + label
    return [*lines, head, *(_arrow(row, centres) for row in drawn.rows)]


def _arrow(row: Row, centres: list[int]) -> str:
    cells = [" "] * (centres[-1] + 1)
    for centre in centres:
        cells[centre] = "|"
    cells[:_TIMES] = _clipped(_times(row), _TIMES - 1).ljust(_TIMES)
    left, right = sorted((centres[row.source], centres[row.target]))
    if left == right:
        # To itself: there is no arrow to draw, and room for words behind.
        return "".join(cells[: left + 1]) + f" {_words(row)} (to itself)"
    room = right - left - 1
    words = _clipped(_words(row), room - 4)
    shaft = f" {words} ".center(room, "~" if row.retransmission else "-")
    forwards = row.source < row.target
    shaft = f"{shaft[:-1]}>" if forwards else f"<{shaft[1:]}"
    cells[left + 1 : right] = shaft
    return "".join(cells)


def _list(drawn: Ladder) -> list[str]:
    return [
        f"{_times(row).ljust(_TIMES)}{drawn.lifelines[row.source].address} > "
        f"{drawn.lifelines[row.target].address}  {_words(row)}"
        for row in drawn.rows
    ]


def _times(row: Row) -> str:
    """``0:05.402 +4.16 s``: since the start, since the row before."""
    since = f"{row.since_start_ns // 60_000_000_000}:" + (
        f"{row.since_start_ns % 60_000_000_000 / 1e9:06.3f}"
    )
    if row.n == 1:
        return since
    delta = row.delta_ns / 1e6
    apart = f"{delta:.0f} ms" if delta < 1000 else f"{delta / 1e3:.2f} s"
    return f"{since} +{apart}"


def _words(row: Row) -> str:
    return f"{row.label} {row.detail}".strip()


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
