"""Parts on their way into the vault, while stores come and go."""

from __future__ import annotations

import itertools
import logging
import threading
import time
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.collector import part_writer as module
from flask_sipvault.collector.call_tracker import Part
from flask_sipvault.collector.items import Item
from flask_sipvault.collector.part_writer import evidence_of
from flask_sipvault.collector.part_writer import PartWriter
from flask_sipvault.collector.spool import Spool
from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.services import UnknownCustomerError
from flask_sipvault.vault import bundle
from flask_sipvault.vault.bundle import BundleError
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import day_of
from flask_sipvault.vault.vault import Vault

from .conftest import CALLEE
from .conftest import CALLER
from .conftest import invite
from .conftest import log
from .conftest import ok
from .conftest import other
from .conftest import SECOND
from .conftest import TS

PART = Part(1, "acme", "a@b", "COMPLETE", 0, 9)


class Shelf(Vault):
    """A vault that does as a test says with each call."""

    def __init__(self, customer_id: str, does: Callable[[Evidence], None]) -> None:
        self.customer_id = customer_id
        self.does = does
        self.calls: list[str] = []

    def put(self, evidence: Evidence) -> str:
        self.does(evidence)
        self.calls.append(evidence.call_id)
        return "key"


def takes(evidence: Evidence) -> None:
    """Take any call."""


def refuses(evidence: Evidence) -> None:
    raise StoreError("nobody answers there")


@pytest.fixture
def spool(tmp_path: Path) -> Iterator[Spool]:
    made = Spool(tmp_path, max_bytes=1 << 30)
    yield made
    made.close(5)


@pytest.fixture
def start(
    spool: Spool, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Callable[..., PartWriter]]:
    """Starts writers that try again soon."""
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.02)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.1)
    started: list[PartWriter] = []

    def begin(*shelves: Shelf, threads: int = 4) -> PartWriter:
        by_id = {shelf.customer_id: shelf for shelf in shelves}

        def vault_of(customer_id: str) -> Vault:
            if customer_id not in by_id:
                raise UnknownCustomerError(f"there is no customer {customer_id!r}")
            return by_id[customer_id]

        started.append(PartWriter(spool, vault_of, threads=threads))
        spool.on_sealed = started[-1].submit
        return started[-1]

    yield begin
    for writer in started:
        writer.close(5)


def seal(spool: Spool, *call_ids: str, customer_id: str = "acme") -> None:
    for call_id in call_ids:
        session = spool._last_session + 1
        row = spool.next_row()
        item = invite(call_id=call_id, customer_id=customer_id)
        spool.append(row, session, call_id, item)
        spool.seal(Part(session, customer_id, call_id, "COMPLETE", row - 1, row))
    assert spool.flush(5)


def soon(what: Callable[[], bool]) -> bool:
    deadline = time.monotonic() + 5
    while not what() and time.monotonic() < deadline:
        time.sleep(0.005)
    return what()


