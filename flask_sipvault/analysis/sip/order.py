"""The order in which a call's messages are told: by time, and where clocks are not
good enough for that, by what was sent in answer to what.

Several processes of one proxy, or agents on several hosts, stamp each their own
messages. Their clocks, and the moments at which they look at them, differ by a
millisecond or more, while a proxy on a fast network answers in less. So a response may
be stamped before its request. SIP itself proves such an order: nobody answers, passes
on or acknowledges what has not come yet. No time is altered.
"""

from __future__ import annotations

import heapq
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence

from ...protocols.sip_fields import parameters
from ...protocols.sip_fields import split_outside
from .message import Message
from .message import names_a_transaction

#: How far the stamps of two processes may be wrong against each other, in ns. NTP on
#: one network, and a process that waits for its turn, stay below; a message that is
#: stamped further before its cause has some other fault, which the page should show.
CLOCK_ERROR_NS = 5_000_000

#: Nothing waits longer than this for its causes and theirs, each of them wrong by
#: :data:`CLOCK_ERROR_NS`: more proxies in a row than this are not met.
_LONGEST_CHAIN_NS = 10 * CLOCK_ERROR_NS

#: What proves that a request was seen before it was authenticated.
_CHALLENGES = {401: "WWW-Authenticate", 407: "Proxy-Authenticate"}
_CREDENTIALS = ("Authorization", "Proxy-Authorization")


def in_order(messages: Sequence[Message]) -> list[Message]:
    """The messages in the order in which they were sent, as far as that can be told.

    :param messages: in the order of their times.
    """
    held = _held_back(messages)
    if not held:
        return list(messages)
    left = {at: len(causes) for at, causes in held.items()}
    effects: dict[int, list[int]] = {}
    for at, causes in held.items():
        for cause in causes:
            effects.setdefault(cause, []).append(at)
    ready = [at for at in range(len(messages)) if at not in held]
    earliest = 0
    found: dict[int, Message] = {}
    while len(found) < len(messages):
        while earliest in found:
            earliest += 1
        # Forged messages, and those of a call whose begin was not captured, may be each
        # other's causes: time decides then.
        waited = messages[ready[0]].ts - messages[earliest].ts if ready else None
        if waited is None or waited > _LONGEST_CHAIN_NS:
            at = earliest
        else:
            at = heapq.heappop(ready)
        if at in found:
            continue
        found[at] = messages[at]
        for effect in effects.get(at, ()):
            left[effect] -= 1
            if left[effect] == 0:
                heapq.heappush(ready, effect)
    return list(found.values())


def _held_back(messages: Sequence[Message]) -> dict[int, set[int]]:
    """The places of messages whose causes come not much earlier, or even later, each
    with those of its causes; nothing if each follows its causes already.
    """
    first: dict[Hashable, int] = {}
    for at, message in enumerate(messages):
        for name in _names(message):
            first.setdefault(name, at)
    held: dict[int, set[int]] = {}
    disturbed = False
    for at, message in enumerate(messages):
        for name in _causes(message):
            cause = first.get(name)
            if cause is None or cause == at or _answers(messages[cause], message):
                continue
            apart = messages[cause].ts - message.ts
            if abs(apart) <= CLOCK_ERROR_NS:
                held.setdefault(at, set()).add(cause)
                disturbed = disturbed or cause > at
    return held if disturbed else {}


def _answers(response: Message, request: Message) -> bool:
    """Whether it answers the request: it repeats the tags that the request had."""
    return (
        (response.kind, request.kind) == ("response", "request")
        and response.cseq_number == request.cseq_number
        and response.cseq_method == request.method
        and _branch(response) == _branch(request)
    )


def _names(message: Message) -> Iterator[Hashable]:
    """What this message is the first sign of, for others to refer to."""
    if message.cseq_number is None:
        return
    number, method = message.cseq_number, message.cseq_method
    if message.kind == "request":
        yield "request", _branch(message), number, message.method
        if not message.to_tag:
            yield "tag", message.from_tag
        return
    yield "tag", message.to_tag
    code, tag = message.code, message.to_tag
    vias = _branches(message)
    if len(vias) > 1 and code != 100:
        yield "response", vias[1], number, method, code, tag
    if method == "INVITE" and 200 <= code < 300:
        yield "accepted", number, tag
        yield "accepted", number, tag, message.src, message.dst
    elif method == "INVITE" and code >= 300:
        yield "refused", _branch(message), number
    if 100 < code < 200 and (reliable := message.header("RSeq")):
        yield "reliable", f"{reliable} {number} {method}".lower(), tag
    if code in _CHALLENGES:
        for nonce in _nonces(message, _CHALLENGES[code]):
            yield "nonce", nonce


def _causes(message: Message) -> Iterator[Hashable]:
    """What must have been seen before somebody could send this."""
    if message.cseq_number is None:
        return
    number, method = message.cseq_number, message.cseq_method
    if message.kind == "response":
        yield "request", _branch(message), number, method
        if method == "INVITE" and message.code == 487:
            # Section 21.4.25: the request was ended by a CANCEL.
            yield "request", _branch(message), number, "CANCEL"
        # A proxy passes it on under the next Via (section 16.7).
        branch = _branch(message)
        yield "response", branch, number, method, message.code, message.to_tag
        return
    method = message.method
    vias = _branches(message)
    if len(vias) > 1:
        # A proxy has put its Via on top (section 16.6).
        yield "request", vias[1], number, method
    if method == "CANCEL":
        yield "request", _branch(message), number, "INVITE"
    elif method == "ACK":
        yield "accepted", number, message.to_tag
        yield "accepted", number, message.to_tag, message.dst, message.src
        yield "refused", _branch(message), number
    elif message.to_tag:
        # Tags come from the other side (section 12.1).
        yield "tag", message.to_tag
    if method == "PRACK" and (acknowledged := message.header("RAck")):
        yield "reliable", " ".join(acknowledged.split()).lower(), message.to_tag
    for field in _CREDENTIALS:
        for nonce in _nonces(message, field):
            yield "nonce", nonce


def _branch(message: Message) -> Hashable:
    """What names the transaction of a message at its hop."""
    if names_a_transaction(message.branch):
        return message.branch
    return message.branch, frozenset((message.src, message.dst))


def _branches(message: Message) -> tuple[str, ...]:
    """The branches of the two topmost Vias that name a transaction each; nothing if
    they do not.
    """
    found = message.branches[:2]
    return found if all(map(names_a_transaction, found)) else ()


def _nonces(message: Message, field: str) -> Iterator[str]:
    if message.sip is None:
        return
    for value in message.sip.get_all(field):
        _, _, rest = value.strip().partition(" ")
        nonce = parameters(split_outside(rest, ",")).get("nonce")
        if nonce:
            yield nonce
