"""An app with the dashboard in it, and calls to look at."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from flask import Flask
from flask.testing import FlaskClient

from flask_sipvault import SIPVault
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.protocols.capture import read_capture

from .calls import CUSTOMER
from .calls import link_to
from .calls import SECRET

Recorded = Callable[[str], Evidence]
Keep = Callable[[Evidence], str]


@pytest.fixture
def host(tmp_path: Path) -> Flask:
    """A host's app before the extension is mounted."""
    app = Flask("host", instance_path=str(tmp_path), root_path=str(tmp_path))
    app.config.update(
        SIPVAULT_STORE=str(tmp_path / "vault"),
        SIPVAULT_HMAC_SECRET=SECRET,
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
        # The recordings are of 23 November 2026.
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    return app


@pytest.fixture
def app(host: Flask) -> Flask:
    SIPVault(host)
    return host


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def recorded(agent_corpus: Path) -> Recorded:
    """The call of a recording, or the first of several."""

    def read(name: str) -> Evidence:
        path = agent_corpus / f"{name}.pcap"
        with path.open("rb") as file:
            items = read_capture(file)
            return next(import_capture(items, customer_id=CUSTOMER, source=path.name))

    return read


@pytest.fixture
def keep(app: Flask) -> Keep:
    """Put evidence into the vault; the link to its page."""

    def put(evidence: Evidence) -> str:
        with app.app_context():
            app.extensions["sipvault"].vault(CUSTOMER).put(evidence)
        return link_to(evidence.call_id)

    return put
