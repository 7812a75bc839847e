"""``flask sipvault show``: a call, explained in the terminal."""

from __future__ import annotations

import json

import click

from ..analysis.dialog import explain
from ..analysis.document import call_document
from ..analysis.ladder import as_text
from ..dashboard.errors import CallNotFoundError
from ..dashboard.errors import of_missing_call
from .ground import choose_customer
from .ground import Command
from .ground import customer_option
from .ground import fail
from .ground import find_installation
from .ground import say


@click.command("show", cls=Command)
@click.argument("call_id")
@customer_option
@click.option(
    "--json", "as_json", is_flag=True, help="The same document as the page's call.json."
)
def show_command(call_id: str, customer_id: str | None, as_json: bool) -> None:
    """Print a call: what came of it, and its messages as a ladder."""
    installation = find_installation(need_secret=False)
    customer_id = choose_customer(installation, customer_id)
    evidence = installation.vault(customer_id).find(call_id)
    if evidence is None:
        days = installation.settings.lookback_days
        missing = of_missing_call(CallNotFoundError(call_id, days))
        fail(f"nothing is stored for this call of {customer_id!r}.", missing.causes)
    call = explain(evidence)
    say(json.dumps(call_document(call)) if as_json else as_text(call))
