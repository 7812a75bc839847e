"""A collector that is killed, and whose connections systemd keeps and gives back."""

from __future__ import annotations

import os
import random
import select
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import seed
from hypothesis import strategies as st

from flask_sipvault.collector.restart.fdstore import read_position
from flask_sipvault.collector.restart.record import Record
from flask_sipvault.collector.restart.record import RecordError
from flask_sipvault.protocols import agent
from flask_sipvault.protocols.hep_stream import HepReader

from ..live import handshake
from ..live import receive
from ..live import wait_until
from ..processes import folder_vault
from ..processes import Process
from ..senders import agent_at
from ..senders import as_frames
from ..senders import as_packets
from ..senders import messages
from ..senders import Sender

pytestmark = pytest.mark.skipif(
    not hasattr(os, "memfd_create"), reason="systemd and memfd are of Linux alone"
)

# The record of a stream


def test_a_record_gives_back_what_was_noted_last() -> None:
    record = Record.make({"customer": "acmé"}, 0, b"")
    record.begin(10, b"SV")
    record.go_on(13, b"\1\3\0")
    record.mute = True
    record.count = 7

    again = Record(os.dup(record.descriptor))

    assert again.facts == {"customer": "acmé"}
    assert (again.position, again.beginning) == (13, b"SV\1\3\0")
    assert (again.mute, again.count) == (True, 7)
    record.close()
    again.close()


def test_whatever_else_is_no_record() -> None:
    empty, other = os.memfd_create("empty"), os.memfd_create("other")
    os.truncate(other, 8 << 20)
    for descriptor in (empty, other):
        with pytest.raises(RecordError):
            Record(descriptor)
        os.close(descriptor)


@seed(20261127)
@given(st.lists(st.tuples(st.booleans(), st.binary(max_size=40)), max_size=30))
def test_a_kill_in_the_midst_of_a_note_leaves_the_note_before(
    steps: list[tuple[bool, bytes]],
) -> None:
    """What comes of a note that was cut off anywhere is the one before, or, of a note
    that went on with a frame, one that does not claim to have been read so far.
    """
    record = Record.make({}, 0, b"")
    position, expected = 0, b""
    for goes_on, data in steps:
        position += len(data)
        expected = expected + data if goes_on else data
        (record.go_on if goes_on else record.begin)(position, data)
        memory = record._memory
        before = memory[:]
        # The next note has written its bytes and half of its place.
        record.begin(position + 5, b"lost!")
        place = 4096 + record._current * 16
        memory[place + 4 : place + 16] = before[place + 4 : place + 16]
        cut = Record(os.dup(record.descriptor))
        assert (cut.position, cut.beginning) == (position, expected)
        cut.close()
        memory[:] = before
        record._current = 1 - record._current
    record.close()


def test_the_system_tells_how_far_a_stream_was_read() -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        far = socket.create_connection(server.getsockname())
        near, _ = server.accept()
    far.sendall(b"x" * 1000)
    wait_until(lambda: len(near.recv(2000, socket.MSG_PEEK)) == 1000)
    assert read_position(near) == 0
    near.recv(300)
    assert read_position(near) == 300
    far.shutdown(socket.SHUT_WR)
    near.recv(700, socket.MSG_WAITALL)
    wait_until(lambda: bool(select.select([near], [], [], 0)[0]))
    assert read_position(near) == 1001
    far.close()
    near.close()


# Finding the next frame where bytes are missing


@seed(20261127)
@given(st.integers(0, 2000), st.integers(1, 600))
def test_after_a_gap_frames_go_on_with_the_next_whole_one(lost: int, cut: int) -> None:
    frames = [frame for n in range(3) for frame in as_frames(f"{n}@h")]
    stream = b"".join(frames)
    lost = min(lost, len(stream))
    reader = agent.FrameReader()
    reader.searching = True

    found = []
    for at in range(lost, len(stream), cut):
        found += list(reader.feed(stream[at : at + cut]))

    starts = [sum(map(len, frames[:n])) for n in range(len(frames))]
    whole = sum(start >= lost for start in starts)
    assert len(found) == whole
    assert all(isinstance(frame, agent.SipFrame) for frame in found)


