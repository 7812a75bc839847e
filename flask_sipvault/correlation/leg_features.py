"""What a call's SIP says that may tie it to another Call-ID.

:mod:`flask_sipvault.correlation.legs` compares these facts; here they are read,
from as few full parses as possible, for every call that is written comes through here.
"""

from __future__ import annotations

import re
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Literal
from typing import TypeVar
from urllib.parse import unquote

from ..evidence import SipPacket
from ..protocols import sdp
from ..protocols import sip
from ..protocols.address import Endpoint
from ..protocols.sip_fields import NameAddr

#: Of what one call says many times over, this much is kept.
MAX_EACH = 8

#: A Call-ID has neither spaces nor control characters (RFC 3261 section 25.1). A longer
#: one gets no leg marker anyway, in characters.
_NAME = re.compile(r"[^\s\x00-\x1f\x7f]{1,512}")

#: Users that many callers share.
_NOBODY = frozenset(["anonymous", "private", "restricted", "unavailable", "unknown"])

#: The UUID of a side that is not known yet (RFC 7989 section 4.1).
_NIL = "0" * 32

_SESSION_ID = re.compile(rb"\n[Ss][Ee][Ss][Ss][Ii][Oo][Nn]-[Ii][Dd][ \t]*:([^\r\n]*)")
_TAG = re.compile(r";\s*[Tt][Aa][Gg]\s*=\s*([^\s;]+)")
_UUID = re.compile(r"[0-9a-f]{32}")
_HAS_SDP = b"\nm="

#: Shorter session ids of an ``o=`` line are constants ("0", "8000") as often as not.
_MIN_SESSION_DIGITS = 5

