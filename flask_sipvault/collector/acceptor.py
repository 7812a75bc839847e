"""Accepts connections, and finds out by their first byte whether they come by TLS."""

from __future__ import annotations

import asyncio
import logging
import socket
import ssl
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from .connection import Connection
from .connection import HANDSHAKE_SECONDS
from .connection import keep_alive
from .connections import ConnectionRegistry
from .ingress import Ingress
from .listeners import ip_of
from .restart.fdstore import DescriptorStore
from .restart.takeover import TransferredSocket

logger = logging.getLogger(__name__)

#: How many connections are accepted before those there are have their turn.
_AT_A_TIME = 100

#: How many TLS handshakes may be under way.
MAX_HANDSHAKES = 200

#: How long no connection is accepted when the process can open no more files, in
#: seconds.
_RESPITE = 1.0

#: The first byte of TLS: a record that holds a handshake (RFC 8446 section 5.1).
_TLS_HANDSHAKE = b"\x16"


class TlsError(Exception):
    """Certificate or key cannot be used; the message says why."""


def tls_context(certificate: Path, key: Path | None) -> ssl.SSLContext:
    """TLS 1.2 or later, with our certificate.

    :raises TlsError: naming the setting.
    """
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    try:
        context.load_cert_chain(certificate, key, password=_no_password)
    except (OSError, ssl.SSLError, _PasswordAskedError) as error:
        reason = getattr(error, "strerror", None) or str(error)
        raise TlsError(
            f"SIPVAULT_TLS_CERT and SIPVAULT_TLS_KEY cannot be used ({reason}): give"
            " the certificate with its chain, and its key without a password, both PEM"
        ) from error
    return context


class _PasswordAskedError(Exception):
    """The key is encrypted, and nobody is there to type."""


def _no_password() -> str:
    raise _PasswordAskedError("the key needs a password")


class PendingConnection:
    """A connection that has sent nothing yet."""

    def __init__(
        self, doorman: Acceptor, connected: socket.socket, sender: str
    ) -> None:
        self.connected = connected
        self.sender = sender
        self._doorman = doorman
        self._loop = asyncio.get_running_loop()
        self._loop.add_reader(connected, self._look)
        self._deadline: asyncio.TimerHandle | None = None
        if not doorman.gate.is_allowed_source(sender):
            seconds = doorman.handshake_seconds
            self._deadline = self._loop.call_later(seconds, self.drop, "time")

    def drop(self, reason: str) -> None:
        """Hang up."""
        self._doorman.gate.refusals.note(self.sender, reason)
        self.leave()
        self.connected.close()

    def leave(self) -> None:
        """Look at the connection no more."""
        self._loop.remove_reader(self.connected)
        if self._deadline is not None:
            self._deadline.cancel()
        self._doorman.roster.remove_stranger(self)
        self._doorman.greetings.pop(self, None)

    def _look(self) -> None:
        try:
            first = self.connected.recv(1, socket.MSG_PEEK)
        except BlockingIOError:
            return
        except OSError:
            first = b""
        self.leave()
        if first:
            self._doorman.let_in(self.connected, self.sender, first)
        else:
            self.connected.close()


