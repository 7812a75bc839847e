"""The extension: SIP VAULT mounted in a host's own Flask app."""

from __future__ import annotations

import logging
import os
from collections.abc import Callable
from collections.abc import Mapping
from typing import Any
from typing import cast

from flask import current_app
from flask import Flask
from flask import g
from flask import has_request_context
from flask import request
from flask import session
from flask import url_for
from flask.typing import ResponseReturnValue
from flask_caching import Cache
from markupsafe import Markup

from .access.links import CallIdError
from .access.sharing import Share
from .access.sharing import Shares
from .config import settings as settings_module
from .config.converters import SettingsError
from .config.settings import Settings
from .dashboard.audit import Audit
from .dashboard.blueprint import create_blueprint
from .dashboard.button import Buttons
from .dashboard.button import host_template
from .dashboard.button import Look
from .dashboard.call_cache import ExplainedCalls
from .dashboard.concurrency import Slots
from .services import Services
from .vault.objects import StoreError
from .vault.vault import Vault

logger = logging.getLogger(__name__)

_LOOK = Look()

#: Looks at the request before a click or a call page is answered: None lets it
#: through, anything else is the answer.
Guard = Callable[[], "ResponseReturnValue | None"]

#: Whoever is logged in at the host; None for nobody.
Identity = Callable[[], "str | None"]


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
        self._guards: list[Guard] = []
        self._identity: Identity = _flask_login_user
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
        mounted = MountedVault(app, self, settings)
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
        self._guards.append(guard)
        return guard

    def identity(self, identity: Identity) -> Identity:
        """Tell who is logged in, so that a button works only for whom it was drawn, and
        the audit names who opened a call.

        Not needed with Flask-Login, whose session is known.
        """
        self._identity = identity
        return identity

    @property
    def is_guarded(self) -> bool:
        """Whether there is a guard."""
        return bool(self._guards)

    def run_guards(self) -> ResponseReturnValue | None:
        """The first answer a guard gives instead of the page; None if none does."""
        for guard in self._guards:
            answer = guard()
            if answer is not None:
                return answer
        return None

    def current_identity(self) -> str | None:
        """Who is logged in at the host, as far as this request tells."""
        return self._identity() if has_request_context() else None


