"""Long lists cut into stretches: a page shows one of them, a script asks for more."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Sequence
from typing import TypeVar

from .page import Stretch

#: So many messages, or log lines, come at once. What has no more comes whole.
MESSAGES_AT_ONCE = 200
LOG_LINES_AT_ONCE = 500

_Item = TypeVar("_Item")


def stretches(
    items: Sequence[_Item],
    size: int,
    *,
    what: str,
    number: Callable[[_Item], int],
    ms: Callable[[_Item], str],
    url: Callable[[int], str],
) -> Iterator[tuple[Stretch, Sequence[_Item]]]:
    """The items cut into stretches, each with its items.

    :param what: ``Messages {first} to {last}``.
    :param number: gives an item's number; numbers rise, and may have gaps.
    :param url: gives the address of the page that shows the item of a number.
    """
    for at in range(0, len(items), size):
        some = items[at : at + size]
        first, last = number(some[0]), number(some[-1])
        label = what.format(first=f"{first:,}", last=f"{last:,}")
        yield Stretch(first, last, len(some), ms(some[0]), label, url(first)), some


def holding(cut: Sequence[tuple[Stretch, object]], item: int) -> int:
    """Which of the stretches the item of a number is in, or would be."""
    before = [at for at, (stretch, _) in enumerate(cut) if stretch.first <= item]
    return max(before, default=0)


def ms_of(ns: int) -> str:
    """Nanoseconds as the milliseconds that scripts reckon with."""
    return f"{ns / 1_000_000:.3f}"
