from __future__ import annotations

import contextlib
import io
import json
import subprocess
import zipfile
from collections import defaultdict
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.evidence import CaptureFacts
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.evidence import State
from flask_sipvault.evidence import Transport
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.pcapwriter import MAX_TS
from flask_sipvault.protocols.rtp_figures import StreamFigures
from flask_sipvault.vault import archive
from flask_sipvault.vault import bundle
from flask_sipvault.vault.bundle import BundleError
from flask_sipvault.vault.bundle import OtherCallError

from ..wire import ALICE6
from ..wire import BOB6
from ..wire import icmp
from ..wire import tcp
from ..wire import udp

T = 1_795_000_000_123_456_789
ALICE, BOB = Endpoint("192.0.2.1", 5060), Endpoint("198.51.100.2", 5061)
CALL_ID, CUSTOMER = "1-2345@192.0.2.1", "acme"

NETWORK_PACKETS = [
    icmp(3, 4, udp(b"INVITE sip:b@h SIP/2.0\r\n"), mtu=1400, quoted=60),
    icmp(2, 0, udp(b"INVITE sip:b@h SIP/2.0\r\n", ALICE6, BOB6), mtu=1280),
    icmp(3, 3, udp(b"INVITE sip:b@h SIP/2.0\r\n"), quoted=500)[:60],
    tcp(0x04),
    tcp(0x02),
]

endpoints = st.builds(
    Endpoint,
    st.ip_addresses(v=4).map(str)
    | st.ip_addresses(v=6).map(str).filter(lambda ip: not ip.startswith("::ffff:")),
    st.integers(0, 65535),
)
times = st.integers(0, MAX_TS)
json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3)
    ),
    max_leaves=8,
)
objects = st.dictionaries(st.text(), json_values, max_size=4)
streams = st.builds(
    StreamFigures,
    st.integers(0, 0xFFFF_FFFF),
    st.none() | endpoints,
    st.none() | endpoints,
    *([times] * 4),
)
lines = st.binary(max_size=80).map(lambda raw: raw.decode("utf-8", "surrogateescape"))
evidences = st.builds(
    Evidence,
    customer_id=st.text(min_size=1),
    call_id=st.text(),
    state=st.sampled_from(get_args(State)),
    sip=st.lists(
        st.builds(
            SipPacket,
            times,
            endpoints,
            endpoints,
            st.sampled_from(get_args(Transport)),
            st.binary(max_size=200),
            fragments=st.integers(0, 3),
        )
        | st.builds(
            SipPacket,
            times,
            endpoints,
            endpoints,
            st.sampled_from(("udp", "tcp", "tls", "ws")),
            st.binary(max_size=200),
            st.integers(1, 60_000),
            st.sampled_from(("cut", "fragments")),
        )
    ),
    rtcp=st.lists(
        st.builds(
            RtcpDatagram,
            times,
            st.none() | endpoints.filter(lambda end: end.port != 0),
            st.none() | endpoints.filter(lambda end: end.port != 0),
            st.binary(max_size=200),
        )
    ),
    logs=st.lists(st.builds(LogLine, times, lines, lines)),
    reports=st.lists(st.builds(QualityReport, times, objects)),
    media=st.lists(streams),
    other_media=st.lists(objects),
    network=st.lists(
        st.builds(
            lambda ts, packet: NetworkEvent.read(ts, packet),
            times,
            st.sampled_from(NETWORK_PACKETS),
        )
    ),
    capture=st.builds(
        CaptureFacts,
        *([st.integers(0, 1 << 40)] * 6),
        st.lists(st.integers(0, 300), unique=True).map(sorted),
        st.sampled_from((None, True, False)),
    ),
    agents=st.lists(st.text()),
)


def a_call(**changes: Any) -> Evidence:
    """A call with something of everything."""
    transports: list[Transport] = ["udp", "tls", "tls", "ws", "sctp", "tcp"]
    call = Evidence(
        CUSTOMER,
        CALL_ID,
        sip=[
            SipPacket(T + i, ALICE, BOB, transport, b"INVITE %d" % i)
            for i, transport in enumerate(transports)
        ],
        rtcp=[RtcpDatagram(T + i, None, None, b"\x80\xc8%d" % i) for i in range(3)],
        logs=[LogLine(T + i, "kamailio.log", f"line {i} \udcff é") for i in range(50)],
        reports=[QualityReport(T, {"summary": {"mos": 4.1}})],
        media=[StreamFigures(1, ALICE, BOB, T, T + 1, 7, 7)],
        other_media=[{"ssrc": "0x00000001", "lost": None}],
        network=[
            event
            for i, packet in enumerate(NETWORK_PACKETS)
            if (event := NetworkEvent.read(T + i, packet)) is not None
        ],
        capture=CaptureFacts(2, 300, 1, 4, 1, link_types=[1], has_rtp=True),
        agents=["edge-1"],
    )
    return replace(call, **changes)


