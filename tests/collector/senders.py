"""Agents that send without end, and know what they have sent."""

from __future__ import annotations

import itertools
import socket
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator

from flask_sipvault.protocols import agent
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.address import Endpoint

from .live import handshake
from .live import receive

A, B = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)

_LINES = (
    ("INVITE sip:b SIP/2.0", "1 INVITE"),
    ("SIP/2.0 180 Ringing", "1 INVITE"),
    ("SIP/2.0 200 OK", "1 INVITE"),
    ("ACK sip:b SIP/2.0", "1 ACK"),
    ("BYE sip:b SIP/2.0", "2 BYE"),
    ("SIP/2.0 200 OK", "2 BYE"),
)


def messages(call_id: str) -> list[bytes]:
    """An answered call."""
    return [
        f"{start}\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK{call_id}\r\n"
        f"From: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq}\r\n\r\n".encode()
        for start, cseq in _LINES
    ]


def as_frames(call_id: str) -> list[bytes]:
    return [
        agent.build(agent.SipFrame(time.time_ns() + n, call_id, A, B, message))
        for n, message in enumerate(messages(call_id))
    ]


def as_packets(call_id: str) -> list[bytes]:
    return [
        hep.build(
            hep.HepPacket(
                hep.SIP,
                message,
                time.time_ns() + n * 1000,
                A,
                B,
                vendor_chunks={
                    hep.SIPPULSE_CUSTOMER: b"acme",
                    hep.SIPPULSE_TOKEN: b"tok-acme",
                },
            )
        )
        for n, message in enumerate(messages(call_id))
    ]


class Sender:
    """Sends one call after the other, in a thread, until it is told to stop.

    Frames of several calls are on the way at once, and cut anywhere.

    :ivar sent: the Call-IDs of the calls that were sent whole.
    """

    def __init__(
        self,
        name: str,
        connection: socket.socket,
        build: Callable[[str], list[bytes]],
        *,
        pause: float = 0.04,
    ) -> None:
        self.sent: list[str] = []
        self.failure: OSError | None = None
        self._name = name
        self._connection = connection
        self._build = build
        self._pause = pause
        self._stop = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self) -> list[str]:
        """What was sent; fails if the connection did."""
        self._stop.set()
        self._thread.join(30)
        assert not self._thread.is_alive()
        assert self.failure is None
        return self.sent

    def _run(self) -> None:
        datagrams = self._connection.type == socket.SOCK_DGRAM
        try:
            for number in itertools.count():
                call_ids = [f"{self._name}-{number}-{n}@h" for n in range(3)]
                pieces = list(
                    itertools.chain(*zip(*map(self._build, call_ids), strict=True))
                )
                for piece in pieces if datagrams else _cut(b"".join(pieces)):
                    self._connection.sendall(piece)
                self.sent += call_ids
                if self._stop.wait(self._pause):
                    return
        except OSError as error:
            self.failure = error


def _cut(data: bytes) -> Iterator[bytes]:
    """In pieces that do not end where frames do."""
    for at in range(0, len(data), 777):
        yield data[at : at + 777]


def agent_at(place: tuple[str, int]) -> socket.socket:
    """A connection that was let in."""
    connection = socket.create_connection(place, timeout=60)
    connection.sendall(handshake())
    assert receive(connection) == agent.HandshakeAck(agent.ACCEPTED, "ok")
    return connection
