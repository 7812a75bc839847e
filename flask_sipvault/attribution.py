"""To which call something belongs that does not say so itself.

Lines of a log: :class:`CallIds`. A Call-ID is often part of another: ``1-123@host``
stands inside ``11-123@host``, and whoever looks for it as a mere substring puts lines
under the wrong call. So a Call-ID counts only where it stands whole, and the longest of
several wins.

RTCP: :class:`MediaAddresses`, by what offers and answers say.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from bisect import insort
from collections.abc import Iterable

from .evidence import SAME_PACKET_NS
from .protocols.address import Endpoint
from .protocols.sdp import Media
from .protocols.sdp import Sdp

#: What goes on without a break. RFC 3261 section 25.1 lets a Call-ID hold many marks
#: (``word``). Of them these join when letters or digits stand on both sides; brackets,
#: quotes, ``:`` and ``/`` do not, for logs put exactly those around a Call-ID
#: (``[abc@host]:``, ``callid:abc@host``, RTPengine's ``[abc@host/tag/1]``).
_TOKEN = re.compile(r"\w+(?:[-.!%*+`'~@]+\w+)*")


class CallIds:
    """The Call-IDs that lines may belong to."""

    def __init__(self, call_ids: Iterable[str] = ()) -> None:
        self._known: set[str] = set()
        # The lengths to try at a place, longest first, by the character found there.
        self._lengths: dict[str, list[int]] = {}
        for call_id in call_ids:
            self.add(call_id)

    def __contains__(self, call_id: object) -> bool:
        return call_id in self._known

    def __len__(self) -> int:
        return len(self._known)

    def add(self, call_id: str) -> None:
        """Let lines go to this Call-ID too; an empty one owns nothing."""
        if not call_id or call_id in self._known:
            return
        self._known.add(call_id)
        lengths = self._lengths.setdefault(call_id[0], [])
        if len(call_id) not in lengths:
            lengths.append(len(call_id))
            lengths.sort(reverse=True)

    def owner(self, line: str) -> str | None:
        """The Call-ID that stands whole in the line: the longest, then the first.

        :param line: bytes that are not UTF-8 may be in it as surrogate escapes; they
            are compared as U+FFFD, as in the text of a Call-ID.
        """
        if not line.isascii():
            line = line.encode("utf-8", "surrogateescape").decode("utf-8", "replace")
        inside = _inside_tokens(line)
        best = ""
        for start, character in enumerate(line):
            lengths = self._lengths.get(character)
            if lengths is None or inside[start]:
                continue
            for length in lengths:
                if length <= len(best):
                    break
                end = start + length
                if end > len(line) or inside[end]:
                    continue
                if line[start:end] in self._known:
                    best = line[start:end]
                    break
        return best or None


def _inside_tokens(line: str) -> bytearray:
    """For each place between two characters: 1 if it would cut a token in two."""
    inside = bytearray(len(line) + 1)
    for match in _TOKEN.finditer(line):
        start, end = match.span()
        inside[start + 1 : end] = b"\1" * (end - start - 1)
    return inside


class MediaAddresses:
    """Which call had an address and port for its media, and since when.

    Ports are used again by the next call, so the last announcement before a packet
    counts. A phone behind NAT announces an address that packets do not show: then the
    other end's, or an ``a=ssrc`` (RFC 5576), tells.
    """

    def __init__(self) -> None:
        self._announced: dict[Endpoint, list[tuple[int, str]]] = {}
        self._ssrcs: dict[int, str] = {}

    def announce(self, ts: int, call_id: str, sdp: Sdp) -> None:
        """Note what an offer or answer of this call says.

        :param ts: when it was sent, in nanoseconds since the epoch.
        """
        for media in sdp.media:
            for endpoint in _rtcp_endpoints(media):
                calls = self._announced.setdefault(endpoint, [])
                if not calls or calls[-1][1] != call_id or ts < calls[-1][0]:
                    insort(calls, (ts, call_id))
            for ssrc in media.ssrcs:
                self._ssrcs[ssrc] = call_id

    def owner(self, ts: int, src: Endpoint | None, dst: Endpoint | None) -> str | None:
        """The call whose media address is at one of a packet's ends."""
        found = [
            call
            for endpoint in (dst, src)
            if endpoint is not None
            and (call := self._last_before(ts, endpoint)) is not None
        ]
        return max(found, key=lambda call: call[0])[1] if found else None

    def owner_of_ssrc(self, ssrc: int) -> str | None:
        """The call that announced this synchronisation source."""
        return self._ssrcs.get(ssrc)

    def _last_before(self, ts: int, endpoint: Endpoint) -> tuple[int, str] | None:
        calls = self._announced.get(endpoint, [])
        place = bisect_right(calls, ts + SAME_PACKET_NS, key=lambda call: call[0])
        return calls[place - 1] if place else None


def _rtcp_endpoints(media: Media) -> set[Endpoint]:
    """Where RTCP may arrive: where the SDP says, and beside or on the media's port."""
    ends = {media.rtcp, media.rtp}
    if media.rtp is not None:
        ends.add(media.rtp._replace(port=media.rtp.port + 1))
    return {end for end in ends if end is not None}
