from __future__ import annotations

import json
import struct

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.masking.pseudonyms import Pseudonyms
from flask_sipvault.masking.rtcp import masked_rtcp
from flask_sipvault.protocols import rtcp


def _mask(payload: bytes) -> bytes:
    return masked_rtcp(payload, Pseudonyms(lambda text: False))


def _packet(kind: int, body: bytes, count: int = 1) -> bytes:
    return struct.pack("!BBH", 0x80 | count, kind, len(body) // 4) + body


def test_figures_stay_byte_for_byte() -> None:
    block = struct.pack("!IIIIII", 8, 3, 1000, 20, 5, 6)
    report = _packet(200, struct.pack("!IQIII", 7, 1 << 60, 0, 100, 16000) + block)
    assert _mask(report) == report


def test_voip_metrics_stay() -> None:
    metrics = struct.pack("!BBH", 7, 0, 8) + bytes(range(32))
    report = _packet(207, struct.pack("!I", 7) + metrics, count=0)
    assert _mask(report) == report


def test_names_and_reasons_go() -> None:
    chunk = struct.pack("!I", 7) + b"\x01\x0calice@host-x" + b"\0\0"
    goodbye = struct.pack("!I", 7) + b"\x07by alice"[:8]
    first, last = rtcp.parse(_mask(_packet(202, chunk) + _packet(203, goodbye)))
    assert first == rtcp.SourceDescription([(7, {"CNAME": "cname-1"})])
    assert last == rtcp.Goodbye([7])


def test_what_an_application_says_goes() -> None:
    app = _packet(204, struct.pack("!I4s8s", 7, b"PING", b"to alice"), count=0)
    assert rtcp.parse(_mask(app)) == [rtcp.App(7, "PING", bytes(8))]


def test_what_cannot_be_read_keeps_its_size_only() -> None:
    assert _mask(b"alice's secrets") == bytes(15)


def test_json_keeps_what_is_known_to_be_a_figure() -> None:
    report = {
        "type": 202,
        "ssrc": "7",
        "host": "acme.com",
        "sdes_information": [{"type": 1, "text": "alice@acme.com"}],
    }
    assert json.loads(_mask(json.dumps(report).encode())) == {
        "type": 202,
        "ssrc": 7,
        "sdes_information": [{"type": 1, "text": "cname-1"}],
    }


@given(st.binary(max_size=80))
def test_anything_can_be_masked(data: bytes) -> None:
    for payload in (data, b"\x80\xc8" + data, b"\x81\xca\x00\x03" + data, b"{" + data):
        _mask(payload)


@given(st.binary(min_size=12, max_size=12), st.integers(192, 223))
def test_what_could_be_read_still_can(body: bytes, kind: int) -> None:
    payload = _packet(kind, body, count=0)
    try:
        before = [packet.type for packet in rtcp.parse(payload)]
    except rtcp.RtcpError:
        return
    assert [packet.type for packet in rtcp.parse(_mask(payload))] == before
