"""A collector below its sockets, with a clock that tests move."""

from __future__ import annotations

import itertools
import json
import ssl
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from typing import TYPE_CHECKING

import pytest

from flask_sipvault.collector import items as intake
from flask_sipvault.collector.items import Item
from flask_sipvault.collector.pipeline import Pipeline
from flask_sipvault.collector.spool_tables import Batch
from flask_sipvault.config.collector import CollectorSettings
from flask_sipvault.evidence import Evidence
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.agent import FrameReader
from flask_sipvault.protocols.hep_stream import HepReader
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import Vault

if TYPE_CHECKING:
    from .live import Live

RECORDINGS = Path(__file__).resolve().parent.parent / "data" / "agent"

#: When the recordings were made, in nanoseconds since the epoch.
TS = 1_795_439_746_000_000_000
SECOND = 1_000_000_000

CALLER, CALLEE = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)


class Store(FolderStore):
    """A folder that can be away, and that remembers what was put into it."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.away = False
        self.puts: list[str] = []

    def put(self, key: str, data: bytes) -> None:
        if self.away:
            raise StoreError("the folder is away")
        super().put(key, data)
        self.puts.append(key)


class Collector:
    """A pipeline over a folder. Its clock moves only when told to."""

    def __init__(self, folder: Path, **settings: Any) -> None:
        self.now = 1000.0
        self.settings = CollectorSettings(spool=folder / "spool", **settings)
        self.stores: dict[str, Store] = {}
        self.agents: set[tuple[str, str]] = set()
        self._folder = folder
        self.pipeline = self._start()

    def _start(self, wait_seconds: float = 0.0) -> Pipeline:
        return Pipeline(
            self.settings,
            self.vault,
            wait_seconds=wait_seconds,
            has_agent=lambda customer_id, ip: (customer_id, ip) in self.agents,
            clock=lambda: self.now,
            system_clock=lambda: TS / SECOND + self.now,
            threads=2,
        )

    def store(self, customer_id: str = "acme") -> Store:
        if customer_id not in self.stores:
            self.stores[customer_id] = Store(self._folder / "store" / customer_id)
            self.stores[customer_id].check()
        return self.stores[customer_id]

    def vault(self, customer_id: str = "acme") -> Vault:
        store = self.store(customer_id)
        return Vault(store, customer_id=customer_id, lookback_days=3650)

    def take(self, *items: Item | None) -> None:
        for item in items:
            if item is not None:
                self.pipeline.accept(item)

    def wait(self, seconds: float) -> None:
        """Let time pass, a tick a second, and what is due be written."""
        until = self.now + seconds
        while self.now < until:
            self.now = min(self.now + 1, until)
            self.pipeline.tick()
        self.write()

    def write(self) -> None:
        """Let the writer do what it has to."""
        assert self.pipeline.spool.flush(10)
        assert self.pipeline.writer.drain(10)
        assert self.pipeline.spool.flush(10)

    def find(self, call_id: str, customer_id: str = "acme") -> Evidence | None:
        return self.vault(customer_id).find(call_id)

    def call(self, call_id: str, customer_id: str = "acme") -> Evidence:
        found = self.find(call_id, customer_id)
        assert found is not None
        assert found.damage == []
        return found

    def parts(self, call_id: str, customer_id: str = "acme") -> list[Evidence]:
        """Each part of a call by itself, in the order they were written."""
        vault = self.vault(customer_id)
        parts = dict(vault.raw_parts(call_id))
        # A part that was put twice is one part.
        written = dict.fromkeys(
            "/".join(key.rsplit("/", 2)[-2:]) for key in self.store(customer_id).puts
        )
        return [
            vault._unpack(parts[name], call_id) for name in written if name in parts
        ]

    def spooled(self) -> int:
        """How many rows of any kind there are in the spool."""
        reader = self.pipeline.spool._reader()
        tables = ("item", "waiting", "call", "part")
        return sum(
            reader.execute(f"SELECT count(*) FROM {table}").fetchone()[0]
            for table in tables
        )

    def kill(self) -> None:
        """End like a killed process: what no transaction holds yet is lost."""
        spool = self.pipeline.spool
        self.pipeline.writer.close(10)
        with spool._lock:
            spool._batches = deque([Batch()])
        spool.close(0)

    def restart(self, *, wait_seconds: float = 0.0, **settings: Any) -> None:
        """Begin again on the same spool, after a kill or an orderly end.

        :param wait_seconds: for the end.
        """
        self.settings = replace(self.settings, **settings)
        self.pipeline = self._start(wait_seconds)

    def close(self) -> None:
        assert self.pipeline.close(10)


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Callable[..., Collector]]:
    """Starts collectors, each in a folder of its own."""
    started: list[Collector] = []

    def begin(**settings: Any) -> Collector:
        collector = Collector(tmp_path / f"collector{len(started)}", **settings)
        started.append(collector)
        return collector

    yield begin
    for collector in started:
        collector.pipeline.close(1)


@pytest.fixture
def collector(start: Callable[..., Collector]) -> Collector:
    """A collector with the default settings."""
    return start()


@pytest.fixture
def start_live(tmp_path: Path) -> Iterator[Callable[..., Live]]:
    """Starts collectors that listen on loopback."""
    from .live import Live  # which stands on this module

    started: list[Live] = []

    def begin(**settings: Any) -> Live:
        live = Live(tmp_path / f"live{len(started)}", **settings)
        started.append(live)
        return live

    yield begin
    for live in started:
        live.close()


@pytest.fixture
def live(start_live: Callable[..., Live]) -> Live:
    """A collector that listens on loopback."""
    return start_live()


@pytest.fixture(scope="session")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> tuple[Path, Path]:
    """The paths of a certificate for loopback and of its key."""
    from .certificate import write_certificate

    return write_certificate(tmp_path_factory.mktemp("tls"))


@pytest.fixture
def live_with_tls(
    start_live: Callable[..., Live], certificate: tuple[Path, Path]
) -> Live:
    """One that speaks TLS too."""
    return start_live(tls_cert=certificate[0], tls_key=certificate[1])


@pytest.fixture
def trusting(certificate: tuple[Path, Path]) -> ssl.SSLContext:
    """Trusts that collector's certificate."""
    return ssl.create_default_context(cafile=certificate[0])


