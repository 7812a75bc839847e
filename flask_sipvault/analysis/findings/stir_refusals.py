"""Refusals that are about the signature of a call (STIR)."""

from __future__ import annotations

from ..sip.reasons import reasons
from .refusals import Refusal

#: RFC 8224 section 6.2.2: Use Identity Header, Bad Identity Info, Unsupported
#: Credential, Invalid Identity Header.
STIR_CODES = frozenset({428, 436, 437, 438})

#: A 403 may say that the signature is too old (the same section), in words.
_STALE_DATE = "stale date"


def stir_cause(refusal: Refusal) -> int | None:
    """The code that says what is wrong with the signature: of the response, or of a
    Reason of the protocol STIR beside it (RFC 9410); None where it is about something
    else.
    """
    if refusal.code in STIR_CODES:
        return refusal.code
    message = refusal.response.sip
    for reason in reasons(message) if message is not None else []:
        if reason.protocol.upper() == "STIR" and reason.cause is not None:
            return reason.cause
    if refusal.code == 403 and _STALE_DATE in refusal.text:
        return 403
    return None
