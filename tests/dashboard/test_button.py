from __future__ import annotations

import time
from pathlib import Path

from flask import Flask
from flask import render_template_string

from flask_sipvault import SIPVault
from flask_sipvault.dashboard.button import button
from flask_sipvault.dashboard.button import CSS_CLASS
from flask_sipvault.dashboard.button import host_template
from flask_sipvault.dashboard.button import LABEL
from flask_sipvault.dashboard.button import TEMPLATE
from flask_sipvault.dashboard.button import TITLE


def test_the_button_is_the_guides() -> None:
    assert button("/sipvault/open/x") == (
        '<a class="btn btn-sm btn-info" target="_blank" rel="noopener"'
        ' href="/sipvault/open/x" title="Open this call in SIP VAULT">SIP VAULT</a>'
    )


def test_every_part_of_it_can_be_the_hosts_and_is_escaped() -> None:
    made = button(
        '/x?a=1&b="', label="<b>", css_class='"x', icon="fa fa-search", title="'t"
    )
    assert made == (
        '<a class="&#34;x" target="_blank" rel="noopener" href="/x?a=1&amp;b=&#34;"'
        ' title="&#39;t"><i class="fa fa-search" aria-hidden="true"></i> &lt;b&gt;</a>'
    )


def test_the_fast_button_is_the_templates(app: Flask) -> None:
    with app.app_context():
        template = app.jinja_env.get_template(TEMPLATE)
        for icon in ("", "fa fa-search"):
            rendered = template.render(
                href="/x?a&b", label=LABEL, css_class=CSS_CLASS, icon=icon, title=TITLE
            )
            assert rendered == button("/x?a&b", icon=icon)
        assert host_template(app) is None


def test_a_hosts_own_template_is_found(host: Flask, tmp_path: Path) -> None:
    folder = tmp_path / "templates" / "sipvault"
    folder.mkdir(parents=True)
    (folder / "button.html").write_text("<button data-to='{{ href }}'>Trace</button>")
    SIPVault(host)
    with host.test_request_context():
        made = host.extensions["sipvault"].button("call@host")
    assert made.startswith("<button data-to='/sipvault/open/")


def test_a_thousand_buttons_cost_less_than_ten_milliseconds() -> None:
    def rounds() -> float:
        start = time.perf_counter()
        for number in range(1000):
            button(f"/sipvault/open/{number}")
        return time.perf_counter() - start

    assert min(rounds() for _ in range(5)) < 0.010


def test_it_is_markup_in_a_template(app: Flask) -> None:
    with app.test_request_context():
        page = render_template_string("{{ sipvault_button('call@host') }}")
    assert page.startswith('<a class="btn btn-sm btn-info"')
