"""Why a call ended, as its messages say it: Reason and Warning header fields."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ...protocols.sip import SipMessage
from ...protocols.sip_fields import split_outside
from ...protocols.sip_fields import unquoted

#: Causes that only say that a call ended as calls do.
_ORDINARY = {("Q.850", 16), ("Q.850", 31), ("SIP", 200)}

#: Causes that say the same as a status code (RFC 3398 sections 7.2.4.1, 8.2.6.1).
_SAME_AS_CODE: dict[int, frozenset[int]] = {
    403: frozenset({21, 57}),
    404: frozenset({1, 2, 3}),
    408: frozenset({102}),
    410: frozenset({22}),
    480: frozenset({18, 19, 20, 31}),
    484: frozenset({28}),
    486: frozenset({17}),
    487: frozenset({31}),
    503: frozenset({34, 38, 41, 42}),
    504: frozenset({102}),
    600: frozenset({17}),
    603: frozenset({21}),
    604: frozenset({1}),
}

#: What is written beside these causes without telling more.
_ORDINARY_TEXTS = frozenset(
    (
        *("normal", "normalclearing", "normalcallclearing", "normalunspecified"),
        *("normalrelease", "normalend", "normaltermination", "clearing", "cleared"),
        *("ok", "success", "none", "bye", "hangup", "hungup", "release", "released"),
        *("terminated", "callterminated", "callended", "sessionended"),
        *("sessionterminated", "usertriggered", "userbusy", "busyhere", "callrejected"),
        *("nouserresponding", "noanswer", "noanswerfromuser", "subscriberabsent"),
        *("unallocatednumber", "invalidnumberformat", "numberchanged", "decline"),
    )
)

_CAUSE = re.compile(r";\s*cause\s*=\s*\"?([0-9]{1,5})", re.IGNORECASE)
_TEXT = re.compile(
    r";\s*(?:text|description)\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.IGNORECASE
)

#: Code, agent, text (RFC 3261 section 20.43).
_WARNING = re.compile(r"\s*([0-9]{3})\s+(\S+)\s*(.*)", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of a Reason header field (RFC 3326).

    :param protocol: ``Q.850``, ``SIP``, or whatever else stands there.
    :param cause: None where there is none.
    :param text: of ``text``, or of ``description``, which some write instead; "" where
        there is none.
    """

    protocol: str
    cause: int | None
    text: str

    @property
    def ordinary(self) -> bool:
        """Whether it says nothing but that somebody hung up."""
        if self.cause is None:
            return self._says_nothing
        return (self.protocol, self.cause) in _ORDINARY and self._says_nothing

    def repeats(self, code: int) -> bool:
        """Whether it says no more than the status code of its response."""
        if self.cause is None or not self._says_nothing:
            return False
        if self.protocol == "SIP":
            return self.cause == code
        same = self.protocol == "Q.850" and self.cause in _SAME_AS_CODE.get(code, ())
        return same or self.ordinary

    @property
    def _says_nothing(self) -> bool:
        letters = re.sub("[^a-z]", "", self.text.lower())
        return not letters or letters in _ORDINARY_TEXTS

    def __str__(self) -> str:
        """``Q.850 16``."""
        return self.protocol if self.cause is None else f"{self.protocol} {self.cause}"


@dataclass(frozen=True, slots=True)
class SipWarning:
    """One value of a Warning header field (RFC 3261 section 20.43).

    :param code: 399 for anything that has no code of its own; None where it cannot be
        read.
    :param agent: who warns.
    """

    code: int | None
    agent: str
    text: str


def reasons(message: SipMessage) -> list[Reason]:
    """All that the Reason header fields of a message say, in order."""
    return [
        _reason(value)
        for field in message.get_all("Reason")
        for value in split_outside(field, ",")
        if value.strip()
    ]


def warnings(message: SipMessage) -> list[SipWarning]:
    """All that the Warning header fields of a message say, in order."""
    return [_warning(value) for value in message.values("Warning")]


def _warning(value: str) -> SipWarning:
    found = _WARNING.match(value)
    if found is None:
        return SipWarning(None, "", unquoted(value.strip()))
    return SipWarning(int(found[1]), found[2], unquoted(found[3].strip()))


def _reason(value: str) -> Reason:
    protocol = value.partition(";")[0].strip()
    known = {"q.850": "Q.850", "sip": "SIP"}
    cause = _CAUSE.search(value)
    text = _TEXT.search(value)
    return Reason(
        known.get(protocol.lower(), protocol),
        int(cause[1]) if cause else None,
        unquoted(text[1].strip()) if text else "",
    )
