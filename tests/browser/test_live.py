"""A call that is still up, while the browser looks."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Browser
from playwright.sync_api import expect
from playwright.sync_api import Page

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.dashboard import views
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.vault import vault as vault_module

from . import calls
from .serving import serving

CUSTOMER = "acme"
SECRET = "a secret of the tests"
HEADING = "The call was still up when this was written."


@pytest.fixture(scope="module", autouse=True)
def impatient() -> Iterator[None]:
    """The page asks every half second, and no listing is kept."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(views, "LIVE_SECONDS", 0.5)
        patch.setattr(vault_module, "LIST_SECONDS", -1)
        yield


@pytest.fixture(scope="session")
def host(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    folder = tmp_path_factory.mktemp("live")
    app = Flask("live", instance_path=str(folder))
    app.config.update(
        SIPVAULT_HMAC_SECRET=SECRET,
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
        SIPVAULT_STORE=str(folder / "vault"),
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    SIPVault(app)
    return app


@pytest.fixture(scope="session")
def base_url(host: Flask) -> Iterator[str]:
    """Where these calls are served, instead of the example."""
    with serving(host) as address:
        yield address


@pytest.fixture
def keep(host: Flask) -> Callable[[Evidence], object]:
    def put(evidence: Evidence) -> object:
        with host.app_context():
            return host.extensions["sipvault"].vault(CUSTOMER).put(evidence)

    return put


@pytest.fixture
def address(base_url: str) -> Callable[..., str]:
    def of(call_id: str, **how: float) -> str:
        signer = LinkSigner(SECRET, customer_id=CUSTOMER, base_url=base_url)
        return signer.url(call_id, **how)

    return of


def first_part(call_id: str) -> Evidence:
    """A busy call as far as its ringing, with a log line."""
    evidence = calls.busy(call_id, CUSTOMER)
    evidence.state = "PARTIAL"
    evidence.sip = evidence.sip[:3]
    evidence.logs = [LogLine(calls.START, "sbc", "INFO:the first line")]
    return evidence


def next_part(call_id: str) -> Evidence:
    """One more message and one more line of it; it is still up."""
    evidence = calls.busy(call_id, CUSTOMER)
    evidence.state = "PARTIAL"
    evidence.sip = evidence.sip[3:4]
    evidence.logs = [LogLine(calls.START + 10**9, "sbc", "INFO:a second line")]
    evidence.rtcp = []
    return evidence


def last_part(call_id: str) -> Evidence:
    evidence = calls.busy(call_id, CUSTOMER)
    evidence.sip = evidence.sip[4:]
    evidence.logs = []
    # A receiver report of one block.
    payload = bytes.fromhex("81c9000712345678" + "00000001" * 6)
    evidence.rtcp = [RtcpDatagram(calls.START + 10**9, None, None, payload)]
    return evidence


def test_it_fills_itself_until_the_call_is_over(
    page: Page, keep: Callable[..., object], address: Callable[..., str]
) -> None:
    keep(first_part("fills@host"))
    page.goto(address("fills@host"))
    notice = page.get_by_role("region", name=HEADING)
    expect(notice).to_contain_text("The page asks for more by itself.")
    rows = page.locator(".sv-ladder .sv-row")
    expect(rows).to_have_count(3)
    page.evaluate("window.stayed = true")

    keep(next_part("fills@host"))
    expect(rows).to_have_count(4)
    expect(page.locator(".sv-msg")).to_have_count(4)
    expect(page.locator("#logs")).to_contain_text("a second line")
    expect(page.locator("#logs h2")).to_contain_text("2 lines")
    expect(notice).to_contain_text("More of the call came at")
    expect(page.get_by_role("status")).to_have_text("There is more of the call")

    keep(last_part("fills@host"))
    expect(rows).to_have_count(len(calls.busy("fills@host", CUSTOMER).sip))
    expect(page.get_by_role("heading", level=1)).to_contain_text("Busy")
    expect(page.get_by_role("heading", name="The call is over.")).to_be_visible()
    expect(page.get_by_role("heading", name="RTCP reports")).to_be_visible()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []
    assert page.evaluate("window.stayed") is True


def test_what_the_reader_does_meanwhile_stays(
    page: Page, keep: Callable[..., object], address: Callable[..., str]
) -> None:
    keep(first_part("stays@host"))
    page.set_viewport_size({"width": 1280, "height": 500})
    page.goto(address("stays@host"))
    row = page.locator('.sv-ladder .sv-row[data-n="2"]')
    row.click()
    page.locator('.sv-ladder .sv-row[data-n="2"]').focus()
    page.evaluate("window.scrollTo(0, 180)")
    before = row.bounding_box()
    keep(next_part("stays@host"))
    expect(page.locator(".sv-ladder .sv-row")).to_have_count(4)
    expect(row).to_have_attribute("aria-current", "true")
    expect(row).to_be_focused()
    expect(page.locator('.sv-msg[data-n="2"]')).to_have_attribute("open", "")
    assert page.url.endswith("#m2")
    assert before is not None
    page.wait_for_function(
        "([row, y]) => Math.abs(document.querySelector(row)"
        ".getBoundingClientRect().top - y) < 3",
        arg=['.sv-ladder .sv-row[data-n="2"]', before["y"]],
    )
    # What came by script does what came with the page does.
    page.locator('.sv-ladder .sv-row[data-n="4"]').click()
    expect(page.locator('.sv-msg[data-n="4"] .sv-raw')).to_be_visible()


def test_what_was_typed_stays_and_still_finds(
    page: Page, keep: Callable[..., object], address: Callable[..., str]
) -> None:
    keep(first_part("typed@host"))
    page.goto(address("typed@host"))
    field = page.get_by_role("searchbox", name="Filter")
    field.fill("4xx")
    shown = page.locator(".sv-msg:not(.sv-out)")
    expect(shown).to_have_count(0)
    keep(next_part("typed@host"))
    expect(shown).to_have_count(1)
    expect(field).to_have_value("4xx")
    expect(field).to_be_focused()
    field.fill("")
    expect(shown).to_have_count(4)


def test_on_a_phone_opened_messages_stay_open(
    page: Page, keep: Callable[..., object], address: Callable[..., str]
) -> None:
    keep(first_part("phone@host"))
    page.set_viewport_size({"width": 390, "height": 844})
    page.goto(address("phone@host"))
    page.locator('.sv-msg[data-n="1"] > summary').click()
    page.locator('.sv-msg[data-n="3"] > summary').click()
    keep(next_part("phone@host"))
    expect(page.locator(".sv-msg")).to_have_count(4)
    for n, is_open in ((1, True), (2, False), (3, True)):
        message = page.locator(f'.sv-msg[data-n="{n}"]')
        assert message.evaluate("each => each.open") is is_open


def test_when_the_link_expires_it_says_so_and_asks_no_more(
    page: Page,
    keep: Callable[..., object],
    address: Callable[..., str],
    faults: list[str],
) -> None:
    keep(first_part("expires@host"))
    page.goto(address("expires@host"))
    notice = page.get_by_role("region", name=HEADING)
    page.route("**/live?*", lambda route: route.fulfill(status=401, body="{}"))
    expect(notice).to_contain_text("This link has expired")
    expect(page.get_by_role("status")).to_contain_text("This link has expired")
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    page.wait_for_timeout(1500)
    assert asked == []
    faults[:] = [fault for fault in faults if "401" not in fault]


def test_a_server_that_is_away_is_asked_again(
    page: Page,
    keep: Callable[..., object],
    address: Callable[..., str],
    faults: list[str],
) -> None:
    keep(first_part("away@host"))
    page.goto(address("away@host"))
    notice = page.get_by_role("region", name=HEADING)
    page.route("**/live?*", lambda route: route.fulfill(status=503, body="{}"))
    expect(notice).to_contain_text("The server did not answer")
    page.unroute("**/live?*")
    keep(next_part("away@host"))
    expect(page.locator(".sv-ladder .sv-row")).to_have_count(4)
    faults[:] = [fault for fault in faults if "503" not in fault]


def test_without_a_script_there_is_a_link_to_reload(
    browser: Browser,
    keep: Callable[..., object],
    address: Callable[..., str],
) -> None:
    keep(first_part("plain@host"))
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    page.goto(address("plain@host"))
    keep(next_part("plain@host"))
    page.get_by_role("link", name="Reload").click()
    expect(page.locator(".sv-row")).to_have_count(4)
    context.close()


def test_axe_finds_nothing(
    page: Page, keep: Callable[..., object], address: Callable[..., str]
) -> None:
    keep(first_part("axe@host"))
    page.goto(address("axe@host"))
    page.get_by_text("The page asks for more by itself.").wait_for()
    rules = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]
    assert Axe().run(page, options={"runOnly": rules}).response["violations"] == []
