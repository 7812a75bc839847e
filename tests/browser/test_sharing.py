"""From the page of a call to somebody who has no login."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser
from playwright.sync_api import expect
from playwright.sync_api import Page

from flask_sipvault import SIPVault

from . import calls
from .serving import serving

CUSTOMER = "acme"
CALL_ID = "busy@host"


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("sharing")
    app = Flask("sharing", instance_path=str(folder))
    app.config.update(
        SIPVAULT_HMAC_SECRET="a secret of the tests",
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
        SIPVAULT_STORE=str(folder / "vault"),
        SIPVAULT_LOOKBACK_DAYS=3650,
        SIPVAULT_SHARE_MAX_DAYS=14,
        SIPVAULT_SHARE_KEY="the key of shared links, in tests",
    )
    SIPVault(app).guard(lambda: None)
    with app.app_context():
        vault = app.extensions["sipvault"].vault(CUSTOMER)
        vault.put(calls.busy(CALL_ID, CUSTOMER))
    return app


@pytest.fixture(scope="session")
def base_url(host: Flask) -> Iterator[str]:
    """Where the call is served, instead of the example."""
    with serving(host) as address:
        yield address


@pytest.fixture
def shared(page: Page, host: Flask, base_url: str) -> str:
    """A masked link, made as one makes it."""
    with host.test_request_context():
        link = host.extensions["sipvault"].url_for_call(CALL_ID, CUSTOMER)
    page.goto(base_url + link)
    page.get_by_role("link", name="Share").click()
    expect(page.get_by_role("radio", name="The masked call")).to_be_checked()
    page.get_by_label("For how long").select_option("7 days")
    page.get_by_role("button", name="Make a link").click()
    expect(page.get_by_text("without logging in")).to_be_visible()
    return page.locator("#sv-sharelink").inner_text()


def violations(page: Page) -> list[object]:
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    found: list[object] = (
        Axe().run(page, options={"runOnly": rules}).response["violations"]
    )
    return found


def test_a_stranger_sees_the_masked_call(shared: str, browser: Browser) -> None:
    stranger = browser.new_context().new_page()
    stranger.goto(shared)
    expect(stranger.get_by_role("heading", level=1)).to_contain_text("Busy")
    expect(stranger.locator(".sv-row").first).to_be_visible()
    text = stranger.content()
    for secret in (CALL_ID, "551140028922", "554133331000", "198.51.100.23", "Alice"):
        assert secret not in text
    stranger.locator(".sv-row").first.click()
    expect(stranger.locator(".sv-msg[open] .sv-raw")).to_be_visible()
    expect(stranger.get_by_role("link", name="Share")).to_have_count(0)
    assert violations(stranger) == []
    stranger.context.close()


def test_the_form_and_its_answer_read_well(shared: str, page: Page) -> None:
    assert violations(page) == []
    page.get_by_role("button", name="Copy the link").click()
    expect(page.get_by_role("status")).to_have_text("Copied")


def test_a_link_is_revoked_from_the_page_that_lists_it(
    shared: str, page: Page, browser: Browser
) -> None:
    label = shared.rpartition("/")[2][:6]
    page.get_by_role("button", name=f"Revoke the link {label}").click()
    expect(page.get_by_text("The link was revoked")).to_be_visible()
    assert violations(page) == []
    stranger = browser.new_context().new_page()
    stranger.goto(shared)
    expect(stranger.get_by_text("This shared link was revoked")).to_be_visible()
    stranger.context.close()


def test_the_whole_call_when_that_is_asked_for(
    shared: str, page: Page, browser: Browser
) -> None:
    page.get_by_role("radio", name="The whole call").check()
    page.get_by_role("button", name="Make a link").click()
    stranger = browser.new_context().new_page()
    stranger.goto(page.locator("#sv-sharelink").inner_text())
    expect(stranger.locator("#sv-callid")).to_have_text(CALL_ID)
    stranger.context.close()
