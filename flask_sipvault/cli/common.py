"""What every command stands on: its settings, its customer, its way to fail and speak.

Settings come from the host's app, found as Flask finds it, or from the environment
where there is no app: importing a capture must not need a web application.
"""

from __future__ import annotations

import os
import sys
from importlib.util import find_spec
from typing import Any
from typing import NoReturn

import click
from flask import Flask
from flask.cli import NoAppException
from flask.cli import ScriptInfo

from ..analysis.words.text import printable
from ..config import settings as settings_module
from ..config.settings import Settings
from ..config.settings import SettingsError
from ..services import Services
from ..services import UnknownCustomerError
from ..vault.bundle import BundleError
from ..vault.objects import StoreError

customer_option = click.option(
    "--customer",
    "customer_id",
    metavar="ID",
    help="Whose call it is.  [default: SIPVAULT_CUSTOMER_ID]",
)


class Command(click.Command):
    """A command whose expected failures are one line and exit status 1."""

    def invoke(self, ctx: click.Context) -> Any:
        try:
            return super().invoke(ctx)
        except (SettingsError, StoreError, BundleError) as error:
            raise click.ClickException(str(error)) from error


def find_installation(*, need_secret: bool) -> Services:
    """The installation of the host's app; without an app, that of the environment.

    :param need_secret: whether links are made or checked.
    :raises SettingsError: if the settings are wrong.
    :raises click.ClickException: if there is an app that cannot be loaded, or one that
        does not have the extension.
    """
    return Services(_find_settings(need_secret))


def find_app_settings() -> Settings | None:
    """The settings of the host's app; None where there is no app.

    :raises click.ClickException: see :func:`find_installation`.
    """
    app = _find_app()
    if app is None:
        return None
    mounted = app.extensions.get("sipvault")
    if mounted is None:
        raise click.ClickException(
            f"The Flask app {app.name!r} has no SIPVault. Add SIPVault(app) to it, name"
            " another with --app, or work from a folder without an app to take the"
            " settings from the environment."
        )
    settings: Settings = mounted.settings
    return settings


def choose_customer(installation: Services, asked: str | None) -> str:
    """The customer asked for, or the default one.

    :raises click.BadParameter: if there is no such customer.
    """
    customer_id = asked or installation.settings.default_customer.id
    try:
        return installation.customer(customer_id).id
    except UnknownCustomerError as error:
        raise click.BadParameter(str(error), param_hint="--customer") from error


def say(text: str) -> None:
    """Print a result. What strangers put into it cannot play with the terminal."""
    encoding = sys.stdout.encoding or "utf-8"
    click.echo(_harmless(text).encode(encoding, "replace").decode(encoding))


def complain(text: str) -> None:
    """Tell the operator something beside the results."""
    click.echo(_harmless(text), err=True)


def fail(text: str, causes: tuple[str, ...] = ()) -> NoReturn:
    """End the command with status 1, saying why, and what usually is the reason."""
    complain("\n".join([f"Error: {text}", *(f"  - {cause}" for cause in causes)]))
    raise click.exceptions.Exit(1)


def _harmless(text: str) -> str:
    return "\n".join(printable(line) for line in text.split("\n"))


def _find_settings(need_secret: bool) -> Settings:
    settings = find_app_settings()
    if settings is None:
        return settings_module.load({}, os.environ, need_secret=need_secret)
    return settings


def _find_app() -> Flask | None:
    info = click.get_current_context().ensure_object(ScriptInfo)
    try:
        return info.load_app()
    except NoAppException:
        # Flask raises the same where there is nothing to load, and where there is an
        # app that is broken: that must be seen.
        if info.app_import_path or find_spec("wsgi") or find_spec("app"):
            raise
        return None
