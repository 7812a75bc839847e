"""Where everything comes in that is sent to the collector, by whichever protocol.

Who may not send is refused; who sends too fast is made to wait; what makes no sense is
counted and passed over.
"""

from __future__ import annotations

import logging
import time
from collections import Counter
from collections.abc import Callable

from ..protocols import hep
from ..protocols.agent import Frame
from ..protocols.agent import Handshake
from .authentication import Authenticator
from .authentication import claimed_customer
from .items import from_frame
from .items import from_hep
from .items import Item
from .logins import Logins
from .refusals import Refusals

logger = logging.getLogger(__name__)

#: How many items a second one customer may send for long; at once, as many again. An
#: agent is made for 2,500, and one process takes some 25,000.
MAX_RATE = 50_000

#: How many errors of ours are logged with their traceback.
_MOST_TRACEBACKS = 20


class Ingress:
    """What connections and datagrams hand their frames and packets to.

    :param keep: takes an item that was let in.
    :param full: whether nothing more should be read for now.
    """

    def __init__(
        self,
        authority: Authenticator,
        *,
        keep: Callable[[Item], None],
        full: Callable[[], bool],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.keep = keep
        self.full = full
        self.refusals = Refusals()
        #: Packets with a wrong key from an address that needs none, by protocol.
        self.wrong_keys = Refusals("HEP with a wrong key from an allowed address")
        self.logins = Logins(clock)
        #: How many items came in, by protocol and kind.
        self.items: Counter[tuple[str, str]] = Counter()
        #: How many frames or packets made no sense, by protocol.
        self.bad: Counter[str] = Counter()
        #: How many are nothing of a call, as far as is known here, by protocol.
        self.ignored: Counter[str] = Counter()
        #: How many bytes were read, by protocol.
        self.bytes: Counter[str] = Counter()
        #: How many items an error of ours has cost.
        self.errors = 0
        self._authority = authority
        self._clock = clock
        self._rates: dict[str, _Rate] = {}

    def may_enter(self, handshake: Handshake) -> bool:
        """Whether an agent shows the token of the customer it names."""
        return self._authority.may_send(handshake.customer_id, handshake.token)

    def knows(self, customer_id: str) -> bool:
        """Whether there is such a customer."""
        return self._authority.knows(customer_id)

    def is_allowed_source(self, sender: str) -> bool:
        """Whether HEP from this address is taken without a key."""
        empty = hep.HepPacket(protocol=0, payload=b"")
        return self._authority.hep_customer(empty, sender) is not None

    def owner(self, packet: hep.HepPacket, sender: str, protocol: str) -> str | None:
        """Whose packet this is; None: nobody's, which is noted."""
        customer_id = self._authority.hep_customer(packet, sender)
        if customer_id is None:
            claimed = claimed_customer(packet)
            self.refusals.note(
                sender, "credentials", protocol=protocol, claimed=claimed
            )
        elif self._authority.shows_wrong_key(packet, customer_id):
            self.wrong_keys.note(sender, protocol)
        return customer_id

    def take_frame(self, frame: Frame, customer_id: str, sender: str) -> bool:
        """Let in what a frame holds; False if it holds nothing of a call."""
        item = from_frame(frame, customer_id, agent=sender, sender=sender)
        if item is None:
            return False
        self._let_in(item, "agent")
        return True

    def take_packet(
        self, packet: hep.HepPacket, customer_id: str, sender: str, protocol: str
    ) -> None:
        """Let in what a packet holds, if that is something of a call."""
        item = from_hep(packet, customer_id, time.time_ns(), sender=sender)
        if item is None:
            self.ignored[protocol] += 1
        else:
            self._let_in(item, protocol)

    def delay(self, customer_id: str, items: int) -> float:
        """How long this customer has to wait after so many items, in seconds."""
        rate = self._rates.get(customer_id)
        if rate is None:
            rate = self._rates[customer_id] = _Rate(self._clock())
        return rate.spend(items, self._clock())

    def _let_in(self, item: Item, protocol: str) -> None:
        self.items[protocol, item.kind] += 1
        try:
            self.keep(item)
        except Exception:
            # An error of ours. It must cost neither the connection, whose agent would
            # not come back, nor anybody else's items.
            self.errors += 1
            if self.errors <= _MOST_TRACEBACKS:
                logger.exception("an item could not be kept", extra={"kind": item.kind})


class _Rate:
    """A bucket of items to spend, which fills with time."""

    def __init__(self, now: float) -> None:
        self._left = float(MAX_RATE)
        self._at = now

    def spend(self, items: int, now: float) -> float:
        left = min(MAX_RATE, self._left + (now - self._at) * MAX_RATE) - items
        # What is dropped for being too fast must not be waited for for ever.
        self._left, self._at = max(-MAX_RATE, left), now
        return max(0.0, -left / MAX_RATE)
