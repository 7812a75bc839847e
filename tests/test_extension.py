"""The extension as a host meets it: mounting, helpers, guard, start-up errors."""

from __future__ import annotations

import html
import re
import time
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from flask import render_template_string
from flask import session
from flask.typing import ResponseReturnValue
from werkzeug.middleware.dispatcher import DispatcherMiddleware
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.test import Client

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.config.settings import SettingsError
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine

SECRET = "a secret of the tests"
CALL_ID = "call 1/2@example.com"


def host(folder: Path, **settings: Any) -> Flask:
    """A host's app before it has the extension, with a CDR list of one row."""
    app = Flask("host", instance_path=str(folder))
    app.config.update(SIPVAULT_HMAC_SECRET=SECRET, SIPVAULT_CUSTOMER_ID="acme")
    app.config.update(settings)

    @app.get("/cdr")
    def cdr() -> str:
        return render_template_string(
            "{{ sipvault_button(call_id) }}{{ sipvault_link(call_id) }}",
            call_id=CALL_ID,
        )

    return app


def store_call(app: Flask, customer_id: str = "acme") -> None:
    line = LogLine(time.time_ns(), "proxy", f"a line of {customer_id}")
    vault = app.extensions["sipvault"].vault(customer_id)
    with app.app_context():
        vault.put(Evidence(customer_id, CALL_ID, logs=[line]))


def button_and_link(page: str) -> tuple[str, str]:
    """Where the button leads, and the link beside it."""
    found = re.search(r'href="([^"]+)".*</a>(.*)', page)
    assert found
    return html.unescape(found[1]), html.unescape(found[2])


@pytest.fixture
def app(tmp_path: Path) -> Flask:
    app = host(tmp_path)
    SIPVault(app)
    store_call(app)
    return app


class TestMounting:
    def test_five_lines_are_enough(self, app: Flask) -> None:
        client = app.test_client()
        click, link = button_and_link(client.get("/cdr").text)
        opened = client.get(click, follow_redirects=True)
        assert opened.status_code == 200
        assert CALL_ID in opened.text
        assert client.get(link).status_code == 200

    def test_an_application_factory_mounts_one_object_in_many_apps(
        self, tmp_path: Path
    ) -> None:
        vault = SIPVault()
        for name in ("one", "other"):
            app = host(tmp_path / name)
            vault.init_app(app)
            store_call(app)
            click, _ = button_and_link(app.test_client().get("/cdr").text)
            answer = app.test_client().get(click, follow_redirects=True)
            assert answer.status_code == 200

    def test_twice_in_one_app_is_an_error(self, app: Flask) -> None:
        with pytest.raises(RuntimeError, match="already been registered"):
            SIPVault(app)

    def test_under_a_prefix_everything_moves_there(self, tmp_path: Path) -> None:
        app = host(tmp_path, SIPVAULT_URL_PREFIX="/trace")
        SIPVault(app)
        store_call(app)
        client = app.test_client()
        click, link = button_and_link(client.get("/cdr").text)
        assert click.startswith("/trace/sipvault/open/")
        assert urlsplit(link).path.startswith("/trace/call/")
        assert client.get(link).status_code == 200
        assert client.get(click, follow_redirects=True).status_code == 200

    def test_below_a_script_name_links_keep_it(self, app: Flask) -> None:
        client = Client(DispatcherMiddleware(Flask("outer"), {"/billing": app}))
        click, link = button_and_link(client.get("/billing/cdr").text)
        assert click.startswith("/billing/sipvault/open/")
        assert link.startswith("http://localhost/billing/call/")
        assert client.get(click, follow_redirects=True).status_code == 200

    def test_behind_a_proxy_links_are_for_the_outside(self, app: Flask) -> None:
        app.wsgi_app = ProxyFix(app.wsgi_app, x_host=1, x_proto=1, x_prefix=1)  # type: ignore[method-assign]
        page = app.test_client().get(
            "/cdr",
            headers={
                "X-Forwarded-Host": "cdr.example.com",
                "X-Forwarded-Proto": "https",
                "X-Forwarded-Prefix": "/ops",
            },
        )
        click, link = button_and_link(page.text)
        assert link.startswith("https://cdr.example.com/ops/call/")
        assert click.startswith("/ops/sipvault/open/")

    def test_forwarded_headers_count_for_nothing_without_proxyfix(
        self, app: Flask
    ) -> None:
        page = app.test_client().get(
            "/cdr", headers={"X-Forwarded-Host": "evil.example"}
        )
        assert "evil.example" not in page.text

    def test_the_hosts_own_pages_stay_its_own(self, app: Flask) -> None:
        assert app.test_client().get("/nope").status_code == 404
        assert "SIP VAULT" not in app.test_client().get("/nope").text

    def test_the_hosts_cache_tag_is_left_alone(self, app: Flask) -> None:
        assert not any("cach" in name.lower() for name in app.jinja_env.extensions)


