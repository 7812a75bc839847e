"""How many requests for calls one process works on at the same time.

A page of a long call takes a processor for seconds. Where the host has many threads, a
limit below their number keeps some of them for the host's own pages.
"""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager

from .errors import BusyError


class Slots:
    """Places for requests.

    :param most: how many there are; 0 for no limit.
    """

    def __init__(self, most: int) -> None:
        self._free = threading.BoundedSemaphore(most) if most else None

    @contextmanager
    def taken(self) -> Iterator[None]:
        """Hold one of them.

        :raises BusyError: at once, where all are taken: whoever waited for one would
            keep a thread from the host.
        """
        if self._free is None:
            yield
            return
        if not self._free.acquire(blocking=False):
            raise BusyError
        try:
            yield
        finally:
            self._free.release()
