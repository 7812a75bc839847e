"""The spool: what is on disk, when, and what becomes of it."""

from __future__ import annotations

import sqlite3
import stat
import time
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.collector import spool as module
from flask_sipvault.collector import spool_disk
from flask_sipvault.collector import spool_format
from flask_sipvault.collector import spool_room as room
from flask_sipvault.collector import spool_tables as spooltables
from flask_sipvault.collector.call_tracker import Part
from flask_sipvault.collector.items import Item
from flask_sipvault.collector.spool import Spool
from flask_sipvault.collector.spool import SpoolError
from flask_sipvault.protocols.address import Endpoint

from .conftest import bye
from .conftest import bye_ok
from .conftest import invite
from .conftest import log
from .conftest import ok
from .conftest import other
from .live import wait_until

MANY = 10 << 20


@pytest.fixture
def open_spool(tmp_path: Path) -> Iterator[Callable[..., Spool]]:
    opened: list[Spool] = []

    def begin(**options: Any) -> Spool:
        spool = Spool(tmp_path / "spool", **{"max_bytes": MANY, **options})
        opened.append(spool)
        return spool

    yield begin
    for spool in opened:
        if spool._threads[0].is_alive():
            spool.close(1)


@pytest.fixture
def spool(open_spool: Callable[..., Spool]) -> Spool:
    return open_spool()


def put(spool: Spool, *items: Item, session_id: int = 1) -> list[int]:
    """Keep items under one call; their rows."""
    rows = []
    for item in items:
        rows.append(spool.next_row())
        spool.append(rows[-1], session_id, item.call_id, item)
    return rows


def part(after: int, last: int, *, session_id: int = 1, **changes: Any) -> Part:
    known = Part(session_id, "acme", "a@b", "COMPLETE", after, last)
    return replace(known, **changes)


def rows(spool: Spool) -> dict[str, list[int]]:
    assert spool.flush(5)
    with sqlite3.connect(spool.folder / "spool.sqlite") as db:
        found = {
            table: [row[0] for row in db.execute(f"SELECT id FROM {table} ORDER BY id")]
            for table in ("call", "item", "waiting", "part")
        }
    db.close()
    return found


def kept(item: Item) -> Item:
    """As the spool gives it back: it does not keep who sent it."""
    return replace(item, sender="")


def test_an_item_is_on_disk_within_a_tenth_of_a_second(spool: Spool) -> None:
    put(spool, invite())
    deadline = time.monotonic() + 0.1
    while time.monotonic() < deadline:
        if list(spool.stored_items()):
            return
    pytest.fail("it is not")


