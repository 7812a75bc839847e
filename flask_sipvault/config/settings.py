"""The settings: ``SIPVAULT_*`` out of ``app.config`` and the environment, checked.

Whatever is wrong is found when the application starts, with an error that names the
setting and the remedy, and not when an operator clicks.
"""

from __future__ import annotations

import logging
import re
import warnings
from collections.abc import Callable
from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..analysis.ladder.aliases import Aliases
from ..analysis.ladder.aliases import NO_ALIASES
from ..analysis.media.quality import DEFAULT_THRESHOLDS
from ..analysis.media.quality import Scale
from ..correlation.legs import DEFAULT_HEADERS
from ..private_files import PRIVATE
from . import converters as values
from .collector import CollectorSettings as CollectorSettings
from .collector import read_collector
from .converters import SettingsError as SettingsError
from .customers import Customer as Customer
from .customers import read_customers
from .customers import refuse_equal_secrets
from .customers import sole_customer
from .customers import weak_secrets
from .customers import WeakSecret as WeakSecret
from .secret_rule import RECIPE
from .sharing import read_sharing
from .sharing import ShareSettings as ShareSettings
from .table import SETTINGS

logger = logging.getLogger("flask_sipvault")

#: The customer of the original product's guide.
DEFAULT_CUSTOMER_ID = "sippulse"

#: What lets secrets be that can be found by trying.
WEAK_SETTING = "SIPVAULT_WEAK_SECRETS"

#: What to do about one.
WEAK_REMEDY = (
    f"Make a good one, here and wherever it is used, by: {RECIPE}. Until that can be"
    f" done, {WEAK_SETTING}=true lets it be."
)


@dataclass(frozen=True)
class S3Access:
    """How the S3 server is reached; None leaves it to boto3."""

    endpoint: str | None = None
    region: str | None = None
    access_key: str | None = field(default=None, repr=False)
    secret_key: str | None = field(default=None, repr=False)


@dataclass(frozen=True)
class Settings:
    """Every setting, checked.

    :param customers: by id, in their order.
    :param customer_id: the customer of links made here, or a callable that tells it.
    :param default_customer: the customer that SIPVAULT_HMAC_SECRET is for.
    :param shared_secret: whether customers may share a secret.
    :param base_url: without a slash at its end; None: from the request.
    :param url_prefix: empty, or like ``/vault``.
    :param store: a folder, or how S3 is reached.
    :param store_mode: the permissions of the files of a store that is a folder.
    :param cache: Flask-Caching's settings, or a Cache object of the host.
    :param max_concurrent: how many requests for calls one process works on at a time;
        0 for no limit.
    :param aliases: what addresses and networks are called.
    :param language: of the dashboard; ``auto``: as the host or the browser chooses.
    :param mos_thresholds: the least MOS that is good, fair and poor.
    :param g711_concealment: whether receivers of G.711 are taken to conceal losses.
    :param leg_headers: the SIP header fields that name another leg's Call-ID.
    :param sharing: whether calls may be shared with others.
    :param collector: what only the collector obeys.
    :param weak_secrets: those that can be found by trying; there are none unless
        SIPVAULT_WEAK_SECRETS lets them be.
    """

    customers: dict[str, Customer]
    customer_id: str | Callable[[], str]
    default_customer: Customer
    shared_secret: bool
    base_url: str | None
    url_prefix: str
    base_template: str | None
    store: Path | S3Access
    lookback_days: int
    cache: Any = field(repr=False)
    max_concurrent: int = 0
    store_mode: int = PRIVATE
    aliases: Aliases = NO_ALIASES
    language: str = "auto"
    mos_thresholds: tuple[float, float, float] = DEFAULT_THRESHOLDS
    g711_concealment: bool = True
    leg_headers: tuple[str, ...] = DEFAULT_HEADERS
    sharing: ShareSettings = field(default_factory=ShareSettings)
    collector: CollectorSettings = field(default_factory=CollectorSettings)
    weak_secrets: tuple[WeakSecret, ...] = ()

    @property
    def scale(self) -> Scale:
        """How voice quality is rated."""
        return Scale(*self.mos_thresholds, g711_concealment=self.g711_concealment)


