"""Masking of header fields, one by one: what each may tell, and of whom."""

from __future__ import annotations

import re
from collections.abc import Callable

from ..protocols.sip_fields import canonical_name
from ..protocols.sip_fields import host_and_port
from ..protocols.sip_fields import parameters
from ..protocols.sip_fields import split_outside
from ..protocols.sip_fields import unquoted
from .passport import PassportMask
from .pseudonyms import Pseudonyms
from .texts import MASKED
from .texts import TextMask
from .texts import words
from .uris import bracketed
from .uris import is_plain
from .uris import UriMask

#: What the masked multipart bodies are parted by.
BOUNDARY = "masked-boundary"

_ONE_ADDRESS = frozenset({"From", "To", "Reply-To", "Refer-To", "Referred-By"})
_ADDRESSES = words(
    """
    Contact Route Record-Route Path Service-Route P-Asserted-Identity
    P-Preferred-Identity P-Associated-URI P-Called-Party-ID Remote-Party-ID Diversion
    History-Info Alert-Info Call-Info Error-Info
    """
)
_CREDENTIALS = words(
    """
    Authorization Proxy-Authorization WWW-Authenticate Proxy-Authenticate
    Authentication-Info Proxy-Authentication-Info
    """
)
_CREDENTIAL_FIELDS = words(
    """
    realm domain nonce nextnonce opaque stale algorithm qop charset userhash username
    uri response rspauth cnonce nc auts
    """
)
_DIALOGS = frozenset({"Replaces", "Join", "Target-Dialog"})

#: Numbers of the protocol, which are long now and then and still nobody's.
_NUMBERS = words(
    """
    Max-Forwards Expires Min-Expires Min-SE RSeq RAck Timestamp Flow-Timer Max-Breadth
    Retry-After
    """
)
_NUMERIC = re.compile(r"[0-9][0-9.]{0,20}(?: [0-9]{1,10}(?: [A-Z]{1,20})?)?")

#: Words of the protocol, and texts in which only what looks like a name is masked.
_TEXTS = words(
    """
    Accept Accept-Encoding Accept-Language Allow Allow-Events Content-Disposition
    Content-Encoding Content-Language Content-Transfer-Encoding Date Event Info-Package
    MIME-Version P-Early-Media Priority Privacy Proxy-Require Reason Recv-Info
    Refer-Sub Request-Disposition Require Resource-Priority Server Session-Expires
    Subscription-State Supported Unsupported User-Agent Warning
    """
)

_MEDIA_TYPE = re.compile(r"[a-z]{1,20}/[a-z0-9.+_-]{1,60}")
_NAME = re.compile(r"(?!.*[0-9]{4})[A-Za-z][A-Za-z0-9-]{0,39}")
_CSEQ = re.compile(r"\s*([0-9]{1,32})\s+(\S.*)", re.DOTALL)


