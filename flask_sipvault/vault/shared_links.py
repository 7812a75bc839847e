"""The shared links of one customer, kept beside its calls.

======================================================  ==============================
``shares/{last day}/{name}/link.json``                  what the link opens
``shares/{last day}/{name}/opened-{day}``               empty: it was opened that day
``calls/{call_hash}/{day}/share-{last day}-{name}``     empty: the call has this link
======================================================  ==============================

A link's name is a hash of its token: whoever reads the store cannot open a call by what
is kept. The last day, in UTC, is that on which the link ends, so that what has ended is
known by its key.
"""

from __future__ import annotations

import json
import logging
import re
from collections.abc import Iterable
from dataclasses import asdict
from dataclasses import dataclass
from datetime import datetime
from datetime import timezone

from ..evidence import call_hash
from .objects import ObjectStore

logger = logging.getLogger(__name__)

_DAY = r"\d{4}-\d\d-\d\d"
_NAME = "[0-9a-f]{32}"
_MARK = re.compile(rf"{_DAY}/share-({_DAY})-({_NAME})")
_KEPT = re.compile(rf"({_DAY})/({_NAME})/(?:link\.json|opened-({_DAY}))")


@dataclass(frozen=True, slots=True)
class SharedLink:
    """What is kept of a link.

    :param name: the hash of its token, 32 hex digits.
    :param label: how the link's token begins, to tell it from others by.
    :param masked: whether it opens the masked call alone.
    :param made: when it was made, in seconds since the epoch.
    :param until: when it was to end.
    """

    name: str
    label: str
    customer_id: str
    call_id: str
    masked: bool
    made: int
    until: int


class SharedLinks:
    """Keeps, finds and revokes them.

    :param prefix: of every key of the customer: empty, or with a slash at its end.
    :raises flask_sipvault.vault.objects.StoreError: of each method, if the store does
        not answer or does not take it.
    """

    def __init__(self, store: ObjectStore, prefix: str) -> None:
        self._store = store
        self._calls = f"{prefix}calls/"
        self._shares = f"{prefix}shares/"

    def put(self, link: SharedLink, day: str) -> None:
        """Keep a link.

        :param day: under which parts of the call lie, so that it goes when they go.
        """
        # The mark first: a link that opens a call must be seen to do so.
        self._store.put(self._mark(link, day), b"")
        data = json.dumps(asdict(link), ensure_ascii=True).encode()
        self._store.put(f"{self._folder(link.name, link.until)}link.json", data)

    def get(self, name: str, until: int) -> SharedLink | None:
        """The link; None if it was revoked, or there never was one."""
        return self._read(f"{self._folder(name, until)}link.json")

    def of_call(self, call_id: str) -> list[SharedLink]:
        """The links to a call that were not revoked, the latest first."""
        links = []
        for last_day, name in self._marks(call_id):
            link = self._read(f"{self._shares}{last_day}/{name}/link.json")
            # Another call may have the same hash.
            if link is not None and link.call_id == call_id:
                links.append(link)
        return sorted(links, key=lambda link: (link.made, link.name), reverse=True)

    def revoke(self, call_id: str, name: str) -> bool:
        """Have a link open nothing any more; False if the call has no such link."""
        for link in self.of_call(call_id):
            if link.name == name:
                # What opens the call goes first: the rest may fail and be tried again.
                folder = self._folder(name, link.until)
                self._store.delete(f"{folder}link.json")
                keys = [item.key for item in self._store.list(folder)]
                keys += self._marks(call_id).get((_day(link.until), name), [])
                for key in keys:
                    self._store.delete(key)
                return True
        return False

    def note_opened(self, link: SharedLink, now: float) -> None:
        """Note that somebody opens the link today: once a day is enough."""
        folder = self._folder(link.name, link.until)
        self._store.put(f"{folder}opened-{_day(now)}", b"")

    def days_opened(self, link: SharedLink) -> list[str]:
        """The UTC days on which it was opened, in order."""
        days = []
        for item in self._store.list(self._folder(link.name, link.until)):
            kept = _KEPT.fullmatch(item.key.removeprefix(self._shares))
            if kept and kept[3]:
                days.append(kept[3])
        return days

    def outdated(
        self, calls: Iterable[str], going: Iterable[str], now: float
    ) -> list[str]:
        """The keys of links that have ended, or whose call's parts are going.

        :param calls: every key below ``calls/``.
        :param going: those of them that are about to be removed.
        """
        today, going = _day(now), set(going)
        ended: list[str] = []
        orphans = set()
        for key in calls:
            mark = _MARK.fullmatch(key.removeprefix(self._calls).partition("/")[2])
            if mark is None:
                continue
            if key in going:
                orphans.add((mark[1], mark[2]))
            elif mark[1] < today:
                ended.append(key)
        for item in self._store.list(self._shares):
            kept = _KEPT.fullmatch(item.key.removeprefix(self._shares))
            if kept and (kept[1] < today or (kept[1], kept[2]) in orphans):
                ended.append(item.key)
        return ended

    def _folder(self, name: str, until: int) -> str:
        return f"{self._shares}{_day(until)}/{name}/"

    def _mark(self, link: SharedLink, day: str) -> str:
        end = f"share-{_day(link.until)}-{link.name}"
        return f"{self._calls}{call_hash(link.call_id)}/{day}/{end}"

    def _marks(self, call_id: str) -> dict[tuple[str, str], list[str]]:
        """The marks of a call, by last day and name."""
        prefix = f"{self._calls}{call_hash(call_id)}/"
        marks: dict[tuple[str, str], list[str]] = {}
        for item in self._store.list(prefix):
            mark = _MARK.fullmatch(item.key.removeprefix(prefix))
            if mark:
                marks.setdefault((mark[1], mark[2]), []).append(item.key)
        return marks

    def _read(self, key: str) -> SharedLink | None:
        data = self._store.get(key)
        if data is None:
            return None
        try:
            link = SharedLink(**json.loads(data))
            kinds = (
                *(isinstance(each, str) for each in (link.customer_id, link.call_id)),
                *(isinstance(each, str) for each in (link.name, link.label)),
                *(type(each) is int for each in (link.made, link.until)),
                type(link.masked) is bool,
            )
        except (TypeError, ValueError, RecursionError):
            kinds = (False,)
        if not all(kinds) or key != f"{self._folder(link.name, link.until)}link.json":
            logger.error("%s in the %s is damaged", key, self._store.location)
            return None
        return link


def _day(seconds: float) -> str:
    return datetime.fromtimestamp(seconds, timezone.utc).date().isoformat()
