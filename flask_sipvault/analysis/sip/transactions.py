"""Transactions (RFC 3261 section 17): a request with the responses to it, hop by hop.

Through a proxy one request makes a transaction at each hop, with a branch of its own;
:attr:`Transaction.upstream` and :attr:`Transaction.downstream` link them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...protocols.address import Endpoint
from ...protocols.address import Transport
from . import timers
from .message import Message
from .message import names_a_transaction

#: Max-Forwards begins at 70 (RFC 3261 section 8.1.1.6).
MAX_HOPS = 70

#: Requests that are only sent within a dialog (RFC 3261 section 15, RFC 3262, RFC
#: 3311).
_IN_DIALOG = frozenset({"BYE", "PRACK", "UPDATE", "INFO"})

#: What was waited for in vain: a response to an INVITE (timer B), the final response to
#: another request (F), the ACK of a refusal (H), the ACK of a 2xx (section 13.3.1.4).
TimeOut = Literal["B", "F", "H", "ACK"]


@dataclass(slots=True, eq=False)
class Transaction:
    """One request at one hop. Copies of a mirror port are left out of all lists.

    :param number: from 1, in the order of their first messages.
    :param method: of the CSeq. An ACK is part of the INVITE's transaction here, also
        the ACK of a 2xx, which by RFC 3261 is none of it.
    :param client: the host that sent the request, ``server`` the one it was sent to.
    :param leg: the letter of its leg where several are shown as one call; "" otherwise.
    :param request: the first sending; None where only responses were captured.
    :param retransmissions: further sendings of the request.
    :param responses: in order of time, the first sending of each.
    :param repeated: further sendings of responses.
    :param acks: all sendings of the ACKs that this client sent: one refusal or several
        2xx (of a fork) may have been acknowledged.
    :param cancel: the CANCEL of this INVITE at this hop.
    :param cancels: of a CANCEL, the INVITE that it is for.
    :param upstream: the same request one hop nearer to who sent it, as far as captured.
    :param downstream: where this request was passed on to: several of a fork, or of
        targets tried one after the other.
    :param unseen_hops: how many proxies between this hop and :attr:`upstream` were not
        captured, by the Via fields.
    :param answer: the first 2xx.
    :param refusal: the first response from 300 on; None for what was accepted too.
    :param timed_out: what was waited for in vain, as long as the capture shows.
    """

    number: int
    method: str
    branch: str
    cseq: int | None
    from_tag: str
    client: Endpoint
    server: Endpoint
    transport: Transport
    leg: str = ""
    request: Message | None = None
    retransmissions: list[Message] = field(default_factory=list)
    responses: list[Message] = field(default_factory=list)
    repeated: list[Message] = field(default_factory=list)
    acks: list[Message] = field(default_factory=list)
    cancel: Transaction | None = field(default=None, repr=False)
    cancels: Transaction | None = field(default=None, repr=False)
    upstream: Transaction | None = field(default=None, repr=False)
    downstream: list[Transaction] = field(default_factory=list, repr=False)
    unseen_hops: int = 0
    timed_out: TimeOut | None = None
    answer: Message | None = None
    refusal: Message | None = None
    _by_tag: dict[str, list[Message]] = field(default_factory=dict, repr=False)
    _again: dict[int, list[Message]] = field(default_factory=dict, repr=False)
    _acks_by_tag: dict[str, list[Message]] = field(default_factory=dict, repr=False)

    @property
    def to_tag(self) -> str:
        """The request's To tag; "" for a request outside of a dialog, or not seen."""
        if self.request is not None:
            return self.request.to_tag
        # The response to a request outside of a dialog may make one; these do not.
        inside = self.method in _IN_DIALOG and self.responses
        return self.responses[0].to_tag if inside else ""

    @property
    def in_dialog(self) -> bool:
        """Whether the request was sent within a dialog. Of an INVITE that was not
        captured this is not known, and False.
        """
        return bool(self.to_tag)

    @property
    def first(self) -> Message:
        """The earliest message of it."""
        # A strange capture may show nothing but repeated responses of it.
        firsts = [self.request, *self.responses[:1], *self.repeated[:1], *self.acks[:1]]
        return min(filter(None, firsts), key=lambda message: message.ts)

    @property
    def sendings(self) -> list[Message]:
        """The request, as often as it was sent."""
        return [*([self.request] if self.request else []), *self.retransmissions]

    @property
    def provisional(self) -> list[Message]:
        """The 1xx responses."""
        return [m for m in self.responses if m.code < 200]

    @property
    def finals(self) -> list[Message]:
        """The final responses: through a forking proxy, several 2xx."""
        return [m for m in self.responses if m.code >= 200]

    @property
    def final(self) -> Message | None:
        """What decided: the first 2xx, or else the first refusal."""
        return self.answer or self.refusal

    def sendings_of(self, response: Message) -> list[Message]:
        """A response, as often as it was sent."""
        return [response, *self._again.get(response.n, [])]

    def responses_of(self, to_tag: str) -> list[Message]:
        """Those of one side of a fork, in order of time."""
        return self._by_tag.get(to_tag, [])

    def acks_of(self, response: Message) -> list[Message]:
        """The ACKs of a final response: of a fork, by its To tag."""
        acks = self._acks_by_tag.get(response.to_tag, [])
        if not response.to_tag:
            acks = self.acks
        elif "" in self._acks_by_tag:
            acks = sorted([*acks, *self._acks_by_tag[""]], key=lambda ack: ack.n)
        return [ack for ack in acks if ack.n > response.n]

    def index(self) -> None:
        """Sort its messages by tag and by sending, once they are complete."""
        for response in self.responses:
            self._by_tag.setdefault(response.to_tag, []).append(response)
        finals = self.finals
        self.answer = next((m for m in finals if m.code < 300), None)
        self.refusal = None if self.answer else next(iter(finals), None)
        for again in self.repeated:
            self._again.setdefault(again.retransmission_of or 0, []).append(again)
        for ack in self.acks:
            self._acks_by_tag.setdefault(ack.to_tag, []).append(ack)


