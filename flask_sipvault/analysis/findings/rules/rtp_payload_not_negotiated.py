"""RTP whose payload type its receiver did not agree to (RFC 3264 sections 5.1, 6.1)."""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence

from ....language import N_
from ....protocols.rtp_figures import Payload
from ....protocols.sdp import Media
from ...call import Call
from ...media.described import DescribedEnds
from ...media.described import Descriptions
from ...media.model import SeenRtp
from ..media_references import descriptions
from ..media_references import stream as stream_reference
from ..model import Finding
from ..model import Severity
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: So many packets are a second of speech.
_ENOUGH_PACKETS = 50

#: A sender changes its codec with the answer, which the capture may see later or
#: sooner than the sender, in ns.
_CHANGES_NS = 2_000_000_000

#: Comfort noise (RFC 3389), and the number that it had before; many send it unasked,
#: and receivers that do not know it leave it out without harm.
_COMFORT_NOISE = (13, 19)


def _find(call: Call) -> Iterator[Finding]:
    described = Descriptions(call.negotiations)
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            ends = described.of(seen.figures, stream.sender)
            for payload in _speech(seen):
                yield from _judge(seen, payload, ends)


def _speech(seen: SeenRtp) -> Iterator[Payload]:
    """The payload types that carry enough, and no tones or noise."""
    events = {event.payload_type for event in seen.figures.telephone_events}
    for payload in seen.figures.payloads:
        if (
            payload.packets >= _ENOUGH_PACKETS
            and payload.payload_type not in events
            and payload.payload_type not in _COMFORT_NOISE
            and not payload.auxiliary
        ):
            yield payload


def _judge(
    seen: SeenRtp, payload: Payload, ends: Sequence[DescribedEnds]
) -> Iterator[Finding]:
    start = payload.first_ts - _CHANGES_NS
    end = payload.last_ts + _CHANGES_NS
    here = [e for e in ends if e.holds_within(start, end) and e.state.accepted]
    receiving = [e.receiving for e in here if e.receiving is not None]
    if not receiving or any(e.state.early for e in here):
        return
    number = payload.payload_type
    # Who made an offer has to be ready for all of it from then on.
    earlier = [e.receiving for e in ends if e.state.since_ts <= end]
    if not any(media and number in media.codecs for media in earlier):
        half = 2 * payload.packets >= seen.figures.packets
        yield _finding("", "error" if half else "warning", seen, payload, here)
    elif not any(_both_want(number, e) for e in here):
        yield _finding("not-answered", "warning", seen, payload, here)


def _both_want(number: int, ends: DescribedEnds) -> bool:
    """Whether the sender named the codec of a payload type, too."""
    receiving, sending = ends.receiving, ends.sending
    codec = receiving.codecs.get(number) if receiving is not None else None
    if codec is None or sending is None:
        return False
    return any(
        (own.name.lower(), own.clock_rate) == (codec.name.lower(), codec.clock_rate)
        for own in sending.codecs.values()
    )


def _finding(
    variant: str,
    severity: Severity,
    seen: SeenRtp,
    payload: Payload,
    here: Sequence[DescribedEnds],
) -> Finding:
    figures = seen.figures
    last = here[-1]
    assert last.receiving is not None
    codec = last.receiving.codecs.get(payload.payload_type)
    return Finding(
        "rtp-payload-not-negotiated",
        severity,
        variant=variant,
        parameters={
            "sender": figures.src or "",
            "receiver": figures.dst or "",
            "type": payload.payload_type,
            "codec": (codec.name if codec else payload.codec) or "",
            "packets": payload.packets,
            "agreed": _named(last.receiving),
            "own": _named(last.sending),
        },
        evidence=(
            *descriptions(
                here,
                sending=N_("what the sender itself described"),
                receiving=N_("what the receiver accepts: {agreed}"),
            ),
            stream_reference(seen.n, N_("{packets} packets of payload type {type}")),
        ),
        since_ts=payload.first_ts,
    )


def _named(media: Media | None) -> str:
    if media is None:
        return ""
    return ", ".join(
        f"{number} {media.codecs[number].name}" for number in media.payload_types
    )


RULE = Rule(
    id="rtp-payload-not-negotiated",
    find=_find,
    rank=250,
    explains=frozenset({"one-way-audio", "no-audio"}),
    standard=("RFC 3264 5.1", "RFC 3264 6.1", "RFC 3551 6"),
    texts={
        "": Texts(
            N_(
                "{sender} sends payload type {type}, which {receiver} did not agree to."
            ),
            N_(
                "{packets} packets have payload type {type}. The session description "
                "of who receives them names {agreed}. A receiver drops what it does "
                "not know, or takes it for another codec, which sounds like noise."
            ),
            (
                N_(
                    "Check which codec {sender} was told to use: each direction uses "
                    "the numbers of who receives."
                ),
                N_(
                    "Check whether a relay or B2BUA in between connects two calls "
                    "whose numbers differ without rewriting them."
                ),
            ),
        ),
        "not-answered": Texts(
            N_(
                "{sender} sends {codec} (payload type {type}), which it had itself "
                "not accepted."
            ),
            N_(
                "{packets} packets have payload type {type}. {receiver} had named it, "
                "but the other side's description has {own} only, and a codec may be "
                "used where both name it. Receivers that are ready for the agreed "
                "codec alone drop the rest."
            ),
            (
                N_("Check the codec settings of {sender}."),
                N_(
                    "Check whether {sender} changes codecs (for fax, music or after a "
                    "transfer) without a re-INVITE."
                ),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("RTP payload type not negotiated"),
        meaning=N_(
            "RTP came with a payload type that the session description of its receiver "
            "does not have, or whose codec only one of the two accepted."
        ),
        noticed=N_("No audio, noise or distorted speech in one direction."),
        causes=(
            N_(
                "Dynamic payload types (96 to 127) that differ on the two sides, and a "
                "sender that uses its own instead of the receiver's."
            ),
            N_("A B2BUA that connects two legs without transcoding or renumbering."),
            N_("A change of the codec without a re-INVITE."),
            N_("A gateway with a fixed codec that ignores the answer."),
        ),
        confirm=(
            N_("Compare the m= and a=rtpmap lines of both sides with the stream."),
            N_("Look on which leg the payload type appears first."),
        ),
        fix=(
            N_("Let the sender use the numbers in the receiver's description."),
            N_("Let the B2BUA transcode, or offer the same codecs on both legs."),
        ),
        settings={
            "OpenSIPS": N_(
                "A proxy does not change payload types; rtpengine does where it is "
                "told to transcode (codec-transcode, codec-mask)."
            ),
            "Kamailio": N_(
                "A proxy does not change payload types; rtpengine does where it is "
                "told to transcode (codec-transcode, codec-mask)."
            ),
            "Asterisk": N_(
                "Endpoint: allow on both legs; asymmetric_rtp_codec=no; "
                "preferred_codec_only."
            ),
            "FreeSWITCH": N_(
                "inbound-codec-prefs, outbound-codec-prefs, inbound-codec-negotiation; "
                "inherit_codec=true to offer what the other leg agreed on."
            ),
        },
    ),
)
