"""When a part of a call is to be written, and of what.

Nothing here touches a clock, a disk or a network: times are given, and what is to be
written is given back. In memory are only the calls and their state; what was captured
of them is in the spool, under row numbers that this module is told.

A call is ACTIVE until its end is seen (a BYE, a CANCEL, a refusal), then ENDING: it
lingers for what comes late, and a COMPLETE part is written. A call that is up for long
is written in PARTIAL parts, each of what is new; one that falls silent ends in an
EXPIRED part. After its last part a call is remembered for a while: what still comes
makes a further part, which the vault merges.

RTCP, log lines and reports that name a Call-ID of which no SIP comes here, because
another collector has it, are written as PARTIAL parts of that Call-ID: they say nothing
of whether the call is over.
"""

from __future__ import annotations

import heapq
import itertools
import re
from collections import Counter
from collections import deque
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass

from ..correlation.call_state import CallState
from ..correlation.media_index import description_in
from ..correlation.media_index import streams
from ..evidence import State
from ..protocols.agent import MediaWatch
from ..protocols.sdp import Media
from .customer_calls import ActiveCall as ActiveCall
from .customer_calls import CustomerCalls
from .customer_calls import GIVE_UP_SECONDS
from .items import Item

#: How long a call is remembered after its last part. The agent sends lines of a call
#: for up to a minute after its end.
REMEMBER_SECONDS = 120

#: How long an item waits at most for the call that it belongs to.
SETTLE_SECONDS = 5

#: How many bytes of items wait in memory; beyond it the oldest have waited enough.
MAX_WAITING = 8 << 20

#: A part is written when so much of a call is new, whatever the time, in bytes.
MAX_PART = 8 << 20

#: More calls than this of one customer, and the oldest is written and forgotten.
MAX_CALLS = 50_000

#: So many Call-IDs of one customer may have no SIP here, and of each so many items and
#: bytes are kept. RTCP of both sides for half a day is some 20,000 reports, about 16 MB
#: of JSON.
MAX_WITHOUT_SIP = 20_000
MAX_ITEMS_WITHOUT_SIP, MAX_BYTES_WITHOUT_SIP = 50_000, 32 << 20

#: More media addresses of one call than this are not watched.
_MOST_WATCHED = 32

#: More descriptions of one call than this are not kept until its end, nor longer
#: messages, in bytes.
_MOST_DESCRIPTIONS, _LONGEST_KEPT = 16, 16 << 10

#: Of so many calls one is given up at a time, where the spool has no room for more.
_GIVE_WAY = 8

#: No codec has a longer name, in characters.
_LONGEST_CODEC = 64

#: An address in a description, in about its usual form.
_CONNECTION = re.compile(rb"\nc=IN IP[46] ([0-9A-Fa-f.:]+)")

_NEVER = float("inf")


@dataclass(slots=True, frozen=True)
class Waiting:
    """An item whose call is not known yet.

    :param row: under which the spool keeps it meanwhile.
    """

    item: Item
    row: int
    until: float


@dataclass(slots=True, frozen=True)
class Part:
    """What is to be written of a call: its rows after one, up to another.

    :param anchors: rows to keep in the spool all the same.
    :param final: whether nothing more comes under this session's number.
    :param snapshot: what is known of a call that is up, for a restarted collector.
    """

    session_id: int
    customer_id: str
    call_id: str
    state: State
    after: int
    last: int
    anchors: tuple[int, ...] = ()
    final: bool = True
    snapshot: str = ""


@dataclass(slots=True, frozen=True)
class Watch:
    """The wish that the agent of a customer at an address watches a media port."""

    customer_id: str
    agent_ip: str
    frame: MediaWatch


def _nobody(customer_id: str, ip: str) -> bool:
    """No agent is connected."""
    return False