def recorded(name: str) -> dict[str, Any]:
    """What was counted in a recording."""
    loaded: dict[str, Any] = json.loads((RECORDINGS / name).read_text())
    return loaded


def items_of(file: str, pieces: list[bytes] | None = None) -> list[Item]:
    """What a recorded connection brings, from its bytes in whatever pieces."""
    if pieces is None:
        pieces = [(RECORDINGS / file).read_bytes()]
    found: list[Item | None]
    if file.endswith(".svwire"):
        reader = FrameReader(handshake_first=True)
        frames = itertools.chain.from_iterable(map(reader.feed, pieces))
        found = [intake.from_frame(f, "acme", agent="proxy") for f in frames]
    else:
        hep = HepReader()
        packets = itertools.chain.from_iterable(map(hep.feed, pieces))
        found = [intake.from_hep(p, "acme", TS, sender="192.0.2.9") for p in packets]
    return [item for item in found if item is not None]


def sip_item(
    start_line: str,
    cseq: str,
    *,
    ts: float = 0,
    call_id: str = "a@b",
    tags: tuple[str, str] = ("caller", ""),
    hops: int = 1,
    sdp: str = "",
    customer_id: str = "acme",
    agent: str = "proxy",
    sender: str = "192.0.2.9",
) -> Item:
    """A message as an agent sends it.

    :param ts: in seconds from the beginning.
    """
    own, other = tags
    message = "\r\n".join(
        [
            start_line,
            *(f"Via: SIP/2.0/UDP hop{n};branch=z9hG4bK{cseq}" for n in range(hops)),
            f"From: <sip:alice@a>;tag={own}",
            f"To: <sip:bob@b>{f';tag={other}' if other else ''}",
            f"Call-ID: {call_id}",
            f"CSeq: {cseq}",
            "",
            sdp,
        ]
    ).encode()
    return Item(
        customer_id,
        call_id,
        "sip",
        TS + int(ts * SECOND),
        CALLER,
        CALLEE,
        "udp",
        message,
        agent,
        sender,
        cseq.split()[1],
    )


def invite(ts: float = 0, **changes: Any) -> Item:
    return sip_item("INVITE sip:bob@b SIP/2.0", "1 INVITE", ts=ts, **changes)


def ok(ts: float = 1, **changes: Any) -> Item:
    changes.setdefault("tags", ("caller", "callee"))
    return sip_item("SIP/2.0 200 OK", "1 INVITE", ts=ts, **changes)


def bye(ts: float = 9, **changes: Any) -> Item:
    changes.setdefault("tags", ("caller", "callee"))
    return sip_item("BYE sip:bob@b SIP/2.0", "2 BYE", ts=ts, **changes)


def bye_ok(ts: float = 9.1, **changes: Any) -> Item:
    changes.setdefault("tags", ("caller", "callee"))
    return sip_item("SIP/2.0 200 OK", "2 BYE", ts=ts, **changes)


def refusal(code: int, ts: float = 2, **changes: Any) -> Item:
    changes.setdefault("tags", ("caller", "callee"))
    return sip_item(f"SIP/2.0 {code} No", "1 INVITE", ts=ts, **changes)


def other(kind: Any, payload: bytes, **changes: Any) -> Item:
    """Something that is not SIP, as the agent sends it."""
    item = Item(
        "acme", "a@b", kind, TS, None, None, "udp", payload, "proxy", of_call=True
    )
    return replace(item, **changes)


def log(line: str, **changes: Any) -> Item:
    return other("log", line.encode(), **changes)
