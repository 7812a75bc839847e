"""Refusals are counted always, and told once a minute."""

from __future__ import annotations

import pytest

from flask_sipvault.collector.refusals import Refusals


def told(caplog: pytest.LogCaptureFixture) -> list[tuple[object, ...]]:
    names = ("reason", "count", "among_them")
    found = [tuple(vars(record)[name] for name in names) for record in caplog.records]
    caplog.clear()
    return found


def test_the_first_is_told_at_once_and_others_after_a_minute(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = Refusals()
    refusals.note("192.0.2.1", "credentials")
    refusals.tell(100)
    assert told(caplog) == [("credentials", 1, "192.0.2.1")]

    for _ in range(3):
        refusals.note("192.0.2.2", "credentials")
    refusals.note("192.0.2.3", "time")
    refusals.tell(159)
    assert told(caplog) == []
    refusals.tell(161)
    assert told(caplog) == [
        ("credentials", 3, "192.0.2.2"),
        ("time", 1, "192.0.2.3"),
    ]
    refusals.tell(1000)
    assert told(caplog) == []
    assert refusals.counts == {"credentials": 4, "time": 1}


def test_who_was_refused_is_told_with_protocol_and_customer_and_nothing_else_can_be(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = Refusals()
    refusals.note("192.0.2.1", "credentials", protocol="agent", claimed="acme")
    forged = 'a" by agent for "b, 192.0.2.9\n\u202e' + "x" * 1000
    refusals.note("192.0.2.2", "credentials", protocol="hep-udp", claimed=forged)
    refusals.tell(100)
    ((_, _, among),) = told(caplog)
    assert str(among).startswith('192.0.2.1 by agent for "acme",192.0.2.2 by hep-udp')
    assert '"a\\" by agent for \\"b, 192.0.2.9' in str(among)
    assert str(among).isprintable()
    assert len(str(among)) < 300


def test_a_flood_from_everywhere_fills_neither_memory_nor_log(
    caplog: pytest.LogCaptureFixture,
) -> None:
    refusals = Refusals()
    for n in range(100_000):
        refusals.note(f"192.0.2.{n}", "credentials")
    refusals.tell(1)

    ((_, count, among),) = told(caplog)
    assert count == 100_000
    assert str(among).count(",") == 4