def find_transactions(messages: list[Message]) -> list[Transaction]:
    """The transactions in order of time. Each message is told its own."""
    _match(messages)
    transactions = _collect(messages)
    _attach_acks(messages, transactions)
    _attach_cancels(transactions)
    _link_hops(transactions)
    end = messages[-1].ts if messages else 0
    for transaction in transactions:
        transaction.index()
        transaction.timed_out = _time_out(transaction, end)
    return transactions


def _match(messages: list[Message]) -> None:
    """Give each message the number of the request that opened its transaction."""
    once = [m for m in messages if m.copy_of is None]
    known = _Opened()
    for message in once:
        if message.kind == "request" and message.method != "ACK":
            message.transaction = known.open(message)
    refused: set[int | None] = set()
    for message in once:
        if message.kind == "response":
            message.transaction = known.named(
                message, message.cseq_method
            ) or known.between(
                message, message.cseq_method, message.target, message.origin
            )
            if message.code >= 300:
                refused.add(message.transaction)
    for message in once:
        if message.method == "ACK":
            invite = known.named(message, "INVITE") or known.between(
                message, "INVITE", message.origin, message.target
            )
            same_branch = invite == known.named(message, "INVITE")
            if invite and (same_branch or invite in refused):
                message.transaction = invite
            else:
                message.transaction = known.open(message)
    by_number = {m.n: m for m in once}
    for message in messages:
        if message.copy_of is not None:
            message.transaction = by_number[message.copy_of].transaction


class _Opened:
    """The transactions that a request was seen to open, by branch, CSeq number and
    method (RFC 3261 sections 17.1.3 and 17.2.3).

    Where the branch says nothing, or belongs to no request seen (some senders change
    it on the way), the CSeq between the same two hosts decides.
    """

    def __init__(self) -> None:
        self._opened: dict[Hashable, int] = {}
        self._between: dict[Hashable, int] = {}

    def open(self, request: Message) -> int:
        method = request.method
        way = (
            *(request.leg, request.cseq_number, method),
            *(request.origin, request.target),
        )
        name = _name(request, method) or (request.branch, way)
        transaction = self._opened.setdefault(name, request.n)
        self._between.setdefault(way, transaction)
        return transaction

    def named(self, message: Message, method: str) -> int | None:
        name = _name(message, method)
        return self._opened.get(name) if name else None

    def between(
        self, message: Message, method: str, client: Endpoint, server: Endpoint
    ) -> int | None:
        way = (message.leg, message.cseq_number, method, client, server)
        return self._between.get(way)


