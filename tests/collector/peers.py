"""What real peers sent to a collector, packet by packet."""

from __future__ import annotations

from pathlib import Path

from flask_sipvault.protocols import hep
from flask_sipvault.protocols.fragments import Reassembler
from flask_sipvault.protocols.hep import HepPacket
from flask_sipvault.protocols.network import unwrap
from flask_sipvault.protocols.pcapfile import read_frames

FOLDER = Path(__file__).resolve().parent.parent / "data" / "peers"

_UDP_HEADER = 8


def packets(name: str) -> list[tuple[HepPacket, bytes]]:
    """Each HEP packet of a capture, read and as it was sent."""
    found = []
    fragments = Reassembler()
    with (FOLDER / name).open("rb") as file:
        for link, ts, frame, *_ in read_frames(file, lambda damage: None):
            packet = unwrap(link, ts, frame, fragments)
            assert packet is not None
            sent = bytes(packet.payload[_UDP_HEADER:])
            found.append((hep.parse(sent), sent))
    return found