class Acceptor:
    """Makes connections of what comes to a listening socket.

    :param tls: None: whoever speaks TLS is refused.
    """

    def __init__(
        self,
        listener: socket.socket,
        gate: Ingress,
        roster: ConnectionRegistry,
        store: DescriptorStore,
        *,
        tls: ssl.SSLContext | None,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self.listener = listener
        self.gate = gate
        self.roster = roster
        self.store = store
        self.handshake_seconds = handshake_seconds
        #: The connections that have sent nothing yet.
        self.greetings: dict[PendingConnection, None] = {}
        #: How many connections were accepted.
        self.accepted = 0
        self._tls = tls
        self._loop = asyncio.get_running_loop()
        self._accepting = False
        # asyncio itself keeps no reference to a task.
        self._tasks: set[asyncio.Task[None]] = set()

    def resume(self) -> None:
        """Accept from now on."""
        if not self._accepting:
            self._loop.add_reader(self.listener, self._accept)
            self._accepting = True

    def pause(self) -> None:
        """Leave who comes in the kernel's queue."""
        if self._accepting:
            self._loop.remove_reader(self.listener)
            self._accepting = False

    def close(self) -> None:
        """Accept no more, and hang up on whoever has sent nothing."""
        self.pause()
        self.listener.close()
        for greeting in list(self.greetings):
            greeting.leave()
            greeting.connected.close()

    def silent(self) -> list[TransferredSocket]:
        """The connections that have sent nothing yet, for another process."""
        return [
            TransferredSocket(
                "connection",
                greeting.connected.dup(),
                {"protocol": "", "encrypted": False, "sender": greeting.sender},
            )
            for greeting in self.greetings
        ]

    async def settle(self, timeout: float) -> None:
        """Let those come in whose TLS handshake is under way, and hang up on whoever
        takes longer: they have not been let in, and will try again.
        """
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=timeout)
        for task in self._tasks:
            task.cancel()
        if self._tasks:
            await asyncio.wait(self._tasks)

    def let_in(self, connected: socket.socket, sender: str, first: bytes) -> None:
        """Make a connection of a socket that begins with this byte."""
        tls = self._tls if first == _TLS_HANDSHAKE else None
        if tls is not None and len(self._tasks) >= MAX_HANDSHAKES:
            self.gate.refusals.note(sender, "crowd")
            connected.close()
            return
        connection = self._connection(sender, encrypted=tls is not None)
        self._start(self._connect(connection, connected, tls))

    def greet(self, connected: socket.socket, sender: str) -> None:
        """Wait for the first byte."""
        greeting = PendingConnection(self, connected, sender)
        self.greetings[greeting] = None
        self.roster.add_stranger(greeting)

    async def adopt(
        self, connected: socket.socket, state: dict[str, Any], pending: bytes
    ) -> None:
        """Take over a connection from another process. It needs no token again, but
        its customer must be one still.
        """
        if not state["protocol"] and not state["encrypted"]:
            self.greet(connected, state["sender"])
            return
        customer_id = state["customer"]
        if customer_id is not None and not self.gate.knows(customer_id):
            self.gate.refusals.note(state["sender"], "credentials")
            connected.close()
            if kept := state.get("kept"):
                self.store.forget(kept)
            return
        # By TLS it comes through a process that goes on deciphering.
        connection = self._connection(state["sender"], encrypted=state["encrypted"])
        connection.resume(state, pending)
        await self._connect(connection, connected, None)

    def _connection(self, sender: str, *, encrypted: bool) -> Connection:
        return Connection(
            self.gate,
            self.roster,
            sender,
            self.store,
            encrypted=encrypted,
            handshake_seconds=self.handshake_seconds,
        )

    def _start(self, work: Coroutine[Any, Any, None]) -> None:
        task = self._loop.create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    async def _connect(
        self,
        connection: Connection,
        connected: socket.socket,
        tls: ssl.SSLContext | None,
    ) -> None:
        try:
            await self._loop.connect_accepted_socket(
                lambda: connection,
                connected,
                ssl=tls,
                ssl_handshake_timeout=self.handshake_seconds if tls else None,
            )
        except (OSError, ssl.SSLError, asyncio.CancelledError):
            # Whoever does not even finish the handshake is nobody's.
            self.gate.refusals.note(connection.sender, "tls")
            connected.close()

    def _accept(self) -> None:
        for _ in range(_AT_A_TIME):
            try:
                connected, address = self.listener.accept()
            except (BlockingIOError, InterruptedError, ConnectionAbortedError):
                return
            except OSError as error:
                # Too many open files, most likely: those who come wait in the queue.
                logger.error("cannot accept", extra={"error": error.strerror})
                self.pause()
                self._loop.call_later(_RESPITE, self.resume)
                return
            self.accepted += 1
            connected.setblocking(False)
            keep_alive(connected)
            self.greet(connected, ip_of(address))
