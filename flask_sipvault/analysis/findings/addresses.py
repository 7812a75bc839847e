"""Which addresses reach a host from anywhere, and which only inside its own network."""

from __future__ import annotations

import ipaddress

#: RFC 1918, 6598 (carriers' NAT), 3927 and 4291 (one link), 4193 (IPv6), loopback.
#: Python's own ``is_private`` counts the addresses for documentation as private, too.
_PRIVATE = tuple(
    ipaddress.ip_network(text)
    for text in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("169.254.0.0/16", "127.0.0.0/8", "fc00::/7", "fe80::/10", "::1/128"),
    )
)


def is_private(host: str) -> bool:
    """Whether a host is an address that means nothing outside of its network. A name is
    none.
    """
    try:
        address = ipaddress.ip_address(host.strip("[]"))
    except ValueError:
        return False
    return any(address in network for network in _PRIVATE)
