"""What every store must do, whichever it is."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_sipvault.vault.objects import ObjectStore


def test_what_was_put_is_got(store: ObjectStore) -> None:
    data = bytes(range(256)) * 100
    store.put("calls/0123456789abcdef/2026-11-23/part.zip", data)
    assert store.get("calls/0123456789abcdef/2026-11-23/part.zip") == data


def test_an_empty_object_is_kept(store: ObjectStore) -> None:
    store.put("calls/leg-replaces-YUBi", b"")
    assert store.get("calls/leg-replaces-YUBi") == b""
    assert [item.size for item in store.list("calls/")] == [0]


def test_a_missing_key_is_none(store: ObjectStore) -> None:
    assert store.get("calls/nothing/here.zip") is None


def test_a_second_put_replaces_the_first(store: ObjectStore) -> None:
    store.put("calls/a.zip", b"one")
    store.put("calls/a.zip", b"two")
    assert store.get("calls/a.zip") == b"two"
    assert len(store.list("")) == 1


def test_an_empty_store_lists_nothing(store: ObjectStore) -> None:
    assert store.list("calls/") == []


def test_a_listing_has_what_begins_with_the_prefix_in_order_of_keys(
    store: ObjectStore,
) -> None:
    keys = ["b/2", "b/1/x", "b-1/x", "b/1-x", "c", "a/1", "b/10/x"]
    for key in keys:
        store.put(key, b"x")
    assert [item.key for item in store.list("b/")] == [
        *("b/1-x", "b/1/x", "b/10/x", "b/2")
    ]
    assert [item.key for item in store.list("")] == sorted(keys)


def test_a_listing_starts_after_a_key_that_need_not_exist(store: ObjectStore) -> None:
    for day in ("2026-11-15", "2026-11-16", "2026-11-17"):
        store.put(f"calls/h/{day}/part.zip", b"x")
    listed = store.list("calls/h/", "calls/h/2026-11-16")
    assert [item.key.split("/")[2] for item in listed] == ["2026-11-16", "2026-11-17"]


def test_a_listing_is_whole_beyond_a_page_of_the_server(s3_store: ObjectStore) -> None:
    keys = [f"calls/{n:04}" for n in range(1003)]
    with ThreadPoolExecutor(8) as pool:
        list(pool.map(lambda key: s3_store.put(key, b""), keys))
    assert [item.key for item in s3_store.list("calls/")] == keys


def test_a_listing_tells_the_size_and_changes_its_etag(store: ObjectStore) -> None:
    store.put("calls/a.zip", b"one")
    [before] = store.list("calls/")
    store.put("calls/a.zip", b"three")
    [after] = store.list("calls/")
    assert (before.size, after.size) == (3, 5)
    assert before.etag != after.etag
    assert '"' not in after.etag


def test_what_was_deleted_is_gone(store: ObjectStore) -> None:
    store.put("calls/h/a.zip", b"x")
    store.put("calls/h/b.zip", b"x")
    store.delete("calls/h/a.zip")
    assert [item.key for item in store.list("calls/")] == ["calls/h/b.zip"]
    assert store.get("calls/h/a.zip") is None


def test_what_is_not_there_can_be_deleted(store: ObjectStore) -> None:
    store.delete("calls/h/a.zip")


def test_a_store_that_is_there_checks_out(store: ObjectStore) -> None:
    store.check()


@pytest.mark.parametrize("size", [0, 5 << 20])
def test_several_threads_may_use_it_at_once(store: ObjectStore, size: int) -> None:
    def work(number: int) -> None:
        data = bytes([number]) * size
        store.put(f"calls/{number}", data)
        assert store.get(f"calls/{number}") == data

    with ThreadPoolExecutor(6) as pool:
        list(pool.map(work, range(6)))
    assert len(store.list("calls/")) == 6
