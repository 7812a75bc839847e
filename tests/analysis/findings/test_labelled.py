"""Labelled calls: the cause that each is known to have is named, and nothing is said of
the healthy ones; as they were captured and in other shapes.
"""

from __future__ import annotations

import json
from collections import defaultdict
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.model import Finding
from flask_sipvault.analysis.findings.registry import rules_by_id
from flask_sipvault.evidence import Evidence
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.masking import mask
from flask_sipvault.protocols.capture import read_capture

from .shapes import FULL_SHAPES
from .shapes import PARTIAL_SHAPES

LABELLED = Path(__file__).parents[2] / "data" / "labelled"
LABELS: dict[str, dict[str, Any]] = {
    path.stem: json.loads(path.read_text()) for path in sorted(LABELLED.glob("*.json"))
}
FAULTY = [
    name
    for name, label in LABELS.items()
    if not label["healthy"] and label["cause_code"] in rules_by_id()
]
HEALTHY = [name for name, label in LABELS.items() if label["healthy"]]

#: What TCP cannot suffer from: it makes its own segments.
_UDP_ALONE = {"invite-too-large"}

#: Findings of which nobody is at fault.
_OUTCOMES = {"no-answer", "declined", "subscriber-absent"}

#: What cannot happen in a shape: over TCP nothing is sent in fragments.
_IMPOSSIBLE = {"TCP": {"invite-too-large"}}


@cache
def evidence_of(name: str) -> Evidence:
    label = LABELS[name]
    with (LABELLED / label["pcap"]).open("rb") as file:
        calls = list(
            import_capture(read_capture(file), customer_id="acme", source=name)
        )
    return next(call for call in calls if call.call_id == label["call_id"])


def findings_of(name: str, shape: Callable[[Evidence], Evidence]) -> list[Finding]:
    return explain(shape(evidence_of(name))).findings


def alarms(findings: list[Finding]) -> list[str]:
    return [each.id for each in findings if each.severity != "info"]


def right(name: str) -> set[str]:
    label = LABELS[name]
    return {label["cause_code"], *label.get("also_accepted", [])}


@pytest.mark.parametrize("name", FAULTY)
def test_the_cause_comes_first_with_its_evidence(name: str) -> None:
    first, *_ = findings_of(name, FULL_SHAPES["as captured"])
    assert first.id in right(name)
    assert first.severity != "info" or first.id in _OUTCOMES
    wanted = {n for each in LABELS[name]["evidence"] for n in each.get("n") or []}
    shown = {each.n for each in first.evidence if each.kind == "message"}
    assert shown & wanted or not wanted


@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize("name", HEALTHY)
def test_nothing_is_said_of_a_healthy_call(name: str, shape: str) -> None:
    assert alarms(findings_of(name, FULL_SHAPES[shape])) == []


@pytest.mark.parametrize("shape", PARTIAL_SHAPES)
@pytest.mark.parametrize("name", HEALTHY)
def test_what_was_not_captured_is_no_fault(name: str, shape: str) -> None:
    assert alarms(findings_of(name, PARTIAL_SHAPES[shape])) == []


@pytest.mark.parametrize("shape", FULL_SHAPES)
def test_in_whatever_shape_the_cause_is_named(shape: str) -> None:
    """Prints precision and recall of this shape."""
    named, loud, wrong = 0, 0, defaultdict(list)
    for name in FAULTY:
        if right(name) & _IMPOSSIBLE.get(shape, set()):
            continue
        found = findings_of(name, FULL_SHAPES[shape])
        ids = {each.id for each in found}
        if ids & right(name):
            named += 1
        else:
            wrong[name] = sorted(ids)
        loud += len(alarms(found)) or 1
    print(  # noqa: T201
        f"{shape}: recall {named}/{len(FAULTY)}, precision {named}/{loud},"
        f" missed {dict(wrong)}"
    )
    assert not wrong


@pytest.mark.parametrize("name", [*FAULTY, *HEALTHY])
def test_a_masked_call_has_the_same_findings(name: str) -> None:
    plain = [each.id for each in findings_of(name, FULL_SHAPES["as captured"])]
    assert [each.id for each in findings_of(name, mask)] == plain
