"""To which call RTP and RTCP belong, by the addresses and sources in SDP.

Importing and the collector have one index. They differ in what they know: an import has
seen the whole capture before it asks, the collector is asked while calls come and go.
"""

from __future__ import annotations

import sys
from bisect import bisect_right
from bisect import insort
from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Iterator
from typing import NamedTuple
from typing import TypeAlias

from ..evidence import SAME_PACKET_NS
from ..protocols import rtcp
from ..protocols import sdp
from ..protocols import sip
from ..protocols.address import Endpoint
from ..protocols.sdp import Codec
from ..protocols.sdp import Media
from ..protocols.sdp import STATIC_CODECS

#: How many calls that had an address last are looked at.
_LATEST = 8

#: More streams in one description than this are passed over.
MAX_STREAMS = 32

#: RTCP may be stamped so long before the message that announces its port, in ns: by
#: another host's clock, or because a proxy held the message back.
EARLY_NS = 2_000_000_000

#: A description that is longer than this is not put by, in bytes, nor are more of one
#: call than this.
_MAX_UNREAD_BYTES, _MAX_UNREAD = 4096, 8

#: Of so many different sets of payload types each is kept but once.
_MOST_SHARED = 10_000

#: Payload types and what they mean.
_Meanings: TypeAlias = tuple[tuple[int, Codec], ...]


class _Claim(NamedTuple):
    """A call that announced an address first at a time.

    :param for_rtp: whether for RTP, and not for RTCP alone.
    """

    since: int
    call_id: str
    for_rtp: bool


def _since(claim: _Claim) -> int:
    return claim.since


class Turn(NamedTuple):
    """Whose packets go from one end to the other from a time on.

    :param call_id: None where they are of no call that is known.
    """

    since: int
    call_id: str | None


def _for_ever(call_id: str) -> int:
    return sys.maxsize


