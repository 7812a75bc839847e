"""What axe finds on the pages by the rules of WCAG 2.2 AA: nothing."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator

import pytest
from axe_playwright_python.sync_playwright import Axe
from flask import Flask
from playwright.sync_api import Page

from .test_demo import log_in

RULES = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22aa"]

#: A call of each kind in the example: its customer and its Call-ID.
CALLS = {
    "answered": ("acme", "1-23321@127.0.0.2"),
    "busy": ("acme", "1-28256@127.0.0.2"),
    "cancelled": ("acme", "1-28514@127.0.0.2"),
    "no answer": ("acme", "1-31956@127.0.0.2"),
    "challenged": ("acme", "1-32527@127.0.0.2"),
    "one way": ("acme", "1-23729@127.0.0.2"),
    "several legs": ("acme", "1-8285@127.0.0.2"),
    "bad audio": ("globex", "f77fcef870bb7228"),
}

Address = Callable[..., str]


@pytest.fixture
def address(example: Flask, base_url: str) -> Address:
    """The link to a call, or to what lies beside its page."""

    def of(customer: str, call_id: str, beside: str = "", more: str = "") -> str:
        with example.test_request_context():
            state = example.extensions["sipvault"]
            link = state.url_for_call(call_id, customer)
        return base_url + link.replace("?", f"{beside}?", 1) + more

    return of


def looks(page: Page) -> Iterator[str]:
    """The page in both colours, on a desk and on a phone."""
    for width in (1280, 390):
        page.set_viewport_size({"width": width, "height": 900})
        for colours in ("light", "dark"):
            page.emulate_media(color_scheme=colours)  # type: ignore[arg-type]
            yield f"{colours}, {width} px"


def violations(page: Page) -> list[str]:
    """What axe finds in each look, an element a line."""
    found = []
    for look in looks(page):
        # Other colours change nothing but contrasts.
        rules = RULES if look.startswith("light") else ["color-contrast"]
        result = Axe().run(page, options={"runOnly": rules})
        for rule in result.response["violations"]:
            for node in rule["nodes"]:
                summary = " ".join(node["failureSummary"].split())
                found.append(f"{look}: {rule['id']}: {node['html'][:160]} {summary}")
        wide = page.evaluate("document.documentElement.scrollWidth > innerWidth")
        if wide:
            found.append(f"{look}: the page scrolls sideways")
    return found


@pytest.mark.parametrize("kind", CALLS)
def test_the_page_of_a_call(page: Page, address: Address, kind: str) -> None:
    customer, call_id = CALLS[kind]
    log_in(page, customer)
    page.goto(address(customer, call_id))
    page.locator("[data-sv-zone-button]").wait_for()
    for message in page.locator(".sv-msg:not([hidden]) > summary").all()[:2]:
        message.click()
    assert violations(page) == []


def test_the_page_of_several_legs_joined(page: Page, address: Address) -> None:
    customer, call_id = CALLS["several legs"]
    log_in(page, customer)
    page.goto(address(customer, call_id, more=f"&with={call_id}-b2b_1"))
    assert violations(page) == []


def test_two_messages_compared(page: Page, address: Address) -> None:
    customer, call_id = CALLS["busy"]
    log_in(page, customer)
    page.goto(address(customer, call_id, "/compare", "&left=1&right=2"))
    assert violations(page) == []


def test_the_help_on_keys(page: Page, address: Address) -> None:
    customer, call_id = CALLS["busy"]
    log_in(page, customer)
    page.goto(address(customer, call_id))
    page.get_by_role("button", name="Keys").click()
    assert violations(page) == []


@pytest.mark.parametrize(
    ("call_id", "damage"),
    [("unknown@host", ""), ("1-28256@127.0.0.2", "0")],
    ids=["not found", "refused"],
)
def test_an_error(
    page: Page, address: Address, faults: list[str], call_id: str, damage: str
) -> None:
    log_in(page, "acme")
    page.goto(address("acme", call_id) + damage)
    assert violations(page) == []
    faults[:] = [fault for fault in faults if "the server responded" not in fault]


def test_the_login_and_the_list_of_the_example(page: Page) -> None:
    page.goto("/login")
    assert violations(page) == []
    log_in(page, "acme")
    assert violations(page) == []
