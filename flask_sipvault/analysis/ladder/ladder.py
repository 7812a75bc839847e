"""The call as a ladder: who stands where, and what passes between them, in order.

Geometry is the drawer's business, the page's or, for a terminal, :func:`as_text`.
"""

from __future__ import annotations

import string
from dataclasses import dataclass

from ..explain import Call
from ..explain import Party
from ..sip.messages import Message
from ..words.events import event_line
from ..words.headline import headline
from ..words.text import date_and_time
from ..words.text import printable
from .aliases import Aliases
from .aliases import NO_ALIASES
from .details import codecs_of
from .details import detail
from .details import Style
from .details import style
from .lifelines import Columns
from .lifelines import Lifeline as Lifeline
from .lifelines import Ports as Ports

#: Columns of the times in :func:`as_text`, and the least between two lifelines.
_TIMES = 20
_NARROWEST = 18


@dataclass(frozen=True, slots=True)
class Row:
    """One message as an arrow.

    :param n: the message's number in the call.
    :param source: the index of the lifeline it leaves.
    :param target: the index of the lifeline it reaches.
    :param label: ``INVITE``, ``180 Ringing``; a second sending has its count behind.
    :param detail: ``SDP PCMU 10.8.0.14:17002``, ``Reason: Q.850 16``; "" for nothing.
    :param since_start_ns: since the earliest message.
    :param delta_ns: since the message before, 0 for the first. Below 0 where the clocks
        disagree, see :mod:`.order`.
    :param transaction: which of the call's transactions it belongs to, from 1 in the
        order of their requests; None where the request was not captured.
    :param first: the ``n`` of the first sending; None for that one itself.
    :param sendings: how many times it was sent in all, told by its first sending; 1
        for what was sent once.
    :param last_sending_ns: how long after this first sending the last one came.
    :param leg: the letter of its leg where several are shown as one call; or "".
    :param copy: whether it is a mirror port's copy of a message before, which is not
        drawn a second time.
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
    transaction: int | None = None
    first: int | None = None
    sendings: int = 1
    last_sending_ns: int = 0
    leg: str = ""
    copy: bool = False


@dataclass(frozen=True, slots=True)
class MediaSpan:
    """The time in which media flows by the signalling: from the answer to the end.

    :param source: the index of the caller's lifeline, ``target`` of the called side's.
    :param first: the ``n`` of the message that answered the call.
    :param last: the ``n`` of the BYE, or of the last message where there is none.
    :param start_ns: since the first message, ``end_ns`` as well.
    :param codecs: what the answer agreed to, ``PCMU``; "" where it did not say.
    :param ended: whether there is a BYE.
    """

    source: int
    target: int
    first: int
    last: int
    start_ns: int
    end_ns: int
    codecs: str
    ended: bool


@dataclass(frozen=True, slots=True)
class Ladder:
    """A call as a drawing without geometry.

    :param rows: one for each message of the call.
    :param media: None for a call that was not answered.
    """

    lifelines: list[Lifeline]
    rows: list[Row]
    media: MediaSpan | None = None

    @property
    def drawn(self) -> list[Row]:
        """The rows that are drawn: a message that was captured twice once."""
        return [row for row in self.rows if not row.copy]


def ladder(
    call: Call, *, ports: Ports = "merged", aliases: Aliases = NO_ALIASES
) -> Ladder:
    """The call's ladder: the caller's side to the left, the called side to the right,
    what lies between in the order in which the call came by.
    """
    columns = Columns(call, ports, aliases)
    transactions = _number_transactions(call.messages)
    sent = _last_sendings(call.messages)
    rows = []
    start = call.began or 0
    before = call.messages[0].ts if call.messages else 0
    for message in call.messages:
        label = printable(message.summary)
        if message.leg:
            label = f"{message.leg} {label}"
        if message.sending > 1:
            label = f"{label} \N{MULTIPLICATION SIGN}{message.sending}"
        source, target = columns.ends(message)
        last = sent.get(message.n, message)
        rows.append(
            Row(
                message.n,
                source,
                target,
                label,
                detail(message),
                style(message),
                message.ts,
                since_start_ns=message.ts - start,
                delta_ns=message.ts - before,
                retransmission=message.retransmission_of is not None,
                transaction=transactions.get(message.transaction),
                first=message.retransmission_of,
                sendings=last.sending if last is not message else 1,
                last_sending_ns=last.ts - message.ts,
                leg=message.leg,
                copy=message.copy_of is not None,
            )
        )
        before = message.ts
    return Ladder(columns.lifelines, rows, _media(call, columns))


def _number_transactions(messages: list[Message]) -> dict[int | None, int]:
    """The transactions' numbers in the call, by the ``n`` of their request."""
    numbers: dict[int | None, int] = {}
    for message in messages:
        if message.transaction is not None:
            numbers.setdefault(message.transaction, len(numbers) + 1)
    return numbers


def _last_sendings(messages: list[Message]) -> dict[int, Message]:
    """The last sending of what was sent again, by the ``n`` of the first."""
    return {m.retransmission_of: m for m in messages if m.retransmission_of is not None}


def _media(call: Call, columns: Columns) -> MediaSpan | None:
    if call.legs:
        # Each leg has media of its own; which of them to draw is not for us to say.
        return None
    found = call.setup
    ends = {lifeline.role: at for at, lifeline in enumerate(columns.lifelines)}
    if found is None or found.answer is None or not {"caller", "callee"} <= set(ends):
        return None
    ending, agreed = call.ending, call.negotiation
    last = ending.message if ending else call.messages[-1]
    start = call.began or 0
    return MediaSpan(
        ends["caller"],
        ends["callee"],
        found.answer.n,
        last.n,
        found.answer.ts - start,
        last.ts - start,
        printable(codecs_of(agreed, found.answer.ts)) if agreed is not None else "",
        ended=ending is not None,
    )


def as_text(call: Call, width: int = 100) -> str:
    """The call in plain lines of at most ``width`` columns.

    Nothing that came off the wire can steer the terminal: what is not printable is
    replaced. Where the lifelines do not fit beside each other, there is a list instead.
    """
    drawn = ladder(call)
    lines = [headline(call)]
    if call.messages:
        lines.append(f"{_who(call.caller)} → {_who(call.callee)}")
        lines.append(date_and_time(call.began or 0))
    lines.append("")
    lines += (drawn.rows and _drawing(drawn, width)) or _list(drawn)
    if call.events:
        start = call.began or 0
        lines += ["", *(event_line(event, start) for event in call.events)]
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
    return [*lines, head, *(_arrow(row, centres) for row in drawn.drawn)]


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
        for row in drawn.drawn
    ]


def _times(row: Row) -> str:
    """``0:05.402 +4.16 s``: since the start, since the row before."""
    since = f"{row.since_start_ns // 60_000_000_000}:" + (
        f"{row.since_start_ns % 60_000_000_000 / 1e9:06.3f}"
    )
    if row.n == 1:
        return since
    delta = row.delta_ns / 1e6
    apart = f"{delta:+.0f} ms" if delta < 1000 else f"{delta / 1e3:+.2f} s"
    return f"{since} {apart}"


def _words(row: Row) -> str:
    return printable(f"{row.label} {row.detail}".strip())


def _clipped(text: str, width: int) -> str:
    return text if len(text) <= width else text[: max(0, width - 1)] + "…"
