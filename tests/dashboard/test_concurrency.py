"""So many requests for calls at a time, and no more: SIPVAULT_MAX_CONCURRENT."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import pytest
from flask import Flask
from werkzeug.test import TestResponse

from flask_sipvault import SIPVault
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import small_call
from .calls import words

MOST = 2
LONG = 60  # seconds after which a test has failed


@dataclass
class Busy:
    """A host whose places are all taken until it is told to go on."""

    app: Flask
    links: list[str]
    at_work: list[Future[TestResponse]]
    may_go_on: threading.Event
    free: str

    def get(self, address: str, **how: object) -> TestResponse:
        return self.app.test_client().get(address, **how)

    def go_on(self) -> list[int]:
        """What those at work are answered."""
        self.may_go_on.set()
        return [each.result(LONG).status_code for each in self.at_work]


@pytest.fixture
def busy(host: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[Busy]:
    host.config["SIPVAULT_MAX_CONCURRENT"] = MOST
    SIPVault(host)

    @host.get("/own")
    def own() -> str:
        return "the host's own page"

    links = []
    for number in range(MOST + 1):
        evidence = small_call(f"call {number}")
        host.extensions["sipvault"].vault(CUSTOMER).put(evidence)
        links.append(link_to(evidence.call_id))
    working = threading.Semaphore(0)
    may_go_on = threading.Event()
    get = FolderStore.get

    def slow(self: FolderStore, key: str) -> bytes | None:
        if not may_go_on.is_set():
            working.release()
            assert may_go_on.wait(LONG)
        return get(self, key)

    monkeypatch.setattr(FolderStore, "get", slow)
    with ThreadPoolExecutor(MOST) as pool:
        at_work = [
            pool.submit(lambda link=link: host.test_client().get(link))
            for link in links[:MOST]
        ]
        for _ in at_work:
            assert working.acquire(timeout=LONG)
        try:
            yield Busy(host, links[:MOST], at_work, may_go_on, links[MOST])
        finally:
            may_go_on.set()


def test_one_more_is_told_to_come_again(busy: Busy) -> None:
    answer = busy.get(busy.free)
    assert answer.status_code == 503
    assert int(answer.headers["Retry-After"]) > 0
    assert "Many calls are being opened" in words(answer.text)
    assert "SIP VAULT" in answer.text
    assert answer.headers["Referrer-Policy"] == "no-referrer"


@pytest.mark.parametrize("name", ["call.json", "messages", "live", "share"])
def test_so_are_files_and_pieces_and_programs_get_json(name: str, busy: Busy) -> None:
    answer = busy.get(file_of(busy.free, name), headers={"Accept": "application/json"})
    assert (answer.status_code, answer.json["error"]) == (503, "busy")


def test_it_is_served_again_once_there_is_a_place(busy: Busy) -> None:
    assert busy.get(busy.free).status_code == 503
    assert busy.go_on() == [200] * MOST
    assert busy.get(busy.free).status_code == 200


def test_static_files_the_click_and_the_hosts_own_pages_are_served_meanwhile(
    busy: Busy,
) -> None:
    with busy.app.test_request_context():
        button = busy.app.jinja_env.globals["sipvault_button"]("call 2")  # type: ignore[operator]
    click = re.search(r'href="([^"]+)"', button)
    assert click
    assert busy.get(click[1]).status_code == 303
    assert busy.get("/own").text == "the host's own page"
    assert busy.get("/sipvault/call.schema.json").status_code == 200
    with busy.get("/sipvault/static/sipvault.css") as answer:
        assert answer.status_code == 200


def test_who_has_no_right_is_told_so_and_not_that_it_is_busy(busy: Busy) -> None:
    assert busy.get(busy.free.replace("sig=", "sig=0")).status_code == 401


@pytest.mark.parametrize("fails", ["404", "503", "500"])
def test_a_request_that_fails_gives_its_place_back(
    fails: str, host: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    host.config.update(SIPVAULT_MAX_CONCURRENT=1, PROPAGATE_EXCEPTIONS=False)
    SIPVault(host)
    client = host.test_client()
    error: Exception = StoreError("down") if fails == "503" else RuntimeError("a bug")
    with monkeypatch.context() as failing:

        def fail(*_: object) -> None:
            raise error

        if fails != "404":
            failing.setattr(FolderStore, "list", fail)
        for _ in range(3):
            answer = client.get(link_to("call@host"))
            assert answer.status_code == int(fails)
            assert "Many calls" not in answer.text
    host.extensions["sipvault"].vault(CUSTOMER).put(small_call())
    assert client.get(link_to("call@host")).status_code == 200


def test_without_the_setting_there_is_no_limit(host: Flask) -> None:
    SIPVault(host)
    slots = host.extensions["sipvault"].slots
    with slots.taken(), slots.taken(), slots.taken():
        pass
