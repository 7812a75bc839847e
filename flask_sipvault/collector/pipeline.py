"""From an item to the vault: sessions, spool and writer joined.

All methods are for one thread, that of the event loop; none of them waits for a disk or
a network but :meth:`Pipeline.close`.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Sequence

from ..config.collector import CollectorSettings
from ..correlation.legs import DEFAULT_HEADERS
from ..vault.vault import Vault
from .call_tracker import CallTracker
from .call_tracker import Part
from .call_tracker import Waiting
from .call_tracker import Watch
from .items import Item
from .part_writer import PartWriter
from .part_writer import THREADS
from .redis_correlation import Correlation
from .spool import Spool

logger = logging.getLogger(__name__)


def _nobody(customer_id: str, ip: str) -> bool:
    """No agent is connected."""
    return False


class Pipeline:
    """Takes items, and sees to it that they end up in the vault.

    What an earlier process left in the spool is taken up at once.

    :param settings: with a spool.
    :param vault_of: the vault of a customer, as
        :meth:`flask_sipvault.services.Installation.vault` gives it.
    :param has_agent: whether an agent of a customer is connected from an IP address.
    :param clock: seconds that never go back.
    :param system_clock: seconds since the epoch.
    :param leg_headers: the SIP header fields that name another leg's Call-ID.
    :param correlation: what other collectors know of the latest calls.
    :param wait_seconds: how long to wait for another process to let go of the spool.
    :raises flask_sipvault.collector.spool.SpoolError: if the spool cannot be used.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        vault_of: Callable[[str], Vault],
        *,
        has_agent: Callable[[str, str], bool] = _nobody,
        clock: Callable[[], float] = time.monotonic,
        system_clock: Callable[[], float] = time.time,
        wait_seconds: float = 0.0,
        threads: int = THREADS,
        leg_headers: Sequence[str] = DEFAULT_HEADERS,
        correlation: Correlation | None = None,
    ) -> None:
        if settings.spool is None:
            raise ValueError("there is no spool")
        self._clock = clock
        self.correlation = correlation
        self._system_clock = system_clock
        #: How many items were kept, by their kind.
        self.kept: Counter[str] = Counter()
        #: How many were lost because the spool has not room for one of their size.
        self.too_large = 0
        self.spool = Spool(
            settings.spool,
            max_bytes=settings.spool_max_bytes,
            wait_seconds=wait_seconds,
            system_clock=system_clock,
        )
        self.sessions = CallTracker(
            linger=settings.linger,
            call_timeout=settings.call_timeout,
            partial_seconds=settings.partial_seconds,
            has_agent=has_agent,
            first_id=self.spool.first_session,
        )
        self.writer = PartWriter(
            self.spool,
            vault_of,
            threads=threads,
            leg_headers=leg_headers,
            correlation=correlation,
        )
        for part_id, customer_id in self.spool.sealed_parts():
            self.writer.submit(part_id, customer_id)
        self.spool.on_sealed = self.writer.submit
        self._restore()

    @property
    def full(self) -> bool:
        """Whether nothing more should be read from the network for now."""
        return self.spool.full

    def accept(self, item: Item) -> None:
        """Keep an item, if it is of a call."""
        if len(item.payload) > self.spool.largest_item:
            if not self.too_large:
                logger.error(
                    "an item of %d bytes is lost: the disk under the spool is too small"
                    " for it",
                    len(item.payload),
                )
            self.too_large += 1
        else:
            self._place(item)

    def tick(self) -> list[Watch]:
        """Do what is due. To be called several times a second.

        :returns: what agents are to be asked to watch.
        """
        now = self._clock()
        for waiting in self.sessions.settle(now):
            self._place(waiting.item, waiting.row, at_last=True)
        for part in self._due(now):
            self.spool.seal(part)
        watches, self.sessions.watches = self.sessions.watches, []
        return watches

    def close(self, timeout: float) -> bool:
        """Put everything on disk, and write no more; False if it took too long.

        What is not in the vault yet is there for the next process.
        """
        deadline = time.monotonic() + timeout
        self.writer.close(timeout / 2)
        return self.spool.close(max(0.0, deadline - time.monotonic()))

    def _due(self, now: float) -> list[Part]:
        spool = self.spool
        # A spool that is full of calls that are up would wait for their end, which is
        # not read. One time after the other: each may make room enough.
        if not (self.full and spool.settled and not self.writer.waiting):
            return list(self.sessions.due(now))
        parts = list(self.sessions.due(now, hurry_to=spool.safe_row))
        if not parts and spool.fills_its_room:
            parts = self.sessions.give_way(spool.safe_row)
        return parts

    def _place(
        self, item: Item, waiting_row: int | None = None, *, at_last: bool = False
    ) -> None:
        """Keep an item under its call.

        :param waiting_row: under which the spool has it already.
        :param at_last: it has waited long enough for its call.
        """
        row = self.spool.next_row()
        found = self.sessions.add(item, row, self._clock(), at_last=at_last)
        if isinstance(found, Waiting):
            self.spool.append_waiting(row, item, waiting_row=waiting_row)
        elif found is not None:
            self.spool.append(
                row, found.id, found.call_id, item, waiting_row=waiting_row
            )
            self.kept[item.kind] += 1
        elif waiting_row is not None:
            self.spool.remove_waiting(waiting_row)

    def _restore(self) -> None:
        for stored in self.spool.stored_items():
            if stored.session_id:
                self.sessions.restore(
                    stored.session_id,
                    stored.item.call_id,
                    stored.item,
                    stored.row,
                    self._moment(stored.seen),
                    sealed_row=stored.sealed_row,
                    snapshot=stored.snapshot,
                    last_seen=self._moment(stored.sealed_seen),
                )
            else:
                self._place(stored.item, stored.row)

    def _moment(self, seen: float) -> float:
        """When that was by our clock, which another process did not have.

        :param seen: by the system's clock; 0 if that is not known: then it was now.
        """
        ago = self._system_clock() - seen if seen else 0.0
        return self._clock() - max(0.0, ago)
