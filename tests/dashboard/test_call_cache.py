from __future__ import annotations

import pytest

from flask_sipvault.analysis.ladder.aliases import Aliases
from flask_sipvault.dashboard import call_cache as explained
from flask_sipvault.dashboard.call_cache import ExplainedCalls
from flask_sipvault.evidence import Evidence

from .calls import small_call


@pytest.fixture(autouse=True)
def short_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(explained, "WORTH_KEEPING", 3)
    monkeypatch.setattr(explained, "KEPT_MESSAGES", 6)


def _stored(call_id: str, *, part: str = "a.zip", customer: str = "acme") -> Evidence:
    evidence = small_call(call_id)
    evidence.customer_id, evidence.parts = customer, [part]
    return evidence


def test_a_call_is_explained_once() -> None:
    kept = ExplainedCalls(Aliases())
    first = kept.of(_stored("one"))
    assert kept.of(_stored("one")) is first
    assert first.ladder("merged") is first.ladder("merged")


@pytest.mark.parametrize(
    "other",
    [
        _stored("one", part="b.zip"),
        _stored("one", customer="globex"),
        _stored("two"),
    ],
    ids=["another part", "another customer", "another call"],
)
def test_anything_else_is_explained_anew(other: Evidence) -> None:
    kept = ExplainedCalls(Aliases())
    assert kept.of(_stored("one")) is not kept.of(other)


def test_what_has_no_lasting_name_is_not_kept() -> None:
    kept = ExplainedCalls(Aliases())
    damaged = _stored("one")
    damaged.damage.append("sip.pcap")
    for evidence in (damaged, small_call("one")):
        assert kept.of(evidence) is not kept.of(evidence)


def test_the_one_longest_unused_goes_first() -> None:
    kept = ExplainedCalls(Aliases())
    one, two = kept.of(_stored("one")), kept.of(_stored("two"))
    assert kept.of(_stored("one")) is one
    kept.of(_stored("three"))
    assert kept.of(_stored("one")) is one
    assert kept.of(_stored("two")) is not two
