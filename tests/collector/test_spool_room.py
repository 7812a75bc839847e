"""How much of a partition is kept free under the spool."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from flask_sipvault.collector import spool_room as module
from flask_sipvault.collector.spool_room import Room

MB = 1 << 20


class Disk:
    """A partition, as far as the room asks: how much is free without the file."""

    def __init__(self, folder: Path, free: int) -> None:
        self.folder = folder
        self.free = free

    @property
    def held(self) -> int:
        path = self.folder / "reserve"
        return path.stat().st_size if path.exists() else 0

    def free_bytes(self, folder: Path) -> int:
        return max(0, self.free - self.held)


@pytest.fixture
def disk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Disk:
    disk = Disk(tmp_path, 800 * MB)
    monkeypatch.setattr(module, "free_bytes", disk.free_bytes)
    return disk


def test_a_part_of_the_partition_is_taken_up_and_no_more_than_is_needed(
    disk: Disk,
) -> None:
    assert Room(disk.folder, 1 << 30).look(0)
    assert disk.held == 64 * MB

    (disk.folder / "reserve").unlink()
    room = Room(disk.folder, 10 * MB)
    assert room.look(0)
    assert disk.held == 10 * MB
    assert room.total == 800 * MB


def test_the_file_takes_up_real_room(tmp_path: Path) -> None:
    assert Room(tmp_path, MB).look(0)
    assert os.stat(tmp_path / "reserve").st_blocks * 512 >= MB


def test_what_the_spool_takes_up_is_its_own_and_what_others_do_is_not(
    disk: Disk,
) -> None:
    room = Room(disk.folder, 1 << 30)
    disk.free = 160 * MB
    assert room.look(0)
    assert disk.held == 20 * MB

    disk.free = 60 * MB
    assert room.look(100 * MB)
    assert disk.held == 20 * MB
    disk.free = 39 * MB
    assert not room.look(121 * MB)

    disk.free = 39 * MB
    assert room.look(1 * MB)
    assert disk.held == 5 * MB


def test_given_up_it_is_made_again_when_there_is_more_than_enough(disk: Disk) -> None:
    disk.free = 160 * MB
    room = Room(disk.folder, 1 << 30)
    assert room.look(0)

    assert room.give_up()
    assert not room.give_up()
    disk.free = 49 * MB
    assert not room.look(111 * MB)
    assert disk.held == 0
    disk.free = 50 * MB
    assert room.look(110 * MB)
    assert disk.held == 20 * MB


def test_there_is_room_for_more_only_beside_what_leaves(disk: Disk) -> None:
    disk.free = 160 * MB
    room = Room(disk.folder, 1 << 30)
    assert room.look(0)
    disk.free = 36 * MB

    assert room.takes(3 * MB)
    assert not room.takes(4 * MB)


def test_a_folder_that_nothing_can_be_said_of_takes_nothing(tmp_path: Path) -> None:
    assert not Room(tmp_path / "gone", MB).takes(0)
