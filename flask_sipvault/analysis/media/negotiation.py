"""Offer and answer (RFC 3264): what the two sides agreed to send each other, m-line by
m-line and over time.

Which message may carry an offer and which must bring its answer is laid down in RFC
3261 sections 13 and 14, RFC 3262 (PRACK) and RFC 3311 (UPDATE); RFC 6337 puts it
together. A relay rewrites descriptions on their way, so that each hop is followed on
its own.
"""

from __future__ import annotations

import re
from bisect import bisect_right
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field
from typing import Literal

from ...protocols.address import Endpoint
from ...protocols.sdp import Codec
from ...protocols.sdp import Media
from ..sip.dialogs import Dialog
from ..sip.messages import Message
from ..sip.sides import other_side
from ..sip.sides import Side
from ..sip.transactions import Transaction

#: ``accepted``: there is an answer, in a message that counts. ``early``: only in a
#: provisional response that is not reliable, and no final response was captured.
#: ``rejected``: the request was refused, nothing changes. ``unanswered``: the message
#: that had to bring the answer came without it. ``no-offer``: a 2xx to an INVITE
#: without an offer had to make one and did not. ``open``: what had to bring the answer
#: was not captured, or did not come.
Result = Literal["accepted", "early", "rejected", "unanswered", "no-offer", "open"]


@dataclass(slots=True, eq=False)
class Exchange:
    """One offer and what became of it.

    :param transaction: the INVITE, UPDATE or PRACK whose messages carry the two.
    :param offer: the message with the offer; None for ``no-offer``.
    :param offerer: who made it; None where it is not known who called.
    :param answer: the message with the answer that counts; an early one, where there is
        no better.
    :param early: provisional responses that are not reliable and bring a description.
    :param missing_in: the message that had to bring the answer (or the offer) and came
        without it; None otherwise.
    :param refusal: the response that refused the request.
    """

    transaction: Transaction = field(repr=False)
    offer: Message | None
    offerer: Side | None
    answer: Message | None = None
    result: Result = "open"
    early: list[Message] = field(default_factory=list)
    missing_in: Message | None = None
    refusal: Message | None = None

    @property
    def delayed(self) -> bool:
        """Whether the INVITE left the offer to the called side (RFC 3261 14)."""
        return self.offer is None or self.offer.kind == "response"

    @property
    def changes_a_session(self) -> bool:
        """Whether it was made in a dialog, by a re-INVITE, UPDATE or PRACK."""
        return self.transaction.in_dialog


@dataclass(slots=True, eq=False)
class LineState:
    """What held for one m-line for a time.

    :param since_ts: when the answer came, ``n`` its message.
    :param until_ts: when another answer or the dialog's end replaced it; None while it
        holds.
    :param offered: the line of the offer; None for one that only the answer has.
    :param answered: the line of the answer; None where it has fewer lines.
    :param early: whether only a response that is not reliable brought the answer.
    """

    n: int
    since_ts: int
    until_ts: int | None
    exchange: Exchange = field(repr=False)
    offerer: Side
    offered: Media | None
    answered: Media | None
    early: bool = False

    def of(self, side: Side) -> Media | None:
        """How a side described the line: where and what it wants to receive."""
        return self.offered if side == self.offerer else self.answered

    @property
    def kind(self) -> str:
        """``audio``, ``video``, ``image``."""
        described = self.offered or self.answered
        return described.kind if described else ""

    @property
    def accepted(self) -> bool:
        """Whether both sides want the line."""
        both = (self.offered, self.answered)
        return all(media is not None and not media.refused for media in both)

    @property
    def payload_type(self) -> int | None:
        """The answer's payload type of the codec in use: the first of the ``m=`` line
        that is for speech or a picture (RFC 3264 section 6.1).
        """
        types = self.answered.speech_types if self.accepted and self.answered else []
        return types[0] if types else None

    @property
    def codec(self) -> Codec | None:
        """The codec in use; None where the line was refused, or holds none."""
        number = self.payload_type
        if self.answered is None or number is None:
            return None
        return self.answered.codecs[number]

    def types_to(self, receiver: Side) -> dict[int, Codec]:
        """The payload types that may be sent to a side: those it described itself, in
        its order. What the two have not in common is left out, but for auxiliary ones.
        """
        own, other = self.of(receiver), self.of(other_side(receiver))
        if own is None:
            return {}
        common = {_name(codec) for codec in other.codecs.values()} if other else set()
        return {
            number: own.codecs[number]
            for number in own.payload_types
            if _name(own.codecs[number]) in common
        }

    def events_to(self, receiver: Side) -> list[int]:
        """The payload types of telephone events (DTMF) that may be sent to a side."""
        own = self.of(receiver)
        return own.event_types if own else []

    def ptime_to(self, receiver: Side) -> float | None:
        """The packet time, in ms, that a side asked for."""
        own = self.of(receiver)
        return own.ptime if own else None

    def may_send(self, side: Side) -> bool:
        """Whether a side is to send by what both said."""
        own, other = self.of(side), self.of(other_side(side))
        if own is None or other is None or not self.accepted:
            return False
        return (
            own.direction in ("sendrecv", "sendonly")
            and other.direction in ("sendrecv", "recvonly")
            and not _unspecified(other)
        )

    def held_by(self) -> set[Side]:
        """Who has put the other side on hold (RFC 3264 section 8.4): a side that asks
        not to be sent anything. An answer that only mirrors the offer holds nobody.
        """
        if not self.accepted or self.offered is None or self.answered is None:
            return set()
        held = {self.offerer} if self.offered.on_hold else set()
        answers_hold = self.answered.direction in ("sendonly", "inactive")
        mirrors = self.offered.direction in ("inactive", "recvonly")
        if (answers_hold and not mirrors) or _unspecified(self.answered):
            held.add(other_side(self.offerer))
        return held