def _name(message: Message, method: str) -> Hashable:
    """What names a transaction on its own; None where the branch does not."""
    if not names_a_transaction(message.branch):
        return None
    # A sender that uses one branch for all its requests exists; the CSeq helps there.
    return message.leg, message.branch, message.cseq_number, method


def _collect(messages: list[Message]) -> list[Transaction]:
    """A transaction for each request at each hop, with its responses."""
    found: dict[Hashable, Transaction] = {}
    hops: dict[int, list[Transaction]] = defaultdict(list)
    for message in messages:
        if message.copy_of is not None or message.sip is None:
            continue
        if message.kind == "response":
            transaction = _of_response(message, found, hops)
            # Its first sending may count for another transaction, by its addresses.
            if message.retransmission_of is None or not transaction.responses:
                transaction.responses.append(message)
            else:
                transaction.repeated.append(message)
        elif message.method != "ACK":
            # One branch at two hops: captured on both sides of a NAT.
            key = (message.transaction, message.origin, message.target)
            known = found.get(key)
            if known is None:
                known = _new(found, key, message, message.origin, message.target)
                hops[message.transaction or 0].append(known)
            if known.request is None:
                known.request = message
                known.branch = message.branch
            elif message is not known.request:
                known.retransmissions.append(message)
    # A response may be stamped earlier than its request, by another clock.
    ordered = sorted(found.values(), key=lambda each: each.first.n)
    for number, transaction in enumerate(ordered, 1):
        transaction.number = number
    return ordered


def _of_response(
    message: Message,
    found: dict[Hashable, Transaction],
    hops: dict[int, list[Transaction]],
) -> Transaction:
    if message.transaction is not None:
        key: Hashable = (message.transaction, message.target, message.origin)
        known = found.get(key)
        if known is not None:
            return known
        candidates = hops.get(message.transaction, [])
        same_client = [t for t in candidates if t.client.ip == message.target.ip]
        if same_client or candidates:
            # Answered from another address than the request was sent to.
            return (same_client or candidates)[0]
        # Stamped earlier than its request: made now, completed by the request.
        made = _new(found, key, message, message.target, message.origin)
        hops[message.transaction].append(made)
        return made
    key = (
        _name(message, message.cseq_method),
        *(message.leg, message.cseq_number, message.cseq_method, message.from_tag),
        *(message.target, message.origin),
    )
    known = found.get(key)
    if known is None:
        known = _new(found, key, message, message.target, message.origin)
    return known


def _new(
    found: dict[Hashable, Transaction],
    key: Hashable,
    message: Message,
    client: Endpoint,
    server: Endpoint,
) -> Transaction:
    made = found[key] = Transaction(
        0,
        message.cseq_method or message.method,
        message.branch,
        message.cseq_number,
        message.from_tag,
        client,
        server,
        message.transport,
        message.leg,
    )
    return made


def _attach_acks(messages: list[Message], transactions: list[Transaction]) -> None:
    """Give the INVITEs their ACKs: of a refusal by the branch, of a 2xx by the CSeq and
    the tags, from the host that sent the INVITE.
    """
    invites: dict[Hashable, Transaction] = {}
    for each in transactions:
        if each.method != "INVITE":
            continue
        dialog = (each.leg, each.cseq, each.from_tag, each.client)
        tags = {m.to_tag for m in each.finals}
        if each.request is not None:
            opened = (each.request.transaction, each.client, each.server)
            invites.setdefault(opened, each)
        for tag in tags:
            invites.setdefault((dialog, tag, each.server), each)
            invites.setdefault((dialog, tag), each)
        invites.setdefault((dialog, each.server), each)
        invites.setdefault(dialog, each)
    for message in messages:
        if message.method != "ACK" or message.copy_of is not None:
            continue
        client, server, tag = message.origin, message.target, message.to_tag
        dialog = (message.leg, message.cseq_number, message.from_tag, client)
        invite = (
            invites.get((message.transaction, client, server))
            or invites.get((dialog, tag, server))
            or invites.get((dialog, tag))
            or invites.get((dialog, server))
            or invites.get(dialog)
        )
        if invite is not None:
            invite.acks.append(message)