class MountedVault:
    """The extension in one app: ``app.extensions["sipvault"]``."""

    def __init__(self, app: Flask, extension: SIPVault, settings: Settings) -> None:
        self.settings = settings
        self._app = app
        self._extension = extension
        self._has_looked_for_guard = False
        self.explained = ExplainedCalls(settings.aliases, settings.scale)
        self.slots = Slots(settings.max_concurrent)
        self.audit = Audit(self.user)
        self._installation = Services(settings, cache=_cache(app, settings))
        try:
            self._installation.check_folders()
        except StoreError as error:
            raise SettingsError(
                "SIPVAULT_STORE", "names a folder that cannot be used", f"{error}."
            ) from error

    def customer_of_request(self) -> str:
        """The customer whose calls the current user of the host may open.

        Empty where the host's callable says that there is none.
        """
        customer_id = self.settings.customer_id
        return customer_id if isinstance(customer_id, str) else customer_id()

    def vault(self, customer_id: str) -> Vault:
        """Where this customer's calls are."""
        return self._installation.vault(customer_id)

    def verify(self, call_hash: str, query: Mapping[str, Any]) -> tuple[str, str]:
        """The customer and the Call-ID of a link.

        :raises flask_sipvault.access.links.LinkError: if it does not open a call.
        """
        return self._installation.verify(call_hash, query)

    def run_guard(self) -> ResponseReturnValue | None:
        """What the host answers instead of the page; None where it lets it through."""
        if not self._has_looked_for_guard:
            # Not when the app starts: hosts name their guard after init_app.
            self._has_looked_for_guard = True
            if self.shares.allowed and not self.may_share_whole:
                logger.warning(
                    "no guard looks at who shares calls, so they can be shared masked"
                    " only: name one with SIPVault.guard, or set"
                    " SIPVAULT_SHARE_UNGUARDED=true if everybody with a link may"
                )
        return self._extension.run_guards()

    def user(self) -> str | None:
        """Who is logged in at the host; None where it cannot tell.

        A host's function may count on a login that a page of ours does not need.
        """
        try:
            return self._extension.current_identity()
        except Exception:
            logger.exception("the host's identity function failed")
            return None

    def open_token(self, token: str) -> tuple[str, str]:
        """The customer and the Call-ID a button was drawn for.

        :raises flask_sipvault.access.links.LinkError: if it does not open a call.
        """
        identity = self._extension.current_identity()
        return self._installation.clicks.open(token, identity=identity)

    @property
    def shares(self) -> Shares:
        """Makes, opens, lists and revokes shared links."""
        return self._installation.shares

    @property
    def may_share_whole(self) -> bool:
        """Whether whole calls may be shared: where the host's guard sees who does it,
        or the settings say that none is needed. Without one, whoever has a link of two
        hours could make one of days of it.
        """
        return self._extension.is_guarded or self.settings.sharing.unguarded

    def open_share(self, token: str) -> Share:
        """What a shared link lets be seen.

        :raises flask_sipvault.access.links.LinkError: if it does not open a call.
        """
        return self.shares.open(token)

    def url_of_share(self, token: str) -> str:
        """A shared link in full, to be sent to somebody."""
        return f"{self._base_url()}/sipvault/shared/{token}"

    def url_for_call(self, call_id: str, customer_id: str) -> str:
        """A signed link to the call from a page of this very host: it has no host."""
        path = self._installation.path(call_id, customer_id)
        return f"{request.root_path.rstrip('/')}{self.settings.url_prefix}{path}"

    def link(self, call_id: str | None, customer_id: str | None = None) -> str:
        """The Jinja helper ``sipvault_link``: the link itself, signed now.

        Empty for a row without a usable Call-ID: one odd row must not break a list.

        :raises flask_sipvault.config.settings.SettingsError: outside a request, if
            ``SIPVAULT_BASE_URL`` is not set.
        """
        customer_id = customer_id or self.customer_of_request()
        if not call_id or not customer_id:
            return ""
        try:
            return self._base_url() + self._installation.path(call_id, customer_id)
        except CallIdError:
            return ""

    def button(
        self,
        call_id: str | None,
        customer_id: str | None = None,
        *,
        label: str = _LOOK.label,
        css_class: str = _LOOK.css_class,
        icon: str = _LOOK.icon,
        title: str = _LOOK.title,
    ) -> Markup:
        """The Jinja helper ``sipvault_button``: a button that signs its link on click.

        Empty for a row without a usable Call-ID: one odd row must not break a list.

        :param icon: classes of an icon font, ``fa fa-search`` say; empty for none.
        """
        if not call_id:
            return Markup("")
        drawn = g.setdefault("_sipvault_buttons", {})
        key = (customer_id, label, css_class, icon, title)
        if key not in drawn:
            drawn[key] = self._buttons(customer_id, Look(label, css_class, icon, title))
        buttons: Buttons | None = drawn[key]
        return Markup("") if buttons is None else buttons.draw(call_id)

    def _buttons(self, customer_id: str | None, look: Look) -> Buttons | None:
        """What all buttons of a page have in common; None for a user without calls."""
        customer_id = customer_id or self.customer_of_request()
        if not customer_id:
            return None
        customer = self._installation.customer(customer_id)
        tokens = self._installation.clicks.for_page(
            customer.id, identity=self._extension.current_identity()
        )
        click_url = url_for("sipvault.open_click", token="-")[:-1]  # noqa: S106
        return Buttons(tokens, click_url, look, host_template(self._app))

    def _base_url(self) -> str:
        if self.settings.base_url:
            return self.settings.base_url
        if not has_request_context():
            raise SettingsError(
                "SIPVAULT_BASE_URL",
                "is not set, and outside a request nothing else tells where the"
                " dashboard is reached",
                "Set it to that address, such as https://cdr.example.com.",
            )
        return request.url_root.rstrip("/") + self.settings.url_prefix


def mounted_vault() -> MountedVault:
    """The extension in the current app.

    :raises RuntimeError: if the app does not have it.
    """
    try:
        return cast(MountedVault, current_app.extensions["sipvault"])
    except KeyError:
        raise RuntimeError(
            "this app has no SIPVault: call SIPVault(app), or init_app(app)"
        ) from None


def _flask_login_user() -> str | None:
    """Whom Flask-Login has logged in, if the host uses it."""
    user_id = session.get("_user_id")
    return None if user_id is None else str(user_id)


def _cache(app: Flask, settings: Settings) -> Cache:
    """The host's own cache, or one of ours beside it.

    Ours leaves the host's ``{% cache %}`` tag alone, and has a prefix of its own.
    """
    if isinstance(settings.cache, Cache):
        return settings.cache
    cache = Cache(with_jinja2_ext=False)
    cache.init_app(app, config={"CACHE_KEY_PREFIX": "sipvault_", **settings.cache})
    return cache
