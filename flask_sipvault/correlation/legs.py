"""Which Call-IDs are legs of one call: B2BUAs, transfers, diverted and bridged calls.

A false friend costs more than a missed one: an operator who is shown a stranger's call
beside his own looks for the fault in the wrong place. So each tie is either explicit
(one call names the other), or it is something no two calls have in common by chance,
and where chance is possible the two must also follow from each other: see
:func:`_follows`. A forked call has one Call-ID and needs no tie.

Where a call names another, that one need not be known: it may be captured elsewhere.
"""

from __future__ import annotations

import itertools
from collections import OrderedDict
from collections.abc import Callable
from collections.abc import Hashable
from collections.abc import Iterator
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal

from ..evidence import Evidence
from ..evidence import SAME_PACKET_NS
from ..protocols.address import Endpoint
from .leg_features import LegFeatures

#: What ties two legs, the surest first:
#:
#: ``header``: one names the other in a header that the settings list;
#: ``replaces``: one takes the other's place (RFC 3891);
#: ``transfer``: one was asked for in the other by REFER (RFC 3515, 5589);
#: ``session``: both are of one session (Session-ID, RFC 7989);
#: ``media``: one side's audio goes to one address and port in both;
#: ``origin``: one side's SDP has one origin line in both;
#: ``parties``: from one caller to one called side, within seconds.
LegRelation = Literal[
    "header", "replaces", "transfer", "session", "media", "origin", "parties"
]

#: sngrep's and Homer's names for it.
DEFAULT_HEADERS = ("X-CID", "X-Call-ID")

#: So many calls are remembered for those still to come.
MAX_CALLS = 20_000

#: One call gets no more legs than this: whoever sends INVITEs chooses what they name.
MAX_LEGS = 50

#: What more calls at a time have in common than this is a constant, and ties none.
_COMMON = 8

#: Of the calls that have one thing in common, so many of the latest are compared.
_COMPARED = 64

_SECOND = 1_000_000_000

#: How soon one leg with the same parties follows the other.
_PARTIES_NS = 5 * _SECOND

#: How soon a call is made that a REFER asked for. Longer than a retransmission takes.
_REFERRED_NS = 10 * _SECOND

#: How long after its own leg is answered a B2BUA may take to answer the other.
_ANSWER_NS = 2 * _SECOND


@dataclass(frozen=True, slots=True)
class Leg:
    """Two Call-IDs of one call.

    :param ts: of the later one's first INVITE or last message, ns since the epoch.
    """

    call_id: str
    other: str
    why: LegRelation
    ts: int


