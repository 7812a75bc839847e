from __future__ import annotations

import os
import shutil
import stat
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest

from flask_sipvault.opensips_cp import lint

from .conftest import Run
from .conftest import SECRET
from .panel import build
from .panel import CONFIG
from .panel import snapshot
from .panel import TEMPLATE
from .panel import TEMPLATES
from .panel import VIEWER

GENERATOR = f"{CONFIG}/sipvault.php"
REDIRECT = f"{VIEWER}/sipvault.php"
BACKUP = f"{CONFIG}/cdrviewer.main.php.before-sipvault"

as_root = pytest.mark.skipif(
    os.geteuid() != 0, reason="only root can give a file to somebody else"
)


def state(run: Run, root: Path) -> str:
    """The first line of ``status``; its exit status tells whether all is well."""
    result = run("status", root)
    word = result.stdout.splitlines()[0]
    assert result.exit_code == (0 if word == "installed" else 1)
    return word


@pytest.mark.parametrize("generation", TEMPLATES)
def test_uninstall_leaves_every_file_as_it_was(
    tmp_path: Path, run: Run, generation: str
) -> None:
    root = build(tmp_path / "panel", generation)
    before = snapshot(root)
    assert state(run, root) == "not installed"
    assert run("install", root).exit_code == 0
    assert state(run, root) == "installed"
    assert snapshot(root) != before
    assert run("uninstall", root).exit_code == 0
    assert state(run, root) == "not installed"
    assert snapshot(root) == before


@pytest.mark.parametrize("generation", ["9.3", "8.3"])
def test_so_it_does_where_the_settings_file_was_changed(
    tmp_path: Path, run: Run, generation: str
) -> None:
    root = build(tmp_path / "panel", generation)
    before = snapshot(root)
    assert run("install", root, "--mode", "config").exit_code == 0
    assert state(run, root) == "installed"
    assert snapshot(root)[TEMPLATE] == before[TEMPLATE]
    assert run("uninstall", root).exit_code == 0
    assert snapshot(root) == before


def test_a_second_install_changes_nothing(root: Path, run: Run) -> None:
    run("install", root)
    before = snapshot(root)
    result = run("install", root)
    assert result.stdout.startswith("Installed already")
    assert snapshot(root) == before


def test_a_second_uninstall_changes_nothing(root: Path, run: Run) -> None:
    assert run("uninstall", root).stdout.startswith("Not installed")


def test_another_address_only_changes_the_generator(root: Path, run: Run) -> None:
    run("install", root)
    before = snapshot(root)
    run("install", root, "--base-url", "https://elsewhere.example")
    after = snapshot(root)
    assert [name for name in after if after[name] != before[name]] == [GENERATOR]


@pytest.mark.parametrize("inside", [".", "web", TEMPLATE])
def test_the_path_may_be_the_tree_its_web_folder_or_the_template(
    root: Path, run: Run, inside: str
) -> None:
    assert run("install", root / inside).exit_code == 0
    assert state(run, root) == "installed"


