"""The sockets that the collector listens at."""

from __future__ import annotations

import contextlib
import socket

from ..config.converters import ListenAddress

_BACKLOG = 1024

#: What the kernel keeps of datagrams while the process is busy, in bytes; it gives as
#: much as the host allows (``net.core.rmem_max``).
_DATAGRAM_BUFFER = 8 << 20

#: Asks the kernel to tell how many datagrams it had to drop (socket(7); Linux only).
SO_RXQ_OVFL = 40


class ListenError(Exception):
    """Nobody can listen there; the message says why, and which setting to change."""


def listen_tcp(address: ListenAddress, setting: str) -> socket.socket:
    """Listen for connections.

    :param setting: the name of the setting that says where.
    """
    return _bound(address, socket.SOCK_STREAM, setting)


def listen_udp(address: ListenAddress, setting: str) -> socket.socket:
    """Listen for datagrams."""
    listener = _bound(address, socket.SOCK_DGRAM, setting)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, _DATAGRAM_BUFFER)
    with contextlib.suppress(OSError):
        listener.setsockopt(socket.SOL_SOCKET, SO_RXQ_OVFL, 1)
    return listener


def ip_of(address: tuple[object, ...]) -> str:
    """The sender's IP address, out of what the socket module gives: that of an IPv4
    sender on an IPv6 socket is an IPv4 address.
    """
    ip = str(address[0]).partition("%")[0]
    return ip.removeprefix("::ffff:") if "." in ip else ip


def place_of(listener: socket.socket) -> str:
    """Where a socket listens: the port may have been the system's choice."""
    host, port = listener.getsockname()[:2]
    return f"[{host}]:{port}" if ":" in host else f"{host}:{port}"


def _bound(
    address: ListenAddress, kind: socket.SocketKind, setting: str
) -> socket.socket:
    everywhere = not address.host
    dual = everywhere and socket.has_dualstack_ipv6()
    try:
        if dual:
            family, place = socket.AF_INET6, ("::", address.port)
        else:
            host = address.host or "0.0.0.0"  # noqa: S104 - as the setting says
            found = socket.getaddrinfo(host, address.port, type=kind)
            family, place = found[0][0], found[0][4][:2]  # type: ignore[assignment]
        listener = socket.socket(family, kind)
        try:
            if family == socket.AF_INET6:
                listener.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_V6ONLY, not dual)
            if kind == socket.SOCK_STREAM:
                listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            listener.bind(place)
            if kind == socket.SOCK_STREAM:
                listener.listen(_BACKLOG)
            listener.setblocking(False)
        except BaseException:
            listener.close()
            raise
    except OSError as error:
        raise ListenError(
            f"{setting}: cannot listen at {address.host}:{address.port}"
            f" ({error.strerror or error}). Stop what does, or name another place."
        ) from error
    return listener
