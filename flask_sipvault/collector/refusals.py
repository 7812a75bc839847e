"""Who was refused, and why: counted always, and told once a minute."""

from __future__ import annotations

import json
import logging
from collections import Counter

from ..analysis.words.text import printable

logger = logging.getLogger(__name__)

#: How often the log tells of refusals, in seconds.
TELL_SECONDS = 60.0

#: How many senders are named for each reason; forged addresses would fill the memory.
_MOST_NAMED = 5

#: So much is told of the customer that somebody names, in characters.
_MOST_CLAIMED = 60


class Refusals:
    """The refusals of one process.

    :param message: what the log says of them.
    """

    def __init__(self, message: str = "senders refused") -> None:
        self._message = message
        #: How many there were since the start, by their reason.
        self.counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._senders: dict[str, dict[str, None]] = {}
        self._tell_at = 0.0

    def note(
        self, sender: str, reason: str, *, protocol: str = "", claimed: str = ""
    ) -> None:
        """Count a refusal.

        :param sender: the IP address it came from.
        :param reason: one of a few, in a word.
        :param claimed: the customer that it named, as it came.
        """
        self.counts[reason] += 1
        named = self._senders.setdefault(reason, {})
        if len(named) < _MOST_NAMED:
            named[_named(sender, protocol, claimed)] = None

    def tell(self, now: float) -> None:
        """Log what was not told yet, unless something was told less than a minute ago.

        :param now: seconds that never go back.
        """
        if not self._senders or now < self._tell_at:
            return
        self._tell_at = now + TELL_SECONDS
        for reason, named in self._senders.items():
            new = self.counts[reason] - self._told[reason]
            self._told[reason] = self.counts[reason]
            logger.warning(
                self._message,
                extra={"reason": reason, "count": new, "among_them": ",".join(named)},
            )
        self._senders.clear()


def _named(sender: str, protocol: str, claimed: str) -> str:
    """``192.0.2.7 by agent for "acme"``; in quotes nobody can name others as well."""
    by = f" by {protocol}" if protocol else ""
    customer = json.dumps(printable(claimed[:_MOST_CLAIMED]), ensure_ascii=False)
    return f"{sender}{by}" + (f" for {customer}" if claimed else "")
