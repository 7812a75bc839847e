"""Why a call ended, in words: status codes and the Reason header."""

from __future__ import annotations

import re
from dataclasses import dataclass

from ..protocols.sip import SipMessage
from ..protocols.sip_fields import split_outside
from ..protocols.sip_fields import unquoted

#: Status code to plain words, to be read behind "404 Not Found". RFC 3261 section 21
#: and the RFCs of the later codes.
CODE_WORDS = {
    300: "the called side offers several other addresses",
    301: "the called side has moved for good",
    302: "the called side asks to be called elsewhere",
    305: "the call must go through another proxy",
    380: "the called side offers another service instead",
    400: "the server could not understand the request",
    401: "the server asks for a password",
    402: "payment is required",
    403: "the call is not permitted",
    404: "the number does not exist",
    405: "the method is not allowed here",
    406: "no acceptable answer is possible",
    407: "the proxy asks for a password",
    408: "nobody replied in time",
    410: "the number exists no more",
    413: "the message is too large",
    414: "the address is too long",
    415: "the content is of a kind not supported",
    416: "the kind of address is not supported",
    420: "a required extension is not supported",
    421: "an extension is missing that the called side requires",
    422: "the session timer asked for is too short",
    423: "the registration time asked for is too short",
    428: "the call must be signed (STIR)",
    429: "the transfer lacks the identity of who asked for it",
    430: "the path to the phone has failed",
    433: "anonymous calls are not accepted",
    436: "the certificate of the call's signature cannot be fetched",
    437: "the certificate of the call's signature is not accepted",
    438: "the call's signature is not valid",
    439: "the first hop does not support outbound connections",
    440: "the request was forwarded too widely",
    469: "the INFO package is not known",
    470: "the called side's consent is needed",
    480: "the called side cannot be reached now",
    481: "the other side knows no such call",
    482: "the request came back to where it had been",
    483: "too many hops, perhaps a loop",
    484: "the number is incomplete",
    485: "the number is ambiguous",
    486: "the called side is busy",
    487: "the request was withdrawn",
    488: "the two sides share no codec or media settings",
    489: "the event is not known",
    491: "both sides asked for a change at once",
    493: "the encrypted content cannot be read",
    494: "a security agreement is required",
    500: "the server has an error",
    501: "the server does not know the method",
    502: "the next server answered nonsense",
    503: "the server is overloaded, down, or has no free line",
    504: "the next server did not answer in time",
    505: "the SIP version is not supported",
    513: "the message is too large",
    555: "the push service is not supported",
    580: "the resources for the media could not be reserved",
    600: "the called side is busy everywhere",
    603: "the called side declined the call",
    604: "the number exists nowhere",
    606: "the media settings are not acceptable anywhere",
    607: "the called side marks the call as unwanted",
    608: "an intermediary rejected the call",
}

#: Q.850 cause to plain words, the ones that gateways really send (ITU-T Q.850 table 1).
Q850_WORDS = {
    1: "unallocated number",
    2: "no route to the transit network",
    3: "no route to the destination",
    6: "channel unacceptable",
    16: "normal call clearing",
    17: "user busy",
    18: "no user responding",
    19: "no answer from the user",
    20: "subscriber absent",
    21: "call rejected",
    22: "number changed",
    23: "redirected to a new destination",
    25: "exchange routing error",
    27: "destination out of order",
    28: "invalid number format",
    29: "facility rejected",
    31: "normal, unspecified",
    34: "no circuit or channel available",
    38: "network out of order",
    41: "temporary failure",
    42: "switching equipment congestion",
    43: "access information discarded",
    44: "requested channel not available",
    47: "resource unavailable",
    50: "facility not subscribed",
    55: "incoming calls barred",
    57: "bearer capability not authorized",
    58: "bearer capability not available",
    63: "service not available",
    65: "bearer capability not implemented",
    69: "facility not implemented",
    79: "service not implemented",
    81: "invalid call reference",
    88: "incompatible destination",
    95: "invalid message",
    96: "mandatory information element missing",
    97: "message type not known",
    100: "invalid information element",
    102: "a timer expired",
    111: "protocol error",
    127: "interworking, unspecified",
}

#: Causes that only say that a call ended as calls do.
_ORDINARY = {("Q.850", 16), ("Q.850", 31), ("SIP", 200)}

_CAUSE = re.compile(r";\s*cause\s*=\s*\"?([0-9]{1,5})", re.IGNORECASE)
_TEXT = re.compile(r";\s*text\s*=\s*(\"(?:[^\"\\]|\\.)*\"|[^;]*)", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Reason:
    """One value of a Reason header field (RFC 3326).

    :param protocol: ``Q.850``, ``SIP``, or whatever else stands there.
    :param cause: None where there is none.
    :param text: "" where there is none.
    """

    protocol: str
    cause: int | None
    text: str

    @property
    def words(self) -> str:
        """The sender's words, or else the standard's; "" if neither has any."""
        if self.text and not self.text.isdigit():
            return self.text
        table = {"Q.850": Q850_WORDS, "SIP": CODE_WORDS}.get(self.protocol, {})
        return table.get(self.cause or 0, "")

    @property
    def ordinary(self) -> bool:
        """Whether it says nothing but that somebody hung up."""
        return (self.protocol, self.cause) in _ORDINARY

    def __str__(self) -> str:
        """``Q.850 16``."""
        return self.protocol if self.cause is None else f"{self.protocol} {self.cause}"

    def sentence(self) -> str:
        """``Q.850 16: normal call clearing``."""
        return f"{self}: {self.words}" if self.words else str(self)


def reasons(message: SipMessage) -> list[Reason]:
    """All that the Reason header fields of a message say, in order."""
    return [
        _reason(value)
        for field in message.get_all("Reason")
        for value in split_outside(field, ",")
        if value.strip()
    ]


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
