"""Texts and bodies as a SIPp scenario has them."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Iterator

from ..protocols.sip import SipMessage
from ..sanitize import escaped

#: What SIPp, or XML around it, would read as more than text.
_SPECIAL = re.compile(r"[\\\[\]]")
_CONTROL = re.compile(r"[\x00-\x08\x0b-\x1f\x7f]")

_MEDIA_IP = "IN IP[media_ip_type] [media_ip]"

#: ICE (RFC 8839) names addresses that only the recorded machine had.
_ICE = ("candidate", "remote-candidates", "end-of-candidates", "ice-", "rtcp-mux-only")


def literal(text: str) -> str:
    """Text that means nothing to SIPp but itself."""
    text = _CONTROL.sub("", text.replace("\n", " "))
    text = _SPECIAL.sub(lambda found: f"\\x{ord(found[0]):02X}", text)
    return escaped(text, _bytes)


def _bytes(character: str) -> str:
    """A character that nobody would see, as SIPp writes its bytes."""
    return "".join(f"\\x{byte:02X}" for byte in character.encode("utf-8", "replace"))


def body_lines(message: SipMessage) -> tuple[str, list[str]]:
    """A body's type and lines; ("", []) without a body, or if it is no text.

    Of a body in several parts the session description alone is kept.
    """
    described = message.sdp
    if described is not None:
        lines = described.decode("utf-8", "replace").splitlines()
        return "application/sdp", list(_sdp(lines))
    try:
        text = message.body.decode()
    except UnicodeDecodeError:
        return "", []
    if not text or _CONTROL.search(text.replace("\r\n", "\n")):
        return "", []
    content_type = message.get("Content-Type") or "text/plain"
    return literal(content_type), [literal(line) for line in text.splitlines()]


def _sdp(lines: list[str]) -> Iterator[str]:
    """A description whose media go to and from the machine that SIPp runs on."""
    streams = 0
    for line in lines:
        words = line[2:].split()
        name = line[2:].partition(":")[0]
        if line.startswith("o=") and len(words) == 6:
            yield f"o={literal(' '.join(words[:3]))} {_MEDIA_IP}"
        elif line.startswith("c=") and not _unspecified(words):
            yield f"c={_MEDIA_IP}"
        elif line.startswith("m=") and len(words) > 1:
            port = f"[media_port+{2 * streams}]" if streams else "[media_port]"
            streams += 1
            words[1] = "0" if words[1] == "0" else port
            yield f"m={' '.join(w if w == port else literal(w) for w in words)}"
        elif line.startswith("a=rtcp:"):
            yield f"a=rtcp:[media_port+{max(1, 2 * streams - 1)}]"
        elif not (line.startswith("a=") and name.startswith(_ICE)):
            yield literal(line)


def _unspecified(words: list[str]) -> bool:
    """``IN IP4 0.0.0.0``, an old way to hold a call, means itself."""
    try:
        return ipaddress.ip_address(words[2]).is_unspecified
    except (IndexError, ValueError):
        return False
