"""``flask sipvault explain``: a finding, a SIP status code or a Q.850 cause."""

from __future__ import annotations

from difflib import get_close_matches

import click

from ..analysis.findings.registry import rules_by_id
from ..analysis.words.catalogue import code_lines
from ..analysis.words.catalogue import entries
from ..analysis.words.catalogue import entry_lines
from ..analysis.words.catalogue import entry_of
from .common import Command
from .common import fail
from .common import say


@click.command("explain", cls=Command)
@click.argument("name", required=False)
def explain_command(name: str | None) -> None:
    """Tell what a finding means, what causes it and how to fix it.

    NAME is the id of a finding (ack-missing), a SIP status code (503) or a Q.850 cause
    (Q.850 34). Without it, all findings are listed.
    """
    if name is None:
        for entry in entries():
            say(f"{entry.id:32} {entry.title}")
        return
    found = entry_of(name.strip().lower())
    lines = list(entry_lines(found)) if found is not None else code_lines(name)
    if not lines:
        near = get_close_matches(name.strip().lower(), list(rules_by_id()), 3)
        hint = f"Did you mean {' or '.join(near)}?" if near else ""
        fail(
            f"{name!r} is not a finding, a SIP status code or a Q.850 cause.",
            tuple(filter(None, [hint, "flask sipvault explain lists the findings."])),
        )
    for line in lines:
        say(line)
