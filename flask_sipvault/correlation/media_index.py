"""To which call something belongs that does not say so itself.

Lines of a log: :class:`CallIdMatcher`. A Call-ID is often part of another:
``1-123@host`` stands inside ``11-123@host``, and whoever looks for it as a mere
substring puts lines under the wrong call. So a Call-ID counts only where it stands
whole, and the longest of several wins.

RTP and RTCP: :class:`MediaIndex`, by what offers and answers say.
"""

from __future__ import annotations

import re
from bisect import bisect_left
from bisect import bisect_right
from bisect import insort
from collections.abc import Iterable
from typing import TypeAlias

from ..evidence import SAME_PACKET_NS
from ..protocols.address import Endpoint
from ..protocols.sdp import Codec
from ..protocols.sdp import Media
from ..protocols.sdp import Sdp
from ..protocols.sdp import STATIC_CODECS

#: What goes on without a break. RFC 3261 section 25.1 lets a Call-ID hold many marks
#: (``word``). Of them these join when letters or digits stand on both sides; brackets,
#: quotes, ``:`` and ``/`` do not, for logs put exactly those around a Call-ID
#: (``[abc@host]:``, ``callid:abc@host``, RTPengine's ``[abc@host/tag/1]``).
_TOKEN = re.compile(r"\w+(?:[-.!%*+`'~@]+\w+)*")

#: Lines are given to Call-IDs of at most so many characters: at each word of a line as
#: many lengths may have to be tried.
LONGEST = 512

_BEGINNING = 8

#: How many calls that had an address last are looked at when one announces it.
_LATEST = 8

#: Payload types and what they mean.
_Meanings: TypeAlias = tuple[tuple[int, Codec], ...]


class CallIdMatcher:
    """The Call-IDs that lines may belong to."""

    def __init__(self, call_ids: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        # The lengths to try at a place, longest first, by the characters found there:
        # so many that no two systems' Call-IDs share them, or one for short Call-IDs.
        self._lengths: dict[str, list[int]] = {}
        # Characters that begin a Call-ID, though they begin no token.
        self._odd_beginnings: set[str] = set()
        for call_id in call_ids:
            self.add(call_id)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, call_id: str) -> None:
        """Let lines go to this Call-ID too. An empty one owns nothing, nor does one
        that is longer than :data:`LONGEST`.
        """
        if not call_id or len(call_id) > LONGEST or call_id in self._known:
            return
        self._known.add(call_id)
        is_short = len(call_id) < _BEGINNING
        beginning = call_id[0] if is_short else call_id[:_BEGINNING]
        lengths = self._lengths.setdefault(beginning, [])
        if len(call_id) not in lengths:
            lengths.append(len(call_id))
            lengths.sort(reverse=True)
        if not _TOKEN.match(call_id):
            self._odd_beginnings.add(call_id[0])

    def discard(self, call_id: str) -> None:
        """Let no more lines go to this Call-ID."""
        # What is known of lengths and beginnings stays: it costs a look, no more.
        self._known.discard(call_id)

    def owner(self, line: str) -> str | None:
        """The Call-ID that stands whole in the line: the longest, then the first.

        :param line: bytes that are not UTF-8 may be in it as surrogate escapes; they
            are compared as U+FFFD, as in the text of a Call-ID.
        """
        if not line.isascii():
            line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        tokens = _Tokens(line)
        places = tokens.starts
        if self._odd_beginnings:
            odd = (i for i, c in enumerate(line) if c in self._odd_beginnings)
            places = sorted({*places, *(i for i in odd if not tokens.cut_at(i))})
        best = ""
        for start in places:
            for length in (
                *self._lengths.get(line[start : start + _BEGINNING], ()),
                *self._lengths.get(line[start], ()),
            ):
                if length <= len(best):
                    break
                candidate = line[start : start + length]
                if candidate in self._known and not tokens.cut_at(start + length):
                    best = candidate
                    break
        return best or None


class _Tokens:
    """Where the tokens of a line are."""

    def __init__(self, line: str) -> None:
        spans = [match.span() for match in _TOKEN.finditer(line)]
        self.starts = [start for start, _ in spans]
        self._ends = [end for _, end in spans]

    def cut_at(self, place: int) -> bool:
        """Whether a token goes on across this place between two characters."""
        before = bisect_left(self.starts, place) - 1
        return before >= 0 and place < self._ends[before]


