"""``flask sipvault collect``: the process that agents send to."""

from __future__ import annotations

import click

from ..config.settings import SettingsError
from .common import Command
from .common import find_installation


@click.command("collect", cls=Command)
@click.option(
    "--takeover",
    is_flag=True,
    help="Take over from the collector that runs, hanging up on nobody.",
)
def collect_command(takeover: bool) -> None:
    """Take what agents and media servers send, and put it into the vault."""
    # What a server needs takes long to load, and other commands do without.
    from ..collector import process

    installation = find_installation(need_secret=False)
    spool = installation.settings.collector.spool
    if spool is None:
        raise SettingsError(
            "SIPVAULT_SPOOL", "is missing", "Name a folder on a local disk."
        )
    installation.check_folders()
    try:
        process.run(installation, spool, takeover=takeover)
    except process.FAILURES as error:
        raise click.ClickException(str(error)) from error
