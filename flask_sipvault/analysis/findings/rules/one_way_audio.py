"""Audio in one direction only, though both had agreed on both (RFC 3264, RFC 3550)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...sip.sides import other_side
from ...sip.sides import Side
from ..absent_audio import Absence
from ..absent_audio import absence_of
from ..absent_audio import carries
from ..media_references import agreed_by
from ..media_references import datagrams
from ..media_references import span
from ..media_references import streams
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

_SIDES: tuple[Side, Side] = ("caller", "callee")


def _find(call: Call) -> Iterator[Finding]:
    for speaker in _SIDES:
        listener = other_side(speaker)
        absent = absence_of(call, speaker)
        if absent is None or not carries(call, listener):
            continue
        if absence_of(call, listener) is None:
            yield _finding(call, absent, listener)


def _finding(call: Call, absent: Absence, listener: Side) -> Finding:
    state = (
        call.negotiation.audio_at(absent.talk.start_ts) if call.negotiation else None
    )
    speaking = state.of(other_side(listener)) if state is not None else None
    listening = state.of(listener) if state is not None else None
    return Finding(
        "one-way-audio",
        "error",
        certainty="certain" if absent.proof in ("not-sent", "lost") else "likely",
        variant=listener + ("" if absent.proof == "not-seen" else f"-{absent.proof}"),
        parameters={
            "speaker": (speaking.rtp if speaking else None) or "",
            "listener": (listening.rtp if listening else None) or "",
            "talk_ms": absent.talk.ns / 1e6,
        },
        evidence=(
            *agreed_by(state, N_("both directions were agreed on")),
            span(absent.talk, N_("nothing from {speaker}")),
            *streams(
                call.media.sent_by(listener).streams, N_("audio of the other direction")
            ),
            *datagrams(absent.datagrams, N_("the report that shows it")),
        ),
        since_ts=absent.talk.start_ts,
    )


_NOT_SEEN = N_(
    "Both sides had agreed on audio in both directions. In {talk_ms} no packet from "
    "{speaker} to {listener} was captured, while the other direction was, and the "
    "signalling of both. So the audio was likely not sent, or was lost before it came "
    "to where the capture was made."
)
_NOT_SENT = N_(
    "Both sides had agreed on audio in both directions. In {talk_ms} the RTCP of the "
    "side at {speaker} reports no audio packet of its own, while the other direction "
    "carries audio. It did not send any."
)
_LOST = N_(
    "Both sides had agreed on audio in both directions. In {talk_ms} the sender "
    "reports of the side at {speaker} count packets that it sent, but the reports of "
    "{listener} tell of none that arrived. They were lost on their way."
)
_UNHEARD = N_(
    "Both sides had agreed on audio in both directions. In {talk_ms} the RTCP of the "
    "side at {listener} reports on no audio that it received, while it sends audio "
    "itself. So nothing likely arrived there."
)
_NEXT = (
    N_("Capture at {speaker}: does audio leave it, and to which address?"),
    N_(
        "Check firewalls and NAT between {speaker} and {listener} for the UDP ports of "
        "the media, not only for SIP."
    ),
    N_(
        "Check whether {speaker} waits for something: a key for SRTP, ICE, an ACK, a "
        "first packet of the other side."
    ),
)
_NEXT_NOT_SENT = (
    N_(
        "Look at {speaker}: microphone, mute, a call that is held or not connected to "
        "anybody inside."
    ),
    N_(
        "Check whether {speaker} waits for something: a key for SRTP, ICE, an ACK, a "
        "first packet of the other side."
    ),
)
_CALLER = N_(
    "The caller hears nothing: no audio of the called side ({speaker}) arrives."
)
_CALLEE = N_(
    "The called side hears nothing: no audio of the caller ({speaker}) arrives."
)

RULE = Rule(
    id="one-way-audio",
    find=_find,
    rank=310,
    explains=frozenset({"media-timeout-silence"}),
    standard=("RFC 3264 6.1", "RFC 3550 6.4", "RFC 4961"),
    texts={
        "caller": Texts(_CALLER, _NOT_SEEN, _NEXT),
        "callee": Texts(_CALLEE, _NOT_SEEN, _NEXT),
        "caller-lost": Texts(_CALLER, _LOST, _NEXT),
        "callee-lost": Texts(_CALLEE, _LOST, _NEXT),
        "caller-unheard": Texts(_CALLER, _UNHEARD, _NEXT),
        "callee-unheard": Texts(_CALLEE, _UNHEARD, _NEXT),
        "caller-not-sent": Texts(
            N_("The caller hears nothing: the called side ({speaker}) sends no audio."),
            _NOT_SENT,
            _NEXT_NOT_SENT,
        ),
        "callee-not-sent": Texts(
            N_("The called side hears nothing: the caller ({speaker}) sends no audio."),
            _NOT_SENT,
            _NEXT_NOT_SENT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("One-way audio"),
        meaning=N_(
            "Both sides agreed to talk and listen, but audio came in one direction "
            "only, from the answer to the end. Holds and calls that were agreed to go "
            "one way do not count."
        ),
        noticed=N_("One side hears the other and is not heard."),
        causes=(
            N_("A firewall or NAT that lets the audio of one direction pass only."),
            N_("A wrong address or port in a session description."),
            N_("A media relay that was not set up for one of its legs."),
            N_("SRTP or ICE that one side waits for."),
            N_("A device that does not send: muted, held inside, no microphone."),
        ),
        confirm=(
            N_("Capture on both ends: where is the audio still there?"),
            N_(
                "RTCP: the packet count of the sender, and what the receiver reports "
                "on."
            ),
            N_("Compare the address in each SDP with where the packets go."),
        ),
        fix=(
            N_("Open the range of RTP ports in both directions."),
            N_("Correct the external address of the media, or relay it."),
        ),
        settings={
            "OpenSIPS": N_(
                "rtpengine_manage() or rtpproxy_engage() for requests and replies, and "
                "for re-INVITEs too."
            ),
            "Kamailio": N_(
                "rtpengine_manage() for requests and replies, and for re-INVITEs too."
            ),
            "Asterisk": N_(
                "rtp_symmetric, direct_media=no, external_media_address; rtpstart and "
                "rtpend of rtp.conf as the firewall has them; strictrtp."
            ),
            "FreeSWITCH": N_(
                "ext-rtp-ip; rtp-start-port and rtp-end-port as the firewall has them."
            ),
        },
    ),
)
