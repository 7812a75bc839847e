"""Reading single values of the settings, and saying what is wrong with one.

Every reader here takes a value as it stands in ``app.config`` or in the environment
(there it is always text), and gives back a checked one. No message ever repeats a value
that is, or may hold, a secret.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from typing import NamedTuple
from urllib.parse import urlsplit

from ..access.links import check_secret
from ..access.links import SecretError
from ..analysis.ladder.aliases import AliasError
from ..analysis.ladder.aliases import Aliases
from ..language import LANGUAGES
from .secret_rule import RECIPE

MAX_CUSTOMER_ID_BYTES = 255

_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f]")
_S3_BUCKET = re.compile(r"[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]")
_IP_ADDRESS = re.compile(r"\d+\.\d+\.\d+\.\d+")
#: What a store of plain files takes as one name; S3 takes more.
_KEY_COMPONENT = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,219}")
#: RFC 3261 section 25.1, ``token``.
_HEADER_NAME = re.compile(r"[A-Za-z0-9.!%*_+`'~-]{1,100}")
_URL_PREFIX = re.compile(r"(/[A-Za-z0-9_~-][A-Za-z0-9._~-]*)+")


class ListenAddress(NamedTuple):
    """Where to listen.

    :param host: an address or a name; empty for every address of this host.
    """

    host: str
    port: int


class SettingsError(ValueError):
    """A setting with which the application must not start.

    :param setting: the name of the setting.
    :param problem: what is wrong with it, as a predicate: "is missing".
    :param remedy: what to do about it, as a sentence.
    """

    def __init__(self, setting: str, problem: str, remedy: str) -> None:
        super().__init__(f"{setting} {problem}. {remedy}")
        self.setting = setting
        self.problem = problem
        self.remedy = remedy


def text(setting: str, value: object) -> str:
    """Text that is not empty and has nothing invisible in or around it."""
    if not isinstance(value, str):
        raise SettingsError(
            setting, f"is {type(value).__name__}, not text", "Put it in quotes."
        )
    if not value or value != value.strip():
        raise SettingsError(
            setting, "is empty or has white space around it", "Give it plain."
        )
    if _CONTROL.search(value) or not _is_unicode(value):
        raise SettingsError(
            setting, "holds a control character or is not UTF-8", "Type it anew."
        )
    return value


def texts(setting: str, value: object) -> tuple[str, ...]:
    """One text, or a list of them."""
    values = value if isinstance(value, (list, tuple)) else [value]
    return tuple(text(setting, each) for each in values)


def secrets(setting: str, value: object) -> tuple[str, ...]:
    """One secret, or a list for rotation: the first signs, all verify."""
    # In the environment a list is JSON. A secret may happen to begin with a bracket.
    if isinstance(value, str) and re.match(r'\s*\[\s*"', value):
        value = from_json(setting, value, '["the new secret", "the old secret"]')
    values = value if isinstance(value, (list, tuple)) else [value]
    if not values:
        raise SettingsError(setting, "is an empty list", "Give at least one secret.")
    for each in values:
        try:
            check_secret(each)
        except SecretError as error:
            raise SettingsError(
                setting,
                str(error),
                "Give the very secret that the link generators use; a new one comes"
                f" from: {RECIPE}",
            ) from None
    return tuple(values)


def customer_id(setting: str, value: object) -> str:
    """A customer's id: the ``cid`` of links, and the name agents log in with."""
    checked = text(setting, value)
    if len(checked.encode()) > MAX_CUSTOMER_ID_BYTES:
        raise SettingsError(
            setting, f"is longer than {MAX_CUSTOMER_ID_BYTES} bytes", "Shorten it."
        )
    return checked


def web_address(setting: str, value: object) -> str:
    """An http or https URL, without a slash at its end."""
    example = "Give it like https://vault.example.com or https://example.com/vault."
    checked = text(setting, value)
    try:
        parts = urlsplit(checked)
        port = parts.port
    except ValueError:
        raise SettingsError(setting, "is not a URL", example) from None
    if parts.scheme not in ("http", "https") or not parts.hostname or port == 0:
        raise SettingsError(setting, "is not an http or https URL", example)
    if parts.username is not None:
        raise SettingsError(setting, "holds a user name", example)
    if re.search(r"[?#\s\"'<>\\]", checked):
        raise SettingsError(setting, "holds more than host and path", example)
    return checked.rstrip("/")


