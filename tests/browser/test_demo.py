"""From a CDR row to the whole truth about a call, as a person does it."""

from __future__ import annotations

import re
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

from flask import Flask
from playwright.sync_api import expect
from playwright.sync_api import Page

from example_app import keys
from flask_sipvault.access.links import LinkSigner

BUSY = "1-28256@127.0.0.2"
BAD_AUDIO = "1-23729@127.0.0.2"
INVITE_LINE = "INVITE sip:bob@127.0.0.3:5060 SIP/2.0"


def log_in(page: Page, name: str) -> None:
    page.goto("/")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(name)
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_role("heading", name=f"Calls of {name}")).to_be_visible()


def open_call(page: Page, call_id: str) -> Page:
    """Search for the call and press its button; the tab that opens."""
    page.get_by_label("Call-ID").fill(call_id)
    page.get_by_role("button", name="Search").click()
    row = page.get_by_role("row").filter(has_text=call_id)
    with page.expect_popup() as opened:
        row.get_by_role("link", name="SIP VAULT").click()
    opened.value.wait_for_load_state()
    return opened.value


def test_a_click_on_a_row_opens_the_call_with_its_ladder(page: Page) -> None:
    log_in(page, "acme")
    call = open_call(page, BUSY)
    assert re.search(r"/call/[0-9a-f]{16}\?", call.url)
    expect(call.get_by_role("heading", level=1)).to_contain_text("Busy")
    rows = call.get_by_role("region", name="Ladder").locator(".sv-row")
    for row, summary in enumerate(
        ["INVITE", "100 Trying", "180 Ringing", "486 Busy Here", "ACK"]
    ):
        expect(rows.nth(row)).to_be_visible()
        expect(rows.nth(row)).to_contain_text(summary)


def test_choosing_a_row_of_the_ladder_opens_its_message(page: Page) -> None:
    log_in(page, "acme")
    call = open_call(page, BUSY)
    message = call.get_by_text(INVITE_LINE)
    expect(message).not_to_be_visible()
    call.get_by_role("region", name="Ladder").locator(".sv-row").first.click()
    expect(message).to_be_visible()


def test_a_call_with_bad_audio_shows_the_loss_that_its_reports_tell(page: Page) -> None:
    log_in(page, "acme")
    call = open_call(page, BAD_AUDIO)
    reports = call.get_by_role("region", name="RTCP reports")
    # tshark says 5/256 of the last interval, and 9 packets in all.
    row = reports.get_by_role("row").filter(has_text="2.0 %")
    expect(row.get_by_role("cell", name="9", exact=True)).to_be_visible()


def test_on_a_phone_the_list_of_messages_is_the_ladder(page: Page) -> None:
    page.set_viewport_size({"width": 390, "height": 844})
    log_in(page, "acme")
    call = open_call(page, BUSY)
    call.set_viewport_size({"width": 390, "height": 844})
    expect(call.get_by_role("region", name="Ladder", exact=True)).not_to_be_visible()
    message = call.get_by_text(INVITE_LINE)
    expect(message).not_to_be_visible()
    call.locator("summary").filter(has_text="INVITE").click()
    expect(message).to_be_visible()
    for tab in (page, call):
        assert tab.evaluate("document.documentElement.scrollWidth") <= 390


def sip_messages(capture: Path, tshark: str) -> list[list[str]]:
    """Source, destination, Call-ID and start line of each SIP message of a capture."""
    fields = ["ip.src", "ip.dst", "sip.Call-ID", "sip.CSeq"]
    fields += ["sip.Request-Line", "sip.Status-Line"]
    command = [tshark, "-r", str(capture), "-Y", "sip", "-T", "fields"]
    for field in fields:
        command += ["-e", field]
    done = subprocess.run(command, check=True, capture_output=True, text=True)
    return [line.split("\t") for line in done.stdout.splitlines()]


def test_the_downloaded_capture_holds_the_recorded_messages(
    page: Page, tmp_path: Path, agent_corpus: Path, need_tool: Callable[[str], str]
) -> None:
    tshark = need_tool("tshark")
    log_in(page, "acme")
    call = open_call(page, BUSY)
    with call.expect_download() as downloaded:
        call.get_by_text("Download", exact=True).click()
        call.get_by_role("link", name="capture.pcapng").first.click()
    path = tmp_path / "call.pcapng"
    downloaded.value.save_as(path)
    assert sip_messages(path, tshark) == sip_messages(
        agent_corpus / "busy_486.pcap", tshark
    )


def test_a_call_of_another_customer_is_out_of_reach(
    page: Page, faults: list[str]
) -> None:
    log_in(page, "acme")
    address = open_call(page, BUSY).url
    page.get_by_role("button", name="Log out").click()
    log_in(page, "globex")
    page.goto(f"/?callid={BUSY}")
    expect(page.get_by_text("No call fits this search.")).to_be_visible()
    for stolen in (address, address.replace("cid=acme", "cid=globex")):
        answer = page.goto(stolen)
        assert answer is not None
        assert answer.status in (401, 404)
        expect(page.get_by_text("486")).to_have_count(0)
    faults[:] = [fault for fault in faults if "401" not in fault and "404" not in fault]


def test_a_call_asks_whoever_is_not_logged_in_to_log_in_and_then_opens(
    page: Page,
) -> None:
    log_in(page, "acme")
    address = open_call(page, BUSY).url
    page.get_by_role("button", name="Log out").click()
    page.goto(address)
    expect(page).to_have_url(re.compile("/login"))
    page.get_by_label("Name").fill("acme")
    page.get_by_label("Password").fill("acme")
    page.get_by_role("button", name="Log in").click()
    expect(page.get_by_text("486 Busy Here").first).to_be_visible()


def test_an_expired_link_says_what_to_do(
    page: Page, faults: list[str], example: Flask, base_url: str
) -> None:
    secrets = keys.load_or_create(Path(example.instance_path, "keys.json"), [])
    signer = LinkSigner(secrets.links["acme"], customer_id="acme", base_url=base_url)
    log_in(page, "acme")
    answer = page.goto(signer.url(BUSY, now=time.time() - 3 * 3600))
    assert answer is not None
    assert answer.status == 401
    expect(page.locator("body")).to_contain_text("expired")
    faults[:] = [fault for fault in faults if "401" not in fault]
