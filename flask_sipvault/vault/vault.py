"""One customer's calls in a store: find, put, prune."""

from __future__ import annotations

import base64
import binascii
import hashlib
import logging
import re
import time
from collections.abc import Iterable
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from datetime import date
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from typing import Any
from typing import Protocol

from ..evidence import call_hash
from ..evidence import Evidence
from ..evidence import merge
from ..singleflight import SingleFlight
from . import archive
from . import bundle
from .listing import Listing
from .objects import MAX_OBJECT
from .objects import ObjectStore
from .objects import StoredObject
from .shared_links import SharedLinks

logger = logging.getLogger(__name__)

#: How long a listing may be old, in seconds. Parts never change; new ones may come.
LIST_SECONDS = 10

#: How long a part stays in the cache, in seconds.
PART_SECONDS = 24 * 3600

#: Larger parts are fetched anew each time, in bytes. What was read of them may be kept
#: all the same, by whoever explains it.
MAX_CACHED = 1 << 20

#: More of one call than this is not fetched, in bytes as stored.
MAX_CALL = 256 << 20

#: Requests at once for the parts of one call.
_FETCHES = 8

#: Longer Call-IDs, in bytes, get no leg markers: S3's keys end at 1024.
MAX_LEG_CALL_ID = 512

_SECOND = 1_000_000_000
_DAY = r"\d{4}-\d\d-\d\d"
_PART_KEY = re.compile(rf"{_DAY}/[0-9A-Za-z.-]+\.zip")
_LEG_KEY = re.compile(rf"{_DAY}/leg-([a-z]+)-([A-Za-z0-9_./-]+)")
_CALL_KEY = re.compile(rf"[0-9a-f]{{16}}/({_DAY})/.+")
_REASON = re.compile(r"[a-z]{1,20}")

#: A key's component must fit a file name. Longer base64 goes on in the next; a dot
#: says so, lest the file of one Call-ID be the folder of a longer one.
_SLICE = 200
_CONTINUED = "./"


class Cache(Protocol):
    """What the vault asks of a cache; flask-caching's ``Cache`` gives it."""

    def get(self, key: str) -> Any:
        """The value, or None."""

    def set(self, key: str, value: Any, timeout: int | None = None) -> Any:
        """Keep the value for so many seconds."""


