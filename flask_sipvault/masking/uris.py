"""Masking of URIs, of the addresses that hold them, and of parameters."""

from __future__ import annotations

import re
from collections.abc import Mapping
from urllib.parse import quote
from urllib.parse import unquote

from ..analysis.sip.message import MAGIC_COOKIE
from ..protocols.sip_fields import host_and_port
from ..protocols.sip_fields import NameAddr
from ..protocols.sip_fields import parameters
from ..protocols.sip_fields import split_outside
from ..protocols.sip_fields import Via
from .pseudonyms import Pseudonyms
from .texts import MASKED
from .texts import words

#: A word of a protocol: too short and too plain to name anybody.
_PLAIN = re.compile(r"(?!.*[0-9]{5})[A-Za-z0-9_.!%*+~-]{1,30}")

_SCHEME = re.compile(r"[a-z][a-z0-9+.-]{0,15}")
_SERVICE = "urn:service:"

#: Parameters of URIs and header fields whose values are words of a protocol.
_WORDS = words(
    """
    transport lr ob user method comp ttl q expires r2 cause privacy screen party reason
    counter id-type index early-only refresher alias rport hide purpose reg-id noa
    """
)
_HOSTS = frozenset({"maddr", "received"})
_TAGS = frozenset({"tag", "ftag", "from-tag", "to-tag"})

#: Further parameters whose names may stay.
_NAMES = words(
    """
    +sip.instance pub-gruu temp-gruu gr npdi rn cic isub ext tgrp trunk-context methods
    did nat vsf vst branch phone-context
    """
)


def bracketed(host: str, port: int | None = None) -> str:
    """A host as it stands in front of a port: IPv6 in brackets."""
    text = f"[{host}]" if ":" in host else host
    return text if port is None else f"{text}:{port}"


def is_plain(text: str) -> bool:
    """Whether a text is a word of a protocol that can be told to anybody."""
    return _PLAIN.fullmatch(text) is not None


class UriMask:
    """Writes URIs and addresses anew with pseudonyms in them."""

    def __init__(self, pseudonyms: Pseudonyms) -> None:
        self._pseudonyms = pseudonyms

    def uri(self, uri: str) -> str:
        """A URI of any scheme, or what stands where one should."""
        scheme, colon, rest = uri.strip().partition(":")
        scheme = scheme.strip().lower()
        if uri in ("", "*"):
            return uri
        if uri.startswith(_SERVICE) and is_plain(uri.removeprefix(_SERVICE)):
            return uri  # an emergency call (RFC 5031)
        if colon and scheme == "tel":
            number, *params = rest.split(";")
            return f"tel:{self._user(number)}{self._parameters(params)}"
        if not colon or scheme in ("sip", "sips"):
            return f"{scheme}:{self._sip(rest)}" if colon else self._sip(uri)
        if "@" in uri or not _SCHEME.fullmatch(scheme) or host_and_port(uri)[1]:
            return self._sip(uri)  # without a scheme
        return f"{scheme}:{self._pseudonyms.token('uri', rest)}"

    def address(self, value: str) -> str:
        """One address of From, To, Contact and their like."""
        address = NameAddr.parse(value)
        name = self._pseudonyms.name(address.display)
        display = f'"{name}" ' if name else ""
        return f"{display}<{self.uri(address.uri)}>{self.fields(address.params)}"

    def addresses(self, value: str) -> str:
        """Addresses parted by commas."""
        each = split_outside(value, ",")
        return ", ".join("*" if it.strip() == "*" else self.address(it) for it in each)

    def via(self, value: str) -> str:
        """The hops of a Via field."""
        return ", ".join(self._hop(Via.parse(it)) for it in split_outside(value, ","))

    def fields(self, params: Mapping[str, str]) -> str:
        """Parameters, each with the semicolon in front of it."""
        return "".join(f";{param}" for param in self._each(params))

    def _hop(self, via: Via) -> str:
        transport = via.transport if is_plain(via.transport) else "UDP"
        host = bracketed(self._pseudonyms.host(via.host), via.port) or MASKED
        return f"SIP/2.0/{transport} {host}{self.fields(via.params)}"

    def _sip(self, rest: str) -> str:
        """What follows ``sip:``."""
        userinfo, at, tail = rest.rpartition("@")
        hostport, mark, params = _cut(tail)
        user, password, _ = userinfo.partition(":")
        host, port = host_and_port(hostport)
        masked = bracketed(self._pseudonyms.host(host), port)
        if at:
            secret = self._pseudonyms.secret("password", password)
            colon = ":" if password else ""
            masked = f"{self._user(user)}{colon}{secret}@{masked}"
        if mark == "?":
            return masked + self._headers(params)
        params, question, headers = params.partition("?")
        masked += self._parameters(params.split(";")) if mark else ""
        return masked + (self._headers(headers) if question else "")

    def _user(self, user: str) -> str:
        masked = self._pseudonyms.user(unquote(user.strip()))
        return quote(masked, safe="+")

    def _parameters(self, pieces: list[str]) -> str:
        return self.fields(parameters(pieces))

    def _headers(self, headers: str) -> str:
        """Header fields in a URI (RFC 3261 section 19.1.1): Replaces is followed."""
        kept = []
        for header in headers.split("&"):
            name, _, value = header.partition("=")
            if name.lower() == "replaces":
                kept.append(f"{name}={quote(self.dialog(unquote(value)), safe='')}")
            else:
                kept.append(f"{self._pseudonyms.token('param', name)}={MASKED}")
        return f"?{'&'.join(kept)}" if kept else ""

    def dialog(self, value: str) -> str:
        """A Call-ID with tags: Replaces (RFC 3891), Join, Target-Dialog."""
        call_id, *params = value.split(";")
        masked = self._pseudonyms.call_id(call_id.strip())
        return masked + self._parameters(params)

    def _each(self, params: Mapping[str, str]) -> list[str]:
        masks = self._pseudonyms
        written = []
        for name, value in params.items():
            if name not in (*_WORDS, *_HOSTS, *_TAGS, *_NAMES):
                name = masks.token("param", name)
            if not value:
                written.append(name)
            elif name in _TAGS:
                written.append(f"{name}={masks.token('tag', value)}")
            elif name == "branch":
                written.append(f"{name}={masks.branch(value, MAGIC_COOKIE)}")
            elif name in _HOSTS:
                written.append(f"{name}={bracketed(masks.host(value))}")
            elif name == "phone-context":
                context = masks.user if value.startswith("+") else masks.host
                written.append(f"{name}={context(value)}")
            elif name in _WORDS and is_plain(value) and not masks.is_known(value):
                written.append(f"{name}={value}")
            else:
                written.append(f"{name}={masks.token('value', value)}")
        return written


def _cut(tail: str) -> tuple[str, str, str]:
    """What stands before the first ``;`` or ``?``, that mark, and what follows it."""
    found = re.search("[;?]", tail)
    if found is None:
        return tail, "", ""
    return tail[: found.start()], found[0], tail[found.end() :]
