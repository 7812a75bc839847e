from __future__ import annotations

import contextlib
import subprocess
from collections.abc import Callable
from pathlib import Path

import dpkt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.packets import Message
from flask_sipvault.protocols.packets import PacketError
from flask_sipvault.protocols.pcapwriter import MAX_TS
from flask_sipvault.protocols.pcapwriter import Note
from flask_sipvault.protocols.pcapwriter import pcap
from flask_sipvault.protocols.pcapwriter import pcapng
from flask_sipvault.protocols.pcapwriter import read_pcap

T = 1_795_000_000_123_456_789
ALICE, BOB = Endpoint("192.0.2.1", 40000), Endpoint("198.51.100.2", 5060)
ALICE6, BOB6 = Endpoint("2001:db8::1", 40000), Endpoint("2001:db8::2", 5060)

Rows = Callable[..., list[list[str]]]


@pytest.fixture
def tshark(need_tool: Callable[[str], str], tmp_path: Path) -> Rows:
    """Rows of the fields that tshark reads in a file, with every checksum checked."""
    program = need_tool("tshark")

    def rows(data: bytes, *fields: str, show: str = "") -> list[list[str]]:
        path = tmp_path / "file.pcap"
        path.write_bytes(data)
        arguments = [program, "-n", "-r", str(path), "-Y", show, "-T", "fields"]
        for protocol in ("ip", "tcp", "udp"):
            arguments += ["-o", f"{protocol}.check_checksum:TRUE"]
        arguments += ["-o", "sctp.checksum:CRC 32c"]
        for field in fields:
            arguments += ["-e", field]
        run = subprocess.run(arguments, capture_output=True, check=True)
        return [line.split("\t") for line in run.stdout.decode().splitlines()]

    return rows


def sip(start: str, number: int, body: bytes = b"") -> bytes:
    head = (
        f"{start}\r\nVia: SIP/2.0/UDP 192.0.2.1;branch=z9hG4bK{number}\r\n"
        f"From: <sip:alice@example.net>;tag=a\r\nTo: <sip:bob@example.net>\r\n"
        f"Call-ID: 1@example.net\r\nCSeq: {number} INVITE\r\n"
        f"Content-Type: text/plain\r\nContent-Length: {len(body)}\r\n\r\n"
    )
    return head.encode() + body


