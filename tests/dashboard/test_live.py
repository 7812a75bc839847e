"""A call that is still up: its page says so, and learns when there is more."""

from __future__ import annotations

import html
import re
from collections.abc import Callable

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault import vault as vault_module

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import packet
from .calls import small_call
from .calls import words

Keep = Callable[[Evidence], str]


@pytest.fixture(autouse=True)
def no_old_listings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(vault_module, "LIST_SECONDS", -1)


def still_up(call_id: str = "call@host") -> Evidence:
    evidence = small_call(call_id)
    evidence.state = "PARTIAL"
    del evidence.sip[2:]
    return evidence


def more(call_id: str = "call@host") -> Evidence:
    """The end of that call."""
    end = packet("SIP/2.0 486 Busy Here", call_id=call_id, after_ms=900, back=True)
    return Evidence(CUSTOMER, call_id, sip=[end])


def asked(page: str) -> tuple[str, str]:
    """Where the page asks, and the version it shows."""
    found = re.search(r'data-sv-live-url="([^"]+)" data-version="([^"]+)"', page)
    assert found
    return html.unescape(found[1]), found[2]


def test_the_page_says_so_and_can_be_reloaded_without_a_script(
    client: FlaskClient, keep: Keep
) -> None:
    page = client.get(keep(still_up())).text
    assert "The call was still up when this was written" in words(page)
    reload = re.search(r'<a class="sv-noprint" href="([^"]+)">Reload', page)
    assert reload
    assert client.get(html.unescape(reload[1])).status_code == 200


def test_a_call_whose_sip_is_not_there_yet_does_not_count_as_up(
    client: FlaskClient, keep: Keep
) -> None:
    line = LogLine(packet("BYE sip:b SIP/2.0").ts, "proxy", "call@host here")
    link = keep(Evidence(CUSTOMER, "call@host", "PARTIAL", logs=[line]))

    page = client.get(link).text
    assert "No SIP of this call is stored yet" in words(page)
    assert "still up" not in words(page)
    report = client.get(file_of(link, "report.html")).text
    assert "still up" not in report

    url, version = asked(page)
    keep(small_call("call@host"))
    assert client.get(url).json["version"] != version  # type: ignore[index]
    page = client.get(link).text
    assert "No SIP" not in words(page)
    assert "data-sv-live-url" not in page


def test_a_call_that_is_over_asks_for_nothing(client: FlaskClient, keep: Keep) -> None:
    assert "data-sv-live-url" not in client.get(keep(small_call())).text


def test_the_version_stays_while_nothing_comes(client: FlaskClient, keep: Keep) -> None:
    url, version = asked(client.get(keep(still_up())).text)
    answer = client.get(url)
    assert answer.json["version"] == version
    assert answer.json["wait"] > 0
    assert answer.headers["Cache-Control"] == "private, no-store"


def test_the_version_changes_with_a_part_and_with_a_leg(
    client: FlaskClient, keep: Keep, app: Flask
) -> None:
    url, version = asked(client.get(keep(still_up())).text)
    versions = [version]
    app.extensions["sipvault"].vault(CUSTOMER).mark_legs(
        "call@host", "b@host", "header", "2026-11-23"
    )
    versions.append(client.get(url).json["version"])
    keep(more())
    versions.append(client.get(url).json["version"])
    assert len(set(versions)) == 3
    counts = [int(each.partition("-")[0]) for each in versions]
    assert counts == sorted(counts)


def test_the_page_of_the_whole_call_asks_no_more(
    client: FlaskClient, keep: Keep
) -> None:
    link = keep(still_up())
    keep(more())
    page = client.get(link).text
    assert "data-sv-live-url" not in page
    assert "486" in page


def test_it_goes_on_while_a_leg_beside_it_is_up(
    client: FlaskClient, keep: Keep, app: Flask
) -> None:
    link = keep(small_call())
    keep(still_up("b@host"))
    vault = app.extensions["sipvault"].vault(CUSTOMER)
    vault.mark_legs("call@host", "b@host", "header", "2026-11-23")
    url, version = asked(client.get(f"{link}&with=b@host").text)
    assert client.get(url).json["version"] == version
    keep(more("b@host"))
    assert client.get(url).json["version"] != version


def test_asking_costs_one_listing_and_no_part(
    client: FlaskClient, keep: Keep, app: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    url, _ = asked(client.get(keep(still_up())).text)
    store = app.extensions["sipvault"].vault(CUSTOMER).store
    done: list[str] = []
    for name in ("list", "get", "put"):
        method = getattr(type(store), name)

        def noted(
            *args: object, name: str = name, method: Callable[..., object] = method
        ) -> object:
            done.append(name)
            return method(*args)

        monkeypatch.setattr(type(store), name, noted)
    client.get(url)
    assert done == ["list"]


def test_an_expired_link_learns_nothing(client: FlaskClient, keep: Keep) -> None:
    keep(still_up())
    old = link_to("call@host", now=0).replace("?", "/live?", 1)
    answer = client.get(old, headers={"Accept": "application/json"})
    assert answer.status_code == 401
    assert "version" not in answer.json
