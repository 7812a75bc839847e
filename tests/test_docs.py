"""What users can set and run stands in the documentation, and nothing else does."""

from __future__ import annotations

import re
from pathlib import Path

import click
import pytest

from flask_sipvault.cli import cli
from flask_sipvault.config.table import SETTINGS

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

TEXTS = [ROOT / "README.md", ROOT / "CHANGELOG.md", *DOCS.glob("*.rst")]


def commands(group: click.Group, prefix: str = "") -> dict[str, click.Command]:
    """Each command by its whole name, those of groups within the group too."""
    found: dict[str, click.Command] = {}
    for name, command in group.commands.items():
        if isinstance(command, click.Group):
            found |= commands(command, f"{prefix}{name} ")
        else:
            found[prefix + name] = command
    return found


COMMANDS = commands(cli)


def page(name: str) -> str:
    return (DOCS / f"{name}.rst").read_text()


@pytest.mark.parametrize("name", SETTINGS)
def test_every_setting_is_documented(name: str) -> None:
    assert f"``{name}``" in page("settings")


def test_no_document_names_a_setting_that_does_not_exist() -> None:
    named = {
        name
        for path in TEXTS
        for name in re.findall(r"\bSIPVAULT_[A-Z0-9_]*[A-Z0-9]\b", path.read_text())
    }
    assert named - {"SIPVAULT_S3"} <= set(SETTINGS)


@pytest.mark.parametrize(
    "name", sorted(path.name for path in DOCS.glob("*.rst") if path.stem != "index")
)
def test_every_page_can_be_found(name: str) -> None:
    assert f"(docs/{name})" in (ROOT / "README.md").read_text()
    assert f"\n   {name.removesuffix('.rst')}\n" in page("index")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_command_is_documented(command: str) -> None:
    assert f"flask sipvault {command}" in page("cli")


@pytest.mark.parametrize("command", sorted(COMMANDS))
def test_every_option_is_documented_with_its_command(command: str) -> None:
    section = re.split(r"^-{3,}$", page("cli"), flags=re.MULTILINE)
    text = next(part for part in section if f"\n``flask sipvault {command} " in part)
    for parameter in COMMANDS[command].params:
        if isinstance(parameter, click.Option):
            assert parameter.opts[0] in text


def test_no_document_names_a_command_that_does_not_exist() -> None:
    for path in TEXTS:
        named = re.findall(r"flask sipvault ([a-z][a-z-]+)", path.read_text())
        assert set(named) <= set(cli.commands), path


def test_every_page_is_in_the_table_of_contents() -> None:
    index = page("index")
    for path in DOCS.glob("*.rst"):
        assert path.stem == "index" or f"   {path.stem}\n" in index


def test_every_file_that_the_readme_links_to_is_there() -> None:
    links = re.findall(r"\]\(([^)#:]+)\)", (ROOT / "README.md").read_text())
    assert links
    for link in links:
        assert (ROOT / link).exists(), link


def test_the_tests_that_the_threat_model_names_exist() -> None:
    text = (ROOT / "docs" / "security.rst").read_text()
    table = text.partition("Threats, defences")[2].partition("In detail")[0]
    every = "\n".join(
        [*(str(path) for path in (ROOT / "tests").rglob("*"))]
        + [path.read_text() for path in (ROOT / "tests").rglob("test_*.py")]
    )
    named = re.findall(r"``(test_\w+|Test\w+|tests/[\w/]+)``", table)
    assert len(named) > 20
    assert [name for name in named if name not in every] == []
