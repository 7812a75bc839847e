"""The documented rule of a host, added by its entry point."""

from __future__ import annotations

import importlib.util
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings import registry
from flask_sipvault.analysis.words.findings import words_of

from ..analysis.conftest import Story

EXAMPLE = Path(__file__).parents[2] / "docs" / "examples" / "own_finding.py"


class _EntryPoint:
    value = "our_package.findings:RULE"

    def __init__(self, rule: Any) -> None:
        self._rule = rule

    def load(self) -> Any:
        if isinstance(self._rule, Exception):
            raise self._rule
        return self._rule


@pytest.fixture
def example() -> ModuleType:
    spec = importlib.util.spec_from_file_location("own_finding", EXAMPLE)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(autouse=True)
def forgotten() -> Iterator[None]:
    registry.rules_by_id.cache_clear()
    yield
    registry.rules_by_id.cache_clear()


def install(monkeypatch: pytest.MonkeyPatch, *rules: Any) -> None:
    points = [_EntryPoint(rule) for rule in rules]
    monkeypatch.setattr(registry, "entry_points", lambda group: points)


def refused(gateway: str) -> Story:
    story = Story()
    story.hosts = {**Story.hosts, "bob": Story.hosts["bob"]._replace(ip=gateway)}
    story.invite(0)
    return story.reply(0.2, "503 Service Unavailable")


def test_it_finds_what_it_looks_for_and_comes_first(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, example.RULE)
    first = explain(refused(example.GATEWAY).evidence).findings[0]
    assert first.id == "gateway-out-of-lines"
    headline = words_of(first).headline
    assert headline == f"The gateway {example.GATEWAY}:5060 has no free line."


def test_another_gateway_is_none_of_its_business(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    install(monkeypatch, example.RULE)
    found = explain(refused("203.0.113.51").evidence).findings
    assert "gateway-out-of-lines" not in [each.id for each in found]


def test_what_cannot_be_loaded_is_no_rule_or_is_taken_is_left_out(
    example: ModuleType, monkeypatch: pytest.MonkeyPatch
) -> None:
    ours = len(registry.rules_by_id())
    registry.rules_by_id.cache_clear()
    taken = registry.rules_by_id()["ack-missing"]
    registry.rules_by_id.cache_clear()
    install(monkeypatch, ImportError("gone"), "not a rule", taken)
    assert len(registry.rules_by_id()) == ours
