"""To which call a line of a log belongs that does not say so itself.

A Call-ID is often part of another: ``1-123@host`` stands inside ``11-123@host``, and
whoever looks for it as a mere substring puts lines under the wrong call. So a Call-ID
counts only where it stands whole, and the longest of several wins.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from collections.abc import Iterable

#: What goes on without a break. RFC 3261 section 25.1 lets a Call-ID hold many marks
#: (``word``). Of them these join when letters or digits stand on both sides; brackets,
#: quotes, ``:`` and ``/`` do not, for logs put exactly those around a Call-ID
#: (``[abc@host]:``, ``callid:abc@host``, RTPengine's ``[abc@host/tag/1]``).
_TOKEN = re.compile(r"\w+(?:[-.!%*+`'~@]+\w+)*")

#: Lines are given to Call-IDs of at most so many characters: at each word of a line as
#: many lengths may have to be tried.
LONGEST = 512

_BEGINNING = 8


class CallIdMatcher:
    """The Call-IDs that lines may belong to."""

    def __init__(self, call_ids: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        # The lengths to try at a place, longest first, by the characters found there:
        # so many that no two systems' Call-IDs share them, or one for short Call-IDs.
        self._lengths: dict[str, list[int]] = {}
        # Characters that begin a Call-ID, though they begin no token.
        self._odd_beginnings: set[str] = set()
        for call_id in call_ids:
            self.add(call_id)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, call_id: str) -> None:
        """Let lines go to this Call-ID too. An empty one owns nothing, nor does one
        that is longer than :data:`LONGEST`.
        """
        if not call_id or len(call_id) > LONGEST or call_id in self._known:
            return
        self._known.add(call_id)
        is_short = len(call_id) < _BEGINNING
        beginning = call_id[0] if is_short else call_id[:_BEGINNING]
        lengths = self._lengths.setdefault(beginning, [])
        if len(call_id) not in lengths:
            lengths.append(len(call_id))
            lengths.sort(reverse=True)
        if not _TOKEN.match(call_id):
            self._odd_beginnings.add(call_id[0])

    def discard(self, call_id: str) -> None:
        """Let no more lines go to this Call-ID."""
        # What is known of lengths and beginnings stays: it costs a look, no more.
        self._known.discard(call_id)

    def owner(self, line: str) -> str | None:
        """The Call-ID that stands whole in the line: the longest, then the first.

        :param line: bytes that are not UTF-8 may be in it as surrogate escapes; they
            are compared as U+FFFD, as in the text of a Call-ID.
        """
        if not line.isascii():
            line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        tokens = _Tokens(line)
        places = tokens.starts
        if self._odd_beginnings:
            odd = (i for i, c in enumerate(line) if c in self._odd_beginnings)
            places = sorted({*places, *(i for i in odd if not tokens.cut_at(i))})
        best = ""
        for start in places:
            for length in (
                *self._lengths.get(line[start : start + _BEGINNING], ()),
                *self._lengths.get(line[start], ()),
            ):
                if length <= len(best):
                    break
                candidate = line[start : start + length]
                if candidate in self._known and not tokens.cut_at(start + length):
                    best = candidate
                    break
        return best or None


class _Tokens:
    """Where the tokens of a line are."""

    def __init__(self, line: str) -> None:
        spans = [match.span() for match in _TOKEN.finditer(line)]
        self.starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def cut_at(self, place: int) -> bool:
        """Whether a token goes on across this place between two characters."""
        before = bisect_left(self.starts, place) - 1
        return before >= 0 and place < self._ends[before]
