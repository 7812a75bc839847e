"""The command line, run in this process, beside an app or where there is none."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result
from flask import Flask

from flask_sipvault import SIPVault
from flask_sipvault.cli import cli

Run = Callable[..., Result]

SECRET = "a secret of the tests"
BASE_URL = "https://vault.example"


@pytest.fixture
def environment(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Settings in the environment alone, in a folder without an app; the store."""
    store = tmp_path / "vault"
    # Looking for an app, Flask puts the working folder on the path.
    monkeypatch.setattr(sys, "path", list(sys.path))
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("SIPVAULT_STORE", str(store))
    monkeypatch.setenv("SIPVAULT_HMAC_SECRET", SECRET)
    monkeypatch.setenv("SIPVAULT_CUSTOMER_ID", "acme")
    monkeypatch.setenv("SIPVAULT_BASE_URL", BASE_URL)
    # The recordings are of 23 November 2026.
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "3650")
    return store


@pytest.fixture
def run(environment: Path) -> Run:
    """Run ``flask sipvault …`` without an app."""

    def run(*words: str | Path, **options: object) -> Result:
        return CliRunner().invoke(cli, [str(word) for word in words], **options)

    return run


@pytest.fixture
def run_in_app(tmp_path: Path) -> Run:
    """Run ``flask sipvault …`` beside an app with a store of its own."""
    app = Flask(__name__, instance_path=str(tmp_path))
    app.config.update(
        SIPVAULT_STORE=str(tmp_path / "vault of the app"),
        SIPVAULT_HMAC_SECRET="the secret of the app",
        SIPVAULT_CUSTOMER_ID="acme",
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    SIPVault(app)

    def run(*words: str | Path) -> Result:
        return app.test_cli_runner().invoke(cli, [str(word) for word in words])

    return run
