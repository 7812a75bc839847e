"""Every setting in one table: how it is read, its default, what it means. Loading,
checking, ``doctor`` and the documentation all go by it.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from ..analysis.ladder.aliases import NO_ALIASES
from ..analysis.media.quality import DEFAULT_THRESHOLDS
from ..correlation.legs import DEFAULT_HEADERS
from ..private_files import PRIVATE
from . import converters as values
from .converters import ListenAddress
from .sharing import share_key

_DAY_SECONDS = 24 * 3600
_MAX_LOOKBACK_DAYS = 3650
_MAX_SHARE_DAYS = 365
_LEAST_SPOOL, _LARGEST_SPOOL = 1 << 20, 1 << 50

#: More threads than this no server gives to one process.
_MAX_CONCURRENT = 10_000

#: The port of the original product, on every address.
_PORT_9060 = ListenAddress("", 9060)

#: The metrics are for this host alone, unless told otherwise.
_PORT_9061 = ListenAddress("127.0.0.1", 9061)


@dataclass(frozen=True, slots=True)
class Setting:
    """One setting.

    :param read: checks and converts a value that was set; called with the name and the
        value, it raises :class:`.converters.SettingsError`.
    :param default: where it is not set.
    :param shown_default: the default as the documentation shows it.
    :param meaning: in a few words, for the overview.
    """

    name: str
    read: Callable[[str, Any], Any]
    default: Any
    shown_default: str
    meaning: str


def _as_given(_name: str, value: Any) -> Any:
    """For what is checked together with other settings."""
    return value


def _between(minimum: int, maximum: int) -> Callable[[str, Any], int]:
    def read(name: str, value: Any) -> int:
        return values.whole_number(name, value, minimum=minimum, maximum=maximum)

    return read


_seconds = _between(1, _DAY_SECONDS)

_TABLE = (
    Setting(
        "SIPVAULT_HMAC_SECRET",
        values.secrets,
        (),
        "required",
        "the secret that signs links, or a list of them for rotation",
    ),
    Setting(
        "SIPVAULT_BASE_URL",
        values.web_address,
        None,
        "from the request",
        "where the dashboard is reached, for links made outside a request",
    ),
    Setting(
        "SIPVAULT_CUSTOMER_ID",
        _as_given,
        None,
        "``sippulse``, or the first customer",
        "the customer of links made here; may be a callable",
    ),
    Setting(
        "SIPVAULT_CUSTOMERS",
        _as_given,
        None,
        "the one above",
        "customers, each with its bucket and secret",
    ),
    Setting(
        "SIPVAULT_SHARED_SECRET",
        values.flag,
        False,
        "``false``",
        "lets several customers share a secret",
    ),
    Setting(
        "SIPVAULT_WEAK_SECRETS",
        values.flag,
        False,
        "``false``",
        "lets secrets be that can be found by trying",
    ),
    Setting(
        "SIPVAULT_URL_PREFIX",
        values.url_prefix,
        "",
        "the root",
        "where the dashboard is mounted",
    ),
    Setting(
        "SIPVAULT_BASE_TEMPLATE",
        values.text,
        None,
        "a page of its own",
        "the host's layout, for the dashboard to extend",
    ),
    Setting(
        "SIPVAULT_ALIASES",
        values.aliases,
        NO_ALIASES,
        "their addresses",
        "what hosts are called in the ladder, by address or network",
    ),
    Setting(
        "SIPVAULT_LANGUAGE",
        values.language,
        "auto",
        "``auto``",
        "of the dashboard",
    ),
    Setting(
        "SIPVAULT_LEG_HEADERS",
        values.header_names,
        DEFAULT_HEADERS,
        f"``{','.join(DEFAULT_HEADERS)}``",
        "SIP header fields that name another leg's Call-ID",
    ),
    Setting(
        "SIPVAULT_SHARE_MAX_DAYS",
        _between(0, _MAX_SHARE_DAYS),
        0,
        "``0``: no sharing",
        "the longest life of a shared link",
    ),
    Setting(
        "SIPVAULT_SHARE_KEY",
        share_key,
        "",
        "required for sharing",
        "signs shared links",
    ),
    Setting(
        "SIPVAULT_SHARE_UNGUARDED",
        values.flag,
        False,
        "``false``",
        "lets whole calls be shared without a guard of the host",
    ),
    Setting(
        "SIPVAULT_STORE",
        _as_given,
        None,
        "a folder in the instance folder",
        "``folder:/path``, or ``s3``",
    ),
    Setting(
        "SIPVAULT_STORE_MODE",
        values.file_mode,
        PRIVATE,
        "``0600``",
        "the permissions of the files of a store that is a folder",
    ),
    Setting(
        "SIPVAULT_S3_ENDPOINT",
        values.web_address,
        None,
        "as boto3 finds it",
        "the address of the S3 server",
    ),
    Setting(
        "SIPVAULT_S3_REGION", values.text, None, "as boto3 finds it", "the S3 region"
    ),
    Setting(
        "SIPVAULT_S3_ACCESS_KEY",
        values.text,
        None,
        "as boto3 finds it",
        "the S3 access key",
    ),
    Setting(
        "SIPVAULT_S3_SECRET_KEY",
        values.text,
        None,
        "as boto3 finds it",
        "the secret key that belongs to it",
    ),
    Setting(
        "SIPVAULT_LOOKBACK_DAYS",
        _between(0, _MAX_LOOKBACK_DAYS),
        7,
        "``7``",
        "how far back a call is looked for; ``0``: without limit",
    ),
    Setting(
        "SIPVAULT_CACHE",
        values.cache,
        {"CACHE_TYPE": "SimpleCache"},
        "``SimpleCache``",
        "Flask-Caching's configuration, or the host's Cache object",
    ),
    Setting(
        "SIPVAULT_MAX_CONCURRENT",
        _between(0, _MAX_CONCURRENT),
        0,
        "``0``: no limit",
        "how many requests for calls one process answers at a time",
    ),
    Setting(
        "SIPVAULT_MOS_THRESHOLDS",
        values.mos_thresholds,
        DEFAULT_THRESHOLDS,
        f"``{','.join(map(str, DEFAULT_THRESHOLDS))}``",
        "the least MOS that is good, fair and poor",
    ),
    Setting(
        "SIPVAULT_G711_PLC",
        values.flag,
        True,
        "``true``",
        "whether receivers of G.711 are taken to conceal losses",
    ),
    Setting(
        "SIPVAULT_LISTEN_TCP",
        values.listen_address,
        _PORT_9060,
        "``:9060``",
        "where the collector takes agents' frames and HEP over TCP and TLS",
    ),
    Setting(
        "SIPVAULT_LISTEN_HEP",
        values.listen_address,
        _PORT_9060,
        "``:9060``",
        "where it takes HEP over UDP",
    ),
    Setting(
        "SIPVAULT_TLS_CERT",
        values.path,
        None,
        "no TLS",
        "the collector's certificate, PEM",
    ),
    Setting(
        "SIPVAULT_TLS_KEY",
        values.path,
        None,
        "in the certificate's file",
        "the key that belongs to it",
    ),
    Setting(
        "SIPVAULT_LINGER",
        _seconds,
        30,
        "``30``",
        "how long the collector waits after a call's end, in seconds",
    ),
    Setting(
        "SIPVAULT_CALL_TIMEOUT",
        _seconds,
        4 * 3600,
        "``14400``",
        "after how much silence a call has expired, in seconds",
    ),
    Setting(
        "SIPVAULT_PARTIAL_SECONDS",
        _seconds,
        300,
        "``300``",
        "how often a part of a call that is still up is written, in seconds",
    ),
    Setting(
        "SIPVAULT_SPOOL",
        values.path,
        None,
        "a folder in the instance folder",
        "the folder of what is not in the vault yet",
    ),
    Setting(
        "SIPVAULT_SPOOL_MAX_BYTES",
        _between(_LEAST_SPOOL, _LARGEST_SPOOL),
        1 << 30,
        "1 GiB",
        "how large the spool may grow, in bytes",
    ),
    Setting(
        "SIPVAULT_METRICS_LISTEN",
        values.listen_address,
        _PORT_9061,
        "``127.0.0.1:9061``",
        "where the collector answers ``/metrics`` and ``/health``",
    ),
    Setting(
        "SIPVAULT_CORRELATION",
        values.redis_url,
        None,
        "each by itself",
        "the Redis server by which collectors find each other's legs",
    ),
)

#: Every setting, by its name.
SETTINGS: dict[str, Setting] = {setting.name: setting for setting in _TABLE}
