"""How Sphinx makes the documentation: ``make docs``."""

from __future__ import annotations

from docutils import nodes
from docutils.statemachine import StringList
from sphinx.application import Sphinx
from sphinx.util.docutils import SphinxDirective

import flask_sipvault
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


def setup(app: Sphinx) -> None:
    app.add_directive("settings-table", SettingsTable)
