"""The command as it is typed, in a process of its own."""

from __future__ import annotations

import json
import os
import pty
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

Flask = Callable[..., "subprocess.CompletedProcess[str]"]

APP = """
from flask import Flask
from flask_sipvault import SIPVault

app = Flask(__name__, instance_path={instance!r})
app.config.update(SIPVAULT_HMAC_SECRET="the secret of the app",
                  SIPVAULT_CUSTOMER_ID="of-the-app")
SIPVault(app)
"""


@pytest.fixture
def flask(tmp_path: Path) -> Flask:
    """Run ``flask …`` in an empty folder with nothing but this in its environment."""

    def run(*words: str | Path, **settings: str) -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [sys.executable, "-W", "error", "-m", "flask", *map(str, words)],
            cwd=tmp_path,
            env=_environment(settings),
            capture_output=True,
            encoding="utf-8",
            stdin=subprocess.DEVNULL,
            timeout=60,
        )

    return run


def _environment(settings: dict[str, str]) -> dict[str, str]:
    return {"PATH": os.environ["PATH"], "LANG": "C.UTF-8", **settings}


def test_without_an_app_the_environment_has_the_settings(
    flask: Flask, agent_corpus: Path, tmp_path: Path
) -> None:
    settings = {"SIPVAULT_STORE": str(tmp_path / "vault")}
    settings["SIPVAULT_LOOKBACK_DAYS"] = "3650"
    capture = agent_corpus / "busy_486.pcap"
    imported = flask("sipvault", "import", "--json", capture, **settings)
    assert (imported.returncode, imported.stderr) == (0, "")
    assert json.loads(imported.stdout)["customer_id"] == "sippulse"
    shown = flask("sipvault", "show", "--json", "1-28256@127.0.0.2", **settings)
    assert (shown.returncode, shown.stderr) == (0, "")
    assert json.loads(shown.stdout)["outcome"]["status"] == "busy"


def test_an_app_s_settings_come_first(
    flask: Flask, agent_corpus: Path, tmp_path: Path
) -> None:
    (tmp_path / "app.py").write_text(APP.format(instance=str(tmp_path)))
    capture = agent_corpus / "busy_486.pcap"
    imported = flask("sipvault", "import", "--json", capture)
    assert (imported.returncode, imported.stderr) == (0, "")
    found = json.loads(imported.stdout)
    assert found["customer_id"] == "of-the-app"
    assert (tmp_path / "sipvault" / "of-the-app" / found["key"][0]).is_file()


@pytest.mark.parametrize(
    ("words", "code", "complaint"),
    [
        ([], "import a_module_that_is_not_there", "a_module_that_is_not_there"),
        ([], "nothing = 'that is an app'", "Failed to find Flask application"),
        ([], "from flask import Flask\napp = Flask(__name__)", "has no SIPVault"),
        (["--app", "elsewhere"], "", "elsewhere"),
        (
            [],
            APP.format(instance="/").replace("the secret of the app", ""),
            "SIPVAULT_HMAC_SECRET",
        ),
    ],
)
def test_an_app_that_cannot_serve_is_reported_and_not_passed_over(
    flask: Flask, tmp_path: Path, words: list[str], code: str, complaint: str
) -> None:
    (tmp_path / "app.py").write_text(code)
    settings = {"SIPVAULT_STORE": str(tmp_path / "vault")}
    result = flask(*words, "sipvault", "show", "1@h", **settings)
    assert result.returncode in (1, 2)
    assert result.stdout == ""
    assert complaint in result.stderr
    assert "flask_sipvault/cli" not in result.stderr  # no traceback of ours


def test_a_missing_setting_is_named_in_one_line(flask: Flask) -> None:
    result = flask("sipvault", "show", "1@h")
    assert result.returncode == 1
    assert result.stderr.startswith("Error: SIPVAULT_STORE is missing")
    assert len(result.stderr.splitlines()) == 1


def test_help_needs_neither_app_nor_settings(flask: Flask) -> None:
    result = flask("sipvault", "--help")
    assert result.returncode == 0
    for command in ("import", "link", "prune", "show", "verify"):
        assert f"\n  {command} " in result.stdout


def test_a_result_that_the_terminal_cannot_show_is_no_failure(
    flask: Flask, agent_corpus: Path, tmp_path: Path
) -> None:
    settings = {"SIPVAULT_STORE": str(tmp_path), "PYTHONIOENCODING": "ascii"}
    capture = agent_corpus / "strange_callid.pcap"
    result = flask("sipvault", "import", capture, **settings)
    assert result.returncode == 0
    assert "1-10044-caf?@127.0.0.2" in result.stdout


def test_whoever_watches_sees_the_progress_beside_the_results(
    agent_corpus: Path, tmp_path: Path
) -> None:
    watched, terminal = pty.openpty()
    command = [sys.executable, "-m", "flask", "sipvault", "import", "--json"]
    process = subprocess.run(
        [*command, str(agent_corpus / "busy_486.pcap")],
        cwd=tmp_path,
        env=_environment({"SIPVAULT_STORE": str(tmp_path), "TERM": "xterm"}),
        stdout=subprocess.PIPE,
        stderr=terminal,
        timeout=60,
    )
    os.close(terminal)
    shown = os.read(watched, 65536)
    os.close(watched)
    assert b"Reading" in shown
    assert b"100%" in shown
    found: dict[str, Any] = json.loads(process.stdout)
    assert found["messages"] == 5