@seed(20261127)
@given(st.integers(0, 2000), st.integers(1, 600))
def test_after_a_gap_packets_go_on_with_the_next_whole_one(lost: int, cut: int) -> None:
    packets = [packet for n in range(3) for packet in as_packets(f"{n}@h")]
    stream = b"".join(packets)
    lost = min(lost, len(stream))
    reader = HepReader()
    reader.searching = True

    found = []
    for at in range(lost, len(stream), cut):
        found += list(reader.feed(stream[at : at + cut]))

    starts = [sum(map(len, packets[:n])) for n in range(len(packets))]
    assert len(found) == sum(start >= lost for start in starts)


def test_what_only_looks_like_a_frame_is_not_taken_for_one() -> None:
    """A log line that holds the beginning of a frame."""
    forged = b"SV\1\5\0\0\0\x10\0\0\0\0" * 50
    line = agent.build(agent.LogFrame(1, "1@h", forged))
    after = agent.build(agent.LogFrame(2, "1@h", b"the next line"))
    reader = agent.FrameReader()
    reader.searching = True

    assert list(reader.feed(line[30:] + after)) == [
        agent.LogFrame(2, "1@h", b"the next line")
    ]


# From process to process

_LAUNCHER = """
import fcntl, os, sys
given = [int(each) for each in sys.argv[1].split(",") if each]
kept = [fcntl.fcntl(each, fcntl.F_DUPFD, 200) for each in given]
for each in given:
    os.close(each)
for at, descriptor in enumerate(kept):
    os.dup2(descriptor, 3 + at)
    os.close(descriptor)
os.environ["LISTEN_PID"] = str(os.getpid())
os.environ["LISTEN_FDS"] = str(len(kept))
os.execv(sys.executable, [sys.executable, *sys.argv[2:]])
"""


