"""What a link generator elsewhere is given: the address, the customer, the secret.

The secret comes from a file or from the settings, never from the command line: there
every user of the machine could read it, and the shell's history would keep it.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

import click

from ..config import converters as values
from ..config import settings as settings_module
from ..config.secret_rule import weakness
from ..config.settings import Settings
from ..config.settings import SettingsError
from ..config.settings import WEAK_REMEDY
from ..config.settings import WEAK_SETTING
from ..services import Services
from .common import choose_customer
from .common import customer_option
from .common import find_app_settings

_OPTIONS = (
    click.option(
        "--base-url",
        metavar="URL",
        help="Where the dashboard is reached.  [default: SIPVAULT_BASE_URL]",
    ),
    customer_option,
    click.option(
        "--secret-file",
        metavar="FILE",
        type=click.Path(exists=True, dir_okay=False, allow_dash=True, path_type=Path),
        help="Holds the customer's secret; - is the standard input.  [default: the"
        " secret in the settings]",
    ),
)


@dataclass(frozen=True)
class Signing:
    """What links are made with."""

    base_url: str
    customer_id: str
    secret: str = field(repr=False)


def signing_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """Give the command the options that :func:`find_signing` reads."""
    for option in reversed(_OPTIONS):
        command = option(command)
    return command


def find_signing(
    base_url: str | None, customer_id: str | None, secret_file: Path | None
) -> Signing:
    """What the options say, and the settings where they say nothing.

    The machine of the CDR viewer may have no settings at all: then all three options
    have to be given.

    :raises SettingsError: naming the option or setting that is wrong or missing.
    """
    secret = None if secret_file is None else _read_secret(secret_file)
    if base_url is not None:
        base_url = values.web_address("--base-url", base_url)
    if customer_id is not None:
        customer_id = values.customer_id("--customer", customer_id)
    if base_url is None or customer_id is None or secret is None:
        installation = Services(_settings(customer_id))
        base_url = base_url or installation.settings.base_url
        if secret is None or customer_id is None:
            customer_id = choose_customer(installation, customer_id)
        if secret is None:
            secret = next(iter(installation.customer(customer_id).secrets), None)
    if base_url is None:
        raise SettingsError(
            "SIPVAULT_BASE_URL",
            "is not set, and here is no request that tells where the dashboard is",
            "Give --base-url, such as https://cdr.example.com",
        )
    if secret is None:
        raise SettingsError(
            "SIPVAULT_HMAC_SECRET",
            f"is missing: there is no secret of the customer {customer_id!r}",
            "Set it, or give --secret-file.",
        )
    return Signing(base_url, customer_id, secret)


def _settings(customer_id: str | None) -> Settings:
    """Those of the app; without one those of the environment, where nothing but the
    links' own need be set: a customer who is asked for is then the only one there is.
    """
    settings = find_app_settings()
    if settings is not None:
        return settings
    config = {}
    if customer_id is not None and not os.environ.get("SIPVAULT_CUSTOMERS"):
        config["SIPVAULT_CUSTOMER_ID"] = customer_id
    return settings_module.load(
        config, os.environ, instance_path=os.curdir, need_secret=False
    )


def _read_secret(path: Path) -> str:
    try:
        with click.open_file(str(path), encoding="utf-8") as file:
            text = file.read()
    except UnicodeDecodeError:
        text = ""
    # Editors and echo end a file with a line end.
    secret = values.secrets("--secret-file", text.rstrip("\r\n"))[0]
    allowed = values.flag(WEAK_SETTING, os.environ.get(WEAK_SETTING) or "false")
    problem = "" if allowed else weakness(secret)
    if problem:
        raise SettingsError("--secret-file", problem, WEAK_REMEDY)
    return secret
