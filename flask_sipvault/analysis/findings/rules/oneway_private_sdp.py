"""Audio is sent to a private address that its receiver is not at (RFC 3264 section 5.1,
RFC 1918, RFC 6598).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator

from ....language import N_
from ....protocols.address import Endpoint
from ...call import Call
from ...media.described import DescribedEnds
from ...media.described import Descriptions
from ...media.model import MediaStream
from ...media.model import SeenRtp
from ...sip.messages import Message
from ..addresses import is_private
from ..media_references import stream as stream_reference
from ..model import Finding
from ..references import messages
from ..rule import CatalogueEntry
from ..rule import Rule
from ..rule import Texts

#: What goes to the private address for less than this, in ns, before it finds the right
#: one is a syllable.
_SHORTEST_NS = 1_000_000_000


def _find(call: Call) -> Iterator[Finding]:
    said: set[tuple[str, str]] = set()
    addresses = _Addresses(call)
    for stream in call.media.streams_of("audio"):
        if any(report.highest_sequence for report in stream.reports):
            continue  # its receiver reports on it, so that it arrives
        for seen in stream.rtp:
            ends = _misled(addresses, stream, seen)
            to = seen.figures.dst
            if ends is None or to is None or (ends.receiver, to.ip) in said:
                continue
            said.add((ends.receiver, to.ip))
            yield _finding(call, seen, ends, addresses.authors_of(to))


class _Addresses:
    """What is known of addresses: who named them, and who sends from them."""

    def __init__(self, call: Call) -> None:
        self.described = Descriptions(call.negotiations)
        self._naming: dict[Endpoint, list[Message]] = defaultdict(list)
        for message in call.messages:
            if message.sdp is None or message.copy_of is not None:
                continue
            for end in {media.rtp for media in message.sdp.media}:
                if end is not None:
                    self._naming[end].append(message)
        sources = (
            seen.figures.src
            for stream in call.media.streams_of("audio")
            for seen in stream.rtp
        )
        self._speaking = {end.ip for end in sources if end is not None}

    def is_there(self, to: Endpoint) -> bool:
        """Whether something comes from the host itself: then its address holds here."""
        naming = self._naming.get(to, [])
        return to.ip in self._speaking or any(m.src.ip == to.ip for m in naming)

    def authors_of(self, to: Endpoint) -> list[Message]:
        """The messages that named an address, where they came from their author; empty
        unless that author is at a public one.
        """
        naming = self._naming.get(to, [])
        if not naming or is_private(naming[0].src.ip):
            return []
        return [message for message in naming if message.src.ip == naming[0].src.ip]


def _misled(
    addresses: _Addresses, stream: MediaStream, seen: SeenRtp
) -> DescribedEnds | None:
    """By which description packets go to a private address from which nobody speaks,
    though the description came from a public one.
    """
    figures = seen.figures
    to = figures.dst
    if to is None or not is_private(to.ip) or addresses.is_there(to):
        return None
    if figures.last_ts - figures.first_ts < _SHORTEST_NS or _latched(stream, seen):
        return None
    for ends in addresses.described.of(figures, stream.sender):
        receiving, sending = ends.receiving, ends.sending
        if receiving is None or receiving.rtp != to:
            continue
        if receiving.ice and sending is not None and sending.ice:
            return None  # ICE tries addresses and takes one that works (RFC 8445)
        return ends if addresses.authors_of(to) else None
    return None


def _latched(stream: MediaStream, seen: SeenRtp) -> bool:
    """Whether the sender turned to another address afterwards."""
    last = seen.figures.last_ts
    return any(
        other.figures.dst != seen.figures.dst and other.figures.last_ts > last
        for other in stream.rtp
    )


def _source_of(call: Call, sent: SeenRtp, ends: DescribedEnds) -> SeenRtp | None:
    """What comes back from the receiver, and where from."""
    for stream in call.media.streams_of("audio"):
        for seen in stream.rtp:
            back = seen.figures
            known = stream.sender == ends.receiver
            if not known and back.dst != sent.figures.src:
                continue
            if back.src is not None and not is_private(back.src.ip):
                return seen
    return None


def _finding(
    call: Call, seen: SeenRtp, ends: DescribedEnds, authors: list[Message]
) -> Finding:
    back = _source_of(call, seen, ends)
    source = back.figures.src if back is not None else None
    assert seen.figures.dst is not None
    return Finding(
        "oneway-private-sdp",
        "error",
        certainty="certain" if source is not None else "likely",
        variant=ends.receiver + ("" if source is not None else "-unseen"),
        parameters={
            "place": authors[0].src,
            "private": seen.figures.dst,
            "sender": seen.figures.src or "",
            "source": source or authors[0].src,
        },
        evidence=(
            *messages(
                authors, N_("its session description asks for audio at {private}")
            ),
            stream_reference(seen.n, N_("audio sent to {private}")),
            *(
                [stream_reference(back.n, N_("its own audio comes from {source}"))]
                if back is not None
                else []
            ),
        ),
        since_ts=seen.figures.first_ts,
    )


_WHY = N_(
    "{place} is on a public network, but its session description (SDP) asks for audio "
    "at {private}, which has a meaning inside a private network only. {sender} sends "
    "the audio there, though the other side's own audio comes from {source}; nothing "
    "shows that it turned to that address."
)
_WHY_UNSEEN = N_(
    "{place} is on a public network, but its session description (SDP) asks for audio "
    "at {private}, which has a meaning inside a private network only. {sender} sends "
    "the audio there. No audio of that side was captured, so that it is likely, and "
    "not certain, that it is somewhere else."
)
_NEXT = (
    N_(
        "Set the external address that {place} is to write into its SDP, or let it use "
        "STUN or ICE."
    ),
    N_(
        "Let {sender} send audio to where it comes from (symmetric RTP), or put a "
        "media relay in between that does."
    ),
    N_("Switch off SIP ALG on the router in front of {place}."),
)

RULE = Rule(
    id="oneway-private-sdp",
    find=_find,
    rank=200,
    explains=frozenset(
        {
            *("one-way-audio", "no-audio", "media-timeout-silence"),
            "rtp-source-differs",
        }
    ),
    standard=("RFC 3264 5.1", "RFC 1918", "RFC 6598", "RFC 4961"),
    texts={
        "caller": Texts(
            N_(
                "The caller hears nothing: its SDP names the private address "
                "{private}, and {sender} sends its audio there."
            ),
            _WHY,
            _NEXT,
        ),
        "callee": Texts(
            N_(
                "The called side hears nothing: its SDP names the private address "
                "{private}, and {sender} sends its audio there."
            ),
            _WHY,
            _NEXT,
        ),
        "caller-unseen": Texts(
            N_(
                "The caller likely hears nothing: its SDP names the private address "
                "{private}, and {sender} sends its audio there."
            ),
            _WHY_UNSEEN,
            _NEXT,
        ),
        "callee-unseen": Texts(
            N_(
                "The called side likely hears nothing: its SDP names the private "
                "address {private}, and {sender} sends its audio there."
            ),
            _WHY_UNSEEN,
            _NEXT,
        ),
    },
    catalogue=CatalogueEntry(
        title=N_("Audio sent to a private address"),
        meaning=N_(
            "One side is behind NAT and writes its own, private address into its "
            "session description. The other side, which is elsewhere, sends its audio "
            "to that address, where it is lost."
        ),
        noticed=N_(
            "One side hears nothing, from the first second on, while the other hears "
            "well; with both sides behind NAT nobody hears anything."
        ),
        causes=(
            N_("A phone or PBX behind NAT that does not know its external address."),
            N_("A server in a cloud that writes the address of its own interface."),
            N_(
                "No symmetric RTP on the other side, and no media relay that corrects "
                "the description."
            ),
            N_("SIP ALG of a router that rewrote only some of the addresses."),
        ),
        confirm=(
            N_(
                "In the SDP: the address of the c= line against the address that the "
                "message came from."
            ),
            N_("In the streams: where each side's audio comes from and goes to."),
            N_("On the router: no packets of the sender arrive at its outside."),
        ),
        fix=(
            N_("Tell the side behind NAT its external address."),
            N_("Switch on symmetric RTP (comedia) where the audio is sent."),
            N_("Relay the media, and rewrite the SDP, for phones behind NAT."),
        ),
        settings={
            "OpenSIPS": N_(
                "nat_uac_test() and fix_nated_sdp() of nathelper, or "
                "rtpengine_manage() or rtpproxy_engage() for a relay; for replies in "
                "onreply_route too."
            ),
            "Kamailio": N_(
                "nat_uac_test() and fix_nated_sdp() of nathelper, or "
                "rtpengine_manage() without trust-address; for replies in "
                "onreply_route too."
            ),
            "Asterisk": N_(
                "Transport: external_media_address, external_signaling_address and "
                "local_net. Endpoint of a phone behind NAT: rtp_symmetric=yes, "
                "direct_media=no."
            ),
            "FreeSWITCH": N_(
                "ext-rtp-ip of the profile for its own address; apply-nat-acl for "
                "phones; disable-rtp-auto-adjust must not be set."
            ),
        },
    ),
)
