"""What is accepted and not in the vault yet, on disk: a SQLite database.

Whatever is asked for is done by one thread in one transaction every few hundredths of
a second, in an order that leaves a sound spool wherever the process is killed. A part
that is to be written is sealed first: from then on it is the same rows for ever, and so
the same object in the vault, however often it is written. When the vault has it, its
rows go.

When the disk is nearly full, nothing more is taken, and what is there goes on leaving:
see :mod:`flask_sipvault.collector.spool_disk`.
"""

from __future__ import annotations

import fcntl
import os
import sqlite3
import stat
import threading
import time
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

from ..private_files import make_folder
from ..private_files import PRIVATE
from . import spool_format
from . import spool_tables as tables
from .call_tracker import Part
from .items import Item
from .spool_disk import room_for
from .spool_disk import SpoolDisk
from .spool_room import Room
from .spool_tables import Batch
from .spool_tables import StoredItem as StoredItem

#: How long an item may wait for its transaction, in seconds.
COMMIT_SECONDS = 0.025

#: How long to wait after the disk refused, in seconds.
_RETRY_SECONDS = 0.25

#: How often SQLite's log is looked at, in seconds.
_TIDY_SECONDS = 0.5

#: What an item takes on disk beside its payload, about, in bytes.
_ROW_BYTES = 150

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
    :param system_clock: seconds since the epoch: what another process knows too.
    :raises SpoolError: if another process has it, or it cannot be read or written.
    """

    def __init__(
        self,
        folder: Path,
        *,
        max_bytes: int,
        on_sealed: Callable[[int, str], None] = _unheard,
        wait_seconds: float = 0.0,
        system_clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.max_bytes = max_bytes
        self.on_sealed = on_sealed
        self._system_clock = system_clock
        self._path = folder / _FILE
        self._lock_file = _locked(folder, wait_seconds)
        self._readers = threading.local()
        self._all_readers: list[sqlite3.Connection] = []
        room = room_for(folder, max_bytes)
        try:
            db = self._open_with_room(room)
        except BaseException:
            os.close(self._lock_file)
            raise
        self._disk = SpoolDisk(db, self._path, max_bytes, room)
        self._last_row, self._last_session, self._last_part = (
            spool_format.largest_numbers(db)
        )
        #: The number for the first session that begins now.
        self.first_session = self._last_session + 1
        self._known_sessions = tables.open_sessions(db)
        # The last one grows.
        self._batches = deque([Batch()])
        self._backlog_bytes = 0
        self._flushes_wanted = self._flushes_done = 0
        # Those that are being committed, the first just now.
        self._committing: deque[Batch] = deque()
        # How many seals and confirmations wait for the disk.
        self._unsettled = 0
        #: All rows up to this one are on disk.
        self.safe_row = self._last_row
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
    def used_bytes(self) -> int:
        """How large it is now with its log, free pages left out."""
        return self._disk.used_bytes

    @property
    def failing(self) -> bool:
        """Whether the disk refuses everything."""
        return self._disk.failing

    @property
    def short(self) -> bool:
        """Whether the partition is so full that nothing more is taken."""
        return self._disk.short

    @property
    def full(self) -> bool:
        """Whether nothing more should be read from the network for now."""
        if self.failing or self.short:
            return True
        if self._backlog_bytes >= self._disk.longest_backlog:
            return True
        return self.used_bytes + self._backlog_bytes >= self.max_bytes

    @property
    def settled(self) -> bool:
        """Whether no part, sealed or written, waits for the disk."""
        return not self._unsettled

    @property
    def fills_its_room(self) -> bool:
        """Whether it is the spool itself that takes up most of what it may have."""
        return 2 * self.used_bytes >= self._disk.total

    @property
    def unsaved(self) -> int:
        """How many items are not on disk yet."""
        with self._lock:
            batches = (*self._committing, *self._batches)
            return sum(len(each.items) + len(each.waiting) for each in batches)

    @property
    def largest_item(self) -> int:
        """The spool has never room for more in one item, in bytes."""
        return self._disk.largest_item

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
                self._batches[-1].settled.append((waiting_row,))
            if session_id not in self._known_sessions:
                self._known_sessions.add(session_id)
                self._last_session = max(session_id, self._last_session)
                self._batches[-1].calls.append((session_id, item.customer_id, call_id))
            seen = self._system_clock()
            self._batches[-1].items.append(tables.item_row(row, session_id, item, seen))
            self._grow(row, item)

    def append_waiting(
        self, row: int, item: Item, *, waiting_row: int | None = None
    ) -> None:
        """Keep an item whose call is not known yet.

        :param waiting_row: under which it has waited so far.
        """
        with self._lock:
            if waiting_row is not None:
                self._batches[-1].settled.append((waiting_row,))
            self._batches[-1].waiting.append(tables.waiting_row(row, item))
            self._grow(row, item)

    def remove_waiting(self, row: int) -> None:
        """An item that waited is left out."""
        with self._lock:
            self._batches[-1].settled.append((row,))

    def seal(self, part: Part) -> None:
        """Settle for ever what a part holds."""
        with self._lock:
            self._last_part += 1
            self._batches[-1].seals.append((self._last_part, part))
            self._unsettled += 1
            self._close_batch()
            if part.final:
                self._known_sessions.discard(part.session_id)

    def confirm(self, part_id: int) -> None:
        """The vault has this part: its rows go."""
        with self._lock:
            self._batches[-1].confirmed.append(part_id)
            self._unsettled += 1
            self._close_batch()

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
        for connection in [*self._all_readers, self._disk.db]:
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

    def _open_with_room(self, room: Room) -> sqlite3.Connection:
        try:
            return self._open()
        except SpoolError:
            # Where nothing at all is free, SQLite cannot even read.
            if not room.give_up():
                raise
        return self._open()

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
            version = spool_format.prepare(db)
        except sqlite3.Error as error:
            db.close()
            raise SpoolError(
                f"the spool {self._path} cannot be read ({error}): move it away;"
                " SQLite's .recover may get out what is in it"
            ) from error
        if version != spool_format.FORMAT:
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

    def _grow(self, row: int, item: Item) -> None:
        """Note that the last batch has one item more."""
        size = len(item.payload) + _ROW_BYTES
        self._backlog_bytes += size
        self._batches[-1].size += size
        self._batches[-1].last_row = row
        self._close_batch()

    def _close_batch(self) -> None:
        """Begin another batch if the last is large."""
        if self._disk.is_large(self._batches[-1]):
            self._batches.append(Batch())

    def _run(self) -> None:
        """Commit what there is, again and again."""
        due = time.monotonic() + COMMIT_SECONDS
        while True:
            with self._changed:
                while self._flushes_done == self._flushes_wanted:
                    if self._closing:
                        return
                    left = due - time.monotonic()
                    if left <= 0 and (any(self._batches) or self._disk.look_is_due):
                        break
                    self._changed.wait(left if left > 0 else COMMIT_SECONDS)
                flush = self._flushes_wanted
                self._committing, self._batches = self._batches, deque([Batch()])
            due = time.monotonic() + COMMIT_SECONDS
            while self._committing:
                if not self._commit(self._committing[0]):
                    return
                self._committing.popleft()
            if self.short or self._disk.look_is_due:
                self._disk.look()
            with self._changed:
                self._flushes_done = flush
                self._changed.notify_all()

    def _tidy(self) -> None:
        db = self._reader()
        while True:
            with self._changed:
                self._changed.wait_for(lambda: self._closing, _TIDY_SECONDS)
                if self._closing:
                    return
            self._disk.tidy(db)

    def _commit(self, batch: Batch) -> bool:
        """Commit, and where the disk has no room or refuses try again; False if it
        still refuses when the spool is closed.
        """
        disk = self._disk
        while True:
            left = self.short and self._leave()
            error = None
            if not batch:
                disk.note_failing(None)
                return True
            if self._closing or disk.takes(batch):
                error = self._try(batch)
                if error is None:
                    disk.note_failing(None)
                    return True
            # A full disk, above all. Anything else must stop the reading too: what is
            # accepted and cannot be kept would be lost.
            disk.look()
            disk.note_failing(None if left else error)
            with self._changed:
                if self._closing and error is not None:
                    return False
                self._changed.wait_for(lambda: self._closing, _RETRY_SECONDS)

    def _try(self, batch: Batch) -> Exception | None:
        """Commit; what is wrong if the disk does not take it."""
        batch.marks = self._last_row, self._last_session, self._last_part
        # At the end what is not on disk is lost.
        error = self._disk.commit(batch, at_any_price=self._closing)
        if error is not None:
            return error
        self.safe_row = max(self.safe_row, batch.last_row)
        for part_id, part in batch.seals:
            self.on_sealed(part_id, part.customer_id)
        with self._lock:
            self._backlog_bytes -= batch.size
            self._unsettled -= len(batch.seals) + len(batch.confirmed)
        return None

    def _leave(self) -> bool:
        """Commit what makes room and needs nothing that is not on disk yet: parts of
        rows that are there, and parts that the vault has. False if there is nothing of
        that kind, or the disk takes none of it.
        """
        seals, confirmed = self._what_may_leave()
        at_once = self._disk.parts_at_once
        taken = False
        self._disk.empty_log()
        while (seals or confirmed) and at_once and not self._disk.log_is_long:
            some = Batch(seals=seals[:at_once], confirmed=confirmed[:at_once])
            if self._try(some) is None:
                del seals[:at_once], confirmed[:at_once]
                taken = True
            else:
                at_once //= 2
            self._disk.empty_log()
        with self._lock:
            first = self._committing[0]
            first.seals[:0], first.confirmed[:0] = seals, confirmed
        return taken

    def _what_may_leave(self) -> tuple[list[tuple[int, Part]], list[int]]:
        """Take it out of what waits for the disk, in its order."""
        seals: list[tuple[int, Part]] = []
        confirmed: list[int] = []
        with self._lock:
            for batch in (*self._committing, *self._batches):
                confirmed += batch.confirmed
                seals += [each for each in batch.seals if each[1].last <= self.safe_row]
                batch.confirmed = []
                batch.seals = [
                    each for each in batch.seals if each[1].last > self.safe_row
                ]
        return seals, confirmed


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
