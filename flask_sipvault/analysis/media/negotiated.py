"""What the signalling tells of the media: whose SSRC, which address, which clock."""

from __future__ import annotations

from bisect import bisect_right
from bisect import insort
from collections import defaultdict
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import replace
from typing import TypeAlias

from ...protocols.address import Endpoint
from ...protocols.rtp_figures import StreamFigures
from ...protocols.sdp import Media
from ..sip.messages import Message
from .negotiation import Negotiation

#: A clock rate in Hz, and since when it holds, in ns since the epoch.
_Since: TypeAlias = tuple[int, int]


class NegotiatedMedia:
    """What a call's messages tell, and the RTP that was measured.

    Only what is certain counts: an SSRC that two addresses claim (a relay rewrote one
    of the two descriptions) has none.
    """

    def __init__(
        self,
        messages: Sequence[Message],
        measured: Iterable[StreamFigures],
        agreed: Negotiation | None,
    ) -> None:
        self._kinds: set[str] = set()
        self._kind_of: dict[int | Endpoint, str] = {}
        self._rtcp_of: dict[int, set[Endpoint]] = defaultdict(set)
        self._rtcp: dict[str, set[Endpoint]] = defaultdict(set)
        self._offered: dict[str, int] = {}
        # Since when, in order of time: one stream may change its codec.
        self._answered: dict[str, list[_Since]] = defaultdict(list)
        self._measured = _measured_rates(measured)
        described = [
            media
            for message in messages
            if message.sdp is not None
            for media in message.sdp.media
            if media.port and media.codecs
        ]
        # RTP and RTCP share a port only if both sides say so (RFC 5761 section 5.1.1).
        shared = all(media.rtcp_mux for media in described)
        for media in described:
            self._learn(replace(media, rtcp_mux=shared))
            self._learn_offer(media)
        if agreed is not None:
            self._learn_agreed(agreed)

    def _learn(self, media: Media) -> None:
        self._kinds.add(media.kind)
        for ssrc in media.ssrcs:
            self._kind_of[ssrc] = media.kind
        for end in (media.rtp, media.rtcp):
            if end is not None:
                self._kind_of[end] = media.kind
        if media.rtcp is not None:
            self._rtcp[media.kind].add(media.rtcp)
            for ssrc in media.ssrcs:
                self._rtcp_of[ssrc].add(media.rtcp)

    def _learn_offer(self, media: Media) -> None:
        """An offer tells only if it leaves no choice."""
        rates = {media.codecs[number].clock_rate for number in media.speech_types}
        if len(rates) == 1:
            self._offered.setdefault(media.kind, rates.pop())

    def _learn_agreed(self, negotiation: Negotiation) -> None:
        for line in negotiation.lines:
            for state in line.states:
                if state.codec is not None:
                    since = (state.since_ts, state.codec.clock_rate)
                    insort(self._answered[state.kind], since)

    def addresses(self, sender: int | None) -> tuple[Endpoint | None, Endpoint | None]:
        """Where the RTCP of an SSRC comes from, and where it goes."""
        own = self._rtcp_of.get(sender, set()) if sender is not None else set()
        if sender is None or len(own) != 1:
            return None, None
        others = self._rtcp[self._kind_of[sender]] - own
        return next(iter(own)), next(iter(others)) if len(others) == 1 else None

    def clock_rate(
        self,
        ts: int,
        ssrc: int,
        reporter: int,
        src: Endpoint | None,
        dst: Endpoint | None,
    ) -> int | None:
        """Of the stream reported on at a time, in Hz."""
        if ssrc in self._measured:
            return _at(ts, self._measured[ssrc])
        for clue in (ssrc, reporter, dst, src):
            if clue is not None and clue in self._kind_of:
                return self._rate(ts, self._kind_of[clue])
        if len(self._kinds) == 1:
            return self._rate(ts, next(iter(self._kinds)))
        return None

    def _rate(self, ts: int, kind: str) -> int | None:
        answered = self._answered.get(kind)
        return _at(ts, answered) if answered else self._offered.get(kind)


def _at(ts: int, rates: list[_Since]) -> int:
    """What held at a time; before the first of them, the first."""
    place = bisect_right(rates, ts, key=lambda since: since[0])
    return rates[max(place - 1, 0)][1]


def _measured_rates(
    streams: Iterable[StreamFigures],
) -> dict[int, list[_Since]]:
    """Clock rates of the streams whose RTP itself was seen, by SSRC."""
    rates: dict[int, list[_Since]] = {}
    for figures in streams:
        for payload in figures.payloads:
            if payload.clock_rate and not payload.auxiliary:
                since = payload.first_ts, payload.clock_rate
                insort(rates.setdefault(figures.ssrc, []), since)
    return rates
