"""Session descriptions (SDP, RFC 8866) as telephony uses them: where the media goes, in
which codec, in which direction.

Like the SIP parser this one forgives: a line that cannot be read is passed over.
"""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from dataclasses import field
from functools import lru_cache
from typing import cast
from typing import Literal
from typing import NamedTuple

from .address import Endpoint

Direction = Literal["sendrecv", "sendonly", "recvonly", "inactive"]

#: No clock stands still, so that a clock rate may be divided by.
_RTPMAP = re.compile(
    r"([0-9]{1,3})\s+([^/\s]+)\s*/\s*([1-9][0-9]{0,8})(?:/([1-9][0-9]{0,2}))?"
)

#: So many streams of a description are read, and so many formats and sources of one.
#: RTP has 128 payload types; a conference describes some dozens of streams.
MAX_STREAMS = 128
MAX_FORMATS = 128
MAX_SSRCS = 128
MAX_CRYPTO = 64
MAX_T38 = 64

_DIRECTIONS = ("sendrecv", "sendonly", "recvonly", "inactive")


class SdpError(ValueError):
    """These bytes are no session description."""


class Codec(NamedTuple):
    """What a payload type stands for.

    :param name: as it stands in the description or in RFC 3551.
    :param clock_rate: of RTP timestamps, in Hz; for G722 that is 8000.
    """

    name: str
    clock_rate: int
    channels: int = 1


#: The static payload types of RFC 3551 section 6, tables 4 and 5.
STATIC_CODECS = {
    0: Codec("PCMU", 8000),
    3: Codec("GSM", 8000),
    4: Codec("G723", 8000),
    5: Codec("DVI4", 8000),
    6: Codec("DVI4", 16000),
    7: Codec("LPC", 8000),
    8: Codec("PCMA", 8000),
    9: Codec("G722", 8000),
    10: Codec("L16", 44100, 2),
    11: Codec("L16", 44100),
    12: Codec("QCELP", 8000),
    13: Codec("CN", 8000),
    14: Codec("MPA", 90000),
    15: Codec("G728", 8000),
    16: Codec("DVI4", 11025),
    17: Codec("DVI4", 22050),
    18: Codec("G729", 8000),
    25: Codec("CelB", 90000),
    26: Codec("JPEG", 90000),
    28: Codec("nv", 90000),
    31: Codec("H261", 90000),
    32: Codec("MPV", 90000),
    33: Codec("MP2T", 90000),
    34: Codec("H263", 90000),
}

#: Codecs that carry no speech or picture of their own, and are in nearly every offer.
AUXILIARY_CODECS = frozenset({"telephone-event", "cn", "red", "rtx", "ulpfec"})

#: No phone has more addresses to try than this; what is more is an attack.
MAX_CANDIDATES = 64


