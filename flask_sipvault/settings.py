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
from typing import NamedTuple

from . import settingvalues as values
from .analysis.aliases import Aliases
from .analysis.aliases import NO_ALIASES
from .analysis.quality import DEFAULT_THRESHOLDS
from .analysis.quality import Scale
from .collectorsettings import CollectorSettings as CollectorSettings
from .collectorsettings import read_collector
from .customers import Customer as Customer
from .customers import read_customers
from .customers import refuse_equal_secrets
from .customers import sole_customer
from .legs import DEFAULT_HEADERS
from .settingvalues import SettingsError as SettingsError
from .sharesettings import read_sharing
from .sharesettings import ShareSettings as ShareSettings

logger = logging.getLogger("flask_sipvault")

#: The customer of the original product's guide.
DEFAULT_CUSTOMER_ID = "sippulse"

_MAX_LOOKBACK_DAYS = 3650


class Setting(NamedTuple):
    """What there is to know of one setting.

    :param type: what it may be; in the environment a list or dict is written as JSON.
    :param default: what holds where it is not set, in words.
    """

    name: str
    type: str
    default: str
    doc: str


SETTINGS = (
    Setting(
        "SIPVAULT_HMAC_SECRET",
        "text or list of texts",
        "required, unless every customer has a secret of its own",
        "The secret of the default customer's links. Of several the first signs and all"
        " verify, for rotation. A customer's own secret comes first.",
    ),
    Setting(
        "SIPVAULT_BASE_URL",
        "URL",
        "from the request",
        "Where the dashboard is reached, for links made outside a request.",
    ),
    Setting(
        "SIPVAULT_CUSTOMER_ID",
        "text; in app.config also a callable that returns one",
        f"{DEFAULT_CUSTOMER_ID}, or the first of SIPVAULT_CUSTOMERS if it is not there",
        "The customer of links made here: the default customer.",
    ),
    Setting(
        "SIPVAULT_CUSTOMERS",
        "list of dicts",
        "the default customer alone",
        "The customers: id, bucket, and optionally prefix, secret, token, hep_auth_key"
        " (each of the three may be a list) and hep_sources (a list of addresses).",
    ),
    Setting(
        "SIPVAULT_SHARED_SECRET",
        "true or false",
        "false",
        "Let several customers share one secret, for old link generators. Then a link"
        " of one customer opens the same call of another.",
    ),
    Setting(
        "SIPVAULT_URL_PREFIX",
        "path",
        "none, so that /call/… is the path of the original product",
        "Where the blueprint is mounted.",
    ),
    Setting(
        "SIPVAULT_BASE_TEMPLATE",
        "template name",
        "a page of our own",
        "The template of the host that the dashboard extends.",
    ),
    Setting(
        "SIPVAULT_ALIASES",
        "dict of names by address or network",
        "none, so that addresses stand for themselves",
        "What the hosts of your network are called in the ladder.",
    ),
    Setting(
        "SIPVAULT_LANGUAGE",
        "en, pt_BR or auto",
        "auto: Flask-Babel's choice where the host has it, else the browser's",
        "The language of the dashboard.",
    ),
    Setting(
        "SIPVAULT_LEG_HEADERS",
        "list of header names, or one with commas",
        ", ".join(DEFAULT_HEADERS),
        "The SIP header fields by which one leg of a call names another's Call-ID.",
    ),
    Setting(
        "SIPVAULT_SHARE_MAX_DAYS",
        "whole number of days",
        "0: calls cannot be shared",
        "The longest life of a link that lets others see one call.",
    ),
    Setting(
        "SIPVAULT_SHARE_KEY",
        "text",
        "none; required where calls may be shared",
        "The key of shared links. A new one revokes them all.",
    ),
    Setting(
        "SIPVAULT_STORE",
        "s3, or a folder (folder:/path or /path)",
        "the folder sipvault in the application's instance folder",
        "Where evidence is kept.",
    ),
    Setting(
        "SIPVAULT_S3_ENDPOINT", "URL", "Amazon's", "The S3 server, if not Amazon's."
    ),
    Setting("SIPVAULT_S3_REGION", "text", "boto3's", "The region of the buckets."),
    Setting(
        "SIPVAULT_S3_ACCESS_KEY",
        "text",
        "boto3's own search",
        "The access key; it goes with the secret key.",
    ),
    Setting(
        "SIPVAULT_S3_SECRET_KEY",
        "text",
        "boto3's own search",
        "The secret key; it goes with the access key.",
    ),
    Setting(
        "SIPVAULT_LOOKBACK_DAYS",
        "whole number of days",
        "7",
        "How far back a call is looked for.",
    ),
    Setting(
        "SIPVAULT_CACHE",
        "dict of Flask-Caching's settings, its CACHE_TYPE alone, or a Cache object",
        "SimpleCache",
        "The cache of what was read from the store; Redis for several workers.",
    ),
    Setting(
        "SIPVAULT_MOS_THRESHOLDS",
        "three numbers, falling; in the environment with commas between them",
        "3.6, 3.1, 2.5",
        "The least MOS that is good, fair and poor; what is less is bad.",
    ),
    Setting(
        "SIPVAULT_G711_PLC",
        "true or false",
        "true",
        "Whether receivers of G.711 are taken to conceal losses when quality is rated.",
    ),
    Setting(
        "SIPVAULT_LISTEN_TCP",
        "address",
        ":9060",
        "Where the collector listens for agents, and for HEP over TCP and TLS.",
    ),
    Setting(
        "SIPVAULT_LISTEN_HEP",
        "address",
        ":9060",
        "Where the collector takes HEP over UDP.",
    ),
    Setting("SIPVAULT_TLS_CERT", "path", "none", "The collector's certificate, PEM."),
    Setting(
        "SIPVAULT_TLS_KEY",
        "path",
        "in the file of the certificate",
        "The key of that certificate, PEM.",
    ),
    Setting(
        "SIPVAULT_LINGER",
        "seconds",
        "30",
        "How long the collector waits after a call's end for what comes late.",
    ),
    Setting(
        "SIPVAULT_CALL_TIMEOUT",
        "seconds",
        "4 hours",
        "How long a call may be silent before the collector writes it as expired.",
    ),
    Setting(
        "SIPVAULT_PARTIAL_SECONDS",
        "seconds",
        "300",
        "How often the collector writes what is new of a call that is still up.",
    ),
    Setting(
        "SIPVAULT_SPOOL",
        "path",
        "the folder sipvault-spool in the application's instance folder",
        "The folder where the collector keeps what is not written yet.",
    ),
    Setting(
        "SIPVAULT_SPOOL_MAX_BYTES",
        "whole number of bytes",
        "1 GiB",
        "How large the spool may grow before the collector reads no more.",
    ),
    Setting(
        "SIPVAULT_METRICS_LISTEN",
        "address",
        "127.0.0.1:9061",
        "Where the collector shows its metrics.",
    ),
)

