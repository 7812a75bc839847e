"""Links that were refused, counted by the address they came from.

A signature has 128 bits and is not found by trying, so that the limit keeps nobody from
guessing who could guess. It keeps whoever tries from learning why each try failed, and
from having a page made for it. What is genuine is not counted and never limited: many
people share the address of an office, and one bad bookmark must not lock them out.
"""

from __future__ import annotations

import ipaddress
import math
import threading
import time
from collections import OrderedDict
from collections.abc import Callable
from dataclasses import dataclass

#: So many failures of one address in a row are explained, and then one in each
#: interval, in seconds: nobody clicks on thirty bad links, or on one every two seconds.
BURST = 30
INTERVAL = 2.0

#: So many addresses are remembered, those that failed last: about 2 MB.
MAX_ADDRESSES = 10_000

#: A longer one is not an address; a proxy's header can hold anything.
_MAX_ADDRESS = 64

#: What one subscriber has of IPv6 (RFC 6177): a limit by address would limit nobody.
_IPV6_PREFIX = 64


@dataclass(frozen=True, slots=True)
class Failure:
    """One refused link.

    :param count: how many came from the address, this one included, since it was
        first remembered.
    :param retry_after: seconds after which the next is explained again; 0 if this one
        is.
    """

    count: int
    retry_after: int

    @property
    def limited(self) -> bool:
        """Whether there were too many."""
        return self.retry_after > 0


@dataclass(slots=True)
class _Address:
    """``allowance``: how many more failures are explained; ``at``: when that was."""

    allowance: float
    at: float
    count: int = 0


class Failures:
    """The latest failures of each address. For several threads at once.

    :param clock: seconds of any clock that does not go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._addresses: OrderedDict[str, _Address] = OrderedDict()
        self._lock = threading.Lock()

    def add(self, address: str) -> Failure:
        """Count one more.

        :param address: of whoever sent the request, as the server tells it.
        """
        name = _subscriber(address)
        with self._lock:
            now = self._clock()
            known = self._addresses.get(name)
            if known is None:
                known = self._addresses[name] = _Address(BURST, now)
                if len(self._addresses) > MAX_ADDRESSES:
                    self._addresses.popitem(last=False)
            self._addresses.move_to_end(name)
            known.allowance = min(BURST, known.allowance + (now - known.at) / INTERVAL)
            known.at = now
            known.count += 1
            if known.allowance >= 1:
                known.allowance -= 1
                return Failure(known.count, 0)
            wait = (1 - known.allowance) * INTERVAL
            return Failure(known.count, max(1, math.ceil(wait)))


def _subscriber(address: str) -> str:
    """What is limited together: an IPv4 address, or a network of IPv6."""
    address = address[:_MAX_ADDRESS]
    try:
        ip = ipaddress.ip_address(address)
    except ValueError:
        return address
    if ip.version == 4:
        return str(ip)
    if ip.ipv4_mapped is not None:
        return str(ip.ipv4_mapped)
    return str(ipaddress.ip_network((int(ip), _IPV6_PREFIX), strict=False))