class CallTracker:
    """The calls of all customers.

    :param linger: how long to wait after a call's end, in seconds.
    :param call_timeout: after how much silence a call has expired, in seconds.
    :param partial_seconds: how often a part of a call that is up is given out.
    :param has_agent: whether an agent of this customer is connected from this address.
    :param first_id: the number of the first session that begins here.
    """

    def __init__(
        self,
        *,
        linger: float,
        call_timeout: float,
        partial_seconds: float,
        has_agent: Callable[[str, str], bool] = _nobody,
        first_id: int = 1,
        max_calls: int = MAX_CALLS,
    ) -> None:
        #: Wishes that nobody has taken to an agent yet.
        self.watches: list[Watch] = []
        #: How many items were left out because they are of no call, by their kind.
        self.left_out: Counter[str] = Counter()
        #: How many of these because of a limit of what is kept without SIP: of
        #: ``calls``, or of the ``items`` or ``bytes`` of one.
        self.over_limit: Counter[str] = Counter()
        self._linger = linger
        self._call_timeout = call_timeout
        self._partial_seconds = partial_seconds
        self._settle_seconds = min(SETTLE_SECONDS, linger / 2)
        self._has_agent = has_agent
        self._ids = itertools.count(first_id)
        self._max_calls = max_calls
        self._customers: dict[str, CustomerCalls] = {}
        self._waiting: deque[Waiting] = deque()
        self._waiting_bytes = 0
        # When sessions have something to do. An entry whose time is not its session's
        # is out of date. The number keeps sessions from being compared.
        self._alarms: list[tuple[float, int, ActiveCall]] = []
        self._alarm_numbers = itertools.count()
        # Parts of sessions that had to make room.
        self._evicted: deque[Part] = deque()

    @property
    def up(self) -> int:
        """How many calls are in progress, or linger."""
        return sum(
            len(calls.sessions) - len(calls.remembered)
            for calls in self._customers.values()
        )

    def add(
        self, item: Item, row: int, now: float, *, at_last: bool = False
    ) -> ActiveCall | Waiting | None:
        """Find the call that an item belongs to.

        :param row: under which the spool will keep it; larger than any before.
        :param at_last: it has waited; now it is placed or left out.
        :returns: its call; :class:`Waiting` if that is to be seen; None if it is of no
            call and need not be kept.
        """
        calls = self._customers.get(item.customer_id)
        if calls is None:
            calls = self._customers[item.customer_id] = CustomerCalls()
        call_id = calls.place(item, at_last=at_last)
        if call_id is not None:
            session = calls.sessions.get(call_id)
            limit = _limit_reached(calls, session, item)
            if limit is not None:
                self.left_out[item.kind] += 1
                self.over_limit[limit] += 1
                return None
            if session is None or session.id == 0:
                number = next(self._ids)
                session = self._begin(calls, item.customer_id, call_id, number, now)
            self._take(calls, session, item, row, now)
            return session
        if item.kind == "sip" or at_last:
            self.left_out[item.kind] += 1
            if item.kind == "sip":
                calls.leave_out(item)
            return None
        waiting = Waiting(item, row, now + self._settle_seconds)
        self._waiting.append(waiting)
        self._waiting_bytes += len(item.payload)
        return waiting

    def restore(
        self,
        session_id: int,
        call_id: str,
        item: Item,
        row: int,
        now: float,
        *,
        sealed_row: int,
        snapshot: str = "",
        last_seen: float = -_NEVER,
    ) -> None:
        """Take in what an earlier process had in its spool, in the order of the rows.

        :param call_id: of the call that the item was found to belong to.
        :param now: when the item came, by this process's clock.
        :param sealed_row: up to which row the session was given out in parts.
        :param snapshot: what was known of the call then; "" if that is not known.
        :param last_seen: when the last came that was given out.
        """
        calls = self._customers.setdefault(item.customer_id, CustomerCalls())
        session = calls.sessions.get(call_id)
        if session is not None and session.id not in (0, session_id):
            # It had to make room, and was killed before that was on disk.
            self._evicted.append(self._final(calls, session, "PARTIAL"))
        if session is None or session.id != session_id:
            session = self._begin(
                calls, item.customer_id, call_id, session_id, now, make_room=False
            )
            session.last_row = session.sealed_row = sealed_row
            session.last_seen = max(now, last_seen)
            if snapshot:
                session.state = CallState.recalled(snapshot)
                calls.recall(session)
        self._take(calls, session, item, row, now)

    def settle(self, now: float) -> list[Waiting]:
        """The items that have waited long enough, to be added again at last."""
        settled = []
        while self._waiting and (
            self._waiting[0].until <= now or self._waiting_bytes > MAX_WAITING
        ):
            waiting = self._waiting.popleft()
            self._waiting_bytes -= len(waiting.item.payload)
            settled.append(waiting)
        return settled

    def due(self, now: float, *, hurry_to: int | None = None) -> Iterator[Part]:
        """The parts that are to be written now.

        :param hurry_to: the spool is full: give out what is new of every call, up to
            this row.
        """
        while self._evicted:
            yield self._evicted.popleft()
        while self._alarms and self._alarms[0][0] <= now:
            at, _, session = heapq.heappop(self._alarms)
            if at != session.wake_at:
                continue
            session.wake_at = _NEVER
            part = self._wake(session, now)
            if part is not None:
                yield part
        if hurry_to is not None:
            yield from self._hurry(hurry_to)

    def _hurry(self, to: int) -> list[Part]:
        parts = []
        for calls in self._customers.values():
            for session in list(calls.sessions.values()):
                if not session.new_items or session.first_row > to:
                    continue
                if session.last_row <= to:
                    parts.append(self._give_out(calls, session))
                else:
                    parts.append(_partial(session, to))
                    session.sealed_row, session.first_row = to, to + 1
        return parts

    def give_way(self, to: int) -> list[Part]:
        """Last parts of some of the calls that began first. Even what is kept of calls
        that are up has filled the spool; they are known on, but not after a restart.

        :param to: calls with later rows must wait.
        """
        up = [
            (session.id, calls, session)
            for calls in self._customers.values()
            for session in calls.sessions.values()
            if session.id and session.last_row <= to
        ]
        if not up:
            return []
        some = heapq.nsmallest(1 + len(up) // _GIVE_WAY, up, key=lambda each: each[0])
        return [self._final(calls, session, "PARTIAL") for _, calls, session in some]

    def _begin(
        self,
        calls: CustomerCalls,
        customer_id: str,
        call_id: str,
        session_id: int,
        now: float,
        *,
        make_room: bool = True,
    ) -> ActiveCall:
        """A new session, or a remembered one that goes on under a new number."""
        session = calls.sessions.get(call_id)
        if session is not None:
            session.id = session_id
            del calls.remembered[call_id]
            return session
        if make_room and len(calls.sessions) >= self._max_calls:
            self._evict_one(calls)
        session = ActiveCall(session_id, customer_id, call_id, now)
        calls.begin(session)
        return session

    def _take(
        self,
        calls: CustomerCalls,
        session: ActiveCall,
        item: Item,
        row: int,
        now: float,
    ) -> None:
        session.last_seen = max(now, session.last_seen)
        if row > session.sealed_row:
            if not session.new_items:
                session.first_new = now
                session.first_row = row
            session.new_items += 1
            session.new_bytes += len(item.payload)
            session.last_row = row
        if not session.anchors:
            session.anchors = (row,)
        calls.take(session, item)
        if item.kind == "sip":
            self._follow(calls, session, item, row, now)
        elif session.new_items > 1 and session.new_bytes < MAX_PART:
            return  # it can only put off what there is to do
        at = self._next_alarm(session)
        if at < session.wake_at:
            self._set_alarm(session, at)

    def _follow(
        self,
        calls: CustomerCalls,
        session: ActiveCall,
        item: Item,
        row: int,
        now: float,
    ) -> None:
        state, method, message = session.state, item.cseq_method, item.payload
        was_answered = state.answered_end
        if row > session.sealed_row or not session.recalled:
            state.follow(item.ts, method, message)
        if method == "INVITE" and message.startswith(b"SIP/2.0 2"):
            session.anchors = (session.anchors[0], row)
        if state.over_at is None:
            session.over_since = None
        elif session.over_since is None or state.answered_end != was_answered:
            session.over_since = now
        description = description_in(message)
        if description is not None:
            calls.media.announce(item.ts, session.call_id, description)
            if len(message) <= _LONGEST_KEPT:
                _keep_description(session, hash(description), row)
            self._watch(session, item, description)

    def _watch(self, session: ActiveCall, item: Item, description: bytes) -> None:
        """Wish for a watch, where another agent of the customer sits at the media."""
        if not any(
            ip != item.sender and self._has_agent(session.customer_id, ip)
            for ip in map(bytes.decode, _CONNECTION.findall(description))
        ):
            return
        for media in streams(description):
            place = media.rtp
            if (
                place is None
                or place.ip == item.sender
                or place in session.watched
                or len(session.watched) >= _MOST_WATCHED
                or not self._has_agent(session.customer_id, place.ip)
            ):
                continue
            session.watched = (*session.watched, place)
            frame = MediaWatch(session.call_id, place, _first_codec(media))
            self.watches.append(Watch(session.customer_id, place.ip, frame))

    def _next_alarm(self, session: ActiveCall) -> float:
        """When there is something to do, if nothing more comes."""
        if session.id == 0:
            return session.last_seen + REMEMBER_SECONDS
        if session.new_bytes >= MAX_PART:
            return session.last_seen
        if session.over_since is not None:
            wait = self._linger
            if not session.state.answered_end:
                wait += GIVE_UP_SECONDS
            # What came after the last part lingers too.
            return max(session.over_since + wait, session.first_new + self._linger)
        expires_at = session.last_seen + self._patience(session)
        if not session.new_items:
            return expires_at
        if not session.has_sip:
            # At first soon, so that it can be seen; the call may be a long one.
            wait = self._partial_seconds if session.was_written else self._linger
            return session.first_new + wait
        return min(session.first_new + self._partial_seconds, expires_at)

    def _patience(self, session: ActiveCall) -> float:
        """After how much silence a call has expired. What nobody answers is given up
        by its sender soon.
        """
        if session.state.unanswered:
            return min(self._call_timeout, GIVE_UP_SECONDS + self._linger)
        return self._call_timeout

    def _set_alarm(self, session: ActiveCall, at: float) -> None:
        session.wake_at = at
        heapq.heappush(self._alarms, (at, next(self._alarm_numbers), session))

    def _wake(self, session: ActiveCall, now: float) -> Part | None:
        """Do what there is to do for a call now."""
        calls = self._customers[session.customer_id]
        part = None
        if self._next_alarm(session) <= now:
            if session.id == 0:
                calls.forget(session)
                return None
            part = self._give_out(calls, session, now)
        self._set_alarm(session, self._next_alarm(session))
        return part

    def _give_out(
        self, calls: CustomerCalls, session: ActiveCall, now: float = -_NEVER
    ) -> Part:
        """What is new of a call, as the state that it is in now."""
        if not session.has_sip:
            # Its SIP is elsewhere, or was forgotten already: others know its end.
            session.was_written = True
            return self._final(calls, session, "PARTIAL")
        if session.over_since is not None:
            return self._final(calls, session, "COMPLETE")
        if now >= session.last_seen + self._patience(session):
            return self._final(calls, session, "EXPIRED")
        part = _partial(session, session.last_row)
        _seal(session)
        return part

    def _final(self, calls: CustomerCalls, session: ActiveCall, state: State) -> Part:
        """The last part under this number. Of a call that expired after its last part
        nothing is new: the spool gives its anchors once more.
        """
        part = Part(
            session.id,
            session.customer_id,
            session.call_id,
            state,
            session.sealed_row,
            session.last_row,
        )
        _seal(session)
        session.id = 0
        session.anchors = ()
        session.descriptions = ()
        session.recalled = False
        if state != "PARTIAL":
            calls.media.forget(session.call_id)
        calls.remembered[session.call_id] = None
        return part

    def _evict_one(self, calls: CustomerCalls) -> None:
        """Make room: forget the call that was over first, or else began first."""
        oldest = next(iter(calls.remembered), None)
        if oldest is not None:
            session = calls.sessions[oldest]
        else:
            session = next(iter(calls.sessions.values()))
            self._evicted.append(self._final(calls, session, "PARTIAL"))
        session.wake_at = _NEVER
        calls.forget(session)


def _limit_reached(
    calls: CustomerCalls, session: ActiveCall | None, item: Item
) -> str | None:
    """Which limit keeps an item from being kept; None: it may be kept."""
    if item.kind == "sip" or (session is not None and session.has_sip):
        return None
    if session is None:
        return "calls" if calls.without_sip >= MAX_WITHOUT_SIP else None
    if session.items_without_sip >= MAX_ITEMS_WITHOUT_SIP:
        return "items"
    size = session.bytes_without_sip + len(item.payload)
    return "bytes" if size > MAX_BYTES_WITHOUT_SIP else None


def _first_codec(media: Media) -> str:
    """``PCMU/8000``; empty where the description does not say."""
    names = {
        str(number): f"{codec.name}/{codec.clock_rate}"
        for number, codec in media.codecs.items()
    }
    return next((names[f] for f in media.formats if f in names), "")[:_LONGEST_CODEC]


def _seal(session: ActiveCall) -> None:
    session.sealed_row = session.last_row
    session.new_items = session.new_bytes = 0


def _partial(session: ActiveCall, last: int) -> Part:
    """A part of a call that goes on."""
    return Part(
        session.id,
        session.customer_id,
        session.call_id,
        "PARTIAL",
        session.sealed_row,
        last,
        _anchors(session),
        final=False,
        # It may be ahead of the last row: to see a message twice does not harm.
        snapshot=session.state.snapshot() if session.has_sip else "",
    )


def _keep_description(session: ActiveCall, key: int, row: int) -> None:
    """Keep the last row of each description: a proxy passes each of them twice, and
    session timers (RFC 4028) repeat them for as long as the call is up.
    """
    others = tuple(each for each in session.descriptions if each[0] != key)
    session.descriptions = (*others, (key, row))[-_MOST_DESCRIPTIONS:]


def _anchors(session: ActiveCall) -> tuple[int, ...]:
    kept = (row for _, row in session.descriptions)
    return tuple(sorted({*session.anchors, *kept}))
