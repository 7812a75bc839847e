"""Answers (2xx) to an INVITE that their sender repeats because no ACK reaches it.

RFC 3261 section 13.3.1.4: it repeats them, over TCP too, until the ACK comes, and hangs
up after 64*T1.
"""

from __future__ import annotations

from bisect import bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass

from ..call import Call
from ..sip import timers
from ..sip.dialogs import Dialog
from ..sip.messages import Message
from ..sip.transactions import Transaction

#: So many repetitions, the last one 7.5 s after the answer, are no slow ACK any more.
_ENOUGH = 4

#: Within so long after the last repetition the sender has given up and hangs up.
_GIVES_UP = timers.T2 + timers.T2


@dataclass(frozen=True, slots=True)
class Unacknowledged:
    """A 2xx that was repeated in vain.

    :param invite: the INVITE at the hop nearest to who sent the 2xx, ``outermost`` at
        the hop nearest to who sent the INVITE, as far as captured.
    :param answer: the 2xx at the former, ``passed_on`` at the latter.
    :param sendings: of the former, as often as it was sent.
    :param acks: the ACKs in the dialog, at any hop; ``arriving`` those that were sent
        to the sender of the 2xx and bear the INVITE's CSeq number.
    :param hung_up: the BYE by which the sender gave up; None without.
    :param changes: whether the INVITE was sent within the dialog (a re-INVITE).
    """

    dialog: Dialog
    invite: Transaction
    outermost: Transaction
    answer: Message
    passed_on: Message
    sendings: list[Message]
    acks: list[Message]
    arriving: list[Message]
    hung_up: Message | None
    changes: bool

    @property
    def repeated(self) -> int:
        """How often it was sent again."""
        return len(self.sendings) - 1

    @property
    def waited(self) -> int:
        """For how long it was repeated, in ns."""
        return self.sendings[-1].ts - self.sendings[0].ts

    @property
    def cancel(self) -> Transaction | None:
        """The CANCEL that crossed the answer: sent before the sender can have seen more
        than one repetition of it.
        """
        cancel = self.outermost.cancel
        if cancel is None or cancel.request is None:
            return None
        crossed = cancel.request.ts < self.answer.ts + timers.T1 + timers.TOLERANCE
        return cancel if crossed else None


def find_unacknowledged(call: Call) -> Iterator[Unacknowledged]:
    """The answers that were repeated in vain, in order of the dialogs."""
    acks = _Acks(call)
    for dialog in call.dialogs:
        byes = _byes(dialog)
        for hops in _invites(dialog).values():
            found = _unacknowledged(dialog, hops, acks, byes)
            if found is not None:
                yield found


class _Acks:
    """The ACKs of a call, by their dialogs and numbers."""

    def __init__(self, call: Call) -> None:
        self._in_dialog: dict[object, list[Message]] = defaultdict(list)
        self._of: dict[object, list[Message]] = defaultdict(list)
        for message in call.messages:
            if message.method == "ACK" and message.copy_of is None:
                dialog = (message.leg, message.from_tag, message.to_tag)
                self._in_dialog[dialog].append(message)
                self._of[dialog, message.cseq_number].append(message)

    def in_dialog_of(self, answer: Message) -> list[Message]:
        """All that this side's dialog has, whatever they acknowledge."""
        dialog = (answer.leg, answer.from_tag, answer.to_tag)
        return self._in_dialog.get(dialog, [])

    def of(self, answer: Message) -> list[Message]:
        """Those that acknowledge this answer."""
        dialog = (answer.leg, answer.from_tag, answer.to_tag)
        return self._of.get((dialog, answer.cseq_number), [])