Side = Literal["caller", "callee"]
_Key = TypeVar("_Key", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Referral:
    """A REFER: who was asked to call whom, and when.

    :param user: of the Refer-To URI.
    :param by: its Referred-By, "" where there is none.
    """

    ts: int
    receiver: Endpoint
    user: str
    by: str


@dataclass(slots=True)
class LegFeatures:
    """One Call-ID, as far as its legs are concerned. The parts of a call are taken in
    one after the other.

    :param began: when its first INVITE was seen; None where none was.
    :param source: who sent that INVITE; ``sources`` and ``targets`` are those of its
        further hops as well.
    :param final: when the INVITE was answered for good, a challenge aside.
    :param hung_up: when a BYE was last seen.
    :param refused: when the INVITE was last refused, by a branch of it perhaps.
    :param wanted: the users of Request-URI and To.
    :param named: Call-IDs in the headers that the settings name.
    :param replaced: Call-IDs in Replaces (RFC 3891).
    :param referred: Call-IDs in the Replaces of a Refer-To.
    :param sessions: pairs of UUIDs in Session-ID (RFC 7989), in no order; a single one
        while the other side is not known.
    :param origins: the ``o=`` lines by the side that they describe, without version.
    :param media: the addresses for RTP by the side that listens there.
    :param caller_tags: the tags of the caller, by which the sides are told apart.
    """

    call_id: str
    last_ts: int = 0
    began: int | None = None
    source: Endpoint | None = None
    sources: dict[Endpoint, None] = field(default_factory=dict)
    targets: dict[Endpoint, None] = field(default_factory=dict)
    final: int | None = None
    hung_up: int | None = None
    refused: int | None = None
    answered: bool = False
    from_user: str = ""
    to_user: str = ""
    wanted: dict[str, None] = field(default_factory=dict)
    referred_by: str = ""
    named: dict[str, None] = field(default_factory=dict)
    replaced: dict[str, None] = field(default_factory=dict)
    referred: dict[str, None] = field(default_factory=dict)
    referrals: dict[Referral, None] = field(default_factory=dict)
    sessions: dict[frozenset[str], None] = field(default_factory=dict)
    origins: dict[tuple[Side, str], None] = field(default_factory=dict)
    media: dict[tuple[Side, Endpoint], None] = field(default_factory=dict)
    # Border controllers that keep the Call-ID give each hop a tag of its own.
    caller_tags: dict[str, None] = field(default_factory=dict)

    @property
    def over(self) -> int | None:
        """When its end was seen. What was refused and answered all the same was a
        branch.
        """
        if self.hung_up is not None or self.answered:
            return self.hung_up
        return self.refused

    @property
    def parties(self) -> tuple[str, str] | None:
        """From whom to whom, where both are known by a name of their own."""
        if self.from_user and self.to_user:
            return self.from_user, self.to_user
        return None

    def take(self, packets: Iterable[SipPacket], headers: Iterable[str]) -> None:
        """Take in what was captured of the call.

        :param headers: the header fields that name another Call-ID.
        """
        for packet in sorted(packets, key=lambda packet: packet.ts):
            self.last_ts = max(self.last_ts, packet.ts)
            payload = packet.payload
            if b"\nsession-id" in payload.lower():
                for found in _SESSION_ID.finditer(payload):
                    self._read_session_id(found[1].decode("ascii", "replace"))
            if payload.startswith(b"SIP/"):
                self._follow(packet)
            elif payload.startswith(b"BYE "):
                self.hung_up = packet.ts
            if _HAS_SDP in payload or payload.startswith((b"INVITE ", b"REFER ")):
                try:
                    message = sip.parse(payload)
                except sip.SipError:
                    continue
                self._read(packet, message, headers)

    def learn(self, other: LegFeatures) -> None:
        """Take in what another collector knows of the same call."""
        self.last_ts = max(self.last_ts, other.last_ts)
        if self.began is None or (other.began is not None and other.began < self.began):
            self.began, self.source = other.began, other.source
            self.from_user, self.to_user = other.from_user, other.to_user
            self.referred_by = other.referred_by
        self.final = min(_known(self.final, other.final), default=None)
        self.answered = self.answered or other.answered
        self.hung_up = max(_known(self.hung_up, other.hung_up), default=None)
        self.refused = max(_known(self.refused, other.refused), default=None)
        _keep_all(self.sources, other.sources)
        _keep_all(self.targets, other.targets)
        _keep_all(self.wanted, other.wanted)
        _keep_all(self.named, other.named)
        _keep_all(self.replaced, other.replaced)
        _keep_all(self.referred, other.referred)
        _keep_all(self.caller_tags, other.caller_tags)
        _keep_all(self.referrals, other.referrals)
        _keep_all(self.sessions, other.sessions)
        _keep_all(self.origins, other.origins)
        _keep_all(self.media, other.media)

    def _follow(self, packet: SipPacket) -> None:
        code = packet.payload[8:11]
        if code[:1] == b"1" or code in (b"401", b"407"):
            return
        peeked = sip.peek(packet.payload)
        if peeked is None or peeked[1] != "INVITE":
            return
        if code[:1] in b"23456" and self.final is None:
            self.final = packet.ts
        if code[:1] == b"2":
            self.answered = True
        elif code[:1] in b"3456":
            self.refused = packet.ts

    def _read(
        self, packet: SipPacket, message: sip.SipMessage, headers: Iterable[str]
    ) -> None:
        if message.method == "INVITE":
            if not _tag(message.get("To")):
                self._read_invite(packet, message)
            for name in headers:
                for value in message.get_all(name):
                    _keep(self.named, _call_id(value))
            _keep(self.replaced, _call_id(message.get("Replaces") or ""))
        elif message.method == "REFER":
            self._read_refer(packet, message)
        description = message.sdp
        if description is not None and self.caller_tags:
            try:
                described = sdp.parse(description)
            except sdp.SdpError:
                return
            self._read_sdp(self._speaker(message), described)

    def _read_invite(self, packet: SipPacket, message: sip.SipMessage) -> None:
        to_user = _user(message.to)
        if self.began is None:
            self.began = packet.ts
            self.source = packet.src
            self.from_user = _user(message.from_)
            self.to_user = to_user
            self.referred_by = _uri(message.get("Referred-By"))
        _keep(self.caller_tags, _tag(message.get("From")))
        _keep(self.sources, packet.src)
        _keep(self.targets, packet.dst)
        _keep(self.wanted, to_user)
        _keep(self.wanted, _user(NameAddr(uri=message.uri or "")))

    def _read_refer(self, packet: SipPacket, message: sip.SipMessage) -> None:
        target = _uri(message.get("Refer-To"))
        uri, _, uri_headers = target.partition("?")
        for pair in uri_headers.split("&"):
            name, _, value = pair.partition("=")
            if name.strip().lower() == "replaces":
                _keep(self.referred, _call_id(unquote(value)))
                return
        if user := _user(NameAddr(uri=uri)):
            by = _uri(message.get("Referred-By"))
            _keep(self.referrals, Referral(packet.ts, packet.dst, user, by))

    def _speaker(self, message: sip.SipMessage) -> Side:
        """Whose session description a message carries."""
        from_caller = _tag(message.get("From")) in self.caller_tags
        return "caller" if from_caller == message.is_request else "callee"

    def _read_sdp(self, side: Side, described: sdp.Sdp) -> None:
        words = described.origin.split()
        if len(words) == 6 and len(words[1].lstrip("0")) >= _MIN_SESSION_DIGITS:
            # The third word is the version, which grows with each new offer.
            _keep(self.origins, (side, " ".join((*words[:2], *words[3:]))))
        for media in described.media:
            if media.rtp is not None:
                _keep(self.media, (side, media.rtp))

    def _read_session_id(self, value: str) -> None:
        own, *parameters = (part.strip().lower() for part in value.split(";"))
        remote = next((p[7:] for p in parameters if p.startswith("remote=")), _NIL)
        known = frozenset({own, remote} - {_NIL})
        if known and all(map(_UUID.fullmatch, known)):
            _keep(self.sessions, known)


def _known(*times: int | None) -> list[int]:
    return [time for time in times if time is not None]


def _keep(kept: dict[_Key, None], item: _Key) -> None:
    if item and len(kept) < MAX_EACH:
        kept[item] = None


def _keep_all(kept: dict[_Key, None], items: Iterable[_Key]) -> None:
    for item in items:
        _keep(kept, item)


def _call_id(value: str) -> str:
    """The Call-ID a header field's value begins with; "" where it cannot be one."""
    name = value.partition(";")[0].strip().strip("<>")
    return name if _NAME.fullmatch(name) else ""


def _tag(value: str | None) -> str:
    """The tag of From or To, quicker than by reading all of the field."""
    # A display name or a URI may hold the same word.
    found = _TAG.search((value or "").rpartition(">")[2])
    return found[1] if found else ""


def _uri(value: str | None) -> str:
    return NameAddr.parse(value).uri if value else ""


def _user(address: NameAddr) -> str:
    user = address.user.lower()
    return "" if user in _NOBODY else user
