"""Requests that were refused: by which host, and with what words."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from ...protocols.address import Endpoint
from ...protocols.sdp import Sdp
from ..call import Call
from ..sip.messages import Message
from ..sip.reasons import reasons
from ..sip.reasons import warnings
from ..sip.transactions import outermost
from ..sip.transactions import Transaction

#: Refusals after which the request is sent again, or which the sender brought about.
_CHALLENGES = frozenset({401, 407})
_WITHDRAWN = 487


@dataclass(frozen=True, slots=True)
class Refusal:
    """A request that was refused.

    :param transaction: at the hop where the refusal was made, as far as captured.
    :param outer: at the hop nearest to who sent the request.
    :param response: the refusal where it was made.
    :param warnings: the codes of its Warning header fields (RFC 3261 section 20.43).
    :param causes: its Q.850 causes.
    :param text: all that it says in words, in lower case.
    """

    transaction: Transaction
    outer: Transaction
    response: Message
    warnings: frozenset[int]
    causes: frozenset[int]
    text: str

    @property
    def by(self) -> Endpoint:
        """The host that refused."""
        return self.transaction.server

    @property
    def code(self) -> int:
        """The status code of the refusal where it was made."""
        return self.response.code

    @property
    def request(self) -> Message:
        """The request, as that host got it."""
        request = self.transaction.request or self.outer.request
        assert request is not None
        return request

    @property
    def offer(self) -> Sdp | None:
        """The session description that was refused."""
        return self.request.sdp


def refused_setups(call: Call) -> list[Refusal]:
    """The INVITEs that were to set up the call and were refused for good, the first
    refusal first; none of a call that was answered in the end.
    """
    if any(dialog.confirmed for dialog in call.dialogs):
        return []
    found = [
        refusal
        for each in outermost(call.transactions)
        if each.method == "INVITE" and not each.in_dialog
        for refusal in refusals_of(each)
    ]
    return sorted(found, key=lambda each: each.response.n)


def refusals_of(outer: Transaction) -> list[Refusal]:
    """The refusals that a request met where they were made: several of a fork. Those
    count that have the code which reached its sender, if there are any.
    """
    final = outer.refusal
    if outer.request is None or final is None or final.code < 400:
        return []
    if final.code in _CHALLENGES or final.code == _WITHDRAWN:
        return []
    made = [
        _refusal(each, outer)
        for each in _last_hops(outer)
        if each.refusal is not None and each.refusal.code >= 400
    ]
    return [each for each in made if each.code == final.code] or made


def _last_hops(outer: Transaction) -> Iterator[Transaction]:
    """Where a request was not passed on any further, or refused all the same."""
    waiting, seen = [outer], {id(outer)}
    while waiting:
        each = waiting.pop()
        passed = [t for t in each.downstream if id(t) not in seen]
        seen.update(map(id, passed))
        waiting += passed[::-1]
        # Who passed it on and met no refusal made its own.
        if not any(t.refusal is not None for t in each.downstream):
            yield each


def _refusal(transaction: Transaction, outer: Transaction) -> Refusal:
    response = transaction.refusal
    assert response is not None
    message = response.sip
    if message is None:
        return Refusal(
            transaction, outer, response, frozenset(), frozenset(), response.summary
        )
    given, warned = reasons(message), warnings(message)
    texts = [message.reason, *(e.text for e in warned), *(e.text for e in given)]
    return Refusal(
        transaction,
        outer,
        response,
        frozenset(each.code for each in warned if each.code),
        frozenset(e.cause for e in given if e.protocol == "Q.850" and e.cause),
        " ".join(filter(None, texts)).lower(),
    )
