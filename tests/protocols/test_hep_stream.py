"""HEP3 as a stream: the agent's own over TLS, cut anywhere, and broken."""

from __future__ import annotations

import contextlib
import itertools
import json
from collections import Counter
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import hep
from flask_sipvault.protocols.hep import HepError
from flask_sipvault.protocols.hep import HepPacket
from flask_sipvault.protocols.hep_stream import HepReader

RECORDINGS = Path(__file__).resolve().parent.parent / "data" / "agent"
STREAM = (RECORDINGS / "hep_tls.heptls").read_bytes()
NAMES = {1: "HEP3/SIP", 5: "HEP3/RTCP", 100: "HEP3/LOG", 101: "HEP3/QUALITY"}


def read(data: bytes) -> list[HepPacket]:
    return list(HepReader().feed(data))


def test_the_agents_stream_holds_the_packets_that_were_counted_in_it() -> None:
    recorded = json.loads((RECORDINGS / "hep_tls.expected.json").read_text())

    packets = read(STREAM)

    counted = recorded["connections"][0]["frames"]
    assert Counter(NAMES[packet.protocol] for packet in packets) == counted


@given(st.lists(st.integers(0, len(STREAM)), max_size=40))
def test_pieces_cut_anywhere_give_the_same_packets(cuts: list[int]) -> None:
    places = [0, *sorted(cuts), len(STREAM)]
    reader = HepReader()

    packets = [
        packet
        for start, end in itertools.pairwise(places)
        for packet in reader.feed(STREAM[start:end])
    ]

    assert packets == read(STREAM)
    assert reader.pending == b""


def test_another_reader_goes_on_with_what_is_pending() -> None:
    one, other = HepReader(), HepReader()

    packets = [*one.feed(STREAM[:1000]), *other.feed(one.pending + STREAM[1000:])]

    assert packets == read(STREAM)


def test_a_packet_without_a_payload_is_counted_and_passed_over() -> None:
    good = hep.build(HepPacket(hep.SIP, b"x"))
    reader = HepReader()

    packets = list(reader.feed(b"HEP3\0\x06" + good))

    assert [packet.payload for packet in packets] == [b"x"]
    assert reader.bad_packets == 1


@pytest.mark.parametrize("data", [b"HEP3\0\x05", b"HEP3\0\0", b"HEP2..", b"GET / H"])
def test_a_stream_that_is_none_is_refused(data: bytes) -> None:
    with pytest.raises(HepError):
        read(data)


@given(st.binary(max_size=100))
def test_whatever_the_bytes_there_are_packets_or_a_hep_error(noise: bytes) -> None:
    for data in (noise, b"HEP3\0\x20" + noise):
        with contextlib.suppress(HepError):
            read(data)
