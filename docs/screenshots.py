"""Take the pictures of ``docs/images/calls``: eight kinds of call, on a desk and on a
phone, light and dark; and the one that the README shows.

::

    python -m docs.screenshots

It fills the example anew in a folder that is thrown away, serves it on loopback, and
drives the system's Chromium. It needs Playwright and Pillow. Look at what comes out
before it is committed.
"""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Literal

from PIL import Image
from playwright.sync_api import Browser
from playwright.sync_api import Page
from playwright.sync_api import sync_playwright
from werkzeug.serving import make_server

from example_app import create_app
from example_app import fill

IMAGES = Path(__file__).parent / "images" / "calls"

#: By the name of the picture: the customer, the Call-ID, and what is added to the link.
CALLS = {
    "answered": ("globex", "1-28759@127.0.0.2", ""),
    "busy": ("acme", "1-28256@127.0.0.2", ""),
    "cancelled": ("acme", "1-28514@127.0.0.2", ""),
    "no-answer": ("acme", "1-31956@127.0.0.2", ""),
    "challenged": ("acme", "1-32527@127.0.0.2", ""),
    "lossy": ("acme", "1-23321@127.0.0.2", ""),
    "legs": ("acme", "1-8285@127.0.0.2", "&with=1-8285@127.0.0.2-b2b_1"),
    "one-way": ("acme", "1-23729@127.0.0.2", ""),
}

#: What the README shows.
FRONT = ("acme", "7f1c-29a4-bad-audio@127.0.0.2")

#: By the name of the screen: its width, and the height of the picture at most.
SCREENS = {"desktop": (1280, 1200), "phone": (390, 1200)}
COLOURS: tuple[Literal["light", "dark"], ...] = ("light", "dark")

#: So many colours keep text sharp and files small.
PALETTE = 72


def main() -> None:
    IMAGES.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as folder:
        app = create_app(folder)
        fill.fill(app)
        server = make_server("127.0.0.1", 0, app, threaded=True)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        root = f"http://127.0.0.1:{server.server_port}"
        with sync_playwright() as playwright:
            browser = playwright.chromium.launch(
                executable_path=shutil.which("chromium"), args=["--no-sandbox"]
            )

            def link_to(call_id: str, customer: str) -> str:
                with app.test_request_context():
                    link: str
                    link = app.extensions["sipvault"].url_for_call(call_id, customer)
                return link

            for name, (customer, call_id, more) in CALLS.items():
                link = link_to(call_id, customer) + more
                with logged_in(browser, customer, root) as page:
                    take(page, name, link)
            customer, call_id = FRONT
            with logged_in(browser, customer, root) as page:
                page.set_viewport_size({"width": 1280, "height": 900})
                page.goto(link_to(call_id, customer))
                page.wait_for_load_state("networkidle")
                save(page.screenshot(full_page=True), 1160, IMAGES.parent / "call-page")
            browser.close()
        server.shutdown()


@contextlib.contextmanager
def logged_in(browser: Browser, customer: str, root: str) -> Iterator[Page]:
    context = browser.new_context(base_url=root, locale="en", color_scheme="light")
    page = context.new_page()
    page.goto("/login")
    page.get_by_label("Name").fill(customer)
    page.get_by_label("Password").fill(customer)
    page.get_by_role("button", name="Log in").click()
    yield page
    context.close()


def take(page: Page, name: str, link: str) -> None:
    """The four pictures of one call."""
    for screen, (width, height) in SCREENS.items():
        page.set_viewport_size({"width": width, "height": 900})
        page.goto(link)
        page.wait_for_load_state("networkidle")
        for colours in COLOURS:
            page.emulate_media(color_scheme=colours)
            picture = IMAGES / f"{name}-{screen}-{colours}"
            save(page.screenshot(full_page=True), height, picture)


def save(png: bytes, height: int, path: Path) -> None:
    """Write a picture with a palette of few colours."""
    picture = Image.open(io.BytesIO(png)).convert("RGB")
    picture = picture.crop((0, 0, picture.width, min(height, picture.height)))
    few = picture.quantize(PALETTE, dither=Image.Dither.NONE)
    few.save(path.with_suffix(".png"), optimize=True)


if __name__ == "__main__":
    main()
