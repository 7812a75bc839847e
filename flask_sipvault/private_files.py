"""Files and folders for their owner alone, unless more is asked for.

What is written here holds calls, secrets, or both. A file is written beside its place
and renamed: nobody reads half of it, and what stands at the place, a symbolic link say,
is never written through.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
from collections.abc import Iterable
from collections.abc import Mapping
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

#: A file that its owner may read and write.
PRIVATE = 0o600

#: How the name of a file begins that is not whole yet.
UNFINISHED = ".unfinished-"

#: So many files are open at once while several are written: a process may have 1024.
_FILES_AT_ONCE = 256

#: So many threads wait for the disk. A file system writes its journal once for all that
#: wait at the same time, and a disk empties its cache once.
_SYNCING = 16


class NotOursError(Exception):
    """What stands in the file's place must not be replaced; the message says why."""


def folder_mode(file_mode: int) -> int:
    """The permissions of a folder: whoever may read its files may look into it."""
    return file_mode | (file_mode & 0o444) >> 2


def make_folder(path: Path | str, *, file_mode: int = PRIVATE) -> None:
    """Make the folder, and what is missing of the way to it; one that is there stays
    as it is.

    :param file_mode: the permissions of the files that it is for.
    :raises OSError: if it cannot be made.
    """
    mode = folder_mode(file_mode)
    try:
        os.mkdir(path, mode)
    except FileExistsError:
        if not os.path.isdir(path):
            raise
        return
    except FileNotFoundError:
        parent = os.path.dirname(path)
        if parent in (path, ""):
            raise
        make_folder(parent, file_mode=file_mode)
        with contextlib.suppress(FileExistsError):
            os.mkdir(path, mode)
    made = os.stat(path).st_mode
    if stat.S_IMODE(made) & 0o777 != mode:
        # The umask took something away. Some network file systems let nothing be set:
        # there the mount decides.
        with contextlib.suppress(PermissionError):
            os.chmod(path, mode | made & stat.S_ISGID)


def write(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write the file, whole or not at all, and have it on disk before returning.

    :param mode: its permissions, whatever the umask and whatever stood there before.
    :raises OSError: if it cannot be written; then all is as it was.
    """
    _write_at_once([(os.fspath(path), data)], mode)


def write_all(files: Mapping[str, bytes], *, mode: int = PRIVATE) -> None:
    """Write the files, each whole or not at all, and have all of them on disk before
    returning: much sooner than one after the other.

    :param mode: as :func:`write`.
    :raises OSError: if one cannot be written; then some of the others may be.
    """
    items = list(files.items())
    for start in range(0, len(items), _FILES_AT_ONCE):
        _write_at_once(items[start : start + _FILES_AT_ONCE], mode)


def _write_at_once(files: Sequence[tuple[str, bytes]], mode: int) -> None:
    folders = dict.fromkeys(os.path.dirname(path) for path, _ in files)
    unfinished: dict[str, str] = {}
    descriptors: list[int] = []
    try:
        try:
            for path, data in files:
                beside = f"{UNFINISHED}{secrets.token_hex(8)}"
                name = os.path.join(os.path.dirname(path), beside)
                descriptor = os.open(name, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
                descriptors.append(descriptor)
                unfinished[name] = path
                _fill(descriptor, data, mode)
            _sync(descriptors)
        finally:
            for descriptor in descriptors:
                os.close(descriptor)
        for name, path in list(unfinished.items()):
            os.replace(name, path)
            del unfinished[name]
    except BaseException:
        for name in unfinished:
            with contextlib.suppress(FileNotFoundError):
                os.unlink(name)
        raise
    _sync_folders(folders)


def _fill(descriptor: int, data: bytes, mode: int) -> None:
    if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
        with contextlib.suppress(PermissionError):
            os.fchmod(descriptor, mode)
    left = memoryview(data)
    while left:
        left = left[os.write(descriptor, left) :]


def _sync_folders(folders: Iterable[str]) -> None:
    """Have on disk which files are in the folders."""
    descriptors: list[int] = []
    try:
        for folder in folders:
            descriptors.append(os.open(folder or os.curdir, os.O_RDONLY))
        _sync(descriptors)
    finally:
        for descriptor in descriptors:
            os.close(descriptor)


def _sync(descriptors: Sequence[int]) -> None:
    if len(descriptors) == 1:
        os.fsync(descriptors[0])
        return
    if hasattr(os, "posix_fadvise"):
        # Linux begins to write at this: else each file would be given its blocks when
        # its turn comes, and the journal be written for each.
        for descriptor in descriptors:
            os.posix_fadvise(descriptor, 0, 0, os.POSIX_FADV_DONTNEED)
    shares = [descriptors[start::_SYNCING] for start in range(_SYNCING)]
    with ThreadPoolExecutor(_SYNCING) as pool:
        list(pool.map(_sync_each, shares))


def _sync_each(descriptors: Iterable[int]) -> None:
    for descriptor in descriptors:
        os.fsync(descriptor)


def refuse_not_ours(path: Path) -> None:
    """See that the place is free, or holds a file of ours.

    :raises NotOursError: if something else stands there.
    :raises OSError: if that cannot be seen.
    """
    try:
        status = path.lstat()
    except FileNotFoundError:
        return
    if stat.S_ISLNK(status.st_mode):
        raise NotOursError(
            f"{path} is a symbolic link: name the file it leads to, or remove it"
        )
    if not stat.S_ISREG(status.st_mode):
        raise NotOursError(f"{path} is not a file: name another place")
    if status.st_uid != os.geteuid():
        raise NotOursError(
            f"{path} belongs to another user: remove it, or name another place"
        )
