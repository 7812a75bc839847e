"""Runs the rules over a call; ranks what they find, and folds what follows from it."""

from __future__ import annotations

import logging
from collections.abc import Iterable
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import replace

from ..call import Call
from .model import Finding
from .model import Severity
from .registry import rules_by_id
from .rule import Rule

logger = logging.getLogger(__name__)

_SEVERITY_ORDER: dict[Severity, int] = {"error": 0, "warning": 1, "info": 2}


def find_findings(call: Call, rules: Mapping[str, Rule] | None = None) -> list[Finding]:
    """The findings of a call, the one that answers "why" first.

    Never fails: a rule that raises is logged and left out.

    :param rules: by id; all that are installed by default.
    """
    rules = rules_by_id() if rules is None else rules
    found = [finding for rule in rules.values() for finding in _run(rule, call)]
    return _folded(_ranked(found, rules), rules)


def _run(rule: Rule, call: Call) -> list[Finding]:
    try:
        return list(rule.find(call))
    except Exception:
        # Whatever a host's rule or a strange capture does, the page opens.
        logger.exception("the rule %s failed and is left out", rule.id)
        return []


def _ranked(found: Iterable[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    return sorted(
        found,
        key=lambda finding: (
            _SEVERITY_ORDER[finding.severity],
            rules[finding.id].rank,
            finding.since_ts or 0,
        ),
    )


def _folded(ranked: list[Finding], rules: Mapping[str, Rule]) -> list[Finding]:
    """One cause, one finding: what another explains is folded under it.

    A finding that is explained itself goes under the first cause of all.
    """
    causes: dict[int, int] = {}
    for at, finding in enumerate(ranked):
        explained = rules[finding.id].explains
        for other, consequence in enumerate(ranked):
            if other != at and consequence.id in explained and other not in causes:
                causes[other] = at
    for other, consequence in enumerate(ranked):
        if rules[consequence.id].last_resort and other not in causes:
            error = next(_errors(ranked, rules), None)
            if error is not None:
                causes[other] = error
    tops = {at: _top(at, causes) for at in range(len(ranked))}
    return [
        replace(
            finding,
            consequences=tuple(
                ranked[other]
                for other, top in tops.items()
                if top == at and other != at
            ),
        )
        for at, finding in enumerate(ranked)
        if tops[at] == at
    ]


def _errors(ranked: list[Finding], rules: Mapping[str, Rule]) -> Iterator[int]:
    for at, finding in enumerate(ranked):
        if finding.severity == "error" and not rules[finding.id].last_resort:
            yield at


def _top(at: int, causes: Mapping[int, int]) -> int:
    """The first cause; where two rules explain each other, the first ranked stands."""
    seen = [at]
    while seen[-1] in causes and causes[seen[-1]] not in seen:
        seen.append(causes[seen[-1]])
    if seen[-1] in causes:
        return min(seen[seen.index(causes[seen[-1]]) :])
    return seen[-1]
