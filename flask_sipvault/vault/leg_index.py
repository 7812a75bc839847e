"""Legs noted in the vault, by whoever writes evidence: the import and the collector."""

from __future__ import annotations

import threading
from collections import deque
from collections.abc import Sequence

from ..correlation.legs import DEFAULT_HEADERS
from ..correlation.legs import Leg
from ..correlation.legs import LegCorrelator
from ..evidence import Evidence
from .objects import StoreError
from .vault import day_of
from .vault import Vault


class LegIndex:
    """Notes in one customer's vault which calls belong together.

    Only calls that one and the same object was told of are compared, so each process
    that writes keeps one for each customer. Safe to use from several threads.

    :param headers: the SIP header fields that name another Call-ID.
    """

    def __init__(self, vault: Vault, headers: Sequence[str] = DEFAULT_HEADERS) -> None:
        self._vault = vault
        self._finder = LegCorrelator(headers)
        self._lock = threading.Lock()
        self._unwritten: deque[Leg] = deque()

    def note(self, evidence: Evidence) -> None:
        """To be called with each part of a call when it has been put into the vault.

        :raises StoreError: if a mark cannot be written; the next call tries it again.
        """
        with self._lock:
            self._unwritten.extend(self._finder.add(evidence))
        while self._unwritten:
            try:
                leg = self._unwritten.popleft()
            except IndexError:
                return  # another thread was quicker
            try:
                self._vault.mark_legs(leg.call_id, leg.other, leg.why, day_of(leg.ts))
            except StoreError:
                self._unwritten.append(leg)
                raise
