"""``flask sipvault show``: a call, explained in the terminal."""

from __future__ import annotations

import json
import time
from datetime import datetime

import click

from ..analysis.document.document import call_document
from ..analysis.explain import Call
from ..analysis.explain import explain
from ..analysis.ladder.aliases import Aliases
from ..analysis.ladder.aliases import NO_ALIASES
from ..analysis.ladder.ladder import as_text
from ..analysis.ladder.ladder import ladder
from ..analysis.words.capture import capture_lines
from ..analysis.words.capture import network_line
from ..analysis.words.findings import findings_lines
from ..analysis.words.findings import nothing_found
from ..analysis.words.identity import identity_lines
from ..analysis.words.quality import quality_line
from ..analysis.words.text import printable
from ..dashboard.errors import CallNotFoundError
from ..dashboard.errors import of_missing_call
from ..dashboard.exports.ladder_file import ladder_file
from ..dashboard.exports.report import report
from ..masking import mask
from ..sipp import NoScriptError
from ..sipp import scenario
from .common import choose_customer
from .common import Command
from .common import customer_option
from .common import fail
from .common import find_installation
from .common import say

#: What is meant to be read here, and what goes into a file.
_FORMATS = ("text", "json", "svg", "html", "sipp-uac", "sipp-uas")


@click.command("show", cls=Command)
@click.argument("call_id")
@customer_option
@click.option(
    "--since",
    metavar="DATE",
    type=click.DateTime(["%Y-%m-%d"]),
    help="Look at what is stored from this UTC day on, 2026-11-23, however long ago."
    "  [default: SIPVAULT_LOOKBACK_DAYS]",
)
@click.option(
    "--format",
    "form",
    type=click.Choice(_FORMATS),
    default="text",
    show_default=True,
    help="A ladder as text or as a drawing, the document of call.json, a report, or a"
    " scenario that SIPp plays the caller (uac) or the called side (uas) by.",
)
@click.option("--json", "as_json", is_flag=True, help="The same as --format json.")
@click.option(
    "--mask",
    "masked",
    is_flag=True,
    help="Pseudonyms instead of numbers, names, hosts, addresses and credentials.",
)
def show_command(
    call_id: str,
    customer_id: str | None,
    since: datetime | None,
    form: str,
    as_json: bool,
    masked: bool,
) -> None:
    """Print a call: what came of it, and its messages as a ladder."""
    installation = find_installation(need_secret=False)
    customer_id = choose_customer(installation, customer_id)
    vault = installation.vault(customer_id)
    evidence = vault.find(call_id, since=since.date() if since else None)
    if evidence is None:
        days = installation.settings.lookback_days
        stored_on = None if since else vault.too_old(call_id)
        missing = of_missing_call(CallNotFoundError(call_id, days, stored_on))
        if stored_on:
            fail(missing.detail, missing.causes)
        when = f" since {since:%Y-%m-%d}" if since else ""
        what = f"nothing is stored for this call of {customer_id!r}{when}."
        fail(what, missing.causes)
    call = explain(mask(evidence) if masked else evidence, installation.settings.scale)
    if as_json or form == "json":
        say(json.dumps(call_document(call)))
    elif form == "text":
        say(as_text(call))
        if not any(each.severity != "info" for each in call.findings):
            say(printable(nothing_found(call)))
        for line in findings_lines(call.findings):
            say(printable(line))
        say(printable(quality_line(call.quality)))
        for line in identity_lines(call.identities):
            say(printable(line))
        for event in call.evidence.network:
            say(printable(network_line(event, call.first_ts)))
        for line in capture_lines(call.evidence.capture):
            say(printable(line))
    else:
        aliases = NO_ALIASES if masked else installation.settings.aliases
        click.echo(_file(call, form, aliases, masked), nl=False)


def _file(call: Call, form: str, aliases: Aliases, masked: bool) -> str:
    """A file, as the page of the call has it to download."""
    if form in ("sipp-uac", "sipp-uas"):
        try:
            return scenario(call, "uac" if form == "sipp-uac" else "uas")
        except NoScriptError as error:
            raise click.ClickException(f"There is no scenario: {error}.") from error
    drawn = ladder(call, aliases=aliases)
    if form == "svg":
        return ladder_file(call, drawn)[0]
    return report(call, drawn, now=time.time_ns(), masked=masked)[0]
