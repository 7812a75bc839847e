"""A collector that is killed with SIGKILL, in the middle of its work."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections import Counter
from pathlib import Path

from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

from .feeder import START_LINES
from .feeder import TOGETHER

FEEDER = Path(__file__).with_name("feeder.py")
KILLS = 4


def run(folder: Path, name: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, str(FEEDER), str(folder), name],
        stdout=subprocess.PIPE,
        text=True,
    )


def test_whatever_was_spooled_is_in_the_vault_once(tmp_path: Path) -> None:
    moments = random.Random(KILLS)
    spooled: list[str] = []
    for n in range(KILLS):
        with run(tmp_path, f"run{n}") as process:
            assert process.stdout is not None
            assert process.stdout.readline() == "ready\n"
            time.sleep(moments.uniform(0.05, 1.6))
            process.kill()
            told = process.stdout.read().splitlines()
        last = int(told[-1]) if told else -1
        spooled += [
            f"run{n}-{number}-{each}@h"
            for number in range(last + 1)
            for each in range(TOGETHER)
        ]
    with run(tmp_path, "drain") as process:
        assert process.wait(timeout=60) == 0

    vault = Vault(FolderStore(tmp_path / "store"), customer_id="acme")
    assert spooled
    for call_id in spooled:
        seen: Counter[bytes | str] = Counter()
        for _, data in vault.raw_parts(call_id):
            part = vault._unpack(data, call_id)
            assert part.damage == []
            assert part.state == "COMPLETE"
            seen.update(packet.payload for packet in part.sip)
            seen.update(line.line for line in part.logs)
        assert sum(seen.values()) == len(seen) == len(START_LINES) + 2, call_id