def test_items_come_back_as_they_were(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    items = [
        replace(invite(), src=Endpoint("2001:db8::1", 5060), transport="tls"),
        other("rtcp", b"\x80\xc9\x00", src=None, dst=Endpoint("192.0.2.1", 1)),
        log("é \ud800".encode("utf-8", "surrogatepass").decode("utf-8", "replace")),
        other("quality", b"{}", ts=(1 << 63) - 1, agent="é"),
        other("log", b"\xff\x00\n"),
    ]
    items = [replace(item, of_call=False) for item in items]
    put(spool, *items)
    spool.close()

    stored = list(open_spool().stored_items())

    assert [each.item for each in stored] == [kept(item) for item in items]
    assert [each.row for each in stored] == [1, 2, 3, 4, 5]
    assert {(each.session_id, each.sealed_row) for each in stored} == {(1, 0)}


def test_what_waits_comes_back_with_all_that_places_it(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    waiting = [log("one"), log("two", of_call=False, call_id="")]
    for item in waiting:
        spool.append_waiting(spool.next_row(), item)
    spool.close()

    stored = list(open_spool().stored_items())

    assert [each.item for each in stored] == waiting
    assert {each.session_id for each in stored} == {0}


def test_what_waited_is_placed_or_removed_at_once(spool: Spool) -> None:
    first, second = spool.next_row(), spool.next_row()
    spool.append_waiting(first, log("one"))
    spool.append_waiting(second, log("two"))
    third = spool.next_row()
    spool.append(third, 1, "a@b", log("one"), waiting_row=first)
    spool.remove_waiting(second)

    assert rows(spool)["item"] == [third]
    assert rows(spool)["waiting"] == []


def test_no_number_is_given_twice_though_what_had_it_is_gone(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    put(spool, invite(), ok(), *[log("x")] * 8, session_id=7)
    spool.seal(part(0, 10, session_id=7))
    spool.append_waiting(spool.next_row(), log("of no call"))
    spool.remove_waiting(11)
    assert spool.flush(5)
    spool.confirm(1)
    spool.close()

    again = open_spool()

    assert rows(again) == {"call": [], "item": [], "waiting": [], "part": []}
    assert again.first_session == 8
    assert again.next_row() == 12
    put(again, log("y"), session_id=8)
    again.seal(part(12, 13, session_id=8))
    assert again.flush(5)
    assert again.sealed_parts() == [(2, "acme")]


def test_numbers_go_on_after_a_restart(open_spool: Callable[..., Spool]) -> None:
    spool = open_spool()
    put(spool, invite(), session_id=7)
    spool.append_waiting(spool.next_row(), log("one"))
    spool.close()

    again = open_spool()

    assert again.first_session == 8
    assert again.next_row() == 3


def test_a_sealed_part_is_told_of_when_it_is_safe(
    open_spool: Callable[..., Spool],
) -> None:
    told: list[tuple[int, str]] = []
    spool = open_spool(
        on_sealed=lambda number, customer: told.append((number, customer))
    )
    put(spool, invite(), ok())
    spool.seal(part(0, 2))
    assert spool.flush(5)

    assert told == [(1, "acme")]
    assert spool.sealed_parts() == told
    found = spool.read_part(1)
    assert found is not None
    assert found[0] == part(0, 2)
    assert found[1] == [kept(invite()), kept(ok())]


def test_a_part_holds_its_rows_and_no_later_ones(spool: Spool) -> None:
    put(spool, invite(), ok())
    put(spool, log("of another call"), session_id=2)
    put(spool, log("new"))
    spool.seal(part(0, 2, state="PARTIAL", anchors=(1, 2), final=False))
    spool.seal(part(2, 4))
    put(spool, log("later"), session_id=3)
    assert spool.flush(5)

    texts = []
    for number in (1, 2):
        found = spool.read_part(number)
        assert found is not None
        texts.append([item.payload for item in found[1]])
    assert texts == [[invite().payload, ok().payload], [b"new"]]


def test_a_confirmed_part_is_gone_with_its_rows(spool: Spool) -> None:
    put(spool, invite(), ok())
    spool.seal(part(0, 2))
    spool.confirm(1)

    assert rows(spool) == {"call": [], "item": [], "waiting": [], "part": []}
    assert spool.read_part(1) is None
    spool.confirm(1)
    assert spool.flush(5)


def test_an_anchor_that_is_one_no_more_goes_with_the_next_part(spool: Spool) -> None:
    put(spool, invite(), ok(), log("x"))
    spool.seal(part(0, 3, state="PARTIAL", anchors=(1, 2), final=False))
    spool.confirm(1)
    assert spool.flush(5)
    put(spool, ok(2), log("y"))
    spool.seal(part(3, 5, state="PARTIAL", anchors=(1, 4), final=False))
    assert rows(spool)["item"] == [1, 2, 4, 5]
    spool.confirm(2)

    assert rows(spool)["item"] == [1, 4]


def test_of_a_call_that_is_up_the_anchors_stay(spool: Spool) -> None:
    put(spool, invite(), ok(), log("x"), ok(2), log("y"))
    spool.seal(part(0, 5, state="PARTIAL", anchors=(1, 4), final=False))
    spool.confirm(1)

    assert rows(spool)["item"] == [1, 4]
    assert rows(spool)["call"] == [1]
    assert {each.sealed_row for each in spool.stored_items()} == {5}


def test_a_call_that_expired_with_nothing_new_is_known_by_its_anchors(
    spool: Spool,
) -> None:
    put(spool, invite(), ok(), log("x"))
    spool.seal(part(0, 3, state="PARTIAL", anchors=(1, 2), final=False))
    spool.confirm(1)
    spool.seal(part(3, 3, state="EXPIRED"))
    assert spool.flush(5)

    found = spool.read_part(2)
    assert found is not None
    assert found[1] == [kept(invite()), kept(ok())]
    spool.confirm(2)
    assert rows(spool) == {"call": [], "item": [], "waiting": [], "part": []}


@pytest.mark.parametrize("order", [(1, 2, 3), (3, 2, 1), (2, 3, 1), (3, 1, 2)])
def test_parts_may_be_confirmed_in_any_order(
    spool: Spool, order: tuple[int, ...]
) -> None:
    put(spool, *(log(str(n)) for n in range(6)))
    spool.seal(part(0, 2, state="PARTIAL", anchors=(1,), final=False))
    spool.seal(part(2, 4, state="PARTIAL", anchors=(1, 3), final=False))
    spool.seal(part(4, 6))
    assert spool.flush(5)
    texts = {1: [b"0", b"1"], 2: [b"2", b"3"], 3: [b"4", b"5"]}

    for place, number in enumerate(order):
        for waiting in order[place:]:
            found = spool.read_part(waiting)
            assert found is not None
            assert [item.payload for item in found[1]] == texts[waiting]
        spool.confirm(number)
        assert spool.flush(5)

    assert rows(spool) == {"call": [], "item": [], "waiting": [], "part": []}


def test_calls_that_are_over_are_not_given_back(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool()
    put(spool, invite(), ok())
    put(spool, invite(call_id="c@d"), session_id=2)
    spool.seal(part(0, 2))
    spool.close()

    again = open_spool()

    assert [each.item.call_id for each in again.stored_items()] == ["c@d"]
    assert again.sealed_parts() == [(1, "acme")]


def test_one_process_has_it_at_a_time(
    spool: Spool, open_spool: Callable[..., Spool]
) -> None:
    with pytest.raises(SpoolError, match="another collector has the spool"):
        open_spool()
    with pytest.raises(SpoolError, match="another"):
        open_spool(wait_seconds=0.1)
    spool.close()
    assert open_spool(wait_seconds=0.1).flush(5)


def test_nobody_else_may_read_it(spool: Spool) -> None:
    put(spool, invite())
    assert spool.flush(5)

    for path in [spool.folder, *spool.folder.iterdir()]:
        assert stat.S_IMODE(path.stat().st_mode) & 0o077 == 0, path


def test_a_folder_that_cannot_be_made_is_an_error_with_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").touch()

    with pytest.raises(SpoolError, match="SIPVAULT_SPOOL"):
        Spool(tmp_path / "file" / "spool", max_bytes=MANY)


@pytest.mark.parametrize(
    "content", [b"no database at all" * 100, b"SQLite format 3\0x"]
)
def test_a_damaged_spool_is_an_error_with_a_remedy(
    tmp_path: Path, content: bytes
) -> None:
    (tmp_path / "spool.sqlite").write_bytes(content)

    for _ in range(2):  # the lock is let go of
        with pytest.raises(SpoolError, match="move it away"):
            Spool(tmp_path, max_bytes=MANY)


FORMAT_1 = """
CREATE TABLE call (
    id INTEGER PRIMARY KEY, customer TEXT NOT NULL, name TEXT NOT NULL,
    sealed INTEGER NOT NULL DEFAULT 0, anchors TEXT NOT NULL DEFAULT '[]',
    final INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE item (
    id INTEGER PRIMARY KEY, call INTEGER NOT NULL, kind INTEGER NOT NULL,
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
PRAGMA user_version = 1;
"""


def write_format_1(folder: Path) -> None:
    """A call of which rows 1 to 30 were given out; after a restart its end got the
    numbers 3 and 4. Another has a part that waits for the vault, and one row more.
    """
    folder.mkdir()
    facts = [tuple(spooltables.item_row(0, 0, i)[3:]) for i in (invite(), ok())]
    end = [tuple(spooltables.item_row(0, 0, i)[3:]) for i in (bye(), bye_ok())]
    with sqlite3.connect(folder / "spool.sqlite") as db:
        db.executescript(FORMAT_1)
        db.executemany(
            "INSERT INTO call VALUES (?, 'acme', ?, ?, ?, 0)",
            [(1, "a@b", 30, "[1, 2]"), (2, "c@d", 41, "[40]")],
        )
        for row, call, each in [
            *((1, 1, facts[0]), (2, 1, facts[1]), (3, 1, end[0]), (4, 1, end[1])),
            *((40, 2, facts[0]), (41, 2, facts[1]), (42, 2, end[0])),
        ]:
            values = ", ".join("?" * (len(each) + 2))
            db.execute(f"INSERT INTO item VALUES ({values})", (row, call, *each))
        db.execute("INSERT INTO part VALUES (5, 2, 'PARTIAL', 39, 41)")
    db.close()


def test_a_spool_of_format_1_is_brought_up_and_what_it_had_lost_is_found(
    tmp_path: Path, open_spool: Callable[..., Spool]
) -> None:
    write_format_1(tmp_path / "spool")

    spool = open_spool()

    found = [
        (stored.row, stored.session_id, stored.sealed_row, stored.item.payload)
        for stored in spool.stored_items()
    ]
    assert found == [
        (1, 1, 30, invite().payload),
        (2, 1, 30, ok().payload),
        (40, 2, 41, invite().payload),
        (41, 2, 41, ok().payload),
        (42, 2, 41, bye().payload),
        (45, 1, 30, bye().payload),
        (46, 1, 30, bye_ok().payload),
    ]
    assert spool.next_row() == 47
    assert spool.sealed_parts() == [(5, "acme")]
    sealed = spool.read_part(5)
    assert sealed is not None
    assert [item.payload for item in sealed[1]] == [invite().payload, ok().payload]
    spool.close()
    assert [each.row for each in open_spool().stored_items()] == [
        row[0] for row in found
    ]


def test_a_spool_of_another_version_is_left_alone(tmp_path: Path) -> None:
    with sqlite3.connect(tmp_path / "spool.sqlite") as db:
        db.execute("PRAGMA user_version = 99")
    db.close()

    with pytest.raises(SpoolError, match="another version"):
        Spool(tmp_path, max_bytes=MANY)


def test_it_is_full_at_its_size_and_not_when_it_was_emptied(
    open_spool: Callable[..., Spool],
) -> None:
    spool = open_spool(max_bytes=1 << 20)
    line = log("x" * 10_000)
    assert not spool.full
    put(spool, *[line] * 110)
    assert spool.full  # before it is on disk, too
    assert spool.flush(5)
    assert spool.full
    assert spool.used_bytes >= 1 << 20

    spool.seal(part(0, 110))
    spool.confirm(1)
    assert spool.flush(5)

    assert not spool.full
    assert spool.used_bytes < 1 << 17


def test_while_the_disk_refuses_it_is_full_and_loses_nothing(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.05)
    spool = open_spool()
    commit = spooltables.commit

    def refuse(db: sqlite3.Connection, batch: spooltables.Batch) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(spooltables, "commit", refuse)
    put(spool, invite())
    assert not spool.flush(0.1)
    wait_until(lambda: spool.failing)
    assert spool.full
    put(spool, ok())

    monkeypatch.setattr(spooltables, "commit", commit)
    assert spool.flush(5)
    assert not spool.failing
    wait_until(lambda: not spool.full)
    assert rows(spool)["item"] == [1, 2]


@pytest.fixture
def free(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[int]]:
    """How much of the partition is free, in bytes; the last counts."""
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.02)
    monkeypatch.setattr(spool_disk, "_LOOK_SECONDS", 0.02)
    told = [1 << 30]
    monkeypatch.setattr(room, "free_bytes", lambda folder: told[-1])
    yield told
    told.append(1 << 30)


def test_where_nothing_is_free_new_items_wait_and_what_is_there_leaves(
    open_spool: Callable[..., Spool], free: list[int]
) -> None:
    told: list[int] = []
    spool = open_spool(on_sealed=lambda number, customer: told.append(number))
    put(spool, invite(), ok())
    assert spool.flush(5)
    free.append(0)
    wait_until(lambda: spool.short)
    assert spool.full

    put(spool, log("later"), session_id=2)
    spool.seal(part(0, 3, session_id=2))
    spool.seal(part(0, 2))
    wait_until(lambda: told == [1 + 1])
    assert spool.sealed_parts() == [(2, "acme")]
    spool.confirm(2)
    wait_until(lambda: not spool.sealed_parts())
    assert not spool.flush(0.1)
    assert not spool.failing
    assert (spool.unsaved, spool.settled) == (1, False)

    free.append(1 << 30)
    assert spool.flush(5)
    assert told == [2, 1]
    assert (spool.unsaved, spool.settled) == (0, True)
    wait_until(lambda: not spool.full)


def test_the_reserve_is_given_up_when_sqlite_says_that_the_disk_is_full(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_RETRY_SECONDS", 0.02)
    spool = open_spool()
    reserve = spool.folder / "reserve"
    assert reserve.exists()
    (pages,) = spool._disk.db.execute("PRAGMA page_count").fetchone()
    made_again = room.Room.look
    monkeypatch.setattr(room.Room, "look", lambda self, own_bytes: False)
    spool._disk.db.execute(f"PRAGMA max_page_count = {pages}")

    put(spool, log("x" * 100_000))
    wait_until(lambda: spool.failing)
    assert spool.short
    assert not reserve.exists()

    monkeypatch.setattr(room.Room, "look", made_again)
    spool._disk.db.execute("PRAGMA max_page_count = 1000000")
    assert spool.flush(5)
    wait_until(lambda: not spool.full)
    assert reserve.exists()
    assert rows(spool)["item"] == [1]


def test_the_reserve_is_given_up_when_the_log_does_not_fit_the_database(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> None:
    reserve = spool.folder / "reserve"
    emptied: list[bool] = []

    def empty_log(db: sqlite3.Connection, patience: float) -> None:
        emptied.append(reserve.exists())
        if emptied[-1]:
            raise sqlite3.OperationalError("database or disk is full")

    put(spool, invite())
    assert spool.flush(5)
    monkeypatch.setattr(spooltables, "empty_log", empty_log)
    spool._disk.empty_log()

    assert emptied == [True, False]


def test_a_log_that_is_not_written_to_takes_up_nothing(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY_SECONDS", 0.02)
    monkeypatch.setattr(spool_disk, "_LOOK_SECONDS", 0.02)
    spool = open_spool()
    put(spool, *[log("x" * 1000)] * 100)
    assert spool.flush(5)

    wait_until(lambda: (spool.folder / "spool.sqlite-wal").stat().st_size == 0)
    assert rows(spool)["item"] == list(range(1, 101))


def test_what_a_spool_takes_up_no_more_is_given_back_where_the_disk_is_full(
    spool: Spool, free: list[int]
) -> None:
    put(spool, *[log("x" * 10_000)] * 200)
    spool.seal(part(0, 200))
    assert spool.flush(5)
    spool.confirm(1)
    assert spool.flush(5)
    database = spool.folder / "spool.sqlite"
    free.append(0)

    wait_until(lambda: database.stat().st_size < 1 << 17)
    assert (spool.folder / "spool.sqlite-wal").stat().st_size < 1 << 17


def test_it_opens_where_nothing_is_free_but_the_reserve(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_spool()
    put(spool, invite())
    spool.close()
    reserve = spool.folder / "reserve"
    prepare = spool_format.prepare

    def refuse(db: sqlite3.Connection) -> int:
        if reserve.exists():
            raise sqlite3.OperationalError("database or disk is full")
        return prepare(db)

    monkeypatch.setattr(spool_format, "prepare", refuse)

    assert [each.row for each in open_spool().stored_items()] == [1]


def test_much_at_once_is_many_transactions(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    """Each must fit in what is kept free."""
    sizes: list[tuple[int, int]] = []
    commit = spooltables.commit

    def note(db: sqlite3.Connection, batch: spooltables.Batch) -> None:
        sizes.append((batch.size, len(batch.seals)))
        commit(db, batch)

    monkeypatch.setattr(spooltables, "commit", note)
    spool = open_spool(max_bytes=32 << 20)
    for n in range(1, 501):
        put(spool, log("x" * 1000), session_id=n)
    for n in range(1, 501):
        spool.seal(part(n - 1, n, session_id=n))
    assert spool.flush(10)

    assert max(size for size, _ in sizes) <= (1 << 18) + 1100
    assert max(seals for _, seals in sizes) == 64
    assert len(spool.sealed_parts()) == 500


def test_a_transaction_that_fails_midway_leaves_nothing_behind(spool: Spool) -> None:
    put(spool, invite())
    assert spool.flush(5)
    batch = spooltables.Batch(
        items=[spooltables.item_row(2, 1, ok()), spooltables.item_row(1, 1, ok())]
    )
    db = spooltables.connect(spool.folder / "spool.sqlite")

    with pytest.raises(sqlite3.IntegrityError):
        spooltables.commit(db, batch)
    db.close()

    assert rows(spool)["item"] == [1]


def test_it_closes_though_the_disk_refuses(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    spool = open_spool()

    def refuse(db: sqlite3.Connection, batch: spooltables.Batch) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    monkeypatch.setattr(spooltables, "commit", refuse)
    put(spool, invite())

    assert not spool.close(0.1)


def test_the_log_of_a_busy_spool_starts_over(
    open_spool: Callable[..., Spool], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_TIDY_SECONDS", 0.02)
    spool = open_spool(max_bytes=16 << 20)
    line = log("x" * 1000)
    for _ in range(40):
        put(spool, *[line] * 200)
        assert spool.flush(5)
        time.sleep(0.03)

    assert (spool.folder / "spool.sqlite-wal").stat().st_size < 4 << 20
    assert spool.used_bytes > 8_000_000


TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ADDRESS = st.one_of(
    st.none(), st.builds(Endpoint, st.ip_addresses().map(str), st.integers(0, 65535))
)


@settings(max_examples=25)
@given(
    items=st.lists(
        st.builds(
            Item,
            customer_id=st.just("acme"),
            call_id=TEXT,
            kind=st.sampled_from(["sip", "rtcp", "log", "quality"]),
            ts=st.integers(0, (1 << 63) - 1),
            src=ADDRESS,
            dst=ADDRESS,
            transport=st.sampled_from(["udp", "tcp", "tls", "sctp", "ws", "wss"]),
            payload=st.binary(max_size=100),
            agent=TEXT,
            cseq_method=TEXT,
        ),
        max_size=450,
    )
)
def test_whatever_is_in_an_item_it_comes_back(
    tmp_path_factory: pytest.TempPathFactory, items: list[Item]
) -> None:
    items = [replace(item, call_id="a@b") for item in items]
    spool = Spool(tmp_path_factory.mktemp("spool"), max_bytes=MANY)
    put(spool, *items)
    assert spool.flush(5)

    assert [each.item for each in spool.stored_items()] == items
    spool.close()
