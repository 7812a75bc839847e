"""Exports opened from a disk, as whoever gets them by mail opens them."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from playwright.sync_api import Page

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.dashboard.exports.ladder_file import ladder_file
from flask_sipvault.dashboard.exports.report import report
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture


@pytest.fixture
def faults() -> Iterator[None]:
    """These files come from no server: what they may ask for is none."""
    yield


@pytest.fixture
def call(agent_corpus: Path) -> Call:
    with (agent_corpus / "answered_rtcp.pcap").open("rb") as file:
        (evidence,) = import_capture(read_capture(file), customer_id="acme", source="x")
    return explain(evidence)


@pytest.fixture
def asked(page: Page) -> list[str]:
    """What the browser fetches, and what it complains of."""
    found: list[str] = []
    page.on("request", lambda request: found.append(request.url))
    page.on("console", lambda message: found.append(message.text))
    return found


def test_a_report_looks_as_it_should_and_fetches_nothing(
    page: Page, call: Call, tmp_path: Path, asked: list[str]
) -> None:
    path = tmp_path / "report.html"
    text, _ = report(call, ladder(call), now=call.messages[0].ts, masked=False)
    path.write_text(text, encoding="utf-8")
    page.goto(path.as_uri())
    assert asked == [path.as_uri()]
    colour = "element => getComputedStyle(element).fill"
    label = page.locator(".sv-request .sv-lab").first
    assert label.evaluate(colour) == "rgb(11, 110, 117)"
    page.locator("a[href='#m4']").click()
    assert page.url.endswith("#m4")
    assert page.locator("#m4").evaluate("element => element.matches(':target')")
    width = "document.documentElement.scrollWidth"
    page.set_viewport_size({"width": 390, "height": 800})
    assert page.evaluate(width) <= 390


def test_a_style_that_is_not_the_report_s_own_does_nothing(
    page: Page, call: Call, tmp_path: Path
) -> None:
    path = tmp_path / "report.html"
    text, _ = report(call, ladder(call), now=0, masked=False)
    changed = text.replace("</head>", "<style>h1 { color: red }</style></head>")
    path.write_text(changed, encoding="utf-8")
    page.goto(path.as_uri())
    heading = page.locator("h1").evaluate("it => getComputedStyle(it).color")
    assert heading == "rgb(22, 32, 44)"


def test_a_report_prints_on_pages(page: Page, call: Call, tmp_path: Path) -> None:
    path = tmp_path / "report.html"
    text, _ = report(call, ladder(call), now=0, masked=False)
    path.write_text(text, encoding="utf-8")
    page.goto(path.as_uri())
    assert page.pdf().startswith(b"%PDF")


def test_a_drawing_is_an_image_with_its_colours(
    page: Page, call: Call, tmp_path: Path
) -> None:
    drawing = tmp_path / "ladder.svg"
    drawing.write_text(ladder_file(call, ladder(call))[0], encoding="utf-8")
    frame = tmp_path / "page.html"
    frame.write_text('<body style="margin: 0"><img src="ladder.svg">')
    page.goto(frame.as_uri())
    size = "image => [image.naturalWidth, image.naturalHeight, image.complete]"
    width, height, complete = page.locator("img").evaluate(size)
    assert complete
    assert width >= 600
    assert height > 28 * len(call.messages)
    # A PNG is made of it as a screenshot is: not a white one.
    page.goto(drawing.as_uri())
    label = page.locator(".sv-success .sv-lab").first
    fill = label.evaluate("element => getComputedStyle(element).fill")
    assert fill == "rgb(23, 119, 77)"
