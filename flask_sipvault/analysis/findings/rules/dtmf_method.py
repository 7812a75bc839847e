"""Digits sent in a way that the other side does not expect (RFC 4733, RFC 6086)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.described import DescribedEnds
from ...media.described import Descriptions
from ...media.model import SeenRtp
from ...media.negotiation import LineState
from ...sip.sides import other_side
from ...sip.sides import Side
from ...sip.transactions import Transaction
from ..media_references import agreed_by
from ..media_references import descriptions
from ..media_references import stream as stream_reference
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Bodies of an INFO that carry a digit.
_DIGITS = re.compile(
    r"application/(?:dtmf(?:-relay)?|vnd\.nortelnetworks\.digits)\b", re.I
)

#: Refusals that are about the request's way to go, not about what it asks.
_CHALLENGES = (401, 407, 481, 491)


def _find(call: Call) -> Iterator[Finding]:
    infos = [each for each in call.transactions if _is_digit(each)]
    yield from _refused(infos)
    yield from _beside_events(call, infos)
    yield from _unasked_events(call)


def _is_digit(transaction: Transaction) -> bool:
    request = transaction.request
    if transaction.method != "INFO" or request is None or request.sip is None:
        return False
    kind = request.header("Content-Type")
    package = request.header("Info-Package").strip().lower()
    return bool(_DIGITS.match(kind.strip())) or package == "dtmf"


def _refused(infos: list[Transaction]) -> Iterator[Finding]:
    refused = [
        each
        for each in infos
        if each.refusal is not None and each.refusal.code not in _CHALLENGES
    ]
    if not refused:
        return
    # The last hop that was captured says it first.
    first = next((t for t in refused if not t.downstream), refused[0])
    request, refusal = first.request, first.refusal
    assert request is not None
    assert refusal is not None
    yield Finding(
        "dtmf-method",
        "warning",
        variant="refused",
        parameters={
            "sender": request.src,
            "receiver": request.dst,
            "refusal": refusal.summary,
            "type": request.header("Content-Type"),
            "count": len({(t.from_tag, t.cseq) for t in refused}),
        },
        evidence=(
            *messages([t.first for t in refused], N_("a digit by INFO")),
            *messages([t.refusal for t in refused if t.refusal], N_("refused")),
        ),
        since_ts=request.ts,
    )


def _beside_events(call: Call, infos: list[Transaction]) -> Iterator[Finding]:
    """Accepted by INFO, though both sides had agreed on telephone events: what listens
    for these hears nothing; with both, each digit counts twice.
    """
    accepted = [t for t in infos if t.answer is not None and t.request is not None]
    negotiation, dialog = call.negotiation, call.dialog
    if not accepted or negotiation is None or dialog is None:
        return
    first = accepted[0].request
    assert first is not None
    sender = dialog.side_of(first)
    state = negotiation.audio_at(first.ts)
    if sender is None or state is None or not _both_want_events(state):
        return
    events = [
        (seen, event)
        for stream in call.media.sent_by(sender).streams
        for seen in stream.rtp
        for event in seen.figures.telephone_events
    ]
    if not events and not _captured(call, sender):
        return
    twice = [seen for seen, event in events if event.ts >= first.ts - 1_000_000_000]
    yield Finding(
        "dtmf-method",
        "warning",
        certainty="likely",
        variant="twice" if twice else "info",
        parameters={
            "sender": first.src,
            "receiver": first.dst,
            "count": len({(t.from_tag, t.cseq) for t in accepted}),
            "number": state.events_to(other_side(sender))[0],
        },
        evidence=(
            *messages([t.first for t in accepted], N_("a digit by INFO")),
            *agreed_by(state, N_("telephone-event is agreed on")),
            *(
                stream_reference(n, N_("the same digits as telephone events"))
                for n in dict.fromkeys(seen.n for seen in twice)
            ),
        ),
        since_ts=first.ts,
    )


def _both_want_events(state: LineState) -> bool:
    return bool(state.events_to("caller")) and bool(state.events_to("callee"))


def _captured(call: Call, sender: Side) -> bool:
    """Whether events of a side would have been seen."""
    return call.media.sent_by(sender).shown == "rtp"


def _unasked_events(call: Call) -> Iterator[Finding]:
    described = Descriptions(call.negotiations)
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            events = seen.figures.telephone_events
            ends = described.of(seen.figures, stream.sender)
            if events and ends and not _wanted(ends):
                yield _events_finding(seen, ends)
                return


def _wanted(ends: list[DescribedEnds]) -> bool:
    return any(e.receiving is None or e.receiving.event_types for e in ends)


def _events_finding(seen: SeenRtp, ends: list[DescribedEnds]) -> Finding:
    events = seen.figures.telephone_events
    return Finding(
        "dtmf-method",
        "warning",
        certainty="likely",
        variant="events",
        parameters={
            "sender": seen.figures.src or "",
            "receiver": seen.figures.dst or "",
            "number": events[0].payload_type,
            "count": len(events),
        },
        evidence=(
            *descriptions(ends, receiving=N_("no telephone-event is wanted")),
            stream_reference(seen.n, N_("{count} telephone events")),
        ),
        since_ts=events[0].ts,
    )


_SET = N_(
    "Set the same method for DTMF on both sides: RFC 4733 (telephone-event) where "
    "possible."
)

RULE = Rule(
    id="dtmf-method",
    find=_find,
    rank=265,
    standard=("RFC 4733 2.4", "RFC 6086", "RFC 3264 6.1"),
    texts={
        "refused": Texts(
            N_("{receiver} refuses the digits that {sender} sends by INFO: {refusal}."),
            N_(
                "{count} digits were sent in INFO requests ({type}) and refused. The "
                "other side does not take digits that way."
            ),
            (_SET, N_("Check whether {receiver} supports INFO with {type}.")),
        ),
        "info": Texts(
            N_(
                "{sender} sends digits by INFO, though both sides agreed on telephone "
                "events."
            ),
            N_(
                "{count} digits were sent in INFO requests, and none as telephone "
                "event (payload type {number}). What listens for events in the audio, "
                "as most menus do, likely hears none of them, though {receiver} "
                "accepts the requests."
            ),
            (_SET, N_("Check whether {receiver} passes on digits that come by INFO.")),
        ),
        "twice": Texts(
            N_("{sender} sends digits twice: by INFO and as telephone events."),
            N_(
                "{count} digits were sent in INFO requests, and digits came as "
                "telephone events (payload type {number}) too. Each digit likely "
                "counts twice."
            ),
            (_SET,),
        ),
        "events": Texts(
            N_(
                "{sender} sends digits as telephone events, which {receiver} did not "
                "ask for."
            ),
            N_(
                "{count} digits were sent as payload type {number}, but the "
                "description of the receiver has no telephone-event. It likely expects "
                "digits by INFO, or as tones in the audio, and drops these."
            ),
            (_SET, N_("Check why {receiver} does not offer telephone-event.")),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("DTMF by another method"),
        meaning=N_(
            "Digits can be sent as telephone events in RTP (RFC 4733), in INFO "
            "requests, or as tones in the audio. Here one side sends them in a way "
            "that the other does not expect, refuses, or gets twice."
        ),
        noticed=N_("Digits are not recognised, or are doubled."),
        causes=(
            N_("Another method is set on one side."),
            N_("A B2BUA that does not translate one method into the other."),
            N_("A device that sends both, to be sure."),
        ),
        confirm=(
            N_("Look for INFO requests and for telephone events in the streams."),
            N_("Compare a=rtpmap:… telephone-event of both sides."),
        ),
        fix=(
            N_("Set RFC 4733 on both sides."),
            N_("Let the B2BUA translate where a side knows one method only."),
        ),
        settings={
            "OpenSIPS": N_(
                "A proxy does not translate DTMF; a B2BUA or gateway has to."
            ),
            "Kamailio": N_(
                "A proxy does not translate DTMF; a B2BUA or gateway has to."
            ),
            "Asterisk": N_(
                "Endpoint: dtmf_mode=rfc4733, info, inband, auto or auto_info."
            ),
            "FreeSWITCH": N_(
                "dtmf-type=rfc2833, info or none; start_dtmf hears tones in the audio; "
                "liberal-dtmf=true takes every method."
            ),
        },
    ),
)
