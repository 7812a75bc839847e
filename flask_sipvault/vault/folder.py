"""Objects as files of a folder: for one host, a network file system, and tests."""

from __future__ import annotations

import contextlib
import os
import re
import secrets
from collections.abc import Iterator
from collections.abc import Mapping
from pathlib import Path

from .. import private_files
from .objects import MAX_OBJECT
from .objects import StoredObject
from .objects import StoreError

#: One component of a key. It never begins with a dot: such names are the unfinished
#: files of a write, and ``..``. File systems take 255 bytes.
_COMPONENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,219}")
_ATTEMPTS = 10


class FolderStore:
    """Objects under a folder, each a file at the path that its key says.

    :param file_mode: the permissions of the files; their folders have such as fit.
    """

    def __init__(self, root: Path, *, file_mode: int = private_files.PRIVATE) -> None:
        self.root = Path(root)
        # Put together with keys as text: pathlib would be a tenth of an import's time.
        self._root = str(self.root)
        self.file_mode = file_mode

    @property
    def location(self) -> str:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        return f"folder {self.root}"

    def list(self, prefix: str, start_after: str = "") -> list[StoredObject]:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        folder = prefix.rpartition("/")[0]
        base = self._file(folder) if folder else self._root
        with _translated(f"list the {self.location}"):
            self.root.stat()
            found = [
                item
                for item in self._walk(base, f"{folder}/" if folder else "")
                if item.key.startswith(prefix) and item.key > start_after
            ]
        return sorted(found, key=lambda item: item.key)

    def get(self, key: str) -> bytes | None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        path = self._path(key)
        with _translated(f"read {path}"):
            try:
                with path.open("rb") as file:
                    data = file.read(MAX_OBJECT + 1)
            except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
                self.root.stat()
                return None
        if len(data) > MAX_OBJECT:
            raise StoreError(f"{path} is too large to be a part of a call")
        return data

    def put(self, key: str, data: bytes) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        self.put_all({key: data})

    def put_all(self, objects: Mapping[str, bytes]) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`."""
        files = {self._file(key): data for key, data in objects.items()}
        where = next(iter(files)) if len(files) == 1 else f"to the {self.location}"
        with _translated(f"write {where}"):
            # A missing root is not made here: it may be a disk that is not mounted.
            self.root.stat()
            for attempt in range(_ATTEMPTS):
                try:
                    self._write(files)
                    break
                except (FileNotFoundError, FileExistsError):
                    # delete() took a folder away just after it was made, or while
                    # mkdir looked whether what exists is one.
                    if attempt == _ATTEMPTS - 1:
                        raise

    def delete(self, key: str) -> None:
        """See :class:`~flask_sipvault.vault.objects.ObjectStore`. Folders left empty go
        with it.
        """
        path = self._path(key)
        with _translated(f"remove {path}"):
            self.root.stat()
            with contextlib.suppress(FileNotFoundError, NotADirectoryError):
                path.unlink()
            for folder in path.parents:
                if folder == self.root:
                    break
                try:
                    folder.rmdir()
                except OSError:
                    break

    def check(self) -> None:
        """Make the folder if it is missing, and see whether it can be written to.

        :raises StoreError: with a remedy, if not.
        """
        try:
            private_files.make_folder(self.root, file_mode=self.file_mode)
            name = f"{private_files.UNFINISHED}{secrets.token_hex(8)}"
            probe = self.root / name
            probe.touch(mode=private_files.PRIVATE, exist_ok=False)
            probe.unlink()
        except OSError as error:
            raise StoreError(
                f"the folder {self.root} cannot be used ({error.strerror}): let the "
                "user this runs as write to it, or set SIPVAULT_STORE to another"
            ) from error

    def _path(self, key: str) -> Path:
        return Path(self._file(key))

    def _file(self, key: str) -> str:
        """Where the object lies: always under the root, whatever the key."""
        if not all(map(_COMPONENT.fullmatch, key.split("/"))):
            raise StoreError(f"no key for a folder: {key!r}")
        return f"{self._root}/{key}"

    def _walk(self, folder: str, prefix: str) -> Iterator[StoredObject]:
        try:
            entries = list(os.scandir(folder))
        except (FileNotFoundError, NotADirectoryError):
            return
        for entry in entries:
            if not _COMPONENT.fullmatch(entry.name):
                continue
            if entry.is_dir():
                yield from self._walk(entry.path, f"{prefix}{entry.name}/")
                continue
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            etag = f"{status.st_mtime_ns:x}-{status.st_size:x}"
            yield StoredObject(prefix + entry.name, status.st_size, etag)

    def _write(self, files: Mapping[str, bytes]) -> None:
        for folder in dict.fromkeys(map(os.path.dirname, files)):
            private_files.make_folder(folder, file_mode=self.file_mode)
        private_files.write_all(files, mode=self.file_mode)


@contextlib.contextmanager
def _translated(attempt: str) -> Iterator[None]:
    """The operating system's refusals as the store's."""
    try:
        yield
    except OSError as error:
        raise StoreError(f"cannot {attempt}: {error.strerror or error}") from error
