"""How a call was set up: who invited whom, and what came back to the caller."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterable
from collections.abc import Sequence
from dataclasses import dataclass
from dataclasses import field

from ...protocols.address import Endpoint
from .dialogs import Dialog
from .messages import Message

CHALLENGES = frozenset({401, 407})


@dataclass(slots=True)
class CallSetup:
    """The INVITEs that set the call up and the responses they met.

    A call through proxies shows each of them at several hops. What counts is what the
    caller's side saw; where that was not captured, what any hop saw.

    :param first: the first INVITE; None where only responses were captured.
    :param invites: all of them, at every hop, retransmissions included.
    :param attempts: the caller's own INVITEs without retransmissions: more than one
        after a challenge, a redirection, or a session timer too short.
    :param earlier_numbers: the CSeq numbers of the attempts before the last.
    :param caller_place: where the caller's side of the call is.
    :param callee_place: where the called side is, the far end of the path; None where
        it cannot be told.
    :param callee_tags: the tags of those who answered.
    :param ringing: the first 18x response.
    :param early_media: the first provisional response that brings SDP.
    :param told: the first response that tells the caller something: neither 100 nor a
        challenge.
    :param final: the response that decided the call: the 2xx, or else the refusal of
        the last attempt; None where there was none.
    :param final_at_caller: whether it was seen on its way to the caller.
    :param proof: what shows that it was answered where its 2xx was not captured: the
        ACK of a 2xx, or a request that only an answered call has, such as a BYE.
    :param talked: whether media that went both ways shows it, where nothing else does.
    :param challenged: whether an attempt before the last met a 401 or 407.
    """

    first: Message | None
    invites: list[Message]
    attempts: list[Message]
    earlier_numbers: set[int | None]
    caller_place: Endpoint
    caller_tag: str
    callee_place: Endpoint | None = None
    callee_tags: set[str] = field(default_factory=set)
    responses: list[Message] = field(default_factory=list)
    ringing: Message | None = None
    early_media: Message | None = None
    told: Message | None = None
    final: Message | None = None
    final_at_caller: bool = False
    proof: Message | None = None
    talked: bool = False
    challenged: bool = False

    @property
    def answered(self) -> bool:
        """Whether it was answered, by its 2xx or by what shows that there was one."""
        return bool(self.answer or self.proof or self.talked)

    @property
    def answered_at(self) -> Message | None:
        """From when on the two could talk: the 2xx, or else its ACK."""
        if self.answer is None and self.proof and self.proof.method == "ACK":
            return self.proof
        return self.answer

    @property
    def answer(self) -> Message | None:
        """The 2xx that answered the call."""
        return self.final if self.final and self.final.code < 300 else None

    @property
    def start(self) -> Message | None:
        """The earliest sign of the call's setup."""
        return self.first or next(iter(self.responses), None)

    def is_last(self, response: Message) -> bool:
        """Whether a response is to the last attempt, not to one before."""
        return response.cseq_number not in self.earlier_numbers


def find_setup(
    messages: list[Message], dialogs: Sequence[Dialog] = ()
) -> CallSetup | None:
    """The call's setup; None where nothing of it was captured.

    An INVITE with a To tag changes a call that is up (RFC 3261 section 14); it and its
    responses are no part of the setup.
    """
    messages = [m for m in messages if m.copy_of is None]
    invites = [m for m in messages if m.method == "INVITE" and not m.to_tag]
    responses = _setup_responses(messages, invites)
    if invites:
        first = invites[0]
        caller_place, caller_tag = first.origin, first.from_tag
    elif responses:
        first = None
        answering = {m.origin for m in responses}
        ends = [m.target for m in responses if m.target not in answering]
        caller_place = ends[0] if ends else responses[0].target
        caller_tag = responses[0].from_tag
    else:
        return None
    attempts = [m for m in invites if m.origin == caller_place and m.transaction == m.n]
    found = CallSetup(
        first,
        invites,
        attempts,
        {m.cseq_number for m in attempts} - {m.cseq_number for m in attempts[-1:]},
        caller_place,
        caller_tag,
        responses=responses,
    )
    _find_course(found)
    _find_proof(found, dialogs)
    _find_callee(found)
    return found


def _find_proof(found: CallSetup, dialogs: Sequence[Dialog]) -> None:
    """What shows an answer that was not captured."""
    if found.answer is not None or found.final_at_caller:
        return
    signs = [
        dialog.confirmed
        for dialog in dialogs
        if dialog.caller_tag == found.caller_tag
        if dialog.sides_known and dialog.confirmed is not None
    ]
    found.proof = min(signs, key=lambda m: m.n, default=None)


def _setup_responses(messages: list[Message], invites: list[Message]) -> list[Message]:
    opened = {m.transaction for m in invites}
    changes = [m for m in messages if m.method == "INVITE" and m.to_tag]
    change_numbers = {(m.from_tag, m.cseq_number) for m in changes}
    tags = {m.from_tag for m in invites}
    found = []
    for message in messages:
        if message.kind != "response" or message.cseq_method != "INVITE":
            continue
        if message.transaction is not None:
            belongs = message.transaction in opened
        else:
            # Its request was not captured: the dialog's own numbers have to do.
            belongs = (not tags or message.from_tag in tags) and (
                (message.from_tag, message.cseq_number) not in change_numbers
            )
        if belongs:
            found.append(message)
    return found


def _find_course(found: CallSetup) -> None:
    """What became of the attempts, as the caller saw it."""
    once = [
        m for m in found.responses if m.retransmission_of is None and m.copy_of is None
    ]
    at_caller = [m for m in once if m.target == found.caller_place]

    def first_seen(wanted: Callable[[Message], bool]) -> Message | None:
        return _first(at_caller, wanted) or _first(once, wanted)

    found.ringing = first_seen(lambda m: 180 <= m.code <= 189)
    found.early_media = first_seen(lambda m: m.code < 200 and m.sdp is not None)
    found.told = first_seen(lambda m: m.code > 100 and m.code not in CHALLENGES)
    found.final = (
        _first(at_caller, _accepts)
        or _first(reversed(at_caller), lambda m: m.code >= 300 and found.is_last(m))
        or _first(once, _accepts)
        # Of the branches of a fork, the last to fail decided (section 16.7).
        or _first(reversed(once), lambda m: m.code >= 300 and found.is_last(m))
    )
    final = found.final
    found.final_at_caller = final is not None and final.target == found.caller_place
    found.challenged = any(m.code in CHALLENGES and m is not final for m in at_caller)


def _accepts(message: Message) -> bool:
    return 200 <= message.code < 300


def _find_callee(found: CallSetup) -> None:
    """The far end: where the decisive response came from first, unless that place had
    sent the INVITE on; then where it sent it.
    """
    found.callee_tags = {m.to_tag for m in found.responses if _accepts(m)} - {""}
    relays = {m.origin for m in found.invites}
    for decisive in (found.answer, found.ringing, found.final):
        if decisive is None:
            continue
        place = next(
            m.origin
            for m in found.responses
            if m.code > 100 and m.to_tag == decisive.to_tag
        )
        if place not in relays:
            found.callee_place = place
            return
    ends = [m.target for m in found.invites if m.target not in relays]
    found.callee_place = ends[-1] if ends else None


def _first(
    messages: Iterable[Message], wanted: Callable[[Message], bool]
) -> Message | None:
    return next((m for m in messages if wanted(m)), None)
