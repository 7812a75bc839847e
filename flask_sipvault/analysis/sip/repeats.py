"""What a long call does again and again, such as refreshing its session for hours.

A round is some messages in a row; the next is alike if its messages have the same
names, ends and details, and none was sent more than once. Whatever differs is no
repetition and stays to be seen.
"""

from __future__ import annotations

from collections.abc import Hashable
from collections.abc import Sequence
from dataclasses import dataclass

from ..ladder.ladder import Row

#: A round of more messages than this is not recognised as one.
MAX_ROUND = 24

#: So many rounds are seen as they are; only what comes again more often is repetition.
MIN_ROUNDS = 4


@dataclass(frozen=True, slots=True)
class Repeat:
    """Rounds that are like the one before them.

    :param before: the number of the last message of the round that is alike.
    :param numbers: the messages of all the rounds after that, by number.
    :param rounds: how many rounds these are.
    :param size: messages in a round.
    :param end_ns: when the last round ended, since the first message.
    """

    before: int
    numbers: frozenset[int]
    rounds: int
    size: int
    end_ns: int


def find_repeats(rows: Sequence[Row]) -> list[Repeat]:
    """The repetitions of a call, in order, from the second round of each on.

    :param rows: a ladder's, all of them.
    """
    once = [row for row in rows if not row.retransmission]
    alike = [_token(row) for row in once]
    lengths = {size: _runs(alike, size) for size in range(1, MAX_ROUND + 1)}
    repeats = []
    at = 0
    while at < len(once):
        size, total = _longest(lengths, at)
        if not size:
            at += 1
            continue
        start = at + _beginning(once, at, size)
        rounds = (at + total - start) // size
        end = start + rounds * size
        if rounds >= MIN_ROUNDS:
            repeats.append(
                Repeat(
                    before=once[start + size - 1].n,
                    numbers=frozenset(row.n for row in once[start + size : end]),
                    rounds=rounds - 1,
                    size=size,
                    end_ns=once[end - 1].since_start_ns,
                )
            )
        at = max(end, at + 1)
    return repeats


def _token(row: Row) -> Hashable:
    return row.label, row.source, row.target, row.detail, row.sendings, row.leg


def _runs(alike: Sequence[Hashable], size: int) -> list[int]:
    """For each place how many messages from there on are like those a round later."""
    runs = [0] * (len(alike) + 1)
    for at in range(len(alike) - size - 1, -1, -1):
        runs[at] = runs[at + 1] + 1 if alike[at] == alike[at + size] else 0
    return runs


def _longest(lengths: dict[int, list[int]], at: int) -> tuple[int, int]:
    """The size of the rounds that begin here and go on for longest, and how many
    messages they are; the shortest of several. 0 where none do.
    """
    best, longest = 0, 0
    for size, runs in lengths.items():
        total = runs[at] + size
        if total >= MIN_ROUNDS * size and total > longest:
            best, longest = size, total
    return best, longest


def _beginning(rows: Sequence[Row], at: int, size: int) -> int:
    """How far from here a round really begins: with a request, after the longest
    silence. What precedes it is the end of something that ended alike.
    """
    # The first round has no round before it, so that the second tells more.
    second = rows[at + size : at + 2 * size]
    starts = [place for place, row in enumerate(second) if row.style == "request"]
    return max(starts, key=lambda place: second[place].delta_ns, default=0)
