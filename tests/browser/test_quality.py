"""The time axis and the audio of a call, by mouse, by keyboard, without script."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask import Flask
from playwright.sync_api import Browser
from playwright.sync_api import expect
from playwright.sync_api import Locator
from playwright.sync_api import Page

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import QualityReport
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from . import heard
from .test_accessibility import violations

CUSTOMER = "acme"

Open = Callable[[str], Page]


@pytest.fixture(scope="session")
def calls(agent_corpus: Path) -> dict[str, Evidence]:
    """One call of each source of quality."""

    def recorded(name: str) -> Evidence:
        with (agent_corpus / f"{name}.pcap").open("rb") as file:
            items = read_capture(file)
            return next(import_capture(items, customer_id=CUSTOMER, source=name))

    agents = recorded("quality_twice")
    agents.media, agents.rtcp = [], []
    wire = (agent_corpus / "quality_twice.svwire").read_bytes()
    for found in re.finditer(rb'\{"call_id".*?"source":"rtp"\}', wire):
        report = QualityReport(agents.sip[-1].ts, json.loads(found.group()))
        agents.reports.append(report)
    return {
        "bad": heard.bad_for_a_while("bad@host", CUSTOMER),
        "rtcp": recorded("answered_rtcp"),
        "rtp": recorded("answered_rtp"),
        "agent": agents,
        "nothing": recorded("busy_486"),
    }


@pytest.fixture(scope="session")
def links(example: Flask, calls: dict[str, Evidence]) -> dict[str, str]:
    """Where the calls are seen, beside those of the example."""
    state = example.extensions["sipvault"]
    found = {}
    for name, evidence in calls.items():
        with example.test_request_context():
            # What the example has of its own stays as it is.
            evidence.call_id = f"quality-{name}@host"
            state.vault(CUSTOMER).put(evidence)
            found[name] = state.url_for_call(evidence.call_id, CUSTOMER)
    return found


@pytest.fixture
def opened(page: Page, base_url: str, links: dict[str, str]) -> Open:
    def go(name: str) -> Page:
        log_in(page, base_url)
        page.goto(base_url + links[name])
        expect(page.locator("#axis .sv-lanes")).to_have_attribute("role", "slider")
        return page

    return go


def log_in(page: Page, base_url: str) -> None:
    page.goto(base_url + "/login")
    page.get_by_label("Name").fill(CUSTOMER)
    page.get_by_label("Password").fill(CUSTOMER)
    page.get_by_role("button", name="Log in").click()


def axis(page: Page) -> Locator:
    return page.locator("#axis .sv-lanes")


def point_at(page: Page, share: float, lane: str = "uas") -> None:
    """Click in a lane of the axis, so far from its left as the share of its width."""
    cell = page.locator(f'#axis [data-lane="{lane}"] .sv-cell')
    box = cell.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + box["width"] * share, box["y"] + box["height"] / 2)


@pytest.mark.parametrize("name", ["bad", "rtcp", "rtp", "agent", "nothing"])
def test_axe_finds_nothing_whatever_was_measured(opened: Open, name: str) -> None:
    page = opened(name)
    for table in page.locator("#audio details").all():
        table.evaluate("each => { each.open = true; }")
    assert violations(page) == []


def test_a_click_on_the_axis_marks_the_moment_everywhere(opened: Open) -> None:
    page = opened("bad")
    # 1:36 of a call of 2:20, with a little room around it.
    point_at(page, 0.69)
    readout = page.locator("#axis [data-sv-readout]")
    expect(readout).to_contain_text("audio ← MOS 2.")
    expect(readout).to_contain_text("(bad)")
    expect(readout).to_contain_text("audio → MOS 4.4 (good)")
    for direction, words in (("uac", "loss 0.0 %"), ("uas", "(bad)")):
        own = page.locator(f'[data-sv-direction="{direction}"]')
        expect(own.locator("[data-sv-readout]")).to_contain_text(words)
        expect(own.locator(".sv-pointer")).to_be_visible()
    expect(page.locator("#ladder .sv-cursor")).to_have_count(1)


def test_a_message_moves_the_cursor(opened: Open) -> None:
    page = opened("bad")
    bye = page.locator("#ladder .sv-row", has_text="BYE").first
    bye.click()
    expect(page.locator("#axis .sv-pointer")).to_have_attribute("data-time", "2:19.3")


def test_a_mark_on_the_axis_chooses_its_message(opened: Open) -> None:
    page = opened("bad")
    page.locator("#axis .sv-choice", has_text="Setup").click()
    ringing = page.locator('#axis [data-lane="sip"] [data-n="4"]')
    box = ringing.bounding_box()
    assert box is not None
    page.mouse.click(box["x"] + 1, box["y"] + box["height"] - 2)
    row = page.locator("#ladder .sv-row[aria-current]")
    expect(row).to_contain_text("180 Ringing")


def test_a_row_of_the_table_and_a_curve_choose_too(opened: Open) -> None:
    page = opened("bad")
    own = page.locator('[data-sv-direction="uas"]')
    own.get_by_text("Figures as a table").click()
    begin = page.get_by_role("rowheader", name="1:33")
    own.get_by_role("row").filter(has=begin).click()
    pointer = page.locator("#axis .sv-pointer")
    expect(pointer).to_have_attribute("data-time", re.compile(r"1:3[56]\.\d"))
    own.locator(".sv-loss .sv-col").nth(2).click()
    expect(pointer).to_have_attribute("data-time", re.compile(r"0:1\d\.\d"))


def test_a_stretch_can_be_opened_by_choice_drag_and_button(opened: Open) -> None:
    page = opened("bad")
    marks = page.locator("#axis .sv-mark")
    expect(marks.first).to_have_text("0:00")
    page.locator("#axis .sv-choice", has_text="bad ←").click()
    expect(marks.first).to_have_text("1:25")
    assert "axis=" in page.url
    # Every drawing on the axis shows the same time.
    expect(page.locator('[data-sv-direction="uac"] .sv-mark').first).to_have_text(
        "1:25"
    )
    page.locator("#axis .sv-choice", has_text="Whole call").click()
    expect(marks.first).to_have_text("0:00")
    page.get_by_role("button", name="Show less of the call, larger").click()
    expect(marks.last).not_to_have_text("2:00")
    page.get_by_role("button", name="Show more of the call").click()
    expect(marks.last).to_have_text("2:00")
    box = page.locator('#axis [data-lane="uas"] .sv-cell').bounding_box()
    assert box is not None
    page.mouse.move(box["x"] + box["width"] * 0.5, box["y"] + 5)
    page.mouse.down()
    page.mouse.move(box["x"] + box["width"] * 0.6, box["y"] + 5, steps=4)
    page.mouse.up()
    expect(marks.first).to_have_text(re.compile(r"1:0\d|1:1\d"))


def test_a_reload_shows_the_same_stretch(opened: Open) -> None:
    page = opened("bad")
    page.locator("#axis .sv-choice", has_text="bad ←").click()
    page.reload()
    expect(page.locator("#axis .sv-mark").first).to_have_text("1:25")


def test_the_keyboard_alone_walks_the_axis_and_looks_closer(opened: Open) -> None:
    page = opened("bad")
    slider = page.get_by_role("slider", name="Moment of the call")
    slider.focus()
    page.keyboard.press("End")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^2:19\.8"))
    page.keyboard.press("Home")
    expect(slider).to_have_attribute("aria-valuetext", re.compile(r"^[−]?0:00\.0"))
    for _ in range(25):
        page.keyboard.press("ArrowRight")
    value = float(slider.get_attribute("aria-valuenow") or 0)
    assert 60 < value < 140
    expect(slider).to_have_attribute("aria-valuetext", re.compile("audio → MOS 4.4"))
    page.keyboard.press("+")
    expect(page.locator("#axis .sv-mark").first).not_to_have_text("0:00")
    page.keyboard.press("0")
    expect(page.locator("#axis .sv-mark").first).to_have_text("0:00")
    expect(slider).to_be_focused()


def test_a_curve_has_a_keyboard_too(opened: Open) -> None:
    page = opened("rtcp")
    curves = page.get_by_role("slider", name="Called → caller")
    curves.focus()
    page.keyboard.press("Home")
    page.keyboard.press("ArrowRight")
    expect(curves).to_have_attribute("aria-valuetext", re.compile("MOS 4.1"))


def test_on_a_phone_all_of_it_is_legible(opened: Open) -> None:
    page = opened("bad")
    page.set_viewport_size({"width": 390, "height": 844})
    for place in ("#axis .sv-mark", "#audio .sv-mark", "#audio .sv-word"):
        for text in page.locator(place).all():
            if text.is_visible():
                box = text.bounding_box()
                assert box is not None
                assert box["height"] >= 10
    words = page.locator("#audio .sv-word:visible")
    assert "bad" in words.all_text_contents()
    # Names stand above the curves, not beside them.
    cell = page.locator("#audio .sv-strip").first.bounding_box()
    assert cell is not None
    assert cell["width"] > 300


@pytest.fixture
def plain(
    browser: Browser, base_url: str, links: dict[str, str]
) -> Iterator[Callable[[str], Page]]:
    """The page in a browser without script."""
    context = browser.new_context(java_script_enabled=False)

    def go(name: str) -> Page:
        page = context.new_page()
        log_in(page, base_url)
        page.goto(base_url + links[name])
        return page

    yield go
    context.close()


def test_without_script_there_are_curves_tables_and_stretches(
    plain: Callable[[str], Page],
) -> None:
    page = plain("bad")
    expect(page.locator("#audio .sv-strip")).to_have_count(6)
    expect(page.locator("#audio")).to_contain_text("worst 2.")
    page.locator("#axis .sv-choice", has_text="bad ←").click()
    expect(page.locator("#axis .sv-mark").first).to_have_text("1:25")
    page.get_by_text("Figures as a table").last.click()
    expect(page.get_by_role("row").filter(has_text="1:33").last).to_be_visible()


def test_paper_has_the_curves(opened: Open) -> None:
    page = opened("bad")
    page.emulate_media(media="print")
    expect(page.locator("#audio .sv-strip").first).to_be_visible()
    expect(page.locator("#axis .sv-pointer")).not_to_be_visible()


def test_the_demo_shows_bad_audio_in_its_list(page: Page, base_url: str) -> None:
    log_in(page, base_url)
    row = page.get_by_role("row").filter(has_text="bad")
    expect(row).to_have_count(1)
    with page.expect_popup() as popup:
        row.get_by_role("link", name="SIP VAULT").click()
    heading = popup.value.get_by_role("heading", level=1)
    expect(heading).to_contain_text("The caller heard gaps: ")
