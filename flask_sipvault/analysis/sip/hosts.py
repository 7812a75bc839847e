"""Who is who on the network: the places that a call's messages run between."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable

from ...evidence import SipPacket
from ...protocols.address import Endpoint
from ...protocols.address import Transport


class Hosts:
    """Where the ends of a call's packets are, with one name for each end.

    Over UDP a place is an address and a port: two programs of one host are two places.
    Over a stream (TCP, TLS, WebSocket, SCTP) the client's port is as good as random and
    changes with each connection, so there a place is the address alone, written with
    port 0. It is the address' UDP place where that host has just one. A host that
    speaks to itself keeps all its ports, or both ends would be one.
    """

    def __init__(self, packets: Iterable[SipPacket]) -> None:
        self._udp_ports: dict[str, set[int]] = defaultdict(set)
        self._to_itself: set[str] = set()
        for packet in packets:
            if packet.transport == "udp":
                for end in (packet.src, packet.dst):
                    self._udp_ports[end.ip].add(end.port)
            elif packet.src.ip == packet.dst.ip:
                self._to_itself.add(packet.src.ip)

    def of(self, end: Endpoint, transport: Transport) -> Endpoint:
        """The place of one end of a packet."""
        if transport == "udp" or end.ip in self._to_itself:
            return end
        ports = self._udp_ports.get(end.ip, set())
        return Endpoint(end.ip, next(iter(ports)) if len(ports) == 1 else 0)


def place_name(place: Endpoint) -> str:
    """How a place is written: without the port that means "any of its ports"."""
    return str(place) if place.port else place.ip
