"""What two sequences of lines have in common, in the same order.

The usual search for the longest common stretch takes the square of the length or more,
and whoever sends a message chooses its lines. So what begins and ends alike is taken
off first, then the lines that stand once on each side part the rest (patience diff),
and only short pieces between these are compared in every way.
"""

from __future__ import annotations

import difflib
from bisect import bisect_left
from collections import Counter
from collections.abc import Iterator
from collections.abc import Sequence
from typing import NamedTuple

#: Pieces of at most so many lines are compared in every way; in longer ones without a
#: line that stands once on each side, nothing is found to be common.
_SHORT = 32


class Block(NamedTuple):
    """Stretches of both sides, from their starts to before their ends.

    :param equal: whether they are the same, line by line.
    """

    equal: bool
    start: int
    end: int
    other_start: int
    other_end: int

    @property
    def size(self) -> int:
        """How many lines of the first side."""
        return self.end - self.start


def aligned(left: Sequence[str], right: Sequence[str]) -> list[Block]:
    """Both sides from beginning to end, in blocks."""
    blocks: list[Block] = []
    at, other_at = 0, 0
    for start, other_start, size in _common(left, right):
        if not size:
            continue
        if start > at or other_start > other_at:
            blocks.append(Block(False, at, start, other_at, other_start))
        elif blocks:
            start, other_start = blocks[-1].start, blocks[-1].other_start
            size += blocks.pop().size
        at, other_at = start + size, other_start + size
        blocks.append(Block(True, start, at, other_start, other_at))
    if at < len(left) or other_at < len(right):
        blocks.append(Block(False, at, len(left), other_at, len(right)))
    return blocks


def _common(
    left: Sequence[str], right: Sequence[str]
) -> Iterator[tuple[int, int, int]]:
    """Where equal stretches begin on each side, and their lengths, in order."""
    whole = (0, len(left), 0, len(right))
    first, last = _ends(left, right, *whole)
    yield 0, 0, first
    start, end = first, len(left) - last
    other_start, other_end = first, len(right) - last
    anchors = _anchors(left[start:end], right[other_start:other_end])
    for one, other in [*anchors, (end - start, other_end - other_start)]:
        yield from _between(left, right, start, first + one, other_start, first + other)
        start, other_start = first + one, first + other
        if start < end and other_start < other_end:
            yield start, other_start, 1
            start, other_start = start + 1, other_start + 1
    yield end, other_end, last


def _between(
    left: Sequence[str],
    right: Sequence[str],
    start: int,
    end: int,
    other_start: int,
    other_end: int,
) -> Iterator[tuple[int, int, int]]:
    first, last = _ends(left, right, start, end, other_start, other_end)
    yield start, other_start, first
    ours = left[start + first : end - last]
    theirs = right[other_start + first : other_end - last]
    if ours and theirs and max(len(ours), len(theirs)) <= _SHORT:
        matcher = difflib.SequenceMatcher(None, ours, theirs, autojunk=False)
        for one, other, size in matcher.get_matching_blocks():
            yield start + first + one, other_start + first + other, size
    yield end - last, other_end - last, last


def _ends(
    left: Sequence[str],
    right: Sequence[str],
    start: int,
    end: int,
    other_start: int,
    other_end: int,
) -> tuple[int, int]:
    """How many lines are equal at the beginning, and of the rest at the end."""
    most = min(end - start, other_end - other_start)
    first = 0
    while first < most and left[start + first] == right[other_start + first]:
        first += 1
    last = 0
    while last < most - first and left[end - 1 - last] == right[other_end - 1 - last]:
        last += 1
    return first, last


def _anchors(left: Sequence[str], right: Sequence[str]) -> list[tuple[int, int]]:
    """The most lines that stand once on each side and in the same order on both."""
    ours, theirs = Counter(left), Counter(right)
    places = {line: at for at, line in enumerate(right) if theirs[line] == 1}
    pairs = [
        (at, places[line])
        for at, line in enumerate(left)
        if ours[line] == 1 and line in places
    ]
    # The longest rising sequence: of each length, the pair that ends lowest.
    lowest: list[int] = []
    ends: list[int] = []
    before: list[int] = []
    for index, (_, other) in enumerate(pairs):
        length = bisect_left(lowest, other)
        before.append(ends[length - 1] if length else -1)
        lowest[length : length + 1] = [other]
        ends[length : length + 1] = [index]
    rising = []
    index = ends[-1] if ends else -1
    while index >= 0:
        rising.append(pairs[index])
        index = before[index]
    return rising[::-1]
