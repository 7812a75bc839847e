from __future__ import annotations

import pytest

from flask_sipvault.access import failures as module
from flask_sipvault.access.failures import BURST
from flask_sipvault.access.failures import Failures
from flask_sipvault.access.failures import INTERVAL


class Clock:
    def __init__(self) -> None:
        self.now = 1000.0

    def __call__(self) -> float:
        return self.now


@pytest.fixture
def clock() -> Clock:
    return Clock()


@pytest.fixture
def failures(clock: Clock) -> Failures:
    return Failures(clock)


def add(failures: Failures, times: int, address: str = "192.0.2.1") -> list[bool]:
    """Whether each of them was too many."""
    return [failures.add(address).limited for _ in range(times)]


def test_the_first_are_not_limited_and_all_are_counted(failures: Failures) -> None:
    assert add(failures, BURST) == [False] * BURST
    assert add(failures, 5) == [True] * 5
    assert failures.add("192.0.2.1").count == BURST + 6


def test_one_more_is_explained_after_the_time_that_was_told(
    failures: Failures, clock: Clock
) -> None:
    add(failures, BURST)
    clock.now += failures.add("192.0.2.1").retry_after
    assert add(failures, 2) == [False, True]


def test_trying_on_does_not_make_it_longer(failures: Failures, clock: Clock) -> None:
    add(failures, BURST)
    for _ in range(10):
        clock.now += INTERVAL / 10
        last = failures.add("192.0.2.1")
    assert not last.limited


def test_after_a_while_all_is_forgiven(failures: Failures, clock: Clock) -> None:
    add(failures, BURST + 1)
    clock.now += BURST * INTERVAL
    assert add(failures, BURST + 1) == [False] * BURST + [True]


def test_another_address_is_not_limited(failures: Failures) -> None:
    add(failures, BURST + 1)
    assert add(failures, 1, "192.0.2.2") == [False]


@pytest.mark.parametrize(
    ("one", "other", "together"),
    [
        ("2001:db8::1", "2001:db8::ffff:ffff:ffff:ffff", True),
        ("2001:db8::1", "2001:db8:0:1::1", False),
        ("192.0.2.1", "::ffff:192.0.2.1", True),
        ("192.0.2.1", "192.0.2.2", False),
        ("unix:", "", False),
        ("x" * 1000, "x" * 2000, True),
    ],
)
def test_what_one_subscriber_has_is_limited_together(
    one: str, other: str, together: bool, failures: Failures
) -> None:
    add(failures, BURST, one)
    assert add(failures, 1, other) == [together]


def test_no_more_addresses_are_remembered_than_may_be(
    failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 100)
    for number in range(1000):
        add(failures, 1, f"10.0.{number // 256}.{number % 256}")
        assert len(failures._addresses) <= 100


def test_who_goes_on_failing_is_not_forgotten_for_others(
    failures: Failures, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "MAX_ADDRESSES", 10)
    add(failures, BURST)
    for number in range(50):
        add(failures, 1, f"10.0.0.{number}")
        assert add(failures, 1) == [True]
