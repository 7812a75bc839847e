"""Findings of what the capture of a call does not show."""

from __future__ import annotations

from collections.abc import Callable
from collections.abc import Iterator
from functools import partial

from ..call import Call
from ..visibility import Limit
from ..visibility import LimitKind
from .model import EvidenceReference
from .model import Finding
from .model import Value

#: After all findings of the call itself, those of its outcome too.
RANK = 950

#: So many findings there are of one kind; a capture of many hops has a limit for each.
_MOST = 4

#: So many messages are named as evidence of one.
_MOST_NAMED = 20


def finds(
    kind: LimitKind, what: str, variant: Callable[[Limit], str] | None = None
) -> Callable[[Call], Iterator[Finding]]:
    """What finds the limits of a kind.

    :param what: what each of the messages that tell it shows, a marked text.
    :param variant: chooses the text; the usual one by default.
    """
    return partial(_find, kind, what, variant or (lambda limit: ""))


def _find(
    kind: LimitKind, what: str, variant: Callable[[Limit], str], call: Call
) -> Iterator[Finding]:
    for limit in call.visibility.of(kind)[:_MOST]:
        parameters: dict[str, Value] = {
            "count": limit.count,
            "off_ms": limit.ns // 1_000_000,
            "size": call.evidence.capture.cut_at,
        }
        if limit.hosts is not None:
            parameters["source"], parameters["target"] = limit.hosts
        first = next(iter(limit.numbers), None)
        yield Finding(
            kind,
            "info",
            variant=variant(limit),
            parameters=parameters,
            evidence=tuple(
                EvidenceReference("message", n, what)
                for n in limit.numbers[:_MOST_NAMED]
            ),
            since_ts=None if first is None else call.messages[first - 1].ts,
        )
