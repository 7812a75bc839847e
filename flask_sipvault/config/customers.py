"""Whose calls are kept: the customers, their buckets and their secrets.

What must hold of one customer is checked here, and what must hold between two, so that
none of them ever sees a call of another.
"""

from __future__ import annotations

import ipaddress
from collections.abc import Callable
from collections.abc import Iterator
from collections.abc import Mapping
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from itertools import combinations
from typing import Any
from urllib.parse import quote

from . import converters as values
from .converters import SettingsError
from .secret_rule import weakness

SETTING = "SIPVAULT_CUSTOMERS"

_EXAMPLE = '[{"id": "acme", "bucket": "acme-calls", "secret": "…"}]'
_KEYS = ("id", "bucket", "prefix", "secret", "token", "hep_auth_key", "hep_sources")


@dataclass(frozen=True, slots=True)
class WeakSecret:
    """A secret that can be found by trying.

    :param setting: where it stands.
    :param problem: what is wrong with it, as a predicate.
    """

    setting: str
    problem: str


def weak_secrets(setting: str, secrets: Sequence[str]) -> Iterator[WeakSecret]:
    """Those of one setting that are weak; of several, each by its place."""
    for number, secret in enumerate(secrets, 1):
        problem = weakness(secret)
        if problem:
            which = f"{setting}, number {number}" if len(secrets) > 1 else setting
            yield WeakSecret(which, problem)


@dataclass(frozen=True)
class Customer:
    """One customer, and where and how its calls are kept.

    :param bucket: the S3 bucket, or the folder within the store's folder.
    :param prefix: what precedes every key in the bucket; often empty.
    :param secrets: for links: the first signs, all verify. Empty only where the
        settings were read for a command that needs none.
    :param tokens: with any of these an agent may log in for this customer.
    :param hep_auth_keys: HEP packets with one of these keys are this customer's.
    :param hep_sources: so are those from these addresses or networks.
    """

    id: str
    bucket: str
    prefix: str = ""
    secrets: tuple[str, ...] = field(default=(), repr=False)
    tokens: tuple[str, ...] = field(default=(), repr=False)
    hep_auth_keys: tuple[str, ...] = field(default=(), repr=False)
    hep_sources: tuple[str, ...] = ()

    @property
    def root(self) -> str:
        """The bucket and the part of it that holds this customer's calls."""
        return "/".join(filter(None, [self.bucket, self.prefix, "calls/"]))

    def weak_secrets(self) -> Iterator[WeakSecret]:
        """Whatever of its secrets, tokens and keys can be found by trying."""
        kinds = {
            "secret": self.secrets,
            "token": self.tokens,
            "hep_auth_key": self.hep_auth_keys,
        }
        for key, secrets in kinds.items():
            yield from weak_secrets(f"{SETTING}, {self.id!r}: {key}", secrets)


def read_customers(value: object, *, on_s3: bool) -> dict[str, Customer]:
    """The customers of SIPVAULT_CUSTOMERS by id, each with its own secrets only.

    :param value: a list of mappings, or JSON of one.
    :raises SettingsError: if a customer is not well formed, or two are in each other's
        way.
    """
    if isinstance(value, str):
        value = values.from_json(SETTING, value, _EXAMPLE)
    if isinstance(value, Mapping) or not isinstance(value, Sequence):
        raise SettingsError(SETTING, "is not a list", f"Write it like {_EXAMPLE}")
    if not value:
        raise SettingsError(SETTING, "lists no customer", f"Write it like {_EXAMPLE}")
    customers: dict[str, Customer] = {}
    for number, entry in enumerate(value, 1):
        customer = _read_customer(number, entry, on_s3=on_s3)
        if customer.id in customers:
            raise SettingsError(
                SETTING,
                f"lists the customer {customer.id!r} twice",
                "Join the two entries; a secret and a token may be a list.",
            )
        customers[customer.id] = customer
    _keep_apart(list(customers.values()))
    return customers


def sole_customer(customer_id: str, *, on_s3: bool) -> Customer:
    """The customer there is where SIPVAULT_CUSTOMERS is not set."""
    return Customer(customer_id, _bucket(SETTING, customer_id, None, on_s3=on_s3))


