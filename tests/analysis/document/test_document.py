from __future__ import annotations

import base64
import json
import math
from typing import Any

import pytest

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram


def document(call: Any) -> dict[str, Any]:
    """As a reader of the JSON gets it."""
    text = json.dumps(call_document(call), allow_nan=False)
    loaded: dict[str, Any] = json.loads(text)
    return loaded


#: The keys that DESIGN.md promises to other programs.
MESSAGE_KEYS = {
    "n",
    "ts",
    "src",
    "dst",
    "transport",
    "kind",
    "method",
    "code",
    "reason",
    "cseq",
    "branch",
    "retransmission_of",
    "raw",
}


def test_every_key_is_there_even_of_an_empty_call() -> None:
    empty = document(explain(Evidence("acme", "1@example.com")))
    assert {
        "call_id": "1@example.com",
        "customer_id": "acme",
        "state": "COMPLETE",
        "messages": [],
        "media": {"streams": [], "rtcp": []},
        "logs": [],
        "findings": [],
        "parts": [],
    }.items() <= empty.items()
    assert empty["outcome"].keys() >= {
        "status",
        "final_code",
        "ended_by",
        "setup_ms",
        "talk_ms",
    }
    assert empty["outcome"]["status"] == "unknown"
    assert empty["quality"] == {
        "verdict": "unknown",
        "audio_status": "unknown",
        "audio_reason": "The call was not answered.",
        "audio_direction": None,
        "audio_agreed": False,
        "directions": {"uac": None, "uas": None},
        "labels_certain": True,
        "source": None,
        "streams": [],
        "bucket_ms": 5000,
        "assumptions": [],
    }


def test_a_request_of_a_recorded_call(explained: Any) -> None:
    message = document(explained("busy_486"))["messages"][0]
    assert message.keys() >= MESSAGE_KEYS
    assert message["n"] == 1
    assert message["ts"] == 1_795_439_040_880_604_000
    assert (message["src"], message["dst"]) == ("127.0.0.2:5061", "127.0.0.3:5060")
    assert (message["transport"], message["kind"]) == ("udp", "request")
    assert (message["method"], message["code"], message["reason"]) == (
        "INVITE",
        None,
        None,
    )
    assert message["cseq"] == "1 INVITE"
    assert message["branch"] == "z9hG4bK-28256-1-0"
    assert message["retransmission_of"] is None
    assert message["raw"].startswith("INVITE sip:bob@127.0.0.3:5060 SIP/2.0\r\n")


def test_a_response_of_a_recorded_call(explained: Any) -> None:
    message = document(explained("busy_486"))["messages"][3]
    assert (message["kind"], message["method"]) == ("response", None)
    assert (message["code"], message["reason"]) == (486, "Busy Here")


def test_ipv6_stands_in_brackets(explained: Any) -> None:
    assert document(explained("ipv6_udp"))["messages"][0]["src"] == "[::1]:5061"


def test_bytes_that_are_no_text_come_in_base64(story: Any) -> None:
    raw = b"MESSAGE sip:a@example.com SIP/2.0\r\n\r\n\xff\xfe"
    story.packet(0, "alice > bob", raw)
    message = document(story.call())["messages"][0]
    assert message["raw"] is None
    assert base64.b64decode(message["raw_base64"]) == raw


def test_rtcp_has_one_entry_for_each_datagram(explained: Any) -> None:
    rtcp = document(explained("oneway_rtcp_rr"))["media"]["rtcp"]
    assert len(rtcp) == 6
    assert [packet["type"] for packet in rtcp[0]["packets"]] == [200, 202]
    assert rtcp[0]["packets"][0]["ssrc"] == "0x12345678"
    assert rtcp[1]["src"] == "127.0.0.3:15001"
    [block] = rtcp[2]["packets"][0]["blocks"]
    assert block["ssrc"] == "0x12345678"
    assert (block["fraction_lost"], block["cumulative_lost"]) == (3 / 256, 3)
    assert (block["jitter_ms"], block["round_trip_ms"]) == (0, 0.284)


