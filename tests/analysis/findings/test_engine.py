"""The engine: what it makes of the findings of rules."""

from __future__ import annotations

import logging
from collections.abc import Iterable

import pytest

from flask_sipvault.analysis.call import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.engine import find_findings
from flask_sipvault.analysis.findings.model import Finding
from flask_sipvault.analysis.findings.model import Severity
from flask_sipvault.analysis.findings.rule import CatalogueEntry
from flask_sipvault.analysis.findings.rule import Rule
from flask_sipvault.analysis.findings.rule import Texts
from flask_sipvault.analysis.words.findings import words_of
from flask_sipvault.evidence import Evidence

CALL = explain(Evidence("acme", "c@h"))


def rule(
    name: str,
    severity: Severity = "error",
    *,
    rank: int = 500,
    explains: Iterable[str] = (),
    since_ts: int | None = None,
    last_resort: bool = False,
) -> Rule:
    """A rule that always finds one thing."""
    finding = Finding(
        name,
        severity,
        since_ts=since_ts,
        parameters={"wait_ms": 15_400, "who": "a\x1b"},
    )
    return Rule(
        name,
        lambda call: [finding],
        {"": Texts("{who} waited {wait_ms}.", "")},
        CatalogueEntry(name, ""),
        rank=rank,
        explains=frozenset(explains),
        last_resort=last_resort,
    )


def found(*rules: Rule) -> list[Finding]:
    return find_findings(CALL, {each.id: each for each in rules})


def ids(findings: Iterable[Finding]) -> list[str]:
    return [finding.id for finding in findings]


def test_errors_come_before_warnings_before_infos() -> None:
    given = found(rule("a", "info"), rule("b", "warning"), rule("c", "error"))
    assert ids(given) == ["c", "b", "a"]


def test_among_equals_the_rank_decides_then_the_time() -> None:
    given = found(
        rule("late", since_ts=9), rule("early", since_ts=1), rule("cause", rank=1)
    )
    assert ids(given) == ["cause", "early", "late"]


def test_a_consequence_is_folded_under_its_cause() -> None:
    given = found(rule("481"), rule("no route", "warning", explains=["481"]))
    assert ids(given) == ["no route"]
    assert ids(given[0].consequences) == ["481"]


def test_a_chain_of_consequences_is_folded_under_the_first_cause() -> None:
    given = found(
        rule("cause", explains=["middle"]),
        rule("middle", explains=["end"]),
        rule("end"),
    )
    assert ids(given) == ["cause"]
    assert ids(given[0].consequences) == ["middle", "end"]


def test_a_last_resort_is_folded_under_any_error() -> None:
    given = found(rule("refused", rank=9, last_resort=True), rule("why", rank=10))
    assert ids(given) == ["why"]
    assert ids(given[0].consequences) == ["refused"]


def test_a_last_resort_stands_beside_what_is_no_error() -> None:
    given = found(rule("refused", last_resort=True), rule("look", "warning"))
    assert ids(given) == ["refused", "look"]


def test_of_rules_that_explain_each_other_the_first_ranked_stands() -> None:
    given = found(rule("a", rank=2, explains=["b"]), rule("b", rank=1, explains=["a"]))
    assert ids(given) == ["b"]
    assert ids(given[0].consequences) == ["a"]


def test_a_rule_that_raises_is_logged_and_left_out(
    caplog: pytest.LogCaptureFixture,
) -> None:
    def broken(call: Call) -> Iterable[Finding]:
        raise ZeroDivisionError

    bad = Rule("bad", broken, {}, CatalogueEntry("", ""))
    with caplog.at_level(logging.ERROR):
        assert ids(found(bad, rule("good"))) == ["good"]
    assert "bad" in caplog.text


def test_parameters_are_written_for_the_reader() -> None:
    one = rule("a")
    words = words_of(found(one)[0], {"a": one})
    assert words.headline == "a\N{SYMBOL FOR ESCAPE} waited 15 s."