def load(
    config: Mapping[str, Any],
    environ: Mapping[str, str],
    *,
    instance_path: str | None = None,
    need_secret: bool = True,
) -> Settings:
    """Read and check the settings.

    :param config: the host's; what is set here comes before the environment.
    :param instance_path: the application's, for the store where none is named.
    :param need_secret: False for commands that neither make nor check links.
    :raises SettingsError: for the first setting that is wrong.
    """
    _warn_of_unknown_names(config)
    source = _Source(config, environ)
    store = _read_store(source, instance_path)
    customers, customer_id, default_id = _read_customers(
        source, on_s3=isinstance(store, S3Access)
    )
    shared_secret = source.read("SIPVAULT_SHARED_SECRET")
    hmac_secrets = source.read("SIPVAULT_HMAC_SECRET")
    sharing = read_sharing(source.read)
    weak = _weak_secrets(customers, hmac_secrets, sharing.key)
    if weak and not source.read(WEAK_SETTING):
        raise SettingsError(weak[0].setting, weak[0].problem, WEAK_REMEDY)
    for each in weak:
        logger.warning("%s %s: it can be found by trying", each.setting, each.problem)
    customers = _with_secrets(
        customers,
        default_id,
        hmac_secrets,
        shared=shared_secret,
        needed=need_secret,
    )
    return Settings(
        customers=customers,
        customer_id=customer_id,
        default_customer=customers[default_id],
        shared_secret=shared_secret,
        base_url=source.read("SIPVAULT_BASE_URL"),
        url_prefix=source.read("SIPVAULT_URL_PREFIX"),
        base_template=source.read("SIPVAULT_BASE_TEMPLATE"),
        aliases=source.read("SIPVAULT_ALIASES"),
        store=store,
        store_mode=source.read("SIPVAULT_STORE_MODE"),
        lookback_days=source.read("SIPVAULT_LOOKBACK_DAYS"),
        cache=source.read("SIPVAULT_CACHE"),
        max_concurrent=source.read("SIPVAULT_MAX_CONCURRENT"),
        language=source.read("SIPVAULT_LANGUAGE"),
        mos_thresholds=source.read("SIPVAULT_MOS_THRESHOLDS"),
        g711_concealment=source.read("SIPVAULT_G711_PLC"),
        leg_headers=source.read("SIPVAULT_LEG_HEADERS"),
        sharing=sharing,
        weak_secrets=weak,
        collector=read_collector(
            source.read,
            Path(instance_path) / "sipvault-spool" if instance_path else None,
        ),
    )


class _Source:
    """Where settings come from: first the host's, then the environment."""

    def __init__(self, config: Mapping[str, Any], environ: Mapping[str, str]) -> None:
        self._config = config
        self._environ = environ

    def get(self, name: str) -> Any:
        """As it stands; None where it is not set, or empty."""
        value = self._config.get(name)
        if value is None:
            value = self._environ.get(name)
        return None if value == "" else value

    def read(self, name: str) -> Any:
        """Checked and converted; the default where it is not set."""
        setting, value = SETTINGS[name], self.get(name)
        return setting.default if value is None else setting.read(name, value)


def _warn_of_unknown_names(config: Mapping[str, Any]) -> None:
    for name in config:
        if name.startswith("SIPVAULT_") and name not in SETTINGS:
            warnings.warn(
                f"The setting {name} is unknown and has no effect."
                f" {values.nearest(name, SETTINGS)}".rstrip(),
                stacklevel=4,
            )


def _read_store(source: _Source, instance_path: str | None) -> Path | S3Access:
    name = "SIPVAULT_STORE"
    remedy = "Give s3, or a folder like folder:/var/lib/sipvault."
    access = _read_s3_access(source)
    value = source.get(name)
    if value is None:
        if instance_path is None:
            raise SettingsError(name, "is missing", remedy)
        folder = Path(instance_path) / "sipvault"
        logger.info("%s is not set: calls are kept in the folder %s", name, folder)
        if access != S3Access():
            logger.warning("SIPVAULT_S3_… has no effect without %s=s3", name)
        return folder
    if isinstance(value, Path):
        return value.absolute()
    where = values.text(name, value)
    if where.lower() == "s3":
        return access
    path = where.removeprefix("folder:")
    if not path or (path == where and re.match(r"[A-Za-z][A-Za-z0-9+.-]+:", where)):
        raise SettingsError(name, "names neither s3 nor a folder", remedy)
    return Path(path).expanduser().absolute()


