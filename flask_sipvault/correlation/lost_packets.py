"""To which calls an ICMP error, a TCP reset or a SYN without an answer belongs.

What it quotes of the packet that did not arrive decides: its Call-ID where it reaches
that far; otherwise the message that was just sent from the one address to the other, by
its size where several were; of RTP and RTCP the media addresses. A connection that was
refused carried no message: then the call counts one of whose messages names the address
in a Contact, a route or a URI.
"""

from __future__ import annotations

import re
from collections import deque
from collections import OrderedDict
from collections.abc import Iterable
from collections.abc import Sequence
from typing import NamedTuple

from ..evidence import NetworkEvent
from ..evidence import SipPacket
from ..protocols import sip
from ..protocols.address import Endpoint
from ..protocols.network_error import NetworkError
from .media_index import MediaIndex

#: How long after a message an error may be about it, in ns: what answers at all does so
#: within seconds, a reassembly is given up after 60 s (RFC 8200 section 4.5).
ABOUT_NS = 120_000_000_000

#: How far from the message that names its address a connection is refused, in ns:
#: 64 * T1, as long as a transaction tries (RFC 3261 section 17.1.1.2).
NAMED_NS = 32_000_000_000

#: Messages that are remembered from one address to another, and pairs of addresses.
_MESSAGES, _PAIRS = 64, 4096

#: An address in a URI or a Via. More names in one message are passed over.
_NAMED = re.compile(
    rb"[@: ]((?:[0-9]{1,3}\.){3}[0-9]{1,3}|\[[0-9A-Fa-f:.]{2,45}\])(?::([0-9]{1,5}))?"
)
_MAX_NAMES = 64

#: Where a URI names no port (RFC 3261 section 19.1.2).
_DEFAULT_PORTS = (5060, 5061)


class _Sent(NamedTuple):
    ts: int
    size: int
    call_id: str


class LostPackets:
    """Whose packet it was that an error is about. Memory is bounded.

    :param media: which call had which address for its media.
    """

    def __init__(self, media: MediaIndex) -> None:
        self._media = media
        # The last messages from one address to another; the pair longest without one
        # first.
        self._sent: OrderedDict[tuple[Endpoint, Endpoint], deque[_Sent]] = OrderedDict()

    def note(
        self, ts: int, src: Endpoint, dst: Endpoint, size: int, call_id: str
    ) -> None:
        """Note a SIP message.

        :param size: in bytes, what is missing of it too.
        """
        key = src, dst
        sent = self._sent.get(key)
        if sent is None:
            sent = self._sent[key] = deque(maxlen=_MESSAGES)
            if len(self._sent) > _PAIRS:
                self._sent.popitem(last=False)
        else:
            self._sent.move_to_end(key)
        sent.append(_Sent(ts, size, call_id))

    def owners(self, ts: int, error: NetworkError) -> list[str]:
        """The calls whose SIP message an error is about, by the messages noted so far.

        A connection that breaks concerns all calls whose messages it just carried.

        :param ts: of the error, in ns since the epoch.
        """
        named = quoted_call_id(error)
        if named is not None:
            return [named]
        forth = self._sent.get((error.lost_src, error.lost_dst), ())
        if error.transport != "udp":
            back = self._sent.get((error.lost_dst, error.lost_src), ())
            carried = [it for it in (*forth, *back) if abs(ts - it.ts) <= NAMED_NS]
            return list(dict.fromkeys(it.call_id for it in carried))
        before = [it for it in forth if 0 <= ts - it.ts <= ABOUT_NS]
        same = [it for it in before if it.size == error.lost_size] or before
        return [max(same, key=lambda it: it.ts).call_id] if same else []

    def late_owners(
        self,
        events: Sequence[NetworkEvent],
        messages: Iterable[tuple[str, Iterable[SipPacket]]],
    ) -> list[list[str]]:
        """The calls of errors that :meth:`owners` did not know in time, one list for
        each error.

        :param messages: of each call those at hand, for connections that were refused.
        """
        found = [self._late(event) for event in events]
        refused = [
            (place, event)
            for place, event in enumerate(events)
            if not found[place] and event.error.transport != "udp"
        ]
        if refused:
            named = _NamedAddresses(event.error for _, event in refused)
            for call_id, packets in messages:
                named.look_at(call_id, packets)
            for place, event in refused:
                owner = named.call_id(event.ts, event.error)
                found[place] = [] if owner is None else [owner]
        return found

    def _late(self, event: NetworkEvent) -> list[str]:
        ts, error = event.ts, event.error
        owners = self.owners(ts, error)
        if owners or error.transport != "udp":
            return owners
        owner = self._media.owner(ts, error.lost_src, error.lost_dst)
        return [] if owner is None else [owner]


def quoted_call_id(error: NetworkError) -> str | None:
    """The Call-ID in the SIP message that an error quotes; None where there is none."""
    whole_lines = error.quoted[: error.quoted.rfind(b"\n") + 1]
    found = sip.peek(whole_lines) if whole_lines else None
    return found[0] if found and found[0] else None


class _NamedAddresses:
    """Which calls name an address that a connection was refused at, and when.

    :param errors: the errors to look for, so that only their addresses are looked at.
    """

    def __init__(self, errors: Iterable[NetworkError]) -> None:
        self._wanted = {(it.lost_src.ip, it.lost_dst) for it in errors}
        self._clients = {client for client, _ in self._wanted}
        self._servers = {server for _, server in self._wanted}
        self._found: dict[tuple[str, Endpoint], list[tuple[int, str]]] = {}

    def look_at(self, call_id: str, packets: Iterable[SipPacket]) -> None:
        """Take in a call's messages."""
        for packet in packets:
            clients = self._clients.intersection((packet.src.ip, packet.dst.ip))
            if not clients:
                continue
            servers = {packet.src, packet.dst, *_names(packet.payload)} & self._servers
            for server in servers:
                for client in clients:
                    if (client, server) in self._wanted:
                        found = self._found.setdefault((client, server), [])
                        found.append((packet.ts, call_id))

    def call_id(self, ts: int, error: NetworkError) -> str | None:
        """The call that was to go there, next to the error in time."""
        found = self._found.get((error.lost_src.ip, error.lost_dst), ())
        nearest = min(found, key=lambda it: abs(it[0] - ts), default=None)
        if nearest is None or abs(nearest[0] - ts) > NAMED_NS:
            return None
        return nearest[1]


def _names(payload: bytes) -> Iterable[Endpoint]:
    head = payload.partition(b"\r\n\r\n")[0]
    for count, match in enumerate(_NAMED.finditer(head)):
        if count == _MAX_NAMES:
            return
        ip = match[1].decode("ascii").strip("[]")
        ports = (int(match[2]),) if match[2] else _DEFAULT_PORTS
        for port in ports:
            yield Endpoint(ip, port)
