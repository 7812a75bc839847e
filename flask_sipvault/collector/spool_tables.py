"""What is read from the spool's tables, and the one transaction that writes them.

:mod:`flask_sipvault.collector.spool_format` says what is in them.
"""

# ruff: noqa: S608 - queries are put together from the words of this file only.
from __future__ import annotations

import functools
import itertools
import json
import sqlite3
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any
from typing import cast
from typing import get_args

from ..protocols.address import Endpoint
from ..protocols.address import Transport
from .call_tracker import Part
from .items import Item
from .items import Kind

_FACTS = (
    "kind, ts, src_ip, src_port, dst_ip, dst_port, transport, agent, method, payload"
)
_INSERT_ITEM = f"INSERT INTO item (id, call, seen, {_FACTS}) VALUES "
_ITEM_VALUES = f"(?{', ?' * 12})"

#: So many items are put in by one statement, then half as many, and so on: while SQLite
#: executes one, Python's other threads run, and after each this one has to wait until
#: they let it.
_ITEMS_AT_ONCE = 1024
_INSERT_WAITING = (
    f"INSERT INTO waiting (id, customer, name, of_call, {_FACTS})"
    f" VALUES (?{', ?' * 13})"
)
_SELECT_OPEN = (
    "SELECT item.id, call.id, sealed, snapshot, item.seen, call.seen, customer, name,"
    f" {_FACTS} FROM item"
    " JOIN call ON call.id = item.call WHERE NOT final ORDER BY item.id"
)
_SELECT_WAITING = (
    f"SELECT id, customer, name, of_call, {_FACTS} FROM waiting ORDER BY id"
)
_SELECT_ROWS = (
    f"SELECT {_FACTS} FROM item WHERE call = ? AND id > ? AND id <= ? ORDER BY id"
)
_SELECT_ANCHORS = (
    f"SELECT {_FACTS} FROM item WHERE call = ?"
    " AND id IN (SELECT value FROM json_each(?)) ORDER BY id"
)

_KINDS: tuple[Kind, ...] = get_args(Kind)
_NUMBERS = {kind: number for number, kind in enumerate(_KINDS)}


@dataclass(slots=True)
class Batch:
    """What one transaction is to do.

    :param calls: number, customer and Call-ID of new sessions.
    :param items: rows of ``item``, of :func:`item_row`.
    :param waiting: rows of ``waiting``, of :func:`waiting_row`.
    :param seals: parts, each with its number.
    :param settled: rows of ``waiting`` that wait no more.
    :param confirmed: numbers of parts that the vault has.
    :param marks: the largest numbers of a row, a session and a part given so far.
    :param size: what its items take up on disk, about, in bytes.
    :param last_row: the number of the last of them.
    """

    calls: list[tuple[int, str, str]] = field(default_factory=list)
    items: list[tuple[Any, ...]] = field(default_factory=list)
    waiting: list[tuple[Any, ...]] = field(default_factory=list)
    seals: list[tuple[int, Part]] = field(default_factory=list)
    settled: list[tuple[int]] = field(default_factory=list)
    confirmed: list[int] = field(default_factory=list)
    marks: tuple[int, int, int] = (0, 0, 0)
    size: int = 0
    last_row: int = 0

    def __bool__(self) -> bool:
        return bool(
            self.items or self.waiting or self.seals or self.settled or self.confirmed
        )


@dataclass(frozen=True, slots=True)
class StoredItem:
    """An item that an earlier process left behind.

    :param session_id: of its call; 0 where that was not known yet.
    :param item: its Call-ID is that of the call it was found to belong to.
    :param seen: when it came, by the system's clock, in seconds; 0: not known.
    :param sealed_row: up to which row its call was given out in parts.
    :param snapshot: what was known of its call then; "" where nothing was given out.
        See :meth:`flask_sipvault.correlation.call_state.CallState.snapshot`.
    :param sealed_seen: when the last item came that was given out; as ``seen``.
    """

    row: int
    session_id: int
    item: Item
    seen: float = 0.0
    sealed_row: int = 0
    snapshot: str = ""
    sealed_seen: float = 0.0


def connect(path: Path) -> sqlite3.Connection:
    """A connection that any thread may use, one at a time.

    :raises sqlite3.Error: if it cannot be opened.
    """
    connection = sqlite3.connect(path, isolation_level=None, check_same_thread=False)
    try:
        # For shrink(). It counts for a database that has no tables yet.
        connection.execute("PRAGMA auto_vacuum = INCREMENTAL")
        connection.execute("PRAGMA journal_mode = WAL")
        connection.execute("PRAGMA synchronous = FULL")
        connection.execute("PRAGMA wal_autocheckpoint = 0")  # see checkpoint()
    except sqlite3.Error:
        connection.close()
        raise
    return connection