class TestHelpers:
    def test_both_take_another_customer(self, tmp_path: Path) -> None:
        app = host(
            tmp_path,
            SIPVAULT_CUSTOMERS=[
                {"id": "acme", "secret": "the secret of acme"},
                {"id": "globex", "secret": "the secret of globex"},
            ],
        )
        SIPVault(app)
        with app.test_request_context():
            link = render_template_string(
                "{{ sipvault_link('a', customer_id='globex') | safe }}"
            )
            button = render_template_string(
                "{{ sipvault_button('a', customer_id='globex') }}"
            )
        assert "?cid=globex&" in link
        click, _ = button_and_link(button)
        location = app.test_client().get(click).location
        assert "?cid=globex&" in location

    def test_a_callable_tells_the_customer_of_the_request(self, tmp_path: Path) -> None:
        app = host(
            tmp_path,
            SECRET_KEY=SECRET,
            SIPVAULT_CUSTOMER_ID=lambda: session.get("customer", ""),
            SIPVAULT_CUSTOMERS=[
                {"id": "acme", "secret": "the secret of acme"},
                {"id": "globex", "secret": "the secret of globex"},
            ],
        )
        SIPVault(app)
        client = app.test_client()
        assert client.get("/cdr").text == ""
        with client.session_transaction() as cookie:
            cookie["customer"] = "globex"
        assert "cid=globex" in client.get("/cdr").text

    def test_a_row_without_a_usable_call_id_gives_nothing(self, app: Flask) -> None:
        with app.test_request_context():
            for call_id in ("", None, "x" * 600, "a\x00b"):
                assert (
                    render_template_string(
                        "{{ sipvault_button(c) }}{{ sipvault_link(c) }}", c=call_id
                    )
                    == ""
                )

    def test_a_link_outside_a_request_needs_the_base_url(self, app: Flask) -> None:
        with app.app_context(), pytest.raises(SettingsError, match="SIPVAULT_BASE_URL"):
            app.extensions["sipvault"].link(CALL_ID)

    def test_the_base_url_is_what_links_begin_with(self, tmp_path: Path) -> None:
        app = host(tmp_path, SIPVAULT_BASE_URL="https://cdr.example.com/x/")
        SIPVault(app)
        with app.app_context():
            link = app.extensions["sipvault"].link(CALL_ID)
        assert link.startswith("https://cdr.example.com/x/call/")

    def test_a_click_stays_on_its_own_host_whatever_the_base_url(
        self, tmp_path: Path
    ) -> None:
        app = host(tmp_path, SIPVAULT_BASE_URL="https://elsewhere.example.com")
        SIPVault(app)
        click, _ = button_and_link(app.test_client().get("/cdr").text)
        assert app.test_client().get(click).location.startswith("/call/")


class TestGuard:
    @pytest.fixture
    def guarded(self, tmp_path: Path) -> Flask:
        app = host(tmp_path, SECRET_KEY=SECRET)
        vault = SIPVault(app)

        @vault.guard
        def login_required() -> ResponseReturnValue | None:
            return None if "user" in session else ("log in first", 403)

        @vault.identity
        def user() -> str | None:
            name: str | None = session.get("user")
            return name

        store_call(app)
        return app

    def client_of(self, app: Flask, user: str) -> Any:
        client = app.test_client()
        with client.session_transaction() as cookie:
            cookie["user"] = user
        return client

    def test_comes_before_click_page_and_downloads(self, guarded: Flask) -> None:
        visitor = guarded.test_client()
        click, link = button_and_link(visitor.get("/cdr").text)
        path, _, query = link.partition("?")
        for address in (click, link, f"{path}/call.json?{query}"):
            answer = visitor.get(address)
            assert (answer.status_code, answer.text) == (403, "log in first")

    def test_lets_through_whom_it_gives_none(self, guarded: Flask) -> None:
        alice = self.client_of(guarded, "alice")
        click, _ = button_and_link(alice.get("/cdr").text)
        assert alice.get(click, follow_redirects=True).status_code == 200

    def test_a_button_works_only_for_whom_it_was_drawn(self, guarded: Flask) -> None:
        alice, bob = (self.client_of(guarded, name) for name in ("alice", "bob"))
        click, _ = button_and_link(alice.get("/cdr").text)
        assert bob.get(click).status_code == 401

    def test_does_not_stand_before_the_style_sheet(self, guarded: Flask) -> None:
        with guarded.test_client().get("/sipvault/static/sipvault.css") as answer:
            assert answer.status_code == 200


