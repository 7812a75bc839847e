"""A call on hold that is hung up because no RTP comes (RFC 3264 section 8.4)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.model import Period
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
    if found is None or found.hold is None:
        return
    held = Period(found.hold.since_ts, max(found.hold.since_ts, found.bye.ts))
    silence = found.silence or held
    yield Finding(
        "media-timeout-on-hold",
        "error",
        certainty="certain" if found.stated else "likely",
        variant=(found.by or "server") + ("" if found.stated else "-by-time"),
        parameters={
            "place": found.bye.src,
            "held_ms": held.ns / 1e6,
            "silence_ms": silence.ns / 1e6,
            "reason": found.stated,
        },
        evidence=(
            *agreed_by(found.hold, N_("on hold, by agreement")),
            message(found.bye, N_("hung up, {silence_ms} without RTP")),
            span(silence, N_("no RTP, as agreed")),
            *streams(found.way.streams if found.way else (), N_("ends with the hold")),
        ),
        since_ts=found.bye.ts,
    )


_STATED = N_(
    "The call was on hold, so that nobody had to send audio, and no RTP came. The BYE "
    "of {place} gives the reason: {reason}. Its watchdog takes a held call for a dead "
    "one."
)
_BY_TIME = N_(
    "The call was on hold, so that nobody had to send audio, and no RTP came. {place} "
    "hung up {silence_ms} after the last packet: a round time, to which watchdogs are "
    "set. Most likely one took the held call for a dead one."
)
_NEXT = (
    N_("Set the RTP timeout on hold of {place} to some minutes, or switch it off."),
    N_("Let the side that holds play music, or send RTCP or keepalives."),
)
_CALLER = N_(
    "The caller's side ({place}) cut the call after {held_ms} on hold: it missed RTP."
)
_CALLEE = N_(
    "The called side ({place}) cut the call after {held_ms} on hold: it missed RTP."
)
_SERVER = N_("{place} cut the call after {held_ms} on hold: it missed RTP.")

RULE = Rule(
    id="media-timeout-on-hold",
    find=_find,
    rank=210,
    explains=frozenset({"media-stops", "hold-not-resumed", "media-timeout-silence"}),
    standard=("RFC 3264 8.4", "RFC 3326 2", "RFC 3550 6.2"),
    texts={
        "caller": Texts(_CALLER, _STATED, _NEXT),
        "callee": Texts(_CALLEE, _STATED, _NEXT),
        "server": Texts(_SERVER, _STATED, _NEXT),
        "caller-by-time": Texts(_CALLER, _BY_TIME, _NEXT),
        "callee-by-time": Texts(_CALLEE, _BY_TIME, _NEXT),
        "server-by-time": Texts(_SERVER, _BY_TIME, _NEXT),
    },
    catalogue=CatalogueEntry(
        title=N_("Cut while on hold"),
        meaning=N_(
            "A call was on hold, without music, so that no RTP was sent. A watchdog "
            "that looks for RTP took it for a dead call and hung up."
        ),
        noticed=N_("Calls on hold are cut, always after the same time."),
        causes=(
            N_("An RTP timeout that does not heed hold, or is too short for it."),
            N_("Music on hold that is switched off or does not play."),
            N_("A media relay that ends sessions without packets."),
        ),
        confirm=(
            N_("The Reason header of the BYE; the log of the side that hung up."),
            N_("Hold a test call twice: it ends after the same time."),
        ),
        fix=(
            N_("Give held calls a longer timeout, or none."),
            N_("Play music on hold, or send comfort noise or keepalives."),
        ),
        settings={
            "OpenSIPS": N_(
                "rtpengine: silent-timeout of the daemon holds for muted and held "
                "calls; rtpproxy: -T sets when a session times out."
            ),
            "Kamailio": N_(
                "rtpengine: silent-timeout of the daemon holds for muted and held "
                "calls."
            ),
            "Asterisk": N_("Endpoint: rtp_timeout_hold, rtp_timeout; moh_passthrough."),
            "FreeSWITCH": N_(
                "media_hold_timeout and media_timeout (before: rtp-hold-timeout-sec, "
                "rtp-timeout-sec); hold-music."
            ),
        },
    ),
)
