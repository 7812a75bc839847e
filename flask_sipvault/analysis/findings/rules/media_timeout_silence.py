"""A call that is hung up because no RTP comes, though it is up (RFC 3389, RFC 3550)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ..media_references import agreed_by
from ..media_references import span
from ..media_references import streams
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts
from ..watchdog import find_hang_up


def _find(call: Call) -> Iterator[Finding]:
    found = find_hang_up(call)
    if found is None or found.hold is not None:
        return
    silence = found.silence
    how = "-by-time" if not found.stated else "" if silence is not None else "-unseen"
    state = call.negotiation.audio_at(found.bye.ts - 1) if call.negotiation else None
    stream = found.way.streams[0] if found.way and found.way.streams else None
    yield Finding(
        "media-timeout-silence",
        "error",
        certainty="certain" if found.stated else "likely",
        variant=(found.by or "server") + how,
        parameters={
            "place": found.bye.src,
            "silence_ms": silence.ns / 1e6 if silence is not None else 0,
            "reason": found.stated,
            "speaker": (stream.src if stream is not None else None) or "",
        },
        evidence=(
            message(found.bye, N_("hung up by a watchdog")),
            *([span(silence, N_("no RTP came"))] if silence is not None else []),
            *streams(
                found.way.streams if found.way else (), N_("what had come before")
            ),
            *agreed_by(state, N_("silence suppression is not ruled out"))[
                : 2 if not found.stated else 0
            ],
        ),
        since_ts=silence.start_ts if silence is not None else found.bye.ts,
    )


_STATED = N_(
    "No RTP had come to {place} for {silence_ms}, and its BYE gives the reason: "
    "{reason}. Its watchdog took the call for dead. Where the other side suppresses "
    "silence or is muted, packets may be missing in a good call; otherwise look why "
    "they ended."
)
_UNSEEN = N_(
    "The BYE of {place} gives the reason: {reason}. Its watchdog missed RTP and took "
    "the call for dead. This capture does not show when the last packet came to it."
)
_BY_TIME = N_(
    "The last packet of {speaker} came {silence_ms} before {place} hung up: a round "
    "time, to which watchdogs are set. The codec in use, or what was agreed on, lets a "
    "sender leave silence out (silence suppression), so that most likely nobody spoke, "
    "and the watchdog took the call for dead."
)
_NEXT = (
    N_(
        "Set the RTP timeout of {place} longer, or switch it off, or let it count RTCP."
    ),
    N_(
        "Let the other side send comfort noise or all of the silence: annexb=no for "
        "G.729, no silence suppression (VAD)."
    ),
)
_CALLER = N_("The caller's side ({place}) cut the call after {silence_ms} without RTP.")
_CALLEE = N_("The called side ({place}) cut the call after {silence_ms} without RTP.")
_SERVER = N_("{place} cut the call after {silence_ms} without RTP.")

RULE = Rule(
    id="media-timeout-silence",
    find=_find,
    rank=220,
    explains=frozenset({"media-stops"}),
    standard=("RFC 3326 2", "RFC 3389", "RFC 4856 2.1.9", "RFC 3550 6.2"),
    texts={
        "caller": Texts(_CALLER, _STATED, _NEXT),
        "callee": Texts(_CALLEE, _STATED, _NEXT),
        "server": Texts(_SERVER, _STATED, _NEXT),
        "caller-by-time": Texts(_CALLER, _BY_TIME, _NEXT),
        "callee-by-time": Texts(_CALLEE, _BY_TIME, _NEXT),
        "server-by-time": Texts(_SERVER, _BY_TIME, _NEXT),
        "caller-unseen": Texts(
            N_("The caller's side ({place}) cut the call because it missed RTP."),
            _UNSEEN,
            _NEXT,
        ),
        "callee-unseen": Texts(
            N_("The called side ({place}) cut the call because it missed RTP."),
            _UNSEEN,
            _NEXT,
        ),
        "server-unseen": Texts(
            N_("{place} cut the call because it missed RTP."), _UNSEEN, _NEXT
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Cut for missing RTP"),
        meaning=N_(
            "A side, or a server in between, hung up because it had received no RTP "
            "for a time. With silence suppression packets are missing whenever nobody "
            "speaks, and the call is good all the same."
        ),
        noticed=N_(
            "Calls are cut when one side listens or is muted for long, always after "
            "the same time."
        ),
        causes=(
            N_("Silence suppression (G.729 annex B, VAD) on the other side."),
            N_("A muted phone that sends nothing."),
            N_("An RTP timeout that is shorter than people listen."),
            N_("Audio that really broke off: then the cut is only what followed."),
        ),
        confirm=(
            N_("The Reason header of the BYE; the log of the side that hung up."),
            N_("The time from the last packet to the BYE: the same in each such call."),
            N_("a=fmtp:18 annexb=no in both descriptions rules suppression out."),
        ),
        fix=(
            N_(
                "Set the timeout to some minutes, and let RTCP count as a sign of life."
            ),
            N_("Switch silence suppression off, or send comfort noise."),
        ),
        settings={
            "OpenSIPS": N_("rtpengine: timeout and silent-timeout of the daemon."),
            "Kamailio": N_("rtpengine: timeout and silent-timeout of the daemon."),
            "Asterisk": N_("Endpoint: rtp_timeout; rtp_keepalive on the other side."),
            "FreeSWITCH": N_(
                "media_timeout (before: rtp-timeout-sec); on the other side "
                "suppress-cng=true, and vad off."
            ),
        },
    ),
)
