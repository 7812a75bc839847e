"""Senders that show wrong credentials have to wait before they may try again.

Who waits is an address, so that no sender elsewhere notices. A right token has to wait
its turn with the wrong ones: let in at once, it would tell a guesser to hang up on
whatever is not let in at once.
"""

from __future__ import annotations

import ipaddress
import time
from collections.abc import Callable

#: So many wrong credentials in a row cost nothing: a whole site may have the old token.
FREE_FAILURES = 10

#: After those, one more may be shown every so many seconds.
SECONDS_EACH = 1.0

#: Whoever would have to wait longer is hung up on, and not looked at, in seconds. It is
#: less than a sender may take to show whose it is.
LONGEST_WAIT = 8.0

#: How many addresses are remembered; of more, those are forgotten that failed first.
_REMEMBERED = 65536

#: Who has one IPv6 address has all of its /64.
_IPV6_BITS = 64


class Logins:
    """What the addresses that failed have to wait.

    :param clock: seconds that never go back.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        # When all failures of an address are worked off.
        self._busy_until: dict[str, float] = {}

    def wait(self, sender: str) -> float:
        """How long its next credentials must wait, in seconds. If that is more than
        nothing and not too long, its place in the line is taken: what it shows then
        costs nothing more.
        """
        address, now = _key(sender), self._clock()
        busy = self._busy_until.get(address, 0.0) - now
        wait = busy - FREE_FAILURES * SECONDS_EACH
        if 0 < wait <= LONGEST_WAIT:
            self._busy_until[address] += SECONDS_EACH
        return max(0.0, wait)

    def failed(self, sender: str) -> None:
        """It showed wrong credentials that did not wait."""
        address, now = _key(sender), self._clock()
        until = max(now, self._busy_until.pop(address, 0.0)) + SECONDS_EACH
        while self._busy_until and (
            len(self._busy_until) >= _REMEMBERED
            or self._busy_until[next(iter(self._busy_until))] <= now
        ):
            del self._busy_until[next(iter(self._busy_until))]
        self._busy_until[address] = until


def _key(sender: str) -> str:
    if ":" not in sender:
        return sender
    return str(ipaddress.ip_network((sender, _IPV6_BITS), strict=False))
