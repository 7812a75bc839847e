"""What one does on the page of a call: by mouse, by keyboard, without any script."""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator

import pytest
from flask import Flask
from playwright.sync_api import Browser
from playwright.sync_api import expect
from playwright.sync_api import Locator
from playwright.sync_api import Page
from playwright.sync_api import Route

from flask_sipvault import SIPVault
from flask_sipvault.analysis.explain import explain
from flask_sipvault.dashboard.panels.messages.filter import MessageFilter
from flask_sipvault.evidence import Evidence

from . import calls
from .serving import serving

CUSTOMER = "acme"
SHORT, MIDDLING, LONG = "short@host", "middling@host", "long@host"

Open = Callable[..., Page]


@pytest.fixture(autouse=True)
def patience() -> Iterator[None]:
    """Of a busy machine the long call asks more than the usual five seconds."""
    expect.set_options(timeout=20_000)
    yield
    expect.set_options(timeout=5_000)


@pytest.fixture(scope="session")
def evidence() -> dict[str, Evidence]:
    return {
        SHORT: calls.busy(SHORT, CUSTOMER),
        MIDDLING: calls.of_messages(MIDDLING, CUSTOMER, 60),
        LONG: calls.of_messages(LONG, CUSTOMER, 5000),
    }


@pytest.fixture(scope="session")
def host(
    tmp_path_factory: pytest.TempPathFactory, evidence: dict[str, Evidence]
) -> Flask:
    folder = tmp_path_factory.mktemp("host")
    app = Flask("host", instance_path=str(folder))
    app.config.update(
        SIPVAULT_HMAC_SECRET="a secret of the tests",
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
        SIPVAULT_STORE=str(folder / "vault"),
        SIPVAULT_LOOKBACK_DAYS=3650,
        SIPVAULT_ALIASES={"203.0.113.0/24": "SBC-1"},
    )
    SIPVault(app)
    with app.app_context():
        for each in evidence.values():
            app.extensions["sipvault"].vault(CUSTOMER).put(each)
    return app


@pytest.fixture(scope="session")
def base_url(host: Flask) -> Iterator[str]:
    """Where these calls are served, instead of the example."""
    with serving(host) as address:
        yield address


@pytest.fixture
def address(host: Flask, base_url: str) -> Callable[[str], str]:
    """The link to a call."""

    def of(call_id: str) -> str:
        with host.test_request_context():
            state = host.extensions["sipvault"]
            return f"{base_url}{state.url_for_call(call_id, CUSTOMER)}"

    return of


@pytest.fixture
def open_call(page: Page, address: Callable[[str], str]) -> Open:
    """Open the page of a call on a wide screen; its script is ready."""

    def to(call_id: str, more: str = "") -> Page:
        page.set_viewport_size({"width": 1280, "height": 900})
        page.goto("about:blank")
        page.goto(address(call_id) + more)
        wait_for_the_script(page)
        return page

    return to


@pytest.fixture
def unscripted(
    browser: Browser, address: Callable[[str], str]
) -> Iterator[Callable[[str], Page]]:
    """Open the page of a call in a browser without JavaScript."""
    context = browser.new_context(java_script_enabled=False)

    def to(call_id: str) -> Page:
        page = context.new_page()
        page.goto(address(call_id))
        return page

    yield to
    context.close()


def wait_for_the_script(page: Page) -> None:
    expect(page.locator(".sv-work")).to_have_class(re.compile("sv-one"))


def reload(page: Page) -> None:
    page.reload()
    wait_for_the_script(page)


def rows(page: Page) -> Locator:
    """The rows of the ladder that are to be seen."""
    return page.locator(".sv-item:not(.sv-folded) .sv-row")