def unpack(data: bytes, *, customer_id: str = CUSTOMER, call_id: str = CALL_ID) -> Any:
    return bundle.unpack(data, customer_id=customer_id, call_id=call_id)


def with_member(data: bytes, name: str, content: bytes) -> bytes:
    """The part with one member replaced."""
    return archive.write({**archive.read(data)[0], name: content})


@given(evidences)
def test_all_that_was_captured_comes_back_as_it_was(evidence: Evidence) -> None:
    evidence.sort()
    unpacked = bundle.unpack(
        bundle.pack(evidence),
        customer_id=evidence.customer_id,
        call_id=evidence.call_id,
    )
    assert unpacked == evidence


def test_the_sample_has_every_packet_of_the_network() -> None:
    assert len(a_call().network) == len(NETWORK_PACKETS)


def test_a_part_of_before_there_were_packets_of_the_network_is_read() -> None:
    call = a_call(network=[], capture=CaptureFacts())
    contents = archive.read(bundle.pack(call))[0]
    assert set(json.loads(contents["manifest.json"])) == {
        *("format", "customer_id", "call_id", "state", "first_ts", "last_ts"),
        *("counts", "agents", "transports"),
    }
    assert "network.pcap" not in contents
    assert unpack(bundle.pack(call)) == call


def test_a_member_that_a_later_version_adds_does_no_harm() -> None:
    part = with_member(bundle.pack(a_call()), "later.bin", b"whatever")
    assert unpack(part) == a_call()


def test_packets_of_the_network_that_are_damaged_are_told() -> None:
    part = with_member(bundle.pack(a_call()), "network.pcap", b"damaged")
    read = unpack(part)
    assert read.network == []
    assert read.damage == [
        "network.pcap: 0 of 5 could be read (it does not begin as it was written)"
    ]
    assert read.sip == a_call().sip


@given(json_values, json_values, json_values)
def test_facts_of_the_capture_that_are_none_are_passed_over(
    capture: Any, incomplete: Any, fragments: Any
) -> None:
    contents = archive.read(bundle.pack(a_call()))[0]
    manifest = json.loads(contents["manifest.json"])
    manifest |= {
        "capture": {"frames_cut": capture, "link_types": incomplete, "has_rtp": 7},
        "incomplete": incomplete,
        "fragments": fragments,
    }
    part = with_member(
        bundle.pack(a_call()), "manifest.json", json.dumps(manifest).encode()
    )
    assert len(unpack(part).sip) == len(a_call().sip)


def test_wireshark_says_what_was_cut_off_and_what_the_network_said(
    tmp_path: Path, need_tool: Callable[[str], str]
) -> None:
    tshark = need_tool("tshark")
    cut = SipPacket(T, ALICE, BOB, "udp", b"INVITE sip:b@h SIP/2.0\r\n", 500, "cut")
    contents = archive.read(bundle.pack(a_call(sip=[cut])))[0]

    def shown(name: str, *fields: str) -> list[str]:
        path = tmp_path / name
        path.write_bytes(contents[name])
        wanted = [word for field in fields for word in ("-e", field)]
        command = [tshark, "-n", "-r", str(path), "-T", "fields", *wanted]
        out = subprocess.run(command, check=True, capture_output=True, text=True)
        return out.stdout.splitlines()

    (lengths,) = shown("sip.pcap", "frame.len", "frame.cap_len")
    captured = 28 + len(cut.payload)
    assert lengths.split() == [str(captured + 500), str(captured)]
    fields = "icmp.type", "icmp.mtu", "icmpv6.type", "tcp.flags.reset", "udp.dstport"
    first, second, third, reset, syn = (
        line.split("\t") for line in shown("network.pcap", *fields)
    )
    assert first == ["3", "1400", "", "", "5060"]
    assert second[2] == "2"
    assert third[0] == "3"
    assert (reset[3], syn[3]) == ("1", "0")


