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
from ..protocols.sdp import Sdp
from ..protocols.sdp import SdpError
from ..protocols.sip import SipError


class MediaPlaces:
    """Addresses, ports and SSRCs that calls announced, as
    :class:`flask_sipvault.attribution.MediaAddresses` has them of a capture; here
    calls also go.
    """

    def __init__(self) -> None:
        self._calls: dict[Endpoint, list[tuple[int, str]]] = {}
        self._by_ssrc: dict[int, str] = {}
        # What forget() has to look for.
        self._places: dict[str, list[tuple[Endpoint, int]]] = {}
        self._ssrcs: dict[str, list[int]] = {}

    def announce(self, ts: int, call_id: str, media: Media) -> None:
        """Note where one stream of a call is to go.

        :param ts: when it was said, in nanoseconds since the epoch.
        """
        for endpoint in _rtcp_endpoints(media):
            calls = self._calls.setdefault(endpoint, [])
            if not calls or calls[-1][1] != call_id or ts < calls[-1][0]:
                insort(calls, (ts, call_id))
                self._places.setdefault(call_id, []).append((endpoint, ts))
        for ssrc in media.ssrcs:
            if self._by_ssrc.get(ssrc) != call_id:
                self._by_ssrc[ssrc] = call_id
                self._ssrcs.setdefault(call_id, []).append(ssrc)

    def forget(self, call_id: str) -> None:
        """Let nothing more belong to this call."""
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
        found = [call for end in (dst, src) if end and (call := self._last(ts, end))]
        return max(found, key=lambda call: call[0])[1] if found else None

    def owner_by_ssrc(self, payload: bytes) -> str | None:
        """The call that announced the sender of an RTCP datagram."""
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
        calls = self._calls.get(endpoint, [])
        place = bisect_right(calls, ts + SAME_PACKET_NS, key=lambda call: call[0])
        return calls[place - 1] if place else None


def description(message: bytes) -> Sdp | None:
    """The session description in a SIP message; None where there is none to read."""
    if b"m=" not in message:
        return None
    body = message[message.find(b"\r\n\r\n") + 4 :]
    try:
        if not body.startswith(b"v="):  # a multipart, or none
            found = sip.parse(message).sdp
            if found is None:
                return None
            body = found
        return sdp.parse(body)
    except (SipError, SdpError):
        return None


def _rtcp_endpoints(media: Media) -> Iterator[Endpoint]:
    """Where RTCP may arrive: where the SDP says, and beside or on the media's port."""
    rtp, own = media.rtp, media.rtcp
    if rtp is not None:
        yield rtp
        yield rtp._replace(port=rtp.port + 1)
    if own is not None and (rtp is None or own not in (rtp, (rtp.ip, rtp.port + 1))):
        yield own
