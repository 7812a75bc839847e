from __future__ import annotations

import threading
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import replace
from datetime import date
from pathlib import Path
from typing import Any

import flask
import flask_caching
import pytest

from flask_sipvault.evidence import call_hash
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.vault import bundle
from flask_sipvault.vault import vault as module
from flask_sipvault.vault.bundle import BundleError
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import ObjectStore
from flask_sipvault.vault.objects import StoredObject
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import day_of
from flask_sipvault.vault.vault import Vault

SECOND = 1_000_000_000
DAY = 24 * 3600
#: 2026-11-23 13:15:46 UTC
NOON = 1_795_439_746
T = NOON * SECOND + 123_456_789
ALICE, BOB = Endpoint("192.0.2.1", 5060), Endpoint("198.51.100.2", 5060)
CALL_ID = "1-2345@192.0.2.1"


class Memory:
    """A cache of plain values, as flask-caching's is one."""

    def __init__(self) -> None:
        self.values: dict[str, Any] = {}
        self.timeouts: dict[str, int | None] = {}

    def get(self, key: str) -> Any:
        return self.values.get(key)

    def set(self, key: str, value: Any, timeout: int | None = None) -> Any:
        self.values[key] = value
        self.timeouts[key] = timeout


class Counted(FolderStore):
    """A store that notes what it is asked."""

    def __init__(self, root: Path) -> None:
        super().__init__(root)
        self.requests: list[str] = []

    def list(self, prefix: str, start_after: str = "") -> list[StoredObject]:
        self.requests.append("LIST")
        return super().list(prefix, start_after)

    def get(self, key: str) -> bytes | None:
        self.requests.append("GET")
        return super().get(key)


@pytest.fixture
def counted(tmp_path: Path) -> Counted:
    made = Counted(tmp_path / "store")
    made.check()
    return made


@pytest.fixture
def plain(counted: Counted) -> Vault:
    """A vault in a folder, without a cache."""
    return Vault(counted, customer_id="acme")


def part(number: int = 0, *, ts: int = T, **changes: Any) -> Evidence:
    """Evidence of one message, a second later for each number."""
    packet = SipPacket(ts + number * SECOND, ALICE, BOB, "udp", b"INVITE %d" % number)
    return replace(Evidence("acme", CALL_ID, sip=[packet]), **changes)


def numbers(found: Evidence | None) -> list[int]:
    assert found is not None
    return [int(packet.payload.split()[1]) for packet in found.sip]


# Against every store


def test_what_was_put_is_found(store: ObjectStore) -> None:
    vault = Vault(store, customer_id="acme", prefix="tenants/acme")
    evidence = part(
        rtcp=[RtcpDatagram(T + 5, None, None, b"\x80\xc8")],
        logs=[LogLine(T + 6, "log", "line \udcff")],
        reports=[QualityReport(T + 7, {"mos": 4.1})],
        other_media=[{"ssrc": "0x00000001"}],
        agents=["edge-1"],
    )
    key = vault.put(evidence)
    assert vault.find(CALL_ID, now=NOON) == replace(evidence, parts=[key])


def test_parts_of_several_days_and_collectors_are_one_call(store: ObjectStore) -> None:
    vault = Vault(store, customer_id="acme")
    keys = [
        vault.put(part(number, ts=T - number * DAY * SECOND)) for number in range(4)
    ]
    found = vault.find(CALL_ID, now=NOON)
    assert numbers(found) == [3, 2, 1, 0]
    assert found is not None
    assert found.parts == keys[::-1]


def test_what_was_never_put_is_none(store: ObjectStore) -> None:
    assert Vault(store, customer_id="acme").find(CALL_ID, now=NOON) is None


def test_marked_legs_are_found_from_either_side(store: ObjectStore) -> None:
    vault = Vault(store, customer_id="acme")
    other, third = "Ünlike/../\\ @192.0.2.1;x=\udc80", "b" * 512
    for call_id in (CALL_ID, other, third):
        vault.put(part(call_id=call_id))
    vault.mark_legs(CALL_ID, other, "replaces", day_of(T))
    vault.mark_legs(CALL_ID, third, "refer", "2026-11-23")
    vault.mark_legs(CALL_ID, third, "refer", "2026-11-23")
    legs = {
        call_id: found.legs
        for call_id in (CALL_ID, other, third)
        if (found := vault.find(call_id, now=NOON))
    }
    assert sorted(legs[CALL_ID]) == [("refer", third), ("replaces", other)]
    assert legs[other] == [("replaces", CALL_ID)]
    assert legs[third] == [("refer", CALL_ID)]


