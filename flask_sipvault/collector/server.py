"""The collector: sockets, gate and pipeline joined in one event loop."""

from __future__ import annotations

import asyncio
import contextlib
import logging
import os
import socket
import ssl
import time
from collections.abc import Callable
from collections.abc import Iterable
from typing import Any

from ..config.collector import CollectorSettings
from ..config.customers import Customer
from .acceptor import Acceptor
from .acceptor import tls_context
from .authentication import Authenticator
from .connection import HANDSHAKE_SECONDS
from .connections import ConnectionRegistry
from .datagrams import Datagrams
from .ingress import Ingress
from .items import Item
from .listeners import listen_tcp
from .listeners import listen_udp
from .listeners import place_of
from .metrics import MetricsServer
from .pipeline import Pipeline
from .restart.fdstore import DescriptorStore
from .restart.fdstore import Kept
from .restart.handover import give_away
from .restart.takeover import answer_door
from .restart.takeover import Inheritance
from .restart.takeover import LONG_PATIENCE
from .restart.takeover import open_door
from .restart.takeover import TakeoverError
from .restart.takeover import TransferredSocket

logger = logging.getLogger(__name__)

#: How often the pipeline does what is due, in seconds.
TICK_SECONDS = 0.05

#: How long a stopping collector reads what senders have on the way, in seconds: until
#: nothing has come for so long, and at most so long.
_QUIET_SECONDS, _LAST_READING_SECONDS = 0.15, 1.5

#: How long a stopping collector waits for disk and store, in seconds.
_CLOSE_SECONDS = 6.0

#: How long TLS handshakes that are under way delay a takeover, in seconds.
_SETTLE_SECONDS = 1.0

#: How long the spool must have had room until that is worth a line, in seconds.
_ROOM_SECONDS = 10.0

#: Opens the spool and what goes with it, with who tells whether an agent is connected,
#: and how many seconds to wait for another process to let go of the spool.
OpenPipeline = Callable[[Callable[[str, str], bool], float], Pipeline]


def _nothing() -> None:
    """Nobody waits for the collector to be ready."""


