"""Filling the example with its recordings."""

from __future__ import annotations

import sqlite3
from pathlib import Path

import pytest
from flask import Flask

from example_app import create_app
from example_app import fill


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    app = create_app(str(tmp_path_factory.mktemp("filled")))
    # As if an earlier fill had been broken off half-way.
    fill.import_recordings(app, fill.HERE / "recordings" / "acme")
    fill.fill(app)
    return app


def rows(app: Flask, query: str) -> list[tuple[str, ...]]:
    database = sqlite3.connect(app.config["DATABASE"])
    try:
        return database.execute(query).fetchall()
    finally:
        database.close()


def test_every_row_opens_a_call_of_its_customer(filled: Flask) -> None:
    state = filled.extensions["sipvault"]
    for customer, call_id in rows(filled, "SELECT customer, callid FROM acc"):
        assert state.vault(customer).find(call_id) is not None


def test_calls_are_not_filed_twice(filled: Flask) -> None:
    state = filled.extensions["sipvault"]
    for customer, call_id in rows(filled, "SELECT customer, callid FROM acc"):
        assert len(state.vault(customer).find(call_id).parts) == 1


def test_each_customer_has_calls_of_many_kinds(filled: Flask) -> None:
    found = rows(filled, "SELECT DISTINCT customer, sip_code FROM acc")
    assert {code for customer, code in found if customer == "acme"} == {
        *("200", "408", "486", "487")
    }
    assert {code for customer, code in found if customer == "globex"} == {
        *("200", "403", "408", "480", "486")
    }


def test_a_row_says_what_the_recording_says(filled: Flask) -> None:
    query = (
        "SELECT caller_id, callee_id, sip_code, sip_reason, duration, ms_duration"
        " FROM acc WHERE callid = '1-23729@127.0.0.2'"
    )
    assert rows(filled, query) == [("alice", "bob", "200", "OK", 15, 14508)]


def test_a_filled_viewer_is_not_filled_again(filled: Flask) -> None:
    before = rows(filled, "SELECT * FROM acc")
    result = filled.test_cli_runner().invoke(args=["fill"])
    assert result.exit_code == 1
    assert "holds calls already" in result.output
    assert rows(filled, "SELECT * FROM acc") == before


def test_the_recordings_are_small_enough_for_a_repository() -> None:
    recordings = Path(fill.HERE, "recordings").rglob("*")
    assert sum(path.stat().st_size for path in recordings if path.is_file()) < 1.5e6
