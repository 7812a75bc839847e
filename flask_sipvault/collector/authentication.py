"""Who may send for whom."""

from __future__ import annotations

import hmac
import ipaddress
import secrets
from collections.abc import Iterable
from hashlib import blake2b

from ..config.customers import Customer
from ..protocols import hep

#: How many sources of HEP are remembered, so that forged ones fill no memory.
_REMEMBERED = 65536

_Address = ipaddress.IPv4Address | ipaddress.IPv6Address
_Network = ipaddress.IPv4Network | ipaddress.IPv6Network


class Authenticator:
    """The customers, and what shows that somebody sends for one of them.

    How long a comparison takes tells nothing about a token or a key.
    """

    def __init__(self, customers: Iterable[Customer]) -> None:
        # Keyed anew in each process, so that nobody can aim at a digest.
        self._digest_key = secrets.token_bytes(32)
        self._tokens: dict[str, list[bytes]] = {}
        self._by_auth_key: dict[bytes, str] = {}
        self._with_keys: set[str] = set()
        self._networks: list[tuple[_Network, str]] = []
        self._by_source: dict[str, str | None] = {}
        for customer in customers:
            self._tokens[customer.id] = [self._digest(t) for t in customer.tokens]
            if customer.hep_auth_keys:
                self._with_keys.add(customer.id)
            for key in customer.hep_auth_keys:
                self._by_auth_key[self._digest(key)] = customer.id
            for source in customer.hep_sources:
                network = ipaddress.ip_network(source, strict=False)
                self._networks.append((network, customer.id))

    def knows(self, customer_id: str) -> bool:
        """Whether there is such a customer."""
        return customer_id in self._tokens

    def may_send(self, customer_id: str, token: str) -> bool:
        """Whether an agent with this token may send for this customer."""
        shown = self._digest(token)
        matches = 0
        for known in self._tokens.get(customer_id, []):
            matches += hmac.compare_digest(shown, known)
        return matches > 0

    def hep_customer(self, packet: hep.HepPacket, source: str) -> str | None:
        """Whose packet it is; None: nobody's, to be refused.

        The SIP VAULT agent shows customer and token, and these alone count then. Others
        show an authorisation key, or come from an address that is allowed.

        :param source: the IP address it came from.
        """
        claimed = packet.vendor_chunks.get(hep.SIPPULSE_CUSTOMER)
        if claimed is not None:
            token = packet.vendor_chunks.get(hep.SIPPULSE_TOKEN, b"")
            customer_id, shown = _text(claimed), _text(token)
            return customer_id if self.may_send(customer_id, shown) else None
        if packet.auth_key:
            owner = self._by_auth_key.get(self._digest(packet.auth_key))
            if owner is not None:
                return owner
        return self._source_customer(source)

    def shows_wrong_key(self, packet: hep.HepPacket, customer_id: str) -> bool:
        """Whether a packet shows a key that is none of this customer's, though it has
        some: it was let in for where it came from.
        """
        if not packet.auth_key or claimed_customer(packet):
            return False
        owner = self._by_auth_key.get(self._digest(packet.auth_key))
        return owner is None and customer_id in self._with_keys

    def _digest(self, secret: str) -> bytes:
        raw = secret.encode("utf-8", "surrogatepass")
        return blake2b(raw, key=self._digest_key, digest_size=32).digest()

    def _source_customer(self, source: str) -> str | None:
        try:
            return self._by_source[source]
        except KeyError:
            pass
        if len(self._by_source) >= _REMEMBERED:
            self._by_source.clear()
        address = _address(source)
        owner = next((c for network, c in self._networks if address in network), None)
        self._by_source[source] = owner
        return owner


def claimed_customer(packet: hep.HepPacket) -> str:
    """The customer that an agent names in its packet; empty if it names none."""
    return _text(packet.vendor_chunks.get(hep.SIPPULSE_CUSTOMER, b""))


def _address(source: str) -> _Address:
    """The address; of an IPv4 sender on an IPv6 socket, the IPv4 address."""
    address = ipaddress.ip_address(source.partition("%")[0])
    if isinstance(address, ipaddress.IPv6Address) and address.ipv4_mapped:
        return address.ipv4_mapped
    return address


def _text(chunk: bytes) -> str:
    """Text as senders in C write it: some with the NUL at its end."""
    return chunk.rstrip(b"\0").decode("utf-8", "replace")
