"""HEP3 over TCP and TLS: one packet behind the other."""

from __future__ import annotations

import struct
from collections.abc import Iterator

from .hep import HepError
from .hep import HepPacket
from .hep import MAGIC
from .hep import parse

_header = struct.Struct("!4sH")


class HepReader:
    """Cuts a stream into HEP3 packets, whatever the pieces it comes in."""

    def __init__(self) -> None:
        #: How many packets were whole but made no sense; they are passed over.
        self.bad_packets = 0
        # The beginning of a packet, and how many bytes it takes to go on with it.
        self._begun = bytearray()
        self._needed = _header.size

    @property
    def pending(self) -> bytes:
        """The beginning of a packet: what another reader needs to go on from here."""
        return bytes(self._begun)

    def feed(self, data: bytes) -> Iterator[HepPacket]:
        """The packets that these bytes complete. Take all of them.

        :raises HepError: after the packets before it, if the stream does not go on
            with a packet. It cannot be read any further.
        """
        if self._begun:
            self._begun += data
            if len(self._begun) < self._needed:
                return
            data = bytes(self._begun)
            self._begun.clear()
        at, end = 0, len(data)
        self._needed = _header.size
        while end - at >= _header.size:
            magic, length = _header.unpack_from(data, at)
            if magic != MAGIC or length < _header.size:
                raise HepError("the stream does not go on with HEP3")
            if end - at < length:
                self._needed = length
                break
            whole = data[at : at + length]
            at += length
            try:
                packet = parse(whole)
            except HepError:
                self.bad_packets += 1
            else:
                yield packet
        self._begun += data[at:]