def same_codec(one: Codec, other: Codec) -> bool:
    """Whether two descriptions name one codec; names are without case (RFC 8866)."""
    return _name(one) == _name(other)


def _name(codec: Codec) -> tuple[str, int]:
    return codec.name.lower(), codec.clock_rate


def _unspecified(media: Media) -> bool:
    return media.address in ("0.0.0.0", "::")  # noqa: S104


@dataclass(slots=True)
class Line:
    """One m-line, by its place in the descriptions.

    :param states: in order of time, each until the next.
    """

    index: int
    states: list[LineState] = field(default_factory=list)

    @property
    def kind(self) -> str:
        """Of the first state: a line may change from audio to image and back."""
        return self.states[0].kind if self.states else ""

    def at(self, ts: int) -> LineState | None:
        """What held at a time; None before the first answer."""
        place = bisect_right(self.states, ts, key=lambda state: state.since_ts)
        return self.states[place - 1] if place else None


@dataclass(slots=True, eq=False)
class Negotiation:
    """The offers and answers of one dialog at one hop.

    :param dialog: None for an INVITE that met no response with a To tag before it was
        refused.
    :param near: the host of the hop that is nearer to the caller, ``far`` the other.
    :param main: whether it is the one to tell of the call: of the dialog that was
        answered, at the hop nearest to the caller.
    """

    dialog: Dialog | None = field(repr=False)
    leg: str
    near: Endpoint
    far: Endpoint
    exchanges: list[Exchange] = field(default_factory=list)
    lines: list[Line] = field(default_factory=list)
    main: bool = False

    def lines_of(self, kind: str) -> list[Line]:
        """The m-lines that were of a kind at any time."""
        return [
            line
            for line in self.lines
            if any(state.kind == kind for state in line.states)
        ]

    def states_at(self, ts: int) -> list[LineState]:
        """What held for each m-line at a time; before the first answer, what came to
        hold with it: media may be faster than the answer.
        """
        return [line.at(ts) or line.states[0] for line in self.lines if line.states]

    def audio_at(self, ts: int) -> LineState | None:
        """What held for speech at a time: the first audio line that both want."""
        audio = [state for state in self.states_at(ts) if state.kind == "audio"]
        return next((s for s in audio if s.accepted), next(iter(audio), None))


def main_of(negotiations: Sequence[Negotiation]) -> Negotiation | None:
    """The one to tell of a call, of joined legs that of the first."""
    own = (each for each in negotiations if each.main)
    return next((each for each in own if each.leg in ("", "A")), None)


def find_negotiations(
    transactions: Sequence[Transaction], dialogs: Sequence[Dialog]
) -> list[Negotiation]:
    """Those of each dialog at each hop, and of each INVITE that made none; the nearest
    to the caller first.
    """
    found: list[Negotiation] = []
    in_dialogs = {id(invite) for dialog in dialogs for invite in dialog.invites}
    for dialog in dialogs:
        found += _of_dialog(dialog)
    for each in transactions:
        lone = each.method == "INVITE" and not each.in_dialog
        if lone and id(each) not in in_dialogs:
            alone = Negotiation(None, each.leg, each.client, each.server)
            alone.exchanges += _by_invite(each, None)
            found.append(alone)
    for negotiation in found:
        _lay_out(negotiation)
    _choose_main(found)
    return found


