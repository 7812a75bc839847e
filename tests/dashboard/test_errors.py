from __future__ import annotations

import time
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError

from .calls import CUSTOMER
from .calls import file_of
from .calls import link_to
from .calls import SECRET
from .calls import small_call
from .calls import words
from .conftest import Keep

HOUR = 3600
JSON = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}


def _without(link: str, parameter: str) -> str:
    path, _, query = link.partition("?")
    kept = [part for part in query.split("&") if not part.startswith(f"{parameter}=")]
    return f"{path}?{'&'.join(kept)}"


def _refused_links() -> dict[str, tuple[str, int, str, str]]:
    """Each row of the link's error table: link, status, error, what the page says."""
    link = link_to("call@host")
    now = time.time()
    foreign = LinkSigner("another secret", customer_id=CUSTOMER).url("call@host")
    return {
        "no signature": (_without(link, "sig"), 401, "missing signature", "CDR viewer"),
        "no ts": (_without(link, "ts"), 400, "ts is missing", "parameter ts"),
        "cid twice": (
            f"{link}&cid=acme",
            400,
            "cid is given more than once",
            "parameter cid",
        ),
        "another secret": (
            foreign,
            401,
            "invalid signature",
            "SIPVAULT_HMAC_SECRET is not, character for character, the same",
        ),
        "unknown customer": (
            link.replace("cid=acme", "cid=globex"),
            401,
            "invalid signature",
            "SIPVAULT_HMAC_SECRET is not, character for character, the same",
        ),
        "expired": (
            link_to("call@host", now=now - 3 * HOUR),
            401,
            "ts expired",
            "Go back to the CDR viewer and click again",
        ),
        "clock ahead": (
            link_to("call@host", now=now + 3 * HOUR),
            401,
            "ts expired",
            "The clocks of the two servers differ.",
        ),
        "another call's path": (
            link.replace("/call/", "/call/0"),
            403,
            "call_hash does not match token",
            "speaks of two different calls",
        ),
        "nothing stored": (link, 404, "Call not found", "what is old is pruned"),
    }


@pytest.mark.parametrize("row", _refused_links())
class TestEveryRefusal:
    def test_is_a_page_for_a_browser(self, row: str, client: FlaskClient) -> None:
        link, status, error, advice = _refused_links()[row]
        response = client.get(link, headers=BROWSER)
        assert response.status_code == status
        assert response.mimetype == "text/html"
        assert error in words(response.text)
        assert advice in words(response.text)

    def test_is_json_for_a_program(self, row: str, client: FlaskClient) -> None:
        link, status, error, _ = _refused_links()[row]
        response = client.get(link, headers=JSON)
        assert response.status_code == status
        assert response.json is not None
        assert response.json["error"] == error
        assert set(response.json) == {"error", "detail"}

    def test_is_json_for_a_download_unless_a_page_is_wanted(
        self, row: str, client: FlaskClient
    ) -> None:
        link, status, error, _ = _refused_links()[row]
        for name in ("call.json", "capture.pcapng", "bundle.zip", "sip.txt"):
            response = client.get(file_of(link, name))
            assert (response.status_code, response.json["error"]) == (status, error)
        response = client.get(file_of(link, "sip.txt"), headers=BROWSER)
        assert response.mimetype == "text/html"

    def test_is_never_cached_and_never_echoes_the_link(
        self, row: str, client: FlaskClient
    ) -> None:
        link, *_ = _refused_links()[row]
        for headers in (BROWSER, JSON):
            response = client.get(link, headers=headers)
            assert response.headers["Cache-Control"] == "private, no-store"
            assert response.headers["Vary"] == "Accept"
            assert SECRET not in response.text
            sig = link.partition("sig=")[2][:32]
            assert not sig or sig not in response.text

    def test_answers_head_as_get_without_a_body(
        self, row: str, client: FlaskClient
    ) -> None:
        link, status, *_ = _refused_links()[row]
        response = client.head(link)
        assert response.status_code == status
        assert response.data == b""


def test_an_unknown_customer_looks_just_like_a_wrong_signature(
    client: FlaskClient,
) -> None:
    link = link_to("call@host")
    wrong = client.get(link.replace("&sig=", "&sig=0"))
    unknown = client.get(link.replace("cid=acme", "cid=globex"))
    assert wrong.data == unknown.data


def test_a_call_id_of_64_characters_may_have_been_cut(client: FlaskClient) -> None:
    cut = client.get(link_to("x" * 64))
    whole = client.get(link_to("x" * 63))
    assert "CHAR(64)" in cut.text
    assert "CHAR(64)" not in whole.text


def test_a_call_that_is_missing_is_named_for_comparison(client: FlaskClient) -> None:
    page = client.get(link_to("a<b>@host")).text
    assert '<code class="sv-callid">a&lt;b&gt;@host</code>' in page


