"""Dialogs (RFC 3261 section 12): what two ends that share a pair of tags know of each
other, from the first response with a To tag to the BYE.

A fork makes several dialogs with one caller's tag; something that speaks to both sides
in its own name (a B2BUA that keeps the Call-ID) makes one on each side of it.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections import defaultdict
from collections.abc import Hashable
from collections.abc import Iterable
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...protocols.address import Endpoint
from ...protocols.address import Transport
from ...protocols.sip_fields import host_and_port
from .messages import Message
from .sides import other_side
from .sides import Side
from .transactions import Transaction

#: Methods with a target of their own, which they refresh (RFC 3261 section 12.2, RFC
#: 3311 section 5.1).
_REFRESHES_TARGET = frozenset({"INVITE", "UPDATE"})

_SECOND = 1_000_000_000


@dataclass(frozen=True, slots=True)
class RemoteTarget:
    """Where a side is to be reached: its Contact (RFC 3261 section 12.1.1).

    :param n: the message that brought it, ``ts`` its time.
    :param host: as it stands in the URI, IPv6 without brackets.
    :param port: None where the URI does not say.
    :param transport: the URI's ``transport`` parameter; ``tls`` of a ``sips`` URI
        without one; None where neither says, which means UDP.
    :param source: where the packet came from that brought it.
    :param sent_over: what carried that packet.
    """

    n: int
    ts: int
    uri: str
    host: str
    port: int | None
    transport: str | None
    source: Endpoint
    sent_over: Transport


@dataclass(frozen=True, slots=True)
class SequenceNumber:
    """A side's CSeq number at the first sending of a request.

    :param highest_before: the highest that this side had used before in the dialog;
        None for its first.
    """

    n: int
    ts: int
    number: int
    method: str
    highest_before: int | None


@dataclass(slots=True)
class ReliableResponse:
    """A provisional response that asks for a PRACK (RFC 3262).

    :param sendings: of it, at the hop nearest to who sent it.
    :param prack: the first PRACK that names it; None without.
    """

    response: Message
    rseq: int
    sendings: list[Message]
    prack: Message | None = None


@dataclass(slots=True)
class SessionTimer:
    """The session timer agreed on (RFC 4028).

    :param n: the 2xx that set it, ``ts`` its time.
    :param interval: nanoseconds.
    :param refresher: whose duty the refresh is; None where the 2xx does not say.
    :param refreshes: the 2xx to a re-INVITE or UPDATE since, each of which begins the
        interval anew.
    """

    n: int
    ts: int
    interval: int
    refresher: Side | None
    refreshes: list[Message] = field(default_factory=list)

    @property
    def last_refresh_ts(self) -> int:
        """When the interval began last."""
        return self.refreshes[-1].ts if self.refreshes else self.ts

    @property
    def expires_ts(self) -> int:
        """When the session ends unless it is refreshed."""
        return self.last_refresh_ts + self.interval


@dataclass(slots=True)
class DialogEnd:
    """How a dialog ended.

    :param kind: ``bye``; ``lost``: a request in it met 481 or 408 (RFC 3261 section
        12.2.1.2); ``refused``: an early dialog whose INVITE was refused or cancelled;
        ``other-answered``: an early dialog of a fork in which another side answered.
    :param by: whose BYE it was, or whose request was lost; None where a proxy or B2BUA
        sent one to both sides.
    :param message: the BYE, or its response where itself was not captured; else the
        response that ended it.
    :param answered: the final response of the BYE; None without.
    """

    kind: Literal["bye", "lost", "refused", "other-answered"]
    by: Side | None
    message: Message
    answered: Message | None = None


@dataclass(slots=True, eq=False)
class Dialog:
    """One dialog.

    :param number: from 1, in order of time.
    :param caller_tag: of the side that sent the INVITE.
    :param sides_known: False where the capture began too late to tell who called:
        then the side that sent the first request captured counts as the caller.
    :param hosts: where each side itself is, as far as captured: the hop nearest to it.
    :param invites: the INVITEs that made it, at each hop, nearest to the caller first.
    :param transactions: the requests within it, at each hop, in order of time.
    :param early: the first provisional response with its To tag.
    :param answers: its 2xx, the first sending at each hop in order of time.
    :param acks: all ACKs of those 2xx, at each hop, with all sendings.
    :param route_sets: the Route that each side must put into its requests, in order,
        by the Record-Route of the message that reached it (sections 12.1.1, 12.1.2);
        None where that message was not captured.
    :param targets: where each side is to be reached, in order of time.
    :param sequence: the CSeq numbers that each side used, in order of time.
    :param session: the session timer last set; None without.
    :param end: None while it is up.
    """

    number: int
    leg: str
    caller_tag: str
    callee_tag: str
    sides_known: bool = True
    hosts: dict[Side, Endpoint | None] = field(
        default_factory=lambda: {"caller": None, "callee": None}
    )
    invites: list[Transaction] = field(default_factory=list, repr=False)
    transactions: list[Transaction] = field(default_factory=list, repr=False)
    early: Message | None = None
    answers: list[Message] = field(default_factory=list)
    acks: list[Message] = field(default_factory=list)
    route_sets: dict[Side, list[str] | None] = field(
        default_factory=lambda: {"caller": None, "callee": None}
    )
    targets: dict[Side, list[RemoteTarget]] = field(
        default_factory=lambda: {"caller": [], "callee": []}
    )
    sequence: dict[Side, list[SequenceNumber]] = field(
        default_factory=lambda: {"caller": [], "callee": []}
    )
    reliable: list[ReliableResponse] = field(default_factory=list)
    session: SessionTimer | None = None
    end: DialogEnd | None = None

    @property
    def tags(self) -> frozenset[str]:
        """Both."""
        return frozenset((self.caller_tag, self.callee_tag))

    @property
    def answer(self) -> Message | None:
        """The 2xx, where it was seen first."""
        return self.answers[0] if self.answers else None

    @property
    def confirmed(self) -> Message | None:
        """What shows that it was confirmed: the 2xx; where that was not captured, the
        first ACK, or the first request in it that an early dialog cannot have.
        """
        if self.answers:
            return self.answers[0]
        signs = [*self.acks, *(t.first for t in self.transactions if _proves(t))]
        return min(signs, key=lambda m: m.n, default=None)

    @property
    def state(self) -> Literal["early", "confirmed", "terminated"]:
        """As the capture leaves it."""
        if self.end is not None:
            return "terminated"
        return "early" if self.confirmed is None else "confirmed"

    @property
    def byes(self) -> list[Transaction]:
        """The BYEs in it, at each hop."""
        return [t for t in self.transactions if t.method == "BYE"]

    @property
    def changes(self) -> list[Transaction]:
        """The re-INVITEs and UPDATEs in it, at each hop."""
        return [t for t in self.transactions if t.method in _REFRESHES_TARGET]

    def side_of(self, message: Message) -> Side | None:
        """Who sent a message of the dialog: a request by its From tag, a response by
        the opposite; None for a message of another dialog.
        """
        if message.from_tag == self.caller_tag:
            side: Side = "caller"
        elif message.from_tag == self.callee_tag:
            side = "callee"
        else:
            return None
        return side if message.kind == "request" else other_side(side)

    def target_of(self, side: Side, ts: int) -> RemoteTarget | None:
        """Where a side was to be reached at a time."""
        known = self.targets[side]
        place = bisect_right(known, ts, key=lambda each: each.ts)
        return known[place - 1] if place else None


def _proves(transaction: Transaction) -> bool:
    """Whether a request shows that the INVITE was answered. A BYE may end an early
    dialog too (RFC 3261 section 15), but hardly any phone sends it then.
    """
    early = ("PRACK", "UPDATE", "INFO", "CANCEL")
    return transaction.method not in early


def find_dialogs(transactions: list[Transaction]) -> list[Dialog]:
    """The dialogs in order of time."""
    found = _Dialogs()
    setting_up = [t for t in transactions if t.method == "INVITE" and not t.in_dialog]
    for invite in setting_up:
        found.add_invite(invite)
    for transaction in transactions:
        if transaction.in_dialog:
            found.add_request(transaction)
    for invite in setting_up:
        found.add_acks(invite)
    dialogs = found.in_order()
    for dialog in dialogs:
        _complete(dialog)
    _end_forks(dialogs)
    return dialogs


class _Dialogs:
    """Dialogs by their tags, while they are found."""

    def __init__(self) -> None:
        self._by_tags: dict[Hashable, Dialog] = {}
        # Callers' tags whose INVITE met a response with a tag: its dialogs are known.
        self._answered: set[Hashable] = set()
        self._callers: set[Hashable] = set()

    def in_order(self) -> list[Dialog]:
        dialogs = sorted(self._by_tags.values(), key=_began)
        for number, dialog in enumerate(dialogs, 1):
            dialog.number = number
        return dialogs

    def add_invite(self, invite: Transaction) -> None:
        self._callers.add((invite.leg, invite.from_tag))
        for response in invite.responses:
            if not 100 < response.code < 300 or not response.to_tag:
                continue
            dialog = self._of(invite.leg, invite.from_tag, response.to_tag)
            self._answered.add((invite.leg, invite.from_tag))
            if not dialog.invites or dialog.invites[-1] is not invite:
                dialog.invites.append(invite)
            if response.code >= 200:
                dialog.answers.append(response)
            elif dialog.early is None or response.ts < dialog.early.ts:
                dialog.early = response

    def add_request(self, transaction: Transaction) -> None:
        leg, one, other = transaction.leg, transaction.from_tag, transaction.to_tag
        if not one or not other:
            return
        known = self._by_tags.get((leg, frozenset((one, other))))
        if known is None:
            known = self._unseen(transaction)
        if known is not None:
            known.transactions.append(transaction)

    def _unseen(self, transaction: Transaction) -> Dialog | None:
        """A dialog whose making was not captured; None for a request whose tags belong
        to no dialog, which its receiver refuses.
        """
        leg, one, other = transaction.leg, transaction.from_tag, transaction.to_tag
        accepted = transaction.answer is not None
        if (leg, one) in self._callers:
            if (leg, one) in self._answered and not accepted:
                return None
            return self._of(leg, one, other)
        if (leg, other) in self._callers:
            if (leg, other) in self._answered and not accepted:
                return None
            return self._of(leg, other, one)
        if self._callers and not accepted:
            return None
        dialog = self._of(leg, one, other)
        dialog.sides_known = False
        return dialog

    def add_acks(self, invite: Transaction) -> None:
        """Of the 2xx; where none was captured, by an ACK of a branch of its own."""
        refused = {m.to_tag for m in invite.finals if m.code >= 300}
        for ack in invite.acks:
            if not ack.to_tag or ack.to_tag in refused:
                continue
            known = self._by_tags.get(
                (invite.leg, frozenset((ack.from_tag, ack.to_tag)))
            )
            if known is None:
                if invite.responses or ack.branch == invite.branch:
                    continue
                known = self._of(invite.leg, ack.from_tag, ack.to_tag)
            if not known.invites:
                known.invites.append(invite)
            if known.answers or ack.branch != invite.branch:
                known.acks.append(ack)

    def _of(self, leg: str, caller_tag: str, callee_tag: str) -> Dialog:
        tags = (leg, frozenset((caller_tag, callee_tag)))
        known = self._by_tags.get(tags)
        if known is None:
            known = self._by_tags[tags] = Dialog(0, leg, caller_tag, callee_tag)
        return known


def _began(dialog: Dialog) -> int:
    signs = [dialog.early, *dialog.answers[:1], *dialog.acks[:1]]
    signs += [each.first for each in dialog.transactions[:1]]
    return min(m.n for m in signs if m is not None)


def _complete(dialog: Dialog) -> None:
    """Work out what follows from its messages."""
    dialog.invites.sort(key=_vias)
    dialog.answers.sort(key=lambda m: m.n)
    dialog.acks.sort(key=lambda m: m.n)
    _place_sides(dialog)
    _find_routes(dialog)
    _find_targets(dialog)
    _count_sequence(dialog)
    _find_reliable(dialog)
    _find_session(dialog)
    _find_end(dialog)


def _vias(transaction: Transaction) -> int:
    """How far from the caller a hop is."""
    request = transaction.request
    some = request or next(iter(transaction.responses), None)
    return len(some.branches) if some else 0


def _place_sides(dialog: Dialog) -> None:
    if dialog.invites:
        dialog.hosts["caller"] = dialog.invites[0].client
        dialog.hosts["callee"] = dialog.invites[-1].server
    elif dialog.transactions:
        first = dialog.transactions[0]
        ends = (first.client, first.server)
        by_caller = first.from_tag == dialog.caller_tag
        caller, callee = ends if by_caller else ends[::-1]
        dialog.hosts["caller"], dialog.hosts["callee"] = caller, callee


def _find_routes(dialog: Dialog) -> None:
    for invite in dialog.invites[-1:]:
        if invite.request is not None and invite.request.sip is not None:
            # Where the INVITE reached the called side: in order (12.1.1).
            dialog.route_sets["callee"] = _uris(invite.request, "Record-Route")
    for invite in dialog.invites[:1]:
        # Where the response reached the caller: in reverse (12.1.2). A 2xx counts
        # before a provisional response (13.2.2.4).
        making = sorted(invite.responses_of(dialog.callee_tag), key=lambda m: -m.code)
        for response in making[:1]:
            dialog.route_sets["caller"] = _uris(response, "Record-Route")[::-1]


def _uris(message: Message, name: str) -> list[str]:
    return [each.uri for each in message.sip.addresses(name)] if message.sip else []


def _find_targets(dialog: Dialog) -> None:
    for invite in dialog.invites[-1:]:
        _add_target(dialog, "caller", invite.request)
    for invite in dialog.invites[:1]:
        for response in invite.responses_of(dialog.callee_tag):
            if 100 < response.code < 300:
                _add_target(dialog, "callee", response)
    for transaction in dialog.changes:
        side = dialog.side_of(transaction.request) if transaction.request else None
        # A target changes with the request that is accepted (12.2.2), as it reaches
        # the other side: at the last hop of each way.
        if side is None or transaction.answer is None:
            continue
        if not transaction.downstream:
            _add_target(dialog, side, transaction.request)
        if transaction.upstream is None:
            _add_target(dialog, other_side(side), transaction.answer)
    for targets in dialog.targets.values():
        targets.sort(key=lambda each: each.n)


def _add_target(dialog: Dialog, side: Side, message: Message | None) -> None:
    contact = message.sip.contact if message is not None and message.sip else None
    if message is None or contact is None:
        return
    known = dialog.targets[side]
    if known and known[-1].uri == contact.uri:
        return
    known.append(
        RemoteTarget(
            message.n,
            message.ts,
            contact.uri,
            *_host_and_port(contact.uri),
            _transport(contact.uri),
            message.src,
            message.transport,
        )
    )


def _host_and_port(uri: str) -> tuple[str, int | None]:
    scheme, colon, rest = uri.partition(":")
    if not colon or scheme.strip().lower() not in ("sip", "sips"):
        rest = uri
    hostport = re.split("[;?]", rest.rpartition("@")[2], maxsplit=1)[0]
    return host_and_port(hostport)


def _transport(uri: str) -> str | None:
    for parameter in uri.rpartition("@")[2].split("?")[0].split(";")[1:]:
        name, _, value = parameter.partition("=")
        if name.strip().lower() == "transport":
            return value.strip().lower() or None
    return "tls" if uri.strip().lower().startswith("sips:") else None


def _count_sequence(dialog: Dialog) -> None:
    requests = [t.request for t in (*dialog.invites, *dialog.transactions)]
    seen: set[Hashable] = set()
    highest: dict[Side, int] = {}
    for message in sorted(filter(None, requests), key=lambda m: m.n):
        side = dialog.side_of(message)
        number, method = message.cseq_number, message.method
        # A CANCEL bears the number of its INVITE.
        if side is None or number is None or method == "CANCEL":
            continue
        # A re-INVITE may wrongly bear the number of the INVITE: that is no further hop.
        once = (side, number, method, bool(message.to_tag))
        if once in seen:
            continue
        seen.add(once)
        before = highest.get(side)
        highest[side] = number if before is None else max(before, number)
        dialog.sequence[side].append(
            SequenceNumber(message.n, message.ts, number, method, before)
        )


_RACK = re.compile(r"\s*([0-9]{1,10})\s+([0-9]{1,10})\s+(\S+)")


def _find_reliable(dialog: Dialog) -> None:
    """By the hop nearest to the called side, where a response is sent first."""
    pracks: dict[int, Message] = {}
    for transaction in dialog.transactions:
        if transaction.method == "PRACK" and transaction.request is not None:
            named = _RACK.match(transaction.request.header("RAck"))
            if named:
                pracks.setdefault(int(named[1]), transaction.request)
    for invite in dialog.invites[-1:]:
        for response in invite.responses_of(dialog.callee_tag):
            rseq = response.header("RSeq").strip()
            required = "100rel" in response.header("Require").lower()
            provisional = response.code < 200
            if provisional and required and re.fullmatch("[0-9]{1,10}", rseq):
                number = int(rseq)
                sendings = invite.sendings_of(response)
                dialog.reliable.append(
                    ReliableResponse(response, number, sendings, pracks.get(number))
                )


def _find_session(dialog: Dialog) -> None:
    """By the last 2xx that sets one; each 2xx to a re-INVITE or UPDATE refreshes."""
    accepted: list[tuple[Message, Side]] = []
    # A proxy adds the timer to the 2xx of a called side that knows none (RFC 4028
    # section 8.2).
    with_timer = [m for m in dialog.answers if m.header("Session-Expires")]
    for message in [*with_timer, *dialog.answers][:1]:
        accepted.append((message, "caller"))
    changed = [t.answer for t in dialog.changes if t.upstream is None and t.answer]
    # Of re-INVITEs that were not captured the answers stand among those of the first.
    later = [m for m in dialog.answers[1:] if _is_later(m, dialog.answers[0])]
    for message in (*changed, *later):
        answering = dialog.side_of(message)
        if answering is not None:
            accepted.append((message, other_side(answering)))
    for message, client in sorted(accepted, key=lambda each: each[0].n):
        found = _SESSION_EXPIRES.match(message.header("Session-Expires"))
        if found is None:
            if dialog.session is not None and message is not dialog.answer:
                dialog.session.refreshes.append(message)
            continue
        duty = _REFRESHER.search(found[2])
        refresher = None
        if duty:
            refresher = client if duty[1].lower() == "uac" else other_side(client)
        interval = int(found[1]) * _SECOND
        before = dialog.session
        if before and (before.interval, before.refresher) == (interval, refresher):
            before.refreshes.append(message)
        else:
            dialog.session = SessionTimer(message.n, message.ts, interval, refresher)


def _is_later(answer: Message, first: Message) -> bool:
    """Whether a 2xx is to another INVITE than the first one."""
    number = (answer.cseq_number, answer.from_tag)
    return number != (first.cseq_number, first.from_tag)


_SESSION_EXPIRES = re.compile(r"\s*([0-9]{1,10})\s*(.*)", re.DOTALL)
_REFRESHER = re.compile(r";\s*refresher\s*=\s*(uac|uas)", re.IGNORECASE)


def _find_end(dialog: Dialog) -> None:
    for transaction in dialog.transactions:
        refusal = transaction.refusal
        if transaction.method == "BYE":
            by = _hung_up_by(dialog, transaction)
            answered = _answered(dialog, transaction)
            dialog.end = DialogEnd("bye", by, transaction.first, answered)
            return
        if refusal is not None and refusal.code in (408, 481):
            if transaction.method not in ("INVITE", "UPDATE", "BYE"):
                continue  # which leave the INVITE's usage alone (RFC 5057 section 5.1)
            by = dialog.side_of(transaction.request) if transaction.request else None
            dialog.end = DialogEnd("lost", by, refusal)
            return
    if dialog.confirmed is None:
        refusals = [
            refusal
            for invite in dialog.invites
            if (refusal := invite.refusal) is not None
            and refusal.to_tag == dialog.callee_tag
        ]
        for refusal in refusals[:1]:
            dialog.end = DialogEnd("refused", "callee", refusal)


def _answered(dialog: Dialog, first: Transaction) -> Message | None:
    """What came of a BYE; after a challenge, of the BYE with credentials."""
    finals = [
        bye.final
        for bye in dialog.byes
        if bye.from_tag == first.from_tag and bye.client == first.client and bye.final
    ]
    passed = [final for final in finals if final.code not in (401, 407)]
    return next(iter(passed or finals), None)


def _hung_up_by(dialog: Dialog, bye: Transaction) -> Side | None:
    """Whose BYE it is; None where somebody in between hung up on both sides, each in
    the other's name.
    """
    side = side_of_request(dialog, bye)
    if bye.client in dialog.hosts.values():
        return side
    both = {
        side_of_request(dialog, each)
        for each in dialog.byes
        if each.client == bye.client
    }
    return None if len(both) > 1 else side


def side_of_request(dialog: Dialog, transaction: Transaction) -> Side | None:
    """Who sent a request of a dialog, also where only its response was captured."""
    if transaction.from_tag == dialog.caller_tag:
        return "caller"
    return "callee" if transaction.from_tag == dialog.callee_tag else None


def _end_forks(dialogs: Iterable[Dialog]) -> None:
    """Early dialogs end when another side of the fork answers."""
    forks: dict[Hashable, list[Dialog]] = defaultdict(list)
    for dialog in dialogs:
        forks[dialog.leg, dialog.caller_tag].append(dialog)
    for group in forks.values():
        answer = min(
            (dialog.answers[0] for dialog in group if dialog.answers),
            key=lambda m: m.n,
            default=None,
        )
        for dialog in group:
            if answer is not None and dialog.end is None and dialog.confirmed is None:
                dialog.end = DialogEnd("other-answered", None, answer)
