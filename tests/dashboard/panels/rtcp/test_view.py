from __future__ import annotations

import struct

from flask_sipvault.analysis.explain import explain
from flask_sipvault.dashboard.page import ReportView
from flask_sipvault.dashboard.panels.rtcp.view import report_views
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import RtcpDatagram

from ...calls import ALICE
from ...calls import BOB
from ...calls import CUSTOMER
from ...calls import packet
from ...calls import START
from ...conftest import Recorded

SENDER, OTHER = 0x1234, 0xABCD

SDP = b"v=0\r\nc=IN IP4 192.0.2.1\r\nm=audio 4000 RTP/AVP 0\r\n"


def _views(*packets: bytes, known: bool = True) -> list[ReportView]:
    ends = (ALICE, BOB) if known else (None, None)
    headers = "Content-Type: application/sdp\r\n"
    evidence = Evidence(
        CUSTOMER,
        "call@host",
        sip=[packet("INVITE sip:b SIP/2.0", headers=headers, body=SDP)],
        rtcp=[RtcpDatagram(START, *ends, b"".join(packets))],
    )
    return report_views(explain(evidence))


def _sender_report(*blocks: bytes) -> bytes:
    body = struct.pack("!IQIII", SENDER, 0, 0, 1234, 99) + b"".join(blocks)
    return struct.pack("!BBH", 0x80 | len(blocks), 200, len(body) // 4) + body


def _block(fraction: int = 0, lost: int = 0, jitter: int = 0) -> bytes:
    loss = struct.pack("!I", fraction << 24 | lost & 0xFFFFFF)
    return struct.pack("!I", OTHER) + loss + struct.pack("!IIII", 7, jitter, 0, 0)


def test_a_report_block_is_a_row_with_its_figures() -> None:
    (row,) = _views(_sender_report(_block(fraction=64, lost=12, jitter=160)))
    assert (row.kind, row.ssrc) == ("SR", "0x0000abcd")
    assert (row.loss, row.lossy, row.lost) == ("25.0 %", True, "12")
    assert (row.jitter, row.round_trip) == ("20.0 ms", "–")
    assert row.route == "192.0.2.1:5060 → [2001:db8::2]:5060"
    assert row.note == "0x00001234 sent 1,234 packets so far"


def test_each_block_is_a_row() -> None:
    assert len(_views(_sender_report(_block(), _block(lost=-1)))) == 2


def test_a_sender_report_without_blocks_still_tells_what_was_sent() -> None:
    (row,) = _views(_sender_report())
    assert row.note == "0x00001234 sent 1,234 packets so far"
    assert (row.ssrc, row.loss, row.lossy) == ("–", "–", False)


def test_voip_metrics_tell_their_scores() -> None:
    metrics = struct.pack(
        "!IBBBBHHHHBBBBBBBBBBHHH",
        *(OTHER, 26, 13, 0, 0, 0, 0, 80, 0),
        *(0x7F, 0x7F, 0x7F, 16, 88, 0x7F, 41, 40, 0, 0, 0, 0, 0),
    )
    body = struct.pack("!I", SENDER) + struct.pack("!BBH", 7, 0, 8) + metrics
    (row,) = _views(struct.pack("!BBH", 0x80, 207, len(body) // 4) + body)
    assert (row.kind, row.ssrc, row.loss) == ("XR", "0x0000abcd", "10.2 %")
    assert row.round_trip == "80.0 ms"
    assert row.note == "R 88, MOS-LQ 4.1, MOS-CQ 4.0, 5.1 % discarded"


def test_a_goodbye_tells_its_reason() -> None:
    bye = struct.pack("!BBHI", 0x81, 203, 4, SENDER) + b"\x0bhung\x1b[1m up".ljust(
        12, b"\0"
    )
    (row,) = _views(bye)
    assert (row.kind, row.ssrc) == ("BYE", "0x00001234")
    assert row.note.startswith("hung␛[1m")


def test_what_cannot_be_read_is_a_row_that_says_why() -> None:
    (row,) = _views(b"\x80\xc8\xff\xff")
    assert row.note.startswith("cannot be read: ")


def test_addresses_nobody_captured_are_not_made_up() -> None:
    (row,) = _views(_sender_report(_block()), known=False)
    assert row.route == "not captured"


def test_the_recorded_reports_are_all_there(recorded: Recorded) -> None:
    rows = report_views(explain(recorded("oneway_rtcp_rr")))
    assert [row.kind for row in rows].count("RR") >= 2
    assert any(row.lossy for row in rows)
