"""How Sphinx makes the documentation: ``make docs``."""

from __future__ import annotations

import re
from pathlib import Path

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import flask_sipvault
from flask_sipvault.analysis.words.catalogue import entries
from flask_sipvault.analysis.words.catalogue import EntryWords
from flask_sipvault.config.table import SETTINGS

project = "flask_sipvault"
author = "the authors of flask_sipvault"
project_copyright = author
version = release = flask_sipvault.__version__

extensions = ["sphinx.ext.autodoc"]
autodoc_member_order = "bysource"
autodoc_typehints = "description"
exclude_patterns = ["_build"]

html_theme = "furo"
html_title = f"flask_sipvault {version}"
html_copy_source = False


class SettingsTable(SphinxDirective):
    """``.. settings-table::``: every setting, by the table that loading goes by."""

    def run(self) -> list[nodes.Node]:
        lines = [".. list-table::", "   :header-rows: 1", ""]
        rows = [("name", "meaning", "default")]
        for setting in SETTINGS.values():
            rows.append((f"``{setting.name}``", setting.meaning, setting.shown_default))
        for name, meaning, default in rows:
            lines += [f"   * - {name}", f"     - {meaning}", f"     - {default}"]
        node = nodes.container()
        self.state.nested_parse(StringList(lines, source=__name__), 0, node)
        return list(node.children)


def write_findings(app: Sphinx) -> None:
    """``docs/findings``: a page for each finding, by the catalogue of the sources."""
    folder = Path(app.srcdir) / "findings"
    folder.mkdir(exist_ok=True)
    wanted = {f"{entry.id}.rst": _finding_page(entry) for entry in entries()}
    for path in folder.glob("*.rst"):
        if path.name not in wanted and path.name != "index.rst":
            path.unlink()
    for name, text in wanted.items():
        path = folder / name
        if not path.exists() or path.read_text() != text:
            path.write_text(text)


def _finding_page(entry: EntryWords) -> str:
    lines = [entry.title, "=" * len(entry.title), "", f"``{entry.id}``", ""]
    lines += [_plain(entry.meaning), ""]
    settings = tuple(f"{name}: {text}" for name, text in entry.settings)
    for title, texts in (
        ("What people notice", (entry.noticed,) if entry.noticed else ()),
        ("Causes", entry.causes),
        ("How to confirm", entry.confirm),
        ("How to fix", entry.fix),
        ("Settings", settings),
        ("What the finding says", entry.says),
        ("Standards", entry.standard),
    ):
        if texts:
            lines += [title, "-" * len(title), ""]
            lines += [f"- {_plain(text)}" for text in texts] + [""]
    return "\n".join(lines)


def _plain(text: str) -> str:
    """Text without meaning to reStructuredText."""
    return re.sub(r"([\\*`|_])", r"\\\1", text)


def setup(app: Sphinx) -> None:
    app.connect("builder-inited", write_findings)
    app.add_directive("settings-table", SettingsTable)
