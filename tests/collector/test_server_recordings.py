"""What the real agent and others sent, over real sockets into the vault."""

from __future__ import annotations

import socket
import ssl
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import dpkt
import pytest
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols import hep

from .conftest import items_of
from .conftest import recorded
from .live import Live
from .live import recording
from .live import wait_until
from .test_recordings import owner
from .test_recordings import SCENARIOS
from .test_recordings import sequence


def lines_of(call: Evidence) -> Counter[bytes]:
    return Counter(line.line.encode("utf-8", "surrogateescape") for line in call.logs)


def check(expected: dict[str, Any], live: Live) -> None:
    """The vault holds what was counted in the recording, and nothing else."""
    calls = {
        call_id: call["wire"]
        for call_id, call in expected["calls"].items()
        if {"INVITE", "BYE"} & set(call["wire"]["sip_sequence"])
    }
    files = [connection["file"] for connection in expected["connections"]]
    lines: dict[str, Counter[bytes]] = {call_id: Counter() for call_id in calls}
    for item in (item for file in files for item in items_of(file)):
        if item.kind == "log":
            text = item.payload.decode("utf-8", "replace")
            whose = owner(text, item.call_id, list(calls))
            lines[whose][item.payload.rstrip(b"\r\n")] += 1

    for call_id in expected["calls"].keys() - calls.keys():
        assert live.find(call_id) is None
    for call_id, wire in calls.items():
        call = live.call(call_id)
        assert Counter(sequence(call)) == Counter(wire["sip_sequence"])
        assert len(call.rtcp) == wire["rtcp"]
        reports = [report.report for report in call.reports]
        assert Counter(map(repr, reports)) == Counter(
            map(repr, wire["data_quality_json"])
        )
        assert lines_of(call) == lines[call_id]
    assert live.spooled() == 0
    assert live.server.gate.bad.total() == 0
    assert live.server.gate.errors == 0


def let_end(live: Live) -> None:
    """Until every call is written, those included whose end was not seen."""
    live.pass_time(40)
    live.pass_time(5 * 3600)


@pytest.mark.parametrize("way", ["plain", "tls"])
@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recording_gives_the_calls_that_were_counted_in_it(
    scenario: str, way: str, live_with_tls: Live, trusting: ssl.SSLContext
) -> None:
    expected = recorded(scenario)
    context = trusting if way == "tls" else None

    for connection in expected["connections"]:
        live_with_tls.deliver(recording(connection["file"]), context)
    let_end(live_with_tls)

    check(expected, live_with_tls)


def test_a_connection_may_deliver_byte_by_byte(live: Live) -> None:
    stream = recording("quality_rtcp0.svwire")
    with live.connect() as connection:
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        for place in range(len(stream)):
            connection.sendall(stream[place : place + 1])
        wait_until(lambda: live.server.gate.bytes.total() == len(stream))
    let_end(live)

    check(recorded("quality_rtcp0.expected.json"), live)


@settings(max_examples=6, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_it_makes_no_difference_where_the_stream_is_cut(
    data: st.DataObject, live: Live
) -> None:
    """Nor that the same came before: what is there already is kept once."""
    stream = recording("proxy_baresip.svwire")
    cuts = sorted(data.draw(st.lists(st.integers(0, len(stream)), max_size=40)))
    places = zip([0, *cuts], [*cuts, len(stream)], strict=True)

    live.deliver(stream[i:j] for i, j in places)
    let_end(live)

    check(recorded("proxy_baresip.expected.json"), live)


def packets_of(stream: bytes) -> Iterator[bytes]:
    while length := hep.frame_length(stream[: 1 << 16]):
        yield stream[:length]
        stream = stream[length:]


def test_hep_of_the_agent_may_come_as_datagrams(live: Live) -> None:
    packets = list(packets_of(recording("hep_tls.heptls")))
    send_datagrams(live, packets)
    let_end(live)

    check(recorded("hep_tls.expected.json"), live)


def send_datagrams(live: Live, packets: list[bytes]) -> None:
    """Not faster than they are read, and from an allowed source."""
    counts = live.server.gate
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        sender.bind(("127.9.9.1", 0))
        for packet in packets:
            seen = counts.bytes["hep-udp"]
            sender.sendto(packet, live.udp)
            wait_until(lambda seen=seen: counts.bytes["hep-udp"] > seen)


HEP_CAPTURES = [
    "hep3_kamailio_siptrace.pcap",
    "hep3_sngrep_ipv6.pcap",
    "hep3_sngrep_proxy.pcap",
    "hepwireshark_hep3_compressed.pcapng",
    "hepwireshark_hep.pcap",
]


@pytest.mark.parametrize("way", ["udp", "tcp"])
@pytest.mark.parametrize("name", HEP_CAPTURES)
def test_captures_of_other_senders_of_hep_give_their_calls(
    name: str, way: str, live: Live, public_corpus: Path, expected: Any
) -> None:
    capture = public_corpus / "hep" / name
    if not capture.exists():
        pytest.skip("this capture is not there")
    packets = list(datagrams_in(capture))
    counted = expected(capture)
    assert len(packets) == counted["packets"]

    if way == "tcp":
        packets = [packet for packet in packets if packet.startswith(hep.MAGIC)]
        with live.connect(source="127.9.9.1") as connection:
            connection.sendall(b"".join(packets))
            size = sum(map(len, packets))
            wait_until(lambda: live.server.gate.bytes.total() == size)
    else:
        send_datagrams(live, packets)
    let_end(live)

    assert live.server.gate.refusals.counts.total() == 0
    if not packets:
        return  # older versions of HEP are not for streams
    for call_id, call in counted["calls"].items():
        if {"INVITE", "BYE"} & set(call["sequence"]):
            assert Counter(sequence(live.call(call_id))) == Counter(call["sequence"])
        else:
            assert live.find(call_id) is None


def datagrams_in(capture: Path) -> Iterator[bytes]:
    """The payload of every UDP datagram that holds HEP, as dpkt finds it."""
    with capture.open("rb") as file:
        reader = dpkt.pcap.UniversalReader(file)
        cooked = reader.datalink() == dpkt.pcap.DLT_LINUX_SLL
        for _, frame in reader:
            packet: Any = (dpkt.sll.SLL if cooked else dpkt.ethernet.Ethernet)(frame)
            while not isinstance(packet, (bytes, dpkt.udp.UDP)):
                packet = packet.data
            if isinstance(packet, dpkt.udp.UDP) and hep.looks_like_hep(packet.data):
                yield bytes(packet.data)
