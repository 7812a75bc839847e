"""Each reader's own way: times, colours, paper, the keyboard alone."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from collections.abc import Iterator
from datetime import datetime
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Browser
from playwright.sync_api import expect
from playwright.sync_api import Page
from pypdf import PdfReader

from .test_demo import log_in

ANSWERED = "1-23321@127.0.0.2"


@pytest.fixture
def address(example: Flask, base_url: str) -> str:
    """The link to a call of acme's with reports and log lines."""
    with example.test_request_context():
        link = example.extensions["sipvault"].url_for_call(ANSWERED, "acme")
    return f"{base_url}{link}"


@pytest.fixture
def browser_context_args(browser_context_args: dict[str, Any]) -> dict[str, Any]:
    sao_paulo = {"timezone_id": "America/Sao_Paulo", "color_scheme": "light"}
    return {**browser_context_args, **sao_paulo}


@pytest.fixture
def call(page: Page, address: str) -> Page:
    """The page of the call on a wide screen; its script is ready."""
    log_in(page, "acme")
    page.goto(address)
    expect(page.locator(".sv-work")).to_have_class(re.compile("sv-one"))
    return page


@pytest.fixture
def unscripted(
    browser: Browser, browser_context_args: dict[str, Any]
) -> Iterator[Page]:
    """A page of a browser without JavaScript."""
    plain = browser.new_context(**browser_context_args, java_script_enabled=False)
    yield plain.new_page()
    plain.close()


def first_times(page: Page) -> list[str]:
    """When the call began, and when its first log line was written."""
    return [
        page.locator(".sv-parties time").inner_text(),
        page.locator("#l1 time").inner_text(),
    ]


class Expected:
    """What those times are; the recordings are moved to days not long ago."""

    def __init__(self, page: Page) -> None:
        written = page.locator("#l1 time").get_attribute("datetime")
        assert written is not None
        self.line = datetime.fromisoformat(written.replace("Z", "+00:00"))

    def __getitem__(self, zone: str) -> list[str]:
        if zone == "Since the start":
            return [self["UTC"][0], "−0:00.880"]
        hours = 3 if zone == "Local time" else 0
        at = self.line - timedelta(hours=hours)
        clock = f"{at:%H:%M:%S}.{at.microsecond // 1000:03}"
        day = f"{at.day} {at:%b %Y, %H:%M:%S} UTC"
        return [f"{day}−03:00" if hours else day, clock]


def test_times_are_utc_or_local_or_since_the_start_and_that_is_remembered(
    call: Page,
) -> None:
    button = call.locator("[data-sv-zone-button]")
    expected = Expected(call)
    zones = ["UTC", "Local time", "Since the start"]
    for zone in [*zones, *zones[:2]]:
        expect(button).to_have_text(zone)
        assert first_times(call) == expected[zone]
        button.click()
    call.reload()
    expect(button).to_have_text("Since the start")
    assert first_times(call) == expected["Since the start"]


def test_without_a_script_times_are_utc(unscripted: Page, address: str) -> None:
    log_in(unscripted, "acme")
    unscripted.goto(address)
    assert first_times(unscripted) == Expected(unscripted)["UTC"]
    expect(unscripted.locator("[data-sv-zone-button]")).to_be_hidden()


def background(page: Page) -> str:
    script = "getComputedStyle(document.querySelector('.sipvault')).backgroundColor"
    return str(page.evaluate(script))


def test_colours_follow_the_system_until_one_chooses(call: Page) -> None:
    light = background(call)
    call.emulate_media(color_scheme="dark")
    dark = background(call)
    assert dark != light
    button = call.locator("[data-sv-theme-button]")
    button.click()
    assert background(call) == light
    call.reload()
    assert background(call) == light
    button.click()
    call.emulate_media(color_scheme="light")
    assert background(call) == dark


