"""What kind of refusal a call met: each is said by one rule, and only by that one."""

from __future__ import annotations

import re
from typing import Literal

from ..call import Call
from ..sip.refusal import Refusal
from ..sip.setup import CHALLENGES

#: The id of the rule that says it; ``other`` for what these do not cover.
RefusalKind = Literal[
    "busy",
    "call-limit",
    "cancelled",
    "declined",
    "no-answer",
    "number-unknown",
    "other",
    "overload-503",
    "redirected",
    "refused-by-server-486",
    "subscriber-absent",
]

#: A person who looks at a ringing phone takes longer to press a button.
AT_ONCE_NS = 1_000_000_000

#: After so much ringing a caller who hangs up was not answered; before, they may have
#: changed their mind: three to four cycles of ringing tone.
RUNG_LONG_NS = 15_000_000_000

#: That a number of calls, channels or the like is reached.
_LIMIT = re.compile(
    r"\blimit|\bquota|too many|exceed|maximum|\bmax\b|concurren|simultaneous"
    r"|licen[cs]e|calls? per second|\bcps\b|throttl|no free (?:channel|line|trunk)"
    r"|all (?:channels|lines|trunks|circuits)",
    re.IGNORECASE,
)

#: That the number is known and its phone is not there.
_ABSENT = re.compile(
    r"not (?:\w+ ){0,2}(?:registered|reachable|online|available|logged)|unregistered"
    r"|offline|unreachable|no contacts?\b|subscriber absent|not here",
    re.IGNORECASE,
)

#: What a phone, or somebody at it, says of a call that is not taken.
_OF_A_PERSON = re.compile(
    r"busy|declin|reject(?:ed)? by (?:the )?(?:user|callee)|disturb|\bdnd\b|call reject"
    r"|user|unwanted|ocupad|ocupied|occupied|besetzt",
    re.IGNORECASE,
)

#: Codes that speak of the message or the protocol: a limit in their words is another.
_OF_THE_MESSAGE = frozenset({408, 413, 414, 422, 423, 482, 483, 487, 513})

_WITHDRAWN = 487
_BUSY = frozenset({486, 600})
_NUMBER = frozenset({404, 410, 484, 485, 604})
_UNAVAILABLE = frozenset({408, 480, 504})

# Q.850 causes (ITU-T Q.850 table 1; as SIP codes, RFC 3398 section 7.2.4.1).
_USER_BUSY = 17
_REJECTED = 21
_ABSENT_CAUSE = 20
_NO_USER_RESPONDING, _NO_ANSWER = 18, 19
#: Unallocated number, no route to the destination, number changed, invalid format.
_NUMBER_CAUSES = frozenset({1, 3, 22, 28})
#: No circuit, network out of order, temporary failure, congestion, circuit not
#: available, resource unavailable.
CONGESTION_CAUSES = frozenset({34, 38, 41, 42, 44, 47})


def kind_of(call: Call) -> RefusalKind | None:
    """What kind of refusal ended the call; None where it was answered, or its end was
    not captured.
    """
    if call.setup is None or call.setup.answer is not None:
        return None
    by_caller = call.ending is not None and call.ending.by == "caller"
    refusal = call.refusal
    if by_caller and (refusal is None or refusal.response.code in (_WITHDRAWN, 408)):
        return "no-answer" if _rung_long(call) else "cancelled"
    if refusal is None:
        return None
    return _of_refusal(refusal)


def _rung_long(call: Call) -> bool:
    ringing_ms = call.outcome.ringing_ms
    return ringing_ms is not None and ringing_ms * 1_000_000 >= RUNG_LONG_NS


def _of_refusal(refusal: Refusal) -> RefusalKind:
    code, causes, rang = refusal.code, refusal.causes, refusal.rang is not None
    if code < 400:
        return "redirected"
    if code in CHALLENGES:
        return "other"
    if code == _WITHDRAWN:
        return "no-answer" if rang else "cancelled"
    if states_limit(refusal):
        return "refused-by-server-486" if code in _BUSY else "call-limit"
    if code in _BUSY or _USER_BUSY in causes:
        return _busy(refusal)
    if causes & _NUMBER_CAUSES or (code in _NUMBER and not _says(refusal, _ABSENT)):
        return "number-unknown"
    if rang and (code in _UNAVAILABLE or causes & {_NO_USER_RESPONDING, _NO_ANSWER}):
        return "no-answer"
    if _NO_ANSWER in causes:
        return "no-answer"
    if causes & {_ABSENT_CAUSE, _NO_USER_RESPONDING} or code in (404, 430):
        return "subscriber-absent"
    if _REJECTED in causes and code != 403:
        return "declined"
    if code == 480:
        return "subscriber-absent"
    if code in (603, 607):
        return "declined" if _by_callee(refusal) else "other"
    if code == 503 or causes & (CONGESTION_CAUSES - {41}):
        return "overload-503"
    return "other"


def _busy(refusal: Refusal) -> RefusalKind:
    if refusal.rang is not None:
        return "declined"
    at_once = refusal.took_ns is not None and refusal.took_ns < AT_ONCE_NS
    if refusal.code not in _BUSY:
        return "busy"
    other_cause = refusal.causes - {_USER_BUSY, 16, 31}
    if at_once and (other_cause or not _by_callee(refusal)):
        return "refused-by-server-486"
    return "busy"


def _by_callee(refusal: Refusal) -> bool:
    """Whether nothing in its words speaks against a person, or their phone."""
    if refusal.rang is not None:
        return True
    return all(_OF_A_PERSON.search(text) for text in refusal.said)


def _says(refusal: Refusal, words: re.Pattern[str]) -> bool:
    return any(words.search(text) for text in refusal.said)


def states_limit(refusal: Refusal) -> bool:
    """Whether it says that a limit is reached."""
    return refusal.code not in _OF_THE_MESSAGE and _says(refusal, _LIMIT)