def test_a_sealed_part_is_written_and_leaves_the_spool(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    shelf = Shelf("acme", takes)
    writer = start(shelf)
    seal(spool, "one", "two", "three")

    assert writer.drain(5)
    assert sorted(shelf.calls) == ["one", "three", "two"]
    assert spool.flush(5)
    assert spool.sealed_parts() == []
    assert writer.counts == {"written": 3}


def test_while_the_store_is_away_parts_wait_and_then_go_by_themselves(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    shelf = Shelf("acme", refuses)
    writer = start(shelf)
    seal(spool, "one", "two", "three")

    assert soon(lambda: writer.counts["failed"] >= 3)
    assert writer.failing == ["acme"]
    assert writer.waiting == 3
    assert len(spool.sealed_parts()) == 3
    shelf.does = takes
    assert writer.drain(5)
    assert sorted(shelf.calls) == ["one", "three", "two"]
    assert writer.failing == []
    assert writer.waiting == 0


def test_a_store_that_is_away_is_tried_by_one_at_a_time_and_less_and_less(
    spool: Spool, start: Callable[..., PartWriter], monkeypatch: pytest.MonkeyPatch
) -> None:
    tries: list[float] = []
    at_once: list[int] = []
    inside = threading.Semaphore(0)

    def refuse(evidence: Evidence) -> None:
        inside.release()
        at_once.append(inside._value)
        tries.append(time.monotonic())
        time.sleep(0.005)
        inside.acquire()
        raise StoreError("away")

    monkeypatch.setattr(module, "LONGEST_PAUSE", 10)
    writer = start(Shelf("acme", refuse))
    seal(spool, *map(str, range(10)))
    assert soon(lambda: writer.counts["failed"] >= 7)

    # The first may be four, for nobody knows yet.
    assert max(at_once[4:]) == 1
    for n, (before, after) in enumerate(itertools.pairwise(tries[4:])):
        assert after - before >= 0.02 * 2**n


def test_one_customers_store_does_not_hold_up_another(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    good = Shelf("globex", takes)
    writer = start(Shelf("acme", refuses), good, threads=1)
    seal(spool, *map(str, range(5)))
    seal(spool, *map(str, range(5)), customer_id="globex")

    assert soon(lambda: len(good.calls) == 5)
    assert writer.waiting == 5


def test_customers_take_turns(spool: Spool, start: Callable[..., PartWriter]) -> None:
    order: list[str] = []
    gate = threading.Event()

    def note(evidence: Evidence) -> None:
        gate.wait(5)
        order.append(evidence.customer_id)

    writer = start(Shelf("acme", note), Shelf("globex", note), threads=1)
    seal(spool, *map(str, range(6)))
    seal(spool, *map(str, range(3)), customer_id="globex")
    gate.set()

    assert writer.drain(5)
    assert order[1:7] in (
        ["globex", "acme"] * 3,
        ["acme", "globex"] * 3,
    )


@pytest.mark.parametrize(("busy_from", "at_once"), [(-1.0, 3), (1000.0, 8)])
def test_where_the_processor_has_enough_to_do_few_are_written_at_once(
    spool: Spool,
    start: Callable[..., PartWriter],
    monkeypatch: pytest.MonkeyPatch,
    busy_from: float,
    at_once: int,
) -> None:
    monkeypatch.setattr(module, "_BUSY", busy_from)
    monkeypatch.setattr(module, "_MEASURE_SECONDS", 0.0001)
    let_go = threading.Event()
    begun: list[str] = []

    def takes_its_time(evidence: Evidence) -> None:
        begun.append(evidence.call_id)
        assert let_go.wait(5)

    writer = start(Shelf("acme", takes_its_time), threads=8)
    seal(spool, *(str(n) for n in range(20)))
    assert soon(lambda: len(begun) == at_once)
    time.sleep(0.05)
    assert len(begun) == at_once
    let_go.set()
    assert writer.drain(5)
    assert len(begun) == 20


def test_a_part_that_alone_fails_does_not_hold_up_the_others(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    def picky(evidence: Evidence) -> None:
        if evidence.call_id == "one":
            raise StoreError("the server answered EntityTooLarge")

    shelf = Shelf("acme", picky)
    start(shelf, threads=1)
    seal(spool, "one", "two", "three")

    assert soon(lambda: sorted(shelf.calls) == ["three", "two"])


@pytest.mark.parametrize("error", [BundleError("too large"), RuntimeError("a bug")])
def test_what_no_vault_can_keep_stays_in_the_spool_and_is_told_of(
    spool: Spool,
    start: Callable[..., PartWriter],
    caplog: pytest.LogCaptureFixture,
    error: Exception,
) -> None:
    def picky(evidence: Evidence) -> None:
        if evidence.call_id == "one":
            raise error

    shelf = Shelf("acme", picky)
    writer = start(shelf)
    seal(spool, "one", "two")

    assert writer.drain(5)
    assert writer.counts == {"written": 1, "refused": 1}
    assert spool.flush(5)
    assert len(spool.sealed_parts()) == 1
    assert "stays in the spool" in caplog.text


def test_a_customer_that_is_gone_from_the_settings_waits(
    spool: Spool, start: Callable[..., PartWriter], caplog: pytest.LogCaptureFixture
) -> None:
    writer = start(Shelf("acme", takes))
    with caplog.at_level(logging.WARNING):
        seal(spool, "one", customer_id="gone")
        assert soon(lambda: writer.failing == ["gone"])

    assert "no customer 'gone'" in caplog.text
    assert len(spool.sealed_parts()) == 1


def test_closing_leaves_what_is_not_written_in_the_spool(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    writer = start(Shelf("acme", refuses))
    seal(spool, "one", "two")
    writer.close(5)

    assert len(spool.sealed_parts()) == 2
    assert writer.waiting == 2


class TestEvidence:
    def test_items_become_what_they_are(self) -> None:
        evidence = evidence_of(
            PART,
            [
                invite(),
                other("rtcp", b"\x80\xc9", src=CALLER),
                log("a line\r\n"),
                other("quality", b'{"verdict": "good"}'),
            ],
        )

        assert evidence.sip[0].payload == invite().payload
        assert (evidence.sip[0].src, evidence.sip[0].dst) == (CALLER, CALLEE)
        assert evidence.rtcp[0].src == CALLER
        assert (evidence.logs[0].line, evidence.logs[0].source) == ("a line", "proxy")
        assert evidence.reports[0].report == {"verdict": "good"}
        assert evidence.agents == ["proxy"]
        assert (evidence.customer_id, evidence.call_id) == ("acme", "a@b")
        assert evidence.state == "COMPLETE"

    def test_bytes_that_are_no_text_are_kept_in_lines(self) -> None:
        evidence = evidence_of(PART, [other("log", b"caf\xe9 a@b\n")])

        line = evidence.logs[0].line
        assert line.encode("utf-8", "surrogateescape") == b"caf\xe9 a@b"

    @pytest.mark.parametrize(
        "report", [b"", b"VQSessionReport: x", b"[1]", b"{" * 9999]
    )
    def test_a_report_that_cannot_be_read_is_kept_as_a_line(
        self, report: bytes
    ) -> None:
        evidence = evidence_of(PART, [other("quality", report)])

        assert evidence.reports == []
        assert evidence.logs[0].line == report.decode()

    def test_a_message_without_addresses_has_unknown_ones(self) -> None:
        evidence = evidence_of(PART, [replace(invite(), src=None, dst=None)])

        assert evidence.sip[0].src == Endpoint("0.0.0.0", 0)

    def test_a_packet_that_two_agents_saw_counts_once(self) -> None:
        seen = [invite(), ok(), ok(1.5)]
        again = [replace(item, agent="pbx", ts=item.ts + 3_000_000) for item in seen]

        evidence = evidence_of(PART, [*seen, *again, log("only here")])

        assert len(evidence.sip) == 3
        assert evidence.agents == ["proxy", "pbx"]

    def test_one_agents_retransmissions_all_count(self) -> None:
        assert len(evidence_of(PART, [invite(), invite(), invite(0.01)]).sip) == 3

    def test_nothing_is_nothing(self) -> None:
        assert evidence_of(PART, []).first_ts is None

    @settings(max_examples=200)
    @given(
        st.lists(
            st.builds(
                other,
                st.sampled_from(["sip", "rtcp", "log", "quality"]),
                st.one_of(
                    st.binary(max_size=60),
                    st.just(invite().payload),
                    st.sampled_from(
                        [b'{"a": NaN}', b'{"a": 1e999}', b'{"\\ud800": 1}']
                    ),
                    st.just(b"x" * 70_000),
                ),
                ts=st.one_of(
                    st.integers(TS, TS + SECOND), st.integers(0, (1 << 63) - 1)
                ),
                src=st.sampled_from([None, CALLER, Endpoint("2001:db8::1", 0)]),
                dst=st.sampled_from([None, CALLEE, Endpoint("::", 65535)]),
                transport=st.sampled_from(["udp", "tcp", "tls", "sctp", "ws", "wss"]),
                agent=st.sampled_from(["", "proxy", "pbx\n"]),
            ),
            min_size=1,
            max_size=8,
        )
    )
    def test_whatever_agents_send_a_vault_can_keep_it(self, items: list[Item]) -> None:
        evidence = evidence_of(PART, items)

        packed = bundle.pack(evidence)

        assert bundle.pack(evidence_of(PART, items)) == packed
        kept = bundle.unpack(packed, customer_id="acme", call_id="a@b")
        assert kept.damage == []
        assert len(kept.sip) == len(evidence.sip)
        assert len(kept.logs) == len(evidence.logs)


def test_the_legs_of_a_call_are_noted_once_both_are_written(
    spool: Spool, start: Callable[..., PartWriter]
) -> None:
    marked: list[tuple[str, ...]] = []

    class Marking(Shelf):
        def mark_all_legs(self, legs: Iterable[tuple[object, ...]]) -> None:
            if not marked:
                marked.append(("the store is away",))
                raise StoreError("nobody answers there")
            marked.extend(tuple(map(str, leg)) for leg in legs)

    writer = start(Marking("acme", takes))
    seal(spool, "a@b")
    assert writer.drain(5)
    session = spool._last_session + 1
    row = spool.next_row()
    item = invite(call_id="b@b", customer_id="acme")
    payload = item.payload.replace(b"\r\n", b"\r\nX-CID: a@b\r\n", 1)
    spool.append(row, session, "b@b", replace(item, payload=payload))
    spool.seal(Part(session, "acme", "b@b", "COMPLETE", row - 1, row))
    assert spool.flush(5)
    assert writer.drain(5)
    assert marked[1:] == [("b@b", "a@b", "header", str(day_of(TS)))]
