"""Work that several threads ask for at the same time, done once for all of them."""

from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Hashable
from concurrent.futures import Future
from typing import Any
from typing import cast
from typing import TypeVar

_T = TypeVar("_T")


class SingleFlight:
    """Runs each task once, however many threads ask for it while it runs.

    Nothing outlives the task: whoever asks afterwards starts it anew, also after an
    error.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: dict[Hashable, Future[Any]] = {}

    def run(self, key: Hashable, task: Callable[[], _T]) -> _T:
        """The task's value, of this thread's run or of the one that is under way.

        :param key: everything that the value depends on.
        :param task: must not ask for its own key.
        :raises Exception: what the task raised, in every thread that waited for it.
        """
        while True:
            with self._lock:
                running = self._running.get(key)
                if running is None:
                    own = self._running[key] = Future()
            if running is None:
                return self._run(key, own, task)
            try:
                return cast(_T, running.result())
            except BaseException:
                # The other thread was stopped, by its server say, without an answer:
                # one of those that waited takes over.
                if not running.cancelled():
                    raise

    def _run(self, key: Hashable, own: Future[Any], task: Callable[[], _T]) -> _T:
        try:
            value = task()
        except Exception as error:
            self._forget(key)
            own.set_exception(error)
            raise
        except BaseException:
            self._forget(key)
            own.cancel()
            raise
        self._forget(key)
        own.set_result(value)
        return value

    def _forget(self, key: Hashable) -> None:
        # Before those who wait get the outcome: nobody may come upon an old one.
        with self._lock:
            del self._running[key]
