"""What stands for what within one export: the same value has the same pseudonym, and
two values never share one, so that sides, hops and dialogs stay apart.
"""

from __future__ import annotations

import ipaddress
import re
from collections import Counter
from collections.abc import Callable
from typing import TypeAlias

from .names import LONG
from .names import Names

_Ip: TypeAlias = "ipaddress.IPv4Address | ipaddress.IPv6Address"

#: Users and hosts that are nobody's (RFC 3323 section 4.1.1.3) or everybody's.
_NOBODYS = frozenset({"anonymous", "anonymous.invalid", "localhost"})

#: A number as it is dialled, its visual separators (RFC 3966 section 5.1.1) included.
#: Of more digits than any plan has (E.164: 15, with prefixes some more) it is a name.
_NUMBER = re.compile(r"\+?[0-9][0-9().-]{0,40}")

#: So few digits at the end of two numbers are no sign that they are one.
_TELLING_DIGITS = 7

#: The networks that are not routed on the internet. A private address in a session
#: description explains many a silent call: private and public stay two things.
_PRIVATE = [
    ipaddress.ip_network(network)
    for network in (
        *("10.0.0.0/8", "172.16.0.0/12", "192.168.0.0/16", "100.64.0.0/10"),
        *("127.0.0.0/8", "169.254.0.0/16", "fc00::/7", "fe80::/10", "::1/128"),
    )
]

# Public addresses become those for documentation (RFC 5737, RFC 3849); if these do not
# suffice, for benchmarks of network devices (RFC 2544). Private ones stay private (RFC
# 1918, RFC 4193), so that whatever reads the masked call comes to the same conclusions.
_TEST_NET_2 = int(ipaddress.ip_address("198.51.100.0"))
_BENCHMARKS = int(ipaddress.ip_address("198.18.0.0"))
_PRIVATE_NET = int(ipaddress.ip_address("10.0.0.0"))
_DOCUMENTATION = int(ipaddress.ip_address("2001:db8::"))
_UNIQUE_LOCAL = int(ipaddress.ip_address("fd00::"))
_LAST_OF_NET = 254


