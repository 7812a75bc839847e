"""The Warning header (RFC 3261 section 20.43): why a server refuses, in its words."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...protocols.sip import SipMessage
from ...protocols.sip_fields import unquoted

#: warn-code, warn-agent and warn-text.
_WARNING = re.compile(r"\s*(\d{3})\s+(\S+)\s+(\S.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class SipWarning:
    """One value of a Warning header field.

    :param code: three digits: 399 for whatever has no code of its own.
    :param agent: who warns: a host or a name.
    :param text: in words, without quotation marks.
    """

    code: int
    agent: str
    text: str


def warnings(message: SipMessage) -> list[SipWarning]:
    """All that the Warning header fields of a message say, in order. What breaks the
    grammar is the text of a 399, as it stands.
    """
    return [_warning(value) for value in message.values("Warning")]


def _warning(value: str) -> SipWarning:
    found = _WARNING.match(value)
    if found is None:
        return SipWarning(399, "", unquoted(value))
    return SipWarning(int(found[1]), found[2], unquoted(found[3].strip()))
