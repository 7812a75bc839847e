"""Responses that are about the signature of a call (STIR)."""

from __future__ import annotations

from ..sip.messages import Message
from ..sip.reasons import reasons

#: RFC 8224 section 6.2.2: Use Identity Header, Bad Identity Info, Unsupported
#: Credential, Invalid Identity Header.
STIR_CODES = frozenset({428, 436, 437, 438})

#: A 403 may say that the signature is too old (the same section), in words.
_STALE_DATE = "stale date"


def stir_cause(response: Message, text: str) -> int | None:
    """The code that says what is wrong with the signature: of the response, or of a
    Reason of the protocol STIR in it (RFC 9410); None where it is about something else.

    :param text: what the response says in words, in lower case.
    """
    if response.code in STIR_CODES:
        return response.code
    for reason in reasons(response.sip) if response.sip is not None else []:
        if reason.protocol.upper() == "STIR" and reason.cause is not None:
            return reason.cause
    return 403 if response.code == 403 and _STALE_DATE in text else None
