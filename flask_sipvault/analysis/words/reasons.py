"""Why a call ended, in words: status codes, Reason and Warning header fields."""

from __future__ import annotations

from ...language import _
from ...language import N_
from ..sip.reasons import Reason
from ..sip.reasons import SipWarning

#: Status code to plain words, to be read behind "404 Not Found". RFC 3261 section 21
#: and the RFCs of the later codes.
CODE_WORDS = {
    300: N_("the called side offers several other addresses"),
    301: N_("the called side has moved for good"),
    302: N_("the called side asks to be called elsewhere"),
    305: N_("the call must go through another proxy"),
    380: N_("the called side offers another service instead"),
    400: N_("the server could not understand the request"),
    401: N_("the server asks for a password"),
    402: N_("payment is required"),
    403: N_("the call is not permitted"),
    404: N_("the number does not exist"),
    405: N_("the method is not allowed here"),
    406: N_("no acceptable answer is possible"),
    407: N_("the proxy asks for a password"),
    408: N_("nobody replied in time"),
    410: N_("the number exists no more"),
    413: N_("the message is too large"),
    414: N_("the address is too long"),
    415: N_("the content is of a kind not supported"),
    416: N_("the kind of address is not supported"),
    420: N_("a required extension is not supported"),
    421: N_("an extension is missing that the called side requires"),
    422: N_("the session timer asked for is too short"),
    423: N_("the registration time asked for is too short"),
    428: N_("the call must be signed (STIR)"),
    429: N_("the transfer lacks the identity of who asked for it"),
    430: N_("the path to the phone has failed"),
    433: N_("anonymous calls are not accepted"),
    436: N_("the certificate of the call's signature cannot be fetched"),
    437: N_("the certificate of the call's signature is not accepted"),
    438: N_("the call's signature is not valid"),
    439: N_("the first hop does not support outbound connections"),
    440: N_("the request was forwarded too widely"),
    469: N_("the INFO package is not known"),
    470: N_("the called side's consent is needed"),
    480: N_("the called side cannot be reached now"),
    481: N_("the other side knows no such call"),
    482: N_("the request came back to where it had been"),
    483: N_("too many hops, perhaps a loop"),
    484: N_("the number is incomplete"),
    485: N_("the number is ambiguous"),
    486: N_("the called side is busy"),
    487: N_("the request was withdrawn"),
    488: N_("the two sides share no codec or media settings"),
    489: N_("the event is not known"),
    491: N_("both sides asked for a change at once"),
    493: N_("the encrypted content cannot be read"),
    494: N_("a security agreement is required"),
    500: N_("the server has an error"),
    501: N_("the server does not know the method"),
    502: N_("the next server answered nonsense"),
    503: N_("the server is overloaded, down, or has no free line"),
    504: N_("the next server did not answer in time"),
    505: N_("the SIP version is not supported"),
    513: N_("the message is too large"),
    555: N_("the push service is not supported"),
    580: N_("the resources for the media could not be reserved"),
    600: N_("the called side is busy everywhere"),
    603: N_("the called side declined the call"),
    604: N_("the number exists nowhere"),
    606: N_("the media settings are not acceptable anywhere"),
    607: N_("the called side marks the call as unwanted"),
    608: N_("an intermediary rejected the call"),
}

#: Q.850 cause to plain words, the ones that gateways really send (ITU-T Q.850 table 1).
Q850_WORDS = {
    1: N_("unallocated number"),
    2: N_("no route to the transit network"),
    3: N_("no route to the destination"),
    6: N_("channel unacceptable"),
    16: N_("normal call clearing"),
    17: N_("user busy"),
    18: N_("no user responding"),
    19: N_("no answer from the user"),
    20: N_("subscriber absent"),
    21: N_("call rejected"),
    22: N_("number changed"),
    23: N_("redirected to a new destination"),
    25: N_("exchange routing error"),
    27: N_("destination out of order"),
    28: N_("invalid number format"),
    29: N_("facility rejected"),
    31: N_("normal, unspecified"),
    34: N_("no circuit or channel available"),
    38: N_("network out of order"),
    41: N_("temporary failure"),
    42: N_("switching equipment congestion"),
    43: N_("access information discarded"),
    44: N_("requested channel not available"),
    47: N_("resource unavailable"),
    50: N_("facility not subscribed"),
    55: N_("incoming calls barred"),
    57: N_("bearer capability not authorized"),
    58: N_("bearer capability not available"),
    63: N_("service not available"),
    65: N_("bearer capability not implemented"),
    69: N_("facility not implemented"),
    79: N_("service not implemented"),
    81: N_("invalid call reference"),
    88: N_("incompatible destination"),
    95: N_("invalid message"),
    96: N_("mandatory information element missing"),
    97: N_("message type not known"),
    100: N_("invalid information element"),
    102: N_("a timer expired"),
    111: N_("protocol error"),
    127: N_("interworking, unspecified"),
}


def code_words(code: int) -> str:
    """What a status code means, to be read behind ``404 Not Found``; "" for one that
    is not known.
    """
    words = CODE_WORDS.get(code)
    return _(words) if words else ""


def reason_words(reason: Reason) -> str:
    """The sender's words, or else the standard's; "" if neither has any."""
    if reason.text and not reason.text.isdigit():
        return reason.text
    tables = {"Q.850": Q850_WORDS, "SIP": CODE_WORDS}
    words = tables.get(reason.protocol, {}).get(reason.cause or 0, "")
    return _(words) if words else ""


def reason_sentence(reason: Reason) -> str:
    """``Q.850 16: normal call clearing``."""
    words = reason_words(reason)
    return f"{reason}: {words}" if words else str(reason)


def warning_sentence(warning: SipWarning) -> str:
    """``Warning 305: Incompatible media format``."""
    name = f"Warning {warning.code}" if warning.code is not None else "Warning"
    return f"{name}: {warning.text}" if warning.text else name
