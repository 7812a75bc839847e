"""What the protocols' tests share: datagrams out of recordings."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest


@pytest.fixture(scope="session")
def udp_payloads() -> Callable[[Path], list[bytes]]:
    """The payloads of a capture's UDP datagrams, in order. Read by dpkt, so that a
    parser's test does not rest on our own reader of captures.
    """

    def read(capture: Path) -> list[bytes]:
        with capture.open("rb") as file:
            frames = [frame for _, frame in dpkt.pcap.Reader(file)]
        packets = (dpkt.ethernet.Ethernet(frame).data for frame in frames)
        datagrams = (getattr(packet, "data", None) for packet in packets)
        return [one.data for one in datagrams if isinstance(one, dpkt.udp.UDP)]

    return read
