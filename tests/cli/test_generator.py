from __future__ import annotations

import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest
from click.testing import Result

Run = Callable[..., Result]

SECRET = "a secret of the tests"

INTERPRETERS = {"php": "php", "node": "node", "python": sys.executable}


def printed(
    language: str, path: Path, need_tool: Callable[[str], str], **environment: str
) -> subprocess.CompletedProcess[str]:
    """What the written generator prints for a call, in an environment of its own."""
    return subprocess.run(
        [need_tool(INTERPRETERS[language]), str(path), "1-123@192.0.2.1"],
        env={"PATH": os.environ["PATH"], **environment},
        capture_output=True,
        text=True,
        check=False,
    )


@pytest.mark.parametrize("language", INTERPRETERS)
def test_it_makes_valid_links_with_the_secret_of_its_environment(
    run: Run, tmp_path: Path, need_tool: Callable[[str], str], language: str
) -> None:
    path = tmp_path / "generator"
    assert run("generator", language, "--output", str(path)).exit_code == 0
    assert SECRET not in path.read_text()
    done = printed(language, path, need_tool, SIPVAULT_HMAC_SECRET=SECRET)
    assert run("verify", done.stdout.strip()).stdout.startswith("valid")


@pytest.mark.parametrize("language", INTERPRETERS)
def test_without_a_secret_anywhere_it_says_so(
    run: Run, tmp_path: Path, need_tool: Callable[[str], str], language: str
) -> None:
    path = tmp_path / "generator"
    run("generator", language, "--output", str(path))
    done = printed(language, path, need_tool)
    assert (done.returncode, done.stdout) == (1, "")
    assert "SIPVAULT_HMAC_SECRET is not set" in done.stderr


@pytest.mark.parametrize("language", INTERPRETERS)
def test_on_request_the_secret_is_in_it_and_it_is_private(
    run: Run, tmp_path: Path, need_tool: Callable[[str], str], language: str
) -> None:
    path = tmp_path / "generator"
    path.write_text("what was there before, open to all")
    path.chmod(0o644)
    result = run("generator", language, "--embed-secret", "--output", str(path))
    assert result.exit_code == 0
    assert SECRET not in result.output
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    done = printed(language, path, need_tool)
    assert run("verify", done.stdout.strip()).stdout.startswith("valid")


def test_it_is_never_written_through_a_link(run: Run, tmp_path: Path) -> None:
    theirs = tmp_path / "theirs"
    theirs.write_text("somebody's")
    path = tmp_path / "generator.php"
    path.symlink_to(theirs)
    result = run("generator", "php", "--embed-secret", "--output", str(path))
    assert result.exit_code == 1
    assert "is a symbolic link" in result.stderr
    assert theirs.read_text() == "somebody's"


def test_it_is_never_written_into_a_file_of_somebody_else(
    run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "generator.php"
    path.write_text("somebody's")
    monkeypatch.setattr(os, "geteuid", lambda: os.getuid() + 1)
    result = run("generator", "php", "--embed-secret", "--output", str(path))
    assert result.exit_code == 1
    assert "belongs to another user" in result.stderr
    assert path.read_text() == "somebody's"


def test_without_a_secret_it_keeps_the_permissions_that_the_file_has(
    run: Run, tmp_path: Path
) -> None:
    path = tmp_path / "generator.php"
    run("generator", "php", "--output", str(path))
    path.chmod(0o664)
    assert run("generator", "php", "--output", str(path)).exit_code == 0
    assert stat.S_IMODE(path.stat().st_mode) == 0o664
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


def test_standard_output_holds_the_generator_and_nothing_else(run: Run) -> None:
    result = run("generator", "php")
    assert result.stdout.startswith("<?php")
    assert result.stderr == ""


def test_it_needs_the_base_url(run: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SIPVAULT_BASE_URL")
    result = run("generator", "php")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "SIPVAULT_BASE_URL is not set" in result.stderr


def test_another_language_is_a_wrong_use(run: Run) -> None:
    assert run("generator", "cobol").exit_code == 2


def test_a_folder_that_is_not_there_is_named(run: Run, tmp_path: Path) -> None:
    result = run("generator", "php", "--output", str(tmp_path / "no" / "x.php"))
    assert result.exit_code == 1
    assert "cannot write" in result.stderr
