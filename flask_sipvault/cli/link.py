"""``flask sipvault link`` and ``verify``: make a deep link, and see through one."""

from __future__ import annotations

import datetime
from urllib.parse import urlsplit

import click

from ..access.links import CallIdError
from ..access.links import HOURS_OF_GRACE
from ..access.links import LinkError
from ..access.links import parse_url
from ..config.settings import SettingsError
from ..dashboard.errors import of_link
from .common import choose_customer
from .common import Command
from .common import customer_option
from .common import find_installation
from .common import say


@click.command("link", cls=Command)
@click.argument("call_id")
@customer_option
def link_command(call_id: str, customer_id: str | None) -> None:
    """Print a signed link to a call, good for this hour and the next."""
    installation = find_installation(need_secret=True)
    base_url = installation.settings.base_url
    if base_url is None:
        raise SettingsError(
            "SIPVAULT_BASE_URL",
            "is not set, and here is no request that tells where the dashboard is",
            "Set it to that address, such as https://cdr.example.com",
        )
    customer_id = choose_customer(installation, customer_id)
    try:
        say(base_url + installation.path(call_id, customer_id))
    except CallIdError as error:
        raise click.BadParameter(str(error), param_hint="CALL_ID") from error


@click.command("verify", cls=Command)
@click.argument("url")
def verify_command(url: str) -> None:
    """Tell whether a link opens its call, and if not, which rule it breaks."""
    if not _is_url(url):
        raise click.BadParameter(
            "this is no URL; quote it, or the shell cuts it at the first &",
            param_hint="URL",
        )
    installation = find_installation(need_secret=True)
    try:
        call_hash, query = parse_url(url)
        customer_id, call_id = installation.verify(call_hash, query)
    except LinkError as error:
        problem = of_link(error)
        say(f"not valid: {problem.status} {problem.error}")
        say(problem.detail)
        for cause in problem.causes:
            say(f"  - {cause}")
        raise click.exceptions.Exit(1) from error
    last_hour = int(query["ts"][0]) + HOURS_OF_GRACE
    end = datetime.datetime.fromtimestamp((last_hour + 1) * 3600, datetime.timezone.utc)
    say("valid")
    say(f"customer:    {customer_id}")
    say(f"Call-ID:     {call_id}")
    say(f"valid until: {end:%Y-%m-%d %H:%M} UTC")


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:  # a bracket that is not closed
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)
