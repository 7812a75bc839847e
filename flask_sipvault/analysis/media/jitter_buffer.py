"""The jitter buffer that listeners are taken to have.

Nobody tells how a phone's buffer works, and with loss and delay it decides what is
heard. Ours adapts: on average it holds a packet for twice the jitter, and for 40 ms at
least (:func:`.emodel.mouth_to_ear_ms`). What comes later than that is lost to the
listener.
"""

from __future__ import annotations

import math

from .emodel import JITTER_BUFFER_MS


def discarded_percent(jitter_ms: float | None) -> float:
    """How much of what arrives comes too late for the buffer.

    Delay is taken to vary normally. The jitter of RFC 3550 is the mean difference of
    two packets' delays: 2/√π of their deviation. So jitter of 20 ms and more costs
    1.2 %, of 10 ms nothing worth naming.

    :param jitter_ms: None counts as none.
    """
    if not jitter_ms or jitter_ms <= 0:
        return 0.0
    deviation = jitter_ms * math.sqrt(math.pi) / 2
    held = max(JITTER_BUFFER_MS, 2 * jitter_ms)
    return 50 * math.erfc(held / deviation / math.sqrt(2))
