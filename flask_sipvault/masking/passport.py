"""Masking of Identity header fields: the token written anew, with pseudonyms in it, so
that whether its numbers are those of the call can still be seen.
"""

from __future__ import annotations

import base64
import json

from ..protocols.passport import Names
from ..protocols.passport import Passport
from ..protocols.passport import read_identity
from ..protocols.sip_fields import split_outside
from .pseudonyms import Pseudonyms
from .texts import MASKED
from .uris import is_plain
from .uris import UriMask

#: What stands for the signature: nobody can verify a masked token.
_SIGNATURE = base64.urlsafe_b64encode(MASKED.encode()).decode().rstrip("=")

_Claims = dict[str, object]


class PassportMask:
    """Masks Identity header fields."""

    def __init__(self, pseudonyms: Pseudonyms, uris: UriMask) -> None:
        self._pseudonyms = pseudonyms
        self._uris = uris

    def identities(self, value: str) -> str:
        """The tokens of one field, each with its parameters."""
        return ", ".join(self._identity(each) for each in split_outside(value, ","))

    def _identity(self, value: str) -> str:
        passport = read_identity(value)
        token = value.partition(";")[0].strip()
        if passport.compact:
            masked = f"..{_SIGNATURE if token.strip('.') else ''}"
        elif passport.readable:
            parts = (self._header(passport), self._claims(passport))
            signature = "" if "signature" in passport.problems else _SIGNATURE
            masked = ".".join([*map(_encoded, parts), signature])
        else:
            masked = self._pseudonyms.token(MASKED, token)
        if passport.info:
            masked += f";info=<{self._uris.uri(passport.info)}>"
        if is_plain(passport.alg):
            masked += f";alg={passport.alg}"
        if is_plain(passport.ppt):
            masked += f';ppt="{passport.ppt}"'
        return masked

    def _header(self, passport: Passport) -> _Claims:
        header: _Claims = {}
        if is_plain(passport.alg):
            header["alg"] = passport.alg
        if is_plain(passport.ppt) and "ppt" not in passport.problems:
            header["ppt"] = passport.ppt
        if "typ" not in passport.problems:
            header["typ"] = "passport"
        if passport.x5u:
            header["x5u"] = self._uris.uri(passport.x5u)
        return header

    def _claims(self, passport: Passport) -> _Claims:
        claims: _Claims = {}
        if is_plain(passport.attest):
            claims["attest"] = passport.attest
        for name in ("orig", "dest", "div"):
            names: Names = getattr(passport, name)
            if names:
                claims[name] = self._names(names)
        if passport.iat is not None:
            claims["iat"] = passport.iat
        if passport.origid:
            claims["origid"] = self._pseudonyms.token("origid", passport.origid)
        priorities = [each for each in passport.rph if is_plain(each)]
        if priorities:
            claims["rph"] = {"auth": priorities}
        return claims

    def _names(self, names: Names) -> _Claims:
        masked: _Claims = {}
        if names.numbers:
            masked["tn"] = [self._pseudonyms.number(each) for each in names.numbers]
        if names.uris:
            masked["uri"] = [self._uris.uri(each) for each in names.uris]
        return masked


def _encoded(part: _Claims) -> str:
    data = json.dumps(part, separators=(",", ":"), sort_keys=True).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")
