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

from .converters import ListenAddress as ListenAddress
from .converters import SettingsError
from .table import SETTINGS

_DEFAULT = {name: setting.default for name, setting in SETTINGS.items()}


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

    listen_tcp: ListenAddress = _DEFAULT["SIPVAULT_LISTEN_TCP"]
    listen_hep: ListenAddress = _DEFAULT["SIPVAULT_LISTEN_HEP"]
    tls_cert: Path | None = None
    tls_key: Path | None = None
    linger: int = _DEFAULT["SIPVAULT_LINGER"]
    call_timeout: int = _DEFAULT["SIPVAULT_CALL_TIMEOUT"]
    partial_seconds: int = _DEFAULT["SIPVAULT_PARTIAL_SECONDS"]
    spool: Path | None = None
    spool_max_bytes: int = _DEFAULT["SIPVAULT_SPOOL_MAX_BYTES"]
    metrics_listen: ListenAddress = _DEFAULT["SIPVAULT_METRICS_LISTEN"]
    correlation: str | None = field(default=None, repr=False)


def read_collector(
    read: Callable[[str], Any],
    default_spool: Path | None,
) -> CollectorSettings:
    """Read and check them.

    :param read: gives a setting by its name, checked, or its default.
    :param default_spool: the folder of the spool where none is named.
    :raises SettingsError: for the first that is wrong.
    """
    settings = CollectorSettings(
        listen_tcp=read("SIPVAULT_LISTEN_TCP"),
        listen_hep=read("SIPVAULT_LISTEN_HEP"),
        tls_cert=read("SIPVAULT_TLS_CERT"),
        tls_key=read("SIPVAULT_TLS_KEY"),
        linger=read("SIPVAULT_LINGER"),
        call_timeout=read("SIPVAULT_CALL_TIMEOUT"),
        partial_seconds=read("SIPVAULT_PARTIAL_SECONDS"),
        spool=read("SIPVAULT_SPOOL") or default_spool,
        spool_max_bytes=read("SIPVAULT_SPOOL_MAX_BYTES"),
        metrics_listen=read("SIPVAULT_METRICS_LISTEN"),
        correlation=read("SIPVAULT_CORRELATION"),
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
