"""What the dashboard knows of the app that it is mounted in:
``app.extensions["sipvault"]``.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
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

from ..access.links import CallIdError
from ..access.sharing import Share
from ..access.sharing import Shares
from ..config.converters import SettingsError
from ..config.settings import Settings
from ..services import Services
from ..vault.objects import StoreError
from ..vault.vault import Vault
from .audit import Audit
from .button import Buttons
from .button import host_template
from .button import Look
from .call_cache import ExplainedCalls
from .concurrency import Slots

logger = logging.getLogger(__name__)

_LOOK = Look()

#: Looks at the request before a click or a call page is answered: None lets it
#: through, anything else is the answer.
Guard = Callable[[], "ResponseReturnValue | None"]

#: Whoever is logged in at the host; None for nobody.
Identity = Callable[[], "str | None"]


def _flask_login_user() -> str | None:
    """Whom Flask-Login has logged in, if the host uses it."""
    user_id = session.get("_user_id")
    return None if user_id is None else str(user_id)


@dataclass(slots=True)
class HostHooks:
    """What the host added: functions that are asked within its requests.

    :param guards: each may answer instead of the page.
    :param identity: tells who is logged in.
    """

    guards: list[Guard] = field(default_factory=list)
    identity: Identity = _flask_login_user

    def run_guards(self) -> ResponseReturnValue | None:
        """The first answer a guard gives instead of the page; None if none does."""
        for guard in self.guards:
            answer = guard()
            if answer is not None:
                return answer
        return None

    def current_identity(self) -> str | None:
        """Who is logged in at the host, as far as this request tells."""
        return self.identity() if has_request_context() else None


class MountedVault:
    """The extension in one app: ``app.extensions["sipvault"]``."""

    def __init__(self, app: Flask, hooks: HostHooks, settings: Settings) -> None:
        self.settings = settings
        self._app = app
        self._hooks = hooks
        self._has_looked_for_guard = False
        self.explained = ExplainedCalls(settings.aliases, settings.scale)
        self.slots = Slots(settings.max_concurrent)
        self.audit = Audit(self.user)
        self._services = Services(settings, cache=_cache(app, settings))
        try:
            self._services.check_folders()
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
        return self._services.vault(customer_id)

    def verify(self, call_hash: str, query: Mapping[str, Any]) -> tuple[str, str]:
        """The customer and the Call-ID of a link.

        :raises flask_sipvault.access.links.LinkError: if it does not open a call.
        """
        return self._services.verify(call_hash, query)

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
        return self._hooks.run_guards()

    def user(self) -> str | None:
        """Who is logged in at the host; None where it cannot tell.

        A host's function may count on a login that a page of ours does not need.
        """
        try:
            return self._hooks.current_identity()
        except Exception:
            logger.exception("the host's identity function failed")
            return None

    def open_token(self, token: str) -> tuple[str, str]:
        """The customer and the Call-ID a button was drawn for.

        :raises flask_sipvault.access.links.LinkError: if it does not open a call.
        """
        identity = self._hooks.current_identity()
        return self._services.clicks.open(token, identity=identity)

    @property
    def shares(self) -> Shares:
        """Makes, opens, lists and revokes shared links."""
        return self._services.shares

    @property
    def may_share_whole(self) -> bool:
        """Whether whole calls may be shared: where the host's guard sees who does it,
        or the settings say that none is needed. Without one, whoever has a link of two
        hours could make one of days of it.
        """
        return bool(self._hooks.guards) or self.settings.sharing.unguarded

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
        path = self._services.path(call_id, customer_id)
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
            return self._base_url() + self._services.path(call_id, customer_id)
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
        customer = self._services.customer(customer_id)
        tokens = self._services.clicks.for_page(
            customer.id, identity=self._hooks.current_identity()
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


def state() -> MountedVault:
    """The extension in the current app."""
    return cast(MountedVault, current_app.extensions["sipvault"])


def _cache(app: Flask, settings: Settings) -> Cache:
    """The host's own cache, or one of ours beside it.

    Ours leaves the host's ``{% cache %}`` tag alone, and has a prefix of its own.
    """
    if isinstance(settings.cache, Cache):
        return settings.cache
    cache = Cache(with_jinja2_ext=False)
    cache.init_app(app, config={"CACHE_KEY_PREFIX": "sipvault_", **settings.cache})
    return cache
