"""IP datagrams put together from their fragments (RFC 791, RFC 8200 section 4.5)."""

from __future__ import annotations

from collections import OrderedDict
from dataclasses import dataclass
from dataclasses import field
from typing import NamedTuple

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

#: How long after a datagram became whole a fragment of it is another copy, as a mirror
#: port makes them, and not of a datagram whose number is the same.
LATE_COPY_NS = 1_000_000_000


class FragmentKey(NamedTuple):
    """What the fragments of one datagram have in common (RFC 791, RFC 8200 4.5)."""

    src: bytes
    dst: bytes
    protocol: int
    identification: int


class Unfinished(NamedTuple):
    """The beginning of a datagram of which not all fragments came.

    :param ts: when the first of its fragments came, in nanoseconds.
    :param payload: from its first byte up to the first gap.
    :param cut: how many bytes at the end of ``payload``'s last fragment the capture
        cut off; 0 where it is fragments that are missing.
    :param gaps: the offset and size of each stretch of fragments that never came; the
        size of the last one is None where the end is not known.
    :param fragment_size: how many bytes its first fragment carried.
    :param fragments: how many came.
    """

    key: FragmentKey
    ts: int
    payload: bytes
    cut: int
    gaps: list[tuple[int, int | None]]
    fragment_size: int
    fragments: int

    def fragments_missing(self, size: int) -> int:
        """How many fragments never came, if they were as long as the first.

        :param size: of the datagram's payload, as its own header has it.
        """
        sizes = (
            max(size - offset, 1) if gap is None else gap for offset, gap in self.gaps
        )
        return sum(-(-gap // max(self.fragment_size, 1)) for gap in sizes)


@dataclass(slots=True)
class _Incomplete:
    since: int
    pieces: dict[int, bytes] = field(default_factory=dict)
    held: int = 0
    total: int | None = None
    # How much of the fragment at an offset the capture cut off.
    cut: dict[int, int] = field(default_factory=dict)

    def joined(self) -> bytes | None:
        """All of it, or None while there is a gap. Where fragments overlap, the bytes
        at the lower offset's fragment count."""
        whole = bytearray()
        for offset in sorted(self.pieces):
            if offset > len(whole):
                return None
            whole += self.pieces[offset][len(whole) - offset :]
        return bytes(whole[: self.total])

    def beginning(self, key: FragmentKey) -> Unfinished | None:
        """What can be told of it without the rest; None if its first bytes are gone."""
        if 0 not in self.pieces:
            return None
        prefix = bytearray()
        reached = cut = 0
        gaps: list[tuple[int, int | None]] = []
        for offset in sorted(self.pieces):
            piece = self.pieces[offset]
            if offset > reached:
                gaps.append((reached, offset - reached))
            if offset <= len(prefix) and not cut:
                prefix += piece[len(prefix) - offset :]
                cut = self.cut.get(offset, 0)
            reached = max(reached, offset + len(piece) + self.cut.get(offset, 0))
        if self.total is None:
            gaps.append((reached, None))
        first = len(self.pieces[0]) + self.cut.get(0, 0)
        came = len(self.pieces)
        return Unfinished(key, self.since, bytes(prefix), cut, gaps, first, came)


class Reassembler:
    """The datagrams that are still incomplete, in bounded memory: the oldest go first.

    Of one that never becomes whole its beginning is given up, see
    :meth:`take_unfinished`.
    """

    def __init__(self) -> None:
        self._pending: OrderedDict[FragmentKey, _Incomplete] = OrderedDict()
        self._unfinished: list[Unfinished] = []
        # When datagrams became whole, for copies of their fragments.
        self._whole: OrderedDict[FragmentKey, int] = OrderedDict()
        self.held = 0
        #: How many fragments the datagram had that :meth:`add` gave last.
        self.last_count = 0

    def take_unfinished(self) -> list[Unfinished]:
        """The beginnings of datagrams that were given up since this was last asked."""
        taken, self._unfinished = self._unfinished, []
        return taken

    def flush(self) -> list[Unfinished]:
        """Nothing more will come: the beginnings of all that is still incomplete."""
        while self._pending:
            self._give_up(next(iter(self._pending)))
        return self.take_unfinished()

    def add(
        self,
        ts: int,
        datagram: FragmentKey,
        offset: int,
        data: bytes,
        more: bool,
        missing: int = 0,
    ) -> bytes | None:
        """Take a fragment in; the datagram's payload, if that was its last piece.

        :param ts: of the frame, in nanoseconds.
        :param datagram: what tells the datagram.
        :param offset: of the fragment, in bytes.
        :param more: whether a later part of the datagram exists (the MF bit).
        :param missing: how many bytes of the fragment the capture cut off.
        """
        if offset + len(data) + missing > MAX_DATAGRAM:
            return None
        oldest = next(iter(self._pending.items()), None)
        if oldest is not None and ts - oldest[1].since > TIMEOUT_NS:
            self._give_up(oldest[0])
        pending = self._pending.get(datagram)
        if pending is not None and abs(ts - pending.since) > TIMEOUT_NS:
            # The identification came round again.
            self._give_up(datagram)
            pending = None
        if pending is None:
            pending = self._pending[datagram] = _Incomplete(ts)
        have = pending.pieces.get(offset, b"")
        if len(data) > len(have):
            pending.pieces[offset] = data
            pending.held += len(data) - len(have)
            self.held += len(data) - len(have)
            if missing:
                pending.cut[offset] = missing
            else:
                pending.cut.pop(offset, None)
        if not more:
            pending.total = offset + len(data) + missing
        if pending.total is not None and pending.held >= pending.total:
            whole = pending.joined()
            if whole is not None and len(whole) == pending.total:
                self.held -= self._pending.pop(datagram).held
                self.last_count = len(pending.pieces)
                self._whole.pop(datagram, None)
                self._whole[datagram] = ts
                if len(self._whole) > MAX_PENDING:
                    self._whole.popitem(last=False)
                return whole
        if len(pending.pieces) > MAX_FRAGMENTS:
            self._give_up(datagram)
        while len(self._pending) > MAX_PENDING or self.held > MAX_HELD:
            self._give_up(next(iter(self._pending)))
        return None

    def _give_up(self, datagram: FragmentKey) -> None:
        pending = self._pending.pop(datagram)
        self.held -= pending.held
        whole_at = self._whole.get(datagram)
        if whole_at is not None and abs(pending.since - whole_at) < LATE_COPY_NS:
            return
        beginning = pending.beginning(datagram)
        if beginning is not None:
            self._unfinished.append(beginning)
