"""No audio in either direction, though both had agreed on it (RFC 3264, RFC 3550)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..absent_audio import absence_of
from ..media_references import agreed_by
from ..media_references import datagrams
from ..media_references import span
from ..media_references import streams
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts


def _find(call: Call) -> Iterator[Finding]:
    said, heard = absence_of(call, "caller"), absence_of(call, "callee")
    if said is None or heard is None:
        return
    state = call.negotiation.audio_at(said.talk.start_ts) if call.negotiation else None
    caller = state.of("caller") if state is not None else None
    callee = state.of("callee") if state is not None else None
    proofs = {said.proof, heard.proof}
    variant = (
        "not-sent" if proofs == {"not-sent"} else "" if "lost" not in proofs else "lost"
    )
    yield Finding(
        "no-audio",
        "error",
        certainty="certain" if proofs <= {"not-sent", "lost"} else "likely",
        variant=variant,
        parameters={
            "caller": (caller.rtp if caller else None) or "",
            "callee": (callee.rtp if callee else None) or "",
            "talk_ms": said.talk.ns / 1e6,
        },
        evidence=(
            *agreed_by(state, N_("audio was agreed on")),
            span(said.talk, N_("no audio in either direction")),
            *datagrams(
                (*said.datagrams, *heard.datagrams), N_("the report that shows it")
            ),
            *streams(call.media.streams_of("audio"), N_("all that was captured")),
        ),
        since_ts=said.talk.start_ts,
    )


_NEXT = (
    N_(
        "Check firewalls and NAT between {caller} and {callee} for the UDP ports of "
        "the media, not only for SIP."
    ),
    N_(
        "Check the media relay, if there is one: was it told of this call, and are its "
        "ports open?"
    ),
    N_("For SRTP or ICE, look for their failure in the logs of both sides."),
)

RULE = Rule(
    id="no-audio",
    find=_find,
    rank=305,
    explains=frozenset({"media-timeout-silence"}),
    standard=("RFC 3264 6.1", "RFC 3550 6.4"),
    texts={
        "": Texts(
            N_("Nobody hears anything: no audio arrives at {caller} or {callee}."),
            N_(
                "Both sides had agreed on audio in both directions. In {talk_ms} none "
                "arrived, by their reports (RTCP) or by what was captured, though it "
                "would have shown."
            ),
            _NEXT,
        ),
        "not-sent": Texts(
            N_("Nobody hears anything: neither {caller} nor {callee} sends audio."),
            N_(
                "Both sides had agreed on audio in both directions. In {talk_ms} both "
                "report by RTCP that they sent no audio packet."
            ),
            (
                N_(
                    "Check what both sides wait for: keys of SRTP, ICE, an ACK, or "
                    "each for the first packet of the other (two sides that both "
                    "latch)."
                ),
                *_NEXT[1:],
            ),
        ),
        "lost": Texts(
            N_(
                "Nobody hears anything: the audio between {caller} and {callee} is "
                "lost."
            ),
            N_(
                "Both sides had agreed on audio in both directions. In {talk_ms} "
                "sender reports count packets that were sent, but no report tells of "
                "any that arrived."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("No audio"),
        meaning=N_("The call was answered, but no audio came in either direction."),
        noticed=N_("Silence on both sides; the call is soon hung up."),
        causes=(
            N_("A firewall that lets SIP pass and no RTP."),
            N_("Both sides behind NAT, and no media relay."),
            N_("SRTP keys or ICE that did not come to an end."),
            N_("Two sides that each wait for the first packet of the other."),
        ),
        confirm=(
            N_("Capture on both ends: does audio leave them, and to which address?"),
            N_("RTCP: packet counts of 0, and reports without blocks."),
        ),
        fix=(
            N_("Open the range of RTP ports in both directions."),
            N_("Relay the media where both sides are behind NAT."),
        ),
        settings={
            "OpenSIPS": N_("rtpengine_manage() or rtpproxy_engage()."),
            "Kamailio": N_("rtpengine_manage()."),
            "Asterisk": N_(
                "rtpstart and rtpend of rtp.conf; external_media_address; "
                "rtp_keepalive of the endpoint sends the first packet."
            ),
            "FreeSWITCH": N_("rtp-start-port, rtp-end-port; ext-rtp-ip."),
        },
    ),
)
