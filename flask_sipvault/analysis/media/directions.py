"""Which way media goes: from the caller to the called side, or back."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Sequence

from ...protocols.address import Endpoint
from ...protocols.sdp import Media
from ..sip.messages import Message
from ..sip.setup import CallSetup
from ..sip.sides import Side
from .quality import Direction as Direction


class Directions:
    """Tells the direction of media by who described its addresses.

    A description says where its author receives, on his own or through a relay that
    put its address there for him: what goes there comes from the other side.
    """

    def __init__(self, messages: Sequence[Message], setup: CallSetup | None) -> None:
        # Who receives at an address or sends with an SSRC, as far as it is certain.
        self._sides: dict[Hashable, set[Direction]] = defaultdict(set)
        self._callers = _caller_tags(messages, setup)
        for message in messages:
            if message.sdp is None:
                continue
            side = self.author(message)
            if side is None:
                continue
            for media in message.sdp.media:
                for mark in _marks(media):
                    self._sides[mark].add(side)

    def of(
        self,
        src: Endpoint | None,
        dst: Endpoint | None,
        ssrc: int | None = None,
    ) -> Direction | None:
        """Of a packet of RTP or RTCP; None where it cannot be told.

        Where it goes to tells most surely: a source may be behind NAT.
        """
        receiver = self._side(dst)
        if receiver is not None:
            return opposite(receiver)
        return self._side(src) or self._side(ssrc)

    def author(self, message: Message) -> Direction | None:
        """Which way a message goes, so whose description it brings; None where the
        capture began too late to tell who called.
        """
        if not self._callers:
            return None
        by_caller = message.from_tag in self._callers
        return "uac" if by_caller == (message.kind == "request") else "uas"

    def _side(self, mark: Endpoint | int | None) -> Direction | None:
        sides = self._sides.get(mark, set())
        return next(iter(sides)) if len(sides) == 1 else None


def _caller_tags(messages: Sequence[Message], setup: CallSetup | None) -> set[str]:
    """By the first INVITE at each hop; where it is missing, by its responses."""
    invites = [m for m in messages if m.method == "INVITE" and not m.to_tag]
    if invites:
        return {message.from_tag for message in invites}
    return {setup.caller_tag} if setup is not None else set()


def _marks(media: Media) -> set[Hashable]:
    """What RTP and RTCP of a stream are known by: addresses and SSRCs."""
    ends = {media.rtp, media.rtcp}
    if media.rtp is not None:
        # RTCP goes one port on, or to RTP's port, where one side knows no better.
        ends.add(media.rtp._replace(port=media.rtp.port + 1))
    return {*(end for end in ends if end is not None), *media.ssrcs}


def opposite(direction: Direction) -> Direction:
    """The other one."""
    return "uas" if direction == "uac" else "uac"


_SENDERS: dict[Direction | None, Side | None] = {
    "uac": "caller",
    "uas": "callee",
    None: None,
}


def sender_of(direction: Direction | None) -> Side | None:
    """Who speaks in a direction."""
    return _SENDERS[direction]