class Systemd:
    """What systemd does: it keeps what it is given, and starts the service with it."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.said: list[str] = []
        self.kept: list[tuple[str, int]] = []
        self.path = folder / "notify"
        self._socket = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self._socket.bind(str(self.path))
        self._lock = threading.Lock()
        self._processes: list[Process] = []
        threading.Thread(target=self._listen, daemon=True).start()

    def start(self, *words: str, **settings: object) -> Process:
        """The service, with all that it has left here."""
        process = self.begin(*words, **settings)
        return process.ready()

    def begin(self, *words: str, **settings: object) -> Process:
        with self._lock:
            names = ":".join(name for name, _ in self.kept)
            descriptors = [descriptor for _, descriptor in self.kept]
            process = Process(
                self.folder,
                *words,
                environment={
                    "NOTIFY_SOCKET": str(self.path),
                    "LISTEN_FDNAMES": names,
                },
                launcher=["-c", _LAUNCHER, ",".join(map(str, descriptors))],
                pass_fds=descriptors,
                **settings,
            )
        self._processes.append(process)
        return process

    @property
    def names(self) -> list[str]:
        with self._lock:
            return sorted({name for name, _ in self.kept})

    def stop(self) -> None:
        """End the service: everything it left is closed."""
        for process in self._processes:
            process.kill()
        with self._lock:
            for _, descriptor in self.kept:
                os.close(descriptor)
            self.kept = []

    def _listen(self) -> None:
        while True:
            message, descriptors, _, _ = socket.recv_fds(self._socket, 4096, 10)
            lines = message.decode().splitlines()
            told = dict(line.split("=", 1) for line in lines)
            with self._lock:
                self.said += lines
                if "FDSTORE" in told:
                    assert told["FDPOLL"] == "0"
                    self.kept += [(told["FDNAME"], each) for each in descriptors]
                if "FDSTOREREMOVE" in told:
                    for name, descriptor in list(self.kept):
                        if name == told["FDNAME"]:
                            self.kept.remove((name, descriptor))
                            os.close(descriptor)


@pytest.fixture
def systemd(tmp_path: Path) -> Iterator[Systemd]:
    service = Systemd(tmp_path)
    yield service
    service.stop()


def calls_in_order(folder: Path, call_ids: list[str]) -> list[str]:
    """Those of the calls that are there with each of their messages once."""
    vault = folder_vault(folder)
    found = []
    for call_id in call_ids:
        call = vault.find(call_id)
        if call and sorted(p.payload for p in call.sip) == sorted(messages(call_id)):
            found.append(call_id)
    return found


def wait_for_calls(folder: Path, call_ids: list[str]) -> None:
    wait_until(lambda: calls_in_order(folder, call_ids) == call_ids, 60)


def test_a_connection_outlives_a_kill_without_losing_a_frame(
    systemd: Systemd, tmp_path: Path
) -> None:
    """Killed while half a frame was read, more comes while no collector runs."""
    first = systemd.start()
    connection = agent_at(first.tcp)
    stream = b"".join(as_frames("1@h"))
    connection.sendall(stream[:100])
    wait_until(lambda: first.health()["connections"] == 1)
    wait_until(lambda: len(systemd.names) == 3)
    time.sleep(0.2)

    first.kill()
    connection.sendall(stream[100:-50])
    second = systemd.start()
    connection.sendall(stream[-50:])

    wait_until(lambda: second.health()["calls"] == 1)
    second.drain()
    assert calls_in_order(tmp_path, ["1@h"]) == ["1@h"]
    connection.sendall(agent.build(agent.Heartbeat(17)))
    assert receive(connection) == agent.HeartbeatAck(17)
    connection.close()
    wait_until(lambda: len(systemd.names) == 2)


@pytest.mark.parametrize("kills", [2, pytest.param(12, marks=pytest.mark.durability)])
def test_kills_under_load_hang_up_on_nobody(
    systemd: Systemd, tmp_path: Path, kills: int
) -> None:
    """What the killed process had read and not put on disk is lost; nothing that comes
    later is, and no stream is out of step.
    """
    rng = random.Random(20261127)
    running = systemd.start()
    tcp = running.tcp
    senders = [
        Sender("agent", agent_at(tcp), as_frames),
        Sender("hep", socket.create_connection(tcp, timeout=60), as_packets),
    ]
    wait_until(lambda: len(systemd.names) == 4)
    for _ in range(kills):
        time.sleep(rng.uniform(0.3, 0.9))
        running.kill()
        running = systemd.start()
    before = [len(sender.sent) for sender in senders]
    time.sleep(0.5)
    sent = [sender.stop() for sender in senders]

    assert running.health()["connections"] == 2
    for calls, number in zip(sent, before, strict=True):
        assert number > 10
        # One call may have begun when the last process was killed.
        later = calls[number + 6 :]
        assert later
        # A call whose BYE is lost stays up: there is no waiting for all of them.
        wait_for_calls(tmp_path, later)
        whole = calls_in_order(tmp_path, calls)
        assert len(whole) > len(calls) // 2
    for sender in senders:
        sender._connection.close()
    wait_until(lambda: len(systemd.names) == 2)
    assert running.stop() == 0


def test_bytes_that_a_killed_process_took_with_it_leave_the_stream_in_step(
    systemd: Systemd, tmp_path: Path
) -> None:
    """As if it was killed between reading and noting that: some bytes are gone."""
    first = systemd.start()
    connection = agent_at(first.tcp)
    wait_until(lambda: len(systemd.names) == 3)
    first.kill()
    connection.sendall(b"".join(as_frames("1@h")))
    handle = next(
        socket.socket(fileno=os.dup(descriptor))
        for _, descriptor in systemd.kept
        if _is_connection(descriptor)
    )
    handle.recv(1000)
    handle.close()

    second = systemd.start()
    connection.sendall(b"".join(as_frames("2@h")))

    wait_until(lambda: second.health()["calls"] > 0)
    second.drain()
    assert calls_in_order(tmp_path, ["1@h", "2@h"]) == ["2@h"]
    assert "bytes of a stream are lost" in second.said()
    connection.close()


def _is_connection(descriptor: int) -> bool:
    try:
        with socket.socket(fileno=os.dup(descriptor)) as handle:
            handle.getpeername()
    except OSError:
        return False
    return True


def test_whoever_comes_while_none_runs_waits(systemd: Systemd, tmp_path: Path) -> None:
    first = systemd.start()
    tcp, udp = first.tcp, first.udp
    wait_until(lambda: len(systemd.names) == 2)
    first.kill()
    connection = socket.create_connection(tcp, timeout=60)
    connection.sendall(handshake() + b"".join(as_frames("1@h")))
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sender:
        for packet in as_packets("2@h"):
            sender.sendto(packet, udp)

    second = systemd.start()

    assert (second.tcp, second.udp) == (tcp, udp)
    wait_until(lambda: second.health()["calls"] == 2)
    second.drain()
    assert calls_in_order(tmp_path, ["1@h", "2@h"]) == ["1@h", "2@h"]
    connection.close()


def test_a_restart_by_systemd_hangs_up_on_nobody_either(
    systemd: Systemd, tmp_path: Path
) -> None:
    first = systemd.start()
    connection = agent_at(first.tcp)
    wait_until(lambda: len(systemd.names) == 3)

    assert first.stop() == 0
    connection.sendall(b"".join(as_frames("1@h")))
    second = systemd.start()

    wait_until(lambda: second.health()["calls"] == 1)
    second.drain()
    assert calls_in_order(tmp_path, ["1@h"]) == ["1@h"]
    connection.close()


def test_what_took_over_is_kept_as_well(systemd: Systemd, tmp_path: Path) -> None:
    first = systemd.start()
    connection = agent_at(first.tcp)
    wait_until(lambda: len(systemd.names) == 3)
    before = systemd.names

    second = systemd.start("--takeover")
    assert first.wait() == 0
    wait_until(lambda: len(systemd.names) == 3 and not set(before) & set(systemd.names))
    second.kill()
    third = systemd.start()

    connection.sendall(b"".join(as_frames("1@h")))
    wait_until(lambda: third.health()["calls"] == 1)
    third.drain()
    assert calls_in_order(tmp_path, ["1@h"]) == ["1@h"]
    connection.close()


def test_a_customer_who_is_gone_is_not_taken_up(systemd: Systemd) -> None:
    first = systemd.start()
    connection = agent_at(first.tcp)
    wait_until(lambda: len(systemd.names) == 3)
    first.kill()
    other = '[{"id": "other", "bucket": "o", "token": "tok-other"}]'

    systemd.start(customers=other, customer_id="other")

    assert connection.recv(10) == b""
    wait_until(lambda: len(systemd.names) == 2)
    connection.close()


def test_what_is_not_ours_or_not_whole_is_passed_over(
    systemd: Systemd, tmp_path: Path
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as foreign:
        systemd.kept += [
            ("http", os.dup(foreign.fileno())),
            ("sipvault-0123", os.dup(foreign.fileno())),
            ("sipvault-4567", os.memfd_create("garbage")),
        ]
    process = systemd.start()

    wait_until(lambda: len(systemd.names) == 3 and "http" in systemd.names)
    connection = agent_at(process.tcp)
    connection.close()


def test_without_systemd_nothing_is_kept(tmp_path: Path) -> None:
    process = Process(tmp_path).ready()
    connection = agent_at(process.tcp)
    process.kill()
    assert connection.recv(10) == b""
    connection.close()
