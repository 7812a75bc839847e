"""Legs noted in the vault, by whoever writes evidence: the import and the collector."""

from __future__ import annotations

import threading
from collections.abc import Sequence

from ..correlation.leg_records import features_of
from ..correlation.leg_records import record_of
from ..correlation.leg_records import SharedRecords
from ..correlation.legs import DEFAULT_HEADERS
from ..correlation.legs import Leg
from ..correlation.legs import LegCorrelator
from ..correlation.legs import MAX_CALLS
from ..evidence import Evidence
from .objects import StoreError
from .vault import day_of
from .vault import Vault

#: Of the calls that could not be shared when they were written, so many are shared with
#: each that can be again.
_CAUGHT_UP = 50


class LegIndex:
    """Notes in one customer's vault which calls belong together.

    Calls are compared that one and the same object was told of, so each process that
    writes keeps one for each customer; and those that others share. Safe to use from
    several threads.

    :param headers: the SIP header fields that name another Call-ID.
    :param shared: what other collectors know of this customer's calls.
    """

    def __init__(
        self,
        vault: Vault,
        headers: Sequence[str] = DEFAULT_HEADERS,
        *,
        shared: SharedRecords | None = None,
    ) -> None:
        self._vault = vault
        self._finder = LegCorrelator(headers)
        self._shared = shared
        self._lock = threading.Lock()
        self._unwritten: list[Leg] = []
        # The calls that could not be shared, the latest last.
        self._missed: dict[str, None] = {}

    def note(self, *parts: Evidence) -> None:
        """To be called with each part of a call when it has been put into the vault,
        or with several at once: then their marks are written at once.

        :raises StoreError: if a mark cannot be written; the next call tries it again.
        """
        for evidence in parts:
            with self._lock:
                taken = self._finder.take(evidence)
                self._unwritten.extend(self._finder.compare(evidence.call_id))
            if taken and self._shared is not None:
                self._share(evidence.call_id, self._shared)
        with self._lock:
            legs = list(self._unwritten)
            self._unwritten.clear()
        if not legs:
            return
        try:
            self._vault.mark_all_legs(
                (leg.call_id, leg.other, leg.why, day_of(leg.ts)) for leg in legs
            )
        except StoreError:
            with self._lock:
                self._unwritten.extend(legs)
            raise

    def _share(self, call_id: str, shared: SharedRecords) -> None:
        """Compare a call with those of other collectors, and then what was missed."""
        if not self._exchange(call_id, shared):
            return
        for _ in range(_CAUGHT_UP):
            with self._lock:
                missed = next(iter(self._missed), None)
                if missed is None:
                    return
                del self._missed[missed]
            if not self._exchange(missed, shared):
                return

    def _exchange(self, call_id: str, shared: SharedRecords) -> bool:
        with self._lock:
            facts = self._finder.features(call_id)
            record = None if facts is None else record_of(facts)
        if record is None:
            return True  # so many came since that it is forgotten
        # Meanwhile others may go on.
        texts = shared.exchange(record)
        with self._lock:
            if texts is None:
                self._missed[call_id] = None
                if len(self._missed) > MAX_CALLS:
                    del self._missed[next(iter(self._missed))]
                return False
            learned = [
                facts for text in texts if (facts := features_of(text)) is not None
            ]
            for facts in learned:
                self._finder.learn(facts)
            if learned:
                self._unwritten.extend(self._finder.compare(call_id))
        return True
