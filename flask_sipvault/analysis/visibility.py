"""What the capture of a call can show, and what it cannot.

Nothing may be concluded from the absence of what would not have been seen: a rule asks
here first (:meth:`Visibility.would_show`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from itertools import pairwise
from typing import cast
from typing import Literal

from ..evidence import Evidence
from ..protocols.address import Endpoint
from .sip.dialogs import Dialog
from .sip.messages import Message
from .sip.transactions import Transaction

LimitKind = Literal[
    "one-direction",
    "began-late",
    "ended-early",
    "messages-missing",
    "captured-twice",
    "clock-step",
    "clocks-differ",
    "frames-cut",
    "fragments-missing",
    "no-media-captured",
    "encrypted",
]

#: A response cannot be earlier than its request. By less than this it is out of order
#: because several processes or queues stamped the messages of one host.
_SAME_CLOCK_NS = 50_000_000

#: So many messages are named of each kind; a capture may lack thousands.
_MOST_NAMED = 50


@dataclass(frozen=True, slots=True)
class Limit:
    """One thing that the capture does not show, or shows otherwise than it was.

    :param numbers: the messages that tell, by number.
    :param hosts: between which two hosts it holds: of ``one-direction`` the sender
        whose messages are missing comes first; None for the whole capture.
    :param count: how many messages are missing, or packets were cut off or captured
        more than once; of ``fragments-missing`` how many fragments.
    :param ns: of ``clock-step`` and ``clocks-differ`` at least so much.
    """

    kind: LimitKind
    numbers: tuple[int, ...] = ()
    hosts: tuple[Endpoint, Endpoint] | None = None
    count: int = 0
    ns: int = 0


@dataclass(slots=True)
class Visibility:
    """What the capture shows.

    :param seen: how many messages were captured from one host to another.
    :param last_ts: of the last SIP message.
    """

    limits: list[Limit] = field(default_factory=list)
    seen: dict[tuple[Endpoint, Endpoint], int] = field(default_factory=dict)
    last_ts: int | None = None

    def of(self, kind: LimitKind) -> list[Limit]:
        """The limits of a kind."""
        return [limit for limit in self.limits if limit.kind == kind]

    def has(self, kind: LimitKind) -> bool:
        """Whether there is a limit of a kind."""
        return any(limit.kind == kind for limit in self.limits)

    def would_show(self, source: Endpoint, target: Endpoint) -> bool:
        """Whether a message from one host to another would have been captured, as far
        as can be told: something was seen between the two, and nothing shows that this
        direction is missing.
        """
        if not self.seen.get((source, target)) and not self.seen.get((target, source)):
            return False
        return (source, target) not in self._missing_ways()

    def _missing_ways(self) -> set[tuple[Endpoint, Endpoint]]:
        return {
            limit.hosts
            for limit in self.limits
            if limit.kind == "one-direction" and limit.hosts is not None
        }


def find_visibility(
    evidence: Evidence,
    messages: Sequence[Message],
    transactions: Sequence[Transaction],
    dialogs: Sequence[Dialog],
) -> Visibility:
    """What the capture shows of a call."""
    seen: dict[tuple[Endpoint, Endpoint], int] = defaultdict(int)
    for message in messages:
        if message.copy_of is None:
            seen[message.origin, message.target] += 1
    visibility = Visibility(seen=dict(seen))
    visibility.last_ts = messages[-1].ts if messages else None
    proofs = _unseen_messages(messages, transactions)
    limits = [
        *_one_direction(visibility.seen, proofs),
        *_began_late(transactions, dialogs),
        *_ended_early(evidence, dialogs),
        *_missing(visibility.seen, proofs, transactions, dialogs),
        *_copies(evidence, messages),
        *_incomplete(evidence, messages),
        *_clocks(evidence, transactions),
        *_no_media(evidence, dialogs),
        *_encrypted(messages),
    ]
    visibility.limits = limits
    return visibility


#: A message that was not captured though another shows that it was sent: from where,
#: to where, and the number of the message that shows it.
_Unseen = tuple[Endpoint, Endpoint, int]


def _unseen_messages(
    messages: Sequence[Message], transactions: Sequence[Transaction]
) -> list[_Unseen]:
    """What must have been sent, by what answers it."""
    unseen: list[_Unseen] = []
    reliable = {
        each.from_tag
        for each in transactions
        if each.method == "INVITE"
        if any(response.header("RSeq") for response in each.provisional)
    }
    acknowledged: set[int] = set()
    answered = {
        (each.leg, each.from_tag, response.to_tag)
        for each in transactions
        if each.method == "INVITE"
        for response in each.finals
    }
    for each in transactions:
        if each.request is None and each.responses:
            unseen.append((each.client, each.server, each.responses[0].n))
        if each.method == "INVITE":
            acknowledged.update(ack.n for ack in each.acks)
            if each.acks and not each.finals:
                unseen.append((each.server, each.client, each.acks[0].n))
        elif (
            each.method == "PRACK"
            and each.request is not None
            and each.from_tag not in reliable
        ):
            unseen.append((each.server, each.client, each.request.n))
    for message in messages:
        if (
            message.method == "ACK"
            and message.copy_of is None
            and message.retransmission_of is None
            and message.n not in acknowledged
            and (message.leg, message.from_tag, message.to_tag) not in answered
        ):
            # Of a 2xx that no hop shows: it went another way, or was not captured.
            unseen.append((message.target, message.origin, message.n))
    return unseen


def _one_direction(
    seen: dict[tuple[Endpoint, Endpoint], int], proofs: Sequence[_Unseen]
) -> Iterator[Limit]:
    """Host pairs of which only one side's sending was captured, where something shows
    that the other side sent too.
    """
    numbers: dict[tuple[Endpoint, Endpoint], list[int]] = defaultdict(list)
    for source, target, n in proofs:
        if not seen.get((source, target)):
            numbers[source, target].append(n)
    for hosts, found in numbers.items():
        named = tuple(found[:_MOST_NAMED])
        yield Limit("one-direction", named, hosts, len(found))


def _began_late(
    transactions: Sequence[Transaction], dialogs: Sequence[Dialog]
) -> Iterator[Limit]:
    legs = {each.leg for each in transactions}
    for leg in sorted(legs):
        ours = [each for each in transactions if each.leg == leg]
        if any(t.method == "INVITE" and not t.in_dialog and t.request for t in ours):
            continue
        late = [d for d in dialogs if d.leg == leg]
        if late or any(t.in_dialog or t.method == "INVITE" for t in ours):
            yield Limit("began-late", (ours[0].first.n,))


def _ended_early(evidence: Evidence, dialogs: Sequence[Dialog]) -> Iterator[Limit]:
    if evidence.state == "PARTIAL":
        return  # it is still up
    for dialog in dialogs:
        if dialog.state == "confirmed" and dialog.confirmed is not None:
            yield Limit("ended-early", (dialog.confirmed.n,))


def _missing(
    seen: dict[tuple[Endpoint, Endpoint], int],
    proofs: Sequence[_Unseen],
    transactions: Sequence[Transaction],
    dialogs: Sequence[Dialog],
) -> Iterator[Limit]:
    """Single messages that are missing of a direction that was captured."""
    numbers: dict[tuple[Endpoint, Endpoint], list[int]] = defaultdict(list)
    for source, target, n in proofs:
        if seen.get((source, target)):
            numbers[source, target].append(n)
    for hosts, found in numbers.items():
        yield Limit("messages-missing", tuple(found[:_MOST_NAMED]), hosts, len(found))
    gaps = sorted({*_cseq_gaps(transactions), *_rseq_gaps(dialogs)})
    if gaps:
        yield Limit("messages-missing", tuple(gaps[:_MOST_NAMED]), None, len(gaps))


def _cseq_gaps(transactions: Sequence[Transaction]) -> Iterator[int]:
    """Where a side's CSeq number goes up by more than one: it sent something in between
    (RFC 3261 section 12.2.1.1). The dialogs of a fork may share their numbers.
    """
    numbers: dict[tuple[str, str], dict[int, int]] = defaultdict(dict)
    for each in transactions:
        if each.cseq is not None:
            used = numbers[each.leg, each.from_tag]
            used.setdefault(each.cseq, each.first.n)
    for used in numbers.values():
        for before, after in pairwise(sorted(used)):
            if after > before + 1 and used[after] > used[before]:
                yield used[after]


def _rseq_gaps(dialogs: Sequence[Dialog]) -> Iterator[int]:
    """The same of reliable provisional responses (RFC 3262 section 3)."""
    for dialog in dialogs:
        for one, other in pairwise(dialog.reliable):
            if other.rseq > one.rseq + 1:
                yield other.response.n


def _copies(evidence: Evidence, messages: Sequence[Message]) -> Iterator[Limit]:
    copies = [message.n for message in messages if message.copy_of is not None]
    count = len(copies) + evidence.capture.duplicates
    if count:
        yield Limit("captured-twice", tuple(copies[:_MOST_NAMED]), None, count)


def _incomplete(evidence: Evidence, messages: Sequence[Message]) -> Iterator[Limit]:
    """Packets that the snap length cut off, and fragments that never came."""
    facts = evidence.capture
    for kind, why, count in (
        ("frames-cut", "cut", facts.frames_cut),
        ("fragments-missing", "fragments", facts.fragments_missing),
    ):
        if count:
            numbers = [message.n for message in messages if message.incomplete == why]
            yield Limit(
                cast(LimitKind, kind), tuple(numbers[:_MOST_NAMED]), None, count
            )


def _clocks(evidence: Evidence, transactions: Sequence[Transaction]) -> Iterator[Limit]:
    """A clock that was set while it captured; responses before their requests, and
    requests before they were received.
    """
    if evidence.capture.clock_steps:
        yield Limit("clock-step", count=evidence.capture.clock_steps)
    early: list[tuple[int, int]] = []
    for each in transactions:
        if each.request is None:
            continue
        before = [m for m in each.responses[:1] if m.ts < each.request.ts]
        early += [(each.request.ts - m.ts, m.n) for m in before]
        above = each.upstream.request if each.upstream is not None else None
        if above is not None and each.request.ts < above.ts:
            early.append((above.ts - each.request.ts, each.request.n))
    wrong = [(ns, n) for ns, n in early if ns > _SAME_CLOCK_NS]
    if wrong:
        several = len(evidence.agents) > 1
        numbers = tuple(n for _, n in wrong[:_MOST_NAMED])
        kind: LimitKind = "clocks-differ" if several else "clock-step"
        yield Limit(kind, numbers, None, len(wrong), max(ns for ns, _ in wrong))


def _no_media(evidence: Evidence, dialogs: Sequence[Dialog]) -> Iterator[Limit]:
    up = [d.confirmed for d in dialogs if d.confirmed is not None]
    if up and not (evidence.media or evidence.rtcp or evidence.reports):
        yield Limit("no-media-captured", (up[0].n,))


def _encrypted(messages: Sequence[Message]) -> Iterator[Limit]:
    """Hops that a message had taken over TLS before it was captured in the clear, and
    of which nothing was captured: there the signalling cannot be read.
    """
    addresses = {end.ip for m in messages for end in (m.src, m.dst)}
    named: dict[str, int] = {}
    for message in messages:
        if message.sip is None or message.kind != "request" or message.copy_of:
            continue
        for via in message.vias[1:]:
            secure = via.transport.upper() in ("TLS", "WSS", "TLS-SCTP")
            received = via.params.get("received") or via.host
            if secure and received not in addresses:
                named.setdefault(received, message.n)
    if named:
        numbers = tuple(sorted(set(named.values()))[:_MOST_NAMED])
        yield Limit("encrypted", numbers, None, len(named))
