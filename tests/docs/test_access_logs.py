"""The access logs that the documentation sets up hold no key to a call."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from flask_sipvault import LinkSigner

from ..conftest import missing_tool
from ..ports import free_port

EXAMPLES = Path(__file__).parent.parent.parent / "docs" / "examples"
SECRET = "a secret of the tests"
LONG = 30  # seconds after which a test has failed

HOST = f"""
from flask import Flask
from flask_sipvault import SIPVault

app = Flask("host")
app.config.update(SIPVAULT_HMAC_SECRET={SECRET!r}, SIPVAULT_CUSTOMER_ID="acme")
SIPVault(app)
"""

LINK = LinkSigner(SECRET, customer_id="acme").url("call@host")
ASKED = {
    LINK: LINK.partition("?")[0],
    LINK.replace("?", "/call.json?"): LINK.partition("?")[0] + "/call.json",
    "/sipvault/open/the-key.of-a.click": "/sipvault/open/-",
    "/sipvault/shared/the-key.of-a.share": "/sipvault/shared/-",
    "/sipvault/shared/the-key.of-a.share/report.html": "/sipvault/shared/-/report.html",
    "/prefix/sipvault/shared/the-key.of-a.share": "/prefix/sipvault/shared/-",
    "/own/page?q=1": "/own/page",
}
KEYS = ("sig=", LINK.rpartition("sig=")[2], "the-key", "of-a", "callid", "referring")


@contextmanager
def running(command: list[str], port: int, **how: object) -> Iterator[None]:
    process = subprocess.Popen(command, **how)  # type: ignore[call-overload]
    try:
        end = time.monotonic() + LONG
        while True:
            try:
                socket.create_connection(("127.0.0.1", port), 1).close()
                break
            except OSError:
                assert process.poll() is None, "it has ended"
                assert time.monotonic() < end, "it does not listen"
                time.sleep(0.05)
        yield
    finally:
        process.terminate()
        process.wait(LONG)


def ask_all(port: int) -> None:
    for address in ASKED:
        request = urllib.request.Request(
            f"http://127.0.0.1:{port}{address}",
            headers={"Referer": f"http://host/referring{LINK}"},
        )
        try:
            urllib.request.urlopen(request, timeout=LONG).close()
        except urllib.error.HTTPError as error:
            error.close()


def check(log: str) -> None:
    lines = [line for line in log.splitlines() if '"GET ' in line]
    paths = [line.partition('"GET ')[2].partition(" HTTP/")[0] for line in lines]
    assert paths == list(ASKED.values())
    for key in KEYS:
        assert key not in log


def test_gunicorns(tmp_path: Path) -> None:
    if not (Path(sys.executable).parent / "gunicorn").exists():
        missing_tool("gunicorn is not installed")
    (tmp_path / "host.py").write_text(HOST)
    port, log = free_port(), tmp_path / "log"
    command = [sys.executable, "-m", "gunicorn", "--bind", f"127.0.0.1:{port}"]
    command += ["--config", str(EXAMPLES / "gunicorn_conf.py"), "host:app"]
    with (
        log.open("wb") as output,
        running(
            command,
            port,
            cwd=tmp_path,
            stdout=output,
            stderr=subprocess.STDOUT,
            env={**os.environ, "SIPVAULT_STORE": str(tmp_path / "vault")},
        ),
    ):
        ask_all(port)
    check(log.read_text())


def test_nginxs(tmp_path: Path, need_tool: Callable[[str], str]) -> None:
    nginx = need_tool("nginx")
    port, behind = free_port(), free_port()
    example = (EXAMPLES / "nginx.conf").read_text()
    example = example.replace("127.0.0.1:8080", f"127.0.0.1:{port}")
    example = example.replace("127.0.0.1:8000", f"127.0.0.1:{behind}")
    (tmp_path / "logs").mkdir()
    folders = "".join(
        f"{name}_temp_path {tmp_path}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    (tmp_path / "whole.conf").write_text(
        f"daemon off;\npid {tmp_path}/pid;\nerror_log {tmp_path}/logs/error.log crit;\n"
        f"events {{}}\nhttp {{\n{folders}{example}}}\n"
    )
    command = [nginx, "-p", str(tmp_path), "-c", str(tmp_path / "whole.conf")]
    # What is behind it need not be there: the line is written all the same.
    with running(command, port):
        ask_all(port)
    check((tmp_path / "logs" / "access.log").read_text())


@pytest.mark.parametrize("name", ["gunicorn_conf.py", "nginx.conf"])
def test_both_are_in_the_documentation(name: str) -> None:
    text = (EXAMPLES.parent / "deployment.rst").read_text()
    assert f".. literalinclude:: examples/{name}" in text
