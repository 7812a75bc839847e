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
from pathlib import Path

#: A file that its owner may read and write.
PRIVATE = 0o600

#: How the name of a file begins that is not whole yet.
UNFINISHED = ".unfinished-"


class NotOursError(Exception):
    """What stands in the file's place must not be replaced; the message says why."""


def folder_mode(file_mode: int) -> int:
    """The permissions of a folder: whoever may read its files may look into it."""
    return file_mode | (file_mode & 0o444) >> 2


def make_folder(path: Path, *, file_mode: int = PRIVATE) -> None:
    """Make the folder, and what is missing of the way to it; one that is there stays
    as it is.

    :param file_mode: the permissions of the files that it is for.
    :raises OSError: if it cannot be made.
    """
    mode = folder_mode(file_mode)
    try:
        path.mkdir(mode=mode)
    except FileExistsError:
        if not path.is_dir():
            raise
        return
    except FileNotFoundError:
        if path.parent == path:
            raise
        make_folder(path.parent, file_mode=file_mode)
        path.mkdir(mode=mode, exist_ok=True)
    made = path.stat().st_mode
    if stat.S_IMODE(made) & 0o777 != mode:
        # The umask took something away. Some network file systems let nothing be set:
        # there the mount decides.
        with contextlib.suppress(PermissionError):
            path.chmod(mode | made & stat.S_ISGID)


def write(path: Path, data: bytes, *, mode: int = PRIVATE) -> None:
    """Write the file, whole or not at all, and have it on disk before returning.

    :param mode: its permissions, whatever the umask and whatever stood there before.
    :raises OSError: if it cannot be written; then all is as it was.
    """
    unfinished = path.with_name(f"{UNFINISHED}{secrets.token_hex(8)}")
    descriptor = os.open(unfinished, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
    try:
        with os.fdopen(descriptor, "wb") as file:
            if stat.S_IMODE(os.fstat(descriptor).st_mode) != mode:
                with contextlib.suppress(PermissionError):
                    os.fchmod(descriptor, mode)
            file.write(data)
            file.flush()
            os.fsync(descriptor)
        unfinished.replace(path)
    except BaseException:
        unfinished.unlink(missing_ok=True)
        raise
    folder = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(folder)
    finally:
        os.close(folder)


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
