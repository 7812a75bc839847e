"""A key that tells how many threads have asked for it, so that a test can hold a task
until all of them wait for it.
"""

from __future__ import annotations

import threading

#: Seconds after which a test has failed.
LONG = 60


class CountedKey:
    """Equal to itself alone. It is hashed whenever somebody looks it up."""

    def __init__(self) -> None:
        self._hashed = threading.Semaphore(0)

    def __hash__(self) -> int:
        self._hashed.release()
        return 1

    def wait_for(self, times: int) -> None:
        """Wait until it was hashed that often."""
        for _ in range(times):
            assert self._hashed.acquire(timeout=LONG)