@pytest.mark.parametrize("transport", ["udp", "tcp", "tls"])
@pytest.mark.parametrize("size", [0, 65507, 65508, 66_000, 1 << 20])
def test_a_message_of_any_size_comes_back(transport: Transport, size: int) -> None:
    call = a_call(sip=[SipPacket(T, ALICE, BOB, transport, b"x" * size)])
    assert unpack(bundle.pack(call)) == call


def test_rtcp_as_json_comes_back_as_it_came() -> None:
    long = json.dumps({"sdes_information": "x" * 70_000}).encode()
    call = a_call(
        rtcp=[
            RtcpDatagram(T, ALICE, None, b'{"ssrc": 1}'),
            RtcpDatagram(T, None, BOB, long),
        ]
    )
    assert unpack(bundle.pack(call)) == call


def test_what_came_out_of_order_is_kept_in_order() -> None:
    call = a_call()
    shuffled = a_call(sip=call.sip[::-1], rtcp=call.rtcp[::-1], logs=call.logs[::-1])
    assert bundle.pack(shuffled) == bundle.pack(call)
    assert shuffled.sip == call.sip[::-1]


def test_the_same_evidence_is_the_same_bytes() -> None:
    assert bundle.pack(a_call()) == bundle.pack(a_call())


def test_what_is_found_out_on_reading_is_not_kept() -> None:
    read = a_call(parts=["key"], damage=["broken"], legs=[("replaces", "other")])
    assert bundle.pack(read) == bundle.pack(a_call())


@pytest.mark.parametrize(("ts", "kept"), [(-1, 0), (1 << 63, MAX_TS)])
def test_an_impossible_time_is_moved_to_the_nearest_possible(
    ts: int, kept: int
) -> None:
    call = a_call(
        sip=[SipPacket(ts, ALICE, BOB, "udp", b"x")],
        rtcp=[RtcpDatagram(ts, None, None, b"x")],
        logs=[LogLine(ts, "", "x")],
        reports=[QualityReport(ts, {})],
        network=[replace(a_call().network[0], ts=ts)],
        media=[],
    )
    assert set(unpack(bundle.pack(call)).times()) == {kept}


def test_the_manifest_says_whose_part_it_is_and_what_is_in_it() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(a_call()))) as opened:
        manifest = json.loads(opened.read("manifest.json"))
        assert opened.namelist() == [
            *("manifest.json", "sip.pcap", "rtcp.pcap"),
            *("logs.ndjson", "quality.json", "media.json", "network.pcap"),
        ]
    assert manifest == {
        "format": 1,
        "customer_id": CUSTOMER,
        "call_id": CALL_ID,
        "state": "COMPLETE",
        "first_ts": T,
        "last_ts": T + 49,
        "counts": {
            "sip": 6,
            "rtcp": 3,
            "logs": 50,
            "reports": 1,
            "media": 2,
            "network": 5,
        },
        "agents": ["edge-1"],
        "transports": [
            *(["udp", 1], ["tls", 2], ["ws", 1], ["sctp", 1], ["tcp", 1]),
        ],
        "capture": {
            "frames_cut": 2,
            "cut_at": 300,
            "fragments_missing": 1,
            "duplicates": 4,
            "clock_steps": 1,
            "network_left_out": 0,
            "link_types": [1],
            "has_rtp": True,
        },
    }


def test_every_member_is_what_its_name_says() -> None:
    with zipfile.ZipFile(io.BytesIO(bundle.pack(a_call()))) as opened:
        lines = opened.read("logs.ndjson").splitlines()
        assert json.loads(lines[0])["source"] == "kamailio.log"
        assert json.loads(opened.read("quality.json"))[0]["report"]["summary"]
        assert len(json.loads(opened.read("media.json"))) == 2
    with zipfile.ZipFile(io.BytesIO(bundle.pack(Evidence("a", "b")))) as opened:
        assert json.loads(opened.read("media.json")) == []


@pytest.mark.parametrize(
    "asked", [{"call_id": "another"}, {"customer_id": "another"}, {"call_id": ""}]
)
def test_a_part_of_another_call_or_customer_is_refused(asked: dict[str, str]) -> None:
    with pytest.raises(OtherCallError):
        unpack(bundle.pack(a_call()), **asked)


