"""The partition under the spool is full: what is there leaves, and nothing is lost."""

from __future__ import annotations

import os
import shutil
import subprocess
import threading
import time
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_sipvault.protocols import agent

from .live import receive
from .live import wait_until
from .processes import folder_vault
from .processes import Process
from .senders import agent_at
from .senders import as_frames
from .senders import messages
from .test_server_durability import ON_DISK_SECONDS

#: Much more than the partition holds: each takes about 3 kB there.
CALLS = 2000


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    """A partition of 2 MB."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = shutil.which("mount")
    words = [
        str(mount),
        "-t",
        "tmpfs",
        "-o",
        "size=2m,mode=0700",
        "sipvault-test",
        str(disk),
    ]
    if mount is None or subprocess.run(words, capture_output=True).returncode:
        pytest.skip("mounting a file system is not permitted here")
    yield disk
    subprocess.run(["umount", "--lazy", str(disk)], check=True)


class Feed:
    """An agent that sends as fast as it may, and waits when it has to."""

    def __init__(self, place: tuple[str, int], call_ids: list[str], *, upto: int = 6):
        self.connection = agent_at(place)
        frames = b"".join(b"".join(as_frames(each)[:upto]) for each in call_ids)
        self._data = frames + agent.build(agent.Heartbeat(1))
        self.failure: OSError | None = None
        self._thread = threading.Thread(target=self._send)
        self._thread.start()

    def _send(self) -> None:
        try:
            self.connection.sendall(self._data)
        except OSError as error:
            self.failure = error

    def join(self) -> None:
        """Wait until all of it was read."""
        self.connection.settimeout(120)
        self._thread.join(120)
        assert not self._thread.is_alive()
        assert self.failure is None
        assert receive(self.connection) == agent.HeartbeatAck(1)
        self.connection.close()


def assert_all_there(folder: Path, call_ids: list[str], *, upto: int = 6) -> None:
    vault = folder_vault(folder)
    for call_id in call_ids:
        call = vault.find(call_id)
        assert call is not None, call_id
        sent = Counter(messages(call_id)[:upto])
        assert Counter(packet.payload for packet in call.sip) == sent


def test_more_calls_than_the_disk_holds_at_once_go_through_it(
    small_disk: Path, tmp_path: Path
) -> None:
    process = Process(tmp_path, spool=small_disk, linger=60).ready()
    call_ids = [f"{n}@full" for n in range(CALLS)]
    feeds = [Feed(process.tcp, call_ids[n::3]) for n in range(3)]

    for feed in feeds:
        feed.join()
    assert process.stop() == 0
    again = Process(tmp_path, spool=small_disk, linger=1).ready()
    again.drain()

    wait_until(lambda: again.health()["spool"] == "ok")
    assert again.stop() == 0
    assert_all_there(tmp_path, call_ids)
    assert "is full: senders have to wait" in process.said()


def test_calls_that_stay_up_do_not_fill_it_for_ever(
    small_disk: Path, tmp_path: Path
) -> None:
    """Their end is not read while it is full."""
    process = Process(tmp_path, spool=small_disk).ready()
    call_ids = [f"{n}@full" for n in range(CALLS)]
    Feed(process.tcp, call_ids, upto=4).join()

    wait_until(lambda: process.health()["spool"] == "ok", 60)
    assert process.stop() == 0
    again = Process(tmp_path, spool=small_disk, partial_seconds=1).ready()
    wait_until(lambda: _waits_for_nothing(again), 60)
    assert again.stop() == 0
    assert_all_there(tmp_path, call_ids, upto=4)


def _waits_for_nothing(process: Process) -> bool:
    return bool(process.health()["parts_waiting"] == 0)


@pytest.mark.parametrize("end", ["none", "kill", "stop"])
def test_when_others_fill_it_what_is_there_leaves_and_it_recovers(
    end: str, small_disk: Path, tmp_path: Path
) -> None:
    process = Process(tmp_path, spool=small_disk, linger=3).ready()
    first = [f"{n}@first" for n in range(100)]
    Feed(process.tcp, first).join()
    wait_until(lambda: process.health()["calls"] == 100)
    time.sleep(ON_DISK_SECONDS)
    wait_until(lambda: fill(small_disk / "other", process) == "disk full")

    later = [f"{n}@later" for n in range(100)]
    feed = Feed(process.tcp, later)
    if end != "none":
        feed.connection.close()
        process.kill() if end == "kill" else process.stop()
        process = Process(tmp_path, spool=small_disk, linger=3).ready()
        feed = Feed(process.tcp, later)
    process.drain()
    assert process.health()["spool"] == "disk full"
    assert process.health()["status"] == "ok"
    assert_all_there(tmp_path, first)

    (small_disk / "other").unlink()
    feed.join()
    wait_until(lambda: process.health()["spool"] == "ok")
    process.drain()
    assert process.stop() == 0
    assert_all_there(tmp_path, later)


def fill(path: Path, process: Process) -> str:
    """Take up all that is free; what the collector says of that."""
    with path.open("ab", buffering=0) as file:
        for size in (1 << 16, 1 << 12):
            try:
                while True:
                    file.write(os.urandom(size))
            except OSError:
                pass
    return str(process.health()["spool"])