def test_the_rtcp_of_real_phones_can_be_written(explained: Any) -> None:
    rtcp = document(explained("proxy_baresip", 2))["media"]["rtcp"]
    types = ["+".join(str(p["type"]) for p in d["packets"]) for d in rtcp]
    assert set(types) == {"204", "200+202", "203+202"}
    assert all("ssrc" in p and "blocks" in p for d in rtcp for p in d["packets"])


def test_extended_reports_can_be_written(story: Any) -> None:
    # An XR of one VoIP metrics block, all octets 1.
    xr = bytes.fromhex("80cf000a0000000707000008") + bytes([1]) * 32
    story.evidence.rtcp.append(RtcpDatagram(0, None, None, xr))
    [datagram] = document(story.call())["media"]["rtcp"]
    [block] = datagram["packets"][0]["blocks"]
    assert (block["block_type"], block["ssrc"]) == (7, "0x01010101")


def test_unreadable_rtcp_has_no_packets(story: Any) -> None:
    story.evidence.rtcp.append(RtcpDatagram(0, None, None, b"?"))
    [datagram] = document(story.call())["media"]["rtcp"]
    assert datagram["packets"] == []
    assert datagram["problem"]


def test_streams_are_those_of_the_evidence(story: Any) -> None:
    story.evidence.other_media = [
        {"ssrc": "0x00000007", "packets": 3, "loss": math.nan}
    ]
    assert document(story.call())["media"]["streams"] == [
        {"ssrc": "0x00000007", "packets": 3, "loss": None}
    ]


def test_log_lines_come_in_order_with_their_level(story: Any) -> None:
    story.evidence.logs = [
        LogLine(2, "syslog", "ERROR:tm: no reply"),
        LogLine(1, "", "caf\udce9"),
    ]
    assert document(story.call())["logs"] == [
        {"ts": 1, "source": "", "level": None, "line": "caf�"},
        {"ts": 2, "source": "syslog", "level": "ERROR", "line": "ERROR:tm: no reply"},
    ]


def test_the_quality_of_a_recorded_call(explained: Any) -> None:
    quality = document(explained("answered_rtcp"))["quality"]
    assert quality["source"] == "rtcp"
    assert quality["audio_status"] == "normal"
    for direction in quality["directions"].values():
        assert direction.keys() >= {"mos", "jitter", "loss", "rtt", "buckets"}
        for figure in ("mos", "jitter", "loss", "rtt"):
            assert list(direction[figure]) == ["avg", "min", "max", "p5", "p95"]


@pytest.mark.parametrize(
    "strange",
    [
        {},
        {"summary": 3, "directions": [], "verdict": [], "source": {}},
        {"summary": {"sample_count": "many"}, "directions": {"uac": 7}},
        {
            "summary": {"sample_count": math.nan},
            "directions": {"uac": {"mos": math.inf}},
        },
    ],
)
def test_a_report_of_another_shape_is_no_error(
    story: Any, strange: dict[str, Any]
) -> None:
    story.evidence.reports = [QualityReport(0, strange), QualityReport(1, strange)]
    quality = document(story.call())["quality"]
    assert quality["verdict"] == "unknown"
    assert quality["directions"]["uas"] is None


def test_json_nested_without_end_is_cut_off(story: Any) -> None:
    nested: Any = []
    for _ in range(900):
        nested = [nested]
    story.evidence.other_media = [{"ssrc": "0x00000007", "of others": nested}]
    [stream] = document(story.call())["media"]["streams"]
    assert stream["ssrc"] == "0x00000007"


def test_legs_parts_and_damage_are_passed_on(story: Any) -> None:
    story.evidence.legs = [("x-cid", "2@example.com")]
    story.evidence.parts = ["calls/0/2026-11-23/a.zip"]
    story.evidence.damage = ["rtcp.pcap is cut off"]
    whole = document(story.call())
    assert whole["legs"] == [{"why": "x-cid", "call_id": "2@example.com"}]
    assert whole["parts"] == ["calls/0/2026-11-23/a.zip"]
    assert whole["damage"] == ["rtcp.pcap is cut off"]
