"""Names that operators give to addresses and networks: "SBC-1" for 10.8.0.14."""

from __future__ import annotations

import ipaddress
from collections.abc import Mapping

from ...protocols.address import Endpoint

_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class AliasError(ValueError):
    """A key is neither an address, nor an address with a port, nor a network."""


class Aliases:
    """Finds the name for a place on the network.

    :param names: by address (``10.8.0.14``, ``2001:db8::1``), by address and port
        (``10.8.0.14:5060``, ``[2001:db8::1]:5060``), or by network (``10.8.0.0/16``).
        The closest counts: a port before its address, an address before its network,
        a small network before a large one.
    :raises AliasError: for any other key.
    """

    def __init__(self, names: Mapping[str, str] | None = None) -> None:
        self._endpoints: dict[Endpoint, str] = {}
        self._networks: list[tuple[_Network, str]] = []
        for key, name in (names or {}).items():
            self._learn(key, name)
        self._networks.sort(key=lambda known: known[0].prefixlen, reverse=True)

    def _learn(self, key: str, name: str) -> None:
        try:
            self._networks.append((ipaddress.ip_network(key), name))
            return
        except ValueError as error:
            if "host bits" in str(error):
                raise AliasError(
                    f"{key!r} has bits of a host behind its network; did you mean"
                    f" {ipaddress.ip_network(key, strict=False)}?"
                ) from None
        try:
            self._endpoints[Endpoint.parse(key)] = name
        except ValueError:
            raise AliasError(f"{key!r} is neither an address nor a network") from None

    def name(self, place: Endpoint) -> str:
        """The name of a place; "" where it has none.

        :param place: with port 0 for the whole host.
        """
        if place in self._endpoints:
            return self._endpoints[place]
        if not self._networks:
            return ""
        address = ipaddress.ip_address(place.ip)
        return next(
            (name for network, name in self._networks if address in network), ""
        )


#: Where no setting names anything.
NO_ALIASES = Aliases()