def test_a_store_that_is_down_is_no_missing_call(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def down(self: FolderStore, prefix: str, start_after: str = "") -> None:
        raise StoreError("no route to s3.internal with key AKIA1234")

    monkeypatch.setattr(FolderStore, "list", down)
    response = client.get(link_to("call@host"))
    assert response.status_code == 503
    assert int(response.headers["Retry-After"]) > 0
    assert "cannot be reached" in words(response.text)
    assert "s3.internal" not in response.text
    for name in ("bundle.zip", "capture.pcapng", "call.json"):
        response = client.get(file_of(link_to("call@host"), name))
        assert (response.status_code, response.json["error"]) == (
            503,
            "store unreachable",
        )


@pytest.mark.parametrize("method", ["POST", "PUT", "PATCH", "DELETE"])
def test_our_addresses_can_only_be_read(method: str, client: FlaskClient) -> None:
    link = link_to("call@host")
    for address in (link, file_of(link, "call.json"), "/sipvault/open/token"):
        response = client.open(address, method=method)
        assert response.status_code == 405
        assert response.headers["Allow"] == "GET, HEAD, OPTIONS"
    assert "can only be read" in client.open(link, method=method).text


def test_a_fault_of_ours_is_a_page_that_says_so(
    app: Flask, keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise RuntimeError("secret detail")

    link = keep(small_call())
    monkeypatch.setattr("flask_sipvault.dashboard.views.describe", fail)
    app.config["PROPAGATE_EXCEPTIONS"] = False
    response = app.test_client().get(link)
    assert response.status_code == 500
    assert "It is our fault" in words(response.text)
    assert "secret detail" not in response.text


def test_a_page_that_is_not_ours_is_the_hosts_404(client: FlaskClient) -> None:
    response = client.get("/call/0123456789abcdef/no-such-file")
    assert response.status_code == 404
    assert "SIP VAULT" not in response.text


@pytest.fixture
def old(host: Flask) -> Flask:
    """An app that looks back three days, whose customers have calls of a month ago."""
    host.config.update(
        SIPVAULT_LOOKBACK_DAYS=3,
        SIPVAULT_SHARED_SECRET=True,
        SIPVAULT_CUSTOMERS=[{"id": CUSTOMER}, {"id": "other", "bucket": "other"}],
    )
    SIPVault(host)
    month_ago = time.time_ns() - 30 * 86_400 * 10**9
    with host.app_context():
        for customer, call_id in ((CUSTOMER, "old@host"), ("other", "theirs@host")):
            line = LogLine(month_ago, "proxy", "a line")
            part = Evidence(customer, call_id, logs=[line])
            host.extensions["sipvault"].vault(customer).put(part)
    return host


class TestACallOlderThanTheLookBack:
    def test_is_said_to_be_stored_and_how_old_it_is(self, old: Flask) -> None:
        page = old.test_client().get(link_to("old@host"), headers=BROWSER)
        assert page.status_code == 404
        assert "This call is too old to be shown." in words(page.text)
        assert "It is stored, but 30 days old" in words(page.text)
        assert "last 3 days" in words(page.text)
        answer = old.test_client().get(link_to("old@host"), headers=JSON)
        assert answer.json is not None
        assert answer.json["error"] == "Call not found"
        assert "30 days old" in answer.json["detail"]

    def test_is_opened_without_a_limit(self, old: Flask) -> None:
        app = Flask("again", instance_path=old.instance_path)
        app.config.update(old.config, SIPVAULT_LOOKBACK_DAYS=0)
        SIPVault(app)
        assert app.test_client().get(link_to("old@host")).status_code == 200

    def test_of_another_customer_is_not_told(self, old: Flask) -> None:
        theirs = old.test_client().get(link_to("theirs@host"), headers=JSON)
        never = old.test_client().get(link_to("never@host"), headers=JSON)
        assert theirs.json == never.json
        assert (theirs.status_code, never.status_code) == (404, 404)

    def test_of_another_customer_in_the_same_bucket_neither(self, old: Flask) -> None:
        folder = Path(old.config["SIPVAULT_STORE"])
        (part,) = (folder / "other").rglob("*.zip")
        copied = folder / CUSTOMER / part.relative_to(folder / "other")
        copied.parent.mkdir(parents=True)
        copied.write_bytes(part.read_bytes())
        theirs = old.test_client().get(link_to("theirs@host"), headers=JSON)
        assert theirs.json is not None
        assert "is stored, but" not in theirs.json["detail"]

    def test_a_masked_page_does_not_name_it(self, old: Flask) -> None:
        page = old.test_client().get(link_to("old@host") + "&mask=1", headers=BROWSER)
        assert "30 days old" in words(page.text)
        assert "old@host" not in words(page.text)