class HeaderMask:
    """Masks header fields."""

    def __init__(self, pseudonyms: Pseudonyms, uris: UriMask, texts: TextMask) -> None:
        self._pseudonyms = pseudonyms
        self._uris = uris
        self._texts = texts
        self._passports = PassportMask(pseudonyms, uris)

    def field(self, name: str, value: str) -> tuple[str, str]:
        """A field's name and its value."""
        mask = self._mask_of(canonical_name(name))
        if mask is not None:
            return name, mask(value)
        if not _NAME.fullmatch(name) or self._texts.text(name) != name:
            name = "X-Masked"
        return name, self._pseudonyms.token(MASKED, value)

    def method(self, method: str) -> str:
        """A request's method. Anything can stand there; what is no word is masked."""
        plain = is_plain(method) and not self._pseudonyms.is_known(method)
        return method if plain else self._pseudonyms.token("METHOD", method)

    def media_type(self, value: str) -> str:
        """A body's type, its boundary replaced."""
        media_type, *rest = split_outside(value, ";")
        media_type = media_type.strip().lower()
        if not _MEDIA_TYPE.fullmatch(media_type):
            return f"{MASKED}/{MASKED}"
        if self._texts.text(media_type) != media_type:
            return f"{MASKED}/{MASKED}"
        charset = parameters(rest).get("charset", "")
        if media_type.startswith("multipart/"):
            return f'{media_type};boundary="{BOUNDARY}"'
        return f"{media_type};charset={charset}" if is_plain(charset) else media_type

    def _mask_of(self, name: str) -> Callable[[str], str] | None:
        """What masks the values of a field; None where it is not known."""
        if name in _ONE_ADDRESS:
            return self._uris.address
        if name in _ADDRESSES:
            return self._uris.addresses
        if name in _CREDENTIALS:
            return self._credentials
        if name in _DIALOGS:
            return self._uris.dialog
        if name in _NUMBERS:
            return self._number
        if name in _TEXTS:
            return self._texts.text
        others: dict[str, Callable[[str], str]] = {
            "Via": self._uris.via,
            "Call-ID": self._pseudonyms.call_id,
            "In-Reply-To": self._pseudonyms.call_id,
            "CSeq": self._cseq,
            "Content-Length": lambda _: "",
            "Content-Type": self.media_type,
            "Identity": self._passports.identities,
            "Session-ID": self._session_id,
        }
        return others.get(name)

    def _number(self, value: str) -> str:
        return value if _NUMERIC.fullmatch(value) else self._texts.text(value)

    def _cseq(self, value: str) -> str:
        found = _CSEQ.fullmatch(value)
        if found is None:
            return self._pseudonyms.token("cseq", value)
        return f"{found[1]} {self.method(found[2].strip())}"

    def _session_id(self, value: str) -> str:
        """``uuid;remote=uuid`` (RFC 7989), which ties the legs of a call together."""
        own, *rest = value.split(";")
        remote = parameters(rest).get("remote", "")
        ids = [self._pseudonyms.token("session", it.strip()) for it in (own, remote)]
        return ids[0] + (f";remote={ids[1]}" if ids[1] else "")

    def _credentials(self, value: str) -> str:
        """A challenge or its answer (RFC 3261 section 20.7); Digest can be followed."""
        scheme, _, rest = value.strip().partition(" ")
        scheme = scheme if is_plain(scheme) else MASKED
        if scheme.lower() != "digest" and not value.lstrip().startswith("nextnonce"):
            return f"{scheme} {self._pseudonyms.secret('credential', rest.strip())}"
        written = []
        for piece in split_outside(rest, ","):
            name, equals, content = piece.partition("=")
            name = name.strip()
            if equals and name.lower() in _CREDENTIAL_FIELDS:
                masked = self._credential(name.lower(), content.strip())
                written.append(f"{name}={masked}")
        return f"{scheme} {', '.join(written)}"

    def _credential(self, name: str, value: str) -> str:
        content = unquoted(value)
        if name in ("algorithm", "qop", "nc", "stale", "charset"):
            plain = all(is_plain(it) for it in content.split(",")) or name == "nc"
            masked = content if plain and len(content) < 30 else MASKED
        elif name == "username":
            masked = self._login(content)
        elif name == "uri":
            masked = self._uris.uri(content)
        elif name == "realm":
            masked = self._realm(content)
        else:
            kind = "nonce" if name == "nextnonce" else name
            masked = self._pseudonyms.secret(kind, content)
        return f'"{masked}"' if value.startswith('"') else masked

    def _login(self, content: str) -> str:
        user, at, host = content.rpartition("@")
        if not at:
            return self._pseudonyms.user(content)
        return f"{self._pseudonyms.user(user)}@{bracketed(self._pseudonyms.host(host))}"

    def _realm(self, content: str) -> str:
        if "." in content or ":" in content:
            return bracketed(self._pseudonyms.host(host_and_port(content)[0]))
        return self._pseudonyms.name(content)
