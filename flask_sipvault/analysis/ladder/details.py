"""What is worth knowing of one message at a glance."""

from __future__ import annotations

from typing import Literal

from ...language import _
from ...protocols.sdp import Media
from ...protocols.sdp import Sdp
from ..media.negotiation import Negotiation
from ..sip.messages import Message
from ..sip.reasons import reasons
from ..words.text import printable

Style = Literal["request", "provisional", "success", "failure"]

#: How many codecs of a stream are named; an offer may hold dozens.
MAX_CODECS = 4


def style(message: Message) -> Style:
    """How a message is to be shown; a redirection is no success."""
    if message.kind == "request":
        return "request"
    if 100 <= message.code < 200:
        return "provisional"
    return "success" if 200 <= message.code < 300 else "failure"


def detail(message: Message) -> str:
    """What is worth knowing of a message besides its name."""
    if message.sip is None:
        return printable(message.problem)
    parts = [f"Reason: {reason}" for reason in reasons(message.sip)]
    if message.sdp is not None:
        parts.insert(0, describe_sdp(message.sdp))
    if message.header("Authorization") or message.header("Proxy-Authorization"):
        parts.append(_("with credentials"))
    if 300 <= message.code < 400 and (contact := message.sip.contact) is not None:
        parts.append(_("to {address}").format(address=contact.uri))
    return printable(", ".join(parts))


def describe_sdp(sdp: Sdp) -> str:
    """``SDP PCMU G729 10.8.0.14:17002``, streams parted by ``+``."""
    return "SDP " + (" + ".join(map(_stream, sdp.media)) or _("without media"))


def codecs_of(negotiation: Negotiation, ts: int) -> str:
    """``PCMU``, ``PCMU + video H264``: what carried the streams at a time that were not
    refused.
    """
    return " + ".join(
        " ".join(
            [
                *([] if state.kind == "audio" else [state.kind]),
                *([state.codec.name] if state.codec is not None else []),
            ]
        )
        for state in negotiation.states_at(ts)
        if state.accepted
    )


def _stream(media: Media) -> str:
    codecs = [media.codecs[number].name for number in media.speech_types]
    words = [] if media.kind == "audio" else [media.kind]
    words += codecs[:MAX_CODECS]
    if len(codecs) > MAX_CODECS:
        words.append("…")
    if media.port == 0:
        words.append(_("refused"))
    elif media.rtp is not None:
        words.append(str(media.rtp))
    if media.port and media.on_hold:
        words.append(_("hold"))
    return " ".join(words)
