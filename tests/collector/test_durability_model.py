"""Whatever happens to a collector, in whatever order: what was accepted is in the vault
once, or counted.

A model keeps what was sent, and of each call what a collector must still know of it.
Everything below the sockets is real: the spool is SQLite's, the vault a folder.
"""

from __future__ import annotations

import os
import sqlite3
import tempfile
import threading
from collections import Counter
from dataclasses import dataclass
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import initialize
from hypothesis.stateful import invariant
from hypothesis.stateful import precondition
from hypothesis.stateful import rule
from hypothesis.stateful import RuleBasedStateMachine

from flask_sipvault.collector import part_writer as writer
from flask_sipvault.collector import spool as spool_module
from flask_sipvault.collector import spool_room as room
from flask_sipvault.collector import spool_tables as spooltables
from flask_sipvault.collector.items import Item
from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols.address import Endpoint

from .conftest import bye
from .conftest import bye_ok
from .conftest import Collector
from .conftest import invite
from .conftest import log
from .conftest import ok
from .conftest import other
from .conftest import refusal
from .conftest import SECOND
from .conftest import sip_item
from .conftest import TS
from .test_call_tracker import rtcp
from .test_call_tracker import sdp

#: The second is the end of the first: a line that names it names both.
CALL_IDS = ("11@h", "1@h", "other@h")
MEDIA = "192.0.2.50"
DAY = 24 * 3600

#: After how much silence a call may be given up: collectors have the default.
CALL_TIMEOUT = 14400

ENDS = frozenset({"bye", "bye answered", "refused"})

DISK = ("has no room", "refuses", "has room")

#: What is of no call for a collector that does not know the call (any more).
NEEDS_ITS_CALL = frozenset({"rtcp by port", "line of HEP", "options"})

KINDS = (
    *("invite", "ringing", "ok", "update", "hold", "bye", "bye answered", "refused"),
    *("log", "misnamed log", "rtcp", "report", *NEEDS_ITS_CALL),
)


@dataclass
class Sent:
    """One item that was accepted.

    :param sure: whether it was on disk before anything that could lose it.
    :param needed: whether it must be kept, as far as the model can tell.
    """

    number: int
    call: int
    kind: str
    at: float
    needed: bool
    sure: bool = False


