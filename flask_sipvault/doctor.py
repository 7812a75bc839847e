"""The causes of a link that does not open a call, each looked for and with a remedy.

Every check returns findings, and none raises: a doctor that stops at the first illness
is of little use.
"""

from __future__ import annotations

import json
import os
import secrets
import stat
import time
import urllib.error
import urllib.request
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import timezone
from email.utils import parsedate_to_datetime
from pathlib import Path
from typing import Literal

from flask import Flask
from flask_caching import Cache

from .config.secret_rule import RECIPE
from .config.settings import Settings
from .config.settings import SettingsError
from .evidence import call_hash
from .private_files import folder_mode
from .services import Services
from .vault.folder import FolderStore
from .vault.objects import StoreError

Status = Literal["ok", "warn", "fail", "skipped"]

#: Clocks this far apart are worth mending, in seconds; links still work.
DRIFT_WARNING = 60

#: Half of the hour that a link is good for beyond its own, in seconds: from here on
#: links fail now and then.
DRIFT_FAILURE = 1800

#: How long the dashboard or the store may take to answer, in seconds.
_TIMEOUT = 10

#: Every character that a badly set-up web server trips over.
_PROBE_CALL_ID = "doctor +%2F/&=;?#@sipvault.invalid"


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check came to.

    :param check: its name, for programs.
    :param remedy: what to do; empty where nothing is to be done.
    """

    check: str
    status: Status
    message: str
    remedy: str = ""


def of_settings(error: SettingsError) -> Finding:
    """A setting that keeps the application from starting."""
    return Finding("settings", "fail", f"{error.setting} {error.problem}", error.remedy)


def examine(installation: Services, *, write_test: bool = False) -> Iterator[Finding]:
    """Every check, one after another.

    :param write_test: also write an object to every store and remove it.
    """
    settings = installation.settings
    yield Finding("settings", "ok", "every setting can be used")
    yield check_secrets(settings)
    yield check_weak_secrets(settings)
    yield check_sharing(settings)
    yield from check_dashboard(installation)
    yield from check_stores(installation, write_test=write_test)
    yield check_lookback(settings)
    yield check_cache(settings)


def check_secrets(settings: Settings) -> Finding:
    """Whoever has a secret in common with another customer can open its calls."""
    owners: dict[str, list[str]] = defaultdict(list)
    for customer in settings.customers.values():
        for secret in customer.secrets:
            owners[secret].append(customer.id)
    sharing = [customers for customers in owners.values() if len(customers) > 1]
    if not sharing:
        return Finding("secrets", "ok", "every customer has a secret of its own")
    names = "; ".join(", ".join(customers) for customers in sharing)
    return Finding(
        "secrets",
        "warn",
        f"customers share one secret: {names}. Who may open one's calls can open the"
        " other's by changing cid in the link",
        "Give each customer a secret of its own in SIPVAULT_CUSTOMERS.",
    )


def check_weak_secrets(settings: Settings) -> Finding:
    """What SIPVAULT_WEAK_SECRETS lets be; never the secret itself."""
    if not settings.weak_secrets:
        return Finding("weak_secrets", "ok", "no secret can be found by trying")
    weak = [f"{each.setting} {each.problem}" for each in settings.weak_secrets]
    return Finding(
        "weak_secrets",
        "warn",
        f"can be found by trying: {'; '.join(weak)}",
        f"Make good ones by: {RECIPE}. Of a secret of links, put the new one before the"
        " old one, and drop the old one once every generator has the new one.",
    )


def check_sharing(settings: Settings) -> Finding:
    """Who may make links that need no login."""
    sharing = settings.sharing
    if not sharing.max_days:
        return Finding("sharing", "ok", "calls cannot be shared")
    if not sharing.unguarded:
        return Finding("sharing", "ok", f"calls are shared for {sharing.max_days} days")
    return Finding(
        "sharing",
        "warn",
        "whoever has a link of two hours can make one of the whole call that works for"
        f" {sharing.max_days} days (SIPVAULT_SHARE_UNGUARDED)",
        "Name a guard with SIPVault.guard, and take SIPVAULT_SHARE_UNGUARDED away.",
    )


def check_dashboard(installation: Services) -> Iterator[Finding]:
    """Whether the base URL leads to us, with the query string as it was sent."""
    settings = installation.settings
    if settings.base_url is None:
        yield Finding(
            "base_url",
            "skipped",
            "SIPVAULT_BASE_URL is not set: links are made for the address that a"
            " request came to",
            "Set it to have the way to the dashboard checked.",
        )
        return
    customer = next(each for each in settings.customers.values() if each.secrets)
    path = installation.path(_PROBE_CALL_ID, customer.id)
    unsigned = f"/call/{call_hash(_PROBE_CALL_ID)}"
    try:
        bare = _get(settings.base_url + unsigned)
        signed = _get(settings.base_url + path)
    except OSError as error:
        yield Finding(
            "base_url",
            "fail",
            f"nothing answers at {settings.base_url}: {_reason(error)}",
            "Correct SIPVAULT_BASE_URL, or start the application there.",
        )
        return
    yield _judge_clock("clock", "the dashboard's server", bare.date)
    if bare.status in (301, 302, 303, 307, 308) or (
        bare.status in (401, 403) and not bare.error
    ):
        yield Finding(
            "base_url",
            "skipped",
            f"{settings.base_url} asks for a login before it lets anybody at the"
            f" dashboard (HTTP {bare.status}), so it cannot be looked behind",
        )
        return
    if (bare.status, bare.error) != (401, "missing signature"):
        yield Finding(
            "base_url",
            "fail",
            f"{settings.base_url}{unsigned} answers HTTP {bare.status}, and not as the"
            " dashboard does",
            "Have the web server pass /call/ and /sipvault/ on to the application, and"
            " let SIPVAULT_BASE_URL include its SIPVAULT_URL_PREFIX.",
        )
        return
    yield Finding("base_url", "ok", f"the dashboard answers at {settings.base_url}")
    yield _judge_query(signed)


def check_stores(
    installation: Services, *, write_test: bool = False
) -> Iterator[Finding]:
    """Whether every customer's calls can be read, and on request written."""
    store = installation.settings.store
    if not isinstance(store, Path):
        endpoint = store.endpoint or "https://s3.amazonaws.com"
        try:
            yield _judge_clock("store_clock", "the store", _get(endpoint).date)
        except OSError as error:
            yield Finding(
                "store_clock",
                "fail",
                f"nothing answers at the store: {_reason(error)}",
                "Correct SIPVAULT_S3_ENDPOINT, or start the server there.",
            )
    for customer_id in installation.settings.customers:
        yield _check_store(installation, customer_id, write_test)


