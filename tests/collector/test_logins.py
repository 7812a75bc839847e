"""How long an address waits that has shown wrong credentials."""

from __future__ import annotations

import pytest

from flask_sipvault.collector import logins as module
from flask_sipvault.collector.logins import FREE_FAILURES
from flask_sipvault.collector.logins import Logins
from flask_sipvault.collector.logins import LONGEST_WAIT
from flask_sipvault.collector.logins import SECONDS_EACH


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def logins(clock: Clock) -> Logins:
    return Logins(clock)


def fail(logins: Logins, sender: str, times: int) -> None:
    for _ in range(times):
        logins.failed(sender)


def test_a_few_failures_cost_nothing(logins: Logins) -> None:
    fail(logins, "192.0.2.1", FREE_FAILURES)
    assert logins.wait("192.0.2.1") == 0


def test_of_more_each_waits_longer_than_the_one_before(logins: Logins) -> None:
    fail(logins, "192.0.2.1", FREE_FAILURES + 1)
    waits = [logins.wait("192.0.2.1") for _ in range(4)]
    assert waits == [SECONDS_EACH * n for n in (1, 2, 3, 4)]


def test_whoever_is_not_let_wait_takes_no_place(logins: Logins) -> None:
    fail(logins, "192.0.2.1", 100)
    waits = {logins.wait("192.0.2.1") for _ in range(50)}
    assert waits == {(100 - FREE_FAILURES) * SECONDS_EACH}
    assert min(waits) > LONGEST_WAIT


def test_in_the_long_run_a_guess_a_second_is_looked_at(
    logins: Logins, clock: Clock
) -> None:
    looked_at = 0
    for _ in range(10_000):
        clock.now += 0.1
        wait = logins.wait("192.0.2.1")
        if wait == 0:
            logins.failed("192.0.2.1")
        if wait <= LONGEST_WAIT:
            looked_at += 1
    assert 1000 <= looked_at <= 1000 + FREE_FAILURES + LONGEST_WAIT + 1


def test_in_time_all_is_forgotten(logins: Logins, clock: Clock) -> None:
    fail(logins, "192.0.2.1", 3 * FREE_FAILURES)
    clock.now += 2 * FREE_FAILURES * SECONDS_EACH
    assert logins.wait("192.0.2.1") == 0
    clock.now += 3600
    logins.failed("192.0.2.2")
    assert list(logins._busy_until) == ["192.0.2.2"]


def test_another_address_does_not_wait(logins: Logins) -> None:
    fail(logins, "192.0.2.1", 15)
    assert logins.wait("192.0.2.2") == 0


def test_all_of_an_ipv6_network_is_one_sender(logins: Logins) -> None:
    for n in range(FREE_FAILURES + 1):
        logins.failed(f"2001:db8::{n:x}")
    assert logins.wait("2001:db8::ffff") > 0
    assert logins.wait("2001:db8:0:1::1") == 0


def test_many_addresses_fill_no_memory(
    logins: Logins, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 100)
    for n in range(1000):
        logins.failed(f"192.0.{n // 256}.{n % 256}")
    assert len(logins._busy_until) == 100
