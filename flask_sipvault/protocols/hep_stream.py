"""HEP3 over TCP and TLS: one packet behind the other."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .hep import HepError
from .hep import HepPacket
from .hep import MAGIC
from .hep import parse
from .pieces import find_beginning
from .pieces import Pieces

_header = struct.Struct("!4sH")


class HepReader:
    """Cuts a stream into HEP3 packets, whatever the pieces it comes in."""

    def __init__(self) -> None:
        #: How many packets were whole but made no sense; they are passed over.
        self.bad_packets = 0
        self._pieces = Pieces(_header.size)
        #: Whether bytes are missing, so that the next packet has to be looked for.
        self.searching = False

    @property
    def pending(self) -> bytes:
        """The beginning of a packet: what another reader needs to go on from here."""
        return bytes(self._pieces)

    @property
    def held(self) -> int:
        """How many bytes :attr:`pending` has."""
        return len(self._pieces)

    def feed(self, data: bytes) -> Iterator[HepPacket]:
        """The packets that these bytes complete. Take all of them.

        :raises HepError: after the packets before it, if the stream does not go on
            with a packet. It cannot be read any further.
        """
        data = self._pieces.join(data)
        if not data:
            return
        at, end, needed = 0, len(data), _header.size
        if self.searching:
            at, needed = find_beginning(data, MAGIC, _header.size, _size_at)
            if needed:
                self._pieces.keep(data[at:], needed)
                return
            self.searching, needed = False, _header.size
        while end - at >= _header.size:
            magic, length = _header.unpack_from(data, at)
            if magic != MAGIC or length < _header.size:
                raise HepError("the stream does not go on with HEP3")
            if end - at < length:
                needed = length
                break
            whole = data[at : at + length]
            at += length
            try:
                packet = parse(whole)
            except HepError:
                self.bad_packets += 1
            else:
                yield packet
        self._pieces.keep(data[at:], needed)


def _size_at(data: bytes, at: int) -> int:
    return int(_header.unpack_from(data, at)[1])
