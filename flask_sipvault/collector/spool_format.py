"""The tables of the spool: how they are made, and how older ones are brought up.

=========== ======================================================================
``call``    a session: up to which row it was given out (``sealed``), which rows stay
            meanwhile (``anchors``), what was known of it by then (``snapshot``) and
            when its last item had come (``seen``), whether nothing more comes
            (``final``)
``item``    what was captured of it, numbered in the order it came
``waiting`` items whose call is not known yet
``part``    what the vault is to have: a session's rows after one, up to another
``mark``    one row: the largest numbers of items, sessions and parts that were ever
            removed or larger ones. A number must not be given twice, and those of what
            is gone cannot be told from what is left
=========== ======================================================================

Times are by the system's clock, in milliseconds since the epoch; 0 is not known.
"""

# ruff: noqa: S608 - queries are put together from the words of this file only.
from __future__ import annotations

import contextlib
import sqlite3

FORMAT = 2

_SCHEMA = f"""
BEGIN;
CREATE TABLE call (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL, name TEXT NOT NULL,
    sealed INTEGER NOT NULL DEFAULT 0, anchors TEXT NOT NULL DEFAULT '[]',
    final INTEGER NOT NULL DEFAULT 0, snapshot TEXT NOT NULL DEFAULT '',
    seen INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL, seen INTEGER NOT NULL DEFAULT 0,
    kind INTEGER NOT NULL,
    ts INTEGER NOT NULL, src_ip TEXT, src_port INTEGER, dst_ip TEXT, dst_port INTEGER,
    transport TEXT NOT NULL, agent TEXT NOT NULL, method TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE INDEX item_call ON item (call);
CREATE TABLE waiting (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL, name TEXT NOT NULL,
    of_call INTEGER NOT NULL, kind INTEGER NOT NULL, ts INTEGER NOT NULL,
    src_ip TEXT, src_port INTEGER, dst_ip TEXT, dst_port INTEGER,
    transport TEXT NOT NULL, agent TEXT NOT NULL, method TEXT NOT NULL,
    payload BLOB NOT NULL
);
CREATE TABLE part (
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL, state TEXT NOT NULL,
    after INTEGER NOT NULL, last INTEGER NOT NULL
);
CREATE INDEX part_call ON part (call);
CREATE TABLE mark (row INTEGER NOT NULL, session INTEGER NOT NULL, part INTEGER
    NOT NULL);
INSERT INTO mark VALUES (0, 0, 0);
PRAGMA user_version = {FORMAT};
COMMIT;
"""

_LARGEST_ROW = """
max(
    ifnull((SELECT max(id) FROM item), 0), ifnull((SELECT max(id) FROM waiting), 0),
    ifnull((SELECT max(sealed) FROM call), 0), ifnull((SELECT max(last) FROM part), 0)
)
"""

# Format 1 had no marks: when it was opened again, it gave numbers that had been given
# before, and rows of a call that had been given out in part were never given out. They
# get new numbers, so that they are. Rows that were kept for other reasons may be among
# them; the vault keeps what it has already once.
_FROM_1 = f"""
BEGIN;
ALTER TABLE call ADD COLUMN snapshot TEXT NOT NULL DEFAULT '';
ALTER TABLE call ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
ALTER TABLE item ADD COLUMN seen INTEGER NOT NULL DEFAULT 0;
CREATE TABLE mark (row INTEGER NOT NULL, session INTEGER NOT NULL, part INTEGER
    NOT NULL);
INSERT INTO mark VALUES ({_LARGEST_ROW}, 0, 0);
UPDATE item SET id = id + (SELECT row FROM mark) WHERE id IN (
    SELECT item.id FROM item JOIN call ON call.id = item.call
    WHERE NOT final AND item.id <= sealed
    AND item.id NOT IN (SELECT value FROM json_each(anchors))
    AND NOT EXISTS (
        SELECT 1 FROM part
        WHERE part.call = item.call AND item.id > after AND item.id <= last
    )
);
PRAGMA user_version = {FORMAT};
COMMIT;
"""


def prepare(db: sqlite3.Connection) -> int:
    """Make the tables if there are none, and bring up those of an earlier version.

    :returns: the version of those that there are now.
    :raises sqlite3.Error: if that is not possible; then nothing has changed.
    """
    (version,) = db.execute("PRAGMA user_version").fetchone()
    script = {0: _SCHEMA, 1: _FROM_1}.get(version)
    if script is None:
        return int(version)
    try:
        db.executescript(script)
    except sqlite3.Error:
        with contextlib.suppress(sqlite3.Error):
            db.execute("ROLLBACK")
        raise
    return FORMAT


def largest_numbers(db: sqlite3.Connection) -> tuple[int, int, int]:
    """The largest numbers of a row, a session and a part that were ever given and
    committed; 0 where there is none.
    """
    numbers = db.execute(
        f"SELECT max(row, {_LARGEST_ROW}),"
        " max(session, ifnull((SELECT max(id) FROM call), 0)),"
        " max(part, ifnull((SELECT max(id) FROM part), 0)) FROM mark"
    ).fetchone()
    row, session, part = map(int, numbers)
    return row, session, part
