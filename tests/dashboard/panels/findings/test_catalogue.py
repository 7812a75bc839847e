"""The catalogue of findings, served with the dashboard: it works without internet."""

from __future__ import annotations

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.analysis.findings.registry import rules_by_id


@pytest.mark.parametrize("name", rules_by_id())
def test_each_finding_has_its_page(name: str, client: FlaskClient) -> None:
    response = client.get(f"/sipvault/findings/{name}")
    assert response.status_code == 200
    assert f"<code>{name}</code>" in response.text
    assert "script-src 'self'" in response.headers["Content-Security-Policy"]


def test_the_list_leads_to_each(client: FlaskClient) -> None:
    text = client.get("/sipvault/findings").text
    assert all(f'href="/sipvault/findings/{name}"' in text for name in rules_by_id())


def test_it_speaks_the_readers_language(client: FlaskClient) -> None:
    response = client.get("/sipvault/findings", headers={"Accept-Language": "pt-BR"})
    assert "Diagnóstico" in response.text


def test_an_unknown_finding_is_a_page_of_ours(client: FlaskClient) -> None:
    response = client.get("/sipvault/findings/..%2fx")
    assert response.status_code == 404
    response = client.get("/sipvault/findings/no-such")
    assert response.status_code == 404
    assert "SIP VAULT" in response.text


def test_whoever_has_a_shared_link_alone_may_read_it(app: Flask) -> None:
    """The guard is for calls; what a finding means is the same for everybody."""
    host = Flask("guarded")
    host.config.update(app.config)
    vault = SIPVault(host)

    @vault.guard
    def nobody() -> str:
        return "log in"

    assert "log in" not in host.test_client().get("/sipvault/findings").text
