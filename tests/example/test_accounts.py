"""Logging in to the example, and what it keeps other sites from doing."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from flask.testing import FlaskClient

LogIn = Callable[[str], FlaskClient]


def test_the_list_of_calls_asks_for_a_login(client: FlaskClient) -> None:
    answer = client.get("/?number=bob")
    assert answer.status_code in (302, 303)
    assert answer.location == "/login?next=/?number%3Dbob"


def test_the_login_page_names_its_two_users(client: FlaskClient) -> None:
    page = client.get("/login").text
    assert "<code>acme</code>" in page
    assert "<code>globex</code>" in page


def test_logging_in_leads_back_to_where_one_was(client: FlaskClient) -> None:
    answer = client.post(
        "/login", data={"name": "acme", "password": "acme", "next": "/?number=bob"}
    )
    assert answer.location == "/?number=bob"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/",
        "/\\evil.example/",
        "/\t/evil.example/",
        "javascript:alert(1)",
    ],
)
def test_logging_in_leads_to_no_other_site(client: FlaskClient, elsewhere: str) -> None:
    answer = client.post(
        "/login", data={"name": "acme", "password": "acme", "next": elsewhere}
    )
    assert answer.location == "/"


@pytest.mark.parametrize("name", ["acme", "nobody", ""])
def test_a_wrong_password_and_a_wrong_name_get_the_same_answer(
    client: FlaskClient, name: str
) -> None:
    answer = client.post("/login", data={"name": name, "password": "guess"})
    assert answer.status_code == 401
    assert "Name or password is wrong." in answer.text


def test_the_name_of_nobody_has_no_password(client: FlaskClient) -> None:
    answer = client.post("/login", data={"name": "nobody", "password": ""})
    assert answer.status_code == 401


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "cross-site"},
        {"Sec-Fetch-Site": "same-site"},
        {"Origin": "https://evil.example"},
        {"Origin": "null"},
    ],
)
def test_a_form_of_another_site_cannot_log_anybody_in(
    client: FlaskClient, headers: dict[str, str]
) -> None:
    answer = client.post(
        "/login", data={"name": "acme", "password": "acme"}, headers=headers
    )
    assert answer.status_code == 403
    assert "Set-Cookie" not in answer.headers


@pytest.mark.parametrize(
    "headers",
    [
        {"Sec-Fetch-Site": "same-origin", "Origin": "http://localhost"},
        {"Origin": "http://localhost"},
    ],
)
def test_the_own_form_logs_in(client: FlaskClient, headers: dict[str, str]) -> None:
    answer = client.post(
        "/login", data={"name": "acme", "password": "acme"}, headers=headers
    )
    assert answer.status_code in (302, 303)


def test_the_session_cookie_is_out_of_reach_of_scripts_and_other_sites(
    client: FlaskClient,
) -> None:
    answer = client.post("/login", data={"name": "acme", "password": "acme"})
    cookie = answer.headers["Set-Cookie"]
    assert "HttpOnly" in cookie
    assert "SameSite=Lax" in cookie


def test_logging_out_forgets_the_user(log_in: LogIn) -> None:
    client = log_in("acme")
    client.post("/logout")
    assert client.get("/").status_code in (302, 303)


def test_a_user_who_is_gone_is_logged_out(log_in: LogIn) -> None:
    client = log_in("acme")
    with client.session_transaction() as session:
        session["user"] = "former"
    assert client.get("/").status_code in (302, 303)


def test_every_page_has_a_policy_that_allows_no_script(client: FlaskClient) -> None:
    for path in ("/login", "/static/cdr.css", "/nothing-here"):
        with client.get(path) as answer:
            policy = answer.headers["Content-Security-Policy"]
        assert policy.startswith("default-src 'none'")
        assert "script-src" not in policy
        assert "unsafe" not in policy
