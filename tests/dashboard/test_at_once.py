"""Many ask for one call at the same time: it is read and explained once for all."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

import pytest
from flask import Flask

from flask_sipvault.dashboard import call_cache
from flask_sipvault.evidence import Evidence
from flask_sipvault.vault import bundle
from flask_sipvault.vault import vault as vault_module
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import small_call
from .conftest import Keep

READERS = 50
LONG = 60  # seconds after which a test has failed

Work = Counter[str]


@pytest.fixture
def work(monkeypatch: pytest.MonkeyPatch) -> Work:
    """How often each thing was done that costs something."""
    done: Work = Counter()
    lock = threading.Lock()

    def count(owner: object, name: str) -> None:
        function: Callable[..., object] = getattr(owner, name)

        def counted(*args: object, **how: object) -> object:
            with lock:
                done[name] += 1
            return function(*args, **how)

        monkeypatch.setattr(owner, name, counted)

    count(FolderStore, "list")
    count(FolderStore, "get")
    count(bundle, "unpack")
    count(call_cache, "mask")
    count(call_cache, "explain")
    # However long the test takes: what was listed stays listed.
    monkeypatch.setattr(vault_module, "LIST_SECONDS", 3600)
    return done


def together(app: Flask, addresses: list[str]) -> list[int]:
    """Ask for all of them at once; the statuses."""
    start = threading.Barrier(len(addresses))

    def ask(address: str) -> int:
        client = app.test_client()
        start.wait(LONG)
        return client.get(address).status_code

    with ThreadPoolExecutor(len(addresses)) as pool:
        return list(pool.map(ask, addresses))


def once(*names: str) -> Work:
    return Counter(dict.fromkeys(names, 1))


def test_a_cold_call_is_fetched_unpacked_and_explained_once(
    app: Flask, keep: Keep, work: Work
) -> None:
    link = keep(small_call())
    assert together(app, [link] * READERS) == [200] * READERS
    assert work == once("list", "get", "unpack", "explain")


def test_a_masked_one_is_masked_once_too(app: Flask, keep: Keep, work: Work) -> None:
    link = keep(small_call()) + "&mask=1"
    names = ("report.html", "call.json", "capture.pcapng", "bundle.zip", "sip.txt")
    files = [file_of(link, name) for name in names]
    addresses = [link, *files] * (READERS // 6)
    assert set(together(app, addresses)) == {200}
    assert work == once("list", "get", "unpack", "mask", "explain")


def test_a_report_is_written_once(
    app: Flask, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    from flask_sipvault.dashboard.exports import downloads

    written = []
    original = downloads.report

    def report(*args: object, **how: object) -> object:
        written.append(how["masked"])
        return original(*args, **how)  # type: ignore[arg-type]

    monkeypatch.setattr(downloads, "report", report)
    file = file_of(keep(small_call()), "report.html")
    addresses = [file, f"{file}&mask=1"] * (READERS // 2)
    assert set(together(app, addresses)) == {200}
    assert sorted(written) == [False, True]


def test_legs_beside_a_call_are_read_once_each(
    app: Flask, keep: Keep, work: Work
) -> None:
    link = keep(small_call())
    keep(small_call("b@host"))
    app.extensions["sipvault"].vault(CUSTOMER).mark_legs(
        "call@host", "b@host", "header", "2026-11-23"
    )
    assert together(app, [f"{link}&with=b@host"] * READERS) == [200] * READERS
    assert work == Counter(list=2, get=2, unpack=2, explain=2)


def test_a_call_is_explained_once_for_readers_of_every_language(
    app: Flask, keep: Keep, work: Work
) -> None:
    link = keep(small_call())
    start = threading.Barrier(READERS)

    def ask(number: int) -> str:
        tongue = ("en", "pt-BR")[number % 2]
        start.wait(LONG)
        return app.test_client().get(link, headers={"Accept-Language": tongue}).text

    with ThreadPoolExecutor(READERS) as pool:
        pages = list(pool.map(ask, range(READERS)))
    assert all("Busy" in page for page in pages[::2])
    assert all("Ocupado" in page for page in pages[1::2])
    assert work == Counter(list=1, get=1, unpack=1, explain=1)


@pytest.mark.parametrize("failing", ["list", "get"])
def test_a_store_that_is_down_is_a_503_for_all_and_is_forgotten(
    failing: str, app: Flask, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    link = keep(small_call())
    with monkeypatch.context() as while_down:

        def down(*_: object) -> None:
            raise StoreError("no route to the store")

        while_down.setattr(FolderStore, failing, down)
        assert together(app, [link] * READERS) == [503] * READERS
    assert together(app, [link] * READERS) == [200] * READERS


def test_who_comes_after_a_new_part_does_not_get_the_call_without_it(
    app: Flask, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Also while the old one is still being read for somebody else."""
    monkeypatch.setattr(vault_module, "LIST_SECONDS", -1)
    live = small_call()
    live.state = "PARTIAL"
    link = keep(live)
    reading, may_read = threading.Event(), threading.Event()
    get = FolderStore.get

    def slow_at_first(self: FolderStore, key: str) -> bytes | None:
        if not reading.is_set():
            reading.set()
            assert may_read.wait(LONG)
        return get(self, key)

    monkeypatch.setattr(FolderStore, "get", slow_at_first)
    with ThreadPoolExecutor(1) as pool:
        early = pool.submit(lambda: app.test_client().get(link).text)
        assert reading.wait(LONG)
        end = packet("BYE sip:b SIP/2.0", after_ms=5000, headers="Reason: late\r\n")
        keep(Evidence(CUSTOMER, "call@host", sip=[end]))
        late = app.test_client().get(link).text
        may_read.set()
        assert "Reason" not in early.result()
    assert "Reason" in late


def test_a_call_that_appears_is_not_missed_for_a_moment(app: Flask, keep: Keep) -> None:
    assert together(app, [link_to("call@host")] * READERS) == [404] * READERS
    assert together(app, [keep(small_call())] * READERS) == [200] * READERS
