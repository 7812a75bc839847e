"""Whether eight times the text costs no more than about eight times the CPU time."""

from __future__ import annotations

import gc
import time
from collections.abc import Callable
from contextlib import suppress

#: Eight, and what caches, memory and a busy machine add to it.
MOST_TIMES = 12

#: What is done within this, in seconds of CPU time, shows nothing about its growth.
FLOOR = 0.008

#: No noise explains so many times.
_NO_NOISE = 40

#: How often a measurement is repeated that looks bad; the least counts.
_ATTEMPTS = 5


def cost(work: Callable[[], object]) -> float:
    """Seconds of this thread's CPU time; other processes do not count, nor does the
    collection of garbage, which grows with all that the tests have loaded.
    """
    gc.disable()
    try:
        begun = time.thread_time()
        work()
        return time.thread_time() - begun
    finally:
        gc.enable()


def growth(work: Callable[[str], object], text: Callable[[int], str], n: int) -> str:
    """What is wrong with how the cost grows from ``n`` characters to eight times as
    many; "" if nothing is.

    :param work: reads the text, and may raise :class:`ValueError` at it.
    """

    def run(content: str) -> Callable[[], object]:
        def read() -> None:
            with suppress(ValueError):
                work(content)

        return read

    large = run(text(8 * n))
    more = cost(large)
    if more <= FLOOR:
        return ""
    small = run(text(n))
    less = cost(small)
    for _ in range(_ATTEMPTS):
        if more <= max(FLOOR, MOST_TIMES * less):
            return ""
        if more > _NO_NOISE * less:
            break
        # Rises of the small one by noise would hide something; both take their least.
        more = min(more, cost(large))
        less = min(less, cost(small))
    if more <= max(FLOOR, MOST_TIMES * less):
        return ""
    return f"{less * 1000:.2f} ms, then {more * 1000:.2f} ms: {more / less:.0f} times"
