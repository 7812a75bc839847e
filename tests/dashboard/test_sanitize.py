from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.dashboard.sanitize import on_one_line
from flask_sipvault.dashboard.sanitize import visible


@pytest.mark.parametrize(
    ("text", "seen"),
    [
        ("Zoë 日本 👩‍👧", "Zoë 日本 👩‍👧"),
        ("a\tb\nc", "a\tb\nc"),
        ("\x1b[31mred", "␛[31mred"),
        ("nul\x00", "nul␀"),
        ("del\x7f", "del␡"),
        ("c1\x9b", "c1⟨U+009B⟩"),
        ("\u202egnp.exe", "⟨U+202E⟩gnp.exe"),
        ("\ud800", "\ufffd"),
        ("cr\r", "cr␍"),
    ],
)
def test_unseen_characters_are_written_out(text: str, seen: str) -> None:
    assert visible(text) == seen


def test_a_line_shows_its_line_feeds() -> None:
    assert on_one_line("a\nb\tc") == "a␊b␉c"


@given(st.text(st.characters()))
def test_every_text_can_be_sent_as_utf_8(text: str) -> None:
    visible(text).encode()
    assert len(on_one_line(text).splitlines()) <= 1
