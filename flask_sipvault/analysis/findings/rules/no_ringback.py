"""Early media was promised, and none came (RFC 3960)."""

from __future__ import annotations

import re
from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.model import Period
from ...media.model import SpokenWay
from ...sip.messages import Message
from ..media_references import span
from ..media_references import streams
from ..model import EvidenceReference
from ..model import Finding
from ..references import message
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Callers take silence for a dead line sooner than this, in ns; ringback tones pause
#: for 4 s at most (ITU-T E.180), but their RTP goes on meanwhile.
_SHORTEST_NS = 3_000_000_000

#: Preconditions (RFC 3312): the description is about resources, and promises nothing.
_PRECONDITIONS = re.compile(rb"^a=(?:curr|des|conf):", re.MULTILINE)


def _find(call: Call) -> Iterator[Finding]:
    setup = call.setup
    promise = _promise(call)
    if setup is None or promise is None or setup.first is None:
        return
    final = setup.final
    end = final.ts if final is not None else call.visibility.last_ts
    if call.ending is not None and setup.answer is None:
        end = min(call.ending.message.ts, end or call.ending.message.ts)
    way = call.media.callee_to_caller
    if end is None or end <= promise.ts or not _would_show(call, way, end):
        return
    first = _first_packet(way)
    silence = Period(promise.ts, end if first is None else min(first, end))
    if silence.ns < _SHORTEST_NS:
        return
    ringing = [
        m
        for m in setup.responses
        if 180 <= m.code < 200 and m.sdp is None and m.n > promise.n
        if m.retransmission_of is None and m.copy_of is None
        if m.target == promise.target
    ]
    after = [final] if final is not None and setup.answer is not None else []
    yield Finding(
        "no-ringback",
        "warning",
        certainty="certain" if setup.answer is not None else "likely",
        variant="" if setup.answer is not None else "not-answered",
        parameters={
            "promise": promise.summary,
            "place": promise.src,
            "silence_ms": silence.ns / 1e6,
        },
        evidence=(
            message(promise, N_("early media is promised")),
            *(
                EvidenceReference(
                    "message", m.n, N_("ringing without a description: mostly ignored")
                )
                for m in ringing[:3]
            ),
            span(silence, N_("no packet of the called side")),
            *streams(way.streams, N_("its packets, once they come")),
            *(message(m, N_("the answer")) for m in after),
        ),
        since_ts=promise.ts,
    )


def _promise(call: Call) -> Message | None:
    """The provisional response by which the caller expects to hear something."""
    setup = call.setup
    promise = setup.early_media if setup is not None else None
    if promise is None or promise.sdp is None or promise.code < 180:
        return None
    wanted = promise.header("P-Early-Media").lower()
    if wanted and "send" not in wanted:
        return None  # RFC 5009: the network says that there is none
    if promise.sip is not None and _PRECONDITIONS.search(promise.sip.body):
        return None
    audio = [m for m in promise.sdp.media if m.kind == "audio" and not m.refused]
    if not audio or audio[0].direction in ("recvonly", "inactive"):
        return None
    return promise


def _would_show(call: Call, way: SpokenWay, end: int) -> bool:
    """Whether early media would have been captured: audio of the called side was,
    later; or that of the caller, meanwhile.
    """
    if any(stream.rtp for stream in way.streams):
        return True
    back = call.media.caller_to_callee
    early = [p for stream in back.streams if stream.rtp for p in stream.flow]
    return any(p.start_ts < end - _SHORTEST_NS for p in early) and bool(way.known)


def _first_packet(way: SpokenWay) -> int | None:
    times = [seen.figures.first_ts for stream in way.streams for seen in stream.rtp]
    return min(times, default=None)


_NEXT = (
    N_(
        "Check whether the gateway behind {place} has early media at all; if not, it "
        "should send 180 without SDP, so that the caller's own phone plays the tone."
    ),
    N_(
        "Check whether a firewall or media relay lets audio through before the call "
        "is answered."
    ),
    N_(
        "Let the caller's side play a tone of its own as long as no packets come "
        "(RFC 3960)."
    ),
)

RULE = Rule(
    id="no-ringback",
    find=_find,
    rank=300,
    standard=("RFC 3960 3.2", "RFC 5009", "RFC 3261 13.2.1"),
    texts={
        "": Texts(
            N_(
                "The caller heard no ringback for {silence_ms}: {place} promised early "
                "media ({promise}), and none came."
            ),
            N_(
                "After a provisional response with SDP the caller's side connects the "
                "audio and plays no tone of its own. No packet of the called side was "
                "captured for {silence_ms}, though its audio was later. A 180 without "
                "SDP that follows does mostly not bring the tone back."
            ),
            _NEXT,
        ),
        "not-answered": Texts(
            N_(
                "The caller likely heard no ringback for {silence_ms}: {place} "
                "promised early media ({promise}), and none came."
            ),
            N_(
                "After a provisional response with SDP the caller's side connects the "
                "audio and plays no tone of its own. No packet of the called side was "
                "captured, though the caller's own were, and the call was not answered."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("No ringback"),
        meaning=N_(
            "A provisional response promised early media by an SDP, but no audio came "
            "until the call was answered. The caller's phone waits for it and plays no "
            "ringback tone itself."
        ),
        noticed=N_("Callers hear silence while it rings, and hang up early."),
        causes=(
            N_("A gateway that sends 183 with SDP but no tone in-band."),
            N_("A firewall or media relay that opens with the answer only."),
            N_("Early media sent to an address that the caller is not at."),
            N_("A 180 after a 183, which many B2BUAs ignore."),
        ),
        confirm=(
            N_("In the streams: the first packet of the called side, against the 183."),
            N_("On the far gateway: does it play a tone before the answer?"),
        ),
        fix=(
            N_("Send 180 without SDP where there is no early media."),
            N_("Let the caller's side make the tone while no packets come."),
        ),
        settings={
            "OpenSIPS": N_(
                "remove_body_part() in onreply_route takes the SDP out of a 183 of a "
                "gateway without early media."
            ),
            "Kamailio": N_(
                "remove_body() of textops in onreply_route takes the SDP out of a 183 "
                "of a gateway without early media."
            ),
            "Asterisk": N_(
                "Endpoint: inband_progress; Dial() with option r or m plays a tone."
            ),
            "FreeSWITCH": N_(
                "ignore_early_media=true, with ringback or instant_ringback."
            ),
        },
    ),
)
