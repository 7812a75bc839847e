from __future__ import annotations

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import pytest
from click.testing import Result

from flask_sipvault.access.links import LinkSigner

Run = Callable[..., Result]

SECRET = "a secret of the tests"
BASE_URL = "https://vault.example"
CALL_ID = "1-123@192.0.2.1"


def signer(secret: str = SECRET, customer_id: str = "acme") -> LinkSigner:
    return LinkSigner(secret, customer_id=customer_id, base_url=BASE_URL)


def test_a_link_is_printed_and_nothing_else(run: Run) -> None:
    before = signer().url(CALL_ID)
    result = run("link", CALL_ID)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.rstrip("\n") in (before, signer().url(CALL_ID))


def test_a_link_is_made_for_the_customer_asked_for(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    other = '{"id": "other", "secret": "another secret of the tests"}'
    monkeypatch.setenv("SIPVAULT_CUSTOMERS", f'[{{"id": "acme"}}, {other}]')
    result = run("link", CALL_ID, "--customer", "other")
    assert "?cid=other&" in result.stdout
    assert run("verify", result.stdout.strip()).exit_code == 0


def test_a_link_outside_a_request_needs_the_base_url(
    run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIPVAULT_BASE_URL")
    result = run("link", CALL_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "SIPVAULT_BASE_URL is not set" in result.stderr


def test_a_link_needs_a_secret(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIPVAULT_HMAC_SECRET")
    result = run("link", CALL_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "SIPVAULT_HMAC_SECRET is missing" in result.stderr


@pytest.mark.parametrize("call_id", ["", "x" * 513, "a\nb"])
def test_a_call_id_that_no_link_can_carry_is_a_wrong_use(
    run: Run, call_id: str
) -> None:
    result = run("link", call_id)
    assert (result.exit_code, result.stdout) == (2, "")


def test_the_secret_is_never_shown(run: Run) -> None:
    for words in (["link", CALL_ID], ["link", ""], ["verify", BASE_URL]):
        assert SECRET not in run(*words).output


def test_a_good_link_is_valid_until_the_end_of_the_next_hour(run: Run) -> None:
    url = signer().url(CALL_ID, now=time.time() - 3600)
    result = run("verify", url)
    assert result.exit_code == 0
    hour_after = time.gmtime((int(time.time()) // 3600 + 1) * 3600)
    assert result.stdout.splitlines() == [
        "valid",
        "customer:    acme",
        f"Call-ID:     {CALL_ID}",
        f"valid until: {time.strftime('%Y-%m-%d %H:%M', hour_after)} UTC",
    ]


@pytest.mark.parametrize(
    ("url", "rule", "cause"),
    [
        (
            signer("the wrong secret").url(CALL_ID),
            "401 invalid signature",
            "SIPVAULT_HMAC_SECRET",
        ),
        (
            signer(customer_id="nobody").url(CALL_ID),
            "401 invalid signature",
            "SIPVAULT_HMAC_SECRET",
        ),
        (signer().url(CALL_ID).rpartition("&")[0], "401 missing signature", "sig"),
        (signer().url(CALL_ID, now=0), "401 ts expired", "the next"),
        (signer().url(CALL_ID, now=2**34), "401 ts expired", "clock"),
        (
            signer().url(CALL_ID).replace("/call/", "/call/0000"),
            "403 call_hash does not match token",
            "SHA-256",
        ),
        (signer().url(CALL_ID).replace("callid=", "x="), "400 callid", "Call-ID"),
        (BASE_URL, "400 not a link to a call", "/call/"),
    ],
)
def test_a_link_that_opens_nothing_breaks_a_rule_for_a_reason(
    run: Run, url: str, rule: str, cause: str
) -> None:
    result = run("verify", url)
    assert result.exit_code == 1
    verdict, *advice = result.stdout.splitlines()
    assert verdict.startswith(f"not valid: {rule}")
    assert cause in "\n".join(advice)


@pytest.mark.parametrize(
    "text", ["", "hello", "/call/0123", "https:///call/x", "http://["]
)
def test_what_is_no_url_is_a_wrong_use(run: Run, text: str) -> None:
    assert run("verify", text).exit_code == 2


def test_an_app_s_own_secret_counts(run_in_app: Run) -> None:
    url = signer("the secret of the app").url(CALL_ID)
    assert run_in_app("verify", url).exit_code == 0
    assert urlsplit(url).hostname == "vault.example"
