"""The button of a CDR row, made fast: a list page may hold a thousand of them."""

from __future__ import annotations

from dataclasses import asdict
from dataclasses import dataclass
from pathlib import Path

from flask import Flask
from jinja2 import Template
from markupsafe import escape
from markupsafe import Markup

from ..access.click import PageTokens
from ..access.links import CallIdError

#: Where a host puts a button of its own, in its template folder.
TEMPLATE = "sipvault/button.html"

_OWN_TEMPLATE = Path(__file__).parent / "templates" / "sipvault" / "button.html"


@dataclass(frozen=True, slots=True)
class Look:
    """How a button looks.

    :param icon: classes of an icon font, ``fa fa-search`` say; empty for none.
    """

    label: str = "SIP VAULT"
    css_class: str = "btn btn-sm btn-info"
    icon: str = ""
    title: str = "Open this call in SIP VAULT"


class Buttons:
    """The buttons of one page that lead to calls of one customer and look alike.

    :param tokens: of the customer and the user of the page.
    :param click_url: the address of the click route, up to the token.
    :param template: the host's own button, rendered with ``href`` and what
        :class:`Look` has; None for ours.
    """

    def __init__(
        self, tokens: PageTokens, click_url: str, look: Look, template: Template | None
    ) -> None:
        self._tokens = tokens
        self._click_url = click_url
        self._look = look
        self._template = template
        # What our own template gives, escaped once for all rows.
        icon = look.icon
        mark = f'<i class="{escape(icon)}" aria-hidden="true"></i> ' if icon else ""
        self._before = (
            f'<a class="{escape(look.css_class)}" target="_blank" rel="noopener"'
            f' href="{escape(click_url)}'
        )
        self._after = f'" title="{escape(look.title)}">{mark}{escape(look.label)}</a>'

    def draw(self, call_id: str) -> Markup:
        """The link that opens the call in a new tab.

        Empty for a Call-ID of which no link can be made: one odd row must not break a
        list.
        """
        try:
            token = self._tokens.make(call_id)
        except CallIdError:
            return Markup("")
        if self._template is None:
            # A token is base64url and dots: there is nothing to escape in it.
            return Markup(f"{self._before}{token}{self._after}")  # noqa: S704
        href = self._click_url + token
        # Jinja escapes every value in an HTML template.
        return Markup(  # noqa: S704
            self._template.render(href=href, **asdict(self._look))
        )


def host_template(app: Flask) -> Template | None:
    """The host's own button, or None where it left ours in place."""
    template = app.jinja_env.get_template(TEMPLATE)
    return None if template.filename == str(_OWN_TEMPLATE) else template
