"""RTP made up packet by packet, with the losses and the jitter that a test wants."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.rtp_figures import StreamFigures
from flask_sipvault.protocols.rtp_stream import StreamMeter
from flask_sipvault.protocols.sdp import Codec
from flask_sipvault.protocols.sdp import STATIC_CODECS

PACKET_NS = 20_000_000


def none_lost(_second: float) -> float:
    """Every packet arrives."""
    return 0.0


def speech(
    src: Endpoint | None,
    dst: Endpoint | None,
    ssrc: int,
    *,
    start: int,
    seconds: float,
    lost: Callable[[float], float] = none_lost,
    late_ms: Callable[[float], float] = none_lost,
    payload_type: int = 0,
    codec: Codec | None = None,
) -> StreamFigures:
    """What is measured of a stream of packets of 20 ms.

    :param start: when it begins, in ns since the epoch.
    :param lost: of a second of the stream, the share of packets that get lost. They
        are lost evenly, so that five seconds lose what they should.
    :param late_ms: of a second of the stream, by how much packets are late at most.
    """
    codecs = STATIC_CODECS if codec is None else {payload_type: codec}
    meter = StreamMeter(ssrc, src, dst, codecs)
    chance = random.Random(ssrc)
    owed = 0.0
    packets = []
    for number in range(round(seconds * 50)):
        second = number / 50
        owed += lost(second)
        # The first of a stream arrives, or nobody knows of it.
        if owed >= 0.999 and number:
            owed -= 1
            continue
        late = round(late_ms(second) * 1e6 * chance.random())
        ts = start + number * PACKET_NS + late
        packets.append((ts, payload_type, number & 0xFFFF, number * 160, 160))
    meter.feed(packets)
    figures = meter.take()
    assert figures is not None
    return figures


def add_speech(evidence: Evidence, *args: Any, **how: Any) -> None:
    """Let a stream be part of a call's evidence."""
    evidence.media.append(speech(*args, **how))