def _read_s3_access(source: _Source) -> S3Access:
    access = S3Access(
        endpoint=source.read("SIPVAULT_S3_ENDPOINT"),
        region=source.read("SIPVAULT_S3_REGION"),
        access_key=source.read("SIPVAULT_S3_ACCESS_KEY"),
        secret_key=source.read("SIPVAULT_S3_SECRET_KEY"),
    )
    if (access.access_key is None) != (access.secret_key is None):
        missing = "ACCESS" if access.access_key is None else "SECRET"
        raise SettingsError(
            f"SIPVAULT_S3_{missing}_KEY",
            "is missing, though the other of the two keys is set",
            "Set both, or neither to let boto3 find them.",
        )
    return access


def _read_customers(
    source: _Source, *, on_s3: bool
) -> tuple[dict[str, Customer], str | Callable[[], str], str]:
    """The customers, the customer of links made here, and the default customer's id."""
    name = "SIPVAULT_CUSTOMER_ID"
    asked: Any = source.get(name)
    if asked is not None and not callable(asked):
        asked = values.customer_id(name, asked)
    listed = source.get("SIPVAULT_CUSTOMERS")
    if listed is None:
        default_id = asked if isinstance(asked, str) else DEFAULT_CUSTOMER_ID
        customers = {default_id: sole_customer(default_id, on_s3=on_s3)}
        return customers, asked or default_id, default_id
    customers = read_customers(listed, on_s3=on_s3)
    if isinstance(asked, str):
        if asked not in customers:
            raise SettingsError(
                name,
                f"is {asked!r}, which SIPVAULT_CUSTOMERS does not list",
                values.nearest(asked, customers) or "Name one of those, or list it.",
            )
        return customers, asked, asked
    first = next(iter(customers))
    default_id = DEFAULT_CUSTOMER_ID if DEFAULT_CUSTOMER_ID in customers else first
    return customers, asked or default_id, default_id


def _weak_secrets(
    customers: Mapping[str, Customer], hmac_secrets: tuple[str, ...], share_key: str
) -> tuple[WeakSecret, ...]:
    """Whatever can be found by trying, of all the secrets there are."""
    weak = [*weak_secrets("SIPVAULT_HMAC_SECRET", hmac_secrets)]
    for customer in customers.values():
        weak += customer.weak_secrets()
    weak += weak_secrets("SIPVAULT_SHARE_KEY", (share_key,) if share_key else ())
    return tuple(weak)


def _with_secrets(
    customers: Mapping[str, Customer],
    default_id: str,
    secrets: tuple[str, ...],
    *,
    shared: bool,
    needed: bool,
) -> dict[str, Customer]:
    """Give SIPVAULT_HMAC_SECRET to those it is for."""
    complete = {
        customer.id: replace(customer, secrets=secrets)
        if not customer.secrets and (shared or customer.id == default_id)
        else customer
        for customer in customers.values()
    }
    if needed and not complete[default_id].secrets:
        raise SettingsError(
            "SIPVAULT_HMAC_SECRET",
            "is missing",
            "Set it to the secret that the link generators use; a new one comes from:"
            f" {RECIPE}",
        )
    for customer in complete.values():
        if needed and not customer.secrets:
            raise SettingsError(
                "SIPVAULT_CUSTOMERS",
                f"gives the customer {customer.id!r} no secret",
                "Give each customer a secret of its own. If an old link generator has"
                " but one for all, set SIPVAULT_SHARED_SECRET=true and"
                " SIPVAULT_HMAC_SECRET.",
            )
    if not shared:
        refuse_equal_secrets(list(complete.values()))
    return complete
