"""The media of a call, out of its evidence and its signalling."""

from __future__ import annotations

from collections.abc import Sequence

from ...evidence import Evidence
from ..sip.messages import Message
from ..sip.setup import CallSetup
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
    negotiations: Sequence[Negotiation],
) -> Media:
    """What was captured of a call's media, and what should have been."""
    figures = list(enumerate(evidence.media, 1))
    main = main_of(negotiations)
    agreed = NegotiatedMedia(messages, evidence.media, main)
    datagrams = read_rtcp(evidence.rtcp, agreed)
    paths = MediaPaths(messages, setup, main)
    seen = measured_streams(figures, paths)
    sources = Sources(paths, seen, datagrams)
    finder = StreamFinder(paths, negotiations, sources)
    media = Media(
        finder.find(figures, datagrams),
        datagrams,
        paths=paths,
        seen=seen,
        reported=heard_reports(datagrams, paths, seen),
    )
    for way in media.ways:
        way.expected = expected_speech(
            main_of(negotiations), way.sender, evidence.last_ts
        )
        follow(way, media)
    return media
