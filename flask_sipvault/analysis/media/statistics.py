"""A figure over the call, out of its values bucket by bucket."""

from __future__ import annotations

from collections.abc import Sequence

from .quality import Statistics
from .quality import UNMEASURED


def statistics_of(values: Sequence[tuple[float | None, float]]) -> Statistics:
    """The spread of values, each with what it counts in the mean.

    None is left out. Percentiles lie between values in proportion, and count each
    value once.
    """
    known = [(value, weight) for value, weight in values if value is not None]
    if not known:
        return UNMEASURED
    ranked = sorted(value for value, _ in known)
    weight = sum(weight for _, weight in known)
    if weight > 0:
        mean = sum(value * share for value, share in known) / weight
    else:
        mean = sum(ranked) / len(ranked)
    # Rounding must not carry a mean out of what it is the mean of.
    mean = min(max(mean, ranked[0]), ranked[-1])
    return Statistics(
        *(
            round(value, 3)
            for value in (
                mean,
                ranked[0],
                ranked[-1],
                percentile(ranked, 0.05),
                percentile(ranked, 0.95),
            )
        )
    )


def percentile(ranked: Sequence[float], share: float) -> float:
    """The value that so large a share of the others does not exceed.

    :param ranked: in rising order; at least one.
    """
    place = share * (len(ranked) - 1)
    below = int(place)
    above = min(below + 1, len(ranked) - 1)
    return ranked[below] + (ranked[above] - ranked[below]) * (place - below)
