"""One TCP connection: an agent's frames, or HEP3, whichever its first byte announces.

Whoever has shown whose it is, is never hung up on for being silent: today's agent sends
no heartbeats, and does not come back.
"""

from __future__ import annotations

import asyncio
import contextlib
import logging
import socket
from typing import Any
from typing import cast

from ..protocols import hep
from ..protocols.agent import ACCEPTED
from ..protocols.agent import AUTH_FAILED
from ..protocols.agent import build
from ..protocols.agent import Frame
from ..protocols.agent import FrameError
from ..protocols.agent import FrameReader
from ..protocols.agent import Handshake
from ..protocols.agent import HandshakeAck
from ..protocols.agent import Heartbeat
from ..protocols.agent import HeartbeatAck
from ..protocols.agent import MAGIC
from ..protocols.agent import MediaWatch
from ..protocols.agent import VERSION
from ..protocols.agent import VERSION_MISMATCH
from ..protocols.hep import HepError
from ..protocols.hep_stream import HepReader
from .connections import ConnectionRegistry
from .ingress import Ingress
from .logins import LONGEST_WAIT
from .restart.fdstore import DescriptorStore
from .restart.fdstore import Kept

logger = logging.getLogger(__name__)

#: How long a stranger may take to show whose it is, in seconds.
HANDSHAKE_SECONDS = 10.0

#: No more is sent to an agent that reads nothing, in bytes.
_MAX_UNREAD = 1 << 16

#: A connection whose other end is gone is noticed within two minutes, in seconds.
_KEEPALIVE = (
    ("TCP_KEEPIDLE", 60),
    ("TCP_KEEPINTVL", 15),
    ("TCP_KEEPCNT", 4),
)


