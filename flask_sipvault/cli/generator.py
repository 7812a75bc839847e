"""``flask sipvault generator``: the link generator for a viewer in another language."""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import cast

import click

from .. import generators
from ..config.settings import SettingsError
from ..private_files import NotOursError
from ..private_files import PRIVATE
from ..private_files import refuse_not_ours
from ..private_files import write
from .common import choose_customer
from .common import Command
from .common import complain
from .common import customer_option
from .common import find_installation


@click.command("generator", cls=Command)
@click.argument("language", type=click.Choice(list(generators.FILES)))
@customer_option
@click.option(
    "--output",
    type=click.Path(dir_okay=False, writable=True, path_type=Path),
    metavar="FILE",
    help="Where to write it.  [default: standard output]",
)
@click.option(
    "--embed-secret",
    is_flag=True,
    help="Write the secret into it; it is read from the environment otherwise.",
)
def generator_command(
    language: str, customer_id: str | None, output: Path | None, embed_secret: bool
) -> None:
    """Write the link generator for PHP, Node or stand-alone Python.

    Base URL and customer are filled in.
    """
    installation = find_installation(need_secret=embed_secret)
    base_url = installation.settings.base_url
    if base_url is None:
        raise SettingsError(
            "SIPVAULT_BASE_URL",
            "is not set, and the generator must know where the dashboard is",
            "Set it to that address, such as https://cdr.example.com.",
        )
    customer = installation.customer(choose_customer(installation, customer_id))
    text = generators.filled(
        cast(generators.Language, language),
        base_url=base_url,
        customer_id=customer.id,
        secret=customer.secrets[0] if embed_secret else None,
        weak_secrets=bool(installation.settings.weak_secrets),
    )
    if output is None:
        click.echo(text, nl=False)
        return
    _write(output, text, private=embed_secret)
    if embed_secret:
        complain(f"{output} holds the secret: let only the viewer read it (mode 0600).")
    else:
        complain(
            f"Wrote {output}. The viewer needs SIPVAULT_HMAC_SECRET in its environment."
        )


def _write(output: Path, text: str, *, private: bool) -> None:
    """A file with the secret is never readable by others, not for a moment."""
    try:
        refuse_not_ours(output)
        mode = PRIVATE if private else _usual_mode(output)
        write(output, text.encode(), mode=mode)
    except NotOursError as error:
        raise click.ClickException(f"{error}.") from error
    except OSError as error:
        raise click.ClickException(
            f"cannot write {output}: {error.strerror}"
        ) from error


def _usual_mode(output: Path) -> int:
    """What the file has already, or else what the user's umask leaves."""
    try:
        return stat.S_IMODE(output.stat().st_mode)
    except FileNotFoundError:
        umask = os.umask(0o077)
        os.umask(umask)
        return 0o644 & ~umask
