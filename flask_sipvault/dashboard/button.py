"""The button of a CDR row, made fast: a list page may hold a thousand of them."""

from __future__ import annotations

from pathlib import Path
from typing import cast

from flask import Flask
from flask import g
from jinja2 import Template
from markupsafe import escape
from markupsafe import Markup

#: Where a host puts a button of its own, in its template folder.
TEMPLATE = "sipvault/button.html"

_OWN_TEMPLATE = Path(__file__).parent / "templates" / "sipvault" / "button.html"

LABEL = "SIP VAULT"
CSS_CLASS = "btn btn-sm btn-info"
TITLE = "Open this call in SIP VAULT"


def button(
    href: str,
    *,
    label: str = LABEL,
    css_class: str = CSS_CLASS,
    icon: str = "",
    title: str = TITLE,
) -> Markup:
    """The link that opens a call in a new tab.

    It gives what the extension's own :data:`TEMPLATE` gives, without the cost of
    rendering one.

    :param icon: classes of an icon font, ``fa fa-search`` say; empty for none.
    """
    mark = f'<i class="{escape(icon)}" aria-hidden="true"></i> ' if icon else ""
    return Markup(  # noqa: S704 - every value in it is escaped
        f'<a class="{escape(css_class)}" target="_blank" rel="noopener"'
        f' href="{escape(href)}" title="{escape(title)}">{mark}{escape(label)}</a>'
    )


def host_template(app: Flask) -> Template | None:
    """The host's own button, or None where it left ours in place.

    Looked for once a request, not once a row. Rendered with ``href``, ``label``,
    ``css_class``, ``icon`` and ``title``.
    """
    if "_sipvault_button_template" not in g:
        template = app.jinja_env.get_template(TEMPLATE)
        is_ours = template.filename == str(_OWN_TEMPLATE)
        g._sipvault_button_template = None if is_ours else template
    return cast("Template | None", g._sipvault_button_template)
