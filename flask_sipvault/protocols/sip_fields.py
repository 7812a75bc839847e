"""What stands inside SIP header fields: names, addresses, Via, parameters.

Everything here forgives: a field that breaks its grammar gives what can be read of it,
never an error, because the broken field is what the reader of a trace is looking for.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from dataclasses import field
from urllib.parse import unquote

#: The one-letter forms of RFC 3261 section 7.3.3 and of the extensions since, as the
#: IANA registry of SIP header fields lists them.
_COMPACT = {
    "a": "Accept-Contact",
    "b": "Referred-By",
    "c": "Content-Type",
    "d": "Request-Disposition",
    "e": "Content-Encoding",
    "f": "From",
    "i": "Call-ID",
    "j": "Reject-Contact",
    "k": "Supported",
    "l": "Content-Length",
    "m": "Contact",
    "n": "Identity-Info",
    "o": "Event",
    "r": "Refer-To",
    "s": "Subject",
    "t": "To",
    "u": "Allow-Events",
    "v": "Via",
    "x": "Session-Expires",
    "y": "Identity",
}

#: Header fields whose spelling the RFCs fix. Others keep the spelling they came in.
_SPELLINGS = """
Accept Accept-Contact Accept-Encoding Accept-Language Accept-Resource-Priority
Alert-Info Allow Allow-Events Authentication-Info Authorization Call-ID Call-Info
Contact Content-Disposition Content-Encoding Content-ID Content-Language Content-Length
Content-Transfer-Encoding Content-Type CSeq Date Diversion Error-Info Event Expires
Feature-Caps Flow-Timer From Geolocation Geolocation-Error History-Info Identity
Identity-Info In-Reply-To Info-Package Join Max-Breadth Max-Forwards MIME-Version
Min-Expires Min-SE Organization P-Access-Network-Info P-Asserted-Identity
P-Associated-URI P-Called-Party-ID P-Charging-Function-Addresses P-Charging-Vector
P-Early-Media P-Preferred-Identity P-Visited-Network-ID Path Priority Privacy
Proxy-Authenticate Proxy-Authorization Proxy-Require RAck Reason Record-Route Recv-Info
Refer-To Referred-By Reject-Contact Remote-Party-ID Replaces Reply-To
Request-Disposition Require Resource-Priority Retry-After Route RSeq Security-Client
Security-Server Security-Verify Server Service-Route Session-Expires Session-ID
SIP-ETag SIP-If-Match Subject Subscription-State Supported Target-Dialog Timestamp To
Unsupported User-Agent User-to-User Via Warning WWW-Authenticate
"""

_CANONICAL = {
    **{name.lower(): name for name in _SPELLINGS.split()},
    **{name: name for name in _SPELLINGS.split()},
    **_COMPACT,
}


_QUOTED = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"', re.DOTALL)


def canonical_name(name: str) -> str:
    """The long form and usual spelling of a header field's name.

    >>> canonical_name("i"), canonical_name("CALL-ID"), canonical_name("X-Foo")
    ('Call-ID', 'Call-ID', 'X-Foo')
    """
    return _CANONICAL.get(name) or _CANONICAL.get(name.lower(), name)


def split_outside(text: str, separator: str) -> list[str]:
    """Split at a character where it stands outside of quoted strings and of ``<…>``."""
    if '"' not in text and "<" not in text:
        return text.split(separator)
    return list(_pieces(text, separator))


#: What has a meaning in a field's value outside of quoted strings.
_MARKS = re.compile('[<>",;]')


def _pieces(text: str, separator: str) -> Iterator[str]:
    start = 0
    bracketed = False
    for index, character in _marks_outside_quotes(text):
        if character == "<":
            bracketed = True
        elif character == ">":
            bracketed = False
        elif character == separator and not bracketed:
            yield text[start:index]
            start = index + 1
    yield text[start:]


def _marks_outside_quotes(text: str) -> Iterator[tuple[int, str]]:
    """Where ``<``, ``>``, ``,`` and ``;`` stand that no quoted string holds. A
    quotation mark that nothing closes is a character like others (RFC 4475 section
    3.1.2.5).
    """
    closable = True
    mark = _MARKS.search(text)
    while mark is not None:
        index = mark.start()
        quoted = None
        if text[index] == '"':
            quoted = _QUOTED.match(text, index) if closable else None
            closable = quoted is not None
        else:
            yield index, text[index]
        mark = _MARKS.search(text, quoted.end() if quoted else index + 1)


def parameters(pieces: list[str]) -> dict[str, str]:
    """``tag=x``, ``lr``, ``q="0.5"`` as a mapping: names in lower case, values without
    their quotes, "" for a bare name. The first of two equal names counts.
    """
    found: dict[str, str] = {}
    for piece in pieces:
        name, _, value = piece.partition("=")
        name = name.strip().lower()
        if name:
            found.setdefault(name, unquoted(value.strip()))
    return found


def unquoted(text: str) -> str:
    """The content of a quoted string (RFC 3261 section 25.1); other text unchanged."""
    if len(text) < 2 or text[0] != '"' or text[-1] != '"':
        return text
    return re.sub(r"\\(.)", r"\1", text[1:-1], flags=re.DOTALL)


@dataclass(slots=True)
class NameAddr:
    """The value of From, To, Contact and their like (RFC 3261 section 20.10).

    :param display: the display name without quotes; "" where there is none.
    :param uri: the URI as it stands, without ``<`` and ``>``; ``*`` in a Contact.
    :param params: the header field's own parameters, not those of the URI.
    """

    display: str = ""
    uri: str = ""
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> NameAddr:
        """Read one address. Without ``<…>``, parameters are the field's own."""
        if '"' not in text and text.count("<") == text.count(">") == 1:
            # As most are: where nothing is quoted, there is no need to look for what a
            # quoted string holds.
            display, _, rest_of_it = text.partition("<")
            uri, bracket, after = rest_of_it.partition(">")
            if bracket and ";" not in display:
                return cls(
                    display.strip(), uri.strip(), parameters(after.split(";")[1:])
                )
        head, *rest = split_outside(text, ";")
        opening = head.find("<")
        if opening >= 0 and '"' in head:
            opening = next((i for i, c in _marks_outside_quotes(head) if c == "<"), -1)
        if opening < 0:
            return cls("", head.strip(), parameters(rest))
        closing = head.find(">", opening)
        uri = head[opening + 1 : closing if closing >= 0 else len(head)]
        return cls(unquoted(head[:opening].strip()), uri.strip(), parameters(rest))

    @property
    def tag(self) -> str:
        """The dialog tag, "" where there is none."""
        return self.params.get("tag", "")

    @property
    def user(self) -> str:
        """The user part of the URI (of a tel: URI the number), percent-decoded."""
        return unquote(_user_and_hostport(self.uri)[0].strip())

    @property
    def host(self) -> str:
        """The host of the URI without port, IPv6 without brackets; "" for tel:."""
        hostport = _user_and_hostport(self.uri)[1]
        return host_and_port(_BEHIND_HOST.split(hostport, maxsplit=1)[0])[0]


