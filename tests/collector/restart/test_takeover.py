"""A restart of which nobody who is connected notices anything."""

from __future__ import annotations

import os
import signal
import socket
import sqlite3
import ssl
import threading
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.collector import server
from flask_sipvault.collector import spool_tables as spooltables
from flask_sipvault.collector.restart import takeover
from flask_sipvault.collector.restart.takeover import answer_door
from flask_sipvault.collector.restart.takeover import hand_over
from flask_sipvault.collector.restart.takeover import Inheritance
from flask_sipvault.collector.restart.takeover import knock
from flask_sipvault.collector.restart.takeover import open_door
from flask_sipvault.collector.restart.takeover import TakeoverError
from flask_sipvault.collector.restart.takeover import TransferredSocket
from flask_sipvault.protocols import agent

from ..conftest import items_of
from ..live import handshake
from ..live import Live
from ..live import receive
from ..live import recording
from ..live import wait_until
from ..processes import folder_vault
from ..processes import Process
from ..senders import agent_at
from ..senders import as_frames
from ..senders import as_packets
from ..senders import messages
from ..senders import Sender

# From hand to hand


@pytest.fixture
def pair() -> Iterator[tuple[socket.socket, socket.socket]]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def in_a_thread(work: Callable[[], Any]) -> Callable[[], Any]:
    """Begins the work; calling what is returned waits for its result."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append(work())
        except Exception as error:
            result.append(error)

    thread = threading.Thread(target=run)
    thread.start()

    def wait() -> Any:
        thread.join(20)
        return result[0]

    return wait


def test_sockets_change_hands_with_what_there_is_to_know_of_them(
    pair: tuple[socket.socket, socket.socket], tmp_path: Path
) -> None:
    door = open_door(tmp_path)
    mine, far_end = pair
    frame = bytes(range(256)) * 4096  # the longest

    def give() -> None:
        wait_until(lambda: (peers.append(answer_door(door)) or peers[-1]) is not None)
        peer = peers[-1]
        assert peer is not None
        hand_over(
            peer,
            [
                TransferredSocket("tcp", mine, {"address": ["", 9060]}),
                TransferredSocket("connection", mine, {"customer": "acmé"}, frame),
            ],
        )

    peers: list[socket.socket | None] = []
    given = in_a_thread(give)
    inheritance = knock(tmp_path)
    assert inheritance is not None
    inheritance.take()

    assert given() is None
    first, second = inheritance.sockets
    assert (first.kind, first.facts, first.pending) == (
        "tcp",
        {"address": ["", 9060]},
        b"",
    )
    assert (second.facts, second.pending) == ({"customer": "acmé"}, frame)
    mine.close()
    far_end.sendall(b"still there")
    assert second.handle.recv(20) == b"still there"
    door.close()
    for each in inheritance.sockets:
        each.handle.close()


def test_nobody_at_the_door_is_no_failure(tmp_path: Path) -> None:
    assert knock(tmp_path) is None
    open_door(tmp_path).close()
    assert knock(tmp_path) is None


def test_a_successor_that_gives_up_leaves_everything_where_it_was(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    mine, far_end = pair
    one, other = socket.socketpair()
    given = in_a_thread(lambda: hand_over(one, [TransferredSocket("tcp", mine, {})]))
    inheritance = Inheritance(other)
    inheritance.give_back()

    assert isinstance(given(), TakeoverError)
    far_end.sendall(b"x")
    assert mine.recv(1) == b"x"


def test_a_predecessor_that_breaks_off_is_a_failure(
    pair: tuple[socket.socket, socket.socket],
) -> None:
    mine, _ = pair
    one, other = socket.socketpair()
    socket.send_fds(one, [b"\0\0"], [mine.fileno()])
    one.close()

    with pytest.raises(TakeoverError):
        Inheritance(other)


def test_a_stranger_at_the_door_gets_nothing(tmp_path: Path) -> None:
    with open_door(tmp_path) as door, socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(str(tmp_path / "takeover"))
        stranger.sendall(b"GET / HTTP/1.1\r\n\r\n----")
        assert answer_door(door) is None
        assert answer_door(door) is None


def test_the_path_of_the_spool_may_be_long(tmp_path: Path) -> None:
    folder = tmp_path / ("x" * 200)
    folder.mkdir()

    with open_door(folder) as door:
        inheritance = in_a_thread(lambda: knock(folder))
        peers: list[socket.socket | None] = []
        wait_until(lambda: (peers.append(answer_door(door)) or peers[-1]) is not None)
        assert peers[-1] is not None
        hand_over_nothing = in_a_thread(lambda: hand_over(peers[-1], []))
        inheritance().take()
        assert hand_over_nothing() is None


def test_only_its_own_user_can_reach_the_door(tmp_path: Path) -> None:
    with open_door(tmp_path):
        assert (tmp_path / "takeover").stat().st_mode & 0o777 == 0o600
    assert takeover.LONG_PATIENCE >= 60


# From process to process


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Process]]:
    """Starts collectors that share one folder."""
    started: list[Process] = []

    def begin(*words: str, **settings: object) -> Process:
        started.append(Process(tmp_path, *words, **settings))
        return started[-1]

    yield begin
    for process in started:
        process.kill()


def check_all_there(folder: Path, call_ids: list[str]) -> None:
    """Each call once, with each of its messages once."""
    vault = folder_vault(folder)
    for call_id in call_ids:
        call = vault.find(call_id)
        assert call is not None, call_id
        seen = Counter(packet.payload for packet in call.sip)
        assert seen == Counter(messages(call_id)), call_id


def test_takeovers_under_load_lose_nothing_and_hang_up_on_nobody(
    start: Callable[..., Process],
    tmp_path: Path,
    certificate: tuple[Path, Path],
    trusting: ssl.SSLContext,
) -> None:
    tls = {"tls_cert": certificate[0], "tls_key": certificate[1]}
    running = start(**tls).ready()
    plain = socket.create_connection(running.tcp, timeout=60)
    by_tls = trusting.wrap_socket(
        socket.create_connection(running.tcp, timeout=60), server_hostname="localhost"
    )
    udp = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
    udp.connect(running.udp)
    senders = [
        Sender("agent", agent_at(running.tcp), as_frames),
        Sender("agent2", agent_at(running.tcp), as_frames),
        Sender("hep", plain, as_packets),
        Sender("tls", by_tls, as_packets),
        Sender("udp", udp, as_packets),
    ]
    before = [running]
    for _ in range(3):
        time.sleep(0.5)
        running = start("--takeover", **tls).ready()
        before.append(running)
    time.sleep(0.5)
    sent = [sender.stop() for sender in senders]
    connections = [sender._connection for sender in senders]

    # The first deciphers what comes by TLS; whoever has nothing to decipher has gone.
    assert not before[0].ended
    assert [old.wait() for old in before[1:3]] == [0, 0]
    running.drain()
    for connection in connections:
        connection.close()
    assert before[0].wait() == 0
    assert all(sent)
    check_all_there(tmp_path, [call_id for calls in sent for call_id in calls])
    assert running.stop() == 0


def test_half_a_frame_goes_on_in_the_next_process(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    first = start().ready()
    stream = b"".join(as_frames("1@h"))
    silent = socket.create_connection(first.tcp, timeout=20)
    half_logged_in = socket.create_connection(first.tcp, timeout=20)
    half_logged_in.sendall(handshake()[:9])
    connection = agent_at(first.tcp)
    connection.sendall(stream[:100])
    wait_until(lambda: first.health()["connections"] == 2)

    second = start("--takeover").ready()
    assert first.wait() == 0
    connection.sendall(stream[100:])
    half_logged_in.sendall(handshake()[9:])
    silent.sendall(handshake())

    assert receive(half_logged_in) == agent.HandshakeAck(agent.ACCEPTED, "ok")
    assert receive(silent) == agent.HandshakeAck(agent.ACCEPTED, "ok")
    second.drain()
    check_all_there(tmp_path, ["1@h"])
    for each in (connection, half_logged_in, silent):
        each.close()


def test_a_successor_that_cannot_start_changes_nothing(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    first = start().ready()
    connection = agent_at(first.tcp)
    with socket.create_server(("127.0.0.1", 0)) as taken:
        second = start("--takeover", metrics_port=taken.getsockname()[1])
        assert second.wait() == 1
    assert "SIPVAULT_METRICS_LISTEN" in second.said()

    wait_until(lambda: "nobody took over" in first.said())
    connection.sendall(b"".join(as_frames("1@h")))
    wait_until(lambda: first.health()["calls"] == 1)
    first.drain()
    check_all_there(tmp_path, ["1@h"])
    connection.close()
    assert first.stop() == 0


def test_nobody_takes_over_what_is_not_on_disk(
    live: Live, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(server, "_CLOSE_SECONDS", 0.5)

    def refuse(db: sqlite3.Connection, batch: spooltables.Batch) -> None:
        raise sqlite3.OperationalError("database or disk is full")

    with monkeypatch.context() as patched:
        patched.setattr(spooltables, "commit", refuse)
        live.deliver(recording("answered_rtcp.svwire"))
        with pytest.raises(TakeoverError, match="broke off"):
            knock(live.pipeline.spool.folder)
        assert live.pipeline.spool.unsaved == 18
    wait_until(lambda: not live.pipeline.full)
    live.pass_time(40)

    (call_id,) = {
        i.call_id for i in items_of("answered_rtcp.svwire") if i.kind == "sip"
    }
    assert len(live.call(call_id).sip) == 7


def test_without_a_takeover_a_second_collector_is_refused(
    start: Callable[..., Process],
) -> None:
    start().ready()
    second = start()

    assert second.wait() == 1
    assert "another collector has the spool" in second.said()


def test_where_none_runs_the_successor_starts_anew(
    start: Callable[..., Process],
) -> None:
    first = start("--takeover").ready()

    assert "no collector runs with this spool" in first.said()
    assert first.stop() == 0


def test_upon_sighup_a_collector_starts_its_own_successor(
    start: Callable[..., Process], tmp_path: Path
) -> None:
    first = start().ready()
    connection = agent_at(first.tcp)

    first.signal(signal.SIGHUP)

    assert first.wait() == 0
    lines = [line for line in first.said().splitlines() if "=listening" in line]
    assert len(lines) == 2
    connection.sendall(b"".join(as_frames("1@h")))
    wait_until(lambda: first.health()["calls"] == 1)
    first.drain()
    check_all_there(tmp_path, ["1@h"])
    connection.close()
    (pid,) = (word[4:] for word in lines[1].split() if word.startswith("pid="))
    os.kill(int(pid), signal.SIGTERM)
    wait_until(lambda: first.said().count("message=stopped") == 1)
