"""The names that are known, and where a text holds one of them.

A call may name thousands; a text is searched for all of them at once, in one pass.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from typing import NamedTuple

#: A name of fewer characters would be found by chance within other words.
LONG = 6


class Found(NamedTuple):
    """Where a name stands, and what is to stand there."""

    start: int
    end: int
    pseudonym: str


class Names:
    """Names with their pseudonyms.

    A long name is found in any case and within words. A short one is found as a word of
    its own and in its own case: there is a caller "info", and there are log levels.
    """

    def __init__(self) -> None:
        #: By their first :data:`LONG` characters, in lower case, the longest first.
        self._long: dict[str, list[str]] = defaultdict(list)
        self._short: dict[str, str] = {}
        self._pseudonyms: dict[str, str] = {}

    def add(self, name: str, pseudonym: str) -> None:
        """Know a name from now on."""
        if len(name) < LONG:
            self._short[name] = pseudonym
            return
        folded = _folded(name)
        if folded not in self._pseudonyms:
            alike = self._long[folded[:LONG]]
            alike.append(folded)
            alike.sort(key=len, reverse=True)
        self._pseudonyms[folded] = pseudonym

    def is_in(self, text: str) -> bool:
        """Whether a text is a name, in whatever case, or holds a long one."""
        if text in self._short or text.lower() in self._short:
            return True
        return any(found.end - found.start >= LONG for found in self.find(text))

    def find(self, text: str) -> Iterator[Found]:
        """The names in a text from left to right, none within another."""
        folded = _folded(text)
        start = 0
        while start < len(text):
            found = self._long_at(folded, start) or self._short_at(text, start)
            if found is None:
                start += 1
            else:
                yield found
                start = found.end

    def _long_at(self, folded: str, start: int) -> Found | None:
        for name in self._long.get(folded[start : start + LONG], ()):
            if folded.startswith(name, start):
                return Found(start, start + len(name), self._pseudonyms[name])
        return None

    def _short_at(self, text: str, start: int) -> Found | None:
        if not self._short or (start and _is_of_word(text[start - 1])):
            return None
        for end in range(min(start + LONG - 1, len(text)), start, -1):
            if end < len(text) and _is_of_word(text[end]):
                continue
            pseudonym = self._short.get(text[start:end])
            if pseudonym is not None:
                return Found(start, end, pseudonym)
        return None


def _is_of_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _folded(text: str) -> str:
    """In lower case, every character in its place: a few become two by themselves."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