_BEHIND_HOST = re.compile("[;?]")


def _user_and_hostport(uri: str) -> tuple[str, str]:
    """As they stand, the port with all that follows it; of a tel: URI the number."""
    scheme, colon, rest = uri.partition(":")
    scheme = scheme.strip().lower()
    if colon and scheme == "tel":
        return rest.partition(";")[0], ""
    if not colon or scheme not in ("sip", "sips"):
        rest = uri
    # Phones put whole mail addresses into the user part unescaped, so the host is what
    # follows the last "@". A user part may hold ";" and "?" (RFC 4475 section 3.1.1.5).
    userinfo, _, hostport = rest.rpartition("@")
    return userinfo.partition(":")[0], hostport


def host_and_port(text: str) -> tuple[str, int | None]:
    """``host:5060`` apart. IPv6 comes without its brackets; a port out of range or no
    number is None.
    """
    text = text.strip()
    if text.startswith("["):
        host, _, rest = text[1:].partition("]")
        port = rest.strip().removeprefix(":")
    elif text.count(":") > 1:
        # An IPv6 address that forgot its brackets.
        host, port = text, ""
    else:
        host, _, port = text.partition(":")
    return host.strip(), _port(port.strip())


def _port(text: str) -> int | None:
    if re.fullmatch(r"[0-9]{1,5}", text) and int(text) <= 0xFFFF:
        return int(text)
    return None


#: sent-protocol and the rest of it, RFC 3261 section 20.42.
_VIA = re.compile(r"\s*[^\s/]+\s*/\s*[^\s/]+\s*/\s*([^\s/;]+)\s*(.*)", re.DOTALL)


@dataclass(slots=True)
class Via:
    """One hop of the way a request took (RFC 3261 section 20.42).

    :param transport: as it stands, usually ``UDP``, ``TCP``, ``TLS``, ``WS``, ``WSS``.
    :param host: IPv6 without brackets.
    :param port: None where the field does not say, which means the default.
    """

    transport: str = ""
    host: str = ""
    port: int | None = None
    params: dict[str, str] = field(default_factory=dict)

    @classmethod
    def parse(cls, text: str) -> Via:
        """Read one Via value, without the comma that may follow it."""
        head, *rest = split_outside(text, ";")
        found = _VIA.match(head)
        if not found:
            return cls(params=parameters(rest))
        host, port = host_and_port(found[2])
        return cls(found[1], host, port, parameters(rest))