class MediaIndex:
    """Which call had an address and port for its media, and since when.

    Of several calls that had announced an end of a packet, that one counts between
    whose ends it flows; of these the one that announced an end last, for ports are used
    again by the next call. A phone behind NAT announces an address that packets do not
    show: then the other end's, or an ``a=ssrc`` (RFC 5576), tells.

    Reading a description takes as long as all else that is done with a message. Where
    nothing asks for owners, as all RTCP names its call, descriptions are put by unread.

    :param until: until when a call may have media, in ns since the epoch; its ports may
        be another's then.
    :param early_ns: how long before it was announced a packet may be a call's, if it is
        no other's.
    """

    def __init__(
        self, until: Callable[[str], int] = _for_ever, *, early_ns: int = EARLY_NS
    ) -> None:
        self.until = until
        self._early_ns = early_ns
        # Times and descriptions by Call-ID; None since they are read at once.
        self._unread: dict[str, list[tuple[int, bytes]]] | None = {}
        self._claims: dict[Endpoint, list[_Claim]] = {}
        self._by_ssrc: dict[int, str] = {}
        # What payload types mean to whoever receives at an address; at None, to anyone
        # in the call. One tuple serves all calls that mean the same.
        self._codecs: dict[str, dict[Endpoint | None, _Meanings]] = {}
        self._shared: dict[_Meanings, _Meanings] = {}
        # What forget() has to look for.
        self._places: dict[str, set[Endpoint]] = {}
        self._ssrcs: dict[str, set[int]] = {}

    def announce(self, ts: int, call_id: str, description: bytes) -> None:
        """Note what an offer or answer of a call says.

        :param ts: when it was sent, in nanoseconds since the epoch.
        :param description: the SDP. What cannot be read is passed over: the analysis
            says what is wrong with it.
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
        for endpoint in self._places.pop(call_id, ()):
            left = [each for each in self._claims[endpoint] if each.call_id != call_id]
            if left:
                self._claims[endpoint] = left
            else:
                del self._claims[endpoint]
        for ssrc in self._ssrcs.pop(call_id, ()):
            if self._by_ssrc.get(ssrc) == call_id:
                del self._by_ssrc[ssrc]
        self._codecs.pop(call_id, None)

    def owner(self, ts: int, src: Endpoint | None, dst: Endpoint | None) -> str | None:
        """The call that an RTCP packet belongs to, by its ends."""
        self._read_all()
        claims = [self._claims.get(end, []) for end in (src, dst) if end is not None]
        return self._owner_among(ts, claims)

    def owner_of_ssrc(self, ssrc: int) -> str | None:
        """The call that announced this synchronisation source."""
        self._read_all()
        return self._by_ssrc.get(ssrc)

    def owner_of_report(self, ts: int, payload: bytes) -> str | None:
        """The call that announced the sender of an RTCP datagram."""
        self._read_all()
        if not self._by_ssrc:
            return None
        try:
            packets = rtcp.parse(payload)
        except rtcp.RtcpError:
            return None
        ssrcs = (getattr(packet, "ssrc", None) for packet in packets)
        owners = (self._by_ssrc.get(ssrc) for ssrc in ssrcs if ssrc is not None)
        found = (each for each in owners if each is not None)
        return next((each for each in found if ts <= self.until(each)), None)

    def turns(
        self,
        src: Endpoint | None,
        dst: Endpoint | None,
        first_ts: int,
        last_ts: int,
    ) -> list[Turn]:
        """Whose the RTP is that goes from one end to the other, from its first packet
        to its last: since when which call's, in order.
        """
        self._read_all()
        claims = [
            [claim for claim in self._around(end, first_ts, last_ts) if claim.for_rtp]
            for end in (src, dst)
            if end is not None
        ]
        turns: list[Turn] = []
        for ts in self._changes(claims, first_ts, last_ts):
            owner = self._owner_among(ts, claims)
            if not turns or turns[-1].call_id != owner:
                turns.append(Turn(ts, owner))
        return turns

    def _around(self, end: Endpoint, first_ts: int, last_ts: int) -> list[_Claim]:
        """The claims to an address that matter between two times."""
        claims = self._claims.get(end, [])
        begin = bisect_right(claims, first_ts + SAME_PACKET_NS, key=_since)
        until = bisect_right(claims, last_ts + self._early_ns, key=_since)
        return claims[max(begin - _LATEST, 0) : until + 1]

    def _changes(
        self, claims: Iterable[list[_Claim]], first_ts: int, last_ts: int
    ) -> list[int]:
        """The times at which packets may become another call's."""
        times = {first_ts}
        for claim in (claim for each in claims for claim in each):
            for ts in (
                claim.since - SAME_PACKET_NS,
                claim.since - self._early_ns,
                self.until(claim.call_id) + 1,
            ):
                if first_ts < ts <= last_ts:
                    times.add(ts)
        return sorted(times)

    def _owner_among(self, ts: int, claims: list[list[_Claim]]) -> str | None:
        """Whose a packet is.

        :param claims: to each of its ends, in order of time.
        """
        known: dict[str, tuple[int, int]] = {}
        early: _Claim | None = None
        for at_end in claims:
            place = bisect_right(at_end, ts + SAME_PACKET_NS, key=_since)
            here: dict[str, int] = {}
            for since, call_id, _ in at_end[max(place - _LATEST, 0) : place]:
                if ts <= self.until(call_id):
                    here[call_id] = since
            for call_id, since in here.items():
                ends, latest = known.get(call_id, (0, 0))
                known[call_id] = ends + 1, max(latest, since)
            for claim in at_end[place : place + 1]:
                if early is None or claim.since < early.since:
                    early = claim
        if known:
            return max(known, key=lambda call_id: known[call_id])
        if early is not None and early.since <= ts + self._early_ns:
            return early.call_id
        return None

    def codecs(
        self, call_id: str, src: Endpoint | None, dst: Endpoint | None
    ) -> dict[int, Codec]:
        """What payload types mean from one end to the other: as the receiver described
        them (RFC 3264 section 5.1), or else the sender, or else anyone in the call.
        """
        self._read_all()
        known = dict(STATIC_CODECS)
        described = self._codecs.get(call_id, {})
        for end in (None, src, dst):
            known.update(described.get(end, ()))
        return known

    def _read_all(self) -> None:
        if self._unread is None:
            return
        unread, self._unread = self._unread, None
        for call_id, descriptions in unread.items():
            for ts, description in descriptions:
                self._read(ts, call_id, description)

    def _read(self, ts: int, call_id: str, description: bytes) -> None:
        for media in streams(description):
            for endpoint, for_rtp in _endpoints(media):
                self._claim(endpoint, _Claim(ts, call_id, for_rtp))
            for ssrc in media.ssrcs:
                self._by_ssrc[ssrc] = call_id
                self._ssrcs.setdefault(call_id, set()).add(ssrc)
            for end in {media.rtp, None}:
                self._learn_codecs(call_id, end, media.codecs)

    def _claim(self, endpoint: Endpoint, claim: _Claim) -> None:
        claims = self._claims.setdefault(endpoint, [])
        # Two legs that share an address announce it in turns: saying it again does not
        # take it back.
        known = (
            each.since
            for each in claims[-_LATEST:]
            if each.call_id == claim.call_id and each.for_rtp >= claim.for_rtp
        )
        if claim.since < min(known, default=claim.since + 1):
            insort(claims, claim)
            self._places.setdefault(claim.call_id, set()).add(endpoint)

    def _learn_codecs(
        self, call_id: str, end: Endpoint | None, codecs: dict[int, Codec]
    ) -> None:
        described = {n: c for n, c in codecs.items() if not _is_static(n, c)}
        if not described:
            return
        of_call = self._codecs.setdefault(call_id, {})
        meanings = tuple(sorted({**dict(of_call.get(end, ())), **described}.items()))
        if len(self._shared) >= _MOST_SHARED:
            self._shared.clear()
        of_call[end] = self._shared.setdefault(meanings, meanings)


def description_in(message: bytes) -> bytes | None:
    """The session description in a SIP message; None where there is none."""
    if b"m=" not in message:
        return None
    body = message[message.find(b"\r\n\r\n") + 4 :]
    if body.startswith(b"v="):
        return body
    try:
        return sip.parse(message).sdp  # of a multipart, say
    except sip.SipError:
        return None


def streams(description: bytes) -> list[Media]:
    """The streams in a description; none where it cannot be read."""
    try:
        return sdp.parse(description).media[:MAX_STREAMS]
    except sdp.SdpError:
        return []


def _is_static(payload_type: int, codec: Codec) -> bool:
    """Whether RFC 3551 says it already, however the name is written."""
    static = STATIC_CODECS.get(payload_type)
    if static is None or codec.name.lower() != static.name.lower():
        return False
    return codec == static._replace(name=codec.name)


def _endpoints(media: Media) -> Iterator[tuple[Endpoint, bool]]:
    """Where RTP goes, and where RTCP may: where the SDP says, and beside or on the
    media's port. Whether each is for RTP.
    """
    rtp, own = media.rtp, media.rtcp
    if rtp is not None:
        yield rtp, True
        yield rtp._replace(port=rtp.port + 1), False
    if own is not None and (rtp is None or own not in (rtp, (rtp.ip, rtp.port + 1))):
        yield own, False