class Vault:
    """The calls of one customer. For several threads at once: what more of them ask for
    at the same time is listed, and fetched, once.

    :param prefix: of every key, without a slash at its end; empty for none.
    :param lookback_days: how far back :meth:`find` looks; 0: without a limit.
    :param cache: may be shared by vaults of several customers.
    """

    def __init__(
        self,
        store: ObjectStore,
        *,
        customer_id: str,
        prefix: str = "",
        lookback_days: int = 7,
        cache: Cache | None = None,
    ) -> None:
        self.store = store
        self.customer_id = customer_id
        self.lookback_days = lookback_days
        self._calls = f"{prefix.strip('/')}/calls/".lstrip("/")
        self._cache = cache
        self._flights = SingleFlight()
        #: The shared links to calls of this customer.
        self.shared_links = SharedLinks(store, self._calls.removesuffix("calls/"))

    def put(self, evidence: Evidence) -> str:
        """Keep the evidence as one part; its key. Again the same, again the same key.

        :raises BundleError: if there is nothing in it, or too much for one part.
        :raises StoreError: if the store does not take it.
        """
        key, data = self._packed(evidence)
        self.store.put(key, data)
        return key

    def put_all(self, parts: Sequence[Evidence]) -> list[str]:
        """Keep each as :meth:`put` does, sooner than one after the other; their keys.

        :raises BundleError: as :meth:`put`; then none is kept.
        :raises StoreError: if the store does not take one; then others may be kept.
        """
        packed = [self._packed(part) for part in parts]
        self.store.put_all(dict(packed))
        return [key for key, _ in packed]

    def find(
        self, call_id: str, *, since: date | None = None, now: float | None = None
    ) -> Evidence | None:
        """All that is kept of a call of the last days; None where nothing is.

        One LIST, and one GET for each part.

        :param since: the first UTC day to look at, instead of the look-back.
        :param now: seconds since the epoch, instead of the clock.
        :raises StoreError: if the store does not answer: then there is no telling.
        """
        return self.read(self.listing(call_id, since=since, now=now))

    def listing(
        self, call_id: str, *, since: date | None = None, now: float | None = None
    ) -> Listing:
        """What there is of a call of the last days: one LIST, no GET; it may be
        :data:`LIST_SECONDS` old.

        :param since: the first UTC day to look at, instead of the look-back.
        :param now: seconds since the epoch, instead of the clock.
        :raises StoreError: if the store does not answer: then there is no telling.
        """
        parts, legs = self._list(call_id, now, since)
        return Listing(self.customer_id, call_id, tuple(parts), tuple(legs))

    def read(self, listing: Listing) -> Evidence | None:
        """All that is kept of the listed parts; None where that is nothing: one GET
        for each part.

        :raises StoreError: if the store does not answer.
        """
        parts, call_id = listing.parts, listing.call_id
        if not parts:
            return None
        found: list[Evidence] = []
        damage: list[str] = []
        room = MAX_CALL
        readable = []
        for part in parts:
            room -= part.size
            if part.size > MAX_OBJECT or room < 0:
                damage.append(f"{_name(part.key)}: too large, not read")
            else:
                readable.append(part)
        for part, data in self._fetch(readable):
            try:
                evidence = self._unpack(data, call_id)
            except bundle.OtherCallError:
                continue
            except bundle.BundleError as error:
                damage.append(f"{_name(part.key)}: {error}")
                continue
            evidence.parts = [part.key]
            evidence.damage = [f"{_name(part.key)}: {it}" for it in evidence.damage]
            found.append(evidence)
        if not found and not damage:
            return None
        if not found:
            found.append(Evidence(self.customer_id, call_id, "PARTIAL"))
        whole = merge(found)
        return replace(whole, legs=list(listing.legs), damage=[*whole.damage, *damage])

    def legs(self, call_id: str, *, now: float | None = None) -> list[tuple[str, str]]:
        """Pairs of a reason and another Call-ID of the same call: one LIST, no GET.

        :raises StoreError: if the store does not answer.
        """
        return self._list(call_id, now)[1]

    def legs_by_way_of(self, call_id: str) -> list[tuple[str, str]]:
        """The same, for those who look for the legs of legs: none where no part of the
        call is kept. What calls only name, such as a constant in a header, does not
        make them legs of each other.

        :raises StoreError: if the store does not answer.
        """
        parts, legs = self._list(call_id, None)
        return legs if parts else []

    def newest_day(self, call_id: str) -> str | None:
        """The UTC day of the call's newest part, however long ago; None without parts.

        :raises StoreError: if the store does not answer.
        """
        prefix = self._prefix(call_id)
        names = [item.key.removeprefix(prefix) for item in self.store.list(prefix)]
        days = [name.partition("/")[0] for name in names if _PART_KEY.fullmatch(name)]
        return max(days, default=None)

    def too_old(self, call_id: str, *, now: float | None = None) -> date | None:
        """The UTC day of the newest part of a call that is kept, but longer than the
        look-back; None if it is not kept, or not too old.

        :raises StoreError: if the store does not answer.
        """
        oldest = self._oldest_day(now)
        newest = self.newest_day(call_id)
        if oldest is None or newest is None or newest >= str(oldest):
            return None
        try:
            day = date.fromisoformat(newest)
        except ValueError:
            return None
        # A bucket may hold what another customer's part says is theirs.
        found = self.find(call_id, since=day, now=now)
        return day if found is not None and found.parts else None

    def raw_parts(
        self, call_id: str, *, now: float | None = None
    ) -> list[tuple[str, bytes]]:
        """The parts as they are kept, each as ``{day}/{part}.zip`` and its bytes.

        A part so damaged that it does not say whose it is, is left out.

        :raises StoreError: if the store does not answer.
        """
        parts, _ = self._list(call_id, now)
        readable = [part for part in parts if part.size <= MAX_OBJECT]
        return [
            (_name(part.key), data)
            for part, data in self._fetch(readable)
            if self._is_ours(data, call_id)
        ]

    def mark_legs(self, call_id: str, other: str, why: str, day: date | str) -> None:
        """Note that two Call-IDs are of one call: an empty object under each.

        A Call-ID over :data:`MAX_LEG_CALL_ID` bytes cannot be noted.

        :param why: what ties them, a word of lower-case letters.
        :param day: under which to note it, so that it goes when the parts go.
        :raises StoreError: if the store does not take it.
        """
        self.mark_all_legs([(call_id, other, why, day)])

    def mark_all_legs(self, legs: Iterable[tuple[str, str, str, date | str]]) -> None:
        """Note each as :meth:`mark_legs` does, sooner than one after the other.

        :param legs: the arguments of :meth:`mark_legs` for each.
        :raises StoreError: if the store does not take one; then others may be noted.
        """
        marks = {key: b"" for leg in legs for key in self._leg_keys(*leg)}
        if marks:
            self.store.put_all(marks)

    def prune(
        self, *, older_than_days: int, dry_run: bool = False, now: float | None = None
    ) -> list[str]:
        """Remove what lies under days longer ago than this, and shared links that have
        ended or whose call goes; the keys removed.

        Only keys that the vault could have made are touched.

        :param dry_run: say what would be removed, and remove nothing.
        :raises StoreError: if the store stops answering; run it again then.
        """
        if older_than_days < 0:
            raise ValueError("the days to keep cannot be negative")
        oldest = str(_today(now) - timedelta(days=older_than_days))
        keys = [item.key for item in self.store.list(self._calls)]
        old = []
        for key in keys:
            match = _CALL_KEY.fullmatch(key.removeprefix(self._calls))
            if match and match[1] < oldest:
                old.append(key)
        seconds = time.time() if now is None else now
        old += self.shared_links.outdated(keys, old, seconds)
        if not dry_run:
            for key in old:
                self.store.delete(key)
        return old

    def _packed(self, evidence: Evidence) -> tuple[str, bytes]:
        """The key of a part and its bytes."""
        if evidence.customer_id != self.customer_id:
            raise ValueError("the evidence is another customer's")
        if evidence.first_ts is None:
            raise bundle.BundleError("there is nothing to keep")
        first = bundle.kept_time(evidence.first_ts)
        members = bundle.members(evidence)
        name = f"{_stamp(first)}-{archive.digest(members)}.zip"
        key = f"{self._prefix(evidence.call_id)}{day_of(first)}/{name}"
        return key, bundle.pack_members(members)

    def _leg_keys(
        self, call_id: str, other: str, why: str, day: date | str
    ) -> list[str]:
        if not _REASON.fullmatch(why) or not re.fullmatch(_DAY, str(day)):
            raise ValueError(f"no leg can be marked as {why!r} on {day}")
        names = [_encoded(call_id), _encoded(other)]
        if call_id == other or None in names:
            return []
        return [
            f"{self._prefix(one)}{day}/leg-{why}-{name}"
            for one, name in ((call_id, names[1]), (other, names[0]))
        ]

    def _prefix(self, call_id: str) -> str:
        return f"{self._calls}{call_hash(call_id)}/"

    def _oldest_day(self, now: float | None) -> date | None:
        """The first UTC day that is looked at; None if all are."""
        if not self.lookback_days:
            return None
        return _today(now) - timedelta(days=self.lookback_days)

    def _list(
        self, call_id: str, now: float | None, since: date | None = None
    ) -> tuple[list[StoredObject], list[tuple[str, str]]]:
        """The call's parts and legs, by one LIST at most."""
        prefix = self._prefix(call_id)
        oldest = since or self._oldest_day(now)
        start_after = f"{prefix}{oldest}" if oldest else ""
        # As plain tuples: a cache may outlive the version that filled it.
        listed = self._cached("list", prefix, start_after)
        if listed is None:
            listed = self._flights.run(
                ("list", prefix, start_after), lambda: self._listed(prefix, start_after)
            )
        parts, legs = [], []
        for item in listed:
            stored = StoredObject(*item)
            name = stored.key.removeprefix(prefix)
            if _PART_KEY.fullmatch(name):
                parts.append(stored)
            elif match := _LEG_KEY.fullmatch(name):
                other = _decoded(match[2])
                if other is not None and (match[1], other) not in legs:
                    legs.append((match[1], other))
        return parts, legs

    def _listed(self, prefix: str, start_after: str) -> list[tuple[str, int, str]]:
        # The thread that listed before this one may have ended a moment ago.
        cached: list[tuple[str, int, str]] | None
        cached = self._cached("list", prefix, start_after)
        if cached is not None:
            return cached
        listed = [
            (item.key, item.size, item.etag)
            for item in self.store.list(prefix, start_after)
        ]
        # An empty listing is not kept: somebody waits for the call to appear.
        if listed:
            self._remember(("list", prefix, start_after), listed, LIST_SECONDS)
        return listed

    def _fetch(
        self, parts: Sequence[StoredObject]
    ) -> Iterable[tuple[StoredObject, bytes]]:
        """The parts' bytes, from the cache or else all at once. What vanished since
        the listing is left out.
        """
        return self._flights.run(tuple(parts), lambda: self._fetch_now(parts))

    def _fetch_now(
        self, parts: Sequence[StoredObject]
    ) -> list[tuple[StoredObject, bytes]]:
        data = {part: self._cached("part", part.key, part.etag) for part in parts}
        missing = [part for part, cached in data.items() if cached is None]
        if missing:
            # The cache may need the application's context, which only this thread has.
            with ThreadPoolExecutor(min(_FETCHES, len(missing))) as pool:
                keys = [part.key for part in missing]
                fetched = dict(
                    zip(missing, pool.map(self.store.get, keys), strict=True)
                )
            for part, content in fetched.items():
                if content is not None and len(content) <= MAX_CACHED:
                    what = ("part", part.key, part.etag)
                    self._remember(what, content, PART_SECONDS)
            data.update(fetched)
        return [
            (part, content) for part, content in data.items() if content is not None
        ]

    def _unpack(self, data: bytes, call_id: str) -> Evidence:
        return bundle.unpack(data, customer_id=self.customer_id, call_id=call_id)

    def _is_ours(self, data: bytes, call_id: str) -> bool:
        try:
            self._unpack(data, call_id)
        except bundle.BundleError:
            return False
        return True

    def _cache_key(self, *what: str) -> str:
        """Tells apart stores, customers, and whatever else the host caches."""
        words = (self.store.location, self.customer_id, *what)
        return f"sipvault:{hashlib.sha256(repr(words).encode()).hexdigest()}"

    def _cached(self, *what: str) -> Any:
        if self._cache is None:
            return None
        try:
            return self._cache.get(self._cache_key(*what))
        except Exception:
            # Redis down, a value of another version: that costs time, not evidence.
            logger.warning("the cache cannot be read", exc_info=True)
            return None

    def _remember(self, what: tuple[str, ...], value: Any, seconds: int) -> None:
        if self._cache is None:
            return
        try:
            self._cache.set(self._cache_key(*what), value, timeout=seconds)
        except Exception:
            logger.warning("the cache cannot be written", exc_info=True)


