"""The calls of one customer, and which of them an item belongs to."""

from __future__ import annotations

import re
import sys
from dataclasses import dataclass
from dataclasses import field

from ..correlation.call_ids import CallIdMatcher
from ..correlation.call_state import CallState
from ..correlation.media_index import MediaIndex
from .items import Item

#: A message of these methods is of a call, even where its INVITE was not captured.
CALL_METHODS = frozenset({"INVITE", "ACK", "BYE", "CANCEL", "PRACK", "UPDATE", "INFO"})

#: How long an unanswered BYE or INVITE is sent again: 64 * T1 (RFC 3261 section 17.1).
GIVE_UP_SECONDS = 32

#: Where in a line a Call-ID is looked for, in bytes: a line may be as long as a frame,
#: and to look through it takes long.
_LINE_SEEN = 4096

#: How long media ports may still be a call's after its end, in nanoseconds.
_PORTS_KEPT = GIVE_UP_SECONDS * 1_000_000_000

#: How many Call-IDs of registrations and the like are remembered, so that what names
#: them makes no call.
_MOST_OTHERS = 10_000

#: A Call-ID has neither spaces nor control characters (RFC 3261 section 25.1).
_CALL_ID = re.compile(r"[^\s\x00-\x1f\x7f]+")


@dataclass(slots=True)
class ActiveCall:
    """A call in progress, or just over.

    :param id: its number in the spool; 0 when all of it was given out and it is only
        remembered.
    :param last_seen: when something last came, by the collector's clock, as all times
        here but those in ``state``.
    :param first_new: when the first of what is not given out yet came.
    :param over_since: when its end was noticed; None while it is up.
    :param is_call: whether it is known to be a call: by its SIP, or by a sender that
        speaks of calls only.
    :param items_without_sip: how many items were kept before any SIP of it was seen,
        and ``bytes_without_sip`` how large they are.
    :param was_written: whether a part of it was given out before any SIP was seen.
    :param first_row, last_row: the first of its rows that is not given out yet, and
        the last of its rows in the spool.
    :param sealed_row: the last row that was given out in a part.
    :param recalled: whether ``state`` was restored as it was at ``sealed_row``.
    :param anchors: rows that stay in the spool as long as the call is up: its first
        item and its last answer.
    :param descriptions: rows that stay as well, the oldest first, by the hash of the
        session description in them: from them a restarted collector knows where the
        call's media goes.
    :param watched: the media addresses that an agent was asked to watch.
    :param wake_at: when there is next something to do.
    """

    id: int
    customer_id: str
    call_id: str
    last_seen: float
    state: CallState = field(default_factory=CallState)
    first_new: float = 0.0
    over_since: float | None = None
    has_sip: bool = False
    is_call: bool = False
    items_without_sip: int = 0
    bytes_without_sip: int = 0
    was_written: bool = False
    new_items: int = 0
    new_bytes: int = 0
    first_row: int = 0
    last_row: int = 0
    sealed_row: int = 0
    recalled: bool = False
    anchors: tuple[int, ...] = ()
    descriptions: tuple[tuple[int, int], ...] = ()
    watched: tuple[tuple[str, int], ...] = ()
    wake_at: float = float("inf")