class Connection(asyncio.Protocol):
    """Reads what comes, and answers.

    :param sender: its IP address.
    :param store: keeps it across a crash, once it is known whose it is. By TLS it
        cannot: the cipher's state would be lost.
    :param encrypted: whether it came by TLS.
    :ivar protocol: ``agent`` or ``hep``; empty before the first byte.
    :ivar customer_id: whom it sends for; of HEP, the last that it sent for. None while
        it is a stranger.
    :ivar mute: nothing can be sent any more: a frame of an earlier process may be cut.
    """

    def __init__(
        self,
        gate: Ingress,
        roster: ConnectionRegistry,
        sender: str,
        store: DescriptorStore,
        *,
        encrypted: bool = False,
        handshake_seconds: float = HANDSHAKE_SECONDS,
    ) -> None:
        self.sender = sender
        self.encrypted = encrypted
        self.protocol = ""
        self.customer_id: str | None = None
        self.mute = False
        self.transport: asyncio.Transport
        self._gate = gate
        self._roster = roster
        self._store = store
        self._kept: Kept | None = None
        self._kept_before = ""
        self._handshake_seconds = handshake_seconds
        self._reader: FrameReader | HepReader | None = None
        # Magic and version of the first frame, to tell what is wrong with it.
        self._opening = b""
        self._deadline: asyncio.TimerHandle | None = None
        self._holds: set[str] = set()
        # What came before its turn, and when that is: see Logins.
        self._waiting: bytes | None = None
        self._turn: asyncio.TimerHandle | None = None
        self._looked_at = self._has_waited = False
        self._ended = self._let_go = False

    @property
    def pending(self) -> bytes:
        """The beginning of a frame: what another process needs to go on from here."""
        return b"" if self._reader is None else self._reader.pending

    # What asyncio calls.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """Begin. By TLS there may be nothing to read for hours, until a first call."""
        self.transport = cast(asyncio.Transport, transport)
        self._roster.connections[self] = None
        self._keep()
        if self.customer_id is None:
            self._roster.add_stranger(self)
            if not self.encrypted:
                self._set_deadline()

    def data_received(self, data: bytes) -> None:
        """Take what came; of a stranger whose address has failed often, in its turn."""
        if self._ended:
            return
        if self.customer_id is not None or self._is_its_turn(data):
            self._take(data)

    def _take(self, data: bytes) -> None:
        if self._reader is None:
            self._begin(data[:1])
        assert self._reader is not None
        held = self._reader.held
        self._gate.bytes[self.protocol] += len(data)
        try:
            if isinstance(self._reader, FrameReader):
                taken = self._take_frames(self._reader, data)
            else:
                taken = self._take_packets(self._reader, data)
        except (FrameError, HepError) as error:
            self._cannot_read(error)
            return
        self._note_reading(data, held)
        if taken and self.customer_id is not None:
            delay = self._gate.delay(self.customer_id, taken)
            if delay:
                self.hold("rate")
                asyncio.get_running_loop().call_later(delay, self.release, "rate")
        if self._gate.full():
            self.hold("full")

    def eof_received(self) -> None:
        """The other end sends no more: close."""

    def connection_lost(self, error: Exception | None) -> None:
        """It is over, on either side's wish."""
        closed_here, self._ended = self._ended, True
        self._cancel_deadline()
        if self._turn is not None:
            self._turn.cancel()
        if self._kept is not None:
            # What another process has, or will have, stays in the store.
            self._kept.let_go() if self._let_go else self._kept.forget()
            self._kept = None
        self._roster.connections.pop(self, None)
        self._roster.remove_stranger(self)
        if self.customer_id is None:
            return
        if self.protocol == "agent":
            self._roster.remove_agent(self.customer_id, self)
        if not self._let_go:
            logger.info(
                "connection closed" if closed_here else "connection over",
                extra={
                    **self._names(),
                    "error": type(error).__name__ if error else "",
                    "bytes_of_a_frame": len(self.pending),
                },
            )

    # What the collector calls.

    def resume(self, state: dict[str, Any], pending: bytes) -> None:
        """Go on where another process stopped; to be called before anything comes.

        :param state: what :meth:`state` gave there.
        """
        self.customer_id = state["customer"]
        self.mute = state["mute"]
        self._kept_before = state.get("kept", "")
        if state["protocol"]:
            self._begin(b"S" if state["protocol"] == "agent" else b"H")
        if self.customer_id is not None and self.protocol == "agent":
            self._roster.add_agent(self.customer_id, self)
        if self._reader is not None and state.get("gap"):
            logger.warning(
                "bytes of a stream are lost: the next frame is looked for",
                extra=self._names(),
            )
            self._reader.searching = True
        if pending and self._reader is not None:
            self._opening = pending[:3]
            # It is the beginning of one frame, so that none comes out of it.
            for _ in self._reader.feed(pending):
                pass

    def state(self) -> dict[str, Any]:
        """What another process has to know, beside :attr:`pending`."""
        return {
            "customer": self.customer_id,
            "protocol": self.protocol,
            "sender": self.sender,
            "encrypted": self.encrypted,
            "mute": self.mute or self.transport.get_write_buffer_size() > 0,
            "gap": self._reader is not None and self._reader.searching,
            "kept": self._kept.name if self._kept else self._kept_before,
        }

    @property
    def is_kept(self) -> bool:
        """Whether systemd has it, and gives it to the next process."""
        return self._kept is not None

    @property
    def is_deciphered_here(self) -> bool:
        """Whether this process holds the cipher's state."""
        return self.transport.get_extra_info("ssl_object") is not None

    def duplicate(self) -> socket.socket:
        """The socket, for another process; it has to be closed."""
        return cast(socket.socket, self.transport.get_extra_info("socket").dup())

    def let_go(self) -> None:
        """Another process has it: close it here, of which the other end notices
        nothing.
        """
        self._ended = self._let_go = True
        self.transport.abort()

    def close(self) -> None:
        """Hang up because the collector stops."""
        self._ended = True
        self.transport.close()

    def hold(self, reason: str) -> None:
        """Read no more for now; TCP tells the sender to wait."""
        self._holds.add(reason)
        self.transport.pause_reading()
        if reason == "takeover" and self._waiting is not None:
            # Another process could not go on from here: look at it now.
            self._go_on()

    def release(self, reason: str) -> None:
        """Read on, unless there is another reason not to."""
        self._holds.discard(reason)
        if not self._holds and not self._ended:
            self.transport.resume_reading()

    def watch(self, frame: MediaWatch) -> None:
        """Ask the agent to watch a media port."""
        self._send(frame)

    def drop(self, reason: str) -> None:
        """Hang up on a stranger."""
        self._gate.refusals.note(self.sender, reason)
        self.close()

    # Ours.

    def _keep(self) -> None:
        """Let it survive this process, if it is somebody's."""
        if self.encrypted or self.customer_id is None or self._ended:
            return
        self._kept = self._store.keep(
            "connection",
            self.transport.get_extra_info("socket"),
            self.state(),
            self.pending,
            instead_of=self._kept_before,
        )

    def _note_reading(self, data: bytes, held: int) -> None:
        """Note how far the stream was read, for the next process.

        :param data: what was read last.
        :param held: how much of a frame there was before.
        """
        if self._kept is None:
            self._keep()
            return
        assert self._reader is not None
        record = self._kept.record
        position = record.position + len(data)
        if held and self._reader.held == held + len(data):
            record.go_on(position, data)
        else:
            record.begin(position, self.pending)

    def _begin(self, first: bytes) -> None:
        """Know the protocol. What is neither is found out by the reader."""
        if first == hep.MAGIC[:1]:
            self.protocol = "hep-tls" if self.encrypted else "hep-tcp"
            self._reader = HepReader()
        else:
            self.protocol = "agent"
            self._reader = FrameReader(handshake_first=self.customer_id is None)
        if self.customer_id is None:
            self._set_deadline()

    def _take_frames(self, reader: FrameReader, data: bytes) -> int:
        """How many items came."""
        customer_id, taken = self.customer_id, 0
        if customer_id is None:
            self._opening = (self._opening + data[:3])[:3]
        for frame in reader.feed(data):
            if customer_id is None:
                if not self._greet(frame):
                    return 0
                customer_id = self.customer_id
            elif self._gate.take_frame(frame, customer_id, self.sender):
                taken += 1
            else:
                self._answer(frame)
        return taken

    def _greet(self, frame: Frame) -> bool:
        """Let an agent in, if it may."""
        if not isinstance(frame, Handshake):
            self._gate.refusals.note(self.sender, "protocol")
            self.close()
            return False
        if not self._gate.may_enter(frame):
            self._gate.refusals.note(
                self.sender,
                "credentials",
                protocol=self.protocol,
                claimed=frame.customer_id,
            )
            self._has_failed()
            self._send(HandshakeAck(AUTH_FAILED, "customer and token do not fit"))
            self.close()
            return False
        self._send(HandshakeAck(ACCEPTED, "ok"))
        self._welcome(frame.customer_id)
        self._roster.add_agent(frame.customer_id, self)
        logger.info(
            "agent connected",
            extra={**self._names(), "version": frame.agent_version[:40]},
        )
        return True

    def _answer(self, frame: Frame) -> None:
        if isinstance(frame, Heartbeat):
            self._send(HeartbeatAck(frame.ts))
        else:
            self._gate.bad[self.protocol] += 1

    def _take_packets(self, reader: HepReader, data: bytes) -> int:
        """How many packets were let in."""
        gate, sender, protocol, taken = self._gate, self.sender, self.protocol, 0
        bad = reader.bad_packets
        for packet in reader.feed(data):
            owner = gate.owner(packet, sender, protocol)
            if owner is not None:
                if self.customer_id is None:
                    self._welcome(owner)
                    logger.info("sender of HEP connected", extra=self._names())
                self.customer_id = owner
                gate.take_packet(packet, owner, sender, protocol)
                taken += 1
            elif self.customer_id is None:
                self._has_failed()
                self.close()
                return 0
        gate.bad[protocol] += reader.bad_packets - bad
        return taken

    def _is_its_turn(self, data: bytes) -> bool:
        """Whether what came of a stranger may be looked at; kept or refused if not."""
        if self._waiting is not None:
            self._waiting += data
            return False
        if self._looked_at:
            return True
        self._looked_at = True
        wait = self._gate.logins.wait(self.sender)
        if not wait:
            return True
        if wait > LONGEST_WAIT:
            self.drop("slowed")
            return False
        self._waiting, self._has_waited = data, True
        self._cancel_deadline()
        self.hold("slowed")
        self._turn = asyncio.get_running_loop().call_later(wait, self._go_on)
        return False

    def _go_on(self) -> None:
        """It is its turn."""
        data, self._waiting = self._waiting, None
        if self._turn is not None:
            self._turn.cancel()
        if data is None or self._ended:
            return
        self._set_deadline()
        self.release("slowed")
        self._take(data)

    def _has_failed(self) -> None:
        if not self._has_waited:
            self._gate.logins.failed(self.sender)

    def _welcome(self, customer_id: str) -> None:
        """It is a stranger no more."""
        self.customer_id = customer_id
        self._roster.remove_stranger(self)
        self._cancel_deadline()

    def _cannot_read(self, error: Exception) -> None:
        """What came is no frame: nobody knows where the next one begins."""
        self._gate.bad[self.protocol] += 1
        if self.customer_id is not None:
            logger.warning(
                "stream cannot be read", extra={**self._names(), "error": str(error)}
            )
        elif self._opening[:2] == MAGIC and self._opening[2:] != bytes([VERSION]):
            self._gate.refusals.note(self.sender, "version")
            self._send(HandshakeAck(VERSION_MISMATCH, f"this is version {VERSION}"))
        else:
            self._gate.refusals.note(self.sender, "protocol")
        self.close()

    def _send(self, frame: Frame) -> None:
        if self.mute or self.transport.get_write_buffer_size() >= _MAX_UNREAD:
            return
        if self._kept is not None:
            self._kept.record.mute = True
        self.transport.write(build(frame))
        if self._kept is not None:
            self._kept.record.mute = self.transport.get_write_buffer_size() > 0

    def _set_deadline(self) -> None:
        if self._deadline is None:
            loop = asyncio.get_running_loop()
            self._deadline = loop.call_later(self._handshake_seconds, self._too_late)

    def _cancel_deadline(self) -> None:
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None

    def _too_late(self) -> None:
        # A reading that is held is not the stranger's fault, but it will come again.
        self._gate.refusals.note(self.sender, "time")
        self._ended = True
        self.transport.abort()

    def _names(self) -> dict[str, str]:
        return {
            "customer": self.customer_id or "",
            "sender": self.sender,
            "protocol": self.protocol,
        }


def keep_alive(connected: socket.socket) -> None:
    """Let the kernel find out when the other end is gone without a word."""
    connected.setsockopt(socket.SOL_SOCKET, socket.SO_KEEPALIVE, 1)
    for name, seconds in _KEEPALIVE:
        option = getattr(socket, name, None)
        if option is not None:
            with contextlib.suppress(OSError):
                connected.setsockopt(socket.IPPROTO_TCP, option, seconds)
