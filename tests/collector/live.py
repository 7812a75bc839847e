"""A collector with its sockets, on loopback, in a thread of the test's own process."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import ssl
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.collector.server import Collector as Server
from flask_sipvault.config.converters import ListenAddress
from flask_sipvault.config.customers import Customer
from flask_sipvault.protocols import agent
from flask_sipvault.protocols.agent import Frame
from flask_sipvault.protocols.agent import FrameReader

from .conftest import Collector
from .conftest import RECORDINGS

CUSTOMERS = (
    Customer(
        "acme",
        "acme",
        tokens=("tok-acme",),
        hep_auth_keys=("acme's key",),
        hep_sources=("127.9.9.0/24",),
    ),
    Customer("globex", "globex", tokens=("tok-globex",)),
)

SOMEWHERE = ListenAddress("127.0.0.1", 0)


def wait_until(condition: Callable[[], Any], seconds: float = 20) -> None:
    """Until it holds; the test fails if it takes too long."""
    deadline = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < deadline, "it took too long"
        time.sleep(0.01)


class Live(Collector):
    """A running collector. Its clock goes on by itself, and can be put forward."""

    def __init__(
        self, folder: Path, *, handshake_seconds: float = 10, **settings: Any
    ) -> None:
        self.handshake_seconds = handshake_seconds
        self.put_forward = 0.0
        self._connections: list[socket.socket] = []
        self.server: Server
        self._loop: asyncio.AbstractEventLoop
        defaults = dict.fromkeys(("listen_tcp", "listen_hep"), SOMEWHERE)
        super().__init__(
            folder, **{**defaults, "metrics_listen": SOMEWHERE, **settings}
        )

    def _start(self, wait_seconds: float = 0.0) -> Pipeline:
        ready = threading.Event()
        self.failure: BaseException | None = None

        def serve() -> None:
            try:
                asyncio.run(self._serve(ready.set))
            except BaseException as error:
                self.failure = error
            finally:
                ready.set()

        self._thread = threading.Thread(target=serve)
        self._thread.start()
        assert ready.wait(20)
        if self.failure is not None:
            raise self.failure
        return self.server.pipeline

    async def _serve(self, on_ready: Callable[[], None]) -> None:
        self._loop = asyncio.get_running_loop()
        self.server = Server(
            self.settings,
            CUSTOMERS,
            self._open_pipeline,
            handshake_seconds=self.handshake_seconds,
        )
        self.server.open()
        await self.server.run(on_ready)

    def _open_pipeline(
        self, has_agent: Callable[[str, str], bool], wait_seconds: float
    ) -> Pipeline:
        return Pipeline(
            self.settings,
            self.vault,
            has_agent=has_agent,
            clock=lambda: time.monotonic() + self.put_forward,
            system_clock=lambda: time.time() + self.put_forward,
            wait_seconds=wait_seconds,
            threads=2,
        )

    @property
    def tcp(self) -> tuple[str, int]:
        """Where it listens."""
        address: tuple[str, int] = self.server.doorman.listener.getsockname()
        return address

    @property
    def udp(self) -> tuple[str, int]:
        address: tuple[str, int] = self.server.datagrams.listener.getsockname()
        return address

    def pass_time(self, seconds: float) -> None:
        """Put the clock forward, and let what is due be written."""
        self.put_forward += seconds
        since = time.monotonic()
        wait_until(lambda: self.server.ticked_at > since)
        since = time.monotonic()
        wait_until(lambda: self.server.ticked_at > since)
        self.write()

    def stop(self) -> None:
        """As SIGTERM does."""
        if self._thread.is_alive():
            with contextlib.suppress(RuntimeError):  # it has just ended by itself
                self._loop.call_soon_threadsafe(self.server.stop)
            self._thread.join(20)
            assert not self._thread.is_alive()
        if self.failure is not None:
            raise self.failure

    def close(self) -> None:
        """Stop, and close what the test has opened."""
        self.stop()
        for connection in self._connections:
            connection.close()

    def restart(self, **settings: Any) -> None:
        self.stop()
        self.settings = replace(self.settings, **settings)
        self.pipeline = self._start()

    def connect(
        self, context: ssl.SSLContext | None = None, *, source: str = ""
    ) -> socket.socket:
        """A connection, by TLS with a context."""
        bound = (source, 0) if source else None
        plain = socket.create_connection(self.tcp, timeout=20, source_address=bound)
        if context is not None:
            plain = context.wrap_socket(plain, server_hostname="localhost")
        self._connections.append(plain)
        return plain

    def log_in(
        self, customer_id: str = "acme", token: str = "tok-acme", **options: Any
    ) -> socket.socket:
        """A connection of an agent that was let in."""
        connection = self.connect(**options)
        connection.sendall(handshake(customer_id, token))
        assert receive(connection) == agent.HandshakeAck(agent.ACCEPTED, "ok")
        return connection

    def deliver(
        self,
        pieces: bytes | Iterable[bytes],
        context: ssl.SSLContext | None = None,
    ) -> bytes:
        """Send all of it, and wait until all was read.

        :returns: without TLS, what was answered.
        """
        counted = self.server.gate.bytes
        before, sent = counted.total(), 0
        with self.connect(context) as connection:
            for piece in [pieces] if isinstance(pieces, bytes) else pieces:
                connection.sendall(piece)
                sent += len(piece)
            if context is not None:
                wait_until(lambda: counted.total() - before == sent)
                return b""
            connection.shutdown(socket.SHUT_WR)
            answer = b""
            while data := connection.recv(1 << 16):
                answer += data
        return answer


def handshake(customer_id: str = "acme", token: str = "tok-acme") -> bytes:
    return agent.build(agent.Handshake(customer_id, token, "test"))


def receive(connection: socket.socket) -> Frame | None:
    """The next frame; None if the other side has hung up."""
    reader = FrameReader()
    while data := connection.recv(4096):
        frames = list(reader.feed(data))
        if frames:
            return frames[0]
    return None


def hung_up(connection: socket.socket) -> bool:
    """Whether the other side closes the connection; waits for that."""
    try:
        return connection.recv(4096) == b""
    except ConnectionResetError:
        return True


def recording(name: str) -> bytes:
    return (RECORDINGS / name).read_bytes()
