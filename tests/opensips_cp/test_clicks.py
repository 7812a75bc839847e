"""A viewer that PHP really runs, and a dashboard that its buttons really lead to."""

from __future__ import annotations

import html
import http.cookiejar
import os
import re
import socket
import subprocess
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urljoin

import pytest
from flask import Flask
from werkzeug.serving import make_server

from flask_sipvault import SIPVault
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from ..ports import free_port
from .conftest import Run
from .conftest import SECRET
from .panel import build
from .panel import CONFIG
from .panel import configure
from .panel import store

HOSTILE = "\"'><script>alert(1)</script>&amp;@h"
CUT = "f" * 64
AWKWARD = "a b+c%2B/é~@h"

#: Each generation, put in by each way that it offers.
WAYS = [("9.3", "template"), ("8.3", "template"), ("6.2", "template")]
WAYS += [("9.3", "config"), ("8.3", "config")]

Visit = Callable[[str], tuple[int, str, str]]


@pytest.fixture(scope="module")
def dashboard(
    tmp_path_factory: pytest.TempPathFactory, agent_corpus: Path
) -> Iterator[tuple[str, str]]:
    """Where a dashboard runs, and the only Call-ID in its vault."""
    folder = tmp_path_factory.mktemp("dashboard")
    app = Flask("host", instance_path=str(folder), root_path=str(folder))
    app.config.update(
        SIPVAULT_STORE=str(folder / "vault"),
        SIPVAULT_HMAC_SECRET=SECRET,
        SIPVAULT_CUSTOMER_ID="acme",
        # The recordings are of 23 November 2026.
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    SIPVault(app)
    with (agent_corpus / "answered_rtp.pcap").open("rb") as file:
        items = read_capture(file)
        call = next(import_capture(items, customer_id="acme", source="the tests"))
    with app.app_context():
        app.extensions["sipvault"].vault("acme").put(call)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", call.call_id
    server.shutdown()
    thread.join()
    server.server_close()


@pytest.fixture
def serve(need_tool: Callable[[str], str]) -> Iterator[Callable[[Path], str]]:
    """Let PHP serve a tree's web/; where the CDR viewer is then."""
    started: list[subprocess.Popen[bytes]] = []

    def serve(root: Path) -> str:
        address = f"127.0.0.1:{free_port()}"
        options = ["short_open_tag=1", "display_errors=1", "html_errors=0"]
        given = [word for option in options for word in ("-d", option)]
        command = [need_tool("php"), *given, "-S", address, "-t", str(root / "web")]
        php = subprocess.Popen(
            command,
            # What stands in the generator is what counts here.
            env={"PATH": os.environ["PATH"]},
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        started.append(php)
        host, port = address.split(":")
        for _ in range(100):
            with socket.socket() as probe:
                if probe.connect_ex((host, int(port))) == 0:
                    break
            time.sleep(0.05)
        return f"http://{address}/tools/system/cdrviewer/cdrviewer.php"

    yield serve
    for php in started:
        php.terminate()
        php.wait()


@pytest.fixture
def visit() -> Visit:
    """Open an address as one browser does: status, where it ended, and the page."""
    jar = http.cookiejar.CookieJar()
    opener = urllib.request.build_opener(urllib.request.HTTPCookieProcessor(jar))

    def visit(url: str) -> tuple[int, str, str]:
        try:
            answer = opener.open(url)
        except urllib.error.HTTPError as error:
            answer = error
        with answer:
            return answer.status, answer.url, answer.read().decode()

    return visit


def log_in(visit: Visit, viewer: str, tools: str = "*") -> None:
    visit(urljoin(viewer, f"/login.php?tools={tools}"))


def buttons(page: str) -> list[str]:
    """Where the buttons of a page lead."""
    links = re.findall(r'<a href="(sipvault\.php[^"]*)"', page)
    return [html.unescape(link) for link in links]


@pytest.fixture
def panel(
    tmp_path: Path, run: Run, dashboard: tuple[str, str]
) -> Callable[[str, str], Path]:
    """A tree of a generation with the button in it, and CDRs of every kind."""
    address, recorded = dashboard

    def make(generation: str, mode: str) -> Path:
        root = build(tmp_path / "panel", generation)
        if generation == "9.3" and mode == "config":
            # What the administrator sets in the Control Panel itself.
            shown = {"callid": "Sip Call ID", "id": "SIP VAULT"}
            configure(root, show_field=shown)
        store(root, [recorded, "", None, " ", HOSTILE, CUT, AWKWARD])
        options = ["--base-url", address, "--customer", "acme", "--mode", mode]
        assert run("install", root, *options).exit_code == 0
        return root

    return make


@pytest.mark.parametrize(("generation", "mode"), WAYS)
def test_every_row_with_a_call_id_leads_to_its_call_or_to_an_honest_404(
    generation: str,
    mode: str,
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
    dashboard: tuple[str, str],
) -> None:
    address, recorded = dashboard
    viewer = serve(panel(generation, mode))
    log_in(visit, viewer)
    status, _, page = visit(viewer)
    assert status == 200
    assert "Warning" not in page
    assert "<script" not in page
    assert "SIP VAULT</th>" in re.sub(r"<\?php.*?\?>", "", page)
    found = [visit(urljoin(viewer, link)) for link in buttons(page)]
    assert [status for status, _, _ in found] == [200, 404, 404, 404]
    for (_, url, body), call_id in zip(
        found, [recorded, HOSTILE, CUT, AWKWARD], strict=True
    ):
        assert url.startswith(f"{address}/call/")
        assert html.escape(call_id, quote=False) in body.replace("&#34;", '"').replace(
            "&#39;", "'"
        )
        assert "<script>alert" not in body
    assert "CHAR(64)" in found[2][2]


@pytest.mark.parametrize(("generation", "mode"), WAYS)
def test_the_viewer_keeps_its_globals_and_its_database(
    generation: str,
    mode: str,
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
    run: Run,
) -> None:
    root = panel(generation, mode)
    viewer = serve(root)
    log_in(visit, viewer)
    pages = [visit(viewer)[2]]
    run("uninstall", root)
    pages.append(visit(viewer)[2])
    told = [re.findall("<p>(?:globals|link): .*?</p>", page) for page in pages]
    assert told[0] == told[1]
    assert "<p>link: cdrs.json</p>" in told[0]
    assert [bool(buttons(page)) for page in pages] == [True, False]


def test_the_paging_row_spans_the_new_column(
    panel: Callable[[str, str], Path], serve: Callable[[Path], str], visit: Visit
) -> None:
    viewer = serve(panel("9.3", "template"))
    log_in(visit, viewer)
    assert '<th colspan="4">' in visit(viewer)[2]


def test_a_list_is_signed_when_it_is_clicked_and_not_when_it_is_drawn(
    panel: Callable[[str, str], Path], serve: Callable[[Path], str], visit: Visit
) -> None:
    viewer = serve(panel("9.3", "template"))
    log_in(visit, viewer)
    page = visit(viewer)[2]
    assert "sig=" not in page
    _, url, _ = visit(urljoin(viewer, buttons(page)[0]))
    assert f"ts={int(time.time() // 3600)}&sig=" in url


def test_whoever_is_not_logged_in_gets_no_link(
    panel: Callable[[str, str], Path], serve: Callable[[Path], str], visit: Visit
) -> None:
    viewer = serve(panel("9.3", "template"))
    status, url, page = visit(urljoin(viewer, "sipvault.php?callid=x"))
    assert (status, page) == (200, "Your session has expired")
    assert url.startswith(viewer.rsplit("/", 1)[0])


@pytest.mark.parametrize(("tools", "status"), [("dialog,siptrace", 403), ("", 403)])
def test_nor_does_who_may_not_see_the_cdrs(
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
    tools: str,
    status: int,
) -> None:
    viewer = serve(panel("9.3", "template"))
    log_in(visit, viewer, tools)
    assert visit(urljoin(viewer, "sipvault.php?callid=x"))[0] == status


def test_who_may_use_the_viewer_among_other_tools_gets_a_link(
    panel: Callable[[str, str], Path], serve: Callable[[Path], str], visit: Visit
) -> None:
    viewer = serve(panel("9.3", "template"))
    log_in(visit, viewer, "dialog,cdrviewer")
    _, url, _ = visit(urljoin(viewer, "sipvault.php?callid=x"))
    assert "/call/" in url


@pytest.mark.parametrize("query", ["", "?callid=", "?callid[]=x"])
def test_a_click_without_a_call_id_is_told_so(
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
    query: str,
) -> None:
    viewer = serve(panel("9.3", "template"))
    log_in(visit, viewer)
    status, _, page = visit(urljoin(viewer, f"sipvault.php{query}"))
    assert (status, page[:10]) == (400, "SIP VAULT:")


@pytest.mark.parametrize(("generation", "mode"), WAYS)
def test_without_the_generator_the_viewer_only_has_no_buttons(
    generation: str,
    mode: str,
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
) -> None:
    root = panel(generation, mode)
    (root / CONFIG / "sipvault.php").unlink()
    viewer = serve(root)
    log_in(visit, viewer)
    status, _, page = visit(viewer)
    assert (status, buttons(page)) == (200, [])
    assert "Warning" not in page
    assert "Sip Call ID" in page
    status, _, told = visit(urljoin(viewer, "sipvault.php?callid=x"))
    assert status == 500
    assert "cannot read config/tools/system/cdrviewer/sipvault.php" in told


def test_with_a_wrong_setting_the_viewer_works_and_the_click_tells_which(
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
) -> None:
    root = panel("9.3", "template")
    path = root / CONFIG / "sipvault.php"
    path.write_text(path.read_text().replace("http://127.0.0.1", "127.0.0.1"))
    viewer = serve(root)
    log_in(visit, viewer)
    status, _, page = visit(viewer)
    assert status == 200
    status, _, told = visit(urljoin(viewer, buttons(page)[0]))
    assert status == 500
    assert "SIPVAULT_BASE_URL" in told
    assert "secret of the" not in told


@pytest.mark.parametrize("field", ["no_such_column", "", None, ["callid"]])
@pytest.mark.parametrize("generation", ["9.3", "8.3"])
def test_with_a_wrong_column_the_viewer_only_has_no_buttons(
    panel: Callable[[str, str], Path],
    serve: Callable[[Path], str],
    visit: Visit,
    field: object,
    generation: str,
) -> None:
    root = panel(generation, "template")
    configure(root, sip_call_id_field_name=field)
    viewer = serve(root)
    log_in(visit, viewer)
    status, _, page = visit(viewer)
    assert (status, buttons(page)) == (200, [])
    assert "Sip Call ID" in page