def test_on_paper_everything_is_there_but_what_one_presses(call: Page) -> None:
    call.emulate_media(color_scheme="dark")
    pages = PdfReader(io.BytesIO(call.pdf(format="A4"))).pages
    text = " ".join(" ".join(page.extract_text() for page in pages).split())
    assert "Answered, ended by the caller after 15 s." in text
    for line in (
        "180 Ringing",
        "INVITE sip:bob@127.0.0.3:5060 SIP/2.0",
        "BYE sip:bob@127.0.0.3:5060 SIP/2.0",
        "a=ssrc:2596069104 cname:bob@gst",
        "127.0.0.2:14001 → 127.0.0.3:15001",
        "sent 589 packets so far",
        "DBG:script: request SIP/2.0",
    ):
        assert line in text
    for control in ("Copy", "Download", "Colours", "Filter", "Next", "Keys"):
        assert control not in text


def test_a_call_on_paper_takes_the_pages_that_it_needs(call: Page) -> None:
    pages = PdfReader(io.BytesIO(call.pdf(format="A4"))).pages
    assert len(pages) <= 6
    for page in pages:
        assert len(page.extract_text()) > 400


def test_the_first_tab_leads_past_the_bar(call: Page) -> None:
    call.keyboard.press("Tab")
    skip = call.get_by_role("link", name="Skip to the answer")
    expect(skip).to_be_focused()
    expect(skip).to_be_in_viewport()
    call.keyboard.press("Enter")
    call.keyboard.press("Tab")
    expect(call.locator(".sv-bar :focus")).to_have_count(0)


def test_tab_goes_through_the_page_as_it_is_read_and_shows_where_it_is(
    call: Page,
) -> None:
    tops = []
    for _ in range(60):
        call.keyboard.press("Tab")
        here = call.evaluate(
            """() => {
              const e = document.activeElement;
              if (e === document.body) return null;
              const row = e.querySelector(".sv-hit, rect");
              // A row of the ladder shows it by its frame, everything else by its own.
              const shown = [row, e].some((each) => {
                const style = each && getComputedStyle(each);
                return style && (style.outlineStyle !== "none"
                  || (each === row && style.stroke !== "none"));
              });
              const part = e.closest(".sv-bar, .sv-filter, .sv-work, #logs, .sv-foot");
              return [
                [...document.querySelectorAll("*")].indexOf(e),
                shown,
                part?.className ?? e.className,
              ];
            }"""
        )
        if here is None:
            break
        tops.append(here)
    order = [at for at, _, _ in tops]
    assert order == sorted(order)
    assert [part for _, seen, part in tops if not seen] == []
    parts = {part for _, _, part in tops}
    assert {"sv-bar", "sv-card", "sv-foot"} <= parts


def test_enter_on_a_row_of_the_ladder_shows_its_message(call: Page) -> None:
    call.locator("#r4").focus()
    call.keyboard.press("Enter")
    expect(call.locator(".sv-msg[open]")).to_have_attribute("data-n", "4")


def open_menu(page: Page) -> Callable[[], None]:
    menu = page.locator(".sv-menu")
    menu.locator("summary").focus()
    page.keyboard.press("Enter")
    expect(menu).to_have_attribute("open", "")
    return lambda: expect(menu).not_to_have_attribute("open", "")


def open_help(page: Page) -> Callable[[], None]:
    page.keyboard.press("?")
    dialog = page.get_by_role("dialog", name="Keys")
    expect(dialog).to_be_visible()
    return lambda: expect(dialog).to_be_hidden()


@pytest.mark.parametrize("opened", [open_menu, open_help])
def test_escape_closes_what_is_open(
    call: Page, opened: Callable[[Page], Callable[[], None]]
) -> None:
    is_closed = opened(call)
    call.keyboard.press("Escape")
    is_closed()


def test_no_level_of_a_log_line_is_told_by_its_colour_alone(call: Page) -> None:
    levels = call.locator("#logs .sv-level").all_inner_texts()
    assert set(levels) == {"INFO", "DEBUG"}
