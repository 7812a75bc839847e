"""Two messages side by side, header by header.

The order of header fields of different names means nothing (RFC 3261 section 7.3.1), so
each is held against the other message's of that name, wherever it stands. The order of
those of one name means something: a value that both have, but elsewhere, has moved.
"""

from __future__ import annotations

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from itertools import zip_longest
from typing import Literal

from .alignment import aligned
from .message import Message

#: ``left`` and ``right``: only there.
Verdict = Literal["same", "changed", "moved", "left", "right"]

#: A text in parts; of each, whether the other side has something else there.
Marked = list[tuple[str, bool]]

#: Where a header's value is parted to find what differs in it.
_TOKEN = re.compile(r"[\w.+%-]+|\s+|.", re.DOTALL)

#: Beyond this, finding what differs within a line costs more than it tells.
_MAX_MARKED = 2000

START_LINE = "Start line"
BODY = "Body"


@dataclass(frozen=True, slots=True)
class Line:
    """One line of both messages.

    :param name: the header's name, :data:`START_LINE`, or :data:`BODY`.
    :param left: as it stands in the first message; None where it has no such line.
    """

    name: str
    verdict: Verdict
    left: str | None
    right: str | None

    def marked(self) -> tuple[Marked, Marked]:
        """Both sides in parts, what differs marked; only a changed line has marks."""
        left, right = self.left or "", self.right or ""
        if self.verdict != "changed" or max(len(left), len(right)) > _MAX_MARKED:
            return [(left, False)], [(right, False)]
        return _marked(_TOKEN.findall(left), _TOKEN.findall(right))


def compare(left: Message, right: Message) -> list[Line]:
    """The start line, the headers in the order of the first message, then those that
    only the second has, then the bodies.
    """
    lines = _pair(START_LINE, _start(left), _start(right))
    ours, theirs = _headers(left), _headers(right)
    for name in dict.fromkeys([*ours, *theirs]):
        shown = next(iter(ours.get(name) or theirs[name]))[0]
        lines += _pair(
            shown,
            [value for _, value in ours.get(name, [])],
            [value for _, value in theirs.get(name, [])],
        )
    return lines + _align(BODY, _body(left), _body(right))


def _start(message: Message) -> list[str]:
    if message.sip is not None:
        return [message.sip.start_line]
    return [message.raw.split(b"\n")[0].decode("utf-8", "replace").strip()]


def _headers(message: Message) -> dict[str, list[tuple[str, str]]]:
    """Name and value of each header field, by name in lower case."""
    headers: dict[str, list[tuple[str, str]]] = {}
    for name, value in message.sip.headers if message.sip else []:
        headers.setdefault(name.lower(), []).append((name, value))
    return headers


def _body(message: Message) -> list[str]:
    if message.sip is None:
        return message.raw.decode("utf-8", "replace").splitlines()[1:]
    return message.sip.body.decode("utf-8", "replace").splitlines()


def _pair(name: str, left: Sequence[str], right: Sequence[str]) -> list[Line]:
    """The values of one name: each beside its equal, the others in their order."""
    if list(left) == list(right):
        return [Line(name, "same", value, value) for value in left]
    partner: dict[int, int] = {}
    for block in aligned(left, right):
        if block.equal:
            span = range(block.other_start, block.other_end)
            partner.update(zip(range(block.start, block.end), span, strict=True))
    same = set(partner)
    taken = set(partner.values())
    elsewhere: dict[str, deque[int]] = {}
    for at, value in enumerate(right):
        if at not in taken:
            elsewhere.setdefault(value, deque()).append(at)
    for at, value in enumerate(left):
        if at not in partner and elsewhere.get(value):
            partner[at] = elsewhere[value].popleft()
    taken.update(partner.values())
    rest = deque(at for at in range(len(right)) if at not in taken)
    lines = []
    for at, value in enumerate(left):
        if at in partner:
            verdict: Verdict = "same" if at in same else "moved"
            lines.append(Line(name, verdict, value, right[partner[at]]))
        elif rest:
            lines.append(Line(name, "changed", value, right[rest.popleft()]))
        else:
            lines.append(Line(name, "left", value, None))
    return lines + [Line(name, "right", None, right[at]) for at in rest]


def _align(name: str, left: list[str], right: list[str]) -> list[Line]:
    """Lines whose order counts, so that what was put in between is found."""
    lines = []
    for block in aligned(left, right):
        ours = left[block.start : block.end]
        theirs = right[block.other_start : block.other_end]
        for one, other in zip_longest(ours, theirs):
            verdict: Verdict = "same" if one == other else "changed"
            if one is None:
                verdict = "right"
            elif other is None:
                verdict = "left"
            lines.append(Line(name, verdict, one, other))
    return lines


def _marked(left: list[str], right: list[str]) -> tuple[Marked, Marked]:
    ours: Marked = []
    theirs: Marked = []
    for block in aligned(left, right):
        if block.end > block.start:
            ours.append(("".join(left[block.start : block.end]), not block.equal))
        if block.other_end > block.other_start:
            text = "".join(right[block.other_start : block.other_end])
            theirs.append((text, not block.equal))
    return ours, theirs
