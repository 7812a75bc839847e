"""Which call a line of a log speaks of.

A Call-ID is often part of another: ``1-123@host`` stands inside ``11-123@host``, and
whoever looks for it as a mere substring puts lines under the wrong call. So a Call-ID
counts only where it stands whole, and the longest of several wins.
"""

from __future__ import annotations

import re
from collections.abc import Iterable

#: What goes on without a break. RFC 3261 section 25.1 lets a Call-ID hold many marks
#: (``word``). Of them these join when letters or digits stand on both sides; brackets,
#: quotes, ``:`` and ``/`` do not, for logs put exactly those around a Call-ID
#: (``[abc@host]:``, ``callid:abc@host``, RTPengine's ``[abc@host/tag/1]``).
_TOKEN = re.compile(r"\w+(?:[-.!%*+`'~@]+\w+)*")


class CallIds:
    """The Call-IDs that lines may belong to."""

    def __init__(self, call_ids: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        # The lengths to try at a place, longest first, by the character found there.
        self._lengths: dict[str, list[int]] = {}
        for call_id in call_ids:
            self.add(call_id)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, call_id: str) -> None:
        """Let lines go to this Call-ID too; an empty one owns nothing."""
        if not call_id or call_id in self._known:
            return
        self._known.add(call_id)
        lengths = self._lengths.setdefault(call_id[0], [])
        if len(call_id) not in lengths:
            lengths.append(len(call_id))
            lengths.sort(reverse=True)

    def owner(self, line: str) -> str | None:
        """The Call-ID that stands whole in the line: the longest, then the first.

        :param line: bytes that are not UTF-8 may be in it as surrogate escapes; they
            are compared as U+FFFD, as in the text of a Call-ID.
        """
        if not line.isascii():
            line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        inside = _inside_tokens(line)
        best = ""
        for start, character in enumerate(line):
            lengths = self._lengths.get(character)
            if lengths is None or inside[start]:
                continue
            for length in lengths:
                if length <= len(best):
                    break
                end = start + length
                if end > len(line) or inside[end]:
                    continue
                if line[start:end] in self._known:
                    best = line[start:end]
                    break
        return best or None


def _inside_tokens(line: str) -> bytearray:
    """For each place between two characters: 1 if it would cut a token in two."""
    inside = bytearray(len(line) + 1)
    for match in _TOKEN.finditer(line):
        start, end = match.span()
        inside[start + 1 : end] = b"\1" * (end - start - 1)
    return inside