def dialog(
    src: Endpoint, dst: Endpoint, transport: str, size: int = 60_000
) -> list[Message]:
    """Requests and responses, the second request with a long body."""
    sent = []
    for number in range(1, 4):
        body = b"\r\n".join([b"x" * 998] * (size // 1000)) if number == 2 else b""
        request = sip("INVITE sip:bob@example.net SIP/2.0", number, body)
        response = sip("SIP/2.0 200 OK", number)
        ts = T + number * 1_000_000_000
        sent.append(Message(ts, src, dst, transport, request))
        sent.append(Message(ts + 1, dst, src, transport, response))
    return sent


@pytest.mark.parametrize("port", [5060, 5061, 443, 15060])
@pytest.mark.parametrize(
    ("transport", "size"), [("udp", 60_000), ("tcp", 66_000), ("sctp", 66_000)]
)
@pytest.mark.parametrize(("src", "dst"), [(ALICE, BOB), (ALICE6, BOB6)], ids=str)
def test_wireshark_reads_the_same_messages(
    tshark: Rows, src: Endpoint, dst: Endpoint, transport: str, size: int, port: int
) -> None:
    sent = dialog(src, dst._replace(port=port), transport, size)
    address = "ipv6" if ":" in src.ip else "ip"
    data = b"".join(pcap(sent))
    read = tshark(
        data,
        *("frame.time_epoch", f"{address}.src", f"{transport}.srcport"),
        *(f"{address}.dst", f"{transport}.dstport"),
        *("sip.Method", "sip.Status-Code", "sip.CSeq.seq", "sip.Content-Length"),
        show="sip",
    )
    assert read == [
        [
            f"{message.ts // 10**9}.{message.ts % 10**9:09d}",
            *(message.src.ip, str(message.src.port)),
            *(message.dst.ip, str(message.dst.port)),
            "" if message.payload.startswith(b"SIP") else "INVITE",
            "200" if message.payload.startswith(b"SIP") else "",
            str(1 + i // 2),
            str(len(message.payload.partition(b"\r\n\r\n")[2])),
        ]
        for i, message in enumerate(sent)
        if message.src and message.dst
    ]


def test_wireshark_finds_nothing_wrong(tshark: Rows) -> None:
    sent = []
    for transport, size in (("udp", 60_000), ("tcp", 66_000), ("sctp", 66_000)):
        sent += dialog(ALICE, BOB, transport, size)
        sent += dialog(ALICE6, BOB6, transport, size)
    sent.append(Message(T + 10**10, None, None, "udp", b"odd"))
    data = b"".join(pcap(sorted(sent)))
    wrong = (
        "_ws.malformed or tcp.analysis.flags or ip.checksum.status == 0"
        " or tcp.checksum.status == 0 or udp.checksum.status == 0"
        " or sctp.checksum.status == 0 or _ws.expert.severity >= 0x600000"
    )
    assert tshark(data, "frame.number", "_ws.expert.message", show=wrong) == []
    right = "tcp.checksum.status == 1 or udp.checksum.status == 1"
    right += " or sctp.checksum.status == 1"
    two_packets_each = 4
    assert len(tshark(data, "frame.number", show=right)) == len(sent) + two_packets_each


def test_the_longest_datagram_is_whole_to_wireshark(tshark: Rows) -> None:
    sent = Message(T, ALICE, BOB, "udp", b"x" * 65507)
    [[payload]] = tshark(b"".join(pcap([sent])), "udp.payload")
    assert bytes.fromhex(payload) == sent.payload


def test_a_datagram_too_long_for_udp_is_one_message_to_wireshark(tshark: Rows) -> None:
    sent = dialog(ALICE, BOB, "udp", 200_000)
    assert len(tshark(b"".join(pcap(sent)), "sip.CSeq.seq", show="sip")) == len(sent)


def test_times_are_kept_to_the_nanosecond_from_1970_to_2106() -> None:
    sent = [Message(ts, ALICE, BOB, "udp", b"x") for ts in (0, T, MAX_TS)]
    assert list(read_pcap(b"".join(pcap(sent)))) == sent


@pytest.mark.parametrize("ts", [-1, MAX_TS + 1])
def test_a_time_that_the_file_cannot_hold_is_refused(ts: int) -> None:
    message = Message(ts, ALICE, BOB, "udp", b"x")
    for write in (pcap, pcapng):
        with pytest.raises(ValueError, match=str(ts)):
            list(write([message]))


def test_a_file_cut_off_gives_what_is_whole() -> None:
    sent = dialog(ALICE, BOB, "udp")
    data = b"".join(pcap(sent))
    read = []
    with pytest.raises(PacketError, match="cut off"):
        for message in read_pcap(data[:-1]):
            read.append(message)
    assert read == sent[:-1]


@given(st.binary(max_size=200), st.booleans())
def test_whatever_the_bytes_messages_or_the_error(data: bytes, headed: bool) -> None:
    header = b"".join(pcap([])) if headed else b""
    with contextlib.suppress(PacketError):
        list(read_pcap(header + data))


def test_pcapng_keeps_the_order_of_each_series(tshark: Rows) -> None:
    """A response may be stamped before its request: the reader sees both as given."""
    request = Message(
        T + 1000, ALICE, BOB, "udp", sip("INVITE sip:b@example.net SIP/2.0", 1)
    )
    response = Message(T, BOB, ALICE, "udp", sip("SIP/2.0 200 OK", 1))
    read = tshark(
        b"".join(pcapng([request, response])), *("frame.time_epoch", "_ws.col.Info")
    )
    assert [(stamp[-4:], text.strip()) for stamp, text in read] == [
        ("7789", "Request: INVITE sip:b@example.net |"),
        ("6789", "Status: 200 OK (INVITE) |"),
    ]


def test_pcapng_shows_log_lines_between_the_messages(tshark: Rows) -> None:
    early, late = (
        Message(T, ALICE, BOB, "udp", sip("INVITE sip:b@example.net SIP/2.0", 1)),
        Message(T + 2000, BOB, ALICE, "udp", sip("SIP/2.0 200 OK", 1)),
    )
    notes = [
        Note(T + 1000, "kamailio.log", "zweite Zeile: größer"),
        Note(T - 1000, "", "first line"),
    ]
    read = tshark(
        b"".join(pcapng([early, late], sorted(notes))),
        *("frame.time_epoch", "_ws.col.Info"),
    )
    assert [text.strip() for _, text in read] == [
        "first line",
        "Request: INVITE sip:b@example.net |",
        "zweite Zeile: größer",
        "Status: 200 OK (INVITE) |",
    ]
    assert [row[0] for row in read[1::2]] == [
        *("1795000000.123456789", "1795000000.123458789")
    ]


def test_a_log_line_cannot_forge_fields_of_its_entry(tshark: Rows) -> None:
    note = Note(T, "a\nMESSAGE=b", "line\nMESSAGE=forged\0\x1b[31m")
    [[info]] = tshark(b"".join(pcapng([], [note])), "_ws.col.Info")
    assert info == "line MESSAGE=forged  [31m"


def test_pcapng_keeps_messages_whole_for_other_readers(tmp_path: Path) -> None:
    sent = dialog(ALICE, BOB, "udp", 1000)
    path = tmp_path / "file.pcapng"
    path.write_bytes(b"".join(pcapng(sent, [Note(T, "", "x" * 1001)])))
    with path.open("rb") as file:
        packets = [packet for _, packet in dpkt.pcapng.Reader(file)]
    assert [packet[28:] for packet in packets] == [message.payload for message in sent]
