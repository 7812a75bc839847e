"""How fast a capture of SIP is read into calls, beside sngrep and tshark.

    python benchmarks/bench_capture.py

The capture is made here: answered calls of seven messages each, four hundred calls at a
time, UDP over Ethernet. Each reader is a process of its own, its start included. CPU is
what to compare by: sngrep looks only twice a second whether it is done.
"""

from __future__ import annotations

import os
import shutil
import struct
import subprocess
import sys
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from typing import BinaryIO
from typing import NamedTuple

from flask_sipvault.protocols.capture import Captured
from flask_sipvault.protocols.capture import read_capture

CALLS = 14_000
AT_A_TIME = 400
MESSAGES = ("INVITE", "100", "180", "200", "ACK", "BYE", "200")
FROM_CALLER = (True, False, False, False, True, True, False)

SDP = (
    "v=0\r\no=- 3910 3910 IN IP4 {ip}\r\ns=-\r\nc=IN IP4 {ip}\r\nt=0 0\r\n"
    "m=audio 40000 RTP/AVP 8 0 101\r\na=rtpmap:101 telephone-event/8000\r\n"
    "a=sendrecv\r\n"
)
_headers = struct.Struct("!12xHBxHHHBBxx4s4sHHHxx")
_record = struct.Struct("<IIII")


def message(call: int, number: int) -> bytes:
    """The n-th message of a call, as a proxy's neighbour sees it."""
    what = MESSAGES[number]
    method = "BYE" if number >= 5 else "ACK" if number == 4 else "INVITE"
    start = f"SIP/2.0 {what} x" if what.isdigit() else f"{what} sip:7{call}@b.example"
    start += "" if what.isdigit() else " SIP/2.0"
    body = SDP.format(ip="192.0.2.1") if number in (0, 3) else ""
    tag = f";tag=b{call}" if number > 1 else ""
    return (
        f"{start}\r\n"
        f"Via: SIP/2.0/UDP 192.0.2.1:5060;rport;branch=z9hG4bK{call:x}.{method}\r\n"
        "Record-Route: <sip:192.0.2.1;lr;ftag=a>\r\nMax-Forwards: 69\r\n"
        f'From: "Caller {call}" <sip:{call}@a.example>;tag=a{call}\r\n'
        f"To: <sip:7{call}@b.example>{tag}\r\n"
        f"Call-ID: {call:08x}-4f1c-11ef-8d2b@192.0.2.1\r\n"
        f"CSeq: {2 if number >= 5 else 1} {method}\r\n"
        f"Contact: <sip:{call}@192.0.2.1:5060;transport=udp>\r\n"
        "User-Agent: benchmark/1.0\r\n"
        "Allow: INVITE, ACK, BYE, CANCEL, OPTIONS, PRACK, UPDATE, REFER, NOTIFY\r\n"
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}"
    ).encode()


def frame(payload: bytes, from_caller: bool) -> bytes:
    ends = [b"\xc0\0\2\1", b"\xc0\0\2\2"]
    src, dst = ends if from_caller else reversed(ends)
    size = len(payload)
    return (
        _headers.pack(
            0x0800, 0x45, size + 28, 0, 0, 64, 17, src, dst, 5060, 5060, size + 8
        )
        + payload
    )


def write_capture(file: BinaryIO, calls: int) -> None:
    """That many calls, interleaved as on a busy trunk, at 1000 messages a second."""
    file.write(struct.pack("<IHHiIII", 0xA1B2C3D4, 2, 4, 0, 0, 65535, 1))
    now = 1_700_000_000_000_000
    for first in range(0, calls, AT_A_TIME):
        for number in range(len(MESSAGES)):
            for call in range(first, min(first + AT_A_TIME, calls)):
                data = frame(message(call, number), FROM_CALLER[number])
                now += 1000
                size = len(data)
                file.write(_record.pack(*divmod(now, 1_000_000), size, size) + data)


class Run(NamedTuple):
    seconds: float
    cpu: float
    rss: float  # MB


def run(*command: str) -> Run:
    """What it costs to run a program to its end."""
    began = time.perf_counter()
    process = subprocess.Popen(
        command,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    _, status, usage = os.wait4(process.pid, 0)
    process.returncode = os.waitstatus_to_exitcode(status)
    if process.returncode:
        raise RuntimeError(f"{command[0]} failed: {process.returncode}")
    return Run(
        time.perf_counter() - began,
        usage.ru_utime + usage.ru_stime,
        usage.ru_maxrss / 1024,
    )


def read(path: str) -> Iterator[Captured]:
    with open(path, "rb") as file:
        yield from read_capture(file)


def into_calls(path: str) -> None:
    """What is timed: every message, by Call-ID."""
    calls = defaultdict(list)
    for item in read(path):
        calls[item.call_id].append(item)
    assert all(len(messages) == len(MESSAGES) for messages in calls.values())


def as_stream(path: str) -> None:
    """What memory is measured of: nothing is kept."""
    for _ in read(path):
        pass


def main() -> None:
    ours = (sys.executable, __file__)
    rows: list[tuple[str, int, tuple[str, ...], int]] = []
    with tempfile.TemporaryDirectory() as folder:
        small, large = str(Path(folder) / "98k.pcap"), str(Path(folder) / "392k.pcap")
        for path, calls in ((small, CALLS), (large, 4 * CALLS)):
            with open(path, "wb") as file:
                write_capture(file, calls)
        packets = CALLS * len(MESSAGES)
        rows.append(("ours, into calls", packets, (*ours, "into_calls", small), 3))
        if shutil.which("sngrep"):
            command = ("sngrep", "-N", "-q", "-F", "-I", small)
            rows.append(("sngrep -N -q", packets, command, 3))
        if shutil.which("tshark"):
            fields = ("-Y", "sip", "-T", "fields", "-e", "sip.Call-ID")
            rows.append(("tshark -Y sip", packets, ("tshark", "-r", small, *fields), 1))
        rows.append(("ours, as a stream", packets, (*ours, "as_stream", small), 3))
        rows.append(("ours, as a stream", 4 * packets, (*ours, "as_stream", large), 1))
        print(
            f"{'reader':20}{'packets':>9}{'seconds':>9}{'CPU s':>8}{'ratio':>8}"
            f"{'RSS MB':>8}"
        )
        yardstick = None
        for name, count, command, times in rows:
            # The best of several: the others measure the rest of the machine.
            best = min((run(*command) for _ in range(times)), key=lambda r: r.cpu)
            yardstick = yardstick or best
            print(
                f"{name:20}{count:9}{best.seconds:9.2f}{best.cpu:8.2f}"
                f"{best.cpu / yardstick.cpu:7.1f}x{best.rss:8.0f}",
                flush=True,
            )


if __name__ == "__main__":
    if len(sys.argv) == 3:
        {"into_calls": into_calls, "as_stream": as_stream}[sys.argv[1]](sys.argv[2])
    else:
        main()
