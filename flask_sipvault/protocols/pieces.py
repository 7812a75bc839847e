"""The beginning of something in a stream whose end has not come yet."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

#: Something longer than this is not found again after bytes were lost. Nothing that
#: came by UDP is longer, and so little is held of it while the search goes on.
_LONGEST_FOUND = 1 << 16


class Search(NamedTuple):
    """How far a search has come.

    :param at: what comes before this is of no use any more.
    :param needed: how many bytes are needed from there on; 0 if it begins there.
    """

    at: int
    needed: int


def find_beginning(
    data: bytes, mark: bytes, head: int, size_at: Callable[[bytes, int], int]
) -> Search:
    """Where in a stream, of which bytes are missing, something whole begins: with a
    mark, and with the same mark, or nothing yet, behind its end.

    :param head: how many bytes tell its size.
    :param size_at: its size, head included; 0 if that cannot be it.
    """
    at = data.find(mark)
    while at >= 0:
        if len(data) - at < head:
            return Search(at, head)
        size = size_at(data, at)
        if head <= size <= _LONGEST_FOUND:
            if len(data) - at < size:
                return Search(at, size)
            behind = data[at + size : at + size + len(mark)]
            if mark.startswith(behind):
                return Search(at, 0)
        at = data.find(mark, at + 1)
    return Search(max(0, len(data) - len(mark) + 1), len(mark))


class Pieces:
    """Keeps what a reader cannot use yet, without looking at it again at every byte."""

    def __init__(self, needed: int) -> None:
        self._begun = bytearray()
        self._needed = needed

    def __len__(self) -> int:
        return len(self._begun)

    def __bytes__(self) -> bytes:
        return bytes(self._begun)

    def join(self, data: bytes) -> bytes:
        """What was kept, and this behind it; nothing as long as that is too little."""
        if not self._begun:
            return data
        self._begun += data
        if len(self._begun) < self._needed:
            return b""
        whole = bytes(self._begun)
        self._begun.clear()
        return whole

    def keep(self, rest: bytes, needed: int) -> None:
        """Keep this until there are as many bytes as are needed to go on with it."""
        self._begun += rest
        self._needed = needed
