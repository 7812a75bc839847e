"""The example's list of calls: whose they are, search and paging."""

from __future__ import annotations

import re
import sqlite3
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

LogIn = Callable[[str], FlaskClient]


def listed(page: str) -> list[str]:
    """The Call-IDs of a page's rows, from top to bottom."""
    return re.findall(r'<td class="callid" title="([^"]*)"', page)


def test_users_see_the_calls_of_their_customer_latest_first(log_in: LogIn) -> None:
    page = log_in("acme").get("/").text
    assert listed(page) == ["c_3@acme", "c-2@acme", "c-1@acme"]


def test_no_search_reaches_calls_of_another_customer(log_in: LogIn) -> None:
    client = log_in("acme")
    assert listed(client.get("/?callid=g-1").text) == []
    assert listed(client.get("/?number=%25").text) == []
    assert listed(client.get("/?code=200' OR '1'='1").text) == []


@pytest.mark.parametrize(
    ("query", "found"),
    [
        ("number=bob", ["c_3@acme", "c-1@acme"]),
        ("number=40028922", ["c_3@acme"]),
        ("number=%2B5511", ["c_3@acme"]),
        ("callid=c-2@acme", ["c-2@acme"]),
        ("callid=c_", ["c_3@acme"]),
        ("code=486", ["c-2@acme"]),
        ("since=2026-11-21", ["c_3@acme", "c-2@acme"]),
        ("until=2026-11-21", ["c-2@acme", "c-1@acme"]),
        ("since=2026-11-21&until=2026-11-21", ["c-2@acme"]),
        ("number=bob&code=200&until=2026-11-20", ["c-1@acme"]),
    ],
)
def test_search(log_in: LogIn, query: str, found: list[str]) -> None:
    assert listed(log_in("acme").get(f"/?{query}").text) == found


@pytest.mark.parametrize("day", ["tomorrow", "2026-13-01", "9999-12-31"])
def test_what_is_no_date_is_named_and_ignored(log_in: LogIn, day: str) -> None:
    page = log_in("acme").get(f"/?until={day}").text
    assert f"“{day}” is no date" in page
    assert len(listed(page)) == 3


def test_paging_keeps_the_search(app: Flask, log_in: LogIn) -> None:
    database = sqlite3.connect(app.config["DATABASE"])
    with database:
        database.executemany(
            "INSERT INTO acc (customer, time, callid, caller_id)"
            " VALUES ('acme', '2026-11-23 08:00:00', ?, 'many')",
            [(f"m-{number}",) for number in range(25)],
        )
    database.close()
    client = log_in("acme")
    first = client.get("/?number=many").text
    assert len(listed(first)) == 10
    assert 'href="/?page=2&amp;number=many"' in first
    assert "25 calls, page 1 of 3" in first
    assert listed(client.get("/?number=many&page=3").text) == [
        f"m-{number}" for number in range(4, -1, -1)
    ]


@pytest.mark.parametrize("page", ["0", "-7", "99999999999999999999", "two"])
def test_a_page_that_is_not_there_is_the_nearest_one(log_in: LogIn, page: str) -> None:
    assert len(listed(log_in("acme").get(f"/?page={page}").text)) == 3


def test_each_row_has_a_button_whose_link_is_not_signed_yet(log_in: LogIn) -> None:
    page = log_in("acme").get("/").text
    links = re.findall(r'href="(/sipvault/open/[^"]+)"', page)
    assert len(links) == 3
    assert "sig=" not in page


def test_what_came_off_the_wire_is_escaped(app: Flask, log_in: LogIn) -> None:
    database = sqlite3.connect(app.config["DATABASE"])
    with database:
        database.execute(
            "INSERT INTO acc (customer, time, callid, caller_id, sip_code, sip_reason)"
            " VALUES ('acme', '2026-11-23 08:00:00', ?1, ?1, ?1, ?1)",
            ['"><script>alert(1)</script>'],
        )
    database.close()
    assert "<script" not in log_in("acme").get("/").text