class CustomerCalls:
    """One customer's calls, so that no item ever finds another customer's."""

    def __init__(self) -> None:
        self.sessions: dict[str, ActiveCall] = {}
        #: The Call-IDs of those that are only remembered, the oldest first.
        self.remembered: dict[str, None] = {}
        #: How many of the sessions have no SIP so far.
        self.without_sip = 0
        self.call_ids = CallIdMatcher()
        # The calls are in progress now, however their hosts' clocks are set.
        self.media = MediaIndex(self._media_until, early_ns=sys.maxsize)
        # Call-IDs of messages that are of no call, the latest last.
        self._others: dict[str, None] = {}

    def place(self, item: Item, *, at_last: bool) -> str | None:
        """The Call-ID that the item goes to; None if there is none, or none yet.

        :param at_last: it has waited: what the sender says is taken now.
        """
        if item.kind == "sip":
            return self._place_message(item)
        if item.kind == "log":
            return self._place_line(item, at_last)
        named = self._named(item)
        if named is None and item.kind == "rtcp":
            named = self._place_rtcp(item)
        return named or self._named_alone(item, at_last)

    def leave_out(self, item: Item) -> None:
        """Take note of a message that is of no call."""
        if item.call_id:
            self._others.pop(item.call_id, None)
            self._others[item.call_id] = None
            if len(self._others) > _MOST_OTHERS:
                del self._others[next(iter(self._others))]

    def begin(self, session: ActiveCall) -> None:
        """Know a call from now on."""
        self.sessions[session.call_id] = session
        self.without_sip += 1

    def take(self, session: ActiveCall, item: Item) -> None:
        """Take note of what an item shows of its call."""
        if item.kind == "sip" and not session.has_sip:
            session.has_sip = True
            self.without_sip -= 1
        if not session.is_call and (session.has_sip or item.of_call):
            session.is_call = True
            self._others.pop(session.call_id, None)
            # Lines that only hold the Call-ID are its own from now on, and not before:
            # what else a sender may name would draw them away from their calls.
            self.call_ids.add(session.call_id)
        if not session.has_sip:
            session.items_without_sip += 1
            session.bytes_without_sip += len(item.payload)

    def recall(self, session: ActiveCall) -> None:
        """Know that a call has SIP, though it may not be seen here again."""
        self.without_sip -= not session.has_sip
        session.has_sip = session.is_call = session.recalled = True
        self.call_ids.add(session.call_id)

    def forget(self, session: ActiveCall) -> None:
        """Know nothing of a call any more."""
        self.without_sip -= not session.has_sip
        self.media.forget(session.call_id)
        self.call_ids.discard(session.call_id)
        self.remembered.pop(session.call_id, None)
        del self.sessions[session.call_id]

    def _place_message(self, item: Item) -> str | None:
        if self._is_call(item.call_id):
            return item.call_id
        if item.call_id and item.cseq_method in CALL_METHODS:
            return item.call_id
        return None

    def _place_line(self, item: Item, at_last: bool) -> str | None:
        """The call whose Call-ID stands whole in the line, or else the one named.

        The agent names any call whose Call-ID is somewhere in the line. Where the right
        one is not known, its INVITE may be on the way.
        """
        line = item.payload[:_LINE_SEEN].decode("utf-8", "surrogateescape")
        owner = self.call_ids.owner(line)
        if owner is not None:
            return owner
        if not at_last and CallIdMatcher([item.call_id]).owner(line) is None:
            return None
        return self._named(item) or self._named_alone(item, at_last)

    def _named(self, item: Item) -> str | None:
        """The call that the sender names, if it is one."""
        if item.call_id and (item.of_call or self._is_call(item.call_id)):
            return item.call_id
        return None

    def _named_alone(self, item: Item, at_last: bool) -> str | None:
        """The Call-ID that the sender names, when its SIP may be at another collector.

        It must not be that of a registration, which OpenSIPS names in its log lines.
        """
        name = item.call_id
        if name in self.sessions:
            return name
        may_be_a_call = name not in self._others and _CALL_ID.fullmatch(name)
        return name if at_last and may_be_a_call else None

    def _is_call(self, call_id: str) -> bool:
        session = self.sessions.get(call_id)
        return session is not None and session.is_call

    def _place_rtcp(self, item: Item) -> str | None:
        owner = self.media.owner(item.ts, item.src, item.dst)
        return owner or self.media.owner_of_report(item.ts, item.payload)

    def _media_until(self, call_id: str) -> int:
        """Until when the ports of a call are its own, in ns since the epoch."""
        over_at = self.sessions[call_id].state.over_at
        return sys.maxsize if over_at is None else over_at + _PORTS_KEPT