def refuse_equal_secrets(customers: Sequence[Customer]) -> None:
    """Whoever has a link of one customer could open the calls of the other."""
    for one, other in combinations(customers, 2):
        if set(one.secrets) & set(other.secrets):
            raise SettingsError(
                SETTING,
                f"gives {one.id!r} and {other.id!r} the same secret",
                "Give each customer a secret of its own. If an old link generator has"
                " but one for all, set SIPVAULT_SHARED_SECRET=true: then a link of one"
                " customer opens the same call of another.",
            )


def _read_customer(number: int, entry: object, *, on_s3: bool) -> Customer:
    if not isinstance(entry, Mapping):
        raise SettingsError(
            SETTING, f"holds no customer as entry {number}", f"Write it like {_EXAMPLE}"
        )
    for key in entry:
        if key not in _KEYS:
            raise SettingsError(
                f"{SETTING}, entry {number}:",
                f"has the unknown key {str(key)[:40]!r}",
                values.nearest(str(key), _KEYS) or f"Known are {', '.join(_KEYS)}.",
            )
    customer_id = values.customer_id(f"{SETTING}, entry {number}: id", entry.get("id"))

    def read(key: str, reader: Callable[[str, object], Any], default: Any) -> Any:
        value = entry.get(key)
        if value is None:
            return default
        return reader(f"{SETTING}, {customer_id!r}: {key}", value)

    return Customer(
        id=customer_id,
        bucket=_bucket(
            f"{SETTING}, {customer_id!r}: bucket",
            customer_id,
            entry.get("bucket"),
            on_s3=on_s3,
        ),
        prefix=read("prefix", values.key_prefix, ""),
        secrets=read("secret", values.secrets, ()),
        tokens=read("token", values.texts, ()),
        hep_auth_keys=read("hep_auth_key", values.texts, ()),
        hep_sources=read("hep_sources", _networks, ()),
    )


def _bucket(setting: str, customer_id: str, value: object, *, on_s3: bool) -> str:
    if on_s3 and value is None:
        raise SettingsError(
            setting,
            f"names no bucket for the customer {customer_id!r}",
            f"A store on S3 needs one for each customer: {_EXAMPLE}",
        )
    if on_s3:
        return values.s3_bucket(setting, value)
    if value is None:
        # Quoted, the id is one folder's name; a dot must not begin it.
        quoted = quote(customer_id, safe="")
        value = f"%2E{quoted[1:]}" if quoted.startswith(".") else quoted
    return values.folder_name(setting, value)


def _networks(setting: str, value: object) -> tuple[str, ...]:
    sources = values.texts(setting, value)
    for source in sources:
        try:
            ipaddress.ip_network(source, strict=False)
        except ValueError:
            raise SettingsError(
                setting,
                f"holds {source[:80]!r}",
                "Give IP addresses, or networks like 192.0.2.0/24.",
            ) from None
    return sources


def _keep_apart(customers: Sequence[Customer]) -> None:
    for one, other in combinations(customers, 2):
        both = f"{one.id!r} and {other.id!r}"
        if one.root.startswith(other.root) or other.root.startswith(one.root):
            raise SettingsError(
                SETTING,
                f"puts {both} in the same place",
                "They would see each other's calls: give each a bucket or a prefix of"
                " its own.",
            )
        if set(one.hep_auth_keys) & set(other.hep_auth_keys):
            raise SettingsError(
                SETTING,
                f"gives {both} the same hep_auth_key",
                "It tells whose a HEP packet is: give each a key of its own.",
            )
        if _overlap(one.hep_sources, other.hep_sources):
            raise SettingsError(
                SETTING,
                f"gives {both} hep_sources in common",
                "They tell whose a HEP packet is: no address may be in both.",
            )


def _overlap(some: Sequence[str], others: Sequence[str]) -> bool:
    return any(
        ipaddress.ip_network(one, strict=False).overlaps(
            ipaddress.ip_network(other, strict=False)
        )
        for one in some
        for other in others
    )
