"""One form for what comes by frames and by HEP."""

from __future__ import annotations

import json
from collections import Counter
from collections import defaultdict
from dataclasses import replace
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.collector.items import from_frame
from flask_sipvault.collector.items import from_hep
from flask_sipvault.collector.items import Item
from flask_sipvault.protocols import capture
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.agent import BadFrame
from flask_sipvault.protocols.agent import Frame
from flask_sipvault.protocols.agent import Handshake
from flask_sipvault.protocols.agent import HandshakeAck
from flask_sipvault.protocols.agent import Heartbeat
from flask_sipvault.protocols.agent import HeartbeatAck
from flask_sipvault.protocols.agent import LogFrame
from flask_sipvault.protocols.agent import MediaWatch
from flask_sipvault.protocols.agent import QualityFrame
from flask_sipvault.protocols.agent import RtcpFrame
from flask_sipvault.protocols.agent import SipFrame
from flask_sipvault.protocols.hep import HepPacket

from .conftest import CALLEE
from .conftest import CALLER
from .conftest import TS

INVITE = b"INVITE sip:b SIP/2.0\r\nCall-ID: a@b\r\nCSeq: 1 invite\r\n\r\n"
SIPPULSE = {hep.SIPPULSE_CUSTOMER: b"acme", hep.SIPPULSE_TOKEN: b"t"}


def packet(protocol: int, payload: bytes, **changes: object) -> HepPacket:
    known = HepPacket(protocol, payload, TS, CALLER, CALLEE, "tls", "7", "c@d")
    return replace(known, **changes)  # type: ignore[arg-type]


def test_a_message_in_a_frame() -> None:
    frame = SipFrame(TS, "named@b", CALLER, CALLEE, INVITE)

    assert from_frame(frame, "acme", agent="proxy", sender="192.0.2.9") == Item(
        customer_id="acme",
        call_id="a@b",
        kind="sip",
        ts=TS,
        src=CALLER,
        dst=CALLEE,
        transport="udp",
        payload=INVITE,
        agent="proxy",
        sender="192.0.2.9",
        cseq_method="INVITE",
        of_call=False,
    )


@pytest.mark.parametrize(
    "payload", [b"nonsense", INVITE.replace(b"a@b", b"x" * 513), INVITE[:20] + b"\r\n"]
)
def test_a_message_that_names_no_call_has_the_frames_name(payload: bytes) -> None:
    item = from_frame(SipFrame(TS, "named@b", CALLER, CALLEE, payload), "acme")

    assert item is not None
    assert item.call_id == "named@b"


@pytest.mark.parametrize(
    ("frame", "kind", "payload"),
    [
        (LogFrame(TS, "a@b", b"line\n"), "log", b"line\n"),
        (RtcpFrame(TS, "a@b", 7, b"\x80\xc9"), "rtcp", b"\x80\xc9"),
        (QualityFrame(TS, "a@b", b"{}"), "quality", b"{}"),
    ],
)
def test_what_else_a_frame_holds_has_no_addresses_and_names_a_call(
    frame: Frame, kind: str, payload: bytes
) -> None:
    item = from_frame(frame, "acme")

    assert item is not None
    assert (item.kind, item.payload, item.call_id) == (kind, payload, "a@b")
    assert (item.ts, item.src, item.dst) == (TS, None, None)
    assert item.of_call


@pytest.mark.parametrize(
    "frame",
    [
        Handshake("acme", "t", "1"),
        HandshakeAck(0),
        Heartbeat(TS),
        HeartbeatAck(TS),
        MediaWatch("a@b", CALLER, ""),
        BadFrame(3, "bad"),
    ],
)
def test_other_frames_hold_nothing_of_a_call(frame: Frame) -> None:
    assert from_frame(frame, "acme") is None


def test_a_time_that_no_clock_shows_is_one_that_can_be_kept() -> None:
    item = from_frame(LogFrame((1 << 64) - 1, "a@b", b""), "acme")

    assert item is not None
    assert item.ts == (1 << 63) - 1


def test_a_message_over_hep() -> None:
    assert from_hep(packet(hep.SIP, INVITE), "acme", 5, sender="192.0.2.9") == Item(
        customer_id="acme",
        call_id="a@b",
        kind="sip",
        ts=TS,
        src=CALLER,
        dst=CALLEE,
        transport="tls",
        payload=INVITE,
        agent="7",
        sender="192.0.2.9",
        cseq_method="INVITE",
        of_call=False,
    )


