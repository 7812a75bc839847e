"""A port for a program that has to be told one."""

from __future__ import annotations

import secrets
import socket


def free_port(address: str = "127.0.0.1") -> int:
    """One that nobody has, by TCP or UDP.

    It lies below those that the system itself gives away: of these it may give any to
    somebody else before the program has started.
    """
    family = socket.AF_INET6 if ":" in address else socket.AF_INET
    while True:
        port = 20_000 + secrets.randbelow(12_000)
        with (
            socket.socket(family, socket.SOCK_STREAM) as tcp,
            socket.socket(family, socket.SOCK_DGRAM) as udp,
        ):
            try:
                tcp.bind((address, port))
                udp.bind((address, port))
            except OSError:
                continue
        return port
