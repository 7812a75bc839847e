"""Who was refused, and why: counted always, and told once a minute."""

from __future__ import annotations

import logging
from collections import Counter

logger = logging.getLogger(__name__)

#: How often the log tells of refusals, in seconds.
TELL_SECONDS = 60.0

#: How many senders are named for each reason; forged addresses would fill the memory.
_MOST_NAMED = 5


class Refusals:
    """The refusals of one process."""

    def __init__(self) -> None:
        #: How many there were since the start, by their reason.
        self.counts: Counter[str] = Counter()
        self._told: Counter[str] = Counter()
        self._senders: dict[str, dict[str, None]] = {}
        self._tell_at = 0.0

    def note(self, sender: str, reason: str) -> None:
        """Count a refusal.

        :param sender: the IP address it came from.
        :param reason: one of a few, in a word.
        """
        self.counts[reason] += 1
        named = self._senders.setdefault(reason, {})
        if len(named) < _MOST_NAMED:
            named[sender] = None

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
                "senders refused",
                extra={"reason": reason, "count": new, "among_them": ",".join(named)},
            )
        self._senders.clear()
