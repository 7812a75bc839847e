"""Audio that comes from another address than its sender described (RFC 4961)."""

from __future__ import annotations

from collections.abc import Iterator

from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...media.described import DescribedEnds
from ...media.described import Descriptions
from ...media.model import MediaStream
from ...media.model import SeenRtp
from ..addresses import is_private
from ..impairments import DIRECTIONS
from ..media_references import descriptions
from ..media_references import stream as stream_reference
from ..model import Finding
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: So many packets are a second of speech.
_ENOUGH_PACKETS = 50

#: Reports of a listener must come over so long to tell what it does not hear, in ns.
_REPORTS_NS = 8_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    said: set[tuple[Endpoint, Endpoint]] = set()
    described = Descriptions(call.negotiations)
    latched = {
        seen.figures.dst
        for stream in call.media.streams_of("audio")
        for seen in stream.rtp
    }
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            found = _differing(described, stream, seen)
            if found is None:
                continue
            ends, named = found
            source = seen.figures.src
            assert source is not None
            if (source, named) not in said:
                said.add((source, named))
                yield _finding(call, seen, ends, named, latched=source in latched)


def _differing(
    described: Descriptions, stream: MediaStream, seen: SeenRtp
) -> tuple[DescribedEnds, Endpoint] | None:
    """By which description the packets should have come from elsewhere."""
    figures = seen.figures
    if figures.src is None or figures.packets < _ENOUGH_PACKETS:
        return None
    ends = described.of(figures, stream.sender)
    about = [
        e
        for e in ends
        if e.holds_within(figures.first_ts, figures.last_ts)
        and e.receiving is not None
        and e.receiving.rtp == figures.dst
    ]
    named = {e.sending.rtp for e in about if e.sending and e.sending.rtp}
    if not about or not named or figures.src in named:
        return None
    if any(
        (e.sending and e.sending.ice) or (e.receiving and e.receiving.ice)
        for e in about
    ):
        return None  # ICE chooses among many addresses
    expected = min(named)
    if is_private(figures.src.ip) and not is_private(expected.ip):
        return None  # captured inside of the sender's own NAT
    return about[0], expected


def _finding(
    call: Call,
    seen: SeenRtp,
    ends: DescribedEnds,
    described: Endpoint,
    *,
    latched: bool,
) -> Finding:
    source = seen.figures.src
    assert source is not None
    unheard = _unheard(call, ends)
    variant = "unheard" if unheard else "latched" if latched else ""
    if not unheard and source.ip == described.ip:
        variant = "port"
    return Finding(
        "rtp-source-differs",
        "warning" if unheard else "info",
        certainty="likely" if unheard else "certain",
        variant=variant,
        parameters={
            "source": source,
            "described": described,
            "receiver": seen.figures.dst or "",
        },
        evidence=(
            *descriptions([ends], sending=N_("names {described}")),
            stream_reference(seen.n, N_("comes from {source}")),
        ),
        since_ts=seen.figures.first_ts,
    )


def _unheard(call: Call, ends: DescribedEnds) -> bool:
    """Whether the receiver reports by RTCP, and on nothing that it received."""
    reported = call.media.reported
    times = reported.speakers.get(DIRECTIONS[ends.receiver], [])
    quiet = bool(times) and max(times) - min(times) >= _REPORTS_NS
    back = DIRECTIONS[ends.receiver] in reported.hears
    return quiet and back and DIRECTIONS[ends.sender] not in reported.hears


RULE = Rule(
    id="rtp-source-differs",
    find=_find,
    rank=315,
    standard=("RFC 4961", "RFC 3264 5.1"),
    texts={
        "": Texts(
            N_("Audio comes from {source}, though the SDP names {described}."),
            N_(
                "A session description names where its author wants to receive; most "
                "send from there too. A receiver that expects audio from {described} "
                "only would drop what comes from {source}."
            ),
            (N_("Check whether NAT, or a second interface, lies between the two."),),
        ),
        "port": Texts(
            N_("Audio comes from port {source}, though the SDP names {described}."),
            N_(
                "The sender receives on one port and sends from another (no symmetric "
                "RTP). That is allowed, but does not get through NAT or firewalls that "
                "wait for a first packet."
            ),
            (N_("Switch on symmetric RTP at {source}, if audio is missing."),),
        ),
        "latched": Texts(
            N_(
                "Audio comes from {source}, though the SDP names {described}; the "
                "other side sends there all the same."
            ),
            N_(
                "The sender is behind NAT, or has several addresses. The other side "
                "answers to where the audio comes from (symmetric RTP), so that this "
                "works."
            ),
        ),
        "unheard": Texts(
            N_(
                "{receiver} likely drops the audio: it comes from {source}, though the "
                "SDP names {described}."
            ),
            N_(
                "The RTCP of the side that receives reports on no audio that it got, "
                "though packets were captured on their way to it. Most likely it, or a "
                "media relay, accepts audio from {described} only."
            ),
            (
                N_("Check the rule for sources at {receiver} (strict RTP, firewalls)."),
                N_("Let the sender describe the address that it sends from."),
            ),
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("RTP from another address"),
        meaning=N_(
            "Audio comes from another address or port than its sender's session "
            "description names. Behind NAT that is usual, and works where the other "
            "side answers to where the audio comes from."
        ),
        noticed=N_("Mostly nothing; with strict receivers one side hears nothing."),
        causes=(
            N_("NAT between the sender and the capture."),
            N_("A media server with several addresses."),
            N_("A sender without symmetric RTP."),
        ),
        confirm=(
            N_("Compare the c= and m= lines with the addresses of the streams."),
            N_("RTCP: does the receiver report on the stream?"),
        ),
        fix=(
            N_("Set the external address where the description is written."),
            N_("Use symmetric RTP on both sides."),
        ),
        settings={
            "OpenSIPS": N_(
                "rtpengine flags: asymmetric, strict-source, media-handover."
            ),
            "Kamailio": N_(
                "rtpengine flags: asymmetric, strict-source, media-handover."
            ),
            "Asterisk": N_("rtp.conf: strictrtp; endpoint: rtp_symmetric."),
            "FreeSWITCH": N_("disable-rtp-auto-adjust; ext-rtp-ip."),
        },
    ),
)