@dataclass(slots=True)
class Media:
    """One stream, an ``m=`` line and what belongs to it.

    :param kind: ``audio``, ``video``, ``image``…
    :param port: where the author wants to receive; 0 means the stream is refused.
    :param protocol: ``RTP/AVP``, ``RTP/SAVP``, ``udptl``…
    :param formats: as they stand; of RTP they are payload types.
    :param address: the stream's own, or else the session's.
    :param rtcp_port: what ``a=rtcp`` says (RFC 3605).
    :param rtcp_mux: RTP and RTCP share a port (RFC 5761). In an offer it is a wish.
    :param direction: as its author sees it.
    :param codecs: by payload type, static ones filled in.
    :param ptime: milliseconds of sound in a packet.
    :param left_out: how many formats and attributes were not read.
    :param encrypted: SRTP: by its profile, or keys are offered (RFC 8643).
    :param crypto: the suites of ``a=crypto`` (RFC 4568), in order.
    :param fingerprint: whether DTLS-SRTP is offered (RFC 5763).
    :param key_management: whether keys are exchanged by another protocol, such as MIKEY
        (RFC 4567), or in a ``k=`` line.
    :param setup: ``actpass``, ``active``, ``passive`` (RFC 4145); "" without.
    :param candidates: where ICE may be tried (RFC 8839); ``ice`` also where there are
        none yet.
    :param mid: its name in a bundle (RFC 5888).
    :param t38: what is said of fax (T.38 annex D), by the attribute's name in lower
        case: ``t38faxversion``.
    """

    kind: str
    port: int
    protocol: str
    formats: list[str]
    address: str | None = None
    rtcp_port: int | None = None
    rtcp_address: str | None = None
    rtcp_mux: bool = False
    direction: Direction = "sendrecv"
    codecs: dict[int, Codec] = field(default_factory=dict)
    ptime: float | None = None
    fmtp: dict[int, str] = field(default_factory=dict)
    ssrcs: list[int] = field(default_factory=list)
    encrypted: bool = False
    maxptime: float | None = None
    crypto: list[str] = field(default_factory=list)
    fingerprint: bool = False
    key_management: bool = False
    setup: str = ""
    ice: bool = False
    candidates: list[Endpoint] = field(default_factory=list)
    mid: str = ""
    t38: dict[str, str] = field(default_factory=dict)
    left_out: int = 0

    @property
    def refused(self) -> bool:
        """Whether its author does not want this stream (RFC 3264 section 6)."""
        return self.port == 0

    @property
    def payload_types(self) -> list[int]:
        """The payload types of its codecs, in the order of the ``m=`` line, which is
        the order of preference (RFC 3264 section 5.1).
        """
        numbers = (_number(word, 127) for word in self.formats)
        return [n for n in dict.fromkeys(numbers) if n is not None and n in self.codecs]

    @property
    def speech_types(self) -> list[int]:
        """Those of them that carry speech or a picture of their own, in that order."""
        return [
            number
            for number in self.payload_types
            if self.codecs[number].name.lower() not in AUXILIARY_CODECS
        ]

    @property
    def event_types(self) -> list[int]:
        """The payload types of telephone events (RFC 4733), in that order."""
        return [
            number
            for number in self.payload_types
            if self.codecs[number].name.lower() == "telephone-event"
        ]

    @property
    def is_fax(self) -> bool:
        """Whether it is T.38."""
        return self.kind == "image" and "udptl" in self.protocol.lower()

    @property
    def rtp(self) -> Endpoint | None:
        """Where RTP is to be sent. None if the stream is refused, or the address is a
        name or unspecified (an old way to hold a call).
        """
        return _endpoint(self.address, self.port)

    @property
    def rtcp(self) -> Endpoint | None:
        """Where RTCP is to be sent: with RTP, or where ``a=rtcp`` says, or one port on
        (RFC 3550 section 11).
        """
        if self.port == 0 or self.rtcp_mux:
            return self.rtp
        port = self.port + 1 if self.rtcp_port is None else self.rtcp_port
        return _endpoint(self.rtcp_address or self.address, port)

    @property
    def on_hold(self) -> bool:
        """Whether its author has put the other side on hold (RFC 3264 section 8.4)."""
        unspecified = self.address in ("0.0.0.0", "::")  # noqa: S104
        return unspecified or self.direction in ("sendonly", "inactive")


# Asked for again and again of the few addresses that a call has.
@lru_cache(maxsize=1024)
def _endpoint(address: str | None, port: int) -> Endpoint | None:
    try:
        ip = ipaddress.ip_address(address or "")
    except ValueError:
        return None
    if ip.is_unspecified or not 0 < port <= 0xFFFF:
        return None
    return Endpoint(str(ip), port)


@dataclass(slots=True)
class Sdp:
    """A whole description.

    :param origin: the value of ``o=``, which tells one session from another.
    :param address: the session's ``c=``, where streams have no own.
    :param left_out: how many streams, formats and attributes were not read for there
        are more of them than make sense: :data:`MAX_STREAMS`, :data:`MAX_FORMATS` …
    """

    origin: str = ""
    session_name: str = ""
    address: str | None = None
    media: list[Media] = field(default_factory=list)
    left_out: int = 0

    @property
    def version(self) -> int | None:
        """By which a description differs from the one before it (RFC 3264 section 8);
        None where that cannot be read.
        """
        words = self.origin.split()
        return _number(words[2], 2**64) if len(words) > 2 else None


def parse(data: bytes) -> Sdp:
    """Read a description.

    :raises SdpError: if there is neither a ``v=`` nor an ``m=`` line in it.
    """
    sdp = Sdp()
    # What a session says holds for the streams that do not say it themselves.
    session = Media("", 0, "", [])
    current = session
    recognised = False
    for line in data.decode("utf-8", "replace").split("\n"):
        letter, value = line[:2], line[2:].strip()
        if letter == "m=":
            current = _media(value, session)
            if len(sdp.media) < MAX_STREAMS:
                sdp.media.append(current)
            else:
                sdp.left_out += 1
        elif letter == "c=":
            current.address = _connection(value) or current.address
        elif letter == "a=":
            name, _, argument = value.partition(":")
            _attribute(current, name.strip().lower(), argument.strip())
        elif letter == "k=":
            current.key_management = True
        elif letter == "o=":
            sdp.origin = value
        elif letter == "s=":
            sdp.session_name = value
        recognised = recognised or letter in ("v=", "m=")
    if not recognised:
        raise SdpError("no session description: neither v= nor m= line")
    sdp.address = session.address
    for media in sdp.media:
        sdp.left_out += media.left_out
    return sdp