class Collector:
    """Listens until it is told to stop, or another process takes over.

    To be made, opened and run within one event loop.

    :raises flask_sipvault.collector.acceptor.TlsError: if the certificate cannot be
        used.
    """

    def __init__(
        self,
        settings: CollectorSettings,
        customers: Iterable[Customer],
        open_pipeline: OpenPipeline,
        *,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self.settings = settings
        self.roster = ConnectionRegistry()
        self.store = DescriptorStore()
        self.gate = Ingress(
            Authenticator(customers), keep=self._keep, full=self._is_full
        )
        self.pipeline: Pipeline
        self.doorman: Acceptor
        self.datagrams: Datagrams
        #: When :meth:`run` last did what was due, by the monotonic clock.
        self.ticked_at = time.monotonic()
        self._open_pipeline = open_pipeline
        self._handshake_seconds = handshake_seconds
        self._tls: ssl.SSLContext | None = None
        if settings.tls_cert is not None:
            self._tls = tls_context(settings.tls_cert, settings.tls_key)
        self._inherited: list[TransferredSocket] = []
        #: The listening sockets in the store, by their kind.
        self._kept: dict[str, Kept] = {}
        self._metrics: MetricsServer | None = None
        self._stopping = False
        self._wake = asyncio.Event()
        #: For how long senders had to wait because the spool was full, in seconds.
        self.held_seconds = 0.0
        self._holding = False
        self._told_full = False
        self._full_at = 0.0

    def open(self, inheritance: Inheritance | None = None) -> None:
        """Take up the spool, and listen.

        :param inheritance: what a predecessor hands over. If this fails, the
            predecessor goes on with it.
        :raises flask_sipvault.collector.listeners.ListenError: if an address cannot be
            listened at.
        :raises flask_sipvault.collector.spool.SpoolError: if the spool cannot be used.
        :raises TakeoverError: if the predecessor has changed its mind.
        """
        handed = inheritance.sockets if inheritance else self.store.take_back()
        with contextlib.ExitStack() as undo:
            tcp = self._listener(handed, "tcp")
            undo.callback(tcp.handle.close)
            udp = self._listener(handed, "udp")
            undo.callback(udp.handle.close)
            self._listen(tcp, udp)
            self.pipeline = self._open_pipeline(
                self.roster.has_agent, LONG_PATIENCE if inheritance else 0.0
            )
            undo.callback(lambda: self.pipeline.close(_CLOSE_SECONDS))
            self._open_metrics()
            undo.callback(self._close_metrics)
            self._door = open_door(self.pipeline.spool.folder)
            undo.callback(self._door.close)
            if inheritance:
                inheritance.take()
            undo.pop_all()
        self._inherited = [each for each in handed if each.kind == "connection"]
        self._keep_listeners(tcp, udp)

    async def run(self, on_ready: Callable[[], object] = _nothing) -> None:
        """Take what comes; returns when the collector has stopped, or when another
        process has taken over.
        """
        for handed in self._inherited:
            await self.doorman.adopt(handed.handle, handed.facts, handed.pending)
        self._inherited = []
        loop = asyncio.get_running_loop()
        loop.add_reader(self._door, self._wake.set)
        self._resume()
        logger.info(
            "listening",
            extra={
                "pid": os.getpid(),
                "tcp": place_of(self.doorman.listener),
                "udp": place_of(self.datagrams.listener),
                "tls": self._tls is not None,
                "connections": len(self.roster.connections),
            },
        )
        on_ready()
        relays: list[asyncio.Future[None]] | None = None
        while not self._stopping and relays is None:
            self._tick()
            with contextlib.suppress(asyncio.TimeoutError):
                await asyncio.wait_for(self._wake.wait(), TICK_SECONDS)
            if self._wake.is_set() and not self._stopping:
                self._wake.clear()
                peer = answer_door(self._door)
                if peer is not None:
                    relays = await self._hand_over(peer)
        loop.remove_reader(self._door)
        self._door.close()
        if relays is None:
            await self._finish()
        elif relays and not self._stopping:
            await self._decipher(relays)

    def stop(self) -> None:
        """Let :meth:`run` come to its end."""
        self._stopping = True
        self._wake.set()

    # What is done again and again.

    def _tick(self) -> None:
        now = self.ticked_at = time.monotonic()
        try:
            watches = self.pipeline.tick()
        except Exception:
            # An error of ours: what has come is in the spool, and more comes.
            logger.exception("the pipeline failed")
            return
        for watch in watches:
            for agent in self.roster.agents(watch.customer_id, watch.agent_ip):
                agent.watch(watch.frame)
        self._mind_the_spool(now)
        self.gate.refusals.tell(now)
        self.gate.wrong_keys.tell(now)

    def _mind_the_spool(self, now: float) -> None:
        """Let senders wait while the spool is full."""
        spool = self.pipeline.spool
        full = self.pipeline.full
        if full:
            if self._holding:
                self.held_seconds += now - self._full_at
            self._full_at = now
            self.datagrams.pause()
            for connection in self.roster.connections:
                connection.hold("full")
        else:
            self.datagrams.resume()
            for connection in self.roster.connections:
                connection.release("full")
        self._holding = full
        # A spool that is full may have room for moments, whenever a part is written.
        if full and not self._told_full:
            facts = {"used": spool.used_bytes, "limit": spool.max_bytes}
            logger.warning("the spool is full: senders have to wait", extra=facts)
            self._told_full = True
        elif self._told_full and now > self._full_at + _ROOM_SECONDS:
            logger.warning("the spool has room again")
            self._told_full = False

    def _keep(self, item: Item) -> None:
        self.pipeline.accept(item)

    def _is_full(self) -> bool:
        return self.pipeline.full

    # The beginning.

    def _listener(
        self, handed: Iterable[TransferredSocket], kind: str
    ) -> TransferredSocket:
        """The one that was handed over, if it listens where it should; or a new one."""
        tcp = kind == "tcp"
        address = self.settings.listen_tcp if tcp else self.settings.listen_hep
        for each in handed:
            if each.kind == kind:
                if each.facts["address"] == list(address):
                    return each
                each.handle.close()
                if kept := each.facts.get("kept"):
                    self.store.forget(kept)
        if tcp:
            new = listen_tcp(address, "SIPVAULT_LISTEN_TCP")
        else:
            new = listen_udp(address, "SIPVAULT_LISTEN_HEP")
        return TransferredSocket(kind, new, {})

    def _listen(self, tcp: TransferredSocket, udp: TransferredSocket) -> None:
        self.doorman = Acceptor(
            tcp.handle,
            self.gate,
            self.roster,
            self.store,
            tls=self._tls,
            handshake_seconds=self._handshake_seconds,
        )
        dropped = udp.facts.get("dropped", 0)
        self.datagrams = Datagrams(udp.handle, self.gate, dropped_before=dropped)

    def _keep_listeners(self, tcp: TransferredSocket, udp: TransferredSocket) -> None:
        """Let those survive this process who come while none runs."""
        places = {"tcp": self.settings.listen_tcp, "udp": self.settings.listen_hep}
        for each in (tcp, udp):
            kept = self.store.keep(
                each.kind,
                each.handle,
                {"address": list(places[each.kind])},
                instead_of=each.facts.get("kept", ""),
            )
            if kept is not None:
                self._kept[each.kind] = kept
        if kept := self._kept.get("udp"):
            kept.record.count = self.datagrams.dropped_by_kernel
            self.datagrams.kept = kept

    def _listeners(self) -> list[TransferredSocket]:
        """Those we have, for another process."""
        tcp: dict[str, Any] = {"address": list(self.settings.listen_tcp)}
        udp: dict[str, Any] = {
            "address": list(self.settings.listen_hep),
            "dropped": self.datagrams.dropped_by_kernel,
        }
        for kind, facts in (("tcp", tcp), ("udp", udp)):
            if kind in self._kept:
                facts["kept"] = self._kept[kind].name
        return [
            TransferredSocket("tcp", self.doorman.listener.dup(), tcp),
            TransferredSocket("udp", self.datagrams.listener.dup(), udp),
        ]

    def _open_metrics(self) -> None:
        self._metrics = MetricsServer(self.settings.metrics_listen, self)

    def _close_metrics(self) -> None:
        if self._metrics is not None:
            self._metrics.close()
            self._metrics = None

    def _resume(self) -> None:
        self.doorman.resume()
        self.datagrams.resume()
        for connection in self.roster.connections:
            connection.release("takeover")

    # The end.

    async def _finish(self) -> None:
        """Read what is on the way, and leave everything to the spool."""
        logger.info("stopping")
        self.doorman.close()
        loop = asyncio.get_running_loop()
        until = loop.time() + _LAST_READING_SECONDS
        quiet = False
        while not quiet and loop.time() < until:
            before = self.gate.bytes.total()
            await asyncio.sleep(_QUIET_SECONDS)
            quiet = self.gate.bytes.total() == before
        for connection in list(self.roster.connections):
            # What systemd has goes on if this is a restart, and ends with a stop.
            if connection.is_kept:
                connection.let_go()
            else:
                connection.close()
        self.datagrams.close()
        self._close_metrics()
        if await asyncio.to_thread(self.pipeline.close, _CLOSE_SECONDS):
            logger.info("stopped")
        else:
            lost = {"items_lost": self.pipeline.spool.unsaved}
            logger.error("stopped, but the disk did not take everything", extra=lost)
        # Those who never read our answers.
        for connection in list(self.roster.connections):
            connection.let_go()
        await asyncio.sleep(0)

    async def _decipher(self, relays: list[asyncio.Future[None]]) -> None:
        """Wait until the last TLS connection is over, or until told to stop."""
        logger.info("deciphering for the successor", extra={"tls": len(relays)})
        self._wake.clear()
        stopped: asyncio.Future[Any] = asyncio.ensure_future(self._wake.wait())
        ended: asyncio.Future[Any] = asyncio.gather(*relays)
        await asyncio.wait({stopped, ended}, return_when=asyncio.FIRST_COMPLETED)
        stopped.cancel()

    async def _hand_over(
        self, peer: socket.socket
    ) -> list[asyncio.Future[None]] | None:
        """Give everything to a successor.

        :returns: what tells the ends of the connections that are still deciphered here;
            None if nothing has changed hands.
        """
        logger.info("a successor asks to take over")
        self.doorman.pause()
        await self.doorman.settle(_SETTLE_SECONDS)
        self.datagrams.pause()
        for connection in list(self.roster.connections):
            connection.hold("takeover")
        if not await asyncio.to_thread(self.pipeline.spool.flush, _CLOSE_SECONDS):
            # What is in memory only would be lost.
            logger.warning("the disk does not take everything: going on")
            peer.close()
            self._resume()
            return None
        self._close_metrics()
        await asyncio.to_thread(self.pipeline.close, _CLOSE_SECONDS)
        connections = list(self.roster.connections)
        listeners = [*self._listeners(), *self.doorman.silent()]
        try:
            relays = await give_away(peer, listeners, connections)
        except (TakeoverError, OSError) as error:
            self.pipeline = self._open_pipeline(self.roster.has_agent, LONG_PATIENCE)
            self._open_metrics()
            self._resume()
            logger.warning("nobody took over: going on", extra={"error": str(error)})
            return None
        logger.info("handed over", extra={"connections": len(connections)})
        self.doorman.close()
        self.datagrams.listener.close()
        return relays
