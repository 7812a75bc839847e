"""Where a packet came from and where it went."""

from __future__ import annotations

import ipaddress
from typing import Literal
from typing import NamedTuple

#: What carried a SIP message (RFC 3261 section 18, RFC 4168, RFC 7118).
Transport = Literal["udp", "tcp", "tls", "sctp", "ws", "wss"]


class Endpoint(NamedTuple):
    """An IP address in its shortest text form, and a port."""

    ip: str
    port: int

    def __str__(self) -> str:
        """``192.0.2.1:5060``, ``[2001:db8::1]:5060`` (RFC 5952 section 6)."""
        return (
            f"[{self.ip}]:{self.port}" if ":" in self.ip else f"{self.ip}:{self.port}"
        )

    @classmethod
    def parse(cls, text: str) -> Endpoint:
        """Read what ``str()`` wrote.

        :raises ValueError: for anything but an address and a port from 0 to 65535.
        """
        host, _, port = text.rpartition(":")
        if not port.isascii() or not port.isdigit() or int(port) > 0xFFFF:
            raise ValueError(f"not an address and a port: {text!r}")
        bracketed = host.startswith("[") and host.endswith("]")
        ip = ipaddress.ip_address(host[1:-1] if bracketed else host)
        if bracketed != (ip.version == 6):
            raise ValueError(f"not an address and a port: {text!r}")
        return cls(str(ip), int(port))
