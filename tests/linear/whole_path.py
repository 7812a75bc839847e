"""A call on its whole way: into the vault, to its page, to every piece and download."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

from flask import Flask

from flask_sipvault import SIPVault
from flask_sipvault.access.links import LinkSigner
from flask_sipvault.evidence import Evidence

SECRET = "a secret of the tests"
CUSTOMER = "acme"


def open_everything(folder: Path, evidence: Evidence) -> dict[str, int]:
    """The status of each answer, by what was asked for; masked and not."""
    app = Flask("host", instance_path=str(folder), root_path=str(folder))
    app.config.update(
        SIPVAULT_STORE=str(folder / "vault"),
        SIPVAULT_HMAC_SECRET=SECRET,
        SIPVAULT_CUSTOMER_ID=CUSTOMER,
        SIPVAULT_LOOKBACK_DAYS=3650,
    )
    SIPVault(app)
    with app.app_context():
        app.extensions["sipvault"].vault(CUSTOMER).put(evidence)
    client = app.test_client()
    link = LinkSigner(SECRET, customer_id=CUSTOMER).url(evidence.call_id)
    answers = {}
    for name, address in _addresses(app, link):
        answers[name] = client.get(address).status_code
    return answers


def _addresses(app: Flask, link: str) -> Iterator[tuple[str, str]]:
    for rule in app.url_map.iter_rules():
        _, hashed, end = rule.rule.partition("<call_hash>")
        if not hashed or rule.methods is None or "GET" not in rule.methods:
            continue
        address = link.replace("?", f"{end}?", 1)
        if end == "/compare":
            address += "&left=1&right=2"
        yield end, address
        yield f"{end} masked", f"{address}&mask=1"
        if not end:
            yield "split", f"{address}&ports=split&again=shown&find=a&log=a"
