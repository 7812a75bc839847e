"""Two collectors and one vault: what each takes of a call is one call."""

from __future__ import annotations

import json
import os
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from flask import Flask

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.capture import read_capture

from .live import wait_until
from .peers import packets
from .processes import Process
from .redis_server import PASSWORD
from .redis_server import RedisServer

SECRET = "a secret of the tests"
CUSTOMERS = [
    {
        "id": "acme",
        "bucket": "acme",
        "secret": SECRET,
        "hep_auth_key": "hepkey-acme-123456",
        "hep_sources": ["127.0.0.1"],
    }
]


class Two:
    """Two processes with a spool each, that write into one folder."""

    def __init__(self, folder: Path, **settings: object) -> None:
        self.store = folder / "vault"
        self.settings = {
            "customers": json.dumps(CUSTOMERS),
            "store": self.store,
            "lookback_days": 3650,
            **settings,
        }
        self.one, self.other = (self.begin(folder / name) for name in ("one", "two"))

    def begin(self, folder: Path) -> Process:
        folder.mkdir()
        return Process(folder, **self.settings)

    def ready(self) -> tuple[Process, Process]:
        """Both, when they listen."""
        return self.one.ready(), self.other.ready()

    def send(self, to: Process, *sent: bytes) -> None:
        """By TCP, so that nothing is lost."""
        with socket.create_connection(to.tcp, timeout=20) as connection:
            connection.sendall(b"".join(sent))
            connection.shutdown(socket.SHUT_WR)
            assert connection.recv(1) == b""

    def hand(self, to: Process, *sent: bytes) -> None:
        """Send it, and wait until it is in the vault."""
        self.send(to, *sent)
        wait_until(lambda: to.health()["calls"] > 0)
        to.drain()

    def document(self, call_id: str) -> dict[str, Any]:
        """What ``flask sipvault show --json`` says of a call."""
        words = [sys.executable, "-m", "flask", "sipvault", "show", call_id, "--json"]
        environment = {
            f"SIPVAULT_{name.upper()}": str(value)
            for name, value in self.settings.items()
        }
        shown = subprocess.run(
            words,
            cwd=self.store.parent,
            env={**os.environ, **environment, "SIPVAULT_CUSTOMER_ID": "acme"},
            capture_output=True,
            check=True,
        )
        document: dict[str, Any] = json.loads(shown.stdout)
        return document

    def page(self, call_id: str) -> str:
        """The page of a call in a host's app."""
        app = Flask("host")
        app.config.update(
            {f"SIPVAULT_{name.upper()}": v for name, v in self.settings.items()},
            SIPVAULT_CUSTOMER_ID="acme",
        )
        SIPVault(app)
        link = LinkSigner(SECRET, customer_id="acme").url(call_id)
        return app.test_client().get(link).text

    def stop(self) -> None:
        for each in (self.one, self.other):
            if not each.ended:
                each.kill()


@pytest.mark.parametrize("sip_first", [True, False])
def test_sip_at_one_and_reports_at_the_other_are_one_call(
    tmp_path: Path, sip_first: bool
) -> None:
    recorded = packets("kamailio+rtpengine.hep.pcap")
    sip = [sent for packet, sent in recorded if packet.protocol == hep.SIP]
    reports = [sent for packet, sent in recorded if packet.protocol == hep.RTCP]
    call_ids = {packet.correlation_id for packet, _ in recorded} - {""}
    assert (len(sip), len(reports), len(call_ids)) == (26, 24, 2)
    lines = [
        hep.build(hep.HepPacket(hep.LOG, f"about {name}".encode(), correlation_id=name))
        for name in call_ids
    ]
    both = Two(tmp_path)
    try:
        one, other = both.ready()
        shares = [(one, sip), (other, [*reports, *lines])]
        for to, sent in shares if sip_first else reversed(shares):
            both.hand(to, *sent)
        assert both.one.stop() == 0
        assert both.other.stop() == 0
    finally:
        both.stop()

    for call_id in call_ids:
        document = both.document(call_id)
        assert document["outcome"]["status"] == "answered"
        assert document["state"] == "COMPLETE"
        assert len(document["messages"]) == 13
        assert len(document["media"]["rtcp"]) == 12
        assert [line["line"] for line in document["logs"]] == [f"about {call_id}"]
        page = both.page(call_id)
        assert "Answered" in page
        assert f"about {call_id}" in page


