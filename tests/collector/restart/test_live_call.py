"""A collector that starts again in the middle of a call of real media servers."""

from __future__ import annotations

import json
import socket
from pathlib import Path

import pytest

from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.hep import HepPacket

from .. import peers
from ..live import wait_until
from ..processes import folder_vault
from ..processes import Process

CUSTOMERS = [
    {
        "id": "acme",
        "bucket": "acme",
        "token": "tok-acme",
        "hep_auth_key": "hepkey-acme-123456",
        "hep_sources": ["127.0.0.1"],
    }
]

#: How many packets came in the first 27 seconds, in which the call was up.
BEFORE = 19


@pytest.fixture(scope="module")
def packets() -> list[tuple[HepPacket, bytes]]:
    """What Kamailio and rtpengine sent of one call, in the order it was sent."""
    return peers.packets("rtpengine-call-kill9.hep.pcap")


def send(process: Process, packets: list[tuple[HepPacket, bytes]]) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for _, packet in packets:
            sender.sendto(packet, process.udp)


@pytest.mark.parametrize("end", ["kill -9", "stop", "takeover", "kill -9 twice"])
def test_all_of_a_call_is_in_the_vault_though_the_collector_started_again(
    end: str, packets: list[tuple[HepPacket, bytes]], tmp_path: Path
) -> None:
    settings = {"customers": json.dumps(CUSTOMERS), "partial_seconds": 1}
    sip = [packet for packet, _ in packets if packet.protocol == hep.SIP]
    call_id = sip[0].payload.partition(b"Call-ID: ")[2].split()[0].decode()
    vault = folder_vault(tmp_path)

    def found() -> Evidence | None:
        return vault.find(call_id)

    def confirmed() -> bool:
        call = found()
        if call is None or len(call.sip) + len(call.rtcp) < BEFORE:
            return False
        return bool(process.health()["parts_waiting"] == 0)

    process = Process(tmp_path, **settings).ready()
    send(process, packets[:BEFORE])
    wait_until(confirmed)

    if end == "takeover":
        successor = Process(tmp_path, "--takeover", **settings).ready()
        assert process.wait() == 0
        process = successor
    else:
        for _ in range(2 if end.endswith("twice") else 1):
            if end == "stop":
                assert process.stop() == 0
            else:
                process.kill()
            process = Process(tmp_path, **settings).ready()
    assert process.health()["calls"] == 1
    send(process, packets[BEFORE:])
    process.drain()
    assert process.stop() == 0

    call = found()
    assert call is not None
    assert call.state == "COMPLETE"
    assert call.damage == []
    assert (len(call.sip), len(call.rtcp)) == (13, 18)
