"""``flask sipvault opensips-cp``: the button in OpenSIPS Control Panel's CDR viewer."""

from __future__ import annotations

import difflib
import re
from collections.abc import Iterator
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import click

from ..config.secret_rule import weakness
from ..generators import filled
from ..opensips_cp import installing
from ..opensips_cp.installing import Change
from ..opensips_cp.installing import Mode
from ..opensips_cp.tree import locate
from ..opensips_cp.tree import Tree
from ..opensips_cp.tree import TreeError
from .common import Command
from .common import complain
from .common import say
from .link_parameters import find_signing
from .link_parameters import signing_options

_LINE = re.compile(rb"[^\n]*\n|[^\n]+")


class TreeCommand(Command):
    """A command that may find a tree otherwise than it has to be."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except TreeError as error:
            raise click.ClickException(str(error)) from error


@click.group("opensips-cp")
def opensips_command() -> None:
    """Put the button into the CDR viewer of OpenSIPS Control Panel.

    PATH is the Control Panel's folder, web/ in it, or the viewer's template itself.
    """


_path_argument = click.argument("path", type=click.Path(exists=True, path_type=Path))
_dry_run_option = click.option(
    "--dry-run", is_flag=True, help="Only show what would be changed, as a diff."
)


@opensips_command.command("install", cls=TreeCommand)
@_path_argument
@signing_options
@click.option(
    "--mode",
    type=click.Choice(["template", "config"]),
    default="template",
    show_default=True,
    help="Change the viewer's template, or (8.3 and later) its settings file.",
)
@_dry_run_option
def install_command(
    path: Path,
    base_url: str | None,
    customer_id: str | None,
    secret_file: Path | None,
    mode: Mode,
    dry_run: bool,
) -> None:
    """Put the button in, or mend it after an upgrade of the Control Panel."""
    tree = locate(path)
    signing = find_signing(base_url, customer_id, secret_file)
    generator = filled(
        "php",
        base_url=signing.base_url,
        customer_id=signing.customer_id,
        secret=signing.secret,
        # That a weak one is used was said to be meant, or we had not come this far.
        weak_secrets=bool(weakness(signing.secret)),
    )
    changes = installing.plan_installation(tree, generator, mode)
    if not changes:
        say("Installed already: there is nothing to change.")
    elif dry_run:
        _show(changes)
    else:
        _make(changes)
        _tell_who_reads_the_secret(tree)
    if mode == "config" and not tree.settings[0].is_file():
        say(
            "Now add the column: in the Control Panel, CDR Viewer, Settings, put"
            ' "id": "SIP VAULT" into Show Field.'
        )


@opensips_command.command("status", cls=TreeCommand)
@_path_argument
def status_command(path: Path) -> None:
    """Tell whether the button is in, whole, and of this version: then status 0."""
    report = installing.report(locate(path))
    say(report.state)
    for note in report.notes:
        say(f"  - {note}")
    if report.state != "installed":
        raise click.exceptions.Exit(1)


@opensips_command.command("uninstall", cls=TreeCommand)
@_path_argument
@_dry_run_option
def uninstall_command(path: Path, dry_run: bool) -> None:
    """Take the button out: every file is as it was before, byte for byte."""
    tree = locate(path)
    changes = installing.plan_removal(tree)
    if not changes:
        say("Not installed: there is nothing to change.")
    elif dry_run:
        _show(changes)
    else:
        _make(changes)
    for backup in sorted(tree.config.glob("*.before-sipvault")):
        if backup not in {change.path for change in changes}:
            complain(f"{backup} is of another version, and was left where it is.")


def _make(changes: Sequence[Change]) -> None:
    gone = {change.path for change in changes if change.after is None}
    for path in installing.make(changes):
        say(f"{'deleted' if path in gone else 'written'}: {path}")


def _tell_who_reads_the_secret(tree: Tree) -> None:
    """The web server's user is not to be known from here, nor to be guessed."""
    path = tree.generator
    try:
        owner, group = path.owner(), path.group()
    except KeyError:
        owner, group = str(path.stat().st_uid), str(path.stat().st_gid)
    complain(
        f"{path} holds the secret. Only the user {owner} and the group {group} may read"
        " it: the web server must be one of them, or no button is shown."
    )


def _show(changes: Sequence[Change]) -> None:
    for change in changes:
        if change.shown:
            # As it stands, so that patch(1) takes it: the file is the operator's own.
            click.echo(b"".join(_diff(change)), nl=False)
        elif change.after is None:
            complain(f"{change.path} would be deleted.")
        else:
            complain(f"{change.path} would be written; its content is not shown.")


def _diff(change: Change) -> Iterator[bytes]:
    name = str(change.path).encode()
    lines = difflib.diff_bytes(
        difflib.unified_diff,
        _LINE.findall(change.before or b""),
        _LINE.findall(change.after or b""),
        b"/dev/null" if change.before is None else name,
        b"/dev/null" if change.after is None else name,
    )
    for line in lines:
        yield line
        if not line.endswith(b"\n"):
            yield b"\n\\ No newline at end of file\n"
