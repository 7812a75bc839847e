"""What collectors know of each other's latest calls, by way of Redis.

Of each customer there are, under names that begin with that customer's:

=========== ======================================================================
``call``    a hash: what each collector knows of one call
``key``     a sorted set: the latest calls that have one thing in common
``calls``   a sorted set: all calls, the latest last, so that their number is bounded
=========== ======================================================================

All of it expires. Redis is no part of what makes a collector reliable: while it is away
each goes on by itself.
"""

from __future__ import annotations

import hashlib
import logging
import secrets
import threading
import time
from collections import Counter
from collections import OrderedDict
from collections.abc import Callable
from typing import Any
from typing import TypeVar
from urllib.parse import urlsplit

from ..config.converters import SettingsError
from ..correlation.leg_records import features_of
from ..correlation.leg_records import Record
from ..correlation.leg_records import record_of

logger = logging.getLogger(__name__)

_Answer = TypeVar("_Answer")

#: So many calls of one customer are known at a time.
MAX_CALLS = 20_000

#: So many of those that have one thing in common: no more are compared.
MAX_ALIKE = 64

#: So many of others' calls are read for one call.
MAX_READ = 256

#: A longer record is not shared, in characters. Most are of one or two thousand.
MAX_RECORD = 16_384

#: So many calls too many are removed at once, so that it need not be done each time.
_REMOVED_AT_ONCE = 100

#: How many of the records that were read last are remembered, so that they are not read
#: again for the next call that has the same in common.
_MOST_READ = 2_000

#: How long Redis may take to connect, and to answer, in seconds: a writer waits for it.
_PATIENCE = 0.5

#: How long Redis is left alone when it does not answer, in seconds: first, and at most.
FIRST_PAUSE, LONGEST_PAUSE = 1.0, 30.0

_REMEDY = "Install it: pip install 'flask-sipvault[redis]'"


class Correlation:
    """The connection to Redis; safe to use from several threads.

    :param url: a checked URL, which may hold a password and is therefore never logged.
    :param keep_seconds: after how long a call is forgotten.
    :raises SettingsError: if Redis's client library is not installed.
    """

    def __init__(self, url: str, *, keep_seconds: int) -> None:
        try:
            import redis
            from redis.backoff import NoBackoff
            from redis.retry import Retry
        except ImportError:
            raise SettingsError(
                "SIPVAULT_CORRELATION", "needs the package redis", _REMEDY
            ) from None
        self.keep_seconds = keep_seconds
        #: What this process is called among the collectors.
        self.name = secrets.token_hex(8)
        #: How many calls were ``shared``, how many could not be because Redis was
        #: ``away``, or the record was ``too_large``.
        self.counts: Counter[str] = Counter()
        self._errors = (redis.RedisError, OSError)
        # One more try: Redis may have hung up since a connection was last used.
        self._redis: Any = redis.Redis.from_url(
            url,
            socket_timeout=_PATIENCE,
            socket_connect_timeout=_PATIENCE,
            retry=Retry(NoBackoff(), 1),
        )
        self._place = place_of(url)
        self._lock = threading.Lock()
        self._pause = 0.0
        self._not_before = 0.0

    @property
    def up(self) -> bool:
        """Whether Redis answered when it was last asked."""
        return not self._pause

    def look(self) -> None:
        """See whether Redis answers, and say so if it does not."""
        self._ask(self._redis.ping)

    def of(self, customer_id: str) -> CustomerCorrelation:
        """What is shared of one customer's calls, and never met by another's."""
        return CustomerCorrelation(self, self._redis, customer_id)

    def count(self, result: str) -> None:
        """One more call was shared, or was not."""
        with self._lock:
            self.counts[result] += 1

    def close(self) -> None:
        """Hang up."""
        self._redis.close()

    def share(self, exchange: Callable[[], list[str]]) -> list[str] | None:
        """Do what shares a call; None if Redis is away."""
        found = self._ask(exchange)
        self.count("away" if found is None else "shared")
        return found

    def _ask(self, question: Callable[[], _Answer]) -> _Answer | None:
        with self._lock:
            now = time.monotonic()
            if self._pause:
                if now < self._not_before:
                    return None
                # One at a time tries whether it is back.
                self._pause = min(2 * self._pause, LONGEST_PAUSE)
                self._not_before = now + self._pause
        try:
            answer = question()
        except self._errors as error:
            self._failed(error)
            return None
        with self._lock:
            if self._pause:
                logger.warning("Redis answers again", extra={"redis": self._place})
                self._pause = 0.0
        return answer

    def _failed(self, error: Exception) -> None:
        with self._lock:
            if not self._pause:
                # The error's own text may say more than a log should.
                logger.warning(
                    "Redis does not answer: legs are only looked for among the calls"
                    " of this collector",
                    extra={"redis": self._place, "error": type(error).__name__},
                )
                self._pause = FIRST_PAUSE
                self._not_before = time.monotonic() + self._pause