class CollectorMachine(RuleBasedStateMachine):
    """A collector, its store and its disk, and what becomes of them."""

    def __init__(self) -> None:
        super().__init__()
        # In memory, where that can be: thousands of transactions wait for the disk.
        memory = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None
        self._folder = tempfile.TemporaryDirectory(dir=memory)
        self._patch = pytest.MonkeyPatch()
        self._patch.setattr(writer, "FIRST_PAUSE", 0.001)
        self._patch.setattr(writer, "LONGEST_PAUSE", 0.002)
        # Nothing gets on disk but by a flush, so that a kill loses the same each time.
        self._patch.setattr(spool_module, "COMMIT_SECONDS", 3600.0)
        self._patch.setattr(spool_module, "_RETRY_SECONDS", 0.005)
        self._commit = spooltables.commit
        self._patch.setattr(spooltables, "commit", self._commit_or_refuse)
        self._patch.setattr(room, "free_bytes", self._free_bytes)
        self._disk = "has room"
        self._numbers = 0
        self._sent: list[Sent] = []
        self._pruned: set[str] = set()
        self._left_out: Counter[str] = Counter()

    @initialize(lines=st.integers(5, 30))
    def begin(self, lines: int) -> None:
        self.collector = Collector(Path(self._folder.name), spool_max_bytes=16 << 20)
        self.take_an_answered_call(0, lines)

    # What comes.

    @rule(call=st.integers(0, 2), kind=st.sampled_from(KINDS), late=st.booleans())
    def take(self, call: int, kind: str, late: bool) -> None:
        self._take(call, kind, late=late)

    @rule(call=st.integers(0, 2), lines=st.integers(0, 30))
    def take_an_answered_call(self, call: int, lines: int) -> None:
        for kind in ("invite", "ok", *["log"] * lines):
            self._take(call, kind)

    @rule(call=st.integers(0, 2))
    def take_the_end_of_a_call(self, call: int) -> None:
        for kind in ("update", "bye", "bye answered"):
            self._take(call, kind)

    # What happens.

    @rule(seconds=st.sampled_from([1, 6, 31, 100, 301, 3600, CALL_TIMEOUT + 100]))
    def pass_time(self, seconds: int) -> None:
        self.collector.now += seconds
        self.collector.pipeline.tick()

    @precondition(lambda self: self.is_well)
    @rule(seconds=st.sampled_from([301, 31]))
    def write_what_is_due(self, seconds: int) -> None:
        """Let it be written and confirmed, as it goes nearly always."""
        self.collector.now += seconds
        self.collector.pipeline.tick()
        self.collector.write()
        self._all_sure()

    @rule()
    def confirmations_are_lost(self) -> None:
        """Until the end of this process: it is killed before it could."""
        self.collector.pipeline.spool.confirm = lambda part_id: None  # type: ignore[method-assign]

    @rule(
        away=st.booleans(), disk=st.sampled_from(["has no room", "refuses", "has room"])
    )
    def outage(self, away: bool, disk: str) -> None:
        """Of the store, the disk, both or neither."""
        self.collector.store().away = away
        self._disk = disk

    @rule()
    def outage_ends(self) -> None:
        self.collector.store().away = False
        self._disk = "has room"

    @rule()
    def flush(self) -> None:
        if self.collector.pipeline.spool.flush(self._patience):
            self._all_sure()

    @precondition(lambda self: self.is_well)
    @rule()
    def prune_the_vault(self) -> None:
        """All that was written is old enough."""
        self.collector.write()
        self._all_sure()
        for call_id in CALL_IDS:
            found = self.collector.find(call_id)
            self._pruned |= set(_contents(found)) if found else set()
        then = TS / SECOND + self.collector.now + 2 * DAY
        self.collector.vault().prune(older_than_days=0, now=then)

    # How a process ends.

    @rule(how=st.sampled_from(["kill", "stop", "takeover"]))
    def end(self, how: str) -> None:
        self._left_out += self.collector.pipeline.sessions.left_out
        if how == "kill":
            self.collector.kill()
        elif how == "takeover" and self._disk == "has room":
            self._take_over()
            return
        elif self.collector.pipeline.close(self._patience):
            self._all_sure()
        # What is not surely on disk may be there or not; nobody can rely on it.
        self._sent = [sent for sent in self._sent if sent.sure]
        self.collector.restart()

    def _take_over(self) -> None:
        """The next one waits for the spool while this one lets go of it."""
        old = self.collector.pipeline
        closing = threading.Thread(target=old.close, args=(10,))
        closing.start()
        self.collector.restart(wait_seconds=20)
        closing.join(20)
        self._all_sure()

    # What must hold.

    @invariant()
    def nothing_waits_twice(self) -> None:
        if not hasattr(self, "collector"):
            return
        names = self.collector.pipeline.spool._reader().execute(
            "SELECT count(*), count(DISTINCT customer || name) FROM call"
            " WHERE NOT final"
        )
        calls, different = names.fetchone()
        assert calls == different

    def teardown(self) -> None:
        try:
            if hasattr(self, "collector"):
                self._check()
        finally:
            if hasattr(self, "collector"):
                self.collector.pipeline.close(1)
            self._patch.undo()
            self._folder.cleanup()

    def _check(self) -> None:
        collector = self.collector
        collector.store().away = False
        self._disk = "has room"
        assert collector.pipeline.spool.flush(10)
        self._all_sure()
        self.end("stop")
        for seconds in (6, 100, 301, CALL_TIMEOUT + 100, 200):
            collector.now += seconds
            collector.pipeline.tick()
            collector.write()
        self._left_out += collector.pipeline.sessions.left_out

        found: Counter[str] = Counter()
        for call_id in CALL_IDS:
            call = collector.find(call_id)
            if call is not None:
                assert call.damage == []
                found.update(_contents(call))
            _assert_no_part_repeats_another(collector.parts(call_id), self._pruned)
        assert set(found.values()) <= {1}
        missing = [
            sent
            for sent in self._sent
            if sent.sure and (name := str(sent.number)) not in found
            if name not in self._pruned
        ]
        assert [sent for sent in missing if sent.needed] == []
        uncounted = Counter(_item_kind(sent.kind) for sent in missing)
        assert uncounted <= self._left_out
        assert collector.spooled() == 0

    # The model.

    @property
    def is_well(self) -> bool:
        return self._disk == "has room" and not self.collector.store().away

    @property
    def _patience(self) -> float:
        """How long to wait for the disk, in seconds."""
        return 10.0 if self._disk == "has room" else 0.03

    def _take(self, call: int, kind: str, *, late: bool = False) -> None:
        self._numbers += 1
        n = self._numbers
        sent = Sent(n, call, kind, self.collector.now, self._must_be_kept(call, kind))
        self._sent.append(sent)
        self.collector.take(_item(kind, call, n, 0.5 if late else float(n)))

    def _must_be_kept(self, call: int, kind: str) -> bool:
        """Whether any collector can tell the call of an item that is sent now."""
        if kind not in NEEDS_ITS_CALL:
            return True
        known: list[str] = []
        last = 0.0
        for sent in self._sent:
            if sent.call != call or sent.kind == "misnamed log" or not sent.needed:
                continue
            if sent.at > last + CALL_TIMEOUT - 1:
                known = []
            last = sent.at
            if known or sent.kind == "invite":
                known.append(sent.kind)
        if self.collector.now > last + CALL_TIMEOUT - 1:
            return False
        # A port that was announced, of a call that was answered and is not over.
        return "ok" in known and not ENDS & set(known)

    def _all_sure(self) -> None:
        for sent in self._sent:
            sent.sure = True

    def _commit_or_refuse(self, db: sqlite3.Connection, batch: Any) -> None:
        if self._disk == "refuses":
            raise sqlite3.OperationalError("database or disk is full")
        self._commit(db, batch)

    def _free_bytes(self, folder: Path) -> int:
        return 0 if self._disk == "has no room" else 1 << 30


