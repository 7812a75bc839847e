"""``flask sipvault doctor``: what keeps links from opening calls, and the remedy."""

from __future__ import annotations

import dataclasses
import json

import click

from .. import doctor
from ..config.settings import SettingsError
from ..doctor import Finding
from .common import choose_customer
from .common import Command
from .common import customer_option
from .common import find_installation
from .common import say

_MARKS = {"ok": "ok  ", "warn": "WARN", "fail": "FAIL", "skipped": "-   "}


@click.command("doctor", cls=Command)
@click.option("--write-test", is_flag=True, help="Also write to every store.")
@click.option("--call", "call_id", metavar="CALL_ID", help="Also look for this call.")
@customer_option
@click.option("--json", "as_json", is_flag=True, help="One JSON object.")
def doctor_command(
    write_test: bool, call_id: str | None, customer_id: str | None, as_json: bool
) -> None:
    """Look for everything that keeps a link from opening its call.

    The exit status is 1 if something fails; warnings leave it at 0.
    """
    findings = _examine(write_test, call_id, customer_id)
    worst = doctor.worst(findings)
    if as_json:
        listed = [dataclasses.asdict(finding) for finding in findings]
        say(json.dumps({"worst": worst, "findings": listed}))
    else:
        for finding in findings:
            say(f"{_MARKS[finding.status]} {finding.check}: {finding.message}")
            if finding.remedy:
                say(f"     -> {finding.remedy}")
    if worst == "fail":
        raise click.exceptions.Exit(1)


def _examine(
    write_test: bool, call_id: str | None, customer_id: str | None
) -> list[Finding]:
    try:
        installation = find_installation(need_secret=True)
    except SettingsError as error:
        return [doctor.of_settings(error)]
    findings = list(doctor.examine(installation, write_test=write_test))
    if call_id:
        customer_id = choose_customer(installation, customer_id)
        findings.append(doctor.check_call(installation, customer_id, call_id))
    return findings
