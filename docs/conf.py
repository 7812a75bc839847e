"""How Sphinx makes the documentation: ``make docs``."""

from __future__ import annotations

import flask_sipvault

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