def _media(value: str, session: Media) -> Media:
    """``audio 49170 RTP/AVP 0 8``; the port may be ``49170/2``."""
    words = value.split()
    kind, port, protocol = [*words[:3], "", "", ""][:3]
    media = Media(
        kind,
        _number(port.partition("/")[0], 0xFFFF) or 0,
        protocol,
        words[3 : 3 + MAX_FORMATS],
        address=session.address,
        direction=session.direction,
        ptime=session.ptime,
        encrypted=session.encrypted or "SAVP" in protocol.upper(),
        maxptime=session.maxptime,
        fingerprint=session.fingerprint,
        key_management=session.key_management,
        setup=session.setup,
        ice=session.ice,
        left_out=max(0, len(words) - 3 - MAX_FORMATS),
    )
    if protocol.upper().startswith(("RTP/", "UDP/TLS/RTP/", "TCP/TLS/RTP/")):
        types = (_number(word, 127) for word in media.formats)
        media.codecs = {n: STATIC_CODECS[n] for n in types if n in STATIC_CODECS}
    return media


def _connection(value: str) -> str | None:
    """The address in ``IN IP4 192.0.2.1/127``."""
    words = value.split()
    return words[2].partition("/")[0] if len(words) > 2 else None


def _attribute(media: Media, name: str, value: str) -> None:
    if name in _DIRECTIONS:
        media.direction = cast(Direction, name)
    elif name == "rtcp-mux":
        media.rtcp_mux = True
    elif name.startswith("t38"):
        if len(media.t38) < MAX_T38 or name in media.t38:
            media.t38[name] = value
        else:
            media.left_out += 1
    elif name in _READERS:
        _READERS[name](media, value)


def _rtpmap(media: Media, value: str) -> None:
    """``96 opus/48000/2``"""
    found = _RTPMAP.match(value)
    if found and int(found[1]) <= 127:
        codec = Codec(found[2], int(found[3]), int(found[4] or 1))
        media.codecs[int(found[1])] = codec


def _fmtp(media: Media, value: str) -> None:
    """``101 0-16``"""
    word, _, parameters = value.partition(" ")
    payload_type = _number(word, 127)
    if payload_type is not None:
        media.fmtp[payload_type] = parameters.strip()


def _rtcp(media: Media, value: str) -> None:
    """``53020`` or ``53020 IN IP6 2001:db8::1``"""
    port, _, connection = value.partition(" ")
    media.rtcp_port = _number(port, 0xFFFF)
    media.rtcp_address = _connection(connection)


def _ptime(media: Media, value: str) -> None:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value):
        media.ptime = float(value)


def _ssrc(media: Media, value: str) -> None:
    """``314159 cname:user@example.com`` (RFC 5576), a line for each attribute of it."""
    ssrc = _number(value.partition(" ")[0], 0xFFFF_FFFF)
    if ssrc is None or ssrc in media.ssrcs:
        return
    if len(media.ssrcs) < MAX_SSRCS:
        media.ssrcs.append(ssrc)
    else:
        media.left_out += 1


def _crypto(media: Media, value: str) -> None:
    """``1 AES_CM_128_HMAC_SHA1_80 inline:…``"""
    media.encrypted = True
    words = value.split(None, 2)
    if len(words) < 2:
        return
    if len(media.crypto) < MAX_CRYPTO:
        media.crypto.append(words[1])
    else:
        media.left_out += 1


def _fingerprint(media: Media, _value: str) -> None:
    media.encrypted = media.fingerprint = True


def _key_management(media: Media, _value: str) -> None:
    media.encrypted = media.key_management = True


def _setup(media: Media, value: str) -> None:
    media.setup = value.lower()


def _ice(media: Media, _value: str) -> None:
    media.ice = True


def _candidate(media: Media, value: str) -> None:
    """``1 1 UDP 2130706431 192.0.2.1 8998 typ host``"""
    media.ice = True
    words = value.split(None, 6)
    if len(words) < 6:
        return
    if len(media.candidates) >= MAX_CANDIDATES:
        media.left_out += 1
        return
    end = _endpoint(words[4], _number(words[5], 0xFFFF) or 0)
    if end is not None and end not in media.candidates:
        media.candidates.append(end)


def _mid(media: Media, value: str) -> None:
    media.mid = value


def _maxptime(media: Media, value: str) -> None:
    if re.fullmatch(r"[0-9]{1,6}(\.[0-9]{1,6})?", value):
        media.maxptime = float(value)


_READERS: dict[str, Callable[[Media, str], None]] = {
    "rtpmap": _rtpmap,
    "fmtp": _fmtp,
    "rtcp": _rtcp,
    "ptime": _ptime,
    "ssrc": _ssrc,
    "crypto": _crypto,
    "fingerprint": _fingerprint,
    "key-mgmt": _key_management,
    "setup": _setup,
    "ice-ufrag": _ice,
    "candidate": _candidate,
    "mid": _mid,
    "maxptime": _maxptime,
}


def _number(text: str, most: int) -> int | None:
    # int() reads digits of all scripts; of very many it refuses to.
    digits = len(text) <= 20 and text.isascii() and text.isdigit()
    if digits and int(text) <= most:
        return int(text)
    return None
