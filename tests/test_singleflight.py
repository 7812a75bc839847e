"""One run of a task for all threads that ask for it at the same time."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import Future
from concurrent.futures import ThreadPoolExecutor

import pytest

from flask_sipvault.singleflight import SingleFlight

from .asked import CountedKey
from .asked import LONG

THREADS = 20


def ask_together(flights: SingleFlight, ends: Callable[[], str]) -> list[Future[str]]:
    """The task ends when all threads wait for it, as it is told."""
    key = CountedKey()

    def task() -> str:
        # The one that runs it looked it up, and put it there; the others look it up.
        key.wait_for(THREADS + 1)
        return ends()

    with ThreadPoolExecutor(THREADS) as pool:
        return [pool.submit(flights.run, key, task) for _ in range(THREADS)]


def test_everybody_gets_what_was_made_once() -> None:
    made: list[str] = []

    def make() -> str:
        made.append("made")
        return f"value {len(made)}"

    asked = ask_together(SingleFlight(), make)
    assert {each.result() for each in asked} == {"value 1"}
    assert len(made) == 1


def test_an_error_reaches_everybody() -> None:
    def fail() -> str:
        raise ValueError("the store is down")

    for each in ask_together(SingleFlight(), fail):
        with pytest.raises(ValueError, match="the store is down"):
            each.result()


def test_an_error_is_not_kept() -> None:
    def fail() -> str:
        raise ValueError("the store is down")

    flights = SingleFlight()
    with pytest.raises(ValueError, match="the store is down"):
        flights.run("key", fail)
    assert flights.run("key", lambda: "it is up again") == "it is up again"


def test_what_was_made_is_not_kept_either() -> None:
    flights = SingleFlight()
    assert [flights.run("key", lambda v=v: v) for v in ("a", "b")] == ["a", "b"]


def test_other_keys_do_not_wait() -> None:
    flights = SingleFlight()
    started, may_end = threading.Event(), threading.Event()

    def slow() -> str:
        started.set()
        assert may_end.wait(LONG)
        return "slow"

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(flights.run, "slow", slow)
        assert started.wait(LONG)
        assert flights.run("quick", lambda: "quick") == "quick"
        may_end.set()
        assert asked.result() == "slow"


def test_a_task_may_ask_for_another() -> None:
    flights = SingleFlight()
    assert flights.run("outer", lambda: flights.run("inner", lambda: "in")) == "in"


def test_when_a_thread_is_stopped_another_takes_over() -> None:
    """As when a server ends a worker's request: nobody must wait for ever."""
    flights, key = SingleFlight(), CountedKey()
    runs: list[str] = []

    def task() -> str:
        runs.append("run")
        if len(runs) > 1:
            return "taken over"
        key.wait_for(THREADS + 1)
        raise SystemExit

    with ThreadPoolExecutor(THREADS) as pool:
        asked = [pool.submit(flights.run, key, task) for _ in range(THREADS)]
    ends = [each.exception() for each in asked]
    assert [type(each) for each in ends if each is not None] == [SystemExit]
    assert {each.result() for each in asked if not each.exception()} == {"taken over"}