class TestACustomersCalls:
    @pytest.fixture
    def two(self, tmp_path: Path) -> Flask:
        app = host(
            tmp_path,
            SIPVAULT_CUSTOMERS=[
                {"id": "acme", "secret": "the secret of acme"},
                {"id": "globex", "secret": "the secret of globex"},
            ],
        )
        SIPVault(app)
        store_call(app, "globex")
        return app

    def test_are_opened_by_its_own_link(self, two: Flask) -> None:
        signer = LinkSigner("the secret of globex", customer_id="globex")
        assert two.test_client().get(signer.url(CALL_ID)).status_code == 200

    def test_are_not_there_for_another_of_the_same_call_id(self, two: Flask) -> None:
        signer = LinkSigner("the secret of acme", customer_id="acme")
        assert two.test_client().get(signer.url(CALL_ID)).status_code == 404

    def test_are_not_opened_by_a_link_whose_cid_was_swapped(self, two: Flask) -> None:
        signer = LinkSigner("the secret of acme", customer_id="acme")
        swapped = signer.url(CALL_ID).replace("cid=acme", "cid=globex")
        answer = two.test_client().get(swapped)
        assert answer.status_code == 401
        unknown = signer.url(CALL_ID).replace("cid=acme", "cid=initech")
        assert two.test_client().get(unknown).text == answer.text


class TestStartUp:
    @pytest.mark.parametrize(
        ("settings", "said"),
        [
            ({"SIPVAULT_HMAC_SECRET": None}, "SIPVAULT_HMAC_SECRET is missing"),
            ({"SIPVAULT_HMAC_SECRET": "YOUR_HMAC_SECRET_HERE"}, "placeholder"),
            ({"SIPVAULT_HMAC_SECRET": f"{SECRET}\n"}, "white space"),
            ({"SIPVAULT_CUSTOMERS": [{"id": "a"}, {"id": "a"}]}, "SIPVAULT_CUSTOMERS"),
            ({"SIPVAULT_CUSTOMERS": [{"id": "globex"}]}, "SIPVAULT_CUSTOMER_ID"),
            ({"SIPVAULT_URL_PREFIX": "trace"}, "SIPVAULT_URL_PREFIX"),
            ({"SIPVAULT_BASE_URL": "cdr.example.com"}, "SIPVAULT_BASE_URL"),
            ({"SIPVAULT_LOOKBACK_DAYS": -1}, "SIPVAULT_LOOKBACK_DAYS"),
            ({"SIPVAULT_STORE": "folder:/proc/nowhere"}, "SIPVAULT_STORE"),
            ({"SIPVAULT_STORE": "s3"}, "bucket"),
        ],
    )
    def test_a_wrong_setting_is_named_and_the_secret_is_not(
        self, tmp_path: Path, settings: dict[str, Any], said: str
    ) -> None:
        app = host(tmp_path, **settings)
        if settings.get("SIPVAULT_HMAC_SECRET", SECRET) is None:
            del app.config["SIPVAULT_HMAC_SECRET"]
        with pytest.raises(SettingsError, match=said) as raised:
            SIPVault(app)
        assert SECRET not in str(raised.value)

    def test_an_s3_server_that_is_down_does_not_keep_the_host_from_starting(
        self, tmp_path: Path
    ) -> None:
        app = host(
            tmp_path,
            SIPVAULT_STORE="s3",
            SIPVAULT_S3_ENDPOINT="http://127.0.0.1:9",
            SIPVAULT_S3_ACCESS_KEY="access",
            SIPVAULT_S3_SECRET_KEY="secret",
            SIPVAULT_CUSTOMERS=[{"id": "acme", "bucket": "calls"}],
        )
        SIPVault(app)
        link = LinkSigner(SECRET, customer_id="acme").url(CALL_ID)
        answer = app.test_client().get(link, headers={"Accept": "application/json"})
        assert answer.status_code == 503
        assert set(answer.json) == {"error", "detail"}
