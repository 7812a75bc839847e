"""Packets that hold more or less sound than agreed, or change that during the call
(RFC 8866 section 6.4, RFC 3264 section 6.1).
"""

from __future__ import annotations

from collections.abc import Iterator
from collections.abc import Sequence
from itertools import pairwise

from ....language import N_
from ....protocols.rtp_packetization import Packetization
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

#: Codecs whose packets have the length that the sender chooses once. Opus and others
#: may change it at any time (RFC 7587 section 4.2), G.723.1 and iLBC have frames that
#: do not go into 20 ms.
_FIXED = frozenset(
    {
        *("pcmu", "pcma", "g722", "g729", "gsm", "l16", "g728"),
        *("g726-16", "g726-24", "g726-32", "g726-40"),
    }
)

#: A stretch that is shorter tells of a change of codecs or of a pause, in ns.
_SHORTEST_NS = 1_000_000_000
_FEWEST_PACKETS = 25

#: What RFC 3551 section 4.2 lets a packet hold at most, in ms.
_LONGEST_MS = 200

#: A length that differs by less is rounded, in ms.
_SAME_MS = 1

#: A sender changes with the answer, which the capture may see later, in ns.
_CHANGES_NS = 1_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    described = Descriptions(call.negotiations)
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            spans = list(_spans(seen))
            if not spans:
                continue
            ends = described.of(seen.figures, stream.sender)
            change = _changed(spans, ends)
            if change is not None:
                yield _finding("changes", "warning", seen, change, ends)
                continue
            wrong = _other_than_asked(spans, ends)
            if wrong is not None:
                yield _wrong(seen, wrong, ends)


def _spans(seen: SeenRtp) -> Iterator[Packetization]:
    """The stretches that are long enough, of codecs with a fixed length."""
    codecs = {
        payload.payload_type: (payload.codec or "").lower()
        for payload in seen.figures.payloads
    }
    for span in seen.figures.packetization:
        if (
            span.packet_ms is not None
            and 0 < span.packet_ms <= _LONGEST_MS
            and span.packets >= _FEWEST_PACKETS
            and span.last_ts - span.first_ts >= _SHORTEST_NS
            and codecs.get(span.payload_type) in _FIXED
        ):
            yield span


def _changed(
    spans: Sequence[Packetization], ends: Sequence[DescribedEnds]
) -> tuple[Packetization, Packetization] | None:
    """A change of the length that no new answer brought."""
    for one, other in pairwise(spans):
        assert one.packet_ms is not None
        assert other.packet_ms is not None
        if one.payload_type != other.payload_type:
            continue
        if abs(one.packet_ms - other.packet_ms) <= _SAME_MS:
            continue
        earliest = one.last_ts - _CHANGES_NS
        latest = other.first_ts + _CHANGES_NS
        renegotiated = any(
            earliest <= e.state.since_ts <= latest
            for e in ends
            if e.state.exchange.changes_a_session
        )
        if ends and not renegotiated:
            return one, other
    return None


def _other_than_asked(
    spans: Sequence[Packetization], ends: Sequence[DescribedEnds]
) -> tuple[Packetization, float] | None:
    """A stretch that the receiver asked for otherwise, and what it had asked for."""
    for span in spans:
        start, end = span.first_ts + _CHANGES_NS, span.last_ts - _CHANGES_NS
        here = [e for e in ends if e.holds_within(min(start, end), max(start, end))]
        asked = {e.receiving.ptime for e in here if e.receiving is not None}
        if None in asked or len(asked) != 1:
            continue
        (ptime,) = asked
        assert ptime is not None
        assert span.packet_ms is not None
        if ptime > 0 and abs(span.packet_ms - ptime) > _SAME_MS:
            return span, ptime
    return None


def _wrong(
    seen: SeenRtp, wrong: tuple[Packetization, float], ends: Sequence[DescribedEnds]
) -> Finding:
    """Only where both sides named the same length was it agreed on: ``a=ptime`` is
    what a side would like to receive, and it has to take other lengths (RFC 3551 4.2).
    """
    span, ptime = wrong
    own = {e.sending.ptime for e in ends if e.sending is not None}
    most = [e.receiving.maxptime for e in ends if e.receiving and e.receiving.maxptime]
    too_long = any((span.packet_ms or 0) > limit for limit in most)
    agreed = own == {ptime}
    severity: Severity = "warning" if agreed or too_long else "info"
    variant = "too-long" if too_long else "agreed" if agreed else ""
    return _finding(variant, severity, seen, (span, span), ends, ptime)