def redis_url(setting: str, value: object) -> str:
    """Where a Redis server is: by TCP, by TLS, or at a socket of this host."""
    example = (
        "Give it like redis://:password@redis.example.com:6379/0, rediss://… for TLS,"
        " or unix:///run/redis/redis.sock."
    )
    checked = text(setting, value)
    try:
        parts = urlsplit(checked)
        host, port, database = parts.hostname, parts.port, parts.path[1:]
    except ValueError:
        raise SettingsError(setting, "is not a URL", example) from None
    if parts.scheme not in ("redis", "rediss", "unix"):
        raise SettingsError(setting, "is not the URL of a Redis server", example)
    if parts.scheme == "unix":
        complete = bool(database) and host is None
    else:
        complete = host is not None and port != 0
        if database and not re.fullmatch("[0-9]{1,5}", database):
            raise SettingsError(setting, "names a database that is no number", example)
    if not complete or parts.query or parts.fragment or re.search(r"\s", checked):
        raise SettingsError(setting, "does not say where the server is", example)
    return checked


def url_prefix(setting: str, value: object) -> str:
    """A path like ``/vault``."""
    checked = text(setting, value)
    if not _URL_PREFIX.fullmatch(checked):
        raise SettingsError(
            setting,
            f"is {checked!r}",
            "Leave it empty, or begin with a slash and end without: /vault.",
        )
    return checked


def whole_number(setting: str, value: object, *, minimum: int = 1, maximum: int) -> int:
    """A number from a minimum to a maximum."""
    if isinstance(value, str) and re.fullmatch(r"[0-9]{1,18}", value):
        value = int(value)
    if type(value) is not int or not minimum <= value <= maximum:
        raise SettingsError(
            setting,
            f"is {value!r}"[:80],
            f"Give a whole number from {minimum} to {maximum}.",
        )
    return value


def listen_address(setting: str, value: object) -> ListenAddress:
    """``:9060`` for every address of this host, ``127.0.0.1:9060``, ``[::1]:9060``, or
    the host by its name; port 0 leaves the choice to the system.
    """
    checked = text(setting, value)
    host, colon, port = checked.rpartition(":")
    name = host[1:-1] if host.startswith("[") and host.endswith("]") else host
    if (
        not colon
        or not re.fullmatch("[0-9]{1,5}", port)
        or int(port) > 0xFFFF
        or re.search(r"[\s/\[\]]", name)
        or (name == host and ":" in host)
    ):
        raise SettingsError(
            setting,
            f"is {checked[:80]!r}",
            "Give a host and a port like 127.0.0.1:9060 or [::1]:9060, or the port"
            " alone like :9060.",
        )
    return ListenAddress(name, int(port))


def path(setting: str, value: object) -> Path:
    """The path of a file or a folder; one that is not absolute begins here."""
    if not isinstance(value, Path):
        value = Path(text(setting, value)).expanduser()
    return value.absolute()


def file_mode(setting: str, value: object) -> int:
    """The permissions of files, as text of octal digits or as Python writes them."""
    if isinstance(value, str) and re.fullmatch("(0o?)?[0-7]{3}", value):
        value = int(value.removeprefix("0o"), 8)
    if type(value) is not int or value & 0o600 != 0o600 or value & ~0o666:
        raise SettingsError(
            setting,
            f"is {value!r}"[:80],
            "Give what chmod takes for files that their owner may read and write: 0600,"
            " 0640 or 0660.",
        )
    return value


def flag(setting: str, value: object) -> bool:
    """Yes or no."""
    words = {"true": True, "1": True, "yes": True, "on": True}
    words |= {"false": False, "0": False, "no": False, "off": False}
    word = str(value).lower()
    if word not in words:
        raise SettingsError(setting, "is neither true nor false", "Give one of them.")
    return words[word]


def language(setting: str, value: object) -> str:
    """A language of the dashboard, or ``auto``."""
    name = text(setting, value).replace("-", "_")
    known = ("auto", *LANGUAGES)
    if name not in known:
        raise SettingsError(
            setting,
            "is no language of the dashboard",
            nearest(name, known) or f"Give one of {', '.join(known)}.",
        )
    return name


def s3_bucket(setting: str, value: object) -> str:
    """A bucket's name by the rules of S3."""
    checked = text(setting, value)
    well_formed = _S3_BUCKET.fullmatch(checked) and ".." not in checked
    if not well_formed or _IP_ADDRESS.fullmatch(checked):
        raise SettingsError(
            setting,
            f"is {checked!r}, which S3 does not take as a bucket's name",
            "3 to 63 lower-case letters, digits, hyphens and single dots, beginning and"
            " ending with a letter or digit, and not an IP address.",
        )
    return checked


def folder_name(setting: str, value: object) -> str:
    """The name of one folder: what a bucket is in a store of plain files."""
    checked = text(setting, value)
    if (
        checked.startswith(".")
        or re.search(r"[/\\:]", checked)
        or len(checked.encode()) > 255
    ):
        raise SettingsError(
            setting,
            f"is {checked[:80]!r}, which cannot name a folder",
            "Take a short name without a slash, backslash or colon, and without a dot"
            " at its beginning.",
        )
    return checked


