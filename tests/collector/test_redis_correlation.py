"""Legs whose calls different collectors have, found by way of a real Redis server."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest

from flask_sipvault.collector import redis_correlation as module
from flask_sipvault.collector.redis_correlation import Correlation
from flask_sipvault.collector.redis_correlation import place_of
from flask_sipvault.config.settings import SettingsError
from flask_sipvault.correlation.leg_features import LegFeatures
from flask_sipvault.correlation.leg_records import record_of
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.leg_index import LegIndex
from flask_sipvault.vault.vault import Vault

from .redis_server import PASSWORD
from .redis_server import RedisServer

KEEP = 3600


@pytest.fixture
def server(need_tool: Callable[[str], str], tmp_path: Path) -> Iterator[RedisServer]:
    started = RedisServer(need_tool("redis-server"), tmp_path)
    yield started
    started.stop()


@pytest.fixture
def connect(server: RedisServer) -> Iterator[Callable[[], Correlation]]:
    """Connects one more collector."""
    connected: list[Correlation] = []

    def begin() -> Correlation:
        connected.append(Correlation(server.url, keep_seconds=KEEP))
        return connected[-1]

    yield begin
    for each in connected:
        each.close()


@pytest.fixture
def legs(own_corpus: Path) -> list[Evidence]:
    """Both legs of a call through a B2BUA that names neither in the other."""
    path = own_corpus / "b2bua_plain.pcap"
    with path.open("rb") as file:
        return list(
            import_capture(read_capture(file), customer_id="acme", source=path.name)
        )


@pytest.fixture
def vault(tmp_path: Path) -> Vault:
    store = FolderStore(tmp_path / "vault")
    store.check()
    return Vault(store, customer_id="acme", lookback_days=3650)


def with_port(call_id: str, port: int) -> LegFeatures:
    """A call with a media address, by which others find it."""
    facts = LegFeatures(call_id)
    facts.media["caller", Endpoint("192.0.2.1", port)] = None
    return facts


@pytest.mark.parametrize("first", [0, 1])
def test_each_is_noted_with_the_other_whichever_is_written_first(
    connect: Callable[[], Correlation], vault: Vault, legs: list[Evidence], first: int
) -> None:
    collectors = [LegIndex(vault, shared=connect().of("acme")) for _ in range(2)]
    collectors[0].note(legs[first])
    collectors[1].note(legs[1 - first])

    one, other = (leg.call_id for leg in legs)
    assert vault.legs(one) == [("media", other)]
    assert vault.legs(other) == [("media", one)]


def test_what_two_collectors_know_of_one_call_is_put_together(
    connect: Callable[[], Correlation], vault: Vault, legs: list[Evidence]
) -> None:
    """One has the INVITE of a leg, the other its answer."""
    first, second = legs
    one, other = (LegIndex(vault, shared=connect().of("acme")) for _ in range(2))
    answer = first.sip.index(next(p for p in first.sip if b"200 OK" in p.payload))
    one.note(Evidence("acme", first.call_id, sip=first.sip[:answer]))
    other.note(Evidence("acme", first.call_id, sip=first.sip[answer:]))
    other.note(second)

    assert [name for _, name in vault.legs(first.call_id)] == [second.call_id]


def test_calls_of_two_customers_never_meet(
    connect: Callable[[], Correlation], vault: Vault, legs: list[Evidence]
) -> None:
    shared = connect()
    LegIndex(vault, shared=shared.of("globex")).note(legs[0])
    LegIndex(vault, shared=connect().of("acme")).note(legs[1])

    assert vault.legs(legs[1].call_id) == []
    facts = with_port("a", 4000)
    assert shared.of("globex").exchange(record_of(facts)) == []
    assert shared.of("glob").exchange(record_of(with_port("b", 4000))) == []
    assert shared.of("acme").exchange(record_of(with_port("b", 4000))) == []


def test_a_call_is_read_again_only_when_there_is_more_of_it(
    connect: Callable[[], Correlation],
) -> None:
    one, other = connect().of("acme"), connect().of("acme")
    one.exchange(record_of(with_port("a", 4000)))
    seeking = record_of(with_port("b", 4000))

    assert other.exchange(seeking) == [record_of(with_port("a", 4000)).text]
    assert other.exchange(seeking) == []
    more = with_port("a", 4000)
    more.answered = True
    one.exchange(record_of(more))
    assert other.exchange(seeking) == [record_of(more).text]


def test_everything_that_is_kept_expires(
    connect: Callable[[], Correlation], server: RedisServer, legs: list[Evidence]
) -> None:
    marks = LegIndex(
        Vault(FolderStore(Path("/nowhere")), customer_id="acme"),
        shared=connect().of("acme"),
    )
    marks.note(legs[0])

    with server.client() as client:
        keys = list(client.scan_iter())
        assert len(keys) > 3
        assert all(0 < client.ttl(key) <= KEEP for key in keys)
        # Whoever may list the keys learns neither customers nor numbers.
        assert not any(b"acme" in key for key in keys)


def test_no_more_calls_are_kept_than_agreed(
    connect: Callable[[], Correlation],
    server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "MAX_CALLS", 10)
    monkeypatch.setattr(module, "_REMOVED_AT_ONCE", 5)
    monkeypatch.setattr(module, "MAX_ALIKE", 8)
    shared = connect().of("acme")
    for number in range(40):
        shared.exchange(record_of(with_port(f"call {number}", 4000 + number)))
        shared.exchange(record_of(with_port(f"same {number}", 9)))

    with server.client() as client:
        kept = [key.decode().split(":")[4] for key in client.scan_iter()]
        assert kept.count("call") <= 15
        # Where calls were found goes with them.
        assert kept.count("key") <= 15
        (calls,) = client.scan_iter("*:calls")
        assert client.zcard(calls) <= 15
    texts = connect().of("acme").exchange(record_of(with_port("x", 9)))
    assert texts is not None
    assert 0 < len(texts) <= 8


def test_what_is_too_large_is_not_shared(connect: Callable[[], Correlation]) -> None:
    one = connect()
    facts = with_port("a", 4000)
    facts.from_user = "x" * module.MAX_RECORD
    one.of("acme").exchange(record_of(facts))

    assert connect().of("acme").exchange(record_of(with_port("b", 4000))) == []
    assert one.counts == {"too_large": 1}


def test_what_somebody_else_wrote_there_does_no_harm(
    connect: Callable[[], Correlation],
    server: RedisServer,
    vault: Vault,
    legs: list[Evidence],
) -> None:
    LegIndex(vault, shared=connect().of("acme")).note(legs[0])
    with server.client() as client:
        for key in client.scan_iter("*:call:*"):
            client.hset(key, "stranger", b"\xff{]")
            client.hset(key, "another", b'{"call_id": 7}')
    LegIndex(vault, shared=connect().of("acme")).note(legs[1])

    assert vault.legs(legs[0].call_id) == [("media", legs[1].call_id)]


def test_while_redis_is_away_each_goes_on_and_catches_up_when_it_is_back(
    connect: Callable[[], Correlation],
    server: RedisServer,
    vault: Vault,
    legs: list[Evidence],
    caplog: pytest.LogCaptureFixture,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "FIRST_PAUSE", 0.01)
    monkeypatch.setattr(module, "LONGEST_PAUSE", 0.01)
    caplog.set_level(logging.WARNING)
    cut_off = connect()
    cut_off.look()
    assert cut_off.up
    marks = LegIndex(vault, shared=cut_off.of("acme"))
    server.stop()
    marks.note(legs[0])
    marks.note(legs[0])
    assert not cut_off.up
    assert cut_off.counts["away"] == 2
    # Alone it finds what it has itself.
    alone = LegIndex(vault, shared=cut_off.of("acme"))
    for leg in legs:
        alone.note(leg)
    assert vault.legs(legs[0].call_id) == [("media", legs[1].call_id)]
    for item in list(vault.store.list("calls/")):
        vault.store.delete(item.key)

    server.start()
    marks.note(Evidence("acme", "another", sip=legs[0].sip[:1]))
    LegIndex(vault, shared=connect().of("acme")).note(legs[1])

    assert cut_off.up
    assert vault.legs(legs[0].call_id) == [("media", legs[1].call_id)]
    said = [record.getMessage() for record in caplog.records]
    assert len([text for text in said if "does not answer" in text]) == 1
    assert len([text for text in said if "answers again" in text]) == 1


def test_redis_that_is_away_is_left_alone_for_a_while(
    connect: Callable[[], Correlation],
    server: RedisServer,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    asked = connect()
    server.stop()
    asked.of("acme").exchange(record_of(with_port("a", 4000)))
    server.start()
    # Within the pause nobody asks, so nobody waits.
    assert asked.of("acme").exchange(record_of(with_port("a", 4000))) is None
    monkeypatch.setattr(module.time, "monotonic", lambda: float("inf"))
    assert asked.of("acme").exchange(record_of(with_port("a", 4000))) == []


def test_a_wrong_password_counts_as_away_and_no_password_is_told(
    server: RedisServer, caplog: pytest.LogCaptureFixture
) -> None:
    wrong = Correlation(server.url.replace(PASSWORD, "guessed"), keep_seconds=KEEP)
    wrong.look()
    wrong.close()

    assert not wrong.up
    (record,) = caplog.records
    assert record.__dict__["error"] == "AuthenticationError"
    assert record.__dict__["redis"] == f"127.0.0.1:{server.port}"
    assert "guessed" not in str(record.__dict__)


@pytest.mark.parametrize(
    ("url", "place"),
    [
        ("redis://user:secret@redis.example:7000/3", "redis.example:7000"),
        ("rediss://:secret@redis.example", "redis.example:6379"),
        ("unix:///run/redis.sock", "/run/redis.sock"),
    ],
)
def test_a_place_is_told_without_its_password(url: str, place: str) -> None:
    assert place_of(url) == place


def test_without_the_client_library_the_setting_is_refused(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setitem(sys.modules, "redis", None)
    with pytest.raises(SettingsError) as refused:
        Correlation("redis://:secret@redis.example", keep_seconds=KEEP)
    assert "flask-sipvault[redis]" in str(refused.value)
    assert "secret" not in str(refused.value)