@pytest.mark.parametrize(
    "manifest",
    [b"", b"{", b"[]", b"null", b'{"format": 2}', b"[" * 100_000, b"\xff"],
)
def test_a_part_that_does_not_say_whose_it_is_is_refused(manifest: bytes) -> None:
    data = with_member(bundle.pack(a_call()), "manifest.json", manifest)
    with pytest.raises(BundleError):
        unpack(data)


def test_a_part_cut_off_gives_what_comes_before_the_cut() -> None:
    data = bundle.pack(a_call())
    whole = unpack(data)
    half = unpack(data[: data.index(b"logs.ndjson") + 60])
    assert (half.sip, half.rtcp) == (whole.sip, whole.rtcp)
    assert half.reports == []
    assert half.damage[0] == "logs.ndjson: damaged in the zip file"
    assert "quality.json: 0 of 1 could be read (the file is missing)" in half.damage


def test_a_broken_capture_gives_the_messages_before_the_break() -> None:
    data = bundle.pack(a_call())
    sip = archive.read(data)[0]["sip.pcap"]
    broken = unpack(with_member(data, "sip.pcap", sip[:-1]))
    assert broken.sip == a_call().sip[:-1]
    assert broken.logs == a_call().logs
    assert broken.damage == ["sip.pcap: 5 of 6 could be read (it is cut off)"]


@pytest.mark.parametrize(
    "line",
    [
        b"{",
        b"\xff",
        b'{"ts": "1", "source": "", "line": ""}',
        b'{"ts": 1, "source": "", "line": null}',
        b"[" * 100_000,
        b'{"ts": ' + b"9" * 5000 + b"}",
    ],
)
def test_a_bad_line_costs_that_line(line: bytes) -> None:
    data = bundle.pack(a_call())
    logs = archive.read(data)[0]["logs.ndjson"].splitlines()
    logs[7] = line
    broken = unpack(with_member(data, "logs.ndjson", b"\n".join(logs)))
    assert broken.logs == a_call().logs[:7] + a_call().logs[8:]
    assert broken.damage == ["logs.ndjson: 49 of 50 could be read"]


def test_a_json_file_cut_off_gives_what_comes_before_the_cut() -> None:
    data = bundle.pack(a_call())
    media = archive.read(data)[0]["media.json"]
    broken = unpack(with_member(data, "media.json", media[:-5]))
    assert broken.media == a_call().media[:1]
    assert broken.damage == ["media.json: 1 of 2 could be read"]


@pytest.mark.parametrize(
    "changes",
    [
        {"state": "WHATEVER"},
        {"state": ["COMPLETE"]},
        {"agents": "edge"},
        {"agents": [1, None]},
        {"counts": []},
        {"counts": {"sip": "many"}},
        {"transports": None},
        {"transports": [["tls", 10**18]]},
        {"transports": [["carrier pigeon", 1], ["tls"], 7]},
        {"transports": [["tls", -1]]},
    ],
)
def test_a_manifest_with_odd_values_does_not_stop_the_reading(
    changes: dict[str, Any],
) -> None:
    data = bundle.pack(a_call())
    manifest = json.loads(archive.read(data)[0]["manifest.json"])
    odd = json.dumps({**manifest, **changes}).encode()
    read = unpack(with_member(data, "manifest.json", odd))
    assert [packet.payload for packet in read.sip] == [
        packet.payload for packet in a_call().sip
    ]
    assert read.state in get_args(State)
    assert all(packet.transport in get_args(Transport) for packet in read.sip)
    assert all(isinstance(agent, str) for agent in read.agents)


def test_a_bomb_is_refused() -> None:
    data = bundle.pack(a_call())
    file = io.BytesIO(data)
    with zipfile.ZipFile(file, "a", zipfile.ZIP_DEFLATED) as opened:
        opened.writestr("more.json", bytes(archive.LARGE + 1))
    with pytest.raises(BundleError, match="refused"):
        unpack(file.getvalue())


def test_too_much_for_one_part_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(archive, "MAX_TOTAL", 1000)
    with pytest.raises(BundleError, match="too many"):
        bundle.pack(a_call())


def test_what_is_no_json_is_refused() -> None:
    deep: list[Any] = []
    for _ in range(100_000):
        deep = [deep]
    for report in ({"deep": deep}, {"set": {1}}):
        with pytest.raises(BundleError, match="cannot be kept"):
            bundle.pack(a_call(reports=[QualityReport(T, report)]))