class MediaIndex:
    """Which call had an address and port for its media, and since when.

    Ports are used again by the next call, so the last announcement before a packet
    counts. A phone behind NAT announces an address that packets do not show: then the
    other end's, or an ``a=ssrc`` (RFC 5576), tells.
    """

    def __init__(self) -> None:
        self._rtcp = _Announced()
        self._rtp = _Announced()
        self._ssrcs: dict[int, str] = {}
        # What payload types mean to whoever receives at an address; at None, to anyone
        # in the call. One tuple serves all calls that mean the same.
        self._codecs: dict[tuple[str, Endpoint | None], _Meanings] = {}
        self._shared: dict[_Meanings, _Meanings] = {}

    def announce(self, ts: int, call_id: str, sdp: Sdp) -> None:
        """Note what an offer or answer of this call says.

        :param ts: when it was sent, in nanoseconds since the epoch.
        """
        for media in sdp.media:
            for endpoint in _rtcp_endpoints(media):
                self._rtcp.add(ts, endpoint, call_id)
            if media.rtp is not None:
                self._rtp.add(ts, media.rtp, call_id)
            for ssrc in media.ssrcs:
                self._ssrcs[ssrc] = call_id
            for end in {media.rtp, None}:
                self._learn_codecs((call_id, end), media.codecs)

    def owner(self, ts: int, src: Endpoint | None, dst: Endpoint | None) -> str | None:
        """The call whose media address is at one of an RTCP packet's ends."""
        found = [
            call
            for endpoint in (dst, src)
            if endpoint is not None
            and (call := self._rtcp.last_before(ts, endpoint)) is not None
        ]
        return max(found, key=lambda call: call[0])[1] if found else None

    def owner_of_ssrc(self, ssrc: int) -> str | None:
        """The call that announced this synchronisation source."""
        return self._ssrcs.get(ssrc)

    def turns(
        self, src: Endpoint | None, dst: Endpoint | None
    ) -> list[tuple[int, str]]:
        """Whose RTP goes from one end to the other: since when which call's, in order.

        One end that was announced is enough, whichever it is.
        """
        found = [
            call
            for endpoint in (src, dst)
            if endpoint is not None
            for call in self._rtp.calls(endpoint)
        ]
        return sorted(found, key=lambda call: call[0])

    def codecs(
        self, call_id: str, src: Endpoint | None, dst: Endpoint | None
    ) -> dict[int, Codec]:
        """What payload types mean from one end to the other: as the receiver described
        them (RFC 3264 section 5.1), or else the sender, or else anyone in the call.
        """
        known = dict(STATIC_CODECS)
        for end in (None, src, dst):
            known.update(self._codecs.get((call_id, end), ()))
        return known

    def _learn_codecs(
        self, key: tuple[str, Endpoint | None], codecs: dict[int, Codec]
    ) -> None:
        described = {n: c for n, c in codecs.items() if not _is_static(n, c)}
        if not described:
            return
        meanings = tuple(
            sorted({**dict(self._codecs.get(key, ())), **described}.items())
        )
        self._codecs[key] = self._shared.setdefault(meanings, meanings)


def _is_static(payload_type: int, codec: Codec) -> bool:
    """Whether RFC 3551 says it already, however the name is written."""
    static = STATIC_CODECS.get(payload_type)
    if static is None or codec.name.lower() != static.name.lower():
        return False
    return codec == static._replace(name=codec.name)


class _Announced:
    """Which call announced an address, by the time of its first announcement."""

    def __init__(self) -> None:
        self._calls: dict[Endpoint, list[tuple[int, str]]] = {}

    def add(self, ts: int, endpoint: Endpoint, call_id: str) -> None:
        calls = self._calls.setdefault(endpoint, [])
        # Two legs that share an address announce it in turns: saying it again does not
        # take it back.
        known = (since for since, other in calls[-_LATEST:] if other == call_id)
        if ts < min(known, default=ts + 1):
            insort(calls, (ts, call_id))

    def calls(self, endpoint: Endpoint) -> list[tuple[int, str]]:
        """In the order they announced it."""
        return self._calls.get(endpoint, [])

    def last_before(self, ts: int, endpoint: Endpoint) -> tuple[int, str] | None:
        """The call that had announced it last when a packet was seen."""
        calls = self.calls(endpoint)
        place = bisect_right(calls, ts + SAME_PACKET_NS, key=lambda call: call[0])
        return calls[place - 1] if place else None


def _rtcp_endpoints(media: Media) -> set[Endpoint]:
    """Where RTCP may arrive: where the SDP says, and beside or on the media's port."""
    ends = {media.rtcp, media.rtp}
    if media.rtp is not None:
        ends.add(media.rtp._replace(port=media.rtp.port + 1))
    return {end for end in ends if end is not None}