def found_by_the_server(evidence: Evidence, text: str) -> list[str]:
    """The numbers of the messages that fit a filter."""
    wanted = MessageFilter(text)
    names = {"198.51.100.23": "Alice", "203.0.113.9": "SBC-1"}
    return [
        str(message.n)
        for message in explain(evidence).messages
        if wanted.fits(
            message,
            " ".join(
                names.get(end.ip, "+554133331000") for end in (message.src, message.dst)
            ),
        )
    ]


def chosen_row(page: Page) -> Locator:
    return page.locator(".sv-row[aria-current]")


def shown_message(page: Page) -> Locator:
    return page.locator(".sv-msg[open]")


def choice(page: Page, option: str, label: str) -> Locator:
    group = page.locator(f'[data-sv-option="{option}"]')
    return group.get_by_role("link", name=re.compile(rf"^{re.escape(label)}\b"))


class TestChoosing:
    def test_a_row_shows_its_message_and_its_whole_transaction(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        page.locator("#r5").click()
        expect(shown_message(page)).to_have_attribute("data-n", "5")
        expect(shown_message(page)).to_contain_text("answers INVITE, message 1")
        together = page.locator(".sv-row.sv-together")
        assert [row.get_attribute("data-n") for row in together.all()] == [
            *("1", "2", "5", "7")
        ]

    def test_j_and_k_step_and_the_address_survives_a_reload(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        for key in "jjjjk":
            page.keyboard.press(key)
        expect(chosen_row(page)).to_have_attribute("data-n", "4")
        assert page.url.endswith("#m4")
        reload(page)
        expect(chosen_row(page)).to_have_attribute("data-n", "4")
        expect(shown_message(page)).to_have_attribute("data-n", "4")

    def test_going_back_chooses_what_was_chosen_before(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        page.locator("#r3").click()
        page.locator("#r6").click()
        page.go_back()
        expect(chosen_row(page)).to_have_attribute("data-n", "3")

    def test_what_refused_the_call_is_chosen_at_the_beginning(
        self, open_call: Open
    ) -> None:
        page = open_call(SHORT)
        expect(chosen_row(page)).to_contain_text("486 Busy Here")

    def test_a_moment_that_something_else_chose_is_marked_in_ladder_and_log(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        page.evaluate(
            """document.querySelector(".sipvault").dispatchEvent(new CustomEvent(
              "sipvault:moment",
              {bubbles: true, detail: {ms: 30000, by: "quality", n: null, line: null}}
            ))"""
        )
        expect(chosen_row(page)).to_have_attribute("data-n", "16")
        expect(page.locator(".sv-cursor")).to_have_count(1)
        expect(page.locator("#logs li[aria-current]")).to_contain_text("updated 2")

    def test_an_element_that_names_a_moment_chooses_it(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        page.evaluate(
            """document.querySelector("h1").insertAdjacentHTML("afterend",
              '<b id="sample" data-sv-choose="quality" data-ms="150000.5">now</b>')"""
        )
        page.evaluate(
            """document.addEventListener("sipvault:moment", ({detail}) => {
              window.heard = [detail.ms, detail.ns, detail.by];
            })"""
        )
        page.locator("#sample").click()
        heard = page.evaluate("window.heard")
        start = calls.START + 4_000_000
        assert heard == [150000.5, str(start + 150_000_500_000), "quality"]
        # Within the band of media the line runs down, for its time runs to the right.
        cursor = page.locator(".sv-cursor")
        assert cursor.get_attribute("x1") == cursor.get_attribute("x2")

    def test_on_a_phone_the_list_is_the_ladder_and_stays_where_it_is(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        page.set_viewport_size({"width": 390, "height": 844})
        expect(page.locator(".sv-ladder")).not_to_be_visible()
        summary = page.locator(".sv-msg > summary").filter(has_text="180 Ringing")
        summary.first.click()
        expect(page.get_by_text("SIP/2.0 180 Ringing").first).to_be_visible()
        assert page.evaluate("document.documentElement.scrollWidth") <= 390


class TestFolding:
    def test_retransmissions_are_one_row_until_they_are_unfolded(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        again = page.locator(".sv-row.sv-again")
        expect(page.locator(".sv-row:visible").filter(has_text="BYE ×3")).to_have_count(
            1
        )
        expect(again.first).not_to_be_visible()
        before = page.locator(".sv-rungs").evaluate("each => each.clientHeight")
        page.locator(".sv-fold").click()
        expect(again.first).to_be_visible()
        expect(again).to_have_count(2)
        after = page.locator(".sv-rungs").evaluate("each => each.clientHeight")
        assert after == before + 2 * 28
        page.locator(".sv-fold").focus()
        page.keyboard.press(" ")
        expect(again.first).not_to_be_visible()

    def test_choosing_a_folded_one_unfolds_it(self, open_call: Open) -> None:
        page = open_call(MIDDLING, "#m55")
        expect(chosen_row(page)).to_be_visible()
        expect(chosen_row(page)).to_contain_text("BYE ×3")

    def test_all_at_once_and_a_reload_keeps_them(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        choice(page, "again", "shown").click()
        expect(page.locator(".sv-row.sv-again").last).to_be_visible()
        reload(page)
        expect(page.locator(".sv-row.sv-again").last).to_be_visible()
        choice(page, "again", "folded").click()
        expect(page.locator(".sv-row.sv-again").last).not_to_be_visible()


def test_the_ports_of_a_host_are_lifelines_of_their_own_at_a_click(
    open_call: Open,
) -> None:
    page = open_call(MIDDLING)
    names = page.locator(".sv-heads .sv-who")
    assert names.all_text_contents() == ["Alice", "SBC-1", "+554133331000"]
    page.locator("#r3").click()
    choice(page, "ports", "by port").click()
    expect(names).to_have_count(4)
    assert page.locator(".sv-heads .sv-addr").all_text_contents()[1:3] == [
        "203.0.113.9:5060",
        "203.0.113.9:5070",
    ]
    expect(chosen_row(page)).to_have_attribute("data-n", "3")
    assert "ports=split" in page.url
    reload(page)
    expect(names).to_have_count(4)
    choice(page, "ports", "by host").click()
    expect(names).to_have_count(3)


class TestFiltering:
    def test_a_slash_leads_to_the_filter_and_escape_clears_it(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        page.keyboard.press("/")
        page.keyboard.type("BYE 200")
        expect(rows(page)).to_have_count(2)
        expect(page.locator("[data-sv-found]")).to_have_text("2 of 57 messages fit")
        expect(chosen_row(page)).to_have_attribute("data-n", "56")
        page.keyboard.press("Escape")
        expect(rows(page)).to_have_count(55)
        expect(page.locator("[data-sv-find]")).not_to_be_focused()
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "57")

    def test_j_steps_over_what_does_not_fit(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        choice(page, "find", "BYE").click()
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "54")

    def test_a_reload_keeps_it(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        choice(page, "find", "BYE").click()
        expect(rows(page)).to_have_count(6)
        reload(page)
        expect(rows(page)).to_have_count(6)
        page.keyboard.press("Escape")
        expect(rows(page)).to_have_count(55)

    def test_here_and_on_the_server_the_rules_are_the_same(
        self, open_call: Open, evidence: dict[str, Evidence]
    ) -> None:
        page = open_call(MIDDLING)
        for text in (
            *("invite", "200", "1xx", "10.8.0.14", "203.0.113.9:5070", "sbc-1"),
            *("branch=z9hG4bKi1", '"180 ringing"', "ACK 10.8", "4xx", "no such text"),
        ):
            found = found_by_the_server(evidence[MIDDLING], text)
            page.locator("[data-sv-find]").fill(text)
            expect(page.locator("[data-sv-found]")).to_have_text(
                f"{len(found)} of 57 messages fit"
            )
            shown = rows(page).evaluate_all("rows => rows.map(row => row.dataset.n)")
            assert shown == found, text

    def test_of_a_long_call_the_server_is_asked(self, open_call: Open) -> None:
        page = open_call(LONG)
        page.keyboard.press("/")
        page.keyboard.type("BYE")
        expect(page.locator("[data-sv-found]")).to_have_text("6 of 4,999 messages fit")
        expect(rows(page)).to_have_count(6)
        expect(chosen_row(page)).to_contain_text("BYE")
        page.keyboard.press("Escape")
        expect(page.locator("#r1")).to_be_visible()


class TestComparing:
    def test_c_on_two_messages_puts_them_side_by_side(self, open_call: Open) -> None:
        page = open_call(MIDDLING, "#m1")
        page.keyboard.press("c")
        expect(page.locator("[data-sv-comparebar]")).to_contain_text(
            "Comparing message 1"
        )
        page.keyboard.press("j")
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "3")
        page.keyboard.press("c")
        dialog = page.get_by_role("dialog")
        expect(dialog.get_by_role("heading")).to_have_text("Messages 1 and 3")
        forwards = dialog.get_by_role("row").filter(has_text="Max-Forwards")
        assert forwards.locator("mark").all_text_contents() == ["70", "69"]
        expect(forwards).to_contain_text("changed")
        from_row = dialog.get_by_role("row").filter(has_text="tag=a")
        expect(from_row).to_contain_text("same")
        dialog.get_by_label("Only what differs").check()
        expect(from_row).not_to_be_visible()
        page.keyboard.press("Escape")
        expect(dialog).not_to_be_visible()
        expect(chosen_row(page)).to_have_attribute("data-n", "3")

    def test_a_retransmission_offers_its_first_sending(self, open_call: Open) -> None:
        page = open_call(MIDDLING, "#m54")
        shown_message(page).get_by_role("link", name="its first sending").click()
        expect(page.get_by_role("dialog")).to_contain_text("Nothing differs.")
        page.get_by_role("dialog").get_by_role("link", name="53. BYE").click()
        expect(page.get_by_role("dialog")).not_to_be_visible()
        expect(chosen_row(page)).to_have_attribute("data-n", "53")

    def test_a_message_offers_itself_one_hop_before(self, open_call: Open) -> None:
        page = open_call(MIDDLING, "#m3")
        expect(shown_message(page)).to_contain_text(
            "Compare with 1, the same one hop before"
        )

    def test_escape_ends_it(self, open_call: Open) -> None:
        page = open_call(MIDDLING, "#m3")
        page.keyboard.press("c")
        page.keyboard.press("Escape")
        expect(page.locator("[data-sv-comparebar]")).not_to_be_visible()


class TestTheLog:
    def test_choosing_a_line_marks_its_moment_in_the_ladder(
        self, open_call: Open
    ) -> None:
        page = open_call(MIDDLING)
        page.locator("#l9").click(position={"x": 300, "y": 8})
        expect(page.locator("#l9")).to_have_attribute("aria-current", "true")
        expect(chosen_row(page)).to_have_attribute("data-n", "44")

    def test_from_a_line_to_its_message_and_back(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        page.locator("#l9").get_by_role("link", name="message 44").click()
        expect(chosen_row(page)).to_be_in_viewport()
        expect(shown_message(page)).to_have_attribute("data-n", "44")
        shown_message(page).get_by_title("This line in the log").click()
        expect(page.locator("#l9")).to_be_in_viewport()
        expect(page.locator("#l9")).to_have_attribute("aria-current", "true")

    def test_who_clicks_quickly_is_shown_what_was_clicked_last(
        self, open_call: Open
    ) -> None:
        """A page that is still moving there from the last click would stop half-way."""
        page = open_call(MIDDLING)
        page.evaluate(
            """() => {
                window.scrollTo({ top: 1e6, behavior: "instant" });
                document.querySelector('#l9 a[href="#m44"]').click();
                document.querySelector('.sv-msg[data-n="44"] a[href="#l9"]').click();
            }"""
        )
        page.wait_for_timeout(1000)  # for whatever still moves
        expect(page.locator("#l9")).to_have_attribute("aria-current", "true")
        expect(page.locator("#l9")).to_be_in_viewport()

    def test_only_some_lines_by_level_source_and_text(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        lines = page.locator("#logs li:visible")
        expect(lines).to_have_count(12)
        choice(page, "level", "Warnings and errors").click()
        expect(lines).to_have_count(4)
        choice(page, "source", "media-1").click()
        expect(lines).to_have_count(3)
        choice(page, "level", "All lines").click()
        choice(page, "source", "All sources").click()
        page.locator("[data-sv-logfind]").fill("Updated 3")
        expect(lines).to_have_count(1)
        reload(page)
        expect(lines).to_have_count(1)

    def test_lines_are_wrapped_or_not(self, open_call: Open) -> None:
        page = open_call(MIDDLING)
        line = page.locator("#l1 .sv-line")
        expect(line).to_have_css("white-space", "pre-wrap")
        page.get_by_role("button", name="Wrap lines").click()
        expect(line).to_have_css("white-space", "pre")

    def test_the_rest_of_a_long_one_comes_when_it_is_looked_at(
        self, open_call: Open
    ) -> None:
        page = open_call(LONG)
        last = page.locator("#logs .sv-piece").last
        assert last.get_attribute("data-later") is not None
        last.scroll_into_view_if_needed()
        expect(last.locator("li").first).to_be_visible()


class TestALongCall:
    def test_shows_only_once_what_it_does_over_and_over(self, open_call: Open) -> None:
        page = open_call(LONG)
        expect(rows(page)).to_have_count(20)
        page.get_by_role("button", name="The 7 messages above 711 times more").click()
        expect(page.locator(".sv-ladder .sv-piece")).to_have_count(25)
        expect(page.locator("#r200")).to_be_attached()
        reload(page)
        expect(page.locator("#r200")).to_be_attached()

    def test_shows_all_where_the_reader_asks_for_one_of_those(
        self, open_call: Open
    ) -> None:
        page = open_call(LONG, "#m2500")
        expect(chosen_row(page)).to_have_attribute("data-n", "2500")
        expect(chosen_row(page)).to_be_in_viewport()

    def test_opens_with_a_part_and_gets_more_where_one_looks(
        self, open_call: Open
    ) -> None:
        page = open_call(LONG, "&repeats=shown")
        drawn = page.locator(".sv-ladder .sv-piece:not([data-later])")
        assert 1 <= drawn.count() <= 3
        drawing = page.locator(".sv-drawing")
        drawing.evaluate("each => { each.scrollTop = each.scrollHeight / 2; }")
        middle = page.locator('.sv-ladder .sv-piece[data-first="2401"]')
        expect(middle.locator(".sv-row").first).to_be_attached()
        assert drawn.count() < 10

    def test_a_link_to_a_message_far_down_opens_there(self, open_call: Open) -> None:
        page = open_call(LONG, "&repeats=shown#m4321")
        expect(chosen_row(page)).to_have_attribute("data-n", "4321")
        expect(chosen_row(page)).to_be_in_viewport()
        expect(shown_message(page)).to_have_attribute("data-n", "4321")
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "4322")

    def test_one_steps_from_one_part_into_the_next(self, open_call: Open) -> None:
        page = open_call(LONG, "&repeats=shown#m400")
        expect(chosen_row(page)).to_have_attribute("data-n", "400")
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "401")
        expect(chosen_row(page)).to_be_in_viewport()

    def test_says_so_where_the_link_has_expired_meanwhile(
        self, open_call: Open, faults: list[str]
    ) -> None:
        page = open_call(LONG, "&repeats=shown")
        page.route("**/ladder?**", lambda route: route.fulfill(status=401, body="no"))
        page.locator(".sv-drawing").evaluate(
            "each => { each.scrollTop = each.scrollHeight / 2; }"
        )
        later = page.locator(".sv-ladder .sv-more[data-sv-loading]").first
        expect(later).to_have_attribute("data-sv-loading", re.compile("has expired"))
        faults[:] = [fault for fault in faults if "401" not in fault]

    def test_asks_again_where_the_server_is_busy(
        self, open_call: Open, faults: list[str]
    ) -> None:
        page = open_call(LONG, "&repeats=shown")
        asked: list[str] = []

        def busy_once(route: Route) -> None:
            asked.append(route.request.url)
            if asked.count(route.request.url) > 1:
                route.fallback()
                return
            route.fulfill(status=503, headers={"Retry-After": "1"}, body="busy")

        page.route("**/ladder?**", busy_once)
        page.locator(".sv-drawing").evaluate(
            "each => { each.scrollTop = each.scrollHeight / 2; }"
        )
        middle = page.locator('.sv-ladder .sv-piece[data-first="2401"]')
        expect(middle.locator(".sv-row").first).to_be_attached()
        faults[:] = [fault for fault in faults if "503" not in fault]


class TestKeys:
    def test_a_question_mark_opens_the_help(self, open_call: Open) -> None:
        page = open_call(SHORT)
        page.keyboard.press("?")
        expect(page.get_by_role("dialog", name="Keys")).to_be_visible()
        page.keyboard.press("Escape")
        expect(page.get_by_role("dialog", name="Keys")).not_to_be_visible()

    def test_they_can_be_turned_off(self, open_call: Open) -> None:
        page = open_call(SHORT)
        page.get_by_role("button", name="Keys").click()
        page.get_by_label("These keys work on this page").uncheck()
        page.keyboard.press("Escape")
        page.keyboard.press("j")
        reload(page)
        page.keyboard.press("j")
        expect(chosen_row(page)).to_have_attribute("data-n", "4")


class TestWithoutScript:
    def test_every_way_to_see_the_call_is_a_link(
        self, unscripted: Callable[[str], Page]
    ) -> None:
        page = unscripted(MIDDLING)
        expect(page.locator(".sv-heads .sv-who")).to_have_count(3)
        choice(page, "ports", "by port").click()
        expect(page.locator(".sv-heads .sv-who")).to_have_count(4)
        expect(page.locator(".sv-row.sv-again").last).not_to_be_visible()
        choice(page, "again", "shown").click()
        expect(page.locator(".sv-row.sv-again").last).to_be_visible()
        choice(page, "find", "BYE").click()
        expect(page.locator(".sv-row")).to_have_count(6)
        expect(page.get_by_text("6 of 57 messages fit “BYE”")).to_be_visible()
        choice(page, "level", "Errors").click()
        expect(page.locator("#logs li")).to_have_count(1)
        expect(page.locator(".sv-heads .sv-who")).to_have_count(4)

    def test_two_messages_are_compared_on_a_page_of_their_own(
        self, unscripted: Callable[[str], Page]
    ) -> None:
        page = unscripted(MIDDLING)
        page.locator('.sv-msg[data-n="3"] > summary').click()
        page.get_by_role("link", name="Compare with 1, the same one hop before").click()
        expect(page.get_by_role("heading", level=1)).to_have_text("Messages 1 and 3")
        page.get_by_role("link", name="Back to the call").click()
        expect(page.get_by_role("heading", level=1)).to_contain_text("Answered")

    def test_a_long_call_is_read_page_by_page(
        self, unscripted: Callable[[str], Page]
    ) -> None:
        page = unscripted(LONG)
        page.get_by_role("button", name="The 7 messages above 711 times more").click()
        expect(page.locator("#r4201")).to_have_count(0)
        page.locator(".sv-ladder").get_by_text("Messages 4,201 to 4,400").click()
        expect(page.locator("#r4201")).to_be_visible()
        expect(page.locator("#m4201")).to_be_attached()
        expect(page.locator("#r1")).to_have_count(0)
