"""Whether a side may stop sending while nobody speaks (silence suppression)."""

from __future__ import annotations

import re

from ..sip.sides import other_side
from .model import SpokenWay
from .negotiation import LineState

#: Codecs that suppress silence unless the description rules it out, and how it does
#: (RFC 4856 sections 2.1.8 and 2.1.9). Their senders need not send comfort noise.
_RULED_OUT = {
    "g729": re.compile(r"annexb\s*=\s*no", re.IGNORECASE),
    "g723": re.compile(r"annexa\s*=\s*no", re.IGNORECASE),
}


def has_paused(way: SpokenWay) -> bool:
    """Whether the sender of a direction left silence out before, or sent comfort noise
    (RFC 3389). That comfort noise was negotiated alone tells nothing: most offers have
    it, and who uses it sends some before it stops.
    """
    return any(
        seen.figures.comfort_noise
        or any(gap.is_silence for gap in seen.figures.gaps or ())
        for stream in way.streams
        for seen in stream.rtp
    )


def may_pause(way: SpokenWay, state: LineState | None) -> bool:
    """Whether packets of a direction may be missing because nobody speaks, by the codec
    that it is in.

    :param state: what was agreed on at the time; None where that is not known.
    """
    return any(_suppresses(codec, state, way) for codec in _codecs(way, state))


def _codecs(way: SpokenWay, state: LineState | None) -> set[str]:
    """The codecs that the direction is in: as seen, or else as agreed on."""
    seen = {
        payload.codec.lower()
        for stream in way.streams
        for rtp in stream.rtp
        for payload in rtp.figures.payloads
        if payload.codec is not None and not payload.auxiliary
    }
    if not seen and state is not None and state.codec is not None:
        return {state.codec.name.lower()}
    return seen


def _suppresses(codec: str, state: LineState | None, way: SpokenWay) -> bool:
    rule = _RULED_OUT.get(codec)
    if rule is None:
        return False
    if state is None:
        return True
    described = [state.of(side) for side in (way.sender, other_side(way.sender))]
    return not any(
        named.name.lower() == codec and rule.search(media.fmtp.get(number, ""))
        for media in described
        if media is not None
        for number, named in media.codecs.items()
    )
