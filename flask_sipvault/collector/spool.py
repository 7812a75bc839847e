"""What is accepted and not in the vault yet, on disk: a SQLite database.

Whatever is asked for is done by one thread in one transaction every few hundredths of
a second, in an order that leaves a sound spool wherever the process is killed. A part
that is to be written is sealed first: from then on it is the same rows for ever, and so
the same object in the vault, however often it is written. When the vault has it, its
rows go.
"""

from __future__ import annotations

import contextlib
import fcntl
import logging
import os
import sqlite3
import stat
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

from ..private_files import make_folder
from ..private_files import PRIVATE
from . import spool_tables as tables
from .call_tracker import Part
from .items import Item
from .spool_tables import Batch
from .spool_tables import StoredItem as StoredItem

logger = logging.getLogger(__name__)

#: How long an item may wait for its transaction, in seconds.
COMMIT_SECONDS = 0.025

#: While more than this waits for the disk, the spool counts as full, in bytes.
MAX_BACKLOG = 64 << 20

#: How long to wait after the disk refused, in seconds.
_RETRY_SECONDS = 1.0

#: How often the log is looked at, in seconds, and from what size on it is brought into
#: the database. That starts it over; its file stays as large as it was.
_TIDY_SECONDS = 0.5
_LOG_BYTES = 16 << 20
_TIDY_TURNS = 4

#: What an item takes on disk beside its payload, about, in bytes.
_ROW_BYTES = 100

_FILE = "spool.sqlite"


class SpoolError(Exception):
    """The spool cannot be used; the message says what to do."""


def _unheard(part_id: int, customer_id: str) -> None:
    """A sealed part is of no interest to this caller."""