def test_pruning_removes_the_old_days_and_nothing_else(store: ObjectStore) -> None:
    vault = Vault(store, customer_id="acme", prefix="acme")
    other = Vault(store, customer_id="other", prefix="other")
    keys = {
        days: vault.put(part(ts=T - days * DAY * SECOND)) for days in (0, 30, 31, 400)
    }
    vault.mark_legs(CALL_ID, "other-leg", "refer", day_of(T - 31 * DAY * SECOND))
    theirs = other.put(part(ts=T - 400 * DAY * SECOND, customer_id="other"))
    store.put("acme/calls/2020-01-01/notes.txt", b"of somebody else")

    would = vault.prune(older_than_days=30, dry_run=True, now=NOON)
    assert {keys[31], keys[400]} < set(would)
    assert len(would) == 4
    assert len(store.list("")) == 8
    assert vault.prune(older_than_days=30, now=NOON) == would
    assert {item.key for item in store.list("")} == {
        *(keys[0], keys[30], theirs, "acme/calls/2020-01-01/notes.txt")
    }
    assert vault.prune(older_than_days=30, now=NOON) == []


# The keys


def test_the_key_says_the_call_the_day_and_the_first_moment(plain: Vault) -> None:
    key = plain.put(part())
    assert key.startswith(
        f"calls/{call_hash(CALL_ID)}/2026-11-23/20261123T131546.123456789Z-"
    )
    assert key.endswith(".zip")


@pytest.mark.parametrize("prefix", ["tenants/acme", "/tenants/acme/"])
def test_the_prefix_comes_first(counted: Counted, prefix: str) -> None:
    key = Vault(counted, customer_id="acme", prefix=prefix).put(part())
    assert key.startswith("tenants/acme/calls/")


def test_the_same_evidence_again_is_the_same_object(
    plain: Vault, counted: Counted
) -> None:
    assert plain.put(part()) == plain.put(part())
    assert len(counted.list("")) == 1


def test_other_evidence_of_the_same_moment_is_another_object(plain: Vault) -> None:
    assert plain.put(part()) != plain.put(part(agents=["edge-2"]))


def test_an_impossible_time_still_has_a_key(plain: Vault) -> None:
    assert "/2106-02-07/" in plain.put(part(ts=1 << 63))
    assert "/1970-01-01/" in plain.put(part(ts=-5))


def test_nothing_is_not_kept(plain: Vault) -> None:
    with pytest.raises(BundleError, match="nothing to keep"):
        plain.put(Evidence("acme", CALL_ID))


def test_evidence_of_another_customer_is_not_kept(plain: Vault) -> None:
    with pytest.raises(ValueError, match="another customer"):
        plain.put(part(customer_id="other"))


# Finding


@pytest.mark.parametrize(("days", "is_found"), [(6, True), (7, True), (8, False)])
def test_the_look_back_counts_whole_days(
    plain: Vault, days: int, is_found: bool
) -> None:
    plain.put(part())
    found = plain.find(CALL_ID, now=NOON + days * DAY)
    assert (found is not None) is is_found


def test_a_whole_call_is_found_by_one_list_and_a_get_for_each_part(
    plain: Vault, counted: Counted
) -> None:
    for number in range(20):
        plain.put(part(number))
    plain.mark_legs(CALL_ID, "other", "refer", day_of(T))
    assert numbers(plain.find(CALL_ID, now=NOON)) == list(range(20))
    assert counted.requests == ["LIST"] + ["GET"] * 20


def test_legs_and_version_are_told_by_one_list(plain: Vault, counted: Counted) -> None:
    plain.put(part())
    plain.mark_legs(CALL_ID, "other", "refer", day_of(T))
    counted.requests.clear()
    assert plain.legs(CALL_ID, now=NOON) == [("refer", "other")]
    assert plain.listing(CALL_ID, now=NOON).version.startswith("2-")
    assert counted.requests == ["LIST", "LIST"]


def test_the_version_changes_with_every_part_and_every_leg(plain: Vault) -> None:
    versions = [plain.listing(CALL_ID, now=NOON).version]
    for add in (
        lambda: plain.put(part(1)),
        lambda: plain.put(part(2)),
        lambda: plain.mark_legs(CALL_ID, "other", "refer", day_of(T)),
    ):
        add()
        versions.append(plain.listing(CALL_ID, now=NOON).version)
    assert [int(each.partition("-")[0]) for each in versions] == [0, 1, 2, 3]
    assert plain.listing(CALL_ID, now=NOON).version == versions[-1]


def test_parts_are_fetched_at_the_same_time(
    plain: Vault, monkeypatch: pytest.MonkeyPatch
) -> None:
    for number in range(4):
        plain.put(part(number))
    together = threading.Barrier(4, timeout=5)
    get = plain.store.get

    def waiting(key: str) -> bytes | None:
        together.wait()
        return get(key)

    monkeypatch.setattr(plain.store, "get", waiting)
    assert len(numbers(plain.find(CALL_ID, now=NOON))) == 4


