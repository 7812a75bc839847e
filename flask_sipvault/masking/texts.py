"""Masking of text without a grammar: log lines, reason phrases, names of software.

Here nothing can be written anew. What looks like an address, a number or a credential
is replaced wherever it stands, and so is every name that the messages taught us.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from collections.abc import Iterator

from .domains import Domains
from .pseudonyms import Pseudonyms

#: Stands for what is left out.
MASKED = "masked"

#: Reason phrases that tell nothing of anybody: those of RFC 3261 section 21, and of the
#: RFCs and servers since.
_PHRASES = frozenset(
    phrase.strip().lower()
    for phrase in """
    Trying; Ringing; Call Is Being Forwarded; Queued; Session Progress; OK; Accepted;
    Early Dialog Terminated; No Notification; Multiple Choices; Moved Permanently;
    Moved Temporarily; Use Proxy; Alternative Service; Bad Request; Unauthorized;
    Payment Required; Forbidden; Not Found; Method Not Allowed; Not Acceptable;
    Proxy Authentication Required; Request Timeout; Gone; Conditional Request Failed;
    Request Entity Too Large; Request-URI Too Long; Unsupported Media Type;
    Unsupported URI Scheme; Bad Extension; Extension Required;
    Session Interval Too Small; Interval Too Brief; Use Identity Header; Flow Failed;
    Anonymity Disallowed; Bad Identity Info; Unsupported Certificate;
    Invalid Identity Header; Consent Needed; Temporarily Unavailable;
    Call/Transaction Does Not Exist; Call Leg/Transaction Does Not Exist;
    Loop Detected; Too Many Hops; Address Incomplete; Ambiguous; Busy Here;
    Request Terminated; Not Acceptable Here; Bad Event; Request Pending;
    Undecipherable; Server Internal Error; Internal Server Error; Not Implemented;
    Bad Gateway; Service Unavailable; Server Time-out; Server Timeout;
    Version Not Supported; Message Too Large; Precondition Failure; Busy Everywhere;
    Decline; Declined; Does Not Exist Anywhere; Unwanted; Rejected; Answering; Canceling
    """.replace("\n", " ").split(";")
)

#: Endings of file names that are no top-level domains.
_FILES = frozenset(
    {"cfg", "conf", "cpp", "hpp", "json", "log", "lua", "php", "sql", "txt", "xml"}
)

#: What a log line in syslog's form begins with: priority, time; then comes the host.
_SYSLOG = re.compile(
    r"((?:<\d{1,3}>)?(?:1 )?"
    r"(?:[A-Z][a-z]{2} [ \d]\d \d\d:\d\d:\d\d"
    r"|\d{4}-\d\d-\d\dT[\d:.,]+(?:Z|[+-][\d:]+)?) )"
    r"([\w.:-]+)(?= )"
)

#: What is told to nobody, and what must be read as a whole.
_FIRST = re.compile(
    r"""
    (?P<label>\b(?i:nonce|cnonce|opaque|rspauth|passw(?:or)?d|passwd|pwd|secret|ha1
        |token|api[-_]?key|ice-pwd|ice-ufrag|inline|signal|dtmf|response(?=="))
        ["']?[ ]?[=:][ ]?)
        (?:"[^"]*"?|'[^']*'?|[^\s,;&"']+)
    |(?P<scheme>\b(?i:basic|bearer)[ ])[\w+/=.~-]{6,}
    |(?P<digest>\b[0-9A-Fa-f]{32,}\b)
    |(?P<uri>\b(?i:sips?|tel):[^\s<>"'`|{}()\\^]+)
    """,
    re.VERBOSE,
)

#: What looks like somebody's. Domain names are found apart, see :mod:`.domains`; where
#: one begins at the same place as one of these, those of ``_BEFORE_DOMAINS`` win.
_LOOKS = re.compile(
    r"""
    (?P<login>\b(?i:user(?:name)?|login|uid)["']?[ ]?[=:][ ]?["']?)
        (?P<user>[^\s,;&"']+)
    |(?P<mail>[\w.+%~!*-]{1,64})@(?P<at>\[[0-9A-Fa-f:.]{2,45}\]|[\w.-]{0,252}\w)
    |(?P<mac>\b[0-9A-Fa-f]{2}(?:[:-][0-9A-Fa-f]{2}){5}\b)
    |(?P<ip4>(?<!\d)(?<!\d\.)\d{1,3}(?:\.\d{1,3}){3}(?!\d|\.\d))
    |(?P<ip6>(?<![0-9A-Za-z:])[0-9A-Fa-f]{0,4}:[0-9A-Fa-f:]*(?::[0-9A-Fa-f.]+|:))
    |(?P<pointer>\b0x[0-9A-Fa-f]{4,16}\b)
    |(?P<number>\+\d[\d ().-]{5,30}\d|\d{7,})
    """,
    re.VERBOSE,
)

_BEFORE_DOMAINS = frozenset({"user", "at", "mac", "ip4", "ip6"})

_LONG_NUMBER = re.compile(r"[0-9]{7,}")


def words(text: str) -> frozenset[str]:
    """The words of a text, as a set to look things up in."""
    return frozenset(text.split())


class TextMask:
    """Masks texts by what they look like and by the names that are known so far.

    :param uri: masks a URI.
    """

    def __init__(self, pseudonyms: Pseudonyms, uri: Callable[[str], str]) -> None:
        self._pseudonyms = pseudonyms
        self._uri = uri

    def phrase(self, text: str) -> str:
        """A response's reason phrase."""
        return text if text.lower() in _PHRASES else self.text(text)

    def log_line(self, line: str) -> str:
        """A log line; the host that syslog put in front of it has a name too."""
        head = _SYSLOG.match(line)
        if head is None:
            return self.text(line)
        return head[1] + self._pseudonyms.host(head[2]) + self.text(line[head.end() :])

    def text(self, text: str) -> str:
        """Any other text."""
        return "".join(self._pieces(text))

    def _pieces(self, text: str) -> Iterator[str]:
        """The text with what is found replaced, what lies between searched by the next
        step. So nothing is masked twice.
        """
        start = 0
        for found in _FIRST.finditer(text):
            yield from self._without_names(text[start : found.start()])
            yield self._first(found)
            start = found.end()
        yield from self._without_names(text[start:])

    def _without_names(self, text: str) -> Iterator[str]:
        start = 0
        for name in self._pseudonyms.names.find(text):
            yield from self._looks(text[start : name.start])
            yield name.pseudonym
            start = name.end
        yield from self._looks(text[start:])

    def _looks(self, text: str) -> Iterator[str]:
        """The text with what looks like somebody's replaced, from left to right."""
        domains = Domains(text)
        at = 0
        found = _LOOKS.search(text)
        while True:
            if found is not None and found.start() < at:
                found = _LOOKS.search(text, at)
            domain = domains.next(at)
            if domain is None and found is None:
                break
            if domain is not None and (
                found is None
                or domain.start < found.start()
                or (
                    domain.start == found.start()
                    and found.lastgroup not in _BEFORE_DOMAINS
                )
            ):
                yield text[at : domain.start]
                yield self._domain(text[domain.start : domain.end], domain.top)
                at = domain.end
            elif found is not None:
                yield text[at : found.start()]
                yield self._look(found)
                at = found.end()
        yield text[at:]

    def _first(self, found: re.Match[str]) -> str:
        if found["uri"]:
            uri = found["uri"].rstrip(".,;:!?]" if "[" not in found["uri"] else ".,;!?")
            return self._uri(uri) + found["uri"][len(uri) :]
        return (found["label"] or found["scheme"] or "") + MASKED

    def _look(self, found: re.Match[str]) -> str:
        kind, text = found.lastgroup, found[0]
        masks = self._pseudonyms
        if found["login"]:
            return found["login"] + masks.user(found["user"])
        if found["mail"]:
            host = masks.host(found["at"])
            return f"{masks.user(found['mail'])}@{f'[{host}]' if ':' in host else host}"
        if kind == "mac":
            return masks.token("mac", text.lower())
        if kind in ("ip4", "ip6"):
            return self._address(text)
        if kind == "number":
            return masks.user(text.replace(" ", ""))
        return self._without_numbers(text)

    def _domain(self, text: str, top: str) -> str:
        if top.lower() in _FILES:
            return self._without_numbers(text)
        return self._pseudonyms.host(text)

    def _address(self, text: str) -> str:
        # Some write 010.000.000.001.
        parts = text.split(".")
        plain = ".".join(str(int(part)) for part in parts) if parts[3:] else text
        try:
            return self._pseudonyms.address(plain)
        except ValueError:
            # A version (1.2.3.400), or a time of day.
            return self._without_numbers(text)

    def _without_numbers(self, text: str) -> str:
        return _LONG_NUMBER.sub(lambda found: self._pseudonyms.user(found[0]), text)