@given(st.binary(max_size=300))
def test_whatever_the_bytes_evidence_or_the_error(data: bytes) -> None:
    with pytest.raises(BundleError):
        unpack(data)


PART = bundle.pack(a_call())
CONTENTS = archive.read(PART)[0]


@given(st.data())
def test_a_part_with_changes_is_read_as_far_as_it_goes(data: st.DataObject) -> None:
    """Changed within the members, so that no checksum of the zip stands before them."""
    name = data.draw(st.sampled_from(sorted(CONTENTS)))
    changed = bytearray(CONTENTS[name])
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, max(len(changed) - 1, 0)))
        changed[at : at + data.draw(st.integers(0, 3))] = data.draw(
            st.binary(max_size=3)
        )
    try:
        read = unpack(with_member(PART, name, bytes(changed)))
    except BundleError:
        assert name == "manifest.json"
    else:
        assert (read.customer_id, read.call_id) == (CUSTOMER, CALL_ID)
        json.dumps([packet.ts for packet in read.sip])


@given(st.data())
def test_a_zip_file_with_changes_is_evidence_or_the_error(data: st.DataObject) -> None:
    at = data.draw(st.integers(0, len(PART) - 1))
    cut = data.draw(st.integers(0, 20))
    changed = PART[:at] + data.draw(st.binary(max_size=8)) + PART[at + cut :]
    with contextlib.suppress(BundleError):
        unpack(changed)


def calls_of(capture: Path) -> dict[str, Evidence]:
    """The SIP of a recording by Call-ID."""
    calls: dict[str, Evidence] = defaultdict(lambda: Evidence(CUSTOMER, ""))
    with capture.open("rb") as file:
        for item in read_capture(file):
            if item.kind == "sip" and item.src and item.dst and item.call_id:
                packet = SipPacket(
                    item.ts, item.src, item.dst, item.transport, item.payload
                )
                calls[item.call_id].sip.append(packet)
    for call_id, call in calls.items():
        call.call_id = call_id
        call.sort()
    return calls


def test_the_recordings_of_the_agent_come_back_as_they_were(agent_corpus: Path) -> None:
    captures = sorted(agent_corpus.glob("*.pcap"))
    count = 0
    for capture in captures:
        for call_id, call in calls_of(capture).items():
            assert unpack(bundle.pack(call), call_id=call_id) == call
            count += 1
    assert count > 200


@pytest.mark.parametrize(
    "name", ["answered_rtcp", "sip_tcp", "ipv6_udp", "fragmented", "strange_callid"]
)
def test_wireshark_reads_the_same_messages_in_the_part_as_in_the_recording(
    name: str, agent_corpus: Path, tmp_path: Path, need_tool: Callable[[str], str]
) -> None:
    tshark = need_tool("tshark")

    def messages(capture: Path, call_id: str) -> list[str]:
        command = [tshark, "-n", "-r", str(capture), "-Y", "sip", "-T", "fields"]
        for field in ("sip.Request-Line", "sip.Status-Line", "sip.Call-ID"):
            command += ["-e", field]
        run = subprocess.run(command, capture_output=True, check=True)
        return [
            row for row in run.stdout.decode().splitlines() if row.endswith(call_id)
        ]

    for call_id, call in list(calls_of(agent_corpus / f"{name}.pcap").items())[:3]:
        inner = tmp_path / "sip.pcap"
        inner.write_bytes(archive.read(bundle.pack(call))[0]["sip.pcap"])
        read = messages(inner, call_id)
        assert len(read) == len(call.sip) > 0
        assert read == messages(agent_corpus / f"{name}.pcap", call_id)


def test_our_own_reader_of_captures_reads_the_part_too() -> None:
    body = b"x" * 66_000
    payload = (
        b"INVITE sip:b@example.net SIP/2.0\r\nVia: SIP/2.0/TCP h;branch=z9hG4bK1\r\n"
        b"Call-ID: 1@h\r\nCSeq: 1 INVITE\r\nContent-Length: %d\r\n\r\n" % len(body)
    ) + body
    for transport in get_args(Transport):
        packet = SipPacket(T, ALICE, BOB, transport, payload)
        inner = archive.read(bundle.pack(a_call(sip=[packet])))[0]["sip.pcap"]
        [read] = read_capture(io.BytesIO(inner))
        assert (read.ts, read.src, read.dst) == (T, ALICE, BOB)
        assert read.payload == payload