def test_a_damaged_part_does_not_hide_the_whole_ones(
    plain: Vault, counted: Counted
) -> None:
    plain.put(part(1))
    torn, lost = plain.put(part(2)), plain.put(part(3))
    counted.put(torn, (counted.get(torn) or b"")[:400])
    counted.put(lost, b"no zip file")
    found = plain.find(CALL_ID, now=NOON)
    assert numbers(found) == [1, 2]  # the cut came behind the SIP
    assert found is not None
    named = [line.partition(": ")[0] for line in found.damage]
    assert set(named) == {"/".join(key.split("/")[2:]) for key in (torn, lost)}


def test_a_call_of_damaged_parts_is_not_nothing(plain: Vault, counted: Counted) -> None:
    counted.put(plain.put(part()), b"no zip file")
    found = plain.find(CALL_ID, now=NOON)
    assert found is not None
    assert found.sip == []
    assert len(found.damage) == 1


@pytest.mark.parametrize(
    "foreign", [part(call_id="another"), part(customer_id="another")]
)
def test_a_part_of_another_call_under_the_same_hash_is_ignored(
    plain: Vault, counted: Counted, foreign: Evidence
) -> None:
    key = plain.put(part(1))
    counted.put(key.replace(".zip", "0.zip"), bundle.pack(foreign))
    found = plain.find(CALL_ID, now=NOON)
    assert numbers(found) == [1]
    assert found is not None
    assert found.damage == []
    assert len(plain.raw_parts(CALL_ID, now=NOON)) == 1
    counted.delete(key)
    assert plain.find(CALL_ID, now=NOON) is None


