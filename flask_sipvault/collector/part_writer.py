"""From the spool into the vault, several parts at once, however long the store is away.

A customer whose store does not answer waits, longer each time, and one part is tried
now and then; other customers' parts go on.
"""

from __future__ import annotations

import json
import logging
import sqlite3
import threading
import time
from collections import Counter
from collections import deque
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from ..correlation.legs import DEFAULT_HEADERS
from ..evidence import Evidence
from ..evidence import LogLine
from ..evidence import merge
from ..evidence import QualityReport
from ..evidence import RtcpDatagram
from ..evidence import SipPacket
from ..protocols.address import Endpoint
from ..services import UnknownCustomerError
from ..vault.bundle import BundleError
from ..vault.leg_index import LegIndex
from ..vault.objects import StoreError
from ..vault.vault import Vault
from .call_tracker import Part
from .items import Item
from .redis_correlation import Correlation
from .spool import Spool

logger = logging.getLogger(__name__)

#: How many parts are written at once: so many by a store that takes its time, so few
#: while the interpreter has enough to do. More threads would only wait for it then, and
#: make the event loop wait.
THREADS, FEW_THREADS = 16, 3

#: From when on the interpreter has enough to do, of one core, and how often that is
#: measured, in seconds.
_BUSY, _MEASURE_SECONDS = 0.7, 0.2

#: How long a store that failed is left alone, in seconds: at first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 60.0

_NOWHERE = Endpoint("0.0.0.0", 0)  # noqa: S104 - an unknown address, not one to bind


@dataclass(slots=True)
class _Queue:
    """One customer's parts that are to be written, by their numbers.

    :param pause: how long the store was left alone last; 0 while it answers.
    :param not_before: when to try it again.
    :param at_work: how many of its parts are being written.
    """

    parts: deque[int] = field(default_factory=deque)
    pause: float = 0.0
    not_before: float = 0.0
    at_work: int = 0


class _Load:
    """Whether this process has enough to do."""

    def __init__(self) -> None:
        self.busy = False
        self._measured = time.monotonic()
        self._used = time.process_time()

    def measure(self, now: float) -> None:
        """Look again, if it is time for that."""
        passed = now - self._measured
        if passed >= _MEASURE_SECONDS:
            used = time.process_time()
            self.busy = used - self._used > _BUSY * passed
            self._measured, self._used = now, used