def test_a_path_may_be_relative_and_lead_through_links(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    (root.parent / "www").symlink_to(root / "web")
    monkeypatch.chdir(root.parent)
    assert run("install", "www").exit_code == 0
    assert (root / GENERATOR).is_file()


def test_a_template_that_is_a_link_stays_one(root: Path, run: Run) -> None:
    elsewhere = root.parent / "kept by configuration management"
    (root / TEMPLATE).rename(elsewhere)
    (root / TEMPLATE).symlink_to(elsewhere)
    before = elsewhere.read_bytes()
    run("install", root)
    assert (root / TEMPLATE).is_symlink()
    assert b"sipvault_cell" in elsewhere.read_bytes()
    run("uninstall", root)
    assert (root / TEMPLATE).is_symlink()
    assert elsewhere.read_bytes() == before


def test_a_folder_that_is_no_control_panel_is_named(tmp_path: Path, run: Run) -> None:
    result = run("install", tmp_path)
    assert result.exit_code == 1
    assert f"{tmp_path} is no OpenSIPS Control Panel" in result.stderr


def test_a_path_that_is_not_there_is_wrong_use(tmp_path: Path, run: Run) -> None:
    assert run("install", tmp_path / "nowhere").exit_code == 2


def test_settings_that_the_web_server_hands_out_are_refused(
    root: Path, run: Run
) -> None:
    shutil.move(root / "config", root / "web" / "config")
    (root / "config").symlink_to("web/config")
    result = run("install", root)
    assert result.exit_code == 1
    assert "would hand out the secret" in result.stderr
    assert not (root / GENERATOR).exists()


def test_an_unknown_template_is_refused_and_nothing_changed(
    root: Path, run: Run
) -> None:
    (root / TEMPLATE).write_bytes(b"<html>Details</html>\n")
    before = snapshot(root)
    result = run("install", root)
    assert result.exit_code == 1
    assert "Nothing was changed" in result.stderr
    assert state(run, root) == "not recognised"
    assert snapshot(root) == before


def test_somebody_elses_button_is_refused_and_nothing_changed(
    root: Path, run: Run
) -> None:
    path = root / TEMPLATE
    by_hand = b"<td><?= sipvault_button($result[$j]['callid']) ?></td>\n  </tr>"
    path.write_bytes(path.read_bytes().replace(b"  </tr>", by_hand))
    before = snapshot(root)
    for mode in ("template", "config"):
        assert "by hand" in run("install", root, "--mode", mode).stderr
    assert state(run, root) == "edited by hand"
    assert snapshot(root) == before


@pytest.mark.parametrize("name", [GENERATOR, REDIRECT])
def test_a_file_of_somebody_else_is_not_written_over(
    root: Path, run: Run, name: str
) -> None:
    (root / name).write_text("<?php // mine\n")
    before = snapshot(root)
    result = run("install", root)
    assert result.exit_code == 1
    assert "not of ours" in result.stderr
    assert run("uninstall", root).exit_code == 0
    assert snapshot(root) == before


def test_the_button_is_not_put_in_two_ways_at_once(root: Path, run: Run) -> None:
    run("install", root)
    before = snapshot(root)
    assert "uninstall it first" in run("install", root, "--mode", "config").stderr
    assert snapshot(root) == before


def test_a_version_without_drawn_columns_takes_the_button_in_its_template(
    tmp_path: Path, run: Run
) -> None:
    root = build(tmp_path / "panel", "6.2")
    assert "$display_fields" in run("install", root, "--mode", "config").stderr


def test_an_upgrade_that_wiped_it_is_told_and_mended(root: Path, run: Run) -> None:
    run("install", root)
    new = TEMPLATES["9.3"].replace(b"Page: 1", b"Page: one")
    (root / TEMPLATE).write_bytes(new)
    assert state(run, root) == "wiped by an upgrade"
    run("install", root)
    assert state(run, root) == "installed"
    assert (root / BACKUP).read_bytes() == new
    run("uninstall", root)
    assert (root / TEMPLATE).read_bytes() == new


@pytest.mark.parametrize("name", [GENERATOR, REDIRECT])
def test_a_missing_file_is_told_and_mended(root: Path, run: Run, name: str) -> None:
    run("install", root)
    (root / name).unlink()
    assert state(run, root) == "partly installed"
    assert name in run("status", root).stdout
    run("install", root)
    assert state(run, root) == "installed"


def test_a_half_made_edit_is_told_and_mended(root: Path, run: Run) -> None:
    run("install", root)
    whole = (root / TEMPLATE).read_bytes()
    (root / TEMPLATE).write_bytes(whole.replace(b"sipvault_cell($", b"sipvault_cel($"))
    assert state(run, root) == "partly installed"
    run("install", root)
    assert (root / TEMPLATE).read_bytes() == whole


def test_a_secret_that_everybody_can_read_is_told_and_mended(
    root: Path, run: Run
) -> None:
    run("install", root)
    (root / GENERATOR).chmod(0o644)
    assert "everybody can read it" in run("status", root).stdout
    run("install", root)
    assert state(run, root) == "installed"


def test_a_backup_of_another_version_is_left(root: Path, run: Run) -> None:
    run("install", root)
    path = root / TEMPLATE
    path.write_bytes(path.read_bytes().replace(b"Page: 1", b"Page: one"))
    result = run("uninstall", root)
    assert f"{root / BACKUP} is of another version" in result.stderr
    assert (root / BACKUP).read_bytes() == TEMPLATES["9.3"]


def test_the_secret_and_the_backup_lie_outside_web_and_are_private(
    root: Path, run: Run
) -> None:
    run("install", root)
    for name in (GENERATOR, BACKUP):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o640
    literal = SECRET.replace("\\", "\\\\").replace("'", "\\'").encode()
    holders = [name for name, (data, *_) in snapshot(root).items() if literal in data]
    assert holders == [GENERATOR]


def test_modes_are_kept(root: Path, run: Run) -> None:
    (root / TEMPLATE).chmod(0o754)
    run("install", root)
    for name in (TEMPLATE, REDIRECT):
        assert stat.S_IMODE((root / name).stat().st_mode) == 0o754


@as_root
def test_owners_and_groups_are_kept(root: Path, run: Run) -> None:
    os.chown(root / TEMPLATE, 33, 34)
    os.chown(root / CONFIG, 35, 36)
    run("install", root)
    owners = {name: entry[2:] for name, entry in snapshot(root).items()}
    assert owners[TEMPLATE] == owners[REDIRECT] == (33, 34)
    assert owners[GENERATOR] == owners[BACKUP] == (35, 36)


def test_who_cannot_keep_the_owner_begins_nothing(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(root)
    somebody_else = (root / TEMPLATE).stat().st_uid + 1
    monkeypatch.setattr(os, "geteuid", lambda: somebody_else)
    result = run("install", root)
    assert result.exit_code == 1
    assert "run this as root" in result.stderr
    assert snapshot(root) == before


def test_no_file_is_left_half_written(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = snapshot(root)

    def no_space(source: str, target: str) -> None:
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", no_space)
    result = run("install", root)
    assert result.exit_code == 1
    assert "No space left on device" in result.stderr
    assert snapshot(root) == before


def test_a_dry_run_shows_the_diff_and_changes_nothing(
    root: Path, run: Run, need_tool: Callable[[str], str]
) -> None:
    before = snapshot(root)
    result = run("install", root, "--dry-run")
    assert snapshot(root) == before
    run("install", root)
    after = snapshot(root)
    run("uninstall", root)
    subprocess.run(
        [need_tool("patch"), "-p0", "--binary", "-d", "/"],
        input=result.stdout_bytes,
        check=True,
        capture_output=True,
    )
    for name in (TEMPLATE, REDIRECT):
        assert (root / name).read_bytes() == after[name][0]


@pytest.mark.parametrize("command", ["install", "uninstall"])
@pytest.mark.parametrize("mode", ["template", "config"])
def test_no_command_prints_the_secret(
    root: Path, run: Run, command: str, mode: str
) -> None:
    if command == "uninstall":
        run("install", root, "--mode", mode)
    options = ["--mode", mode] if command == "install" else []
    printed = [
        run(command, root, *options, "--dry-run").output,
        run(command, root, *options).output,
        run("status", root).output,
    ]
    assert "secret of the" not in "".join(printed)


def test_php_is_asked_before_a_file_is_changed(
    root: Path, run: Run, need_tool: Callable[[str], str]
) -> None:
    need_tool("php")
    # Nothing may come before a namespace: ours would.
    path = root / TEMPLATE
    path.write_bytes(path.read_bytes().replace(b"<?php\n", b"<?php\nnamespace a;\n", 1))
    assert lint.problem(path.read_bytes()) == ""
    before = snapshot(root)
    result = run("install", root)
    assert result.exit_code == 1
    assert "PHP would not take it" in result.stderr
    assert snapshot(root) == before


def test_a_template_that_php_never_took_is_changed_all_the_same(
    root: Path, run: Run, need_tool: Callable[[str], str]
) -> None:
    need_tool("php")
    path = root / TEMPLATE
    path.write_bytes(path.read_bytes() + b"<?php if ( ?>\n")
    assert lint.problem(path.read_bytes())
    assert run("install", root).exit_code == 0


def test_without_php_nothing_is_asked(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", "/nonexistent")
    assert lint.problem(b"<?php if (") is None
    assert run("install", root).exit_code == 0


def test_the_secret_may_come_from_a_file(
    root: Path, run: Run, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("SIPVAULT_HMAC_SECRET")
    file = tmp_path / "secret"
    file.write_text("the secret in the file\n")
    result = run("install", root, "--secret-file", file, "--customer", "acme")
    assert result.exit_code == 0
    text = (root / GENERATOR).read_text()
    assert "?: 'the secret in the file')" in text
    assert "?: 'acme')" in text


def test_it_may_come_from_the_standard_input(root: Path, run: Run) -> None:
    run("install", root, "--secret-file", "-", input="the secret on stdin\r\n")
    assert "?: 'the secret on stdin')" in (root / GENERATOR).read_text()


def test_a_weak_one_is_written_only_where_that_is_asked_for(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    result = run("install", root, "--secret-file", "-", input="s3cr3t42\n")
    assert result.exit_code == 1
    assert "--secret-file is shorter than 16 characters" in result.output
    assert not (root / GENERATOR).exists()
    monkeypatch.setenv("SIPVAULT_WEAK_SECRETS", "true")
    assert run("install", root, "--secret-file", "-", input="s3cr3t42\n").exit_code == 0
    text = (root / GENERATOR).read_text()
    assert "getenv('SIPVAULT_WEAK_SECRETS') ?: 'true'" in text


def test_of_several_customers_the_one_asked_for_has_its_own_secret_written(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv(
        "SIPVAULT_CUSTOMERS",
        '[{"id": "acme", "secret": "the secret of acme"},'
        ' {"id": "other", "secret": ["the second secret", "the first secret"]}]',
    )
    run("install", root, "--customer", "other")
    text = (root / GENERATOR).read_text()
    assert "?: 'the second secret')" in text
    assert "acme" not in text
    assert run("install", root, "--customer", "nobody").exit_code == 2


@pytest.mark.parametrize(
    ("missing", "named"),
    [
        ("SIPVAULT_HMAC_SECRET", "--secret-file"),
        ("SIPVAULT_BASE_URL", "--base-url"),
    ],
)
def test_what_is_missing_is_named_with_its_remedy(
    root: Path, run: Run, monkeypatch: pytest.MonkeyPatch, missing: str, named: str
) -> None:
    monkeypatch.delenv(missing)
    before = snapshot(root)
    result = run("install", root)
    assert result.exit_code == 1
    assert missing in result.stderr
    assert named in result.stderr
    assert snapshot(root) == before


@pytest.mark.parametrize(
    "options",
    [("--base-url", "vault.example"), ("--customer", " acme"), ("--secret-file", "-")],
)
def test_options_are_checked_like_settings(
    root: Path, run: Run, options: tuple[str, str]
) -> None:
    result = run("install", root, *options, input="your-secret-here")
    assert result.exit_code == 1
    assert result.stderr.startswith(f"Error: {options[0]} ")
    assert "your-secret" not in result.output
