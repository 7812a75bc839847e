from __future__ import annotations

import re
from pathlib import Path

from flask import Flask
from flask import render_template_string

from flask_sipvault import SIPVault
from flask_sipvault.access.click import ClickTokens
from flask_sipvault.dashboard.button import Buttons
from flask_sipvault.dashboard.button import host_template
from flask_sipvault.dashboard.button import Look
from flask_sipvault.dashboard.button import TEMPLATE

TOKENS = ClickTokens({"acme": ["a secret of the tests"]})


def drawn(look: Look, click_url: str = "/sipvault/open/") -> tuple[str, str]:
    """A button, and the token in it."""
    buttons = Buttons(TOKENS.for_page("acme"), click_url, look, None)
    made = str(buttons.draw("call@host"))
    found = re.search(r'([\w.-]+)" title=', made)
    assert found
    return made, found[1]


def test_the_button_is_the_guides() -> None:
    made, token = drawn(Look())
    assert TOKENS.open(token) == ("acme", "call@host")
    assert made == (
        '<a class="btn btn-sm btn-info" target="_blank" rel="noopener"'
        f' href="/sipvault/open/{token}" title="Open this call in SIP VAULT">'
        "SIP VAULT</a>"
    )


def test_every_part_of_it_can_be_the_hosts_and_is_escaped() -> None:
    look = Look(label="<b>", css_class='"x', icon="fa fa-search", title="'t")
    made, token = drawn(look, '/x?a=1&b="')
    assert made == (
        '<a class="&#34;x" target="_blank" rel="noopener"'
        f' href="/x?a=1&amp;b=&#34;{token}" title="&#39;t">'
        '<i class="fa fa-search" aria-hidden="true"></i> &lt;b&gt;</a>'
    )


def test_the_fast_button_is_the_templates(app: Flask) -> None:
    with app.app_context():
        template = app.jinja_env.get_template(TEMPLATE)
        tokens = TOKENS.for_page("acme")
        for icon in ("", "fa fa-search"):
            look = Look(icon=icon, label="<b>")
            fast, slow = (
                Buttons(tokens, "/x?a&b", look, each).draw("call@host")
                for each in (None, template)
            )
            assert fast == slow
        assert host_template(app) is None


def test_a_hosts_own_template_is_found(host: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "sipvault"
    folder.mkdir(parents=True)
    (folder / "button.html").write_text("<button data-to='{{ href }}'>Trace</button>")
    SIPVault(host)
    with host.test_request_context():
        made = host.extensions["sipvault"].button("call@host")
    assert made.startswith("<button data-to='/sipvault/open/")


def test_it_is_markup_in_a_template(app: Flask) -> None:
    with app.test_request_context():
        page = render_template_string("{{ sipvault_button('call@host') }}")
    assert page.startswith('<a class="btn btn-sm btn-info"')


def test_a_row_without_a_usable_call_id_has_no_button(app: Flask) -> None:
    with app.test_request_context():
        page = render_template_string(
            "{% for each in rows %}{{ sipvault_button(each) }}{% endfor %}",
            rows=["", None, "x" * 600, "a\nb"],
        )
    assert page == ""
