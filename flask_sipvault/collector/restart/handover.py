"""What a collector does that another one takes over from.

A cipher's state cannot be handed over. So the old process goes on deciphering what
comes by TLS, passes it to the new one through a pair of sockets, and ends with the last
of these connections.
"""

from __future__ import annotations

import asyncio
import socket
from collections.abc import Iterable
from typing import cast

from ..connection import Connection
from .takeover import hand_over
from .takeover import TransferredSocket


async def give_away(
    peer: socket.socket,
    listeners: Iterable[TransferredSocket],
    connections: Iterable[Connection],
) -> list[asyncio.Future[None]]:
    """Hand everything over to a successor. Nothing may be read any more.

    :returns: what tells the ends of the connections that are still deciphered here.
    :raises flask_sipvault.collector.restart.takeover.TakeoverError: if nothing has
        changed hands.
    """
    handed = list(listeners)
    ours: dict[Connection, socket.socket] = {}
    try:
        for connection in connections:
            if connection.is_deciphered_here:
                ours[connection], theirs = socket.socketpair()
            else:
                theirs = connection.duplicate()
            state, pending = connection.state(), connection.pending
            handed.append(TransferredSocket("connection", theirs, state, pending))
        await asyncio.to_thread(hand_over, peer, handed)
    except BaseException:
        for end in ours.values():
            end.close()
        raise
    finally:
        for each in handed:
            each.handle.close()
    for connection in connections:
        if connection not in ours:
            connection.let_go()
    return [await _relay(each.transport, end) for each, end in ours.items()]


async def _relay(outer: asyncio.Transport, end: socket.socket) -> asyncio.Future[None]:
    """Join a connection with our end of a pair; done when the connection is."""
    end.setblocking(False)
    inward = _Relay(outer)
    await asyncio.get_running_loop().connect_accepted_socket(lambda: inward, end)
    outward = _Relay(inward.transport)
    outer.set_protocol(outward)
    outer.resume_reading()
    if outer.is_closing():  # it ended meanwhile, and has told its old protocol
        inward.transport.close()
    return inward.ended


class _Relay(asyncio.Protocol):
    """Passes on what one transport receives to another.

    :param target: where to; it is paused and closed with this one.
    """

    def __init__(self, target: asyncio.Transport) -> None:
        self.transport: asyncio.Transport
        self.ended: asyncio.Future[None] = asyncio.get_running_loop().create_future()
        self._target = target

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self.transport = cast(asyncio.Transport, transport)

    def data_received(self, data: bytes) -> None:
        self._target.write(data)

    def pause_writing(self) -> None:
        """This one takes no more for now: the other must not read."""
        self._target.pause_reading()

    def resume_writing(self) -> None:
        self._target.resume_reading()

    def connection_lost(self, error: Exception | None) -> None:
        self._target.close()
        if not self.ended.done():
            self.ended.set_result(None)
