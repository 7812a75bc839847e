"""Room on the partition under the spool, so that what is there can always leave.

To take something out of a database needs room too: SQLite writes what changes into its
log first. So a part of the partition is kept free, and a second part is taken up by a
file. When the first is gone (others may write there as well), the file is.
"""

from __future__ import annotations

import contextlib
import os
from pathlib import Path

from ..private_files import PRIVATE

#: The part of all that the spool may have which is kept free, and as much again which
#: the file takes up; in bytes at least and at most. The spool needs it for what was
#: accepted in the moment when the disk became full, and for its log.
_SHARE, _LEAST, _MOST = 8, 128 << 10, 64 << 20


class Room:
    """What there is for the spool in a folder.

    :param most: no more than this may be needed, in bytes.
    :ivar reserve: how much is to be kept free, and how much the file should take up.
    """

    def __init__(self, folder: Path, most: int) -> None:
        self._folder = folder
        self._path = folder / "reserve"
        self._most = max(_LEAST, min(_MOST, most))
        self.reserve = self._most
        #: How large the spool can become with all that is free, in bytes.
        self.total = 0

    def look(self, own_bytes: int) -> bool:
        """Whether enough is free, with the file in its place. Makes it again, or
        smaller, as far as that is possible.

        :param own_bytes: what the spool takes up itself.
        """
        free, held = free_bytes(self._folder), self._held()
        self.total = free + held + own_bytes
        self.reserve = max(_LEAST, min(self._most, self.total // _SHARE))
        if held > self.reserve:
            with contextlib.suppress(OSError):
                os.truncate(self._path, self.reserve)
            held = self.reserve
        elif held < self.reserve:
            # Nothing but the spool needs room here; half as much again, so that it
            # does not go to and fro.
            if free + held < self.reserve * 5 // 2:
                return False
            if not self._fill():
                return False
        return free_bytes(self._folder) >= self.reserve

    def takes(self, size: int) -> bool:
        """Whether there is room for so much more, and for what is there to leave.

        :param size: in bytes. It comes into SQLite's log first, then into the database.
        """
        with contextlib.suppress(OSError):
            return free_bytes(self._folder) >= 3 * size + self.reserve // 4
        return False

    def give_up(self) -> bool:
        """Let the spool have what the file took up; False if there was none."""
        try:
            self._path.unlink()
        except OSError:
            return False
        return True

    def _held(self) -> int:
        try:
            return self._path.stat().st_size
        except OSError:
            return 0

    def _fill(self) -> bool:
        try:
            flags = os.O_WRONLY | os.O_CREAT | os.O_NOFOLLOW
            descriptor = os.open(self._path, flags, PRIVATE)
        except OSError:
            return False
        try:
            # Not a hole, which would take up nothing.
            os.posix_fallocate(descriptor, 0, self.reserve)
        except OSError:
            self.give_up()
            return False
        finally:
            os.close(descriptor)
        return True


def free_bytes(folder: Path) -> int:
    """How much this user may still write in a folder."""
    found = os.statvfs(folder)
    return found.f_bavail * found.f_frsize
