"""The example's SQLite database: one connection a request."""

from __future__ import annotations

import sqlite3
from pathlib import Path

from flask import current_app
from flask import Flask
from flask import g


def connection() -> sqlite3.Connection:
    """This request's connection; it is closed with the request."""
    if "database" not in g:
        g.database = sqlite3.connect(current_app.config["DATABASE"])
        g.database.row_factory = sqlite3.Row
    database: sqlite3.Connection = g.database
    return database


def init_app(app: Flask) -> None:
    """Make the tables that are missing, and close connections behind each request."""

    def close(_error: BaseException | None) -> None:
        database = g.pop("database", None)
        if database is not None:
            database.close()

    app.teardown_appcontext(close)
    schema = Path(__file__).with_name("schema.sql").read_text()
    database = sqlite3.connect(app.config["DATABASE"])
    try:
        database.executescript(schema)
    finally:
        database.close()
