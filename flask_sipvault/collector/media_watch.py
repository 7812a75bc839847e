"""Where the media of the calls in progress goes, so that RTCP finds its call."""

from __future__ import annotations

from bisect import bisect_left
from bisect import bisect_right
from bisect import insort
from collections.abc import Iterator

from ..evidence import SAME_PACKET_NS
from ..protocols import rtcp
from ..protocols import sdp
from ..protocols import sip
from ..protocols.address import Endpoint
from ..protocols.rtcp import RtcpError
from ..protocols.sdp import Media
from ..protocols.sdp import SdpError
from ..protocols.sip import SipError

#: More streams in one description than this are passed over.
MAX_STREAMS = 32

#: A description that is longer than this is not put by, in bytes, nor are more of one
#: call than this.
_MAX_UNREAD_BYTES, _MAX_UNREAD = 4096, 8


class ActiveMedia:
    """Addresses, ports and SSRCs that calls announced, as
    :class:`flask_sipvault.correlation.media_index.MediaIndex` has them of a capture;
    here calls also go.

    Reading a description takes as long as all else that is done with a message. While
    all RTCP names its call, as the agent's does, descriptions are put by unread.
    """

    def __init__(self) -> None:
        # Times and descriptions by Call-ID; None since they are read at once.
        self._unread: dict[str, list[tuple[int, bytes]]] | None = {}
        self._calls: dict[Endpoint, list[tuple[int, str]]] = {}
        self._by_ssrc: dict[int, str] = {}
        # What forget() has to look for.
        self._places: dict[str, list[tuple[Endpoint, int]]] = {}
        self._ssrcs: dict[str, list[int]] = {}

    def announce(self, ts: int, call_id: str, description: bytes) -> None:
        """Note where the media of a call is to go.

        :param ts: when it was said, in nanoseconds since the epoch.
        """
        if self._unread is not None and len(description) <= _MAX_UNREAD_BYTES:
            unread = self._unread.setdefault(call_id, [])
            unread.append((ts, description))
            if len(unread) <= _MAX_UNREAD:
                return
            ts, description = unread.pop(0)
        self._read(ts, call_id, description)

    def forget(self, call_id: str) -> None:
        """Let nothing more belong to this call."""
        if self._unread is not None:
            self._unread.pop(call_id, None)
        for endpoint, ts in self._places.pop(call_id, ()):
            calls = self._calls[endpoint]
            del calls[bisect_left(calls, (ts, call_id))]
            if not calls:
                del self._calls[endpoint]
        for ssrc in self._ssrcs.pop(call_id, ()):
            if self._by_ssrc.get(ssrc) == call_id:
                del self._by_ssrc[ssrc]

    def owner(self, ts: int, src: Endpoint | None, dst: Endpoint | None) -> str | None:
        """The call that last announced one of the two ends before the packet."""
        self._read_all()
        found = [call for end in (dst, src) if end and (call := self._last(ts, end))]
        return max(found, key=lambda call: call[0])[1] if found else None

    def owner_by_ssrc(self, payload: bytes) -> str | None:
        """The call that announced the sender of an RTCP datagram."""
        self._read_all()
        if not self._by_ssrc:
            return None
        try:
            packets = rtcp.parse(payload)
        except RtcpError:
            return None
        ssrcs = [getattr(packet, "ssrc", None) for packet in packets]
        owners = (self._by_ssrc.get(ssrc) for ssrc in ssrcs if ssrc is not None)
        return next((owner for owner in owners if owner is not None), None)

    def _last(self, ts: int, endpoint: Endpoint) -> tuple[int, str] | None:
        calls = self._calls.get(endpoint)
        if calls is None:
            return None
        place = bisect_right(calls, ts + SAME_PACKET_NS, key=lambda call: call[0])
        # Before all of them: the clocks of two hosts differ.
        return calls[max(place - 1, 0)]

    def _read_all(self) -> None:
        if self._unread is None:
            return
        unread, self._unread = self._unread, None
        for call_id, descriptions in unread.items():
            for ts, description in descriptions:
                self._read(ts, call_id, description)

    def _read(self, ts: int, call_id: str, description: bytes) -> None:
        for media in streams(description):
            for endpoint in _rtcp_endpoints(media):
                calls = self._calls.setdefault(endpoint, [])
                if not calls or calls[-1][1] != call_id or ts < calls[-1][0]:
                    insort(calls, (ts, call_id))
                    self._places.setdefault(call_id, []).append((endpoint, ts))
            for ssrc in media.ssrcs:
                if self._by_ssrc.get(ssrc) != call_id:
                    self._by_ssrc[ssrc] = call_id
                    self._ssrcs.setdefault(call_id, []).append(ssrc)


def description_in(message: bytes) -> bytes | None:
    """The session description in a SIP message; None where there is none."""
    if b"m=" not in message:
        return None
    body = message[message.find(b"\r\n\r\n") + 4 :]
    if body.startswith(b"v="):
        return body
    try:
        return sip.parse(message).sdp  # of a multipart, say
    except SipError:
        return None


def streams(description: bytes) -> list[Media]:
    """The streams in a description; none where it cannot be read."""
    try:
        return sdp.parse(description).media[:MAX_STREAMS]
    except SdpError:
        return []


def _rtcp_endpoints(media: Media) -> Iterator[Endpoint]:
    """Where RTCP may arrive: where the SDP says, and beside or on the media's port."""
    rtp, own = media.rtp, media.rtcp
    if rtp is not None:
        yield rtp
        yield rtp._replace(port=rtp.port + 1)
    if own is not None and (rtp is None or own not in (rtp, (rtp.ip, rtp.port + 1))):
        yield own
