"""The beginning of something in a stream whose end has not come yet."""

from __future__ import annotations


class Pieces:
    """Keeps what a reader cannot use yet, without looking at it again at every byte."""

    def __init__(self, needed: int) -> None:
        self._begun = bytearray()
        self._needed = needed

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