class LegCorrelator:
    """Finds the legs among the calls of one customer.

    Each call is taken in when its evidence is written, in any order and in as many
    parts as there are. However many come, no more than ``max_calls`` are remembered.
    Not for several threads at once.

    :param headers: the header fields that name another Call-ID.
    """

    def __init__(
        self,
        headers: Sequence[str] = DEFAULT_HEADERS,
        *,
        max_calls: int = MAX_CALLS,
    ) -> None:
        self._headers = tuple(headers)
        self._max_calls = max_calls
        self._calls: OrderedDict[str, LegFeatures] = OrderedDict()
        # Which calls have something, so that no call is compared with all others.
        self._having: dict[Hashable, dict[str, None]] = {}
        # With which other calls each was found to belong together.
        self._found: dict[str, set[str]] = {}

    def add(self, evidence: Evidence) -> list[Leg]:
        """Take in a part of a call; the ties that were not found before."""
        return self.compare(evidence.call_id) if self.take(evidence) else []

    def take(self, evidence: Evidence) -> bool:
        """Take in a part of a call; whether there is anything to compare in it."""
        if not evidence.sip:
            return False
        facts = self._remember(evidence.call_id)
        facts.take(evidence.sip, self._headers)
        self._index(facts)
        return True

    def learn(self, facts: LegFeatures) -> None:
        """Take in what another collector knows of a call."""
        known = self._remember(facts.call_id)
        known.learn(facts)
        self._index(known)

    def features(self, call_id: str) -> LegFeatures | None:
        """What is known of a call; None if it is not, or not any more."""
        return self._calls.get(call_id)

    def compare(self, call_id: str) -> list[Leg]:
        """The ties of a call to others that were not found before."""
        facts = self._calls.get(call_id)
        if facts is None:
            return []
        return [
            Leg(call_id, other, why, max(_time(facts), self._time_of(other)))
            for why, other in self._ties(facts)
            if self._is_new(call_id, other)
        ]

    def _remember(self, call_id: str) -> LegFeatures:
        facts = self._calls.get(call_id)
        if facts is None:
            while len(self._calls) > self._max_calls:
                self._forget(*self._calls.popitem(last=False))
            # One more, so that the oldest is still compared with the newest.
            facts = self._calls[call_id] = LegFeatures(call_id)
        self._calls.move_to_end(call_id)
        return facts

    def _index(self, facts: LegFeatures) -> None:
        for key in _keys(facts):
            having = self._having.setdefault(key, {})
            having[facts.call_id] = None
            if len(having) > _COMPARED:
                del having[next(iter(having))]

    def _time_of(self, call_id: str) -> int:
        """0 of a call that was only named."""
        facts = self._calls.get(call_id)
        return 0 if facts is None else _time(facts)

    def _is_new(self, one: str, other: str) -> bool:
        found = self._found.setdefault(one, set())
        others = self._found.setdefault(other, set())
        if other in found or max(len(found), len(others)) >= MAX_LEGS:
            return False
        found.add(other)
        others.add(one)
        return True

    def _forget(self, call_id: str, facts: LegFeatures) -> None:
        for other in self._found.pop(call_id, ()):
            others = self._found[other]
            others.discard(call_id)
            if not others:
                del self._found[other]
        for key in _keys(facts):
            having = self._having.get(key, {})
            having.pop(call_id, None)
            if not having:
                self._having.pop(key, None)

    def _ties(self, facts: LegFeatures) -> Iterator[tuple[LegRelation, str]]:
        """The surest ties come first, so that they are the ones that are told."""
        yield from self._named("header", facts)
        yield from self._named("replaces", facts)
        yield from self._named("transfer", facts)
        yield from self._referred(facts)
        for pair in facts.sessions:
            yield from self._sharing("session", pair, facts, _of_one_session)
        for side in facts.media:
            yield from self._sharing("media", side, facts, _follows)
        for line in facts.origins:
            yield from self._sharing("origin", line, facts, _follows)
        if facts.parties is not None:
            yield from self._sharing("parties", facts.parties, facts, _follows_at_once)

    def _named(
        self, why: LegRelation, facts: LegFeatures
    ) -> Iterator[tuple[LegRelation, str]]:
        names = (_names(why, facts), self._having.get((why, facts.call_id), {}))
        for name in itertools.chain(*names):
            if name != facts.call_id:
                yield why, name

    def _referred(self, facts: LegFeatures) -> Iterator[tuple[LegRelation, str]]:
        asked = (("wanted", referral.user) for referral in facts.referrals)
        for other in self._having_any(asked):
            if _was_asked_for(facts, other):
                yield "transfer", other.call_id
        for other in self._having_any(("referral", user) for user in facts.wanted):
            if _was_asked_for(other, facts):
                yield "transfer", other.call_id

    def _sharing(
        self,
        why: LegRelation,
        what: Hashable,
        facts: LegFeatures,
        fits: Callable[[LegFeatures, LegFeatures], bool],
    ) -> Iterator[tuple[LegRelation, str]]:
        """The calls that have the same and fit, unless there are too many of them."""
        at_a_time = []
        for name in reversed(self._having.get((why, what), {})):
            other = self._calls[name]
            if _overlap(facts, other):
                at_a_time.append(other)
                if len(at_a_time) > _COMMON:
                    return
        for other in at_a_time:
            if fits(facts, other):
                yield why, other.call_id

    def _having_any(self, keys: Iterator[Hashable]) -> Iterator[LegFeatures]:
        for key in keys:
            yield from (self._calls[other] for other in self._having.get(key, ()))


def _names(why: LegRelation, facts: LegFeatures) -> dict[str, None]:
    """The Call-IDs that a call names."""
    return {
        "header": facts.named,
        "replaces": facts.replaced,
        "transfer": facts.referred,
    }[why]