def _invites(dialog: Dialog) -> dict[object, list[tuple[Transaction, Message]]]:
    """The INVITEs of a dialog that were accepted, with the 2xx, at each hop."""
    found: dict[object, list[tuple[Transaction, Message]]] = defaultdict(list)
    inside = [t for t in dialog.transactions if t.method == "INVITE"]
    for transaction in (*dialog.invites, *inside):
        # By tag: of a fork there may be thousands of responses.
        of_dialog = (m for tag in dialog.tags for m in transaction.responses_of(tag))
        answer = next((m for m in of_dialog if 200 <= m.code < 300), None)
        if answer is not None:
            found[transaction.cseq, transaction.from_tag].append((transaction, answer))
    return found


def _unacknowledged(
    dialog: Dialog,
    hops: list[tuple[Transaction, Message]],
    acks: _Acks,
    byes: dict[str, list[Message]],
) -> Unacknowledged | None:
    by_distance = sorted(hops, key=_distance)
    outermost, passed_on = by_distance[0]
    invite, answer = max(
        by_distance,
        key=lambda hop: (len(hop[0].sendings_of(hop[1])), _distance(hop)),
    )
    sendings = invite.sendings_of(answer)
    arriving = [a for a in acks.of(answer) if a.target.ip == answer.origin.ip]
    first = dialog.answer
    found = Unacknowledged(
        dialog,
        invite,
        outermost,
        answer,
        passed_on,
        sendings,
        acks.in_dialog_of(answer),
        arriving,
        _hung_up(byes, sendings),
        changes=invite.in_dialog
        or (first is not None and first.cseq_number != answer.cseq_number),
    )
    return found if _in_vain(found) else None


def _distance(hop: tuple[Transaction, Message]) -> tuple[int, bool]:
    """How far from who sent the INVITE a hop is. Something that hides Vias may be in
    between.
    """
    transaction, answer = hop
    return len(answer.branches), transaction.upstream is not None


def _in_vain(found: Unacknowledged) -> bool:
    if not found.arriving:
        enough = _ENOUGH - 1 if found.hung_up else _ENOUGH
        return found.repeated >= enough
    # An ACK passed the capture: it did not arrive, or only late; it takes more to tell.
    since = found.arriving[0].ts + timers.T1
    to_the_end = timers.ACK_WAIT - timers.T2 - timers.TOLERANCE
    after = [sending for sending in found.sendings if sending.ts > since]
    gave_up = found.hung_up is not None or found.waited >= to_the_end
    return len(after) >= _ENOUGH and gave_up


def _byes(dialog: Dialog) -> dict[str, list[Message]]:
    """The BYEs by the tag of who sent them, in order of time."""
    found: dict[str, list[Message]] = defaultdict(list)
    for bye in dialog.byes:
        if bye.request is not None:
            found[bye.from_tag].append(bye.request)
    for sent in found.values():
        sent.sort(key=lambda message: message.ts)
    return found


def _hung_up(byes: dict[str, list[Message]], sendings: list[Message]) -> Message | None:
    last = sendings[-1].ts
    own = byes.get(sendings[0].to_tag, [])
    place = bisect_right(own, last, key=lambda message: message.ts)
    after = own[place : place + 1]
    return next((bye for bye in after if bye.ts <= last + _GIVES_UP), None)


class Forks:
    """The dialogs of a call that one INVITE made, where it was forked."""

    def __init__(self, call: Call) -> None:
        self._acknowledged: dict[object, list[Dialog]] = defaultdict(list)
        for dialog in call.dialogs:
            if dialog.acks and dialog.answer is not None:
                self._acknowledged[self._key(dialog)].append(dialog)

    def acknowledged_beside(self, dialog: Dialog) -> Dialog | None:
        """Another dialog that the same INVITE made, whose answer was acknowledged."""
        others = self._acknowledged.get(self._key(dialog), [])[:2]
        return next((other for other in others if other is not dialog), None)

    @staticmethod
    def _key(dialog: Dialog) -> object:
        number = dialog.answer.cseq_number if dialog.answer is not None else None
        return dialog.leg, dialog.caller_tag, number
