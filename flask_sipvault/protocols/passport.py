"""PASSporT tokens (RFC 8225) in Identity header fields (RFC 8224), of SHAKEN (RFC
8588), of diverted calls (RFC 8946) and of calls with priority (RFC 8443).

A token is read, never verified: the certificate that its signature is checked with is
elsewhere, and nothing is fetched. Like the SIP parser this one forgives, and tells what
is wrong with a token beside what can be read of it.
"""

from __future__ import annotations

import base64
import binascii
import json
import re
from dataclasses import dataclass
from dataclasses import field
from dataclasses import replace
from typing import Any
from typing import Literal

from .sip_fields import parameters
from .sip_fields import split_outside

#: A token is shorter; a longer one is not decoded.
MAX_TOKEN = 16 * 1024

#: So many numbers of one claim are read.
_MAX_VALUES = 32

#: No date of a call is later: the end of the year 9999, in seconds since the epoch.
_LAST_SECOND = 253_402_300_799

_BASE64URL = re.compile(r"[A-Za-z0-9_-]*={0,2}")

#: What is not part of a number but makes it readable (RFC 3966 section 5.1.1).
_SEPARATORS = re.compile(r"[-.() ]")

_NUMBER = re.compile(r"\+?[0-9A-Da-d*#]+")

#: What is wrong with a token. ``too-long``: longer than :data:`MAX_TOKEN`. ``parts``:
#: it is not three parts with dots between. ``base64``, ``json``: a part cannot be read.
#: ``typ``, ``alg``: not those of a PASSporT (RFC 8225 section 4, RFC 8588 section 6).
#: ``x5u``: no certificate is named. ``ppt``: token and header field name other kinds.
#: ``iat``, ``orig``, ``dest``, ``attest``, ``div``, ``rph``: a claim that this kind
#: needs is missing or cannot be read. ``signature``: there is none.
Problem = Literal[
    "too-long",
    "parts",
    "base64",
    "json",
    "typ",
    "alg",
    "x5u",
    "ppt",
    "iat",
    "orig",
    "dest",
    "attest",
    "div",
    "rph",
    "signature",
]

_UNREADABLE = frozenset({"too-long", "parts", "base64", "json"})


@dataclass(frozen=True, slots=True)
class Names:
    """Whom a claim names: telephone numbers in digits without ``+``, and URIs."""

    numbers: tuple[str, ...] = ()
    uris: tuple[str, ...] = ()

    def __bool__(self) -> bool:
        return bool(self.numbers or self.uris)


@dataclass(frozen=True, slots=True)
class Passport:
    """One Identity header field.

    :param ppt: its kind: ``shaken``, ``div``, ``rph``; "" for the basic one.
    :param compact: whether header and claims were left out (RFC 8225 section 7): then
        they are those that the message itself gives, and there is nothing to compare.
    :param alg: the algorithm of the signature.
    :param info: where the certificate is, as the header field says; ``x5u`` as the
        token does.
    :param attest: ``A``, ``B`` or ``C`` of SHAKEN; "" without.
    :param orig: who calls.
    :param dest: who is called.
    :param div: who was called before the call was diverted.
    :param iat: when it was issued, in seconds since the epoch; None where it is not
        said, as in the compact form.
    :param origid: names where the call came from.
    :param rph: the priorities of Resource-Priority that it vouches for.
    :param problems: what is wrong with it.
    """

    ppt: str = ""
    compact: bool = False
    alg: str = ""
    info: str = ""
    x5u: str = ""
    attest: str = ""
    orig: Names = Names()
    dest: Names = Names()
    div: Names = Names()
    iat: int | None = None
    origid: str = ""
    rph: tuple[str, ...] = ()
    problems: tuple[Problem, ...] = ()

    @property
    def readable(self) -> bool:
        """Whether header and claims could be decoded."""
        return not self.compact and not _UNREADABLE.intersection(self.problems)


@dataclass(slots=True)
class _Token:
    """The parts of a token, while it is read."""

    head: dict[str, Any] = field(default_factory=dict)
    claims: dict[str, Any] = field(default_factory=dict)
    compact: bool = False
    problems: list[Problem] = field(default_factory=list)


