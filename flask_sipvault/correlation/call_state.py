"""Whether a call is still up, as far as its SIP messages tell.

They come in any order, some never, and through a proxy each of them twice. So their own
times decide which came first, and whatever shows that the call goes on undoes its end.
"""

from __future__ import annotations

import json
import re

#: A dialog by its two tags, in the order of their bytes: who calls does not matter.
_Dialog = tuple[bytes, ...]

#: How long a 2xx is sent again for want of an ACK: 64 * T1 (RFC 3261 section 13.3.1.4).
#: After it the called side gives its dialog up.
_UNACKNOWLEDGED_NS = 32 * 1_000_000_000

#: More dialogs of one call than this are not told apart: forks have a few.
_MOST_DIALOGS = 16

_FIELD = r"\n(?:%s|%s)[ \t]*:%s"
_TAG = r"[^\n]*?;[ \t]*tag[ \t]*=[ \t]*([^;,\s>]+)"
_FROM_TAG = re.compile((_FIELD % ("From", "f", _TAG)).encode(), re.IGNORECASE)
_TO_TAG = re.compile((_FIELD % ("To", "t", _TAG)).encode(), re.IGNORECASE)
_VIA = re.compile((_FIELD % ("Via", "v", r"([^\n]*)")).encode(), re.IGNORECASE)


class CallState:
    """Follows the messages of one Call-ID.

    :ivar over_at: when the last thing happened that ends a call, by the capture's
        clock; None while the call is up.
    :ivar answered_end: whether the end was answered: a BYE by its response, a CANCEL by
        the refusal of the INVITE.
    """

    __slots__ = (
        "_acknowledged",
        "_closed",
        "_hops",
        "_invited_at",
        "_response_seen",
        "_unacknowledged",
        "_up",
        "answered_end",
        "over_at",
    )

    def __init__(self) -> None:
        self.over_at: int | None = None
        self.answered_end = False
        self._response_seen = False
        self._invited_at = -1
        # How many Vias the INVITE had that is nearest to the caller.
        self._hops: int | None = None
        self._up: tuple[_Dialog, ...] = ()
        self._closed: tuple[_Dialog, ...] = ()
        self._acknowledged: tuple[_Dialog, ...] = ()
        # Those up of which no ACK was seen, and when they were answered.
        self._unacknowledged: tuple[tuple[_Dialog, int], ...] = ()

    @classmethod
    def recalled(cls, snapshot: str) -> CallState:
        """What :meth:`snapshot` gave."""
        state = cls()
        state.over_at, state.answered_end, state._response_seen, *rest = json.loads(
            snapshot
        )
        state._invited_at, state._hops, up, closed = rest
        state._up, state._closed = _dialogs(up), _dialogs(closed)
        return state

    def snapshot(self) -> str:
        """All that is known, for a process that does not see the messages again."""
        up, closed = (
            [[tag.decode("latin-1") for tag in dialog] for dialog in dialogs]
            for dialogs in (self._up, self._closed)
        )
        known = self.over_at, self.answered_end, self._response_seen
        return json.dumps([*known, self._invited_at, self._hops, up, closed])

    @property
    def unanswered(self) -> bool:
        """Whether there was an INVITE, and never a response to anything."""
        return self._invited_at >= 0 and not self._response_seen

    def follow(self, ts: int, method: str, message: bytes) -> None:
        """Take note of a message.

        :param ts: when it was captured, in nanoseconds since the epoch.
        :param method: its CSeq's method.
        """
        code = _status(message)
        if code is not None:
            self._response_seen = True
        if method == "INVITE":
            if code is None:
                self._on_invite(ts, message)
            elif code >= 300:
                self._on_refusal(ts, message)
            elif code >= 200:
                self._on_answer(ts, message)
        elif method == "ACK":
            self._on_ack(message)
        elif method == "BYE":
            if code is None or (code >= 200 and code not in (401, 407)):
                self._on_bye(ts, message, answered=code is not None)
        elif method == "CANCEL" and code is None:
            self._on_cancel(ts)

    def _on_invite(self, ts: int, message: bytes) -> None:
        if self.over_at is not None and ts > self.over_at:
            # With credentials now, to the next target, or a new call of an old name.
            self.over_at, self.answered_end = None, False
            self._up = self._closed = self._acknowledged = ()
            self._unacknowledged = ()
            self._hops = None
        if _TO_TAG.search(message) is None:
            self._invited_at = max(self._invited_at, ts)
            hops = _hops(message)
            self._hops = hops if self._hops is None else min(hops, self._hops)

    def _on_answer(self, ts: int, message: bytes) -> None:
        dialog = _dialog(message)
        if dialog in self._closed or dialog in self._up:
            return
        if dialog not in self._acknowledged:
            if self.over_at is not None and self._given_up(ts, self.over_at):
                return
            waiting = (*self._unacknowledged, (dialog, ts))
            self._unacknowledged = waiting[-_MOST_DIALOGS:]
        self._up = (*self._up, dialog)[-_MOST_DIALOGS:]
        self.over_at, self.answered_end = None, False

    def _on_ack(self, message: bytes) -> None:
        dialog = _dialog(message)
        if dialog not in self._acknowledged:
            self._acknowledged = (*self._acknowledged, dialog)[-_MOST_DIALOGS:]
            self._unacknowledged = tuple(
                each for each in self._unacknowledged if each[0] != dialog
            )

    def _given_up(self, answered_at: int, ts: int) -> bool:
        """Whether a dialog is no more for want of an ACK, as that of a fork's second
        answer. Where no ACK was captured at all, nothing follows.
        """
        return bool(self._acknowledged) and ts - answered_at > _UNACKNOWLEDGED_NS

    def _on_refusal(self, ts: int, message: bytes) -> None:
        if self._up or ts < self._invited_at:
            return
        if self._hops is not None and _hops(message) > self._hops:
            return  # one branch of a proxy's fork; the caller has no answer yet
        self._end(ts, answered=True)

    def _on_cancel(self, ts: int) -> None:
        # With a dialog up, a proxy cancels the branches that lost.
        if not self._up and ts >= self._invited_at:
            self._end(ts, answered=False)

    def _on_bye(self, ts: int, message: bytes, *, answered: bool) -> None:
        if ts < self._invited_at:
            return
        dialog = _dialog(message)
        self._closed = (*self._closed, dialog)[-_MOST_DIALOGS:]
        gone = {each for each, at in self._unacknowledged if self._given_up(at, ts)}
        self._up = tuple(
            each for each in self._up if each != dialog and each not in gone
        )
        if not self._up:
            self._end(ts, answered=answered)

    def _end(self, ts: int, *, answered: bool) -> None:
        self.over_at = ts if self.over_at is None else max(ts, self.over_at)
        self.answered_end = self.answered_end or answered


def _status(message: bytes) -> int | None:
    """The status code; None for a request."""
    if not message.startswith(b"SIP/2.0 "):
        message = message[:64].lstrip(b"\r\n")
        if message[:4].upper() != b"SIP/":
            return None
    code = message[:64].partition(b" ")[2].lstrip()[:3]
    return int(code) if code.isdigit() else None


def _dialog(message: bytes) -> _Dialog:
    found = (_FROM_TAG.search(message), _TO_TAG.search(message))
    return tuple(sorted(tag[1] for tag in found if tag is not None))


def _dialogs(named: list[list[str]]) -> tuple[_Dialog, ...]:
    return tuple(tuple(tag.encode("latin-1") for tag in each) for each in named)


def _hops(message: bytes) -> int:
    return sum(1 + line[1].count(b",") for line in _VIA.finditer(message))