def _item(kind: str, call: int, n: int, ts: float) -> Item:
    """One of a kind: its number is in it."""
    call_id = CALL_IDS[call]
    port = 16000 + 100 * call
    if kind == "rtcp by port":
        media = Endpoint(MEDIA, port + 1)
        return rtcp(n, src=media, ts=TS + int(ts * SECOND))
    if kind == "rtcp":
        return rtcp(n, call_id=call_id, of_call=True, src=None)
    if kind == "report":
        return other("quality", b'{"n": %d}' % n, call_id=call_id)
    if kind == "log":
        return log(f"{call_id} #{n}", call_id=call_id)
    if kind == "line of HEP":
        return log(f"{call_id} #{n}", call_id=call_id, of_call=False)
    if kind == "misnamed log":
        return log(f"{CALL_IDS[0]} #{n}", call_id=CALL_IDS[1])
    description = sdp(MEDIA, port, ssrc=call + 1)
    changes: dict[str, Any] = {"call_id": call_id, "tags": ("caller", "callee")}
    makers = {
        "invite": lambda: invite(ts, call_id=call_id, sdp=description),
        "ringing": lambda: sip_item(
            "SIP/2.0 180 Ringing", "1 INVITE", ts=ts, **changes
        ),
        "ok": lambda: ok(ts, call_id=call_id),
        "update": lambda: sip_item("UPDATE b SIP/2.0", "2 UPDATE", ts=ts, **changes),
        "hold": lambda: sip_item("INVITE b SIP/2.0", "3 INVITE", ts=ts, **changes),
        "bye": lambda: bye(ts, call_id=call_id),
        "bye answered": lambda: bye_ok(ts, call_id=call_id),
        "refused": lambda: refusal(486, ts, call_id=call_id),
        "options": lambda: sip_item("OPTIONS b SIP/2.0", "9 OPTIONS", ts=ts, **changes),
    }
    item = makers[kind]()
    return replace(item, payload=item.payload + b"#%d" % n)


def _item_kind(kind: str) -> str:
    return {"rtcp by port": "rtcp", "line of HEP": "log", "options": "sip"}[kind]


def _contents(call: Evidence) -> list[str]:
    """The numbers of the items in it."""
    return [
        *(packet.payload.rpartition(b"#")[2].decode() for packet in call.sip),
        *(str(int.from_bytes(datagram.payload[4:8])) for datagram in call.rtcp),
        *(line.line.rpartition("#")[2] for line in call.logs),
        *(str(report.report["n"]) for report in call.reports),
    ]


def _assert_no_part_repeats_another(parts: list[Evidence], pruned: set[str]) -> None:
    """But one that says what is known already: that the call expired."""
    found: Counter[str] = Counter()
    for part in sorted(parts, key=lambda part: part.state == "EXPIRED"):
        assert part.damage == []
        contents = _contents(part)
        if part.state != "EXPIRED" or not found.keys() | pruned >= set(contents):
            found.update(contents)
    assert set(found.values()) <= {1}


TestCollector = CollectorMachine.TestCase
TestCollector.settings = settings(
    max_examples=250, stateful_step_count=30, deadline=None, derandomize=True
)
