"""The filled example served on loopback, and a browser that notices what goes wrong."""

from __future__ import annotations

import shutil
from collections.abc import Callable
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from playwright.sync_api import Page

from example_app import create_app
from example_app import fill

from .serving import serving

BROWSERS = ("chromium", "chromium-browser", "google-chrome")


@pytest.fixture(scope="session")
def browser_type_launch_args(
    browser_type_launch_args: dict[str, Any], need_tool: Callable[[str], str]
) -> dict[str, Any]:
    """The system's own Chromium, which root may only run without its sandbox."""
    path = next(filter(None, map(shutil.which, BROWSERS)), None)
    return {
        **browser_type_launch_args,
        "executable_path": path or need_tool(BROWSERS[0]),
        "args": ["--no-sandbox"],
    }


@pytest.fixture(scope="session")
def example(tmp_path_factory: pytest.TempPathFactory) -> Flask:
    """The example with its recorded calls."""
    app = create_app(str(tmp_path_factory.mktemp("example")))
    fill.fill(app)
    return app


@pytest.fixture(scope="session")
def base_url(example: Flask) -> Iterator[str]:
    """Where the example is served."""
    with serving(example) as address:
        yield address


@pytest.fixture
def browser_context_args(
    browser_context_args: dict[str, Any], base_url: str
) -> dict[str, Any]:
    """Each module's own address, where Playwright would keep the first one's."""
    return {**browser_context_args, "base_url": base_url}


@pytest.fixture(autouse=True)
def faults(page: Page, base_url: str) -> Iterator[list[str]]:
    """What the browser complains of, and what it asks of other hosts: nothing.

    A test that provokes an error page takes that complaint out of the list.
    """
    found: list[str] = []

    def watch(tab: Page) -> None:
        tab.on(
            "console",
            lambda message: (
                found.append(f"console: {message.text}")
                if message.type in ("error", "warning")
                else None
            ),
        )
        tab.on("pageerror", lambda error: found.append(f"script: {error}"))
        tab.on(
            "request",
            lambda request: (
                None
                if request.url.startswith((base_url + "/", "data:", "blob:"))
                else found.append(f"request: {request.url}")
            ),
        )

    page.context.on("page", watch)
    watch(page)
    yield found
    assert found == []