def used_bytes(db: sqlite3.Connection) -> int:
    """How large the database is, without the pages that are free."""
    (pages,) = db.execute("PRAGMA page_count").fetchone()
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (size,) = db.execute("PRAGMA page_size").fetchone()
    return int((pages - free) * size)


def checkpoint(db: sqlite3.Connection) -> bool:
    """Bring what is in the log into the database; False if more was committed in the
    meantime.
    """
    query = "PRAGMA wal_checkpoint(PASSIVE)"
    _, in_log, done = db.execute(query).fetchone()
    return bool(in_log == done)


def empty_log(db: sqlite3.Connection, patience: float) -> None:
    """Bring what is in the log into the database, and let the log take up nothing.

    :param patience: how long to wait for those who read from it, in seconds; if they
        read longer, the log stays.
    :raises sqlite3.Error: if the disk does not take it.
    """
    (usual,) = db.execute("PRAGMA busy_timeout").fetchone()
    db.execute(f"PRAGMA busy_timeout = {int(patience * 1000)}")
    try:
        db.execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
    finally:
        db.execute(f"PRAGMA busy_timeout = {usual}")


def shrink(db: sqlite3.Connection, size: int) -> bool:
    """Take so many bytes of free pages from the end of the database; False if none is
    free. :func:`empty_log` gives them back to the partition then.

    :raises sqlite3.Error: if the disk does not take it.
    """
    (free,) = db.execute("PRAGMA freelist_count").fetchone()
    (page,) = db.execute("PRAGMA page_size").fetchone()
    if free:
        pages = max(1, size // page)
        db.execute(f"PRAGMA incremental_vacuum({pages})").fetchall()
    return bool(free)


def open_sessions(db: sqlite3.Connection) -> set[int]:
    """The numbers of the sessions that more may come of."""
    query = "SELECT id FROM call WHERE NOT final"
    return {session_id for (session_id,) in db.execute(query)}


def item_row(
    row: int, session_id: int, item: Item, seen: float = 0.0
) -> tuple[Any, ...]:
    """The row of an item whose call is known.

    :param seen: when it came, in seconds since the epoch.
    """
    return (row, session_id, int(seen * 1000), *_facts(item))


def waiting_row(row: int, item: Item) -> tuple[Any, ...]:
    """The row of an item whose call is not known yet."""
    return (row, item.customer_id, item.call_id, item.of_call, *_facts(item))


def commit(db: sqlite3.Connection, batch: Batch) -> None:
    """Do all of it, or nothing.

    What is given out is put in before it is sealed, and before anything is taken away.

    :raises sqlite3.Error: if the disk does not take it.
    """
    db.execute("BEGIN IMMEDIATE")
    try:
        db.executemany(
            "INSERT INTO call (id, customer, name) VALUES (?, ?, ?)", batch.calls
        )
        _insert_items(db, batch.items)
        db.executemany(_INSERT_WAITING, batch.waiting)
        for part_id, part in batch.seals:
            _seal(db, part_id, part)
        db.executemany("DELETE FROM waiting WHERE id = ?", batch.settled)
        for part_id in batch.confirmed:
            _remove(db, part_id)
        if batch.settled or batch.confirmed:
            # What is gone must not let its numbers be given again.
            db.execute(
                "UPDATE mark SET row = max(row, ?), session = max(session, ?),"
                " part = max(part, ?)",
                batch.marks,
            )
        db.execute("COMMIT")
    except BaseException:
        if db.in_transaction:  # SQLite itself goes back after some errors
            db.execute("ROLLBACK")
        raise


def _insert_items(db: sqlite3.Connection, rows: list[tuple[Any, ...]]) -> None:
    start, size = 0, _ITEMS_AT_ONCE
    while start < len(rows):
        if len(rows) - start < size:
            size //= 2
            continue
        together = rows[start : start + size]
        db.execute(
            _insert_statement(size), list(itertools.chain.from_iterable(together))
        )
        start += size


@functools.cache
def _insert_statement(items: int) -> str:
    return _INSERT_ITEM + ", ".join([_ITEM_VALUES] * items)


def _seal(db: sqlite3.Connection, part_id: int, part: Part) -> None:
    db.execute(
        "INSERT INTO part (id, call, state, after, last) VALUES (?, ?, ?, ?, ?)",
        (part_id, part.session_id, part.state, part.after, part.last),
    )
    if part.final:
        # The anchors stay as they were: the part may consist of them.
        db.execute("UPDATE call SET final = 1 WHERE id = ?", (part.session_id,))
    else:
        db.execute(
            "UPDATE call SET sealed = ?, anchors = ?, snapshot = ?,"
            " seen = ifnull((SELECT seen FROM item WHERE id = ?), seen) WHERE id = ?",
            (
                part.last,
                json.dumps(part.anchors),
                part.snapshot,
                part.last,
                part.session_id,
            ),
        )


def _remove(db: sqlite3.Connection, part_id: int) -> None:
    """Remove a part and its rows; with the last part of a call all that is left."""
    found = db.execute(
        "SELECT call.id, last, anchors, final FROM part"
        " JOIN call ON call.id = part.call WHERE part.id = ?",
        (part_id,),
    ).fetchone()
    if found is None:
        return
    call, last, anchors, final = found
    db.execute("DELETE FROM part WHERE id = ?", (part_id,))
    if final and not _has_parts(db, call):
        db.execute("DELETE FROM item WHERE call = ?", (call,))
        db.execute("DELETE FROM call WHERE id = ?", (call,))
    else:
        # With what an earlier part left as its anchors.
        db.execute(
            "DELETE FROM item WHERE call = ? AND id <= ?"
            " AND id NOT IN (SELECT value FROM json_each(?)) AND NOT EXISTS ("
            "SELECT 1 FROM part WHERE part.call = item.call"
            " AND item.id > after AND item.id <= part.last)",
            (call, last, anchors),
        )


def _has_parts(db: sqlite3.Connection, call: int) -> bool:
    query = "SELECT 1 FROM part WHERE call = ? LIMIT 1"
    return db.execute(query, (call,)).fetchone() is not None


def sealed_parts(db: sqlite3.Connection) -> list[tuple[int, str]]:
    """Number and customer of every part, in order."""
    return db.execute(
        "SELECT part.id, customer FROM part JOIN call ON call.id = part.call"
        " ORDER BY part.id"
    ).fetchall()


def read_part(db: sqlite3.Connection, part_id: int) -> tuple[Part, list[Item]] | None:
    """A part and its items in the order they came; None if there is no such part."""
    found = db.execute(
        "SELECT call.id, customer, name, state, after, last, anchors, final"
        " FROM part JOIN call ON call.id = part.call WHERE part.id = ?",
        (part_id,),
    ).fetchone()
    if found is None:
        return None
    call, customer, name, state, after, last, anchors, final = found
    kept = tuple(json.loads(anchors))
    part = Part(call, customer, name, state, after, last, kept, bool(final))
    rows = db.execute(_SELECT_ROWS, (call, after, last)).fetchall()
    if not rows:
        # The call expired after all of it was written: its anchors say so.
        rows = db.execute(_SELECT_ANCHORS, (call, anchors)).fetchall()
    return part, [_item(customer, name, row) for row in rows]


def stored_items(db: sqlite3.Connection) -> Iterator[StoredItem]:
    """The items of calls that were not over, in order; then those that waited."""
    for found in db.execute(_SELECT_OPEN):
        row, call, sealed, snapshot, seen, sealed_seen, customer, name, *facts = found
        item = _item(customer, name, facts)
        yield StoredItem(
            row, call, item, seen / 1000, sealed, snapshot, sealed_seen / 1000
        )
    for row, customer, name, of_call, *facts in db.execute(_SELECT_WAITING):
        item = _item(customer, name, facts, of_call=bool(of_call))
        yield StoredItem(row, 0, item)


def _facts(item: Item) -> tuple[Any, ...]:
    return (
        _NUMBERS[item.kind],
        item.ts,
        *(item.src or (None, None)),
        *(item.dst or (None, None)),
        item.transport,
        item.agent,
        item.cseq_method,
        item.payload,
    )


def _item(
    customer_id: str, call_id: str, facts: Sequence[Any], *, of_call: bool = False
) -> Item:
    kind, ts, src_ip, src_port, dst_ip, dst_port, *rest = facts
    transport, agent, method, payload = rest
    return Item(
        customer_id,
        call_id,
        _KINDS[kind],
        ts,
        None if src_ip is None else Endpoint(src_ip, src_port),
        None if dst_ip is None else Endpoint(dst_ip, dst_port),
        cast(Transport, transport),
        payload,
        agent,
        cseq_method=method,
        of_call=of_call,
    )