def _keys(facts: LegFeatures) -> Iterator[Hashable]:
    """What a call can be found by."""
    explicit: tuple[LegRelation, ...] = ("header", "replaces", "transfer")
    for why in explicit:
        yield from ((why, name) for name in _names(why, facts))
    yield from (("session", pair) for pair in facts.sessions)
    yield from (("media", side) for side in facts.media)
    yield from (("origin", side) for side in facts.origins)
    if facts.parties is not None:
        yield ("parties", facts.parties)
    yield from (("referral", referral.user) for referral in facts.referrals)
    yield from (("wanted", user) for user in facts.wanted)


def _time(facts: LegFeatures) -> int:
    return facts.last_ts if facts.began is None else facts.began


def _of_one_session(one: LegFeatures, other: LegFeatures) -> bool:
    """Both UUIDs are the same in both. One alone counts only where the other side is
    never known, and the calls follow from each other: devices with a UUID for life
    exist, though RFC 7989 section 6 wants one for each session.
    """
    if not _apart(one, other) or not _overlap(one, other):
        return False
    shared = one.sessions.keys() & other.sessions.keys()
    return any(len(pair) == 2 for pair in shared) or _follows(one, other)


def _was_asked_for(asking: LegFeatures, made: LegFeatures) -> bool:
    """Whether a REFER of the one call led to the other. The new INVITE names who
    referred it (RFC 3892), or one side of the old call makes it, from where the REFER
    came to.
    """
    if made.began is None or made.source is None or asking is made:
        return False
    for referral in asking.referrals:
        if referral.user not in made.wanted:
            continue
        in_time = -SAME_PACKET_NS <= made.began - referral.ts <= _REFERRED_NS
        named = bool(referral.by) and referral.by == made.referred_by
        by_receiver = referral.receiver.ip == made.source.ip and (
            made.from_user in (asking.from_user, asking.to_user)
        )
        if in_time and (named or by_receiver):
            return True
    return False


def _follows(one: LegFeatures, other: LegFeatures) -> bool:
    """Whether one of two calls can have been made because of the other, while that was
    up.

    Who sent the later INVITE must be another than who sent the earlier: a phone that
    makes two calls makes no legs. And the earlier must have come to where the later
    begins. A B2BUA with an address on each side breaks that chain of addresses; then
    the one call must lie within the setting up of the other.
    """
    return _led_to(one, other) or _led_to(other, one)


def _follows_at_once(one: LegFeatures, other: LegFeatures) -> bool:
    """The same, and within seconds."""
    apart = abs(_time(one) - _time(other))
    return apart <= _PARTIES_NS and _follows(one, other)


def _led_to(first: LegFeatures, then: LegFeatures) -> bool:
    if first.began is None or then.began is None or not _apart(first, then):
        return False
    # Two agents' clocks may differ by that much.
    if then.began < first.began - SAME_PACKET_NS:
        return False
    if first.over is not None and then.began > first.over:
        return False
    return _is_chained(first, then) or _is_nested(first, then)


def _is_chained(first: LegFeatures, then: LegFeatures) -> bool:
    if then.source is None:
        return False
    to_itself = any(target.ip == then.source.ip for target in first.sources)
    return any(
        target.ip == then.source.ip and (not to_itself or target == then.source)
        for target in first.targets
    )


def _is_nested(first: LegFeatures, then: LegFeatures) -> bool:
    if first.final is None or then.final is None or then.began is None:
        return False
    ips = {end.ip for end in _ends(first)} & {end.ip for end in _ends(then)}
    return (
        not ips and then.began <= first.final and then.final <= first.final + _ANSWER_NS
    )


def _ends(facts: LegFeatures) -> list[Endpoint]:
    return [*facts.sources, *facts.targets]


def _apart(one: LegFeatures, other: LegFeatures) -> bool:
    """Whether the two INVITEs have different senders."""
    return (
        one.call_id != other.call_id
        and one.source is not None
        and one.source != other.source
        and one.source not in other.sources
        and other.source not in one.sources
    )


def _overlap(one: LegFeatures, other: LegFeatures) -> bool:
    """Whether there was a time when both were up, as far as is known."""
    if one.over is not None and other.began is not None and other.began > one.over:
        return False
    return other.over is None or one.began is None or one.began <= other.over
