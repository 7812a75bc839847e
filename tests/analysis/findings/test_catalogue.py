"""Each rule and its entry of the catalogue are whole: nothing is left to be written."""

from __future__ import annotations

import re
import string

import pytest

from flask_sipvault.analysis.findings.registry import rules_by_id
from flask_sipvault.analysis.words.catalogue import code_lines
from flask_sipvault.analysis.words.catalogue import entries
from flask_sipvault.analysis.words.catalogue import entry_lines
from flask_sipvault.analysis.words.catalogue import entry_of

RULES = rules_by_id()

_PRODUCTS = {"OpenSIPS", "Kamailio", "Asterisk", "FreeSWITCH", "SIP VAULT"}


@pytest.mark.parametrize("name", RULES)
def test_an_entry_says_what_it_means_and_how_to_go_on(name: str) -> None:
    rule = RULES[name]
    about = rule.catalogue
    assert rule.id == name == name.lower()
    assert about.title and about.meaning
    assert set(about.settings) <= _PRODUCTS
    for texts in rule.texts.values():
        assert texts.headline.endswith(".") and texts.explanation.endswith(".")


@pytest.mark.parametrize("name", RULES)
def test_placeholders_are_names_alone(name: str) -> None:
    for texts in RULES[name].texts.values():
        for text in (texts.headline, texts.explanation, *texts.next):
            for _, field, form, _ in string.Formatter().parse(text):
                assert field is None or re.fullmatch(r"[a-z][a-z0-9_]*", field), text
                assert not form or re.fullmatch(r"[,.0-9a-z%]*", form), text


def test_entries_are_found_by_id_and_listed_by_title() -> None:
    assert {entry.id for entry in entries()} == set(RULES)
    assert entry_of("no-such-finding") is None
    titles = [entry.title for entry in entries()]
    assert titles == sorted(titles)


def test_an_entry_is_lines_for_a_terminal() -> None:
    lines = list(entry_lines(entries()[0]))
    assert lines[0].endswith(f"[{entries()[0].id}]")
    assert not any("{" in line for line in lines)


@pytest.mark.parametrize(
    ("code", "said"),
    [
        ("503", "SIP 503: "),
        ("Q.850 34", "Q.850 34: "),
        ("q850/34", "Q.850 34: "),
        ("34", "Q.850 34: "),
        ("16", "Q.850 16: "),
    ],
)
def test_codes_and_causes_are_told(code: str, said: str) -> None:
    assert code_lines(code)[0].startswith(said)


@pytest.mark.parametrize("code", ["", "999", "Q.850 999", "ack", "5 0 3"])
def test_what_is_neither_is_not_guessed_at(code: str) -> None:
    assert code_lines(code) == []
