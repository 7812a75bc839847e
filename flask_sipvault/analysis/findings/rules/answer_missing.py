"""An offer that is left without an answer in the message that had to bring it."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..missing_answers import missing_answers
from ..missing_answers import MissingAnswer
from ..model import EvidenceReference
from ..model import Finding
from ..model import Severity
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..session_changes import hung_up_after

#: Who hangs up so soon after the message could not set up the media.
_AT_ONCE_NS = 5_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    found = missing_answers(call)
    if not found:
        return
    # One is enough: a relay between two dialogs has the fault of the one in the other.
    worst = min(found, key=lambda each: (_severity(each) != "error", each.message.n))
    yield Finding(
        "answer-missing",
        _severity(worst),
        variant=worst.where,
        parameters={
            "host": worst.by,
            "message": worst.message.summary,
            "method": worst.exchange.transaction.method,
            "other": worst.message.target,
        },
        evidence=tuple(_evidence(worst)),
        since_ts=worst.message.ts,
    )


def _severity(missing: MissingAnswer) -> Severity:
    """Without an offer in a call that is up, nothing changes; all else loses media."""
    again = missing.where == "offer" and missing.exchange.changes_a_session
    return "warning" if again and _hang_up(missing) is None else "error"


def _hang_up(missing: MissingAnswer) -> EvidenceReference | None:
    dialog = missing.negotiation.dialog
    if dialog is None:
        return None
    bye = hung_up_after(dialog, missing.message, _AT_ONCE_NS)
    return None if bye is None else message(bye, N_("the call is hung up at once"))


def _evidence(missing: MissingAnswer) -> Iterator[EvidenceReference]:
    yield message(missing.message, N_("without a session description"))
    offer = missing.exchange.offer
    if offer is not None:
        yield message(offer, N_("the offer"))
    elif missing.exchange.transaction.request is not None:
        yield message(missing.exchange.transaction.request, N_("without an offer"))
    if missing.received is not None:
        yield message(missing.received, N_("the description is still there"))
    bye = _hang_up(missing)
    if bye is not None:
        yield bye


_NEXT = (
    N_("In the logs of {host}: why it made no session description."),
    N_("Whether {host} can do what was offered: codecs, encryption, direction."),
    N_("A newer version of {host}; this is a fault of its software or its set-up."),
)

RULE = Rule(
    "answer-missing",
    _find,
    {
        "response": Texts(
            N_("{host} accepted the {method} but left its offer without an answer."),
            N_(
                "The {method} carries a session description, so that the {message} has"
                " to carry the answer to it. It has none: the other side cannot know"
                " where to send its media, and most end the call."
            ),
            _NEXT,
        ),
        "ack": Texts(
            N_("{host} left the offer in the 200 without an answer: its ACK is empty."),
            N_(
                "The INVITE left the offer to the called side, so that the ACK has to"
                " carry the answer. It has none: no media can be set up, and most end"
                " the call."
            ),
            (
                N_("In the logs of {host}: why it could not answer the offer."),
                N_("Whether {host} is to send INVITEs without an offer at all."),
                N_("Whether {host} can do what was offered: codecs, encryption."),
            ),
        ),
        "prack": Texts(
            N_("{host} left the offer in a provisional response without an answer."),
            N_(
                "A reliable provisional response made the offer, so that its PRACK has"
                " to carry the answer. It has none, and no media can be set up."
            ),
            _NEXT,
        ),
        "offer": Texts(
            N_("{host} accepted an INVITE without an offer, and made none itself."),
            N_(
                "An INVITE without a session description leaves the offer to the side"
                " that answers: the {message} has to carry it. Without one, no media is"
                " agreed on."
            ),
            _NEXT,
        ),
        "stripped": Texts(
            N_("{host} passed the {message} on without its session description."),
            N_(
                "The message reached {host} with a description and left it without"
                " one, so that {other} has an offer without an answer and cannot set up"
                " its media."
            ),
            (
                N_("The rules and scripts of {host} that take bodies out of messages."),
                N_("Whether its media relay failed: then some drop the body."),
                N_("In the logs of {host}: the message as it came and as it left."),
            ),
        ),
    },
    CatalogueEntry(
        N_("Answer missing"),
        N_(
            "One side described the media that it offers, and the message that had to"
            " bring the other side's answer came without one. Each offer needs an"
            " answer: in the 2xx of the INVITE, UPDATE or PRACK that made it, in the"
            " ACK where the 2xx made it, in the PRACK where a provisional response did."
        ),
        N_(
            "The call is answered and ends at once, or there is no audio, or the audio"
            " ends with a hold or a transfer."
        ),
        (
            N_("A B2BUA or application server that mishandles INVITEs without SDP."),
            N_("A gateway that cannot do what was offered and does not say so."),
            N_("A proxy or media relay that takes the body out of the message."),
        ),
        (
            N_("In the page: the marked message has no body, or Content-Length: 0."),
            N_("On the host that sent it: its log of the media negotiation."),
            N_("A capture on its other side shows whether it got a description there."),
        ),
        (
            N_("Have the host refuse what it cannot do: 488 tells the other side why."),
            N_("Switch delayed offers off where one side cannot do them."),
            N_("Update the host that leaves the answer out."),
        ),
        {
            "FreeSWITCH": N_(
                "enable-3pcc of the SIP profile takes INVITEs without SDP: true answers"
                " them itself, proxy waits for the other side."
            ),
            "Kamailio": N_(
                "rtpengine_manage() offers and answers as the message asks; in a script"
                " of your own, a delayed offer is an rtpengine_offer() for the 200 and"
                " an rtpengine_answer() for the ACK."
            ),
            "OpenSIPS": N_(
                "rtpengine_manage() does the same; a script that calls"
                " rtpengine_offer() for INVITEs alone misses delayed offers."
            ),
        },
    ),
    ("RFC 3264 4", "RFC 3261 13.2.1", "RFC 3261 14.1", "RFC 6337 2.1"),
    rank=150,
    explains=frozenset(
        {
            "no-audio",
            "one-way-audio",
            "media-late",
            "media-stops",
            "media-timeout-silence",
        }
    ),
)