def test_a_part_that_vanishes_after_the_listing_is_ignored(
    plain: Vault, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    plain.put(part(1))
    gone = plain.put(part(2))
    get = counted.get
    monkeypatch.setattr(counted, "get", lambda key: None if key == gone else get(key))
    found = plain.find(CALL_ID, now=NOON)
    assert numbers(found) == [1]
    assert found is not None
    assert found.damage == []


def test_what_lies_beside_the_parts_is_ignored(plain: Vault, counted: Counted) -> None:
    key = plain.put(part(1))
    folder = key.rpartition("/")[0]
    for name in ("notes.txt", "leg-refer-A", "leg-REFER-YQ", "leg--YQ", "x/y.zip"):
        counted.put(f"{folder}/{name}", b"?")
    found = plain.find(CALL_ID, now=NOON)
    assert numbers(found) == [1]
    assert found is not None
    assert (found.legs, found.damage) == ([], [])


def test_marked_legs_alone_are_no_call(plain: Vault) -> None:
    plain.mark_legs(CALL_ID, "other", "refer", day_of(T))
    assert plain.find(CALL_ID, now=NOON) is None


@pytest.mark.parametrize("name", ["list", "get"])
def test_a_store_that_fails_is_an_error_and_not_none(
    plain: Vault, counted: Counted, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    for number in range(3):
        plain.put(part(number))

    def fail(*_: object) -> None:
        raise StoreError("down")

    monkeypatch.setattr(counted, name, fail)
    for ask in (plain.find, plain.raw_parts):
        with pytest.raises(StoreError, match="down"):
            ask(CALL_ID, now=NOON)


def test_more_than_a_call_may_be_is_said_and_not_fetched(
    plain: Vault, counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = plain.put(part(1))
    plain.put(part(2))
    [size, _] = [item.size for item in counted.list("")]
    monkeypatch.setattr(module, "MAX_CALL", size + 10)
    found = plain.find(CALL_ID, now=NOON)
    assert found is not None
    assert found.parts == [first]
    assert found.damage[0].endswith("too large, not read")


def test_raw_parts_are_the_objects_as_they_are(plain: Vault, counted: Counted) -> None:
    keys = [plain.put(part(number)) for number in range(2)]
    assert plain.raw_parts(CALL_ID, now=NOON) == [
        ("/".join(key.split("/")[2:]), counted.get(key)) for key in keys
    ]


# Legs


@pytest.mark.parametrize("why", ["", "Replaces", "a-b", "../x", "a" * 21, "é"])
def test_a_reason_that_is_no_word_is_refused(plain: Vault, why: str) -> None:
    with pytest.raises(ValueError, match="no leg"):
        plain.mark_legs(CALL_ID, "other", why, day_of(T))


def test_a_day_that_is_none_is_refused(plain: Vault) -> None:
    with pytest.raises(ValueError, match="no leg"):
        plain.mark_legs(CALL_ID, "other", "refer", "../..")


@pytest.mark.parametrize("other", ["x" * 513, CALL_ID])
def test_what_cannot_be_a_leg_leaves_no_mark(
    plain: Vault, counted: Counted, other: str
) -> None:
    plain.mark_legs(CALL_ID, other, "refer", date(2026, 11, 23))
    assert counted.list("") == []


def test_a_leg_whose_name_begins_another_does_not_bar_it(plain: Vault) -> None:
    plain.put(part())
    for length in (150, 151, 300, 512):
        plain.mark_legs(CALL_ID, "a" * length, "refer", day_of(T))
    found = plain.find(CALL_ID, now=NOON)
    assert found is not None
    assert sorted(len(other) for _, other in found.legs) == [150, 151, 300, 512]


# The cache


@pytest.fixture
def flask_cache() -> Iterator[flask_caching.Cache]:
    app = flask.Flask(__name__)
    cache = flask_caching.Cache(app, config={"CACHE_TYPE": "SimpleCache"})
    with app.app_context():
        yield cache


def test_a_call_opened_again_asks_the_store_nothing(
    counted: Counted, flask_cache: flask_caching.Cache
) -> None:
    vault = Vault(counted, customer_id="acme", cache=flask_cache)
    for number in range(3):
        vault.put(part(number))
    vault.mark_legs(CALL_ID, "other", "refer", day_of(T))
    cold = vault.find(CALL_ID, now=NOON)
    assert counted.requests == ["LIST", "GET", "GET", "GET"]
    counted.requests.clear()
    assert vault.find(CALL_ID, now=NOON) == cold
    vault.raw_parts(CALL_ID, now=NOON)
    assert counted.requests == []


def test_only_the_listing_expires_soon(counted: Counted) -> None:
    cache = Memory()
    vault = Vault(counted, customer_id="acme", cache=cache)
    vault.put(part())
    vault.find(CALL_ID, now=NOON)
    assert set(cache.timeouts.values()) == {10, 24 * 3600}


def test_an_empty_listing_is_asked_for_again(counted: Counted) -> None:
    vault = Vault(counted, customer_id="acme", cache=Memory())
    assert vault.find(CALL_ID, now=NOON) is None
    vault.put(part())
    assert vault.find(CALL_ID, now=NOON) is not None


def test_a_large_part_is_fetched_anew(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_CACHED", 100)
    vault = Vault(counted, customer_id="acme", cache=Memory())
    vault.put(part())
    for _ in range(2):
        vault.find(CALL_ID, now=NOON)
    assert counted.requests == ["LIST", "GET", "GET"]


def test_customers_that_share_cache_and_bucket_do_not_mix(counted: Counted) -> None:
    cache = Memory()
    mine = Vault(counted, customer_id="acme", cache=cache)
    theirs = Vault(counted, customer_id="other", cache=cache)
    mine.put(part(1))
    assert numbers(mine.find(CALL_ID, now=NOON)) == [1]
    assert theirs.find(CALL_ID, now=NOON) is None
    theirs.put(part(2, customer_id="other"))
    assert numbers(Vault(counted, customer_id="other").find(CALL_ID, now=NOON)) == [2]


def test_buckets_that_share_a_cache_do_not_mix(tmp_path: Path) -> None:
    cache = Memory()
    vaults = []
    for name in ("one", "two"):
        store = FolderStore(tmp_path / name)
        store.check()
        vaults.append(Vault(store, customer_id="acme", cache=cache))
    vaults[0].put(part())
    assert vaults[0].find(CALL_ID, now=NOON) is not None
    assert vaults[1].find(CALL_ID, now=NOON) is None


def test_a_cache_that_fails_costs_no_evidence(
    counted: Counted, caplog: pytest.LogCaptureFixture
) -> None:
    class Down:
        def get(self, key: str) -> Any:
            raise ConnectionError("redis is down")

        def set(self, key: str, value: Any, timeout: int | None = None) -> Any:
            raise ConnectionError("redis is down")

    vault = Vault(counted, customer_id="acme", cache=Down())
    vault.put(part(1))
    assert numbers(vault.find(CALL_ID, now=NOON)) == [1]
    assert "the cache cannot be read" in caplog.text


def test_the_cache_is_asked_by_the_calling_thread_only(
    counted: Counted, monkeypatch: pytest.MonkeyPatch
) -> None:
    cache = Memory()
    threads = set()

    def noted(ask: Callable[..., Any]) -> Callable[..., Any]:
        def asked(*args: Any, **kwargs: Any) -> Any:
            threads.add(threading.get_ident())
            return ask(*args, **kwargs)

        return asked

    monkeypatch.setattr(cache, "get", noted(cache.get))
    monkeypatch.setattr(cache, "set", noted(cache.set))
    vault = Vault(counted, customer_id="acme", cache=cache)
    for number in range(3):
        vault.put(part(number))
    vault.find(CALL_ID, now=NOON)
    assert threads == {threading.get_ident()}


def test_days_to_keep_cannot_be_negative(plain: Vault) -> None:
    with pytest.raises(ValueError, match="negative"):
        plain.prune(older_than_days=-1)