def _finding(
    variant: str,
    severity: Severity,
    seen: SeenRtp,
    change: tuple[Packetization, Packetization],
    ends: Sequence[DescribedEnds],
    ptime: float = 0,
) -> Finding:
    one, other = change
    ends = [e for e in ends if e.holds_within(one.last_ts, other.first_ts)] or ends
    asked = ptime or next(
        (e.receiving.ptime for e in ends if e.receiving and e.receiving.ptime), 20.0
    )
    return Finding(
        "ptime-mismatch",
        severity,
        variant=variant,
        parameters={
            "sender": seen.figures.src or "",
            "receiver": seen.figures.dst or "",
            "asked_ms": asked,
            "packet_ms": one.packet_ms or 0,
            "then_ms": other.packet_ms or 0,
            "bytes": one.size,
            "then_bytes": other.size,
            "packets": one.packets,
        },
        evidence=(
            *descriptions(
                ends,
                receiving=N_("packets of {asked_ms} are asked for"),
                sending=N_("the description of who sends them"),
            ),
            stream_reference(seen.n, N_("{packets} packets of {packet_ms}")),
        ),
        since_ts=other.first_ts if variant == "changes" else one.first_ts,
    )


_NEXT = (
    N_("Check the packet time (ptime, frames per packet) that is set on {sender}."),
    N_(
        "Check whether the sender is a relay that passes on packets of another source, "
        "and could repacketize."
    ),
)

RULE = Rule(
    id="ptime-mismatch",
    find=_find,
    rank=420,
    explains=frozenset({"jitter-burst"}),
    standard=("RFC 8866 6.4", "RFC 3264 6.1", "RFC 3551 4.2"),
    texts={
        "changes": Texts(
            N_(
                "{sender} sends packets of {packet_ms}, then of {then_ms}, without a "
                "new negotiation."
            ),
            N_(
                "The packets hold {bytes} bytes at first and {then_bytes} later, in "
                "one stream, and no re-INVITE or UPDATE comes between. Receivers that "
                "adapt to the first packets garble what follows. {asked_ms} was agreed "
                "on or is usual."
            ),
            (
                N_(
                    "Check what {sender} connects the call to at that moment: an IVR, "
                    "a queue and a phone may have packets of different length."
                ),
                _NEXT[0],
            ),
        ),
        "agreed": Texts(
            N_(
                "{sender} sends packets of {packet_ms}, though both sides agreed on "
                "{asked_ms}."
            ),
            N_(
                "{packets} packets hold {packet_ms} of sound each ({bytes} bytes). "
                "Both session descriptions have a=ptime of {asked_ms}. Gear with a "
                "fixed packet time or a short buffer plays such audio with gaps, or "
                "not at all."
            ),
            _NEXT,
        ),
        "too-long": Texts(
            N_(
                "{sender} sends packets of {packet_ms}, longer than {receiver} is "
                "ready for."
            ),
            N_(
                "{packets} packets hold {packet_ms} of sound each ({bytes} bytes), "
                "which is more than the a=maxptime of who receives them."
            ),
            _NEXT,
        ),
        "": Texts(
            N_(
                "{sender} sends packets of {packet_ms}; {receiver} asked for "
                "{asked_ms}."
            ),
            N_(
                "a=ptime is what a side would like to receive. It has to take other "
                "lengths too, and mostly does, so that this matters only where the "
                "audio is choppy."
            ),
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Packet time differs"),
        meaning=N_(
            "The RTP packets hold more or less sound than the session descriptions "
            "say, or change their length during the call."
        ),
        noticed=N_("Choppy or distorted audio, sometimes none, in one direction."),
        causes=(
            N_("A packet time that is set on one side and not in the description."),
            N_("A server that passes a call on to something with another packet time."),
            N_("A relay that joins two legs without repacketizing."),
        ),
        confirm=(
            N_(
                "The sizes of the packets: 160 bytes of G.711 are 20 ms, 240 are 30 ms."
            ),
            N_("The times between packets, against a=ptime of the receiver."),
        ),
        fix=(
            N_("Set the same packet time everywhere; 20 ms is understood by all."),
            N_("Let a B2BUA or media relay repacketize."),
        ),
        settings={
            "OpenSIPS": N_(
                "rtpengine: the ptime= and ptime-reverse= flags repacketize."
            ),
            "Kamailio": N_(
                "rtpengine: the ptime= and ptime-reverse= flags repacketize."
            ),
            "Asterisk": N_(
                "Endpoint: use_ptime=yes; allow=ulaw:20 sets the packet time."
            ),
            "FreeSWITCH": N_(
                "codec-prefs such as PCMU@20i; rtp-autofix-timing follows what comes."
            ),
        },
    ),
)
