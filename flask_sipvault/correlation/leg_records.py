"""What collectors tell each other of a call, so that its legs are found among theirs.

A record is a call's facts as text. It is offered under what may tie the call to
another, and others are sought by the same. A call that is named is not sought: whoever
reads the name notes the tie.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any
from typing import Protocol

from ..protocols.address import Endpoint
from .leg_features import LegFeatures
from .leg_features import MAX_EACH
from .leg_features import Referral
from .leg_features import Side


@dataclass(frozen=True, slots=True)
class Record:
    """A call as others are told of it.

    :param name: of the call; as all names here 32 hexadecimal digits, which tell
        nothing of what they stand for.
    :param text: what is known of it: JSON in ASCII.
    :param offered: by what it can be found.
    :param sought: by what those can be found that it is to be compared with.
    """

    name: str
    text: str
    offered: tuple[str, ...]
    sought: tuple[str, ...]


class SharedRecords(Protocol):
    """The latest calls of one customer that all of its collectors know of."""

    def exchange(self, record: Record) -> list[str] | None:
        """Let others find a call.

        :returns: the texts of others' records that have something in common with it,
            this call's own among them, as far as they were not returned before; None if
            that cannot be told now.
        """


def record_of(facts: LegFeatures) -> Record:
    """What others are told of a call."""
    alike = [
        *(("session", *sorted(pair)) for pair in facts.sessions),
        *(("media", side, *end) for side, end in facts.media),
        *(("origin", *origin) for origin in facts.origins),
        *([("parties", *facts.parties)] if facts.parties is not None else []),
    ]
    referred = [("referral", referral.user) for referral in facts.referrals]
    wanted = [("wanted", user) for user in facts.wanted]
    made = [("wanted", referral.user) for referral in facts.referrals]
    asked_for = [("referral", user) for user in facts.wanted]
    return Record(
        _name("call", facts.call_id),
        _text(facts),
        tuple(_name(*key) for key in (*alike, *referred, *wanted)),
        tuple(_name(*key) for key in (*alike, *made, *asked_for)),
    )


def features_of(text: str) -> LegFeatures | None:
    """What a record says of its call; None where it is not one of ours."""
    try:
        return _features(json.loads(text))
    except (LookupError, TypeError, ValueError, RecursionError):
        return None


def _name(*what: object) -> str:
    return hashlib.sha256(json.dumps(what).encode()).hexdigest()[:32]


def _text(facts: LegFeatures) -> str:
    record = {
        "call_id": facts.call_id,
        "last_ts": facts.last_ts,
        "began": facts.began,
        "source": facts.source,
        "sources": list(facts.sources),
        "targets": list(facts.targets),
        "final": facts.final,
        "hung_up": facts.hung_up,
        "refused": facts.refused,
        "answered": facts.answered,
        "from_user": facts.from_user,
        "to_user": facts.to_user,
        "wanted": list(facts.wanted),
        "referred_by": facts.referred_by,
        "named": list(facts.named),
        "replaced": list(facts.replaced),
        "referred": list(facts.referred),
        "referrals": [
            [each.ts, each.receiver, each.user, each.by] for each in facts.referrals
        ],
        "sessions": [sorted(pair) for pair in facts.sessions],
        "origins": list(facts.origins),
        "media": list(facts.media),
        "caller_tags": list(facts.caller_tags),
    }
    return json.dumps(record, separators=(",", ":"))


def _features(record: dict[str, Any]) -> LegFeatures:
    source = record["source"]
    return LegFeatures(
        _word(record["call_id"]),
        last_ts=_time(record["last_ts"]),
        began=_time_or_none(record["began"]),
        source=None if source is None else _endpoint(source),
        sources=dict.fromkeys(map(_endpoint, _some(record["sources"]))),
        targets=dict.fromkeys(map(_endpoint, _some(record["targets"]))),
        final=_time_or_none(record["final"]),
        hung_up=_time_or_none(record["hung_up"]),
        refused=_time_or_none(record["refused"]),
        answered=record["answered"] is True,
        from_user=_word(record["from_user"]),
        to_user=_word(record["to_user"]),
        wanted=dict.fromkeys(map(_word, _some(record["wanted"]))),
        referred_by=_word(record["referred_by"]),
        named=dict.fromkeys(map(_word, _some(record["named"]))),
        replaced=dict.fromkeys(map(_word, _some(record["replaced"]))),
        referred=dict.fromkeys(map(_word, _some(record["referred"]))),
        referrals=dict.fromkeys(
            Referral(_time(ts), _endpoint(receiver), _word(user), _word(by))
            for ts, receiver, user, by in _some(record["referrals"])
        ),
        sessions=dict.fromkeys(
            frozenset(map(_word, _some(pair))) for pair in _some(record["sessions"])
        ),
        origins=dict.fromkeys(
            (_side(side), _word(line)) for side, line in _some(record["origins"])
        ),
        media=dict.fromkeys(
            (_side(side), _endpoint(end)) for side, end in _some(record["media"])
        ),
        caller_tags=dict.fromkeys(map(_word, _some(record["caller_tags"]))),
    )


def _some(value: object) -> Iterator[Any]:
    if not isinstance(value, list):
        raise TypeError("no list")
    return iter(value[:MAX_EACH])


def _word(value: object) -> str:
    if not isinstance(value, str):
        raise TypeError("no text")
    return value


def _time(value: object) -> int:
    if type(value) is not int:
        raise TypeError("no time")
    return value


def _time_or_none(value: object) -> int | None:
    return None if value is None else _time(value)


def _endpoint(value: Iterable[Any]) -> Endpoint:
    ip, port = value
    return Endpoint(_word(ip), _time(port))


def _side(value: object) -> Side:
    if value == "caller":
        return "caller"
    if value == "callee":
        return "callee"
    raise ValueError("no side")
