"""A session timer that is too short is refused, and the sender does not correct it (RFC
4028 sections 6 and 7.3).
"""

from __future__ import annotations

import re
from collections import defaultdict
from collections.abc import Iterator
from itertools import takewhile

from ....language import N_
from ...call import Call
from ...sip.messages import Message
from ...sip.transactions import outermost
from ...sip.transactions import Transaction
from ...sip.transactions import where_refused
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

_REFRESHES = frozenset({"INVITE", "UPDATE"})
_NUMBER = re.compile(r"\s*([0-9]{1,10})")


def _find(call: Call) -> Iterator[Finding]:
    attempts: dict[object, list[Transaction]] = defaultdict(list)
    for each in outermost(t for t in call.transactions if t.method in _REFRESHES):
        attempts[_sender(each)].append(each)
    for tried in attempts.values():
        # Whatever came after a 422 but another one shows that it was heeded.
        in_vain = list(takewhile(_too_short, reversed(tried)))[::-1]
        if not in_vain:
            continue
        first, last = in_vain[0], in_vain[-1]
        if last.method == "INVITE" and not last.acks:
            continue  # not seen to be received
        if first.request is not None and first.refusal is not None:
            yield _finding(first, first.request, first.refusal, last)


def _sender(attempt: Transaction) -> object:
    """Whose attempts count together. A caller that tries again may use a new tag."""
    tag = attempt.from_tag if attempt.in_dialog else ""
    return attempt.leg, attempt.method, attempt.client, tag


def _too_short(attempt: Transaction) -> bool:
    return attempt.refusal is not None and attempt.refusal.code == 422


def _finding(
    attempt: Transaction, request: Message, refusal: Message, last: Transaction
) -> Finding:
    least = _seconds(refusal.header("Min-SE"))
    asked = _seconds(request.header("Session-Expires"))
    variant = "" if last is attempt else "again"
    if least is None:
        variant = "no-minimum"
    return Finding(
        "session-interval",
        "warning" if attempt.in_dialog else "error",
        variant=variant,
        parameters={
            "sender": attempt.client,
            "hop": where_refused(attempt).server,
            "method": attempt.method,
            "asked": asked if asked is not None else "-",
            "least": least if least is not None else "-",
            "refusal": refusal.summary,
        },
        evidence=(
            EvidenceReference("message", refusal.n, N_("refused, with Min-SE")),
            EvidenceReference("message", request.n, N_("its Session-Expires")),
            *(
                EvidenceReference("message", ack.n, N_("the ACK"))
                for ack in attempt.acks[:1]
            ),
            *(
                EvidenceReference("message", m.n, N_("tried again in vain"))
                for m in [last.request, last.refusal]
                if last is not attempt and m is not None
            ),
        ),
        since_ts=refusal.ts,
    )


def _seconds(text: str) -> int | None:
    found = _NUMBER.match(text)
    return int(found[1]) if found else None


RULE = Rule(
    id="session-interval",
    find=_find,
    rank=200,
    explains=frozenset({"reinvite-refused", "session-timer"}),
    standard=("RFC 4028 6", "RFC 4028 7.3", "RFC 4028 5"),
    texts={
        "": Texts(
            N_(
                "{hop} refuses the {method} with {refusal}: it wants a session "
                "interval of at least {least} s, {sender} asked for {asked} s and does "
                "not try again."
            ),
            N_(
                "A 422 names the shortest interval allowed in Min-SE. The sender has "
                "to try again with at least that much; this one gives up, and the call "
                "fails although nothing else is wrong."
            ),
            (
                N_("Set the session interval of {sender} to {least} s or more."),
                N_("Or lower the minimum of {hop}; RFC 4028 allows 90 s and more."),
            ),
        ),
        "again": Texts(
            N_(
                "{hop} refuses each {method} with {refusal}: it wants a session "
                "interval of at least {least} s, and {sender} does not correct its own."
            ),
            N_(
                "A 422 names the shortest interval allowed in Min-SE. The sender did "
                "try again, but with an interval that is still too short."
            ),
            (
                N_("Set the session interval of {sender} to {least} s or more."),
                N_(
                    "Check whether a proxy in between changes Session-Expires or "
                    "Min-SE."
                ),
            ),
        ),
        "no-minimum": Texts(
            N_(
                "{hop} refuses the {method} of {sender} with {refusal}, without saying "
                "in Min-SE what it would accept."
            ),
            N_(
                "A 422 has to name the shortest interval allowed in Min-SE. Without it "
                "the sender, which asked for {asked} s, cannot know with what to try "
                "again."
            ),
            (
                N_("Check the session timer settings of {hop}."),
                N_(
                    "Set the session interval of {sender} to 1800 s, which is what RFC "
                    "4028 recommends."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Session interval refused"),
        meaning=N_(
            "The session interval asked for (Session-Expires) is shorter than what the "
            "other side or a proxy accepts (Min-SE). It answers 422, and the sender "
            "does not come back with a longer one."
        ),
        noticed=N_(
            "The call fails at once; or a refresh in a call fails, and the call is cut "
            "later."
        ),
        causes=(
            N_(
                "The sender's session interval is set very low, such as 90 s, for "
                "testing or to notice dead calls early."
            ),
            N_("The sender's stack does not know what to do with a 422."),
            N_("The minimum of the other side is set high, such as 1800 s."),
        ),
        confirm=(
            N_("Compare Session-Expires of the INVITE with Min-SE of the 422."),
            N_("Is there a second INVITE, and what does its Session-Expires say?"),
        ),
        fix=(
            N_(
                "Set the session interval to 1800 s on both sides, and the minimum to "
                "90 s."
            ),
        ),
        settings={
            "OpenSIPS": N_(
                "min_se and sst_interval of the sst module; sstCheckMin() sends the "
                "422."
            ),
            "Kamailio": N_("min_se of the sst module; sstCheckMin() sends the 422."),
            "Asterisk": N_("timers_sess_expires and timers_min_se of the endpoint."),
            "FreeSWITCH": N_(
                "session-timeout and minimum-session-expires of the profile."
            ),
        },
    ),
)
