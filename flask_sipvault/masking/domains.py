"""Domain names in a text, found in one pass.

A regular expression for them tries again from each label of a long chain that turns out
to be none (``q.q.q.q…``), and the time grows with the square of its length. Here each
chain of labels is read once.
"""

from __future__ import annotations

import re
from collections import deque
from typing import NamedTuple

#: Labels with single dots between them, or one alone. Each repetition begins with a dot
#: that no label holds, so that there is one way to match; and none fails after much was
#: read, so that nothing is read again from the next character.
_LABELS = re.compile(r"\w[\w-]*(?:\.\w[\w-]*)*")

#: A top-level domain, with the dot in front of it.
_TOP = re.compile(r"\.([A-Za-z]{2,24})(?!\w)")

_WORD = re.compile(r"\w")


class Domain(NamedTuple):
    """Where a domain name stands, and its last label."""

    start: int
    end: int
    top: str


class Domains:
    """The domain names of one text, asked for from left to right."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._chains = _LABELS.finditer(text)
        self._last: re.Match[str] | None = None
        self._start = 0

    def next(self, at: int) -> Domain | None:
        """The first domain name that begins at an offset or behind it.

        :param at: no less than it was the last time.
        """
        while True:
            top = self._last
            if top is not None:
                # What something else took of the chain is no longer part of the name.
                word = _WORD.search(self._text, max(at, self._start), top.start())
                if word is not None:
                    self._start = word.start()
                    return Domain(self._start, top.end(), top[1])
            chain = next(self._chains, None)
            if chain is None:
                self._last = None
                return None
            self._start = chain.start()
            tops = deque(_TOP.finditer(self._text, *chain.span()), maxlen=1)
            self._last = tops.pop() if tops else None