def check_lookback(settings: Settings) -> Finding:
    """How far back a call is found; older ones are Call not found."""
    days = settings.lookback_days
    if not days:
        return Finding(
            "lookback",
            "ok",
            "calls are found however old they are (SIPVAULT_LOOKBACK_DAYS is 0)",
        )
    return Finding(
        "lookback",
        "ok",
        f"calls of the last {days} days are found, older ones are not"
        " (SIPVAULT_LOOKBACK_DAYS)",
    )


def check_call(installation: Services, customer_id: str, call_id: str) -> Finding:
    """Why a call is, or is not, found."""
    vault = installation.vault(customer_id)
    days = installation.settings.lookback_days
    try:
        if vault.find(call_id) is not None:
            return Finding("call", "ok", f"the call is stored for {customer_id}")
        day = vault.newest_day(call_id)
    except StoreError as error:
        return Finding("call", "fail", f"cannot tell whether it is stored: {error}")
    if day is not None:
        return Finding(
            "call",
            "fail",
            f"the call is stored under {day}, which is more than {days} days ago",
            "Raise SIPVAULT_LOOKBACK_DAYS (0: no limit), or read it by"
            f" flask sipvault show --since {day}.",
        )
    return Finding(
        "call",
        "fail",
        f"nothing is stored for {customer_id} under this Call-ID",
        "Compare it with the whole Call-ID header of the INVITE; see whether the agent"
        " was connected during the call, and whether the call has ended.",
    )


def check_cache(settings: Settings) -> Finding:
    """Whether the cache works, and whether workers have it in common."""
    if isinstance(settings.cache, Cache):
        return Finding("cache", "ok", "the host's own cache is used")
    kind = str(settings.cache.get("CACHE_TYPE", ""))
    workers = os.environ.get("WEB_CONCURRENCY", "1")
    try:
        probe_works = _cache_works(settings)
    except Exception as error:  # whatever a cache's client may raise
        return Finding(
            "cache",
            "fail",
            f"the cache {kind} cannot be used: {_reason(error)}",
            "Correct SIPVAULT_CACHE, or start the cache's server.",
        )
    if kind.rpartition(".")[2] in ("NullCache", "null"):
        return Finding("cache", "ok", "no cache: each page asks the store again")
    if not probe_works:
        return Finding(
            "cache",
            "fail",
            f"the cache {kind} does not give back what was put into it",
            "Correct SIPVAULT_CACHE, or start the cache's server.",
        )
    if kind.rpartition(".")[2] in ("SimpleCache", "simple"):
        several = workers.isdigit() and int(workers) > 1
        return Finding(
            "cache",
            "warn" if several else "ok",
            f"each worker process has a {kind} of its own",
            f"With {workers} workers, give SIPVAULT_CACHE a Redis server: a call that"
            " one has fetched is then there for all."
            if several
            else "",
        )
    return Finding("cache", "ok", f"the cache {kind} works")


def worst(findings: list[Finding]) -> Status:
    """The worst status among the findings."""
    order: tuple[Status, ...] = ("fail", "warn", "ok")
    present = {finding.status for finding in findings}
    return next((status for status in order if status in present), "skipped")


