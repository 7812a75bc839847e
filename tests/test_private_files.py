"""What is written is for its owner alone, whole, and never goes through a link."""

from __future__ import annotations

import ast
import json
import os
import stat
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask

from example_app import keys
from flask_sipvault import private_files
from flask_sipvault import SIPVault
from flask_sipvault.collector.spool import Spool
from flask_sipvault.collector.spool import SpoolError
from flask_sipvault.config.settings import load
from flask_sipvault.doctor import check_stores
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.services import Services
from flask_sipvault.vault.folder import FolderStore

PACKAGE = Path(private_files.__file__).parent

#: The only places that make files or folders, and why each is safe.
WRITERS = {
    "private_files.py": "is tested here",
    "collector/spool.py": "opens with 0600 and O_NOFOLLOW in a folder of its own",
    "collector/spool_room.py": "bytes of no meaning, 0600, never through a link",
    "collector/spool_tables.py": "lets SQLite open what the spool has made",
    "opensips_cp/tree.py": "writes beside and renames, with an owner who may read it",
    "vault/folder.py": "makes an empty file by itself, to see whether it can",
}

_ALWAYS = {
    *("write_text", "write_bytes", "touch", "mkdir", "makedirs", "mkstemp", "mkdtemp"),
    *("NamedTemporaryFile", "TemporaryFile", "copy", "copy2", "copyfile", "copytree"),
    *("symlink_to", "hardlink_to", "mkfifo", "mknod"),
}
#: Names that these are called by elsewhere, too.
_OTHERS = {"copy"}


@pytest.fixture
def no_umask() -> Iterator[None]:
    """A host that takes nothing away from what a program asks for."""
    before = os.umask(0)
    yield
    os.umask(before)


def writes(call: ast.Call) -> bool:
    """Whether the call makes a file or a folder."""
    name = getattr(call.func, "attr", getattr(call.func, "id", ""))
    owner = getattr(getattr(call.func, "value", None), "id", "")
    if name in _OTHERS:
        return owner == "shutil"
    if name in _ALWAYS or (owner, name) == ("sqlite3", "connect"):
        return True
    text = ast.unparse(call)
    if (owner, name) == ("os", "open"):
        return "O_RDONLY" not in text
    modes = [
        each.value
        for each in (*call.args, *(keyword.value for keyword in call.keywords))
        if isinstance(each, ast.Constant) and isinstance(each.value, str)
    ]
    return name in ("open", "fdopen") and any(
        set(mode) <= set("rwxabt+") and set(mode) & set("wxa+") for mode in modes
    )


def test_nothing_else_in_the_package_writes_files() -> None:
    found = {
        path.relative_to(PACKAGE).as_posix()
        for path in PACKAGE.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8")))
        if isinstance(node, ast.Call) and writes(node)
    }
    assert found == set(WRITERS)


def open_to_others(folder: Path) -> list[str]:
    """Whatever in a folder somebody else may read or write."""
    return [
        f"{path.relative_to(folder)} {stat.S_IMODE(path.lstat().st_mode):o}"
        for path in sorted(folder.rglob("*"))
        if stat.S_IMODE(path.lstat().st_mode) & 0o077
    ]


def a_call() -> Evidence:
    return Evidence("acme", "a@host", logs=[LogLine(time.time_ns(), "proxy", "line")])


@pytest.mark.usefixtures("no_umask")
def test_whatever_is_kept_is_private(tmp_path: Path) -> None:
    app = Flask("host", instance_path=str(tmp_path / "instance"))
    app.config.update(
        SIPVAULT_HMAC_SECRET="a secret of the tests", SIPVAULT_CUSTOMER_ID="acme"
    )
    SIPVault(app)
    app.extensions["sipvault"].vault("acme").put(a_call())
    Spool(tmp_path / "var" / "spool", max_bytes=1 << 20).close(5)
    (tmp_path / "keys").mkdir(mode=0o700)
    keys.load_or_create(tmp_path / "keys" / "keys.json", ["acme"])
    assert len(list(tmp_path.rglob("*"))) > 10
    assert open_to_others(tmp_path) == []


@pytest.mark.usefixtures("no_umask")
def test_secrets_that_are_added_to_stay_private(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text(json.dumps({"session": "s", "links": {"acme": "l"}}))
    keys.load_or_create(path, ["acme"])
    assert open_to_others(tmp_path) == []


@pytest.mark.parametrize("umask", [0o000, 0o022, 0o077])
def test_others_may_read_the_store_where_the_setting_says_so(
    umask: int, tmp_path: Path
) -> None:
    store = FolderStore(tmp_path / "new" / "store", file_mode=0o640)
    before = os.umask(umask)
    try:
        store.check()
        for data in (b"one", b"two"):
            store.put("calls/x/part.zip", data)
    finally:
        os.umask(before)
    modes = {
        path.name: stat.S_IMODE(path.stat().st_mode)
        for path in (tmp_path / "new").rglob("*")
    }
    assert modes == {"store": 0o750, "calls": 0o750, "x": 0o750, "part.zip": 0o640}


def test_a_folder_that_is_there_keeps_its_permissions_and_hands_on_its_group(
    tmp_path: Path,
) -> None:
    tmp_path.chmod(0o2775)
    private_files.make_folder(tmp_path)
    private_files.make_folder(tmp_path / "new", file_mode=0o660)
    assert stat.S_IMODE(tmp_path.stat().st_mode) == 0o2775
    assert stat.S_IMODE((tmp_path / "new").stat().st_mode) == 0o2770


def test_what_a_file_replaces_is_not_written_through(tmp_path: Path) -> None:
    other = tmp_path / "other"
    other.write_text("somebody's")
    path = tmp_path / "file"
    path.symlink_to(other)
    private_files.write(path, b"new")
    assert (other.read_text(), path.read_text()) == ("somebody's", "new")
    assert not path.is_symlink()


def test_a_failed_write_leaves_what_was_there(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "file"
    private_files.write(path, b"old")

    def full(_: int) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match="No space"):
        private_files.write(path, b"new")
    assert [each.read_bytes() for each in tmp_path.iterdir()] == [b"old"]


def test_a_spool_that_everybody_can_write_to_is_refused(tmp_path: Path) -> None:
    tmp_path.chmod(0o777)
    with pytest.raises(SpoolError, match="chmod o-w"):
        Spool(tmp_path, max_bytes=1 << 20)


def test_a_spool_is_not_opened_through_a_link(tmp_path: Path) -> None:
    spool = tmp_path / "spool"
    spool.mkdir(mode=0o700)
    (spool / "lock").symlink_to(tmp_path / "elsewhere")
    with pytest.raises(SpoolError):
        Spool(spool, max_bytes=1 << 20)
    assert not (tmp_path / "elsewhere").exists()


def test_doctor_tells_of_a_store_that_others_can_get_into(tmp_path: Path) -> None:
    def status(**config: str) -> str:
        settings = load(
            {
                "SIPVAULT_STORE": str(tmp_path / "vault"),
                "SIPVAULT_CUSTOMER_ID": "acme",
                **config,
            },
            {},
            need_secret=False,
        )
        (found,) = check_stores(Services(settings))
        return found.status

    assert status() == "ok"
    (tmp_path / "vault" / "acme").chmod(0o750)
    assert status() == "ok"  # nobody gets so far
    (tmp_path / "vault").chmod(0o750)
    assert status() == "warn"
    assert status(SIPVAULT_STORE_MODE="0640") == "ok"