class PartWriter:
    """Writes sealed parts, and confirms them to the spool.

    :param vault_of: the vault of a customer.
    :param leg_headers: the SIP header fields that name another leg's Call-ID.
    :param correlation: what other collectors know of the latest calls.
    """

    def __init__(
        self,
        spool: Spool,
        vault_of: Callable[[str], Vault],
        *,
        threads: int = THREADS,
        leg_headers: Sequence[str] = DEFAULT_HEADERS,
        correlation: Correlation | None = None,
    ) -> None:
        #: How many parts were ``written``, how often a store ``failed``, and how many
        #: parts were ``refused`` because no vault can keep them.
        self.counts: Counter[str] = Counter()
        self._spool = spool
        self._vault_of = vault_of
        self._leg_headers = leg_headers
        self._correlation = correlation
        self._legs: dict[str, LegIndex] = {}
        self._queues: dict[str, _Queue] = {}
        self._load = _Load()
        self._lock = threading.Lock()
        #: There may be something to do for one more thread.
        self._work = threading.Condition(self._lock)
        #: There is one part less to be written.
        self._less = threading.Condition(self._lock)
        self._closing = False
        self._threads = [
            threading.Thread(target=self._run, name=f"writer-{n}", daemon=True)
            for n in range(threads)
        ]
        for thread in self._threads:
            thread.start()

    @property
    def waiting(self) -> int:
        """How many parts are not written yet."""
        with self._lock:
            return sum(
                len(queue.parts) + queue.at_work for queue in self._queues.values()
            )

    @property
    def failing(self) -> list[str]:
        """The customers whose store did not answer when it was last tried."""
        with self._lock:
            return [name for name, queue in self._queues.items() if queue.pause]

    def submit(self, part_id: int, customer_id: str) -> None:
        """Write a part that the spool has sealed."""
        with self._lock:
            self._queues.setdefault(customer_id, _Queue()).parts.append(part_id)
            if not self._enough_at_work:
                self._work.notify()

    def drain(self, timeout: float) -> bool:
        """Wait until every part is written; False if that takes too long."""
        with self._lock:
            return self._less.wait_for(
                lambda: not any(q.parts or q.at_work for q in self._queues.values()),
                timeout,
            )

    def close(self, timeout: float) -> None:
        """Begin no more parts. What is not written stays in the spool.

        :param timeout: how long to wait for those at work.
        """
        with self._lock:
            self._closing = True
            self._work.notify_all()
        deadline = time.monotonic() + timeout
        for thread in self._threads:
            thread.join(max(0.0, deadline - time.monotonic()))

    @property
    def _enough_at_work(self) -> bool:
        """Whether one more thread would only be in the way."""
        if not self._load.busy:
            return False
        return sum(queue.at_work for queue in self._queues.values()) >= FEW_THREADS

    def _run(self) -> None:
        while (taken := self._take()) is not None:
            customer_id, queue, part_id = taken
            answered = self._write(customer_id, part_id)
            with self._lock:
                queue.at_work -= 1
                if queue.pause or not answered:
                    # How long the others should wait is another matter now.
                    self._work.notify_all()
                if answered:
                    queue.pause = 0.0
                else:
                    # Behind the others: it may be this part alone that fails.
                    queue.parts.append(part_id)
                    queue.pause = min(max(FIRST_PAUSE, 2 * queue.pause), LONGEST_PAUSE)
                    queue.not_before = time.monotonic() + queue.pause
                self._less.notify_all()

    def _take(self) -> tuple[str, _Queue, int] | None:
        """The next part; None when the writer is closed."""
        with self._lock:
            while not self._closing:
                now = time.monotonic()
                self._load.measure(now)
                if self._enough_at_work:
                    self._work.wait(_MEASURE_SECONDS)
                    continue
                pauses = []
                for customer_id, queue in self._queues.items():
                    if not queue.parts or (queue.pause and queue.at_work):
                        continue
                    if queue.pause and queue.not_before > now:
                        pauses.append(queue.not_before - now)
                        continue
                    # To the end, so that each customer has its turn.
                    self._queues[customer_id] = self._queues.pop(customer_id)
                    queue.at_work += 1
                    part_id = queue.parts.popleft()
                    if queue.parts and not self._enough_at_work:
                        self._work.notify()
                    return customer_id, queue, part_id
                self._work.wait(min(pauses, default=None))
        return None

    def _write(self, customer_id: str, part_id: int) -> bool:
        """Write one part; False if the store is to be left alone for now."""
        try:
            found = self._spool.read_part(part_id)
            if found is not None:
                evidence = evidence_of(*found)
                vault = self._vault_of(customer_id)
                vault.put(evidence)
                self._legs_of(vault).note(evidence)
        except (StoreError, UnknownCustomerError, sqlite3.Error) as error:
            self.counts["failed"] += 1
            logger.warning("a call of %s cannot be written yet: %s", customer_id, error)
            return False
        except BundleError as error:
            self._set_aside(customer_id, part_id, error)
        except Exception as error:
            # An error of ours. It must not keep the other calls from being written.
            logger.exception("part %d of %s fails", part_id, customer_id)
            self._set_aside(customer_id, part_id, error)
        else:
            self._spool.confirm(part_id)
            self.counts["written"] += 1
        return True

    def _legs_of(self, vault: Vault) -> LegIndex:
        with self._lock:
            customer_id = vault.customer_id
            legs = self._legs.get(customer_id)
            if legs is None:
                known = self._correlation
                shared = None if known is None else known.of(customer_id)
                legs = LegIndex(vault, self._leg_headers, shared=shared)
                self._legs[customer_id] = legs
            return legs

    def _set_aside(self, customer_id: str, part_id: int, error: Exception) -> None:
        """Leave a part that cannot be written in the spool; a restart tries again."""
        self.counts["refused"] += 1
        logger.error(
            "part %d of %s stays in the spool %s: %s",
            *(part_id, customer_id, self._spool.folder, error),
        )


def evidence_of(part: Part, items: Iterable[Item]) -> Evidence:
    """A part's items as evidence. What two agents captured of one packet counts once.

    It depends on nothing else, so that the same part is always the same object.
    """
    by_agent: dict[str, Evidence] = {}
    for item in items:
        evidence = by_agent.get(item.agent)
        if evidence is None:
            evidence = by_agent[item.agent] = Evidence(
                part.customer_id,
                part.call_id,
                part.state,
                agents=[item.agent] if item.agent else [],
            )
        _add(evidence, item)
    if not by_agent:
        return Evidence(part.customer_id, part.call_id, part.state)
    return merge(by_agent.values())


def _add(evidence: Evidence, item: Item) -> None:
    if item.kind == "sip":
        src, dst = item.src or _NOWHERE, item.dst or _NOWHERE
        packet = SipPacket(item.ts, src, dst, item.transport, item.payload)
        evidence.sip.append(packet)
    elif item.kind == "rtcp":
        datagram = RtcpDatagram(item.ts, item.src, item.dst, item.payload)
        evidence.rtcp.append(datagram)
    elif (report := _json_object(item)) is not None:
        evidence.reports.append(QualityReport(item.ts, report))
    else:
        line = item.payload.decode("utf-8", "surrogateescape").rstrip("\r\n")
        evidence.logs.append(LogLine(item.ts, item.agent, line))


def _json_object(item: Item) -> dict[str, object] | None:
    """A report's object. One that cannot be read is kept as a log line."""
    if item.kind != "quality":
        return None
    try:
        value = json.loads(item.payload)
    except (ValueError, RecursionError):
        return None
    return value if isinstance(value, dict) else None