@dataclass(frozen=True, slots=True)
class _Answer:
    """An HTTP answer: its ``error`` where it is JSON that has one."""

    status: int
    date: str | None
    error: str


class _NoRedirect(urllib.request.HTTPRedirectHandler):
    """A login page is an answer, too, and not the one to follow."""

    def redirect_request(self, *_: object) -> None:
        return None


def _get(url: str) -> _Answer:
    """Ask as a program does.

    :raises OSError: if nothing answers there.
    """
    if not url.startswith(("http://", "https://")):
        raise OSError("not an http address")
    request = urllib.request.Request(  # noqa: S310 - the scheme was looked at
        url, headers={"Accept": "application/json"}
    )
    opener = urllib.request.build_opener(_NoRedirect)
    try:
        with opener.open(request, timeout=_TIMEOUT) as response:
            return _Answer(response.status, response.headers["Date"], "")
    except urllib.error.HTTPError as refusal:
        with refusal:
            body = refusal.read(65536)
            return _Answer(refusal.code, refusal.headers["Date"], _error_of(body))


def _error_of(body: bytes) -> str:
    try:
        return str(json.loads(body)["error"])
    except (ValueError, KeyError, TypeError, RecursionError):
        return ""


def _judge_clock(check: str, whose: str, date: str | None) -> Finding:
    try:
        theirs = parsedate_to_datetime(date or "")
    except ValueError:
        return Finding(check, "skipped", f"{whose} does not tell the time")
    if theirs.tzinfo is None:
        theirs = theirs.replace(tzinfo=timezone.utc)
    drift = theirs.timestamp() - time.time()
    if abs(drift) < DRIFT_WARNING:
        return Finding(check, "ok", f"this clock and that of {whose} agree")
    direction = "ahead of" if drift > 0 else "behind"
    return Finding(
        check,
        "fail" if abs(drift) >= DRIFT_FAILURE else "warn",
        f"the clock of {whose} is {abs(drift):.0f} s {direction} this one",
        "Have NTP running on both (chronyc tracking).",
    )


def _judge_query(signed: _Answer) -> Finding:
    if (signed.status, signed.error) == (404, "Call not found"):
        return Finding("query", "ok", "a signed link arrives there unchanged")
    if signed.status == 503:
        return Finding(
            "query",
            "fail",
            "a signed link arrives, but the dashboard cannot reach its store",
            "See that the application runs with the settings it was examined with.",
        )
    if signed.error == "ts expired":
        return Finding(
            "query",
            "fail",
            "the dashboard takes a link signed now for an old or a coming one",
            "Have NTP running on both (chronyc tracking).",
        )
    return Finding(
        "query",
        "fail",
        f"a signed link is refused: HTTP {signed.status} {signed.error}".rstrip(),
        "Either the application there has another secret than these settings, or the"
        " web server in front of it drops or rewrites the query string: let it pass the"
        " request on as it came (nginx: no URI in proxy_pass, or $request_uri).",
    )


def _check_store(installation: Services, customer_id: str, write_test: bool) -> Finding:
    check = f"store:{customer_id}"
    try:
        store = installation.vault(customer_id).store
        store.check()
        if write_test:
            key = f"doctor/{secrets.token_hex(8)}"
            store.put(key, b"flask sipvault doctor")
            returned = store.get(key)
            store.delete(key)
            if returned != b"flask sipvault doctor":
                return Finding(
                    check,
                    "fail",
                    f"{store.location} does not give back what was written",
                    "Look at what stands between here and the store.",
                )
    except StoreError as error:
        return Finding(
            check, "fail", str(error), "Once it is mended, run flask sipvault doctor."
        )
    if isinstance(store, FolderStore) and _is_open(store, installation.settings):
        return Finding(
            check,
            "warn",
            f"other users of this host can get into the {store.location}",
            f"Take that away: chmod -R go-rwx {store.root}; or, if it is meant, say so"
            " by SIPVAULT_STORE_MODE.",
        )
    done = "read and written" if write_test else "read"
    return Finding(check, "ok", f"{store.location} can be {done}")


def _is_open(store: FolderStore, settings: Settings) -> bool:
    """Whether more users can get to the calls than the settings say."""
    meant = folder_mode(settings.store_mode)
    way = {store.root, settings.store} if isinstance(settings.store, Path) else {}
    return all(stat.S_IMODE(each.stat().st_mode) & 0o077 & ~meant for each in way)


def _cache_works(settings: Settings) -> bool:
    app = Flask("flask_sipvault.doctor")
    cache = Cache(with_jinja2_ext=False)
    cache.init_app(app, config={"CACHE_KEY_PREFIX": "sipvault_", **settings.cache})
    probe = secrets.token_hex(8)
    with app.app_context():
        cache.set("doctor", probe, timeout=60)
        return bool(cache.get("doctor") == probe)


def _reason(error: Exception) -> str:
    """What went wrong, without a URL that may hold a password."""
    reason = getattr(error, "reason", None) or getattr(error, "strerror", None)
    return str(reason or type(error).__name__)
