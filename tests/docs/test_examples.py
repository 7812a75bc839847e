"""Every example of the documentation, run; what it links to, opened."""

from __future__ import annotations

import asyncio
import html
import importlib.util
import json
import os
import re
import subprocess
import sys
from collections.abc import Callable
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from types import ModuleType
from typing import Any
from urllib.parse import urlsplit

import pytest
from flask import Flask
from werkzeug.test import Client

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "docs" / "examples"
GENERATORS = ROOT / "flask_sipvault" / "generators"

SECRET = "a secret of the tests"
SETTINGS = {
    "SIPVAULT_BASE_URL": "http://localhost",
    "SIPVAULT_CUSTOMER_ID": "acme",
    "SIPVAULT_HMAC_SECRET": SECRET,
}


@pytest.fixture(autouse=True)
def settings(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    for name, value in SETTINGS.items():
        monkeypatch.setenv(name, value)
    monkeypatch.setenv("SIPVAULT_STORE", str(tmp_path / "vault"))
    monkeypatch.syspath_prepend(str(EXAMPLES))
    monkeypatch.syspath_prepend(str(GENERATORS))


@pytest.fixture
def example(settings: None) -> Iterator[Callable[[str], ModuleType]]:
    """Run an example afresh, with the generator beside it, and forget it again."""
    before = set(sys.modules)

    def load(name: str) -> ModuleType:
        spec = importlib.util.spec_from_file_location(name, EXAMPLES / f"{name}.py")
        assert spec is not None
        assert spec.loader is not None
        module = importlib.util.module_from_spec(spec)
        sys.modules[name] = module
        spec.loader.exec_module(module)
        return module

    yield load
    for name in set(sys.modules) - before:
        if name.endswith(("_viewer", "_host", "_task")) or name == "generate_link":
            del sys.modules[name]


def assert_one_button(page: str) -> None:
    """A button in the row with a Call-ID, none in the other, and a genuine link."""
    links = re.findall(r'<a href="([^"]+)"[^>]*>', page)
    assert len(links) == 1
    assert_genuine(html.unescape(links[0]))
    assert "alice" in page
    assert "bob" in page


def assert_genuine(link: str) -> None:
    """The dashboard takes it, and honestly says that it has no such call."""
    app = Flask("dashboard")
    SIPVault(app)
    parts = urlsplit(link)
    answer = app.test_client().get(
        f"{parts.path}?{parts.query}", headers={"Accept": "application/json"}
    )
    assert (answer.status_code, answer.json) == (
        404,
        {"error": "Call not found", "detail": answer.json["detail"]},
    )


def test_django(example: Callable[[str], ModuleType]) -> None:
    django = pytest.importorskip("django")
    from django.conf import settings as django_settings

    if not django_settings.configured:
        django_settings.configure(
            ROOT_URLCONF="django_viewer", ALLOWED_HOSTS=["*"], SECRET_KEY=SECRET
        )
        django.setup()
    example("django_viewer")
    from django.test import Client as DjangoClient

    client = DjangoClient()
    assert_one_button(client.get("/").content.decode())
    assert_genuine(client.get("/open/0")["Location"])


def test_fastapi(example: Callable[[str], ModuleType]) -> None:
    pytest.importorskip("fastapi")
    import httpx

    transport = httpx.ASGITransport(app=example("fastapi_viewer").app)

    async def ask(path: str) -> httpx.Response:
        async with httpx.AsyncClient(
            transport=transport, base_url="http://viewer"
        ) as client:
            return await client.get(path)

    def get(path: str) -> httpx.Response:
        # In a thread: Playwright, where other tests use it, has a loop in this one.
        with ThreadPoolExecutor(1) as thread:
            return thread.submit(lambda: asyncio.run(ask(path))).result()

    assert_one_button(get("/").text)
    assert_genuine(get("/open/0").headers["Location"])
    assert get("/open/1").status_code == 404


def test_plain_wsgi(example: Callable[[str], ModuleType]) -> None:
    viewer = Client(example("wsgi_viewer").application)
    assert_one_button(viewer.get("/").text)


def run_node(script: str, folder: Path, node: str) -> Any:
    """What a script prints as JSON, run beside what lies in the folder."""
    path = folder / "run.js"
    path.write_text(script)
    done = subprocess.run(
        [node, str(path)],
        # Debian's node-express lies there; npm's beside the viewer.
        env={
            **os.environ,
            "NODE_PATH": f"{folder / 'node_modules'}:/usr/share/nodejs",
        },
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    if "Cannot find module 'express'" in done.stderr:
        return None
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout)


def test_express(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    folder = tmp_path / "viewer"
    folder.mkdir()
    for source in (EXAMPLES / "express_viewer.js", GENERATORS / "generate_link.js"):
        (folder / source.name).write_text(source.read_text())
    answers = run_node(
        "const app = require('./express_viewer')\n"
        "const server = app.listen(0, '127.0.0.1', async () => {\n"
        "  const base = `http://127.0.0.1:${server.address().port}`\n"
        "  const list = await (await fetch(base)).text()\n"
        "  const opened = await fetch(base + '/open/0', { redirect: 'manual' })\n"
        "  const none = await fetch(base + '/open/1')\n"
        "  console.log(JSON.stringify([list, opened.headers.get('location'),"
        " none.status]))\n"
        "  process.exit(0)\n"
        "})\n",
        folder,
        need_tool("node"),
    )
    if answers is None:
        from tests.conftest import missing_tool

        missing_tool("express is not installed (Debian: node-express)")
    page, location, none = answers
    assert_one_button(page)
    assert_genuine(location)
    assert none == 404


def test_nextjs(need_tool: Callable[[str], str], tmp_path: Path) -> None:
    # Next compiles modules; to Node they are modules by the name of the file.
    route = tmp_path / "pages" / "api" / "open-call.mjs"
    route.parent.mkdir(parents=True)
    (tmp_path / "lib").mkdir()
    (tmp_path / "lib" / "generate_link.js").write_text(
        (GENERATORS / "generate_link.js").read_text()
    )
    source = (EXAMPLES / "nextjs_route.js").read_text()
    route.write_text(source.replace("lib/generate_link'", "lib/generate_link.js'"))
    answers = run_node(
        "import('./pages/api/open-call.mjs').then(({ default: handler }) => {\n"
        "  const answers = []\n"
        "  const response = {\n"
        "    status(code) { answers.push(code); return this },\n"
        "    json(body) { answers.push(body) },\n"
        "    redirect(code, url) { answers.push(code, url) },\n"
        "  }\n"
        "  handler({ query: { callId: 'a1@example.com' } }, response)\n"
        "  handler({ query: {} }, response)\n"
        "  console.log(JSON.stringify(answers))\n"
        "})\n",
        tmp_path,
        need_tool("node"),
    )
    assert answers[0] == 303
    assert_genuine(answers[1])
    assert answers[2:] == [400, {"error": "callId is missing"}]


def opened(app: Flask, page: str) -> int:
    """The status of what the page's one button leads to, from a browser of nobody's."""
    [href] = re.findall(r'href="([^"]+)"', page)
    client = app.test_client()
    return client.get(html.unescape(href), follow_redirects=True).status_code


def test_an_application_factory(example: Callable[[str], ModuleType]) -> None:
    apps = [example("factory_host").create_app(**SETTINGS) for _ in range(2)]
    for app in apps:
        assert opened(app, app.test_client().get("/cdr").text) == 404


def test_flask_login(example: Callable[[str], ModuleType], tmp_path: Path) -> None:
    pytest.importorskip("flask_login")
    app = example("flask_login_host").create_app(
        SECRET_KEY=SECRET,
        SIPVAULT_CUSTOMERS=[
            {"id": "acme", "secret": "the secret of acme"},
            {"id": "globex", "secret": "the secret of globex"},
        ],
    )
    alice, bob = app.test_client(), app.test_client()
    alice.get("/login/alice")
    bob.get("/login/bob")
    page = alice.get("/cdr").text
    [href] = [html.unescape(each) for each in re.findall(r'href="([^"]+)"', page)]
    assert alice.get(href, follow_redirects=True).status_code == 404
    # The button was drawn for alice, and nobody is let in without a login.
    assert bob.get(href).status_code == 401
    assert opened(app, page) == 401


def test_flask_security(example: Callable[[str], ModuleType]) -> None:
    pytest.importorskip("flask_security")
    from flask_security import UserMixin
    from flask_security.datastore import UserDatastore

    class Alice(UserMixin):
        active = True
        fs_uniquifier = "alice"
        roles: list[str] = []  # noqa: RUF012

    class Users(UserDatastore):
        def find_user(self, **_: Any) -> Any:
            return Alice()

    app = example("flask_security_host").create_app(
        Users(Alice, None),
        SECRET_KEY=SECRET,
        SECURITY_PASSWORD_SALT="salt",
        WTF_CSRF_ENABLED=False,
        **SETTINGS,
    )
    visitor, alice = app.test_client(), app.test_client()
    with alice.session_transaction() as session:
        session["_user_id"] = session["_fs_uniquifier"] = "alice"
        session["_fresh"] = True
        session["fs_cc"] = "set"
    signer = LinkSigner(SECRET, customer_id="acme")
    link = signer.url("a1@example.com")
    assert visitor.get(link).status_code in (302, 303, 401)
    assert alice.get(link).status_code == 404


def test_celery(example: Callable[[str], ModuleType]) -> None:
    pytest.importorskip("celery")
    task = example("celery_task").link_for_ticket
    link = task("a1@example.com")
    assert link.startswith("https://cdr.example.com/call/")
    assert_genuine(link)