def key_prefix(setting: str, value: object) -> str:
    """Empty, or what precedes every key in a bucket: like ``voice/site-1``."""
    if value == "":
        return ""
    checked = text(setting, value)
    if not all(_KEY_COMPONENT.fullmatch(part) for part in checked.split("/")):
        raise SettingsError(
            setting,
            f"is {checked[:80]!r}",
            "Give names of letters, digits, hyphens, underscores and dots, joined by"
            " single slashes; no slash at either end, no dot at a name's beginning.",
        )
    return checked


def cache(setting: str, value: object) -> Any:
    """Flask-Caching's settings; or the host's own Cache object, as it is."""
    example = '{"CACHE_TYPE": "RedisCache", "CACHE_REDIS_URL": "redis://…"}'
    if isinstance(value, str) and value.lstrip().startswith("{"):
        value = from_json(setting, value, example)
    if isinstance(value, str):
        return {"CACHE_TYPE": text(setting, value)}
    if isinstance(value, Mapping):
        for key in value:
            if not str(key).startswith("CACHE_"):
                raise SettingsError(
                    setting,
                    f"has the unknown key {str(key)[:40]!r}",
                    f"Flask-Caching's begin with CACHE_: {example}",
                )
        if not value.get("CACHE_TYPE"):
            raise SettingsError(
                setting, "has no CACHE_TYPE", f"Write it like {example}"
            )
        return dict(value)
    if not (callable(getattr(value, "get", None)) and hasattr(value, "set")):
        raise SettingsError(
            setting,
            f"is {type(value).__name__}, which is no cache",
            f"Give a CACHE_TYPE, a dict like {example}, or a flask_caching.Cache.",
        )
    return value


def aliases(setting: str, value: object) -> Aliases:
    """Names by address or network."""
    example = '{"10.8.0.14": "SBC-1", "10.9.0.0/16": "Branch offices"}'
    if isinstance(value, str):
        value = from_json(setting, value, example)
    if not isinstance(value, Mapping):
        raise SettingsError(
            setting, f"is {type(value).__name__}, no dict", f"Write it like {example}"
        )
    names = {}
    for key, name in value.items():
        if not isinstance(key, str):
            raise SettingsError(
                setting,
                f"has the key {key!r}, no text"[:80],
                f"Write it like {example}",
            )
        names[key] = text(f"{setting}[{key[:60]!r}]", name)
    try:
        return Aliases(names)
    except AliasError as error:
        raise SettingsError(
            setting,
            f"cannot be used: {error}"[:200],
            "A name goes with an address (10.8.0.14), an address and port"
            " (10.8.0.14:5060, [2001:db8::1]:5060), or a network (10.8.0.0/16).",
        ) from None


def mos_thresholds(setting: str, value: object) -> tuple[float, float, float]:
    """The least MOS that is good, fair and poor: a list, or a text with commas."""
    example = "Give three numbers from 1 to 5 that fall, like 3.6, 3.1, 2.5."
    if isinstance(value, str):
        value = value.strip("[] ").split(",")
    try:
        good, fair, poor = (float(each) for each in value)  # type: ignore[attr-defined]
    except (TypeError, ValueError):
        raise SettingsError(setting, f"is {value!r}"[:80], example) from None
    if not 5 >= good > fair > poor >= 1:
        raise SettingsError(setting, "does not fall from 5 to 1", example)
    return good, fair, poor


def header_names(setting: str, value: object) -> tuple[str, ...]:
    """Names of SIP header fields: a list, or one text with commas between them."""
    if isinstance(value, str):
        value = [name.strip() for name in value.split(",")]
    names = texts(setting, value)
    for name in names:
        if not _HEADER_NAME.fullmatch(name):
            raise SettingsError(
                setting,
                f"holds {name[:60]!r}, which is no name of a SIP header field",
                "Give names like X-CID, with commas between them.",
            )
    return names


def from_json(setting: str, value: str, example: str) -> Any:
    """What a text from the environment means."""
    try:
        return json.loads(value)
    except ValueError as error:
        # The error itself carries the whole text along, secrets included.
        where = f" at character {error.pos}" if hasattr(error, "pos") else ""
        raise SettingsError(
            setting, f"is not valid JSON{where}", f"Write it like {example}"
        ) from None


def nearest(name: str, known: Iterable[str]) -> str:
    """A question that names what was probably meant; empty if nothing comes near."""
    matches = difflib.get_close_matches(name, list(known), n=1)
    return f"Did you mean {matches[0]}?" if matches else ""


def _is_unicode(value: str) -> bool:
    try:
        value.encode()
    except UnicodeEncodeError:
        return False
    return True