class Spool:
    """The spool in a folder; one process has it at a time.

    :param max_bytes: how large it may grow.
    :param on_sealed: told, in the spool's thread, the number and the customer of each
        part that is safely sealed.
    :param wait_seconds: how long to wait for another process to let go of it.
    :raises SpoolError: if another process has it, or it cannot be read or written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        on_sealed: Callable[[int, str], None] = _unheard,
        wait_seconds: float = 0.0,
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.on_sealed = on_sealed
        #: Whether the disk refused the last transaction.
        self.failing = False
        self._path = folder / _FILE
        self._lock_file = _locked(folder, wait_seconds)
        self._readers = threading.local()
        self._all_readers: list[sqlite3.Connection] = []
        try:
            self._db = self._open()
        except BaseException:
            os.close(self._lock_file)
            raise
        #: How large it is now, free pages left out, in bytes.
        self.used_bytes = tables.used_bytes(self._db)
        self._last_row, self._last_session, self._last_part = tables.largest_numbers(
            self._db
        )
        #: The number for the first session that begins now.
        self.first_session = self._last_session + 1
        self._batch = Batch()
        self._backlog_bytes = 0
        self._flushes_wanted = self._flushes_done = 0
        self._closing = False
        self._lock = threading.Lock()
        self._changed = threading.Condition(self._lock)
        self._threads = [
            threading.Thread(target=self._run, name="spool", daemon=True),
            threading.Thread(target=self._tidy, name="spool-log", daemon=True),
        ]
        for thread in self._threads:
            thread.start()

    @property
    def full(self) -> bool:
        """Whether nothing more should be read from the network for now."""
        if self.failing or self._backlog_bytes >= MAX_BACKLOG:
            return True
        return self.used_bytes + self._backlog_bytes >= self.max_bytes

    def next_row(self) -> int:
        """A number for an item. Items come from one thread only."""
        self._last_row += 1
        return self._last_row

    def append(
        self,
        row: int,
        session_id: int,
        call_id: str,
        item: Item,
        *,
        waiting_row: int | None = None,
    ) -> None:
        """Keep an item under its call.

        :param waiting_row: under which it has waited for that.
        """
        with self._lock:
            if waiting_row is not None:
                self._batch.settled.append((waiting_row,))
            if session_id > self._last_session:
                self._last_session = session_id
                self._batch.calls.append((session_id, item.customer_id, call_id))
            self._batch.items.append(tables.item_row(row, session_id, item))
            self._backlog_bytes += len(item.payload) + _ROW_BYTES

    def append_waiting(
        self, row: int, item: Item, *, waiting_row: int | None = None
    ) -> None:
        """Keep an item whose call is not known yet.

        :param waiting_row: under which it has waited so far.
        """
        with self._lock:
            if waiting_row is not None:
                self._batch.settled.append((waiting_row,))
            self._batch.waiting.append(tables.waiting_row(row, item))
            self._backlog_bytes += len(item.payload) + _ROW_BYTES

    def remove_waiting(self, row: int) -> None:
        """An item that waited is left out."""
        with self._lock:
            self._batch.settled.append((row,))

    def seal(self, part: Part) -> None:
        """Settle for ever what a part holds."""
        with self._lock:
            self._last_part += 1
            self._batch.seals.append((self._last_part, part))

    def confirm(self, part_id: int) -> None:
        """The vault has this part: its rows go."""
        with self._lock:
            self._batch.confirmed.append(part_id)

    def flush(self, timeout: float | None = None) -> bool:
        """Wait until all that was asked for so far is on disk; False if that takes too
        long.
        """
        with self._changed:
            self._flushes_wanted += 1
            wanted = self._flushes_wanted
            self._changed.notify_all()
            return self._changed.wait_for(lambda: self._flushes_done >= wanted, timeout)

    def close(self, timeout: float | None = None) -> bool:
        """Put everything on disk and let go of the spool; False if the disk did not
        take it in time.
        """
        flushed = self.flush(timeout)
        with self._changed:
            self._closing = True
            self._changed.notify_all()
        for thread in self._threads:
            thread.join()
        for connection in [*self._all_readers, self._db]:
            connection.close()
        os.close(self._lock_file)
        return flushed

    def sealed_parts(self) -> list[tuple[int, str]]:
        """Number and customer of every part that waits for the vault, oldest first."""
        return tables.sealed_parts(self._reader())

    def read_part(self, part_id: int) -> tuple[Part, list[Item]] | None:
        """A sealed part and its items, in the order they came; None if it is gone.

        :raises sqlite3.Error: if the disk does not give it.
        """
        return tables.read_part(self._reader(), part_id)

    def stored_items(self) -> Iterator[StoredItem]:
        """What an earlier process left: the items of calls that were up or lingered,
        in order, then those that waited for their call.
        """
        return tables.stored_items(self._reader())

    def _open(self) -> sqlite3.Connection:
        try:
            # SQLite gives its other files the rights of this one.
            flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW
            os.close(os.open(self._path, flags, PRIVATE))
            db = tables.connect(self._path)
        except (OSError, sqlite3.Error) as error:
            raise SpoolError(
                f"the spool {self._path} cannot be opened ({error}): let the user this"
                " runs as write to it, or move it away if it is damaged (SQLite's"
                " .recover may get out what is in it)"
            ) from error
        try:
            version = tables.prepare(db)
        except sqlite3.Error as error:
            db.close()
            raise SpoolError(
                f"the spool {self._path} cannot be read ({error}): move it away;"
                " SQLite's .recover may get out what is in it"
            ) from error
        if version != tables.FORMAT:
            db.close()
            raise SpoolError(
                f"the spool {self._path} is of another version of flask_sipvault: let"
                " that version empty it first"
            )
        return db

    def _reader(self) -> sqlite3.Connection:
        """A connection for this thread: reading goes on while the spool is written."""
        connection: sqlite3.Connection | None
        connection = getattr(self._readers, "connection", None)
        if connection is None:
            connection = self._readers.connection = tables.connect(self._path)
            with self._lock:
                self._all_readers.append(connection)
        return connection

    def _run(self) -> None:
        """Commit what there is, again and again."""
        due = time.monotonic()
        while True:
            with self._changed:
                while self._flushes_done == self._flushes_wanted:
                    if self._closing:
                        return
                    left = due - time.monotonic()
                    if self._batch and left <= 0:
                        break
                    self._changed.wait(left if left > 0 else COMMIT_SECONDS)
                flush = self._flushes_wanted
                batch, self._batch = self._batch, Batch()
                backlog = self._backlog_bytes
            due = time.monotonic() + COMMIT_SECONDS
            if batch and not self._commit(batch):
                return
            for part_id, part in batch.seals:
                self.on_sealed(part_id, part.customer_id)
            with self._changed:
                self._backlog_bytes -= backlog
                self._flushes_done = flush
                self._changed.notify_all()

    def _tidy(self) -> None:
        """Bring SQLite's log into the database now and then, beside the commits: done
        by one of them, it would hold it up for long.
        """
        db = self._reader()
        log = self._path.with_name(f"{_FILE}-wal")
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing, _TIDY_SECONDS)
                if self._closing:
                    return
            with contextlib.suppress(sqlite3.Error, FileNotFoundError):
                # What is committed meanwhile takes another, shorter turn.
                for _ in range(_TIDY_TURNS):
                    if log.stat().st_size < _LOG_BYTES or tables.checkpoint(db):
                        break

    def _commit(self, batch: Batch) -> bool:
        """Commit, and where the disk refuses try again; False if it still refuses when
        the spool is closed.
        """
        while True:
            try:
                tables.commit(self._db, batch)
                self.used_bytes = tables.used_bytes(self._db)
            except Exception as error:
                # A full disk, above all. Anything else must stop the reading too: what
                # is accepted and cannot be kept would be lost.
                if not self.failing:
                    logger.error("the spool %s refuses: %r", self.folder, error)
                self.failing = True
            else:
                if self.failing:
                    logger.warning("the spool %s takes items again", self.folder)
                self.failing = False
                return True
            with self._changed:
                if self._closing:
                    return False
                self._changed.wait_for(lambda: self._closing, _RETRY_SECONDS)


def _locked(folder: Path, wait_seconds: float) -> int:
    """The folder, made if it is missing, for us alone as long as this file is open."""
    try:
        make_folder(folder)
        flags = os.O_RDWR | os.O_CREAT | os.O_CLOEXEC | os.O_NOFOLLOW
        lock = os.open(folder / "lock", flags, PRIVATE)
    except OSError as error:
        raise SpoolError(
            f"the folder {folder} cannot be used ({error.strerror}): let the user this"
            " runs as write to it, or set SIPVAULT_SPOOL to another"
        ) from error
    if folder.stat().st_mode & stat.S_IWOTH:
        os.close(lock)
        raise SpoolError(
            f"every user of this host can write to the spool {folder}: take that away"
            " (chmod o-w), or set SIPVAULT_SPOOL to another folder"
        )
    deadline = time.monotonic() + wait_seconds
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except OSError:
            if time.monotonic() >= deadline:
                os.close(lock)
                raise SpoolError(
                    f"another collector has the spool {folder}: stop it, or set"
                    " SIPVAULT_SPOOL to another folder"
                ) from None
            time.sleep(0.05)
        else:
            return lock