def legs_of(path: Path) -> list[Evidence]:
    with path.open("rb") as file:
        return list(
            import_capture(read_capture(file), customer_id="acme", source=path.name)
        )


def as_hep(leg: Evidence) -> list[bytes]:
    return [
        hep.build(hep.HepPacket(hep.SIP, each.payload, each.ts, each.src, each.dst))
        for each in leg.sip
    ]


def legs_told(both: Two, call_id: str) -> list[tuple[str, str]]:
    legs = both.document(call_id)["legs"]
    return [(leg["why"], leg["call_id"]) for leg in legs]


def test_a_leg_that_names_another_is_noted_though_that_is_elsewhere(
    tmp_path: Path, own_corpus: Path
) -> None:
    legs = legs_of(own_corpus / "b2bua_xcid.pcap")
    both = Two(tmp_path)
    try:
        for to, leg in zip(both.ready(), legs, strict=True):
            both.hand(to, *as_hep(leg))
    finally:
        both.stop()

    one, other = (leg.call_id for leg in legs)
    assert legs_told(both, one) == [("header", other)]
    assert legs_told(both, other) == [("header", one)]
    assert other in both.page(one)


@pytest.fixture
def redis_server(
    need_tool: Callable[[str], str], tmp_path: Path
) -> Iterator[RedisServer]:
    started = RedisServer(need_tool("redis-server"), tmp_path)
    yield started
    started.stop()


def figure(of: Process, name: str) -> float:
    """A figure without labels."""
    address = f"http://127.0.0.1:{of.metrics}/metrics"
    with urllib.request.urlopen(address, timeout=10) as answer:
        lines = answer.read().decode().splitlines()
    return next(float(line.split()[1]) for line in lines if line.startswith(f"{name} "))


def test_legs_at_two_collectors_find_each_other_by_way_of_redis(
    tmp_path: Path, own_corpus: Path, redis_server: RedisServer
) -> None:
    legs = legs_of(own_corpus / "b2bua_plain.pcap")
    both = Two(tmp_path, correlation=redis_server.url)
    try:
        one, other = both.ready()
        assert figure(one, "sipvault_correlation_up") == 1
        # While it is away, each goes on by itself.
        redis_server.stop()
        both.hand(one, *as_hep(legs[0]))
        assert figure(one, "sipvault_correlation_up") == 0
        assert one.health()["correlation"] == "away"
        redis_server.start()
        # What was missed is shared with the next call, when Redis is asked again.
        more = as_hep(legs_of(own_corpus / "transfer.pcap")[0])
        for _ in range(5):
            both.hand(one, *more)
            if one.health()["correlation"] == "ok":
                break
        both.hand(other, *as_hep(legs[1]))
        said = one.said() + other.said()
    finally:
        both.stop()

    first, second = (leg.call_id for leg in legs)
    assert legs_told(both, first) == [("media", second)]
    assert legs_told(both, second) == [("media", first)]
    page = both.page(first)
    assert second in page
    assert "the same media address" in page
    assert said.count("Redis does not answer") == 1
    assert said.count("Redis answers again") == 1
    assert PASSWORD not in said


def test_without_redis_at_the_start_a_collector_says_so_and_collects(
    tmp_path: Path, own_corpus: Path, redis_server: RedisServer
) -> None:
    redis_server.stop()
    (leg, _) = legs_of(own_corpus / "b2bua_plain.pcap")
    both = Two(tmp_path, correlation=redis_server.url)
    try:
        one, _ = both.ready()
        assert "Redis does not answer" in one.said()
        both.hand(one, *as_hep(leg))
    finally:
        both.stop()

    assert both.document(leg.call_id)["outcome"]["status"] == "answered"
