from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

Run = Callable[..., Result]

DAY = 86_400 * 10**9


@pytest.fixture
def now() -> int:
    import time

    return time.time_ns()


@pytest.fixture
def store(environment: Path, now: int, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A call of each of the last ten days."""
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "7")
    root = environment / "acme"
    root.mkdir(parents=True)
    vault = Vault(FolderStore(root), customer_id="acme")
    for age in range(10):
        line = LogLine(now - age * DAY, "test", "a line")
        vault.put(Evidence("acme", f"{age}@h", logs=[line]))
    return root


def parts(store: Path) -> int:
    return len(list(store.rglob("*.zip")))


def test_what_can_no_longer_be_found_is_deleted(run: Run, store: Path) -> None:
    result = run("prune", "--yes")
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout == "Deleted 2 objects of customer acme, older than 7 days.\n"
    assert parts(store) == 8


def test_how_old_may_be_said(run: Run, store: Path) -> None:
    assert run("prune", "--yes", "--older-than", "3").exit_code == 0
    assert parts(store) == 4


def test_a_dry_run_lists_and_deletes_nothing(run: Run, store: Path) -> None:
    result = run("prune", "--dry-run")
    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 2
    for key in result.stdout.splitlines():
        assert re.fullmatch(r"calls/[0-9a-f]{16}/\d{4}-\d\d-\d\d/.+\.zip", key)
    assert "2 objects of customer acme" in result.stderr
    assert parts(store) == 10


@pytest.mark.parametrize(("answer", "left", "status"), [("n\n", 10, 1), ("y\n", 8, 0)])
def test_at_a_terminal_it_asks_first(
    run: Run,
    store: Path,
    monkeypatch: pytest.MonkeyPatch,
    answer: str,
    left: int,
    status: int,
) -> None:
    monkeypatch.setattr("flask_sipvault.cli.prune.at_a_terminal", lambda: True)
    result = run("prune", input=answer)
    assert result.exit_code == status
    assert "Delete 2 objects of customer acme" in result.stderr
    assert parts(store) == left


def test_where_nobody_can_answer_consent_is_needed_beforehand(
    run: Run, store: Path
) -> None:
    result = run("prune")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "--yes" in result.stderr
    assert parts(store) == 10


def test_without_a_look_back_nothing_is_too_old_by_itself(
    run: Run, store: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No limit must not be taken for no days to keep."""
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "0")
    result = run("prune", "--yes")
    assert result.exit_code == 2
    assert "--older-than" in result.stderr
    assert parts(store) == 10
    assert run("prune", "--yes", "--older-than", "3").exit_code == 0
    assert parts(store) == 4


@pytest.mark.parametrize("days", ["-1", "week"])
def test_what_is_no_number_of_days_is_a_wrong_use(
    run: Run, store: Path, days: str
) -> None:
    assert run("prune", "--yes", "--older-than", days).exit_code == 2
    assert parts(store) == 10