def read_identity(value: str) -> Passport:
    """Read the value of one Identity header field. Never fails."""
    token_text, *rest = split_outside(value, ";")
    params = parameters(rest)
    token = _read_token(token_text.strip())
    head, claims = token.head, token.claims
    ppt = params.get("ppt", "") or _text(head.get("ppt"))
    info = params.get("info", "").strip().removeprefix("<").removesuffix(">")
    passport = Passport(
        ppt=ppt,
        compact=token.compact,
        alg=_text(head.get("alg")) or params.get("alg", ""),
        info=info,
        x5u=_text(head.get("x5u")),
        attest=_text(claims.get("attest")),
        orig=_names(claims.get("orig")),
        dest=_names(claims.get("dest")),
        div=_names(claims.get("div")),
        iat=_seconds(claims.get("iat")),
        origid=_text(claims.get("origid")),
        rph=_priorities(claims.get("rph")),
    )
    problems = token.problems or _problems(passport, head, params)
    return replace(passport, problems=tuple(problems))


def _read_token(text: str) -> _Token:
    token = _Token()
    if len(text) > MAX_TOKEN:
        token.problems.append("too-long")
        return token
    parts = text.split(".")
    if len(parts) != 3:
        token.problems.append("parts")
        return token
    if not parts[2]:
        token.problems.append("signature")
    elif _decoded(parts[2]) is None:
        token.problems.append("base64")
    if not parts[0] and not parts[1]:
        token.compact = True
        return token
    for part, into in zip(parts, (token.head, token.claims), strict=False):
        data = _decoded(part)
        if data is None:
            token.problems.append("base64")
            continue
        found = _json_object(data)
        if found is None:
            token.problems.append("json")
        else:
            into.update(found)
    return token


def _decoded(text: str) -> bytes | None:
    """What a part encodes (RFC 7515 section 2): base64url without padding, which some
    write all the same.
    """
    if not text or not _BASE64URL.fullmatch(text):
        return None
    bare = text.rstrip("=")
    try:
        return base64.urlsafe_b64decode(bare + "=" * (-len(bare) % 4))
    except binascii.Error:
        return None


def _json_object(data: bytes) -> dict[str, Any] | None:
    try:
        found = json.loads(data)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _problems(
    passport: Passport, head: dict[str, Any], params: dict[str, str]
) -> list[Problem]:
    """What is wrong with a token that could be decoded."""
    if passport.compact:
        return []
    found: list[Problem] = []
    if head.get("typ") != "passport":
        found.append("typ")
    if passport.alg != "ES256":
        found.append("alg")
    if not passport.x5u:
        found.append("x5u")
    stated = params.get("ppt", "")
    if stated and stated != _text(head.get("ppt")):
        found.append("ppt")
    if passport.iat is None:
        found.append("iat")
    if not passport.orig:
        found.append("orig")
    if not passport.dest:
        found.append("dest")
    if passport.ppt == "shaken" and passport.attest not in ("A", "B", "C"):
        found.append("attest")
    if passport.ppt in ("div", "div-o") and not passport.div:
        found.append("div")
    if passport.ppt == "rph" and not passport.rph:
        found.append("rph")
    return found


def _text(value: object) -> str:
    return value if isinstance(value, str) else ""


def _seconds(value: object) -> int | None:
    """A NumericDate (RFC 7519 section 2)."""
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 <= value <= _LAST_SECOND:  # type: ignore[operator]
        return None
    return int(value)  # type: ignore[call-overload,no-any-return]


def _names(value: object) -> Names:
    """``{"tn": "12025550111"}``, ``{"tn": ["…"], "uri": ["sip:…"]}`` (RFC 8225 section
    5.2.1).
    """
    if not isinstance(value, dict):
        return Names()
    numbers = (canonical_number(each) for each in _texts(value.get("tn")))
    return Names(tuple(filter(None, numbers)), _texts(value.get("uri")))


def _texts(value: object) -> tuple[str, ...]:
    values = value if isinstance(value, list) else [value]
    return tuple(each for each in values[:_MAX_VALUES] if isinstance(each, str))


def _priorities(value: object) -> tuple[str, ...]:
    """``{"auth": ["ets.0"]}`` (RFC 8443 section 3)."""
    return _texts(value.get("auth")) if isinstance(value, dict) else ()


def canonical_number(text: str) -> str:
    """A telephone number as it stands in a token (RFC 8224 section 8.3): digits, ``*``
    and ``#``, without ``+`` and without separators; "" for what is no number.
    """
    bare = _SEPARATORS.sub("", text.partition(";")[0])
    if len(bare) > 64 or not _NUMBER.fullmatch(bare):
        return ""
    return bare.removeprefix("+").upper()
