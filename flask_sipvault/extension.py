"""The extension: SIP VAULT mounted in a host's own Flask app."""

from __future__ import annotations

import os

from flask import Flask

from .config import settings as settings_module
from .dashboard.blueprint import create_blueprint
from .dashboard.state import Guard
from .dashboard.state import HostHooks
from .dashboard.state import Identity
from .dashboard.state import MountedVault


class SIPVault:
    """Mounts the link generator and the dashboard in a Flask app.

    ::

        vault = SIPVault(app)

    or, with an application factory, ``vault = SIPVault()`` and
    ``vault.init_app(app)``. One object may serve several apps. Templates then have
    ``sipvault_button(call_id)`` and ``sipvault_link(call_id)``.

    :param app: the app to mount in, if there is one yet.
    """

    def __init__(self, app: Flask | None = None) -> None:
        self._hooks = HostHooks()
        if app is not None:
            self.init_app(app)

    def init_app(self, app: Flask) -> None:
        """Read the settings, check them, and register blueprint and Jinja helpers.

        :raises flask_sipvault.config.settings.SettingsError: naming the setting that is
            wrong and what to do about it.
        :raises RuntimeError: if the app already has the extension.
        """
        if "sipvault" in app.extensions:
            raise RuntimeError(
                "A 'SIPVault' instance has already been registered on this Flask app."
                " Import and use that instance instead."
            )
        settings = settings_module.load(
            app.config, os.environ, instance_path=app.instance_path
        )
        mounted = MountedVault(app, self._hooks, settings)
        app.extensions["sipvault"] = mounted
        app.register_blueprint(create_blueprint(), url_prefix=settings.url_prefix)
        app.jinja_env.globals["sipvault_button"] = mounted.button
        app.jinja_env.globals["sipvault_link"] = mounted.link

    def guard(self, guard: Guard) -> Guard:
        """Have a function of the host look at every click and every call page first.

        Flask-Login's, say::

            @vault.guard
            def operators_only():
                if not current_user.is_authenticated:
                    return current_app.login_manager.unauthorized()
        """
        self._hooks.guards.append(guard)
        return guard

    def identity(self, identity: Identity) -> Identity:
        """Tell who is logged in, so that a button works only for whom it was drawn, and
        the audit names who opened a call.

        Not needed with Flask-Login, whose session is known.
        """
        self._hooks.identity = identity
        return identity
