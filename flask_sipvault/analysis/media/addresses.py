"""Addresses of private networks, and whether anybody can be there."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterable
from functools import lru_cache

from ...evidence import Evidence
from ...protocols.address import Endpoint

#: RFC 1918, RFC 6598 (behind a carrier's NAT), RFC 3927 and RFC 4291 (link local), RFC
#: 4193 (IPv6).
_PRIVATE = [
    ipaddress.ip_network(each)
    for each in (
        "10.0.0.0/8",
        "172.16.0.0/12",
        "192.168.0.0/16",
        "100.64.0.0/10",
        "169.254.0.0/16",
        "fe80::/10",
        "fc00::/7",
    )
]


@lru_cache(maxsize=4096)
def is_private(ip: str) -> bool:
    """Whether an address is of a private network, which no router of the Internet
    leads to.
    """
    address = ipaddress.ip_address(ip)
    return any(address in net for net in _PRIVATE if net.version == address.version)


@lru_cache(maxsize=4096)
def _is_loopback(ip: str) -> bool:
    return ipaddress.ip_address(ip).is_loopback


class Presence:
    """Which hosts showed themselves in the capture, by sending something."""

    def __init__(self, evidence: Evidence) -> None:
        sources: Iterable[Endpoint | None] = (
            *(packet.src for packet in evidence.sip),
            *(datagram.src for datagram in evidence.rtcp),
            *(stream.src for stream in evidence.media),
        )
        self._seen = {end.ip for end in sources if end is not None}

    def is_astray(self, src: Endpoint | None, dst: Endpoint | None) -> bool:
        """Whether packets go to a private address from a public one, with no sign that
        anybody is there: from the Internet they do not arrive.
        """
        if src is None or dst is None or dst.ip in self._seen:
            return False
        return is_private(dst.ip) and not (is_private(src.ip) or _is_loopback(src.ip))