def day_of(ts: int) -> date:
    """The UTC day of a time in ns, under which a part lies."""
    return datetime.fromtimestamp(bundle.kept_time(ts) // _SECOND, timezone.utc).date()


def _stamp(ts: int) -> str:
    """``20261123T131546.123456789Z``: sorts as the time does."""
    seconds, nanoseconds = divmod(ts, _SECOND)
    moment = datetime.fromtimestamp(seconds, timezone.utc)
    return f"{moment:%Y%m%dT%H%M%S}.{nanoseconds:09d}Z"


def _today(now: float | None) -> date:
    seconds = time.time() if now is None else now
    return datetime.fromtimestamp(seconds, timezone.utc).date()


def _name(key: str) -> str:
    """``{day}/{part}.zip``: the key without what is the same for all of a call's."""
    return "/".join(key.rsplit("/", 2)[-2:])


def _encoded(call_id: str) -> str | None:
    """The Call-ID fit for a key; None where it is too long."""
    raw = call_id.encode("utf-8", "surrogatepass")
    if len(raw) > MAX_LEG_CALL_ID:
        return None
    text = base64.urlsafe_b64encode(raw).decode().rstrip("=")
    return _CONTINUED.join(text[i : i + _SLICE] for i in range(0, len(text), _SLICE))


def _decoded(name: str) -> str | None:
    text = name.replace(_CONTINUED, "")
    try:
        raw = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
        return raw.decode("utf-8", "surrogatepass")
    except (binascii.Error, UnicodeDecodeError):
        return None
