"""The one rule of what a secret must be like."""

from __future__ import annotations

import json
import secrets
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.config.secret_rule import weakness

CASES = json.loads((Path(__file__).parent.parent / "data" / "secrets.json").read_text())


@pytest.mark.parametrize(("secret", "problem"), CASES["weak"])
def test_what_is_found_by_trying(secret: str, problem: str) -> None:
    assert weakness(secret) == problem


@pytest.mark.parametrize("secret", CASES["good"])
def test_what_is_not(secret: str) -> None:
    assert weakness(secret) == ""


def test_what_the_message_tells_to_make_is_good() -> None:
    assert not any(weakness(secrets.token_hex(32)) for _ in range(2000))


@given(st.text(max_size=200))
def test_any_text_is_judged_and_none_is_repeated(secret: str) -> None:
    problem = weakness(secret)
    assert problem or len(secret.encode("utf-8", "surrogatepass")) >= 16
    assert len(secret) < 8 or secret not in problem
