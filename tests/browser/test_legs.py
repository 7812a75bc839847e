"""Other legs of a call, as a person gets at them."""

from __future__ import annotations

import re

from playwright.sync_api import expect
from playwright.sync_api import Page

from .test_demo import log_in
from .test_demo import open_call

CALLER_LEG = "1-8285@127.0.0.2"
CALLED_LEG = "1-8285@127.0.0.2-b2b_1"
TO_BOB, TO_CAROL = "2e7114339e10d21f", "62f420b769fc669d"


def open_exactly(page: Page, call_id: str) -> Page:
    """The Call-ID of the one leg is part of the other's: take the right row."""
    page.get_by_label("Call-ID").fill(call_id)
    page.get_by_role("button", name="Search").click()
    row = page.get_by_role("row").filter(has=page.get_by_text(call_id, exact=True))
    with page.expect_popup() as opened:
        row.get_by_role("link", name="SIP VAULT").click()
    opened.value.wait_for_load_state()
    return opened.value


def test_the_other_leg_comes_beside_the_call_on_one_ladder(page: Page) -> None:
    log_in(page, "acme")
    call = open_exactly(page, CALLER_LEG)
    legs = call.get_by_role("region", name="Other legs of this call")
    expect(legs).to_contain_text("named in a header of the INVITE")
    legs.get_by_role("link", name="Show it in the ladder").click()
    rows = call.get_by_role("region", name="Ladder", exact=True).locator(".sv-row")
    expect(rows).to_have_count(13)
    expect(rows.nth(0)).to_contain_text("A INVITE")
    expect(rows.nth(2)).to_contain_text("B INVITE")
    expect(rows.nth(2).locator(".sv-legmark")).to_be_visible()
    # What is chosen is shown beside it, as ever; its leg is said there too.
    rows.nth(2).click()
    shown = call.locator(".sv-msg[open]")
    expect(shown.locator(".sv-raw")).to_contain_text(f"X-cid: {CALLER_LEG}")
    expect(shown.locator("summary .sv-leg")).to_have_text("B")
    legs.get_by_role("link", name="Take it out of the ladder").click()
    expect(rows).to_have_count(7)


def test_the_other_leg_opens_by_itself(page: Page) -> None:
    log_in(page, "acme")
    call = open_exactly(page, CALLER_LEG)
    legs = call.get_by_role("region", name="Other legs of this call")
    legs.get_by_role("link", name=CALLED_LEG, exact=True).click()
    expect(call.locator("#sv-callid")).to_have_text(CALLED_LEG)
    expect(legs.get_by_role("link", name=CALLER_LEG, exact=True)).to_be_visible()


def test_a_transfer_shows_all_three_phones(page: Page) -> None:
    log_in(page, "globex")
    call = open_call(page, TO_BOB)
    legs = call.get_by_role("region", name="Other legs of this call")
    expect(legs).to_contain_text(f"{TO_CAROL} asked for by REFER")
    legs.get_by_role("link", name="Show it in the ladder").click()
    heads = call.locator(".sv-heads")
    for name in ("alice", "bob", "carol"):
        expect(heads).to_contain_text(name)


def test_both_legs_stay_after_a_filter_and_a_reload(page: Page) -> None:
    log_in(page, "acme")
    call = open_exactly(page, CALLER_LEG)
    call.get_by_role("link", name="Show it in the ladder").click()
    call.get_by_role("searchbox", name="Filter").fill("BYE")
    rows = call.locator(".sv-ladder .sv-item:not(.sv-folded) .sv-row")
    expect(rows).to_have_count(4)
    expect(call).to_have_url(re.compile("find=BYE"))
    call.reload()
    expect(rows).to_have_count(4)
    expect(rows.nth(2)).to_contain_text("B BYE")
