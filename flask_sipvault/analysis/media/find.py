"""The media of a call, out of its evidence and its signalling."""

from __future__ import annotations

from collections.abc import Sequence

from ...evidence import Evidence
from ..sip.messages import Message
from ..sip.outcome import Ending
from ..sip.setup import CallSetup
from .addresses import Presence
from .expected import conversation
from .expected import expected_speech
from .model import Media
from .negotiated import NegotiatedMedia
from .negotiation import main_of
from .negotiation import Negotiation
from .paths import MediaPaths
from .rtcp_reports import read_rtcp
from .rtcp_streams import heard_reports
from .rtcp_streams import Sources
from .rtp_streams import measured_streams
from .streams import StreamFinder
from .ways import follow


def find_media(
    evidence: Evidence,
    messages: Sequence[Message],
    setup: CallSetup | None,
    ending: Ending | None,
    negotiations: Sequence[Negotiation],
) -> Media:
    """What was captured of a call's media, and what should have been."""
    figures = list(enumerate(evidence.media, 1))
    main = main_of(negotiations)
    agreed = NegotiatedMedia(messages, evidence.media, main)
    datagrams = read_rtcp(evidence.rtcp, agreed)
    paths = MediaPaths(messages, setup, negotiations)
    seen = measured_streams(figures, paths)
    sources = Sources(paths, seen, datagrams)
    finder = StreamFinder(paths, negotiations, sources, Presence(evidence))
    media = Media(
        finder.find(figures, datagrams),
        datagrams,
        sending={side for m in messages if (side := paths.author(m)) is not None},
        paths=paths,
        seen=seen,
        reported=heard_reports(datagrams, paths, seen),
    )
    talk = conversation(main, ending, _last_ts(evidence))
    for way in media.ways:
        way.expected = expected_speech(main, way.sender, talk)
        follow(way, media, talk)
    return media


def _last_ts(evidence: Evidence) -> int | None:
    """When something of the call itself was last captured; logs go on for longer."""
    return max(
        (
            *(packet.ts for packet in evidence.sip),
            *(datagram.ts for datagram in evidence.rtcp),
            *(stream.last_ts for stream in evidence.media),
        ),
        default=None,
    )
