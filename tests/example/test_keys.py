"""The example's secrets."""

from __future__ import annotations

import stat
from pathlib import Path

from example_app import keys


def test_secrets_are_made_once(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    made = keys.load_or_create(path, ["acme", "globex"])
    assert keys.load_or_create(path, ["acme", "globex"]) == made


def test_each_customer_has_a_secret_of_its_own(tmp_path: Path) -> None:
    made = keys.load_or_create(tmp_path / "keys.json", ["acme", "globex"])
    made_up = {made.session, *made.links.values(), *made.tokens.values()}
    assert len(made_up) == 5


def test_secrets_of_before_there_were_tokens_are_kept(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    path.write_text('{"session": "s", "links": {"acme": "l"}}')
    made = keys.load_or_create(path, ["acme"])
    assert (made.session, made.links) == ("s", {"acme": "l"})
    assert keys.load_or_create(path, ["acme"]) == made


def test_only_the_owner_can_read_the_secrets(tmp_path: Path) -> None:
    path = tmp_path / "keys.json"
    keys.load_or_create(path, ["acme"])
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
