"""Sockets that outlive a crash: systemd keeps them, and gives them to the next process.

The agent connects once and does not come back, so a collector that is killed must not
take its connections with it. Each is given to systemd's file descriptor store
(``FDSTORE=1``, sd_notify(3)) as soon as it is known whose it is, with a
:class:`~.record.Record` of how far it was read. The store drops them when the service
is stopped, not when it is started again.
"""

from __future__ import annotations

import fcntl
import logging
import os
import secrets
import socket
import stat
import struct
import termios
from collections import defaultdict
from typing import Any

from . import systemd
from .record import Record
from .record import RecordError
from .takeover import TransferredSocket

logger = logging.getLogger(__name__)

_PREFIX = "sipvault-"

#: Where struct tcp_info (linux/tcp.h) has how many bytes have come in order.
_BYTES_RECEIVED = 128
_u64 = struct.Struct("=Q")
_ESTABLISHED = 1

#: What a place in the store takes: the socket and its record.
_DESCRIPTORS_EACH = 2


class Kept:
    """A socket that systemd has too.

    :ivar name: what it is called in the store.
    """

    def __init__(self, store: DescriptorStore, name: str, record: Record) -> None:
        self.name = name
        self.record = record
        self._store = store

    def forget(self) -> None:
        """The connection is over: systemd shall close it as well."""
        self._store.forget(self.name)
        self.let_go()

    def let_go(self) -> None:
        """This process is done with it; it stays in the store."""
        self.record.close()


class DescriptorStore:
    """The store of this service, if systemd has started it.

    Whether systemd has room for it, ``FileDescriptorStoreMax=``, cannot be asked for
    before version 254: what it has no room for it closes, and nothing else changes.
    """

    def __init__(self) -> None:
        self.offered = systemd.listens() and hasattr(os, "memfd_create")
        room = os.environ.get("FDSTORE", "")
        self._room = int(room) if room.isdecimal() else None
        self._names: set[str] = set()
        self._warned = False

    def keep(
        self,
        kind: str,
        handle: socket.socket,
        facts: dict[str, Any],
        beginning: bytes = b"",
        *,
        instead_of: str = "",
    ) -> Kept | None:
        """Give a socket to systemd; None if nobody takes it.

        :param handle: all that was read of it has been seen.
        :param beginning: of the frame that was read in part.
        :param instead_of: what it is called in the store so far, by another process.
        """
        if not self.offered:
            return None
        name = _PREFIX + secrets.token_hex(8)
        position = read_position(handle) or 0
        try:
            record = Record.make({**facts, "kind": kind}, position, beginning)
        except (OSError, RecordError) as error:
            self._warn(str(error))
            return None
        # Polled, it would be dropped with what is yet to be read when its peer resets.
        sent = systemd.notify(
            *("FDSTORE=1", f"FDNAME={name}", "FDPOLL=0"),
            descriptors=[handle.fileno(), record.descriptor],
        )
        if not sent:
            record.close()
            self._warn("systemd does not read")
            return None
        self._names.add(name)
        if instead_of:
            self.forget(instead_of)
        if self._room is not None and len(self._names) * _DESCRIPTORS_EACH > self._room:
            self._warn(f"FileDescriptorStoreMax={self._room} is too small")
        return Kept(self, name, record)

    def forget(self, name: str) -> None:
        """Let systemd close what has this name."""
        self._names.discard(name)
        systemd.notify("FDSTOREREMOVE=1", f"FDNAME={name}")

    def take_back(self) -> list[TransferredSocket]:
        """What an earlier process of this service has left. Each is to be kept anew,
        instead of the name in its facts.
        """
        sockets: dict[str, int] = {}
        records: dict[str, Record] = {}
        unusable = set()
        for name, descriptor in systemd.passed_on():
            if not name.startswith(_PREFIX):
                continue
            try:
                if stat.S_ISSOCK(os.fstat(descriptor).st_mode):
                    sockets[name] = descriptor
                else:
                    records[name] = Record(descriptor)
            except (OSError, RecordError):
                os.close(descriptor)
                unusable.add(name)
        by_socket: dict[int, list[str]] = defaultdict(list)
        for name, descriptor in sockets.items():
            by_socket[os.fstat(descriptor).st_ino].append(name)
        found = []
        for names in by_socket.values():
            whole = [name for name in names if name in records]
            # Killed while it was kept anew, it is there twice: the later one counts.
            latest = max(whole, key=lambda name: records[name].position, default=None)
            if latest is not None:
                found.append(_handed(latest, sockets.pop(latest), records.pop(latest)))
        for descriptor in sockets.values():
            os.close(descriptor)
        for record in records.values():
            record.close()
        for name in unusable | set(sockets) | set(records):
            self.forget(name)
        return found

    def _warn(self, problem: str) -> None:
        if not self._warned:
            logger.warning(
                "not every connection would survive a crash", extra={"error": problem}
            )
            self._warned = True


def _handed(name: str, descriptor: int, record: Record) -> TransferredSocket:
    handle = socket.socket(fileno=descriptor)
    handle.setblocking(False)
    facts = dict(record.facts)
    kind = facts.pop("kind")
    facts["kept"] = name
    beginning = record.beginning
    if kind == "udp":
        facts["dropped"] = record.count
    elif kind == "connection":
        facts["mute"] = facts["mute"] or record.mute
        if not _read_up_to(handle, record.position):
            # Killed between a reading and its note: those bytes are gone.
            facts["gap"], beginning = True, b""
    record.close()
    return TransferredSocket(kind, handle, facts, beginning)


def read_position(handle: socket.socket) -> int | None:
    """How many bytes were read of a TCP connection since it was made, by whatever
    process; None where the system does not tell. The end of the stream counts as one
    byte more once it has come, whether it was read or not.
    """
    try:
        told = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 256)
        waiting = fcntl.ioctl(handle, termios.FIONREAD, bytes(4))
        (received,) = _u64.unpack_from(told, _BYTES_RECEIVED)
    except (OSError, struct.error):
        return None
    return int(received) - int.from_bytes(waiting, "little")


def _read_up_to(handle: socket.socket, position: int) -> bool:
    """Whether a connection was read up to this position and not further, as far as the
    system can tell.
    """
    read = read_position(handle)
    if read is None or read == position:
        return position >= 0
    told = handle.getsockopt(socket.IPPROTO_TCP, socket.TCP_INFO, 1)
    ended = told[0] != _ESTABLISHED
    return ended and read == position + 1
