"""Masking of session descriptions, line by line."""

from __future__ import annotations

import re

from .pseudonyms import Pseudonyms
from .texts import MASKED
from .texts import TextMask
from .texts import words
from .uris import is_plain

#: Attributes that describe media and name nobody.
_HARMLESS = words(
    """
    rtpmap fmtp ptime maxptime minptime framerate framesize sendrecv sendonly recvonly
    inactive rtcp-mux rtcp-rsize rtcp-fb mid group setup connection direction
    silenceSupp bundle-only ice-lite ice-options extmap extmap-allow-mixed label content
    quality T38FaxVersion T38MaxBitRate T38FaxRateManagement T38FaxMaxBuffer
    T38FaxMaxDatagram T38FaxUdpEC T38FaxFillBitRemoval T38FaxTranscodingMMR
    T38FaxTranscodingJBIG maxBitRate
    """
)

_ADDRESS = re.compile(r"IN (IP[46]) (\S{1,255}?)((?:/[0-9]{1,3}){0,2})")
_MEDIA = re.compile(
    r"[A-Za-z]{1,20} +[0-9/]{1,11} +[A-Za-z0-9/]{1,30}(?: +[\w.*+-]{1,20})*"
)
_DIGITS = re.compile("[0-9]{1,20}")
_FIGURES = re.compile(r"(?:[A-Z]{1,8}:)?[0-9dhms.: -]{0,80}")
_SSRC = re.compile(r"([0-9]{1,10})(?: +([A-Za-z-]{1,20})(?::(.*))?)?")
_SSRC_GROUP = re.compile(r"[A-Z-]{1,20}(?: [0-9]{1,10})*")
_RTCP = re.compile(r"([0-9]{1,5})(?: (.*))?")


class SdpMask:
    """Masks session descriptions."""

    def __init__(self, pseudonyms: Pseudonyms, texts: TextMask) -> None:
        self._pseudonyms = pseudonyms
        self._texts = texts

    def description(self, data: bytes) -> bytes:
        """A whole description; lines that are none are left out."""
        lines = data.decode("utf-8", "replace").split("\n")
        masked = [self._line(line[0], line[2:].strip()) for line in lines if _is(line)]
        return "".join(f"{line}\r\n" for line in masked).encode()

    def _line(self, letter: str, value: str) -> str:
        if letter == "a":
            return f"a={self._attribute(value)}"
        if letter == "m":
            media = _MEDIA.fullmatch(value)
            return f"m={value if media else self._texts.text(value)}"
        if letter == "c":
            return f"c={self._connection(value)}"
        if letter == "o":
            return f"o={self._origin(value)}"
        if letter in "vtrzb":
            figures = _FIGURES.fullmatch(value)
            return f"{letter}={value if figures else MASKED}"
        kept = value in ("-", "")
        return f"{letter}={value if kept else MASKED}"

    def _origin(self, value: str) -> str:
        """``alice 2890844526 2890844527 IN IP4 192.0.2.1`` (RFC 8866 section 5.2)."""
        fields = value.split()
        if len(fields) != 6 or not all(map(_DIGITS.fullmatch, fields[1:3])):
            return self._pseudonyms.token("origin", value)
        name = fields[0] if fields[0] == "-" else self._pseudonyms.user(fields[0])
        return " ".join([name, *fields[1:3], self._connection(" ".join(fields[3:]))])

    def _connection(self, value: str) -> str:
        found = _ADDRESS.fullmatch(" ".join(value.split()))
        if found is None:
            return f"IN IP4 {self._pseudonyms.token('host', value)}"
        return f"IN {found[1]} {self._pseudonyms.host(found[2])}{found[3]}"

    def _attribute(self, attribute: str) -> str:
        name, colon, value = attribute.partition(":")
        name, value = name.strip(), value.strip()
        if name in _HARMLESS:
            return f"{name}:{self._texts.text(value)}" if colon else name
        mask = {
            "rtcp": self._rtcp,
            "candidate": self._candidate,
            "crypto": self._crypto,
            "fingerprint": self._fingerprint,
            "ice-pwd": lambda it: self._pseudonyms.secret("password", it),
            "ice-ufrag": lambda it: self._pseudonyms.secret("ufrag", it),
            "ssrc": self._ssrc,
            "ssrc-group": self._ssrc_group,
            "tool": self._texts.text,
        }.get(name)
        if mask is not None:
            return f"{name}:{mask(value)}"
        if not is_plain(name) or self._texts.text(name) != name:
            return MASKED
        return f"{name}:{self._pseudonyms.token(MASKED, value)}" if colon else name

    def _rtcp(self, value: str) -> str:
        found = _RTCP.fullmatch(value)
        if found is None:
            return MASKED
        return f"{found[1]} {self._connection(found[2])}" if found[2] else found[1]

    def _candidate(self, value: str) -> str:
        """Of an ICE candidate (RFC 8839 section 5.1) what can be told: the foundation
        of some spells the address, and what may follow holds credentials.
        """
        fields = value.split()
        if len(fields) < 8 or not all(map(is_plain, (fields[1], fields[2], fields[7]))):
            return MASKED
        masks = self._pseudonyms
        foundation = masks.token("foundation", fields[0])
        priority, port = _digits(fields[3]), _digits(fields[5])
        where = [priority, masks.host(fields[4]), port, "typ", fields[7]]
        related = fields[8:12]
        if len(related) == 4 and (related[0], related[2]) == ("raddr", "rport"):
            where += ["raddr", masks.host(related[1]), "rport", _digits(related[3])]
        return " ".join([foundation, *fields[1:3], *where])

    def _crypto(self, value: str) -> str:
        """Which key management is offered, without the key (RFC 4568)."""
        fields = value.split()[:2]
        suite = fields if len(fields) == 2 and all(map(is_plain, fields)) else [MASKED]
        keys = value.partition("inline:")[2].split()
        key = self._pseudonyms.secret("key", keys[0].partition("|")[0] if keys else "")
        return " ".join([*suite, f"inline:{key}"])

    def _fingerprint(self, value: str) -> str:
        algorithm = value.partition(" ")[0]
        return f"{algorithm if is_plain(algorithm) else MASKED} {MASKED}"

    def _ssrc(self, value: str) -> str:
        found = _SSRC.fullmatch(value)
        if found is None:
            return MASKED
        ssrc, name, text = found.groups()
        if name not in (None, "cname", "msid", "mslabel", "label", "previous-ssrc"):
            return ssrc
        masked = self._pseudonyms.token(name, text) if text else ""
        return " ".join(filter(None, [ssrc, f"{name}:{masked}" if text else name]))

    def _ssrc_group(self, value: str) -> str:
        return value if _SSRC_GROUP.fullmatch(value) else MASKED


def _digits(word: str) -> str:
    return word if _DIGITS.fullmatch(word) and len(word) < 11 else "0"


def _is(line: str) -> bool:
    return len(line) > 1 and line[1] == "=" and line[0].isascii() and line[0].islower()