class Pseudonyms:
    """Gives pseudonyms, and knows again what it gave one to.

    :param taken: whether a text occurs in what is to be masked. It is no pseudonym
        then, or nobody could tell it from the original.
    """

    def __init__(self, taken: Callable[[str], bool]) -> None:
        self._taken = taken
        self._given: dict[tuple[str, str], str] = {}
        self._counts: Counter[str] = Counter()
        # Numbers without a country code by their last digits: without the zeros in
        # front, and the pseudonym.
        self._national: dict[str, tuple[str, str]] = {}
        #: Every user, name, host, Call-ID and credential met so far.
        self.names = Names()

    def user(self, user: str) -> str:
        """For the user part of a URI or a login name: a number stays a number of as
        many digits, with its ``+``.
        """
        if not user or user.lower() in _NOBODYS:
            return user
        if not _NUMBER.fullmatch(user):
            return self._learned(user, self._numbered("user", user, "user-{}"))
        digits = re.sub("[^0-9]", "", user)
        form = f"{{:0{len(digits)}}}"
        masked = self._numbered("number", digits, form)
        self._learned(digits, masked)
        bare = digits.lstrip("0")
        if not user.startswith("+") and len(bare) >= _TELLING_DIGITS:
            self._national.setdefault(bare[-_TELLING_DIGITS:], (bare, masked))
        return f"+{masked}" if user.startswith("+") else masked

    def number(self, digits: str) -> str:
        """For a number with its country code, in digits: the same as for a number that
        was met before and is this one without its country code, as it is dialled at
        home; so that both are still seen to be one.
        """
        bare, masked = self._national.get(digits[-_TELLING_DIGITS:], ("", ""))
        known = ("number", digits) in self._given
        if bare and not known and digits.endswith(bare):
            return masked
        return self.user(digits)

    def name(self, name: str) -> str:
        """For a display name."""
        if not name or name.lower() in _NOBODYS:
            return name
        if _NUMBER.fullmatch(name):
            return self.user(name)
        return self._learned(name, self._numbered("name", name, "Name {}"))

    def host(self, host: str) -> str:
        """For a host's name or address, IPv6 with or without its brackets."""
        bare = host.strip().removeprefix("[").removesuffix("]").rstrip(".").lower()
        if not bare or bare in _NOBODYS:
            return bare
        try:
            ip = ipaddress.ip_address(bare)
        except ValueError:
            return self._learned(bare, self._numbered("host", bare, "host-{}.example"))
        return self._address(ip)

    def address(self, ip: str) -> str:
        """For an IP address: one of the same version that is nobody's; see above."""
        return self._address(ipaddress.ip_address(ip))

    def call_id(self, call_id: str) -> str:
        """For a Call-ID. The address that it ends in, most often its maker's, stays an
        address: private ones tell of NAT.
        """
        if not call_id:
            return call_id
        host = call_id.rpartition("@")[2].strip("[]")
        try:
            at = f"@{self.address(host)}"
        except ValueError:
            at = ""
        masked = self._numbered("call", call_id, f"masked-call-{{}}{at}")
        return self._learned(call_id, masked)

    def branch(self, branch: str, cookie: str) -> str:
        """For a Via's branch. With the cookie in front it names one transaction, and
        goes on doing so (RFC 3261 section 8.1.1.7).
        """
        if branch in ("", cookie):
            return branch
        prefix = cookie if branch.startswith(cookie) else "branch"
        return self._given_or(("branch", branch), lambda n: f"{prefix}-{n}")

    def token(self, kind: str, value: str) -> str:
        """For what only has to stay the same and tell apart: a tag, a nonce."""
        return self._given_or((kind, value), lambda n: f"{kind}-{n}") if value else ""

    def secret(self, kind: str, value: str) -> str:
        """For a credential, which a log may repeat. It can be told from others of its
        kind and no more.
        """
        masked = self.token(kind, value)
        return masked if len(value) < LONG else self._learned(value, masked)

    def is_known(self, text: str) -> bool:
        """Whether this is one of the names, or a long one is in it."""
        return self.names.is_in(text)

    def _learned(self, value: str, pseudonym: str) -> str:
        self.names.add(value, pseudonym)
        return pseudonym

    def _numbered(self, kind: str, value: str, form: str) -> str:
        return self._given_or((kind, value), form.format, checked=True)

    def _given_or(
        self, key: tuple[str, str], make: Callable[[int], str], *, checked: bool = False
    ) -> str:
        given = self._given.get(key)
        if given is None:
            given = self._make(key[0], make, checked)
            self._given[key] = given
        return given

    def _make(self, counter: str, make: Callable[[int], str], checked: bool) -> str:
        while True:
            self._counts[counter] += 1
            candidate = make(self._counts[counter])
            if not (checked and self._taken(candidate)):
                return candidate

    def _address(self, ip: _Ip) -> str:
        if ip.is_unspecified:
            return str(ip)
        private = any(ip in network for network in _PRIVATE)
        reach = "private" if private else "public"

        def documentation(n: int) -> str:
            if ip.version == 6:
                return str(
                    ipaddress.IPv6Address(
                        (_UNIQUE_LOCAL if private else _DOCUMENTATION) + n
                    )
                )
            if private:
                return str(ipaddress.IPv4Address(_PRIVATE_NET + n))
            if n <= _LAST_OF_NET:
                return str(ipaddress.IPv4Address(_TEST_NET_2 + n))
            return str(ipaddress.IPv4Address(_BENCHMARKS + n - _LAST_OF_NET))

        key = (f"{reach} IPv{ip.version}", str(ip))
        return self._given_or(key, documentation, checked=True)