def _choose_main(found: list[Negotiation]) -> None:
    """One for each leg."""
    chosen: set[str] = set()
    answered = [n for n in found if n.dialog is not None and n.dialog.confirmed]
    talking = [n for n in answered if n.dialog and n.dialog.acks]
    for negotiation in [*talking, *answered, *found]:
        if negotiation.leg not in chosen:
            chosen.add(negotiation.leg)
            negotiation.main = True


def _of_dialog(dialog: Dialog) -> list[Negotiation]:
    hops: dict[frozenset[Endpoint], Negotiation] = {}
    for invite in dialog.invites:
        pair = frozenset((invite.client, invite.server))
        known = hops.get(pair)
        if known is None:
            known = Negotiation(dialog, dialog.leg, invite.client, invite.server)
            hops[pair] = known
        known.exchanges += _by_invite(invite, dialog)
    answering = _answering_pracks(dialog)
    for transaction in dialog.transactions:
        exchanges = _exchanges(transaction, dialog, answering)
        if not exchanges:
            continue
        pair = frozenset((transaction.client, transaction.server))
        known = hops.get(pair)
        if known is None:
            # Another way than the INVITE took: what was agreed before holds there too.
            known = _branch_off(hops, transaction, dialog)
            hops[pair] = known
        known.exchanges += exchanges
    return list(hops.values())


def _branch_off(
    hops: dict[frozenset[Endpoint], Negotiation],
    transaction: Transaction,
    dialog: Dialog,
) -> Negotiation:
    by_caller = transaction.from_tag == dialog.caller_tag
    ends = (transaction.client, transaction.server)
    near, far = ends if by_caller else ends[::-1]
    made = Negotiation(dialog, dialog.leg, near, far)
    for known in hops.values():
        if known.near == near or known.far == far:
            made.exchanges += known.exchanges
            break
    return made


def _exchanges(
    transaction: Transaction, dialog: Dialog, answering: set[tuple[int | None, str]]
) -> list[Exchange]:
    if transaction.method == "INVITE":
        return list(_by_invite(transaction, dialog))
    if transaction.method not in ("UPDATE", "PRACK"):
        return []
    request = transaction.request
    if request is None or request.sdp is None:
        return []
    if (request.cseq_number, request.from_tag) in answering:
        return []
    exchange = Exchange(transaction, request, dialog.side_of(request))
    _settle(exchange, transaction.answer, transaction.refusal)
    return [exchange]


def _answering_pracks(dialog: Dialog) -> set[tuple[int | None, str]]:
    """The PRACKs, by CSeq number and From tag, that carry the answer to an offer which
    a reliable response made.
    """
    invite = dialog.invites[-1].request if dialog.invites else None
    if invite is None or invite.sdp is not None:
        return set()
    return {
        (reliable.prack.cseq_number, reliable.prack.from_tag)
        for reliable in dialog.reliable
        if reliable.prack is not None and reliable.response.sdp is not None
    }


def _by_invite(invite: Transaction, dialog: Dialog | None) -> Iterator[Exchange]:
    """What an INVITE negotiated, in one dialog where it was forked."""
    request = invite.request
    tag = dialog.callee_tag if dialog is not None and not invite.in_dialog else None
    responses = invite.responses if tag is None else invite.responses_of(tag)
    reliable = [m for m in responses if m.code < 200 and _is_reliable(m)]
    answer = next((m for m in responses if 200 <= m.code < 300), None)
    refusal = None if answer else invite.refusal
    offerer = _side_of_request(invite, dialog)
    if request is not None and request.sdp is not None:
        exchange = Exchange(invite, request, offerer)
        exchange.early = [
            m
            for m in responses
            if m.code < 200 and m.sdp is not None and not _is_reliable(m)
        ]
        early = next((m for m in reliable if m.sdp is not None), None)
        if early is not None and refusal is None:
            exchange.answer, exchange.result = early, "accepted"
        else:
            _settle(exchange, answer, refusal)
        yield exchange
        return
    # The offer is left to the called side. Without the request, nobody knows whether
    # what a response brings is an offer; most likely it is an answer.
    offering = [m for m in (*reliable, *([answer] if answer else [])) if m.sdp]
    if request is None:
        if offering and answer is not None:
            yield Exchange(invite, None, offerer, offering[0], "accepted")
        return
    if not offering:
        hidden = request.may_hide_sdp or any(m.may_hide_sdp for m in responses)
        if answer is not None and not hidden:
            yield Exchange(invite, None, None, None, "no-offer", missing_in=answer)
        return
    offer = offering[0]
    exchange = Exchange(invite, offer, other_side(offerer) if offerer else None)
    if refusal is not None:
        exchange.result, exchange.refusal = "rejected", refusal
    elif offer.code < 200:
        _settle(exchange, _prack_of(offer, dialog), None)
    else:
        acks = invite.acks_of(offer) or _acks_elsewhere(offer, dialog)
        _settle(exchange, next(iter(acks), None), None)
    yield exchange


