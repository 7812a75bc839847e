from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.vault import folder
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError


@pytest.fixture
def store(tmp_path: Path) -> FolderStore:
    made = FolderStore(tmp_path / "store")
    made.check()
    return made


def test_an_object_is_a_file_at_its_key(store: FolderStore) -> None:
    store.put("calls/h/2026-11-23/part.zip", b"x")
    path = store.root / "calls" / "h" / "2026-11-23" / "part.zip"
    assert path.read_bytes() == b"x"


@pytest.mark.parametrize(
    "key",
    [
        "../outside",
        "calls/../../outside",
        "calls/..",
        "/etc/passwd",
        "calls//x",
        "calls/",
        "",
        ".",
        ".hidden",
        "calls/a\0b",
        "calls\\..\\x",
        "C:x",
        "calls/a b",
        "calls/" + "a" * 221,
        "calls/\N{DIVISION SLASH}x",
    ],
)
def test_a_key_that_is_no_plain_path_is_refused(store: FolderStore, key: str) -> None:
    for call in (store.get, store.delete, lambda key: store.put(key, b"x")):
        with pytest.raises(StoreError, match="no key"):
            call(key)


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(key=st.text() | st.text(alphabet="./\\a\0~", min_size=1))
def test_no_key_writes_outside_the_folder(store: FolderStore, key: str) -> None:
    try:
        store.put(key, b"x")
    except StoreError:
        return
    written = store.root / key
    assert written.resolve().is_relative_to(store.root.resolve())
    store.delete(key)


def test_a_failed_write_leaves_the_old_object_and_no_rubbish(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("calls/a.zip", b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(StoreError, match=r"cannot write .*a\.zip: No space left"):
        store.put("calls/a.zip", b"new")
    assert store.get("calls/a.zip") == b"old"
    assert os.listdir(store.root / "calls") == ["a.zip"]


def test_an_unfinished_write_is_not_listed(store: FolderStore) -> None:
    store.put("calls/a.zip", b"x")
    (store.root / "calls" / ".unfinished-0123").write_bytes(b"half")
    assert [item.key for item in store.list("")] == ["calls/a.zip"]


def test_files_of_others_are_not_listed(store: FolderStore) -> None:
    (store.root / ".DS_Store").write_bytes(b"")
    (store.root / "read me.txt").write_bytes(b"")
    assert store.list("") == []


def test_folders_left_empty_go_with_the_last_object(store: FolderStore) -> None:
    store.put("calls/h/2026-11-23/a.zip", b"x")
    store.put("calls/h/2026-11-24/a.zip", b"x")
    store.delete("calls/h/2026-11-23/a.zip")
    assert os.listdir(store.root / "calls" / "h") == ["2026-11-24"]
    store.delete("calls/h/2026-11-24/a.zip")
    assert os.listdir(store.root) == []


def test_writing_and_deleting_in_one_folder_at_once_loses_nothing(
    store: FolderStore,
) -> None:
    def work(name: str) -> None:
        for _ in range(200):
            store.put(f"calls/h/{name}", b"x")
            assert store.get(f"calls/h/{name}") == b"x"
            store.delete(f"calls/h/{name}")

    with ThreadPoolExecutor(3) as pool:
        list(pool.map(work, "abc"))


def test_a_folder_is_not_an_object(store: FolderStore) -> None:
    store.put("calls/h/a.zip", b"x")
    assert store.get("calls/h") is None
    assert store.get("calls/h/a.zip/b") is None


def test_a_missing_root_is_made_by_the_check(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "one" / "two")
    store.check()
    assert store.list("") == []
    assert os.listdir(store.root) == []


def test_a_missing_root_is_never_taken_for_an_empty_one(tmp_path: Path) -> None:
    store = FolderStore(tmp_path / "not-mounted")
    for call in (store.list, store.get, store.delete, lambda key: store.put(key, b"")):
        with pytest.raises(StoreError, match="not-mounted"):
            call("calls")
    assert not store.root.exists()


def test_a_root_that_cannot_be_made_has_a_remedy(tmp_path: Path) -> None:
    (tmp_path / "file").write_bytes(b"")
    for root in (tmp_path / "file", tmp_path / "file" / "store"):
        with pytest.raises(StoreError, match="set SIPVAULT_STORE"):
            FolderStore(root).check()


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write everywhere")
def test_a_root_that_may_not_be_written_has_a_remedy(tmp_path: Path) -> None:
    tmp_path.chmod(0o500)
    with pytest.raises(StoreError, match="let the user this runs as write to it"):
        FolderStore(tmp_path / "store").check()


def test_what_may_not_be_read_is_an_error_and_not_nothing(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("calls/a.zip", b"x")

    def refuse(*_: object) -> None:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "open", refuse)
    monkeypatch.setattr(os, "scandir", refuse)
    with pytest.raises(StoreError, match="Permission denied"):
        store.get("calls/a.zip")
    with pytest.raises(StoreError, match="Permission denied"):
        store.list("calls/")


def test_an_object_over_the_limit_is_not_read(
    store: FolderStore, monkeypatch: pytest.MonkeyPatch
) -> None:
    store.put("calls/a.zip", b"123456789")
    monkeypatch.setattr(folder, "MAX_OBJECT", 8)
    with pytest.raises(StoreError, match="too large"):
        store.get("calls/a.zip")
