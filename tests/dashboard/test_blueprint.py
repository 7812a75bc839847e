from __future__ import annotations

import re
from pathlib import Path

import pytest
from flask import abort
from flask import Flask
from flask import Response
from flask.typing import ResponseReturnValue

from flask_sipvault import SIPVault

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import small_call
from .calls import words
from .conftest import Keep

LOCKED = {
    "default-src 'none'",
    "script-src 'self'",
    "style-src 'self'",
    "img-src 'self'",
    "connect-src 'self'",
    "font-src 'self'",
    "base-uri 'none'",
    "frame-ancestors 'none'",
}


def _policy(response: Response) -> set[str]:
    policy = response.headers["Content-Security-Policy"]
    return {directive.strip() for directive in policy.split(";")}


def _kept(app: Flask) -> str:
    app.extensions["sipvault"].vault(CUSTOMER).put(small_call())
    return link_to("call@host")


def test_pages_downloads_and_errors_are_locked_down(app: Flask, keep: Keep) -> None:
    link = keep(small_call())
    client = app.test_client()
    for address in (link, file_of(link, "call.json"), link_to("missing")):
        response = client.get(address)
        assert _policy(response) == LOCKED | {"form-action 'none'"}
        assert response.headers["X-Content-Type-Options"] == "nosniff"
        assert response.headers["Referrer-Policy"] == "no-referrer"
        assert response.headers["Cache-Control"] == "private, no-store"


@pytest.mark.parametrize(
    ("address", "status", "policy"),
    [
        ("link", 200, "no-referrer"),
        ("link/report.html", 200, "no-referrer"),
        ("link/messages", 200, "no-referrer"),
        ("link/share", 404, "same-origin"),
        ("link&mask=1", 200, "no-referrer"),
        ("forged", 401, "no-referrer"),
        ("/sipvault/open/forged", 401, "no-referrer"),
        ("/sipvault/shared/forged", 401, "no-referrer"),
        ("/sipvault/shared/forged/report.html", 401, "no-referrer"),
    ],
)
def test_the_address_that_is_the_key_goes_to_no_other_site(
    address: str, status: int, policy: str, app: Flask, keep: Keep
) -> None:
    """Whatever a page leads to, its Referer must not hold the signature."""
    link = keep(small_call())
    if address.startswith("link/"):
        address = file_of(link, address.partition("/")[2])
    elif address.startswith("link"):
        address = address.replace("link", link)
    elif address == "forged":
        address = link.replace("sig=", "sig=0")
    response = app.test_client().get(address)
    assert response.status_code == status
    assert response.headers["Referrer-Policy"] == policy


def test_static_files_may_be_cached_and_change_their_address(
    app: Flask, keep: Keep
) -> None:
    client = app.test_client()
    page = client.get(keep(small_call())).text
    files = re.findall(r'(?:src|href)="(/sipvault/static/[^"]+\?v=\w+)"', page)
    assert len(files) == 5
    for file in files:
        with client.get(file) as response:
            _check_static(response)


def _check_static(response: Response) -> None:
    assert response.status_code == 200
    assert "no-store" not in response.headers.get("Cache-Control", "")
    assert response.headers["X-Content-Type-Options"] == "nosniff"


def test_what_the_host_sets_on_its_app_wins(app: Flask, keep: Keep) -> None:
    @app.after_request
    def hosts_own(response: Response) -> Response:
        response.headers["Content-Security-Policy"] = "default-src 'self'"
        return response

    response = app.test_client().get(keep(small_call()))
    assert response.headers["Content-Security-Policy"] == "default-src 'self'"


def test_what_the_host_set_before_stays(host: Flask) -> None:
    SIPVault(host)

    @host.before_request
    def hosts_page() -> Response:
        return Response("maintenance", headers={"Referrer-Policy": "origin"})

    response = host.test_client().get(link_to("call@host"))
    assert response.headers["Referrer-Policy"] == "origin"