def _attach_cancels(transactions: list[Transaction]) -> None:
    invites: dict[Hashable, Transaction] = {}
    between: dict[Hashable, Transaction] = {}
    for each in transactions:
        way = (each.leg, each.cseq, each.client, each.server)
        if each.method == "INVITE":
            invites[(each.branch, *way)] = each
            between[way] = each
        elif each.method == "CANCEL":
            invite = invites.get((each.branch, *way)) or between.get(way)
            if invite is not None:
                each.cancels = invite
                invite.cancel = invite.cancel or each


def _link_hops(transactions: list[Transaction]) -> None:
    """Find where each request came from: by the Vias that it carries on, or, through
    something that hides these, by the host that received it just before.
    """
    groups: dict[Hashable, list[Transaction]] = defaultdict(list)
    for each in transactions:
        if each.request is not None:
            groups[each.leg, each.method, each.cseq, each.from_tag].append(each)
    for group in groups.values():
        if len(group) > 1:
            _link_group(group)


def _link_group(group: list[Transaction]) -> None:
    by_branch: dict[str, Transaction] = {}
    for each in group:
        by_branch.setdefault(each.branch, each)
    for each in group:
        assert each.request is not None
        branches = each.request.branches
        for depth, branch in enumerate(branches[1:]):
            above = by_branch.get(branch)
            # What was passed on has one Via more: nothing can be its own origin.
            if above and above.request and len(above.request.branches) < len(branches):
                each.upstream, each.unseen_hops = above, depth
                break
    received: dict[str, Transaction] = {}
    for each in group:
        assert each.request is not None
        above = received.get(each.client.ip)
        # Without Vias of others it may have hidden them; with others it did not.
        if above and len(each.request.branches) <= 1 and not _comes_from(above, each):
            each.upstream = above
        received[each.server.ip] = each
        if each.upstream is not None:
            each.upstream.downstream.append(each)


def _comes_from(transaction: Transaction, other: Transaction) -> bool:
    """Whether one is the other, passed on, or came further than requests can."""
    at: Transaction | None = transaction
    for _hop in range(MAX_HOPS):
        if at is None:
            return False
        if at is other:
            return True
        at = at.upstream
    return True


def _time_out(transaction: Transaction, end: int) -> TimeOut | None:
    """What was waited for in vain until a timer of 64*T1 ran out, before the capture's
    end, by the defaults of these timers.
    """
    enough = timers.TIMER_B - timers.TOLERANCE
    request, final = transaction.request, transaction.final
    if final is None:
        if request is None or end - request.ts < enough:
            return None
        if transaction.method == "INVITE":
            return "B" if not transaction.responses else None
        return "F"
    if transaction.method != "INVITE":
        return None
    acked = {ack.to_tag for ack in transaction.acks}
    for each in transaction.finals:
        if end - each.ts >= enough and not acked & {each.to_tag, ""}:
            if each.code < 300:
                return "ACK"
            # Over a stream no refusal is repeated, and an ACK is not waited for.
            return "H" if transaction.transport == "udp" else None
    return None


def outermost(transactions: Iterable[Transaction]) -> list[Transaction]:
    """The requests at the hop nearest to who sent them, as far as captured."""
    return [each for each in transactions if each.upstream is None]


def where_refused(transaction: Transaction) -> Transaction:
    """Of a request that was refused the hop where the refusal arose: the furthest from
    who sent the request, as far as captured.
    """
    at = transaction
    for _hop in range(MAX_HOPS):
        refusal = at.refusal
        further = [
            hop
            for hop in at.downstream
            if refusal is not None and hop.refusal and hop.refusal.code == refusal.code
        ]
        if not further:
            break
        at = further[-1]
    return at
