"""The collector's settings: what each gives, and with what words it is refused."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.config.collector import CollectorSettings
from flask_sipvault.config.collector import ListenAddress
from flask_sipvault.config.settings import load
from flask_sipvault.config.settings import SettingsError


def collector(**config: Any) -> CollectorSettings:
    given = {f"SIPVAULT_{name}": value for name, value in config.items()}
    settings = load({"SIPVAULT_STORE": "/srv/vault", **given}, {}, need_secret=False)
    return settings.collector


def refused(**config: Any) -> str:
    with pytest.raises(SettingsError) as caught:
        collector(**config)
    return caught.value.setting


def test_without_a_setting_the_original_products_ports_and_times_hold() -> None:
    assert collector() == CollectorSettings(
        listen_tcp=ListenAddress("", 9060),
        listen_hep=ListenAddress("", 9060),
        tls_cert=None,
        tls_key=None,
        linger=30,
        call_timeout=14400,
        partial_seconds=300,
        spool=None,
        spool_max_bytes=1073741824,
        metrics_listen=ListenAddress("127.0.0.1", 9061),
    )


@pytest.mark.parametrize(
    "url",
    [
        "redis://redis.example",
        "redis://:p%40ss@redis.example:7000/3",
        "rediss://user:secret@[2001:db8::7]:6379/0",
        "unix:///run/redis/redis.sock",
    ],
)
def test_where_redis_is(url: str) -> None:
    settings = collector(CORRELATION=url)

    assert settings.correlation == url
    assert url not in repr(settings)


@pytest.mark.parametrize(
    "url",
    [
        "redis.example:6379",
        "http://:secret@redis.example",
        "redis://",
        "redis://:secret@",
        "redis://:secret@redis.example:0",
        "redis://:secret@redis.example:99999",
        "redis://:secret@redis.example/db",
        "redis://:secret@redis.example/0/1",
        "redis://:secret@redis.example?db=1",
        "redis://:secret@redis.example#x",
        "redis://:sec ret@redis.example",
        "redis://:secret@[2001:db8::7",
        "unix://",
        "unix://host/redis.sock",
        7,
    ],
)
def test_what_is_no_redis_url_is_refused_and_not_repeated(url: object) -> None:
    with pytest.raises(SettingsError) as caught:
        collector(CORRELATION=url)

    assert caught.value.setting == "SIPVAULT_CORRELATION"
    assert "sec" not in str(caught.value)


@pytest.mark.parametrize("name", ["LISTEN_TCP", "LISTEN_HEP", "METRICS_LISTEN"])
@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        (":9060", "", 9060),
        ("192.0.2.7:9061", "192.0.2.7", 9061),
        ("[2001:db8::7]:9060", "2001:db8::7", 9060),
        ("collector.example.com:0", "collector.example.com", 0),
        ("0.0.0.0:65535", "0.0.0.0", 65535),
    ],
)
def test_an_address_is_a_host_and_a_port(
    name: str, text: str, host: str, port: int
) -> None:
    address = getattr(collector(**{name: text}), name.lower())

    assert address == ListenAddress(host, port)


@pytest.mark.parametrize(
    "text",
    [
        *("9060", "host", "host:", ":70000", ":-1", ":\u0667", "a b:1", "tcp://h:1"),
        *("::1:9060", "[::1:9060", "[a[b]:1", 9060),
    ],
)
def test_anything_else_is_no_address(text: Any) -> None:
    assert refused(LISTEN_TCP=text) == "SIPVAULT_LISTEN_TCP"


@pytest.mark.parametrize("name", ["LINGER", "CALL_TIMEOUT", "PARTIAL_SECONDS"])
def test_times_are_whole_seconds_of_a_day_at_most(name: str) -> None:
    settings = collector(**{"LINGER": 1, "CALL_TIMEOUT": 86400, name: "600"})

    assert getattr(settings, name.lower()) == 600
    for wrong in (0, -1, "30s", 1.5, 86401):
        assert refused(**{name: wrong}) == f"SIPVAULT_{name}"


def test_a_call_expires_later_than_it_lingers() -> None:
    assert refused(LINGER=60, CALL_TIMEOUT=60) == "SIPVAULT_CALL_TIMEOUT"


def test_the_spool_is_a_folder_of_a_limited_size(tmp_path: Path) -> None:
    settings = collector(SPOOL=str(tmp_path), SPOOL_MAX_BYTES="10737418240")

    assert settings.spool == tmp_path
    assert settings.spool_max_bytes == 10 << 30
    assert refused(SPOOL_MAX_BYTES=4096) == "SIPVAULT_SPOOL_MAX_BYTES"
    assert refused(SPOOL=7) == "SIPVAULT_SPOOL"


def test_in_an_application_the_spool_is_in_its_instance_folder(tmp_path: Path) -> None:
    settings = load({}, {}, instance_path=str(tmp_path), need_secret=False)

    assert settings.collector.spool == tmp_path / "sipvault-spool"


def test_a_certificate_may_hold_its_key_but_no_key_stands_alone() -> None:
    settings = collector(TLS_CERT="/etc/sipvault/cert.pem")

    assert settings.tls_cert == Path("/etc/sipvault/cert.pem")
    assert settings.tls_key is None
    assert refused(TLS_KEY="/etc/sipvault/key.pem") == "SIPVAULT_TLS_CERT"
