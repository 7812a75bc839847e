"""Digits sent with a payload type that the receiver did not name for them (RFC 4733
section 2.4).
"""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.described import DescribedEnds
from ...media.described import Descriptions
from ...media.model import SeenRtp
from ..media_references import descriptions
from ..media_references import stream as stream_reference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    described = Descriptions(call.negotiations)
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            if not seen.figures.telephone_events:
                continue
            ends = described.of(seen.figures, stream.sender)
            yield from _judge(seen, ends)


def _judge(seen: SeenRtp, ends: list[DescribedEnds]) -> Iterator[Finding]:
    wanted = {number for e in ends if e.receiving for number in e.receiving.event_types}
    events = [e for e in seen.figures.telephone_events if e.payload_type not in wanted]
    if not wanted or not events:
        return  # without any wanted, digits had to be sent otherwise: dtmf-method
    number = events[0].payload_type
    own = {n for e in ends if e.sending for n in e.sending.event_types}
    yield Finding(
        "dtmf-payload-type",
        "error",
        variant="own" if number in own else "",
        parameters={
            "sender": seen.figures.src or "",
            "receiver": seen.figures.dst or "",
            "type": number,
            "wanted": ", ".join(map(str, sorted(wanted))),
            "count": len([e for e in events if e.payload_type == number]),
        },
        evidence=(
            *descriptions(
                ends,
                receiving=N_("telephone-event is wanted as {wanted}"),
                sending=N_("the description of who sends the digits"),
            ),
            stream_reference(seen.n, N_("digits sent as payload type {type}")),
        ),
        since_ts=events[0].ts,
    )


_NEXT = (
    N_(
        "Check which payload type for telephone-event is set on {sender}: it has to "
        "send the number that the other side names."
    ),
    N_(
        "Where a B2BUA is in between, check that it renumbers telephone-event from one "
        "leg to the other."
    ),
)

RULE = Rule(
    id="dtmf-payload-type",
    find=_find,
    rank=260,
    standard=("RFC 4733 2.4", "RFC 3264 5.1", "RFC 3264 6.1"),
    texts={
        "": Texts(
            N_(
                "{sender} sends digits as payload type {type}, but {receiver} expects "
                "them as {wanted}."
            ),
            N_(
                "{count} digits (telephone events) were sent with payload type {type}, "
                "which no description of the receiver has for them. It drops what it "
                "does not know, so that the digits are lost."
            ),
            _NEXT,
        ),
        "own": Texts(
            N_(
                "{sender} sends digits as payload type {type}, its own number for "
                "them; {receiver} expects them as {wanted}."
            ),
            N_(
                "{count} digits (telephone events) were sent with the number that the "
                "sender itself named in order to receive. The two sides may have "
                "different numbers, and each direction uses that of who receives. The "
                "receiver drops what it does not know, so that the digits are lost."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("DTMF with the wrong payload type"),
        meaning=N_(
            "Digits were sent as telephone events with a payload type other than the "
            "one that their receiver named in its session description."
        ),
        noticed=N_(
            "Digits are not recognised: menus do not react, conferences do not accept "
            "the code, though the audio is good."
        ),
        causes=(
            N_("A payload type for DTMF that is set to a fixed number (often 101)."),
            N_("A sender that uses its own number instead of the receiver's."),
            N_("A B2BUA or relay that passes events from leg to leg unchanged."),
        ),
        confirm=(
            N_("Compare a=rtpmap:… telephone-event of both sides with the packets."),
            N_("The log of the IVR: does it count unknown payload types?"),
        ),
        fix=(
            N_("Set the same number on both sides, or let the sender follow the SDP."),
            N_("Let the B2BUA end and send the events itself."),
        ),
        settings={
            "OpenSIPS": N_("A proxy does not touch DTMF; look at the media relay."),
            "Kamailio": N_("A proxy does not touch DTMF; look at the media relay."),
            "Asterisk": N_(
                "Endpoint: dtmf_mode=rfc4733; direct_media=no lets Asterisk renumber."
            ),
            "FreeSWITCH": N_(
                "rfc2833-pt of the profile; pass-rfc2833=false lets FreeSWITCH "
                "renumber."
            ),
        },
    ),
)