#: The names of all settings, those of the collector included.
KNOWN_NAMES = tuple(setting.name for setting in SETTINGS)


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
    :param cache: Flask-Caching's settings, or a Cache object of the host.
    :param aliases: what addresses and networks are called.
    :param language: of the dashboard; ``auto``: as the host or the browser chooses.
    :param mos_thresholds: the least MOS that is good, fair and poor.
    :param g711_concealment: whether receivers of G.711 are taken to conceal losses.
    :param leg_headers: the SIP header fields that name another leg's Call-ID.
    :param sharing: whether calls may be shared with others.
    :param collector: what only the collector obeys.
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
    aliases: Aliases = NO_ALIASES
    language: str = "auto"
    mos_thresholds: tuple[float, float, float] = DEFAULT_THRESHOLDS
    g711_concealment: bool = True
    leg_headers: tuple[str, ...] = DEFAULT_HEADERS
    sharing: ShareSettings = field(default_factory=ShareSettings)
    collector: CollectorSettings = field(default_factory=CollectorSettings)

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
    shared_secret = source.read("SIPVAULT_SHARED_SECRET", values.flag, False)
    customers = _with_secrets(
        customers,
        default_id,
        source.read("SIPVAULT_HMAC_SECRET", values.secrets, ()),
        shared=shared_secret,
        needed=need_secret,
    )
    return Settings(
        customers=customers,
        customer_id=customer_id,
        default_customer=customers[default_id],
        shared_secret=shared_secret,
        base_url=source.read("SIPVAULT_BASE_URL", values.web_address, None),
        url_prefix=source.read("SIPVAULT_URL_PREFIX", values.url_prefix, ""),
        base_template=source.read("SIPVAULT_BASE_TEMPLATE", values.text, None),
        aliases=source.read("SIPVAULT_ALIASES", values.aliases, NO_ALIASES),
        store=store,
        lookback_days=source.read("SIPVAULT_LOOKBACK_DAYS", _read_lookback, 7),
        cache=source.read(
            "SIPVAULT_CACHE", values.cache, {"CACHE_TYPE": "SimpleCache"}
        ),
        language=source.read("SIPVAULT_LANGUAGE", values.language, "auto"),
        mos_thresholds=source.read(
            "SIPVAULT_MOS_THRESHOLDS", values.mos_thresholds, DEFAULT_THRESHOLDS
        ),
        g711_concealment=source.read("SIPVAULT_G711_PLC", values.flag, True),
        leg_headers=source.read(
            "SIPVAULT_LEG_HEADERS", values.header_names, DEFAULT_HEADERS
        ),
        sharing=read_sharing(source.read),
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

    def read(self, name: str, reader: Callable[[str, Any], Any], default: Any) -> Any:
        value = self.get(name)
        return default if value is None else reader(name, value)


def _warn_of_unknown_names(config: Mapping[str, Any]) -> None:
    for name in config:
        if name.startswith("SIPVAULT_") and name not in KNOWN_NAMES:
            warnings.warn(
                f"The setting {name} is unknown and has no effect."
                f" {values.nearest(name, KNOWN_NAMES)}".rstrip(),
                stacklevel=4,
            )


def _read_lookback(name: str, value: Any) -> int:
    return values.whole_number(name, value, maximum=_MAX_LOOKBACK_DAYS)


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
        endpoint=source.read("SIPVAULT_S3_ENDPOINT", values.web_address, None),
        region=source.read("SIPVAULT_S3_REGION", values.text, None),
        access_key=source.read("SIPVAULT_S3_ACCESS_KEY", values.text, None),
        secret_key=source.read("SIPVAULT_S3_SECRET_KEY", values.text, None),
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
            " python -c 'import secrets; print(secrets.token_hex(32))'",
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
