"""Two sides of a fork answered, and one is ignored (RFC 3261 section 13.2.2.4)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.dialogs import Dialog
from ...sip.messages import Message
from ..model import EvidenceReference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..unacknowledged import find_unacknowledged
from ..unacknowledged import Forks
from ..unacknowledged import Unacknowledged

#: Of the repetitions so many are named.
_MOST_NAMED = 20


def _find(call: Call) -> Iterator[Finding]:
    forks = Forks(call)
    for found in find_unacknowledged(call):
        beside = forks.acknowledged_beside(found.dialog)
        if found.changes or beside is None or beside.answer is None or found.acks:
            continue
        if any(bye.from_tag == found.dialog.caller_tag for bye in found.dialog.byes):
            continue  # it was ended, if without an ACK
        answer = found.answer
        yield Finding(
            "forked-answer-ignored",
            "error",
            parameters={
                "caller": found.passed_on.target,
                "other": answer.origin,
                "other_tag": answer.to_tag,
                "first_tag": beside.answer.to_tag,
                "answer": answer.summary,
                "count": found.repeated,
                "wait_ms": found.waited / 1e6,
            },
            evidence=_evidence(found, beside, beside.answer),
            since_ts=answer.ts,
        )


def _evidence(
    found: Unacknowledged, beside: Dialog, first: Message
) -> tuple[EvidenceReference, ...]:
    ends = [found.hung_up] if found.hung_up is not None else []
    ends += [bye.final for bye in found.dialog.byes[:1] if bye.final is not None]
    return (
        EvidenceReference("message", found.answer.n, N_("the answer that is ignored")),
        EvidenceReference("message", first.n, N_("the answer that counted")),
        EvidenceReference("message", beside.acks[0].n, N_("its ACK")),
        *(
            EvidenceReference("message", again.n, N_("the answer, repeated"))
            for again in found.sendings[1 : _MOST_NAMED + 1]
        ),
        *(
            EvidenceReference("message", end.n, N_("who answered gives up"))
            for end in ends
        ),
    )


RULE = Rule(
    id="forked-answer-ignored",
    find=_find,
    rank=105,
    explains=frozenset(
        {
            *("ack-missing", "bye-refused", "bye-unreachable", "bye-dialog-mismatch"),
            *("dialog-lost", "no-audio", "one-way-audio"),
        }
    ),
    standard=("RFC 3261 13.2.2.4", "RFC 3261 16.7"),
    texts={
        "": Texts(
            N_(
                "Two sides answered, and {caller} ignores one: the {answer} of {other} "
                "(tag {other_tag}) is repeated {count} times in {wait_ms}."
            ),
            N_(
                "The INVITE was forked, and two branches answered nearly at once. The "
                "caller acknowledged the answer with the tag {first_tag} and talks to "
                "that side. The other answer is a dialog of its own that has to be "
                "acknowledged and ended with a BYE; until it gives up, that phone is "
                "in a call with nobody."
            ),
            (
                N_(
                    "Check the stack of {caller}: each 2xx of a fork needs an ACK, and "
                    "each that is not wanted a BYE."
                ),
                N_(
                    "Where phones of one group often answer at the same moment, ring "
                    "them one after the other or by a queue: a CANCEL comes too late "
                    "for them."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Second answer of a fork ignored"),
        meaning=N_(
            "An INVITE was forked to several phones and two of them answered. The "
            "caller took one answer and neither acknowledged nor ended the other."
        ),
        noticed=N_(
            "A second phone shows a connected call with silence for about 32 seconds, "
            "after somebody else took the call."
        ),
        causes=(
            N_(
                "Two people picked up at the same moment, before the CANCEL of the "
                "proxy reached the second phone."
            ),
            N_(
                "The caller's stack knows one dialog for each INVITE and drops further "
                "answers as retransmissions."
            ),
            N_("A proxy passes only the first 2xx on and does not end the others."),
        ),
        confirm=(
            N_(
                "In the ladder: two answers to one INVITE with different To tags, an "
                "ACK for one only."
            ),
            N_("The tag of the repeated answer is the one that no ACK bears."),
        ),
        fix=(
            N_(
                "Update the caller's stack, or put a B2BUA that handles forks in front "
                "of it."
            ),
            N_("Ring the phones one after the other, or distribute calls by a queue."),
        ),
        settings={
            "OpenSIPS": N_(
                "serialize_branches() and next_branches() for serial instead of "
                "parallel forking."
            ),
            "Kamailio": N_(
                "t_load_contacts() and t_next_contacts() for serial instead of "
                "parallel forking."
            ),
            "Asterisk": N_(
                "Dial() ends the other channels itself; Queue() with ringinuse=no and "
                "a strategy other than ringall avoids ringing all at once."
            ),
            "FreeSWITCH": N_(
                "Separate the destinations of bridge by | (one after the other) "
                "instead of a comma (all at once)."
            ),
        },
    ),
)
