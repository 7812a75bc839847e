"""The names that are known, and where a text holds one of them.

A call may name thousands; a text is searched for all of them at once, in one pass. At
each place the names that begin like the text there are looked up by their lengths, of
which there are few, so that names alike cost no more than names that differ.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple

#: A name of fewer characters would be found by chance within other words.
LONG = 6

#: Longer names are looked up by this many of their characters. Where a text goes on
#: differently behind these, it is replaced up to the next white space all the same.
INDEXED = 64

#: Of the names that begin with the same :data:`INDEXED` characters, so many are told
#: apart, and by so many characters.
_ALIKE = 4
_COMPARED = 1024

#: Stands for what begins like a name that is known and goes on in another way.
_UNKNOWN = "masked"

_BLANK = re.compile(r"\s")


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
        #: Names in lower case, of :data:`INDEXED` characters at most.
        self._indexed: dict[str, str] = {}
        #: The lengths of these by their first :data:`LONG` characters, longest first.
        self._lengths: dict[str, list[int]] = {}
        #: Names that are longer, by what they are indexed by.
        self._longer: dict[str, dict[str, str]] = {}
        self._short: dict[str, str] = {}

    def add(self, name: str, pseudonym: str) -> None:
        """Know a name from now on."""
        if len(name) < LONG:
            self._short[name] = pseudonym
            return
        folded = _folded(name)
        key = folded[:INDEXED]
        lengths = self._lengths.setdefault(key[:LONG], [])
        if len(key) not in lengths:
            lengths.append(len(key))
            lengths.sort(reverse=True)
        if len(folded) <= INDEXED:
            self._indexed[key] = pseudonym
            return
        self._indexed.setdefault(key, _UNKNOWN)
        alike = self._longer.setdefault(key, {})
        if len(folded) <= _COMPARED and (folded in alike or len(alike) < _ALIKE):
            alike[folded] = pseudonym

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
        for length in self._lengths.get(folded[start : start + LONG], ()):
            key = folded[start : start + length]
            if key not in self._indexed:
                continue
            if length == INDEXED and key in self._longer:
                return self._longer_at(key, folded, start)
            return Found(start, start + length, self._indexed[key])
        return None

    def _longer_at(self, key: str, folded: str, start: int) -> Found:
        longest_first = sorted(self._longer[key].items(), key=_length, reverse=True)
        for name, pseudonym in longest_first:
            if folded.startswith(name, start):
                return Found(start, start + len(name), pseudonym)
        blank = _BLANK.search(folded, start + INDEXED)
        end = blank.start() if blank else len(folded)
        return Found(start, end, self._indexed[key])

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


def _length(item: tuple[str, str]) -> int:
    return len(item[0])


def _is_of_word(character: str) -> bool:
    return character.isascii() and character.isalnum()


def _folded(text: str) -> str:
    """In lower case, every character in its place: a few become two by themselves."""
    lower = text.lower()
    if len(lower) == len(text):
        return lower
    return "".join(c.lower() if len(c.lower()) == 1 else c for c in text)