@pytest.mark.parametrize("protocol", [*range(256), 300])
def test_the_collector_takes_what_an_import_takes_but_nobody_s_voice(
    protocol: int,
) -> None:
    sent = packet(protocol, INVITE if protocol == hep.SIP else b"{}")
    taken, captured = from_hep(sent, "acme", 5), capture.from_hep(sent, 5)
    if captured is None or captured.kind == "rtp":
        assert taken is None
    else:
        assert taken is not None
        assert (taken.kind, taken.call_id) == (captured.kind, captured.call_id)


@pytest.mark.parametrize(
    ("protocol", "payload", "kind"),
    [
        (5, b"\x80\xc9\0\1\0\0\0\1", "rtcp"),
        (5, b'{"ssrc":1,"type":201}', "rtcp"),
        (100, b"a line", "log"),
        (0x56, b'{"level":"INFO","text":"c@d"}', "log"),
        (0x65, b"{}", "quality"),
        (34, b'{"CORRELATION_ID":"c@d"}', "quality"),
        (35, b'{"MOS":4.1}', "quality"),
    ],
)
def test_what_else_comes_over_hep_is_of_the_call_it_is_correlated_with(
    protocol: int, payload: bytes, kind: str
) -> None:
    item = from_hep(packet(protocol, payload), "acme", 5)

    assert item is not None
    assert (item.kind, item.payload, item.call_id) == (kind, payload, "c@d")
    assert not item.of_call


def test_the_agent_speaks_of_calls_only_over_hep_too() -> None:
    item = from_hep(packet(100, b"line", vendor_chunks=SIPPULSE), "acme", 5)

    assert item is not None
    assert item.of_call


def test_who_does_not_say_when_or_who_has_the_time_and_address_of_arrival() -> None:
    silent = packet(hep.LOG, b"line", ts=0, agent="")
    item = from_hep(silent, "acme", 5, sender="192.0.2.9")

    assert item is not None
    assert (item.ts, item.agent) == (5, "192.0.2.9")


@pytest.mark.parametrize("protocol", [0, 2, 4, 0x35, 0x57, 0x58, 61, 200, 255])
def test_other_types_of_hep_hold_nothing_of_a_call(protocol: int) -> None:
    assert from_hep(packet(protocol, b"x"), "acme", 5) is None


@pytest.mark.parametrize(
    "changed",
    [
        packet(hep.SIP, b"no sip"),
        packet(hep.SIP, INVITE.replace(b"a@b", b"x" * 513)),
        packet(hep.LOG, b"line", correlation_id="é" * 257),
    ],
)
def test_no_sip_and_names_too_long_are_left_out(changed: HepPacket) -> None:
    assert from_hep(changed, "acme", 5) is None


@given(st.integers(0, 255), st.binary(max_size=100), st.text(max_size=20))
def test_whatever_a_packet_holds_there_is_an_item_or_none(
    protocol: int, payload: bytes, correlation_id: str
) -> None:
    item = from_hep(
        packet(protocol, payload, correlation_id=correlation_id), "acme", TS
    )

    assert item is None or 0 <= item.ts < 1 << 63


@pytest.mark.parametrize(
    "name", ["hep3_kamailio_siptrace", "hep3_sngrep_proxy", "hep3_sngrep_ipv6"]
)
def test_the_public_captures_of_hep_give_the_messages_that_are_in_them(
    public_corpus: Path, name: str
) -> None:
    folder = public_corpus / "hep"
    expected = json.loads((folder / f"{name}.expected.json").read_text())
    messages: dict[str, list[str]] = defaultdict(list)
    with (folder / f"{name}.pcap").open("rb") as file:
        reader = dpkt.pcap.UniversalReader(file)
        for _, frame in reader:
            datagram = _udp_payload(reader.datalink(), frame)
            item = from_hep(hep.parse(datagram), "acme", TS) if datagram else None
            if item is not None:
                start = item.payload.split(b"\r\n")[0].decode().split()
                reply = start[0].startswith("SIP/")
                messages[item.call_id].append(start[1] if reply else start[0])
                assert isinstance(item.src, Endpoint)

    assert {call_id: Counter(found) for call_id, found in messages.items()} == {
        call_id: Counter(call["sequence"])
        for call_id, call in expected["calls"].items()
    }


def _udp_payload(link: int, frame: bytes) -> bytes | None:
    layers = {1: dpkt.ethernet.Ethernet, 113: dpkt.sll.SLL}
    packet = layers[link](frame).data if link in layers else dpkt.ip.IP(frame)
    udp = getattr(packet, "data", None)
    return bytes(udp.data) if isinstance(udp, dpkt.udp.UDP) else None
