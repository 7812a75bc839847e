"""Each cause that the doctor knows, made real."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from email.utils import formatdate
from http.server import BaseHTTPRequestHandler
from http.server import ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result
from flask import Flask
from flask.typing import ResponseReturnValue
from moto.server import ThreadedMotoServer
from werkzeug.serving import make_server

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import StoreError
from flask_sipvault.vault.vault import Vault

Run = Callable[..., Result]

SECRET = "a secret of the tests"


def findings(result: Result) -> dict[str, dict[str, str]]:
    """By check, what ``--json`` printed."""
    return {each["check"]: each for each in json.loads(result.stdout)["findings"]}


def status(result: Result, check: str) -> str:
    return findings(result)[check]["status"]


@contextmanager
def serving(wsgi: Any) -> Iterator[str]:
    """A WSGI application at an address of its own."""
    server = make_server("127.0.0.1", 0, wsgi, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@contextmanager
def stub(code: int, body: bytes = b"", *, drift: float = 0) -> Iterator[str]:
    """A server that gives one answer to everything, by a clock that is off."""

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response_only(code)
            self.send_header("Date", formatdate(time.time() + drift, usegmt=True))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


@pytest.fixture
def dashboard(tmp_path: Path) -> Flask:
    """The application that the links lead to."""
    app = Flask("dashboard", instance_path=str(tmp_path / "dashboard"))
    app.config.update(SIPVAULT_CUSTOMER_ID="acme", SIPVAULT_HMAC_SECRET=SECRET)
    SIPVault(app)
    return app


@pytest.fixture
def base_url(dashboard: Flask, monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    with serving(dashboard) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        yield url


def test_a_sound_installation_gets_a_clean_bill(run: Run, base_url: str) -> None:
    result = run("doctor", "--write-test", "--json")
    assert result.exit_code == 0
    assert json.loads(result.stdout)["worst"] == "ok"
    assert {each["status"] for each in findings(result).values()} == {"ok"}


def test_for_people_each_finding_is_a_line_with_its_remedy_below(run: Run) -> None:
    # Nothing is served at the base URL of the tests.
    result = run("doctor")
    assert result.exit_code == 1
    assert "FAIL base_url: nothing answers" in result.stdout
    assert "-> Correct SIPVAULT_BASE_URL" in result.stdout


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "missing"),
        ("YOUR_HMAC_SECRET_HERE", "placeholder"),
        ("topsecret99 ", "white space"),
    ],
)
def test_a_secret_that_cannot_work(
    run: Run, monkeypatch: pytest.MonkeyPatch, secret: str, said: str
) -> None:
    monkeypatch.setenv("SIPVAULT_HMAC_SECRET", secret)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert said in findings(result)["settings"]["message"]
    assert "SIPVAULT_HMAC_SECRET" in findings(result)["settings"]["message"]
    assert "topsecret99" not in result.output


def test_a_base_url_where_nothing_answers(run: Run) -> None:
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert status(result, "base_url") == "fail"


def test_a_base_url_where_something_else_answers(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub(200, b"<html>the intranet</html>") as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        result = run("doctor", "--json")
    assert status(result, "base_url") == "fail"
    assert "not as the dashboard does" in findings(result)["base_url"]["message"]


def test_a_host_that_asks_for_a_login_first_is_no_fault(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    with stub(302) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        result = run("doctor", "--json")
    assert (result.exit_code, status(result, "base_url")) == (0, "skipped")


@pytest.mark.parametrize(
    ("drift", "expected"), [(0, "ok"), (90, "warn"), (-90, "warn"), (2000, "fail")]
)
def test_a_clock_that_drifts(
    run: Run, monkeypatch: pytest.MonkeyPatch, drift: float, expected: str
) -> None:
    with stub(401, b'{"error": "missing signature"}', drift=drift) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        result = run("doctor", "--json")
    assert status(result, "clock") == expected


def test_the_stores_clock_counts_too(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with stub(403, drift=-2000) as url:
        on_s3(monkeypatch, url)
        result = run("doctor", "--json")
    assert status(result, "store_clock") == "fail"
    assert "chronyc" in findings(result)["store_clock"]["remedy"]


def test_a_web_server_that_drops_the_query_string(
    run: Run, dashboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def without_query(environ: dict[str, Any], start: Any) -> Any:
        return dashboard({**environ, "QUERY_STRING": ""}, start)

    with serving(without_query) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        result = run("doctor", "--json")
    assert status(result, "base_url") == "ok"
    assert status(result, "query") == "fail"
    assert "query string" in findings(result)["query"]["remedy"]


def test_a_web_server_that_decodes_the_query_string_once_too_often(
    run: Run, dashboard: Flask, monkeypatch: pytest.MonkeyPatch
) -> None:
    def decoded(environ: dict[str, Any], start: Any) -> Any:
        query = environ["QUERY_STRING"].replace("%25", "%").replace("%26", "&")
        return dashboard({**environ, "QUERY_STRING": query}, start)

    with serving(decoded) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        assert status(run("doctor", "--json"), "query") == "fail"


def test_a_dashboard_with_another_secret(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_HMAC_SECRET", "another secret of the tests")
    result = run("doctor", "--json")
    assert status(result, "query") == "fail"
    assert "another secret" not in result.output.replace("has another secret", "")


def on_s3(monkeypatch: pytest.MonkeyPatch, endpoint: str) -> None:
    monkeypatch.setenv("SIPVAULT_STORE", "s3")
    monkeypatch.setenv("SIPVAULT_S3_ENDPOINT", endpoint)
    monkeypatch.setenv("SIPVAULT_S3_ACCESS_KEY", "access")
    monkeypatch.setenv("SIPVAULT_S3_SECRET_KEY", "topsecret99")
    monkeypatch.setenv(
        "SIPVAULT_CUSTOMERS", '[{"id": "acme", "bucket": "calls-of-acme"}]'
    )


@pytest.fixture(scope="module")
def moto() -> Iterator[str]:
    server = ThreadedMotoServer("127.0.0.1", 0)
    server.start()
    host, port = server.get_host_and_port()
    yield f"http://{host}:{port}"
    server.stop()


def test_a_bucket_that_is_not_there(
    run: Run, moto: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    on_s3(monkeypatch, moto)
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert "no such bucket" in findings(result)["store:acme"]["message"]
    assert "topsecret99" not in result.output


REFUSED = (
    b'<?xml version="1.0" encoding="UTF-8"?>'
    b"<Error><Code>AccessDenied</Code><Message>Access Denied</Message></Error>"
)


def test_a_bucket_without_permission(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    with stub(403, REFUSED) as url:
        on_s3(monkeypatch, url)
        result = run("doctor", "--json")
    assert status(result, "store:acme") == "fail"
    assert "access denied" in findings(result)["store:acme"]["message"]


def test_a_store_that_can_be_read_but_not_written(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: FolderStore, key: str, data: bytes) -> None:
        raise StoreError("cannot write there: Read-only file system")

    monkeypatch.setattr(FolderStore, "put", refuse)
    assert status(run("doctor", "--json"), "store:acme") == "ok"
    result = run("doctor", "--write-test", "--json")
    assert status(result, "store:acme") == "fail"
    assert "Read-only" in findings(result)["store:acme"]["message"]


def test_a_write_test_leaves_nothing_behind(
    run: Run, base_url: str, environment: Path
) -> None:
    run("doctor", "--write-test")
    assert not [path for path in environment.rglob("*") if path.is_file()]


def test_a_call_older_than_the_look_back_is_told_from_one_never_stored(
    run: Run, base_url: str, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "7")
    run("doctor")  # makes the folder
    ts = time.time_ns() - 30 * 86400 * 10**9
    vault = Vault(FolderStore(environment / "acme"), customer_id="acme")
    vault.put(Evidence("acme", "old@example", logs=[LogLine(ts, "", "hello")]))
    old = findings(run("doctor", "--call", "old@example", "--json"))["call"]
    never = findings(run("doctor", "--call", "never@example", "--json"))["call"]
    assert "SIPVAULT_LOOKBACK_DAYS" in old["remedy"]
    assert (old["status"], never["status"]) == ("fail", "fail")
    assert "nothing is stored" in never["message"]


def test_a_cache_of_each_worker_s_own(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WEB_CONCURRENCY", "4")
    result = run("doctor", "--json")
    assert (result.exit_code, status(result, "cache")) == (0, "warn")
    assert "Redis" in findings(result)["cache"]["remedy"]


def test_a_cache_that_cannot_be_used(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_CACHE", '{"CACHE_TYPE": "no.such.Cache"}')
    assert status(run("doctor", "--json"), "cache") == "fail"


def test_a_secret_that_customers_share(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_CUSTOMERS", '[{"id": "acme"}, {"id": "globex"}]')
    monkeypatch.setenv("SIPVAULT_SHARED_SECRET", "true")
    result = run("doctor", "--json")
    assert (result.exit_code, status(result, "secrets")) == (0, "warn")
    assert "acme, globex" in findings(result)["secrets"]["message"]
    assert SECRET not in result.output


def test_a_secret_short_enough_to_be_found_by_trying(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_HMAC_SECRET", "s3cr3ts")
    refused = findings(run("doctor", "--json"))["settings"]["message"]
    assert "shorter than 16 characters" in refused
    monkeypatch.setenv("SIPVAULT_WEAK_SECRETS", "true")
    result = run("doctor", "--json")
    assert status(result, "weak_secrets") == "warn"
    assert "SIPVAULT_HMAC_SECRET" in findings(result)["weak_secrets"]["message"]
    assert "s3cr3ts" not in result.output


def test_sharing_that_nobody_guards_is_named(
    run: Run, base_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert status(run("doctor", "--json"), "sharing") == "ok"
    monkeypatch.setenv("SIPVAULT_SHARE_MAX_DAYS", "14")
    monkeypatch.setenv("SIPVAULT_SHARE_KEY", "a key of the tests, long enough.")
    assert status(run("doctor", "--json"), "sharing") == "ok"
    monkeypatch.setenv("SIPVAULT_SHARE_UNGUARDED", "true")
    assert status(run("doctor", "--json"), "sharing") == "warn"


def test_an_app_that_does_not_start_for_its_settings_is_examined_too(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, run: Run
) -> None:
    (tmp_path / "app.py").write_text(
        "from flask import Flask\nfrom flask_sipvault import SIPVault\n"
        "app = Flask(__name__)\napp.config['SIPVAULT_HMAC_SECRET'] = 'changeme'\n"
        "SIPVault(app)\n"
    )
    result = run("doctor", "--json")
    assert result.exit_code == 1
    assert "placeholder" in findings(result)["settings"]["message"]


def test_a_guard_of_the_host_is_left_alone(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = Flask("guarded", instance_path=str(tmp_path / "guarded"))
    app.config.update(SIPVAULT_CUSTOMER_ID="acme", SIPVAULT_HMAC_SECRET=SECRET)
    vault = SIPVault(app)

    @vault.guard
    def nobody() -> ResponseReturnValue:
        return "log in first", 403

    with serving(app) as url:
        monkeypatch.setenv("SIPVAULT_BASE_URL", url)
        assert status(run("doctor", "--json"), "base_url") == "skipped"
