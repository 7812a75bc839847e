"""A Control Panel in miniature, and the commands to put the button into it."""

from __future__ import annotations

import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import CliRunner
from click.testing import Result

from flask_sipvault.cli import cli

from .panel import build

Run = Callable[..., Result]

SECRET = "a secret of the 'tests' \\ $x"


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A tree of the newest generation."""
    return build(tmp_path / "opensips-cp")


@pytest.fixture
def run(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Run:
    """Run ``flask sipvault opensips-cp …`` where there is no app, nor a store."""
    monkeypatch.setattr(sys, "path", list(sys.path))
    (tmp_path / "work").mkdir()
    monkeypatch.chdir(tmp_path / "work")
    monkeypatch.setenv("SIPVAULT_HMAC_SECRET", SECRET)
    monkeypatch.setenv("SIPVAULT_BASE_URL", "https://vault.example")

    def run(*words: str | Path, **options: str) -> Result:
        words = ("opensips-cp", *map(str, words))
        return CliRunner().invoke(cli, list(words), **options)

    return run
