"""The example CDR viewer with a few rows of its own, and no recordings."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.security import generate_password_hash

from example_app import create_app

ROWS = [
    ("acme", "2026-11-20 10:00:00", "alice", "bob", "c-1@acme", "200", "OK"),
    ("acme", "2026-11-21 23:59:59", "alice", "carol", "c-2@acme", "486", "Busy Here"),
    ("acme", "2026-11-22 00:00:00", "+551140028922", "bob", "c_3@acme", "200", "OK"),
    ("globex", "2026-11-22 12:00:00", "erin", "frank", "g-1@globex", "200", "OK"),
]


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = create_app(str(tmp_path / "instance"))
    database = sqlite3.connect(app.config["DATABASE"])
    with database:
        database.executemany(
            "INSERT INTO users VALUES (?1, ?1, ?2)",
            [
                (name, generate_password_hash(name, method="pbkdf2:sha256:1"))
                for name in ("acme", "globex")
            ],
        )
        database.executemany(
            "INSERT INTO acc (customer, time, caller_id, callee_id, callid, sip_code,"
            " sip_reason) VALUES (?, ?, ?, ?, ?, ?, ?)",
            ROWS,
        )
    database.close()
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def log_in(client: FlaskClient) -> Callable[[str], FlaskClient]:
    def as_user(name: str) -> FlaskClient:
        answer = client.post("/login", data={"name": name, "password": name})
        assert answer.status_code in (302, 303)
        return client

    return as_user