class CustomerCorrelation:
    """The calls of one customer, as
    :class:`flask_sipvault.correlation.leg_records.SharedRecords` has them.
    """

    def __init__(self, correlation: Correlation, client: Any, customer_id: str) -> None:
        self._correlation = correlation
        self._redis = client
        digest = hashlib.sha256(customer_id.encode("utf-8", "surrogatepass"))
        self._prefix = f"sipvault:legs:1:{digest.hexdigest()}"
        self._calls = f"{self._prefix}:calls"
        # When what was read last was written, by the names of the calls.
        self._read: OrderedDict[bytes, float] = OrderedDict()
        self._lock = threading.Lock()

    def exchange(self, record: Record) -> list[str] | None:
        """See :class:`flask_sipvault.correlation.leg_records.SharedRecords`."""
        if len(record.text) > MAX_RECORD:
            self._correlation.count("too_large")
            return []
        return self._correlation.share(lambda: self._exchange(record))

    def _exchange(self, record: Record) -> list[str]:
        now = time.time()
        keep = self._correlation.keep_seconds
        # Written first: of two collectors that do this at once, one sees the other.
        pipe = self._redis.pipeline(transaction=False)
        pipe.hset(self._call(record.name), self._correlation.name, record.text)
        pipe.expire(self._call(record.name), keep)
        pipe.zadd(self._calls, {record.name: now})
        pipe.expire(self._calls, keep)
        for key in record.offered:
            name = self._key(key)
            pipe.zadd(name, {record.name: now})
            pipe.zremrangebyrank(name, 0, -1 - MAX_ALIKE)
            pipe.expire(name, keep)
        for key in record.sought:
            pipe.zrevrange(self._key(key), 0, MAX_ALIKE - 1, withscores=True)
        pipe.zcard(self._calls)
        results = pipe.execute()
        count = results.pop()
        alike = results[len(results) - len(record.sought) :] if record.sought else []
        written = {name: at for pairs in alike for name, at in pairs}
        own = record.name.encode()
        written.pop(own, None)
        names = [own, *self._unread(written)]
        found = self._texts_of_others(names)
        self._remember(names, written)
        if count > MAX_CALLS + _REMOVED_AT_ONCE:
            self._remove_oldest(count - MAX_CALLS)
        return found

    def _unread(self, written: dict[bytes, float]) -> list[bytes]:
        """Those that were written since they were read, the latest first."""
        with self._lock:
            new = [name for name, at in written.items() if self._read.get(name) != at]
        new.sort(key=lambda name: written[name], reverse=True)
        return new[:MAX_READ]

    def _remember(self, names: list[bytes], written: dict[bytes, float]) -> None:
        with self._lock:
            for name in names:
                if name in written:
                    self._read[name] = written[name]
                    self._read.move_to_end(name)
            while len(self._read) > _MOST_READ:
                self._read.popitem(last=False)

    def _texts_of_others(self, names: list[bytes]) -> list[str]:
        pipe = self._redis.pipeline(transaction=False)
        for name in names:
            pipe.hgetall(self._call(name.decode()))
        own = self._correlation.name.encode()
        texts = []
        for known in pipe.execute():
            for collector, text in known.items():
                if collector == own:
                    continue
                texts.append(text.decode("ascii", "replace"))
        return texts

    def _remove_oldest(self, count: int) -> None:
        """Forget calls that were written longest ago, and where they are found."""
        oldest = [name for name, _ in self._redis.zpopmin(self._calls, count)]
        pipe = self._redis.pipeline(transaction=False)
        for name in oldest:
            pipe.hgetall(self._call(name.decode()))
        known = pipe.execute()
        pipe = self._redis.pipeline(transaction=False)
        for name, records in zip(oldest, known, strict=True):
            pipe.delete(self._call(name.decode()))
            for text in records.values():
                facts = features_of(text.decode("ascii", "replace"))
                if facts is not None:
                    for key in record_of(facts).offered:
                        pipe.zrem(self._key(key), name)
        pipe.execute()

    def _call(self, name: str) -> str:
        return f"{self._prefix}:call:{name}"

    def _key(self, name: str) -> str:
        return f"{self._prefix}:key:{name}"


def place_of(url: str) -> str:
    """Where a URL leads, without the user and the password in it."""
    parts = urlsplit(url)
    if parts.scheme == "unix":
        return parts.path
    return f"{parts.hostname}:{parts.port or 6379}"
