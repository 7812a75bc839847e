"""IP datagrams put together from their fragments (RFC 791, RFC 8200 section 4.5)."""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Hashable
from dataclasses import dataclass
from dataclasses import field

#: How long the first fragment waits for the others (RFC 8200 section 4.5: 60 s).
TIMEOUT_NS = 60_000_000_000

#: How many datagrams may be incomplete at a time.
MAX_PENDING = 1024

#: How many bytes they may hold together.
MAX_HELD = 16 << 20

#: An IPv6 datagram of 64 KiB over the smallest MTU has 53 fragments, an IPv4 one over
#: a MTU of 576 has 119.
MAX_FRAGMENTS = 256

#: What the length fields of IP can say.
MAX_DATAGRAM = 65535


@dataclass(slots=True)
class _Incomplete:
    since: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    total: int | None = None

    def joined(self) -> bytes | None:
        """All of it, or None while there is a gap. Where fragments overlap, the bytes
        at the lower offset's fragment count."""
        whole = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(whole):
                return None
            whole += self.pieces[offset][len(whole) - offset :]
        return bytes(whole[: self.total])


class Reassembler:
    """The datagrams that are still incomplete, in bounded memory: the oldest go first.

    One that never becomes whole gives nothing.
    """

    def __init__(self) -> None:
        self._pending: OrderedDict[Hashable, _Incomplete] = OrderedDict()
        self.held = 0

    def add(
        self, ts: int, datagram: Hashable, offset: int, data: bytes, more: bool
    ) -> bytes | None:
        """Take a fragment in; the datagram's payload, if that was its last piece.

        :param ts: of the frame, in nanoseconds.
        :param datagram: what tells the datagram: addresses, protocol, identification.
        :param offset: of the fragment, in bytes.
        :param more: whether a later part of the datagram exists (the MF bit).
        """
        if offset + len(data) > MAX_DATAGRAM:
            return None
        pending = self._pending.get(datagram)
        if pending is not None and abs(ts - pending.since) > TIMEOUT_NS:
            # The identification came round again.
            self._drop(datagram)
            pending = None
        if pending is None:
            pending = self._pending[datagram] = _Incomplete(ts)
        have = pending.pieces.get(offset, b"")
        if len(data) > len(have):
            pending.pieces[offset] = data
            pending.held += len(data) - len(have)
            self.held += len(data) - len(have)
        if not more:
            pending.total = offset + len(data)
        if pending.total is not None and pending.held >= pending.total:
            whole = pending.joined()
            if whole is not None and len(whole) == pending.total:
                self._drop(datagram)
                return whole
        if len(pending.pieces) > MAX_FRAGMENTS:
            self._drop(datagram)
        while len(self._pending) > MAX_PENDING or self.held > MAX_HELD:
            self._drop(next(iter(self._pending)))
        return None

    def _drop(self, datagram: Hashable) -> None:
        self.held -= self._pending.pop(datagram).held
