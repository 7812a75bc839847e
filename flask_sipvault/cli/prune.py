"""``flask sipvault prune``: delete what is old."""

from __future__ import annotations

import sys

import click

from .common import choose_customer
from .common import Command
from .common import complain
from .common import customer_option
from .common import find_installation
from .common import say


@click.command("prune", cls=Command)
@click.option(
    "--older-than",
    "days",
    metavar="DAYS",
    type=click.IntRange(min=0),
    help="Delete what is older than this.  [default: SIPVAULT_LOOKBACK_DAYS]",
)
@customer_option
@click.option("--dry-run", is_flag=True, help="Only list what would be deleted.")
@click.option(
    "--yes", is_flag=True, help="Do not ask; needed where there is no terminal."
)
def prune_command(
    days: int | None, customer_id: str | None, dry_run: bool, yes: bool
) -> None:
    """Delete the parts of calls that are too old to be found any more."""
    installation = find_installation(need_secret=False)
    customer_id = choose_customer(installation, customer_id)
    vault = installation.vault(customer_id)
    if days is None:
        days = installation.settings.lookback_days
        if not days:
            raise click.UsageError(
                "SIPVAULT_LOOKBACK_DAYS is 0, so nothing is too old to be found:"
                " say by --older-than what is to be deleted."
            )
    if not (dry_run or yes or at_a_terminal()):
        raise click.UsageError(
            "there is no terminal to ask at: give --yes to delete, or --dry-run to"
            " see what would be deleted."
        )
    what = f"of customer {customer_id}, older than {days} days"
    if dry_run:
        keys = vault.prune(older_than_days=days, dry_run=True)
        for key in keys:
            say(key)
        complain(f"{len(keys)} objects {what}, would be deleted.")
        return
    if not yes:
        count = len(vault.prune(older_than_days=days, dry_run=True))
        if count:
            click.confirm(f"Delete {count} objects {what}?", abort=True, err=True)
    say(f"Deleted {len(vault.prune(older_than_days=days))} objects {what}.")


def at_a_terminal() -> bool:
    """Whether there is someone who can answer."""
    return sys.stdin.isatty()
