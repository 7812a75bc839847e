"""A direction of speech ends though the call goes on (RFC 3550 section 6.4)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ...call import Call
from ...media.interruptions import Interruption
from ...media.interruptions import interruptions
from ...media.model import SpokenWay
from ...sip.sides import other_side
from ..media_references import agreed_by
from ..media_references import datagrams
from ..media_references import span
from ..media_references import streams
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: Who transfers a call may stop sending at once, and hangs up when the transfer is done
#: (RFC 5589 section 6); the REFER may come so much later than the silence, in ns.
_TRANSFER_NS = 5_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    for way in call.media.ways:
        breaks = [
            found
            for found in interruptions(call.media, way, call.negotiation)
            if not _transferred(call, found) and not _moved(call, found)
        ]
        if breaks:
            worst = max(breaks, key=lambda found: found.period.ns)
            yield _finding(call, way, worst, len(breaks))


def _transferred(call: Call, found: Interruption) -> bool:
    return any(
        transaction.method == "REFER"
        and transaction.answer is not None
        and transaction.first.ts <= found.period.start_ts + _TRANSFER_NS
        for transaction in call.transactions
    )


def _moved(call: Call, found: Interruption) -> bool:
    """Whether the listener asked for its audio elsewhere since, where nothing of it was
    captured at all: neither of what it hears nor of what it says.
    """
    negotiation = call.negotiation
    if negotiation is None:
        return False
    listener = other_side(found.way.sender)
    before = negotiation.audio_at(found.period.start_ts - 1)
    after = negotiation.audio_at(found.period.end_ts - 1)
    old = before.of(listener) if before is not None else None
    new = after.of(listener) if after is not None else None
    if old is None or new is None or new.rtp == old.rtp:
        return False
    ends = {
        end
        for stream in call.media.streams
        for seen in stream.rtp
        for end in (seen.figures.src, seen.figures.dst)
    }
    return new.rtp not in ends


def _finding(call: Call, way: SpokenWay, found: Interruption, count: int) -> Finding:
    negotiation = call.negotiation
    state = negotiation.audio_at(found.period.start_ts) if negotiation else None
    stream = way.streams[0]
    bye = [call.ending.message] if call.ending is not None and found.to_the_end else []
    how = "-lost" if found.lost else "" if not found.datagrams else "-reported"
    return Finding(
        "media-stops",
        "error" if found.to_the_end else "warning",
        variant=way.sender + how,
        parameters={
            "speaker": stream.src or "",
            "listener": stream.dst or "",
            "after_ms": (found.period.start_ts - way.expected[0].start_ts) / 1e6,
            "missing_ms": found.period.ns / 1e6,
            "count": count,
        },
        evidence=(
            span(found.period, N_("no audio from {speaker}")),
            *streams(way.streams, N_("the direction that breaks off")),
            *datagrams(found.datagrams, N_("packet counts that stand still")),
            *agreed_by(state, N_("audio is agreed on, without hold")),
            *messages(bye, N_("the call was still up until here")),
        ),
        since_ts=found.period.start_ts,
    )


_WHY = N_(
    "{after_ms} after the answer the packets from {speaker} to {listener} end, and "
    "none comes for {missing_ms}. The call goes on, nobody is on hold, no comfort "
    "noise or silence suppression explains it, and media was captured all the while."
)
_WHY_REPORTED = N_(
    "{after_ms} after the answer the reports (RTCP) of the direction stand still: for "
    "{missing_ms} they count no more packets. The call goes on, and nobody is on hold."
)
_WHY_LOST = N_(
    "{after_ms} after the answer no packets come from {speaker} for {missing_ms}, "
    "though it went on sending: its reports or its sequence numbers count them. They "
    "were lost on their way."
)
_NEXT = (
    N_("Look at {speaker} at that moment: its log, its network, its load."),
    N_(
        "Check whether NAT, a firewall or a media relay forgot the connection, and "
        "whether a re-INVITE, a transfer or another network came just before."
    ),
)
_NEXT_LOST = (
    N_(
        "Look for the packets on the way from {speaker}: at the first hop without them."
    ),
    N_(
        "Check whether NAT, a firewall or a media relay forgot the connection, and "
        "whether the network or the route changed at that moment."
    ),
)
_CALLER = N_(
    "The audio of the caller ({speaker}) breaks off {after_ms} after the answer, for "
    "{missing_ms}."
)
_CALLEE = N_(
    "The audio of the called side ({speaker}) breaks off {after_ms} after the answer, "
    "for {missing_ms}."
)

RULE = Rule(
    id="media-stops",
    find=_find,
    rank=330,
    explains=frozenset({"loss-burst", "jitter-burst"}),
    standard=("RFC 3550 6.4", "RFC 3264 8.4", "RFC 3389"),
    texts={
        "caller": Texts(_CALLER, _WHY, _NEXT),
        "callee": Texts(_CALLEE, _WHY, _NEXT),
        "caller-reported": Texts(_CALLER, _WHY_REPORTED, _NEXT),
        "callee-reported": Texts(_CALLEE, _WHY_REPORTED, _NEXT),
        "caller-lost": Texts(_CALLER, _WHY_LOST, _NEXT_LOST),
        "callee-lost": Texts(_CALLEE, _WHY_LOST, _NEXT_LOST),
    },
    catalogue=CatalogueEntry(
        title=N_("Audio breaks off"),
        meaning=N_(
            "The audio of one direction ended, or was missing for seconds, though the "
            "call went on: without hold, comfort noise or silence suppression."
        ),
        noticed=N_(
            "In the middle of the call one side is not heard any more, or not for a "
            "while."
        ),
        causes=(
            N_("A phone that lost its network (Wi-Fi, mobile), crashed or was muted."),
            N_("NAT or a firewall that forgot the connection."),
            N_(
                "A re-INVITE, transfer or change of address after which audio is sent "
                "to the old address."
            ),
            N_("A media relay that ended too early."),
        ),
        confirm=(
            N_("Look at what happened in the ladder just before the audio ended."),
            N_("RTCP: do the sender's packet counts go on rising?"),
            N_("Capture nearer to the sender."),
        ),
        fix=(
            N_("Mend the network of the side that is not heard any more."),
            N_(
                "Set timeouts of NAT, firewalls and relays longer than the longest "
                "pause, or send keepalives."
            ),
        ),
        settings={
            "OpenSIPS": N_("rtpengine: timeout and silent-timeout of the daemon."),
            "Kamailio": N_("rtpengine: timeout and silent-timeout of the daemon."),
            "Asterisk": N_(
                "Endpoint: rtp_keepalive, rtp_timeout; strictrtp of rtp.conf."
            ),
            "FreeSWITCH": N_("media_timeout; suppress-cng=true sends all silence."),
        },
    ),
)
