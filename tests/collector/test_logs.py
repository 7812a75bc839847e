"""A line for each event, that nobody else can write into."""

from __future__ import annotations

import logging
import sys

from flask_sipvault.collector.logs import KeyValueFormatter


def line(message: str, *arguments: object, **facts: object) -> str:
    record = logging.makeLogRecord(
        {"msg": message, "args": arguments, "levelname": "WARNING", "created": 0.25}
    )
    vars(record).update(facts)
    return KeyValueFormatter().format(record)


def test_a_line_is_made_of_keys_and_values() -> None:
    assert line("agent connected", customer="acme", sender="192.0.2.1", tls=True) == (
        'time=1970-01-01T00:00:00.250Z level=warning message="agent connected"'
        " customer=acme sender=192.0.2.1 tls=true"
    )


def test_arguments_are_put_into_the_message() -> None:
    assert "message=two" in line("%s", "two")


def test_what_strangers_named_cannot_begin_a_line_or_a_key() -> None:
    written = line("x", customer='a"\nlevel=info b=c\x1b[31m')

    assert "\n" not in written
    assert "\x1b" not in written
    assert written.endswith(r'customer="a\"\nlevel=info b=c\u001b[31m"')


def test_of_an_exception_its_text_is_not_told() -> None:
    """It may hold what was captured."""
    try:
        raise ValueError("INVITE sip:secret")
    except ValueError:
        written = line("an item could not be kept", exc_info=sys.exc_info())

    assert "secret" not in written
    assert "exception=ValueError at=test_logs.py:" in written
    assert "\n" not in written