def _acks_elsewhere(answer: Message, dialog: Dialog | None) -> list[Message]:
    """ACKs of a 2xx that took another way than the INVITE."""
    acks = dialog.acks if dialog is not None else []
    return [ack for ack in acks if ack.cseq_number == answer.cseq_number]


def _prack_of(response: Message, dialog: Dialog | None) -> Message | None:
    for reliable in dialog.reliable if dialog is not None else []:
        if reliable.response.header("RSeq") == response.header("RSeq"):
            return reliable.prack
    return None


def _is_reliable(response: Message) -> bool:
    required = "100rel" in response.header("Require").lower()
    return required and bool(re.search("[0-9]", response.header("RSeq")))


def _side_of_request(invite: Transaction, dialog: Dialog | None) -> Side | None:
    if dialog is None:
        return "caller"
    return "caller" if invite.from_tag == dialog.caller_tag else "callee"


def _settle(
    exchange: Exchange, bringing: Message | None, refusal: Message | None
) -> None:
    """What became of an offer.

    :param bringing: the message that has to bring the answer; None where it was not
        captured.
    """
    early = next(iter(exchange.early), None)
    if refusal is not None:
        exchange.result, exchange.refusal = "rejected", refusal
        exchange.answer = early
    elif bringing is None:
        exchange.answer = early
        exchange.result = "open" if early is None else "early"
    elif bringing.sdp is not None:
        exchange.answer, exchange.result = bringing, "accepted"
    elif bringing.may_hide_sdp:
        exchange.answer = early
        exchange.result = "open" if early is None else "early"
    else:
        exchange.missing_in = bringing
        # Many take the description of a 183 for the answer, though the 2xx has to
        # repeat it (RFC 3261 section 13.2.1).
        exchange.answer = early
        exchange.result = "unanswered" if early is None else "accepted"


def _lay_out(negotiation: Negotiation) -> None:
    """The time lines of the m-lines, out of the exchanges."""
    lines: dict[int, Line] = {}
    steps: list[tuple[Message, Exchange, bool]] = []
    for exchange in negotiation.exchanges:
        for early in exchange.early:
            steps.append((early, exchange, True))
        if exchange.answer is not None and exchange.result == "accepted":
            steps.append((exchange.answer, exchange, False))
    for answer, exchange, only_early in sorted(steps, key=lambda step: step[0].n):
        _apply(lines, answer, exchange, early=only_early)
    negotiation.lines = [lines[index] for index in sorted(lines)]
    end = negotiation.dialog.end if negotiation.dialog is not None else None
    for line in negotiation.lines:
        for state, following in zip(line.states, line.states[1:], strict=False):
            state.until_ts = following.since_ts
        if end is not None and line.states:
            line.states[-1].until_ts = max(line.states[-1].since_ts, end.message.ts)


def _apply(
    lines: dict[int, Line], answer: Message, exchange: Exchange, *, early: bool
) -> None:
    offered = exchange.offer.sdp.media if exchange.offer and exchange.offer.sdp else []
    answered = answer.sdp.media if answer.sdp is not None else []
    for index in range(max(len(offered), len(answered))):
        offer_line = offered[index] if index < len(offered) else None
        answer_line = answered[index] if index < len(answered) else None
        line = lines.get(index)
        if line is None:
            line = lines[index] = Line(index)
        before = line.states[-1] if line.states else None
        if before and before.exchange is exchange and before.answered == answer_line:
            # The 2xx repeats what a 18x had brought.
            before.early = before.early and early
            continue
        line.states.append(
            LineState(
                answer.n,
                answer.ts,
                None,
                exchange,
                exchange.offerer or "caller",
                offer_line,
                answer_line,
                early,
            )
        )
