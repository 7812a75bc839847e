"""The spool's database on its partition: transactions that fit, a log that stays
short, and what becomes of them when the disk is nearly full.

Everything here is for one thread, but :meth:`SpoolDisk.tidy` and what is only read.
"""

from __future__ import annotations

import contextlib
import logging
import sqlite3
import time
from pathlib import Path

from . import spool_tables as tables
from .spool_room import Room
from .spool_tables import Batch

logger = logging.getLogger(__name__)

#: The part of the spool's largest size that the room may reserve at most, but so much
#: in any case, in bytes.
_SPOOL_SHARE, _LEAST_RESERVE = 8, 4 << 20

#: How large the log may become, of what the room reserves and of the largest size: at
#: half of that it is brought into the database, beside the commits, which starts it
#: over; at all of it at once, between two of them.
_LOG_SHARE, _SPOOL_LOG_SHARE = 2, 16

#: How often the log is gone over, if more was committed meanwhile.
_TIDY_TURNS = 4

#: After so many looks without a commit the log is emptied, too.
_QUIET_LOOKS = 3

#: Where the disk is full, how long to wait for those who read from the log, in seconds:
#: a part is read in a few milliseconds.
_READING_SECONDS = 0.5

#: Of what the room reserves: how large a transaction is at most, but for its last item;
#: what it may take in the log to seal and remove parts in one; and how much may wait
#: for the disk until the spool counts as full. All of it together must fit.
_TRANSACTION_SHARE, _PARTS_SHARE, _BACKLOG_SHARE = 16, 4, 4

#: What it takes in SQLite's log to seal a part, or to remove it, at most, about, in
#: bytes: a few pages.
_PART_LOG_BYTES = 16 << 10

#: How often the partition is looked at, in seconds.
_LOOK_SECONDS = 0.5

#: How much is given back to the partition by one transaction, of what the room
#: reserves, and how often in a row: what is to be written must not wait for long.
_SHRINK_SHARE, _SHRINK_TURNS = 16, 16


