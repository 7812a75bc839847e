"""What a process that was killed knew of a connection: a record in memory that outlives
it, since systemd has it open too.

It says how far the stream was read and holds the beginning of the frame that was read
in part. It is written at each reading, so that takes two copies in memory and no system
call. The kill may come between any two instructions: so there are two places for
a beginning, used in turn, and the old one counts until the new one is whole.
"""

from __future__ import annotations

import json
import mmap
import os
import struct
import zlib
from typing import Any

_MAGIC = b"SVR1"
_head = struct.Struct("=4sI?3xI")
#: Where the head's mark of a half-sent frame and the count of lost datagrams are.
_MUTE_AT, _COUNT_AT = 8, 12
_count = struct.Struct("=I")
_FACTS_AT = _head.size

#: How far the stream was read, how long the beginning is, the sum over both.
_place = struct.Struct("=QI")
_sum = struct.Struct("=I")
_PLACES = 4096
_PLACE_SIZE = _place.size + _sum.size

#: The longest beginning: of a frame of the agent's, with its header, rounded up.
_ROOM = (1 << 20) + 4096
_DATA = 8192
_SIZE = _DATA + 2 * _ROOM


class RecordError(Exception):
    """This is no record of ours."""


class Record:
    """A record in memory.

    :param descriptor: of that memory; it is closed with the record.
    :raises RecordError: if it holds no record.
    :ivar facts: what there is to know of the connection, as JSON can say it.
    """

    def __init__(self, descriptor: int) -> None:
        self.descriptor = descriptor
        try:
            self._memory = mmap.mmap(descriptor, _SIZE)
        except (OSError, ValueError) as error:
            raise RecordError(str(error)) from error
        try:
            magic, length, _, _ = _head.unpack_from(self._memory)
            if magic != _MAGIC:
                raise RecordError("it does not begin as a record does")
            self.facts = json.loads(self._memory[_FACTS_AT : _FACTS_AT + length])
        except (RecordError, ValueError) as error:
            self._memory.close()
            raise RecordError(str(error)) from error
        self._current = self._latest()

    @classmethod
    def make(cls, facts: dict[str, Any], position: int, beginning: bytes) -> Record:
        """A new record.

        :param position: how much was read of the stream, in bytes.
        :raises OSError: if the system gives no memory.
        :raises RecordError: if the facts are too long.
        """
        written = json.dumps(facts).encode()
        if len(written) > _PLACES - _FACTS_AT:
            raise RecordError("the facts are too long")
        descriptor = os.memfd_create("sipvault")
        try:
            os.truncate(descriptor, _SIZE)
            os.pwrite(descriptor, _head.pack(_MAGIC, len(written), False, 0), 0)
            os.pwrite(descriptor, written, _FACTS_AT)
            record = cls(descriptor)
        except BaseException:
            os.close(descriptor)
            raise
        record.begin(position, beginning)
        return record

    def begin(self, position: int, beginning: bytes) -> None:
        """The stream was read up to here, and this is the beginning of a frame."""
        self._current = 1 - self._current
        data = self._data_at(self._current)
        self._memory[data : data + len(beginning)] = beginning
        self._settle(position, len(beginning))

    def go_on(self, position: int, more: bytes) -> None:
        """The stream was read up to here, and this is more of the same frame."""
        _, length = self._read(self._current) or (0, 0)
        data = self._data_at(self._current) + length
        self._memory[data : data + len(more)] = more
        self._settle(position, length + len(more))

    @property
    def position(self) -> int:
        """How much was read of the stream, in bytes."""
        found = self._read(self._current)
        return found[0] if found else -1

    @property
    def beginning(self) -> bytes:
        """Of the frame that was read in part."""
        _, length = self._read(self._current) or (0, 0)
        data = self._data_at(self._current)
        return self._memory[data : data + length]

    @property
    def mute(self) -> bool:
        """Whether a frame to the other end may be cut."""
        return self._memory[_MUTE_AT] != 0

    @mute.setter
    def mute(self, mute: bool) -> None:
        self._memory[_MUTE_AT] = mute

    @property
    def count(self) -> int:
        """How many datagrams the kernel has dropped, of a socket for datagrams."""
        (count,) = _count.unpack_from(self._memory, _COUNT_AT)
        return int(count)

    @count.setter
    def count(self, count: int) -> None:
        _count.pack_into(self._memory, _COUNT_AT, count)

    def close(self) -> None:
        """Let go of it here."""
        self._memory.close()
        os.close(self.descriptor)

    def _latest(self) -> int:
        found = [self._read(which) for which in (0, 1)]
        positions = [-1 if each is None else each[0] for each in found]
        return positions.index(max(positions))

    def _read(self, which: int) -> tuple[int, int] | None:
        """Position and length; None if they were being written when the kill came."""
        at = _PLACES + which * _PLACE_SIZE
        place = self._memory[at : at + _place.size]
        (total,) = _sum.unpack_from(self._memory, at + _place.size)
        if zlib.crc32(place) != total:
            return None
        position, length = _place.unpack(place)
        return position, length

    def _settle(self, position: int, length: int) -> None:
        at = _PLACES + self._current * _PLACE_SIZE
        place = _place.pack(position, length)
        self._memory[at : at + _PLACE_SIZE] = place + _sum.pack(zlib.crc32(place))

    def _data_at(self, which: int) -> int:
        return _DATA + which * _ROOM