class TestAGuard:
    """The host says who may look; its answer is the host's page."""

    @staticmethod
    def _mounted(host: Flask) -> list[str]:
        vault, asked = SIPVault(host), []

        @vault.guard
        def nobody() -> ResponseReturnValue | None:
            asked.append("guard")
            return "<script>hosts()</script>please log in", 403

        return asked

    def test_comes_before_the_page_the_downloads_and_the_click(
        self, host: Flask
    ) -> None:
        asked = self._mounted(host)
        link = _kept(host)
        client = host.test_client()
        addresses = (link, file_of(link, "call.json"), "/sipvault/open/forged")
        for address in addresses:
            response = client.get(address)
            assert response.status_code == 403
            assert "please log in" in response.text
        assert len(asked) == len(addresses)

    def test_answers_without_our_policy_on_it(self, host: Flask) -> None:
        self._mounted(host)
        response = host.test_client().get(link_to("call@host"))
        assert "Content-Security-Policy" not in response.headers
        assert response.headers["Cache-Control"] == "private, no-store"

    def test_that_aborts_shows_the_hosts_own_error_page(self, host: Flask) -> None:
        vault = SIPVault(host)

        @vault.guard
        def nobody() -> None:
            abort(401)

        @host.errorhandler(401)
        def log_in(_: Exception) -> ResponseReturnValue:
            return "the host's login", 401

        response = host.test_client().get(link_to("call@host"))
        assert (response.status_code, response.text) == (401, "the host's login")
        assert "Content-Security-Policy" not in response.headers

    def test_does_not_keep_static_files_away(self, host: Flask) -> None:
        asked = self._mounted(host)
        with host.test_client().get("/sipvault/static/sipvault.css") as response:
            assert response.status_code == 200
        assert asked == []


class TestAHostsOwnLayout:
    LAYOUT = (
        "<!doctype html><title>{% block title %}{% endblock %}</title>"
        "<head>{% block head %}<base-of-the-host>{% endblock %}</head>"
        "<nav>the host</nav>{% block content %}{% endblock %}"
    )

    @pytest.fixture
    def embedded(self, host: Flask, tmp_path: Path) -> Flask:
        (tmp_path / "templates").mkdir()
        (tmp_path / "templates" / "layout.html").write_text(self.LAYOUT)
        host.config["SIPVAULT_BASE_TEMPLATE"] = "layout.html"
        SIPVault(host)
        return host

    def test_holds_the_page(self, embedded: Flask) -> None:
        response = embedded.test_client().get(_kept(embedded))
        page = response.text
        assert "<nav>the host</nav>" in page
        assert "<base-of-the-host>" in page
        assert "sipvault.css" in page
        assert "<title>Busy: " in page
        assert "<main" not in page
        assert "form-action 'self'" in _policy(response)

    def test_holds_the_errors(self, embedded: Flask) -> None:
        page = embedded.test_client().get(link_to("missing")).text
        assert "<nav>the host</nav>" in page
        assert "Call not found" in words(page)


def test_any_template_can_be_the_hosts(host: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "sipvault"
    folder.mkdir(parents=True)
    (folder / "_logs.html").write_text("{{ page.logs.count }} lines, our way")
    SIPVault(host)
    page = host.test_client().get(_kept(host)).text
    assert "2 lines, our way" in page
    assert "Ladder" in page


def test_a_prefix_moves_everything(host: Flask) -> None:
    host.config["SIPVAULT_URL_PREFIX"] = "/vault"
    SIPVault(host)
    link = _kept(host)
    client = host.test_client()
    assert client.get(link).status_code == 404
    page = client.get(f"/vault{link}").text
    assert 'src="/vault/sipvault/static/' in page
    assert 'href="/vault/call/' in page
    assert client.get("/vault/sipvault/open/forged").status_code == 401


def test_two_apps_in_one_process_do_not_mix(host: Flask, tmp_path: Path) -> None:
    SIPVault(host)
    other = Flask("other", instance_path=str(tmp_path / "other"))
    other.config.update(
        SIPVAULT_STORE=str(tmp_path / "other vault"),
        SIPVAULT_HMAC_SECRET="another secret of the tests",
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
    )
    SIPVault(other)
    link = _kept(host)
    assert host.test_client().get(link).status_code == 200
    assert other.test_client().get(link).status_code == 401