class SpoolDisk:
    """The database of a spool, and the partition under it.

    :param db: its tables are there.
    :param max_bytes: how large it may grow.
    :param room: see :func:`room_for`.
    :ivar used_bytes: how large it is with its log, free pages left out.
    :ivar short: whether the partition is so full that nothing more is taken.
    :ivar failing: whether the disk refused the last transaction, and none that makes
        room was possible.
    """

    def __init__(
        self, db: sqlite3.Connection, path: Path, max_bytes: int, room: Room
    ) -> None:
        self.db = db
        self.used_bytes = 0
        self.short = self.failing = False
        self._path = path
        self._log = path.with_name(f"{path.name}-wal")
        self._max_bytes = max_bytes
        self._room = room
        # How often in a row it was found that nothing was committed.
        self._quiet = 0
        self.look()

    @property
    def total(self) -> int:
        """How large the spool can become, in bytes."""
        return min(self._max_bytes, self._room.total)

    @property
    def largest_item(self) -> int:
        """There is never room for more in one item, in bytes."""
        return self._room.reserve // 2

    @property
    def longest_backlog(self) -> int:
        """How much may wait to be committed, in bytes."""
        return self._room.reserve // _BACKLOG_SHARE

    @property
    def parts_at_once(self) -> int:
        """How many parts may be sealed, or go, in one transaction."""
        return max(1, self._room.reserve // _PARTS_SHARE // _PART_LOG_BYTES)

    @property
    def log_is_long(self) -> bool:
        """Whether the log has to be emptied before more is committed."""
        return self._log_bytes() >= self._longest_log

    @property
    def look_is_due(self) -> bool:
        """Whether :meth:`look` should be called again."""
        return time.monotonic() >= self._look_at

    def is_large(self, batch: Batch) -> bool:
        """Whether no more should be done in this transaction."""
        if batch.size >= self._room.reserve // _TRANSACTION_SHARE:
            return True
        return len(batch.seals) + len(batch.confirmed) >= self.parts_at_once

    def takes(self, batch: Batch) -> bool:
        """Whether there is room for these items, beside what is to leave."""
        if self._room.takes(batch.size):
            return True
        self._note_short()
        return False

    def commit(self, batch: Batch, *, at_any_price: bool = False) -> Exception | None:
        """Commit; what is wrong if the disk does not take it.

        :param at_any_price: use what is reserved for emptying the spool.
        """
        try:
            tables.commit(self.db, batch)
        except Exception as error:
            if isinstance(error, sqlite3.OperationalError) and self._room.give_up():
                self._note_short()
                if at_any_price:
                    return self.commit(batch)
            return error
        self._quiet = 0
        if self.log_is_long:
            self.empty_log()
        self._measure()
        return None

    def look(self) -> None:
        """See whether the partition has room, and give back what is not used where it
        has not.
        """
        self._look_at = time.monotonic() + _LOOK_SECONDS
        if self._has_room():
            if self.short:
                logger.warning(
                    "there is room again for the spool %s", self._path.parent
                )
            self.short = False
            if self._quiet >= _QUIET_LOOKS:
                self.empty_log()
        else:
            self._note_short()
            self._shrink()
        self._quiet += 1
        self._measure()

    def empty_log(self) -> None:
        """Give the log's room back to the partition, as far as that is possible."""
        if not self._log_bytes():
            return
        patience = _READING_SECONDS if self.short else 0.0
        try:
            tables.empty_log(self.db, patience)
        except sqlite3.Error:
            # The database grows by that.
            if self._room.give_up():
                self._note_short()
                with contextlib.suppress(sqlite3.Error):
                    tables.empty_log(self.db, patience)

    def tidy(self, db: sqlite3.Connection) -> None:
        """Bring a log that has grown, or is not written to just now, into the database,
        beside the commits: done by one of them, it would hold it up for long.

        :param db: a connection of the calling thread's own.
        """
        with contextlib.suppress(sqlite3.Error):
            # What is committed meanwhile takes another, shorter turn.
            for _ in range(_TIDY_TURNS):
                some = 1 if self._quiet else self._longest_log // 2
                if self._log_bytes() < some or tables.checkpoint(db):
                    break

    def note_failing(self, error: Exception | None) -> None:
        """Tell once that the disk refuses, and that it does so no more."""
        if error is not None and not self.failing:
            logger.error("the spool %s refuses: %r", self._path.parent, error)
        elif error is None and self.failing:
            logger.warning("the spool %s takes items again", self._path.parent)
        self.failing = error is not None

    @property
    def _longest_log(self) -> int:
        reserved = self._room.reserve // _LOG_SHARE
        return min(reserved, self._max_bytes // _SPOOL_LOG_SHARE)

    def _measure(self) -> None:
        self.used_bytes = tables.used_bytes(self.db) + self._log_bytes()

    def _log_bytes(self) -> int:
        try:
            return self._log.stat().st_size
        except OSError:
            return 0

    def _has_room(self) -> bool:
        with contextlib.suppress(OSError):
            return self._room.look(self._path.stat().st_size + self._log_bytes())
        return False

    def _shrink(self) -> None:
        self.empty_log()
        some = self._room.reserve // _SHRINK_SHARE
        with contextlib.suppress(sqlite3.Error):
            for _ in range(_SHRINK_TURNS):
                # As long as somebody reads, the log cannot be emptied, and grows.
                if self._log_bytes() or not tables.shrink(self.db, some):
                    break
                self.empty_log()

    def _note_short(self) -> None:
        if not self.short:
            logger.error(
                "the disk under the spool %s is full: senders have to wait, and what is"
                " there leaves first; make room there if it does not",
                self._path.parent,
            )
        self.short = True


def room_for(folder: Path, max_bytes: int) -> Room:
    """The room of a spool that may grow as large as this."""
    return Room(folder, max(_LEAST_RESERVE, max_bytes // _SPOOL_SHARE))
