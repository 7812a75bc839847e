"""Numbers of ``media.json``, which may have been damaged in the store."""

from __future__ import annotations

import math
from typing import Any


def is_count(value: object) -> bool:
    """Whether this can be a number of packets, or a time in ns until the year 2262."""
    return type(value) is int and 0 <= value < 1 << 63


def count_of(value: Any) -> int:
    """A number of packets or bytes, or a time in ns.

    :raises TypeError: if it is none.
    """
    if not is_count(value):
        raise TypeError("not a number that can be")
    return int(value)


def measure_of(value: Any) -> float | None:
    """Something measured, None where it was not.

    :raises TypeError: if it is anything else.
    """
    if value is None:
        return None
    if not isinstance(value, int | float) or not math.isfinite(value):
        raise TypeError("not a number")
    return float(value)


def rounded(ms: float | None) -> float | None:
    """Milliseconds as they are written: to the microsecond."""
    return None if ms is None else round(ms, 3)
