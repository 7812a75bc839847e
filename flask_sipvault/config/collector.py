"""The settings that only the collector obeys, checked.

They are read together with the others, so that a misspelt one is noticed early. Files
and ports are touched only when the collector starts: a dashboard on another host has
none of them.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from pathlib import Path
from typing import Any

from . import converters as values
from .converters import ListenAddress as ListenAddress
from .converters import SettingsError

#: The port of the original product, on every address.
_PORT_9060 = ListenAddress("", 9060)
#: Nobody else need see the metrics.
_PORT_9061 = ListenAddress("127.0.0.1", 9061)

_DAY = 24 * 3600
_LEAST_SPOOL, _LARGEST_SPOOL = 1 << 20, 1 << 50


@dataclass(frozen=True)
class CollectorSettings:
    """How the collector listens, and when it writes.

    :param tls_cert: None: no TLS. A PEM file that may hold the key too.
    :param tls_key: None: it is in the certificate's file.
    :param linger: how long to wait after a call's end, in seconds.
    :param call_timeout: after how much silence a call has expired, in seconds.
    :param partial_seconds: how often a part of a call that is still up is written.
    :param spool: the folder of what is not written yet; None if nobody named one.
    :param spool_max_bytes: how large that may grow.
    :param correlation: the Redis server, with its password, by which collectors find
        each other's legs; None: each goes on by itself.
    """

    listen_tcp: ListenAddress = _PORT_9060
    listen_hep: ListenAddress = _PORT_9060
    tls_cert: Path | None = None
    tls_key: Path | None = None
    linger: int = 30
    call_timeout: int = 4 * 3600
    partial_seconds: int = 300
    spool: Path | None = None
    spool_max_bytes: int = 1 << 30
    metrics_listen: ListenAddress = _PORT_9061
    correlation: str | None = field(default=None, repr=False)


def read_collector(
    read: Callable[[str, Callable[[str, Any], Any], Any], Any],
    default_spool: Path | None,
) -> CollectorSettings:
    """Read and check them.

    :param read: gives a setting by its name, through a reader, or else a default.
    :param default_spool: the folder of the spool where none is named.
    :raises SettingsError: for the first that is wrong.
    """
    known = CollectorSettings()
    settings = CollectorSettings(
        listen_tcp=read("SIPVAULT_LISTEN_TCP", values.listen_address, known.listen_tcp),
        listen_hep=read("SIPVAULT_LISTEN_HEP", values.listen_address, known.listen_hep),
        tls_cert=read("SIPVAULT_TLS_CERT", values.path, None),
        tls_key=read("SIPVAULT_TLS_KEY", values.path, None),
        linger=read("SIPVAULT_LINGER", _seconds, known.linger),
        call_timeout=read("SIPVAULT_CALL_TIMEOUT", _seconds, known.call_timeout),
        partial_seconds=read(
            "SIPVAULT_PARTIAL_SECONDS", _seconds, known.partial_seconds
        ),
        spool=read("SIPVAULT_SPOOL", values.path, default_spool),
        spool_max_bytes=read(
            "SIPVAULT_SPOOL_MAX_BYTES", _spool_size, known.spool_max_bytes
        ),
        metrics_listen=read(
            "SIPVAULT_METRICS_LISTEN", values.listen_address, known.metrics_listen
        ),
        correlation=read("SIPVAULT_CORRELATION", values.redis_url, None),
    )
    if settings.tls_key is not None and settings.tls_cert is None:
        raise SettingsError(
            "SIPVAULT_TLS_CERT",
            "is missing, though SIPVAULT_TLS_KEY is set",
            "Name the certificate too, or neither to do without TLS.",
        )
    if settings.call_timeout <= settings.linger:
        raise SettingsError(
            "SIPVAULT_CALL_TIMEOUT",
            "is not longer than SIPVAULT_LINGER",
            "It is for calls whose end was never seen: give it hours.",
        )
    return settings


def _seconds(name: str, value: Any) -> int:
    return values.whole_number(name, value, maximum=_DAY)


def _spool_size(name: str, value: Any) -> int:
    return values.whole_number(
        name, value, minimum=_LEAST_SPOOL, maximum=_LARGEST_SPOOL
    )
