"""Reason phrases of responses: which are the standard's, and which say more."""

from __future__ import annotations

import re

#: The phrases that the RFCs give (RFC 3261 section 21 and those of the later codes, as
#: the IANA registry of SIP parameters lists them), and what else is common and says no
#: more than the code. In lower case, letters and digits alone.
_STANDARD = {
    100: "trying",
    180: "ringing",
    181: "callisbeingforwarded",
    182: "queued",
    183: "sessionprogress sessionprogressing",
    199: "earlydialogterminated",
    200: "ok",
    202: "accepted",
    204: "nonotification",
    300: "multiplechoices",
    301: "movedpermanently",
    302: "movedtemporarily",
    305: "useproxy",
    380: "alternativeservice",
    400: "badrequest",
    401: "unauthorized",
    402: "paymentrequired",
    403: "forbidden",
    404: "notfound",
    405: "methodnotallowed",
    406: "notacceptable",
    407: "proxyauthenticationrequired",
    408: "requesttimeout timeout",
    409: "conflict",
    410: "gone",
    412: "conditionalrequestfailed",
    413: "requestentitytoolarge",
    414: "requesturitoolong requesturitoolarge",
    415: "unsupportedmediatype",
    416: "unsupportedurischeme",
    417: "unknownresourcepriority",
    420: "badextension",
    421: "extensionrequired",
    422: "sessionintervaltoosmall sessiontimertoosmall",
    423: "intervaltoobrief",
    424: "badlocationinformation",
    425: "badalertmessage",
    428: "useidentityheader",
    429: "providereferreridentity",
    430: "flowfailed",
    433: "anonymitydisallowed",
    436: "badidentityinfo",
    437: "unsupportedcredential unsupportedcertificate",
    438: "invalididentityheader",
    439: "firsthoplacksoutboundsupport",
    440: "maxbreadthexceeded",
    469: "badinfopackage",
    470: "consentneeded",
    480: "temporarilyunavailable temporarilynotavailable",
    481: "calltransactiondoesnotexist calllegtransactiondoesnotexist",
    482: "loopdetected",
    483: "toomanyhops",
    484: "addressincomplete",
    485: "ambiguous",
    486: "busyhere busy userbusy",
    487: "requestterminated requestcanceled requestcancelled",
    488: "notacceptablehere",
    489: "badevent",
    491: "requestpending",
    493: "undecipherable",
    494: "securityagreementrequired",
    500: "serverinternalerror internalservererror",
    501: "notimplemented",
    502: "badgateway",
    503: "serviceunavailable",
    504: "servertimeout gatewaytimeout",
    505: "versionnotsupported",
    513: "messagetoolarge",
    555: "pushnotificationservicenotsupported",
    580: "preconditionfailure",
    600: "busyeverywhere",
    603: "decline declined",
    604: "doesnotexistanywhere",
    606: "notacceptable",
    607: "unwanted",
    608: "rejected",
}
_PHRASES = {code: frozenset(words.split()) for code, words in _STANDARD.items()}


def own_phrase(code: int, phrase: str) -> str:
    """A reason phrase in the sender's own words; "" where it is the standard's, which
    says no more than the code.

    >>> own_phrase(486, "Busy Here"), own_phrase(486, "Rejected As Flood")
    ('', 'Rejected As Flood')
    """
    plain = re.sub(r"[\W_]", "", phrase).lower()
    known = _PHRASES.get(code, frozenset())
    return "" if plain in known or not plain else phrase.strip()
