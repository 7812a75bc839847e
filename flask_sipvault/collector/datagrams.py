"""HEP over UDP: one packet a datagram."""

from __future__ import annotations

import asyncio
import socket
import struct

from ..protocols import hep
from ..protocols.hep import HepError
from .ingress import Ingress
from .listeners import ip_of
from .listeners import SO_RXQ_OVFL
from .restart.fdstore import Kept

PROTOCOL = "hep-udp"

#: How long datagrams are read before connections have their turn, in seconds.
_TURN_SECONDS = 0.005

_drops = struct.Struct("=I")
_ANCILLARY = socket.CMSG_SPACE(_drops.size)


class Datagrams:
    """Reads the packets that arrive at a socket.

    :param dropped_before: how many the kernel had dropped when the last process that
        had the socket read from it.
    :ivar kept: where that number is noted for the next process.
    """

    def __init__(
        self, listener: socket.socket, gate: Ingress, *, dropped_before: int = 0
    ) -> None:
        self.listener = listener
        self.kept: Kept | None = None
        #: How many datagrams the kernel has dropped since the socket was made, because
        #: they came faster than they were read; as far as it has told.
        self.dropped_by_kernel = dropped_before
        #: How many were dropped in this process's time, by what was to blame.
        self.dropped = {"buffer": 0, "rate": 0}
        self._gate = gate
        self._loop = asyncio.get_running_loop()
        self._reading = False

    def resume(self) -> None:
        """Read from now on."""
        if not self._reading:
            self._loop.add_reader(self.listener, self._read)
            self._reading = True

    def pause(self) -> None:
        """Leave what comes to the kernel: as much as its buffer holds."""
        if self._reading:
            self._loop.remove_reader(self.listener)
            self._reading = False

    def close(self) -> None:
        """Read what is there, and no more."""
        if self._reading and not self._gate.full():
            self._read()
        self.pause()
        self.listener.close()

    def _read(self) -> None:
        until = self._loop.time() + _TURN_SECONDS
        while self._loop.time() < until:
            try:
                data, ancillary, _, address = self.listener.recvmsg(1 << 16, _ANCILLARY)
            except OSError:
                # Nothing is there, or an error of an earlier answer, of which we have
                # sent none.
                return
            for level, kind, value in ancillary:
                if level == socket.SOL_SOCKET and kind == SO_RXQ_OVFL:
                    self._note_drops(*_drops.unpack(value))
            self._take(data, ip_of(address))
        if self._gate.full():
            self.pause()

    def _note_drops(self, total: int) -> None:
        self.dropped["buffer"] += (total - self.dropped_by_kernel) & 0xFFFFFFFF
        self.dropped_by_kernel = total
        if self.kept is not None:
            self.kept.record.count = total

    def _take(self, data: bytes, sender: str) -> None:
        self._gate.bytes[PROTOCOL] += len(data)
        try:
            packet = hep.parse(data)
        except HepError:
            self._gate.bad[PROTOCOL] += 1
            return
        customer_id = self._gate.owner(packet, sender, PROTOCOL)
        if customer_id is None:
            return
        if self._gate.delay(customer_id, 1):
            self.dropped["rate"] += 1
            return
        self._gate.take_packet(packet, customer_id, sender, PROTOCOL)
