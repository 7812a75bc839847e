"""A process for test_crashes to kill: it takes calls, one after the other, and says
which of them are spooled. With "drain" it takes none, and ends when all are written.
"""

from __future__ import annotations

import itertools
import sys
import time
from pathlib import Path

from flask_sipvault.collector.items import Item
from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.config.collector import CollectorSettings
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

A, B = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)
START_LINES = [
    ("INVITE sip:b SIP/2.0", "INVITE"),
    ("SIP/2.0 180 Ringing", "INVITE"),
    ("SIP/2.0 200 OK", "INVITE"),
    ("ACK sip:b SIP/2.0", "ACK"),
    ("BYE sip:b SIP/2.0", "BYE"),
    ("SIP/2.0 200 OK", "BYE"),
]
TOGETHER = 10


def items(call_id: str) -> list[Item]:
    """The messages and two lines of a call, the second under a wrong name."""
    found = []
    for start_line, method in START_LINES:
        message = (
            f"{start_line}\r\nFrom: <sip:a>;tag=1\r\nTo: <sip:b>;tag=2\r\n"
            f"Call-ID: {call_id}\r\nCSeq: 1 {method}\r\n\r\n"
        )
        found.append((call_id, "sip", message, method))
    found.insert(1, (call_id, "log", f"new call {call_id}", ""))
    found.append((f"x{call_id}", "log", f"end of call {call_id}", ""))
    now = time.time_ns()
    return [
        Item("acme", name, kind, now + n, A, B, "udp", payload.encode(), "", "", method)  # type: ignore[arg-type]
        for n, (name, kind, payload, method) in enumerate(found)
    ]


def say(word: str) -> None:
    sys.stdout.write(f"{word}\n")
    sys.stdout.flush()


def main(folder: Path, name: str) -> None:
    store = FolderStore(folder / "store")
    store.check()
    vault = Vault(store, customer_id="acme")
    pipeline = Pipeline(
        CollectorSettings(spool=folder / "spool", linger=1), lambda customer_id: vault
    )
    if name == "drain":
        while list(pipeline.spool.stored_items()) or pipeline.spool.sealed_parts():
            pipeline.tick()
            time.sleep(0.02)
        pipeline.close(10)
        return
    say("ready")
    for number in itertools.count():
        call_ids = [f"{name}-{number}-{n}@h" for n in range(TOGETHER)]
        calls = [items(call_id) for call_id in call_ids]
        for together in zip(*calls, strict=True):
            for item in together:
                pipeline.accept(item)
        pipeline.tick()
        if number % 3 == 0:
            pipeline.spool.flush()
            say(str(number))
        time.sleep(0.05)


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2])
