from __future__ import annotations

import sys
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.sanitize import is_seen
from flask_sipvault.sanitize import on_one_line
from flask_sipvault.sanitize import visible


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


#: Arabic signs that stand in front of a number, and are seen.
_SIGNS = frozenset(
    chr(code)
    for code in (
        *range(0x600, 0x606),
        *(0x6DD, 0x70F, 0x890, 0x891, 0x8E2, 0x110BD, 0x110CD),
    )
)


def test_no_control_or_format_character_of_unicode_is_left_as_it_is() -> None:
    unseen = {"Cc", "Cf", "Cs", "Zl", "Zp"}
    left = [
        f"U+{code:04X}"
        for code in range(sys.maxunicode + 1)
        if unicodedata.category(chr(code)) in unseen
        and chr(code) not in _SIGNS | {"\n", "\t"}
        and is_seen(f"a{chr(code)}b")
    ]
    assert left == []


def test_a_joiner_or_selector_without_a_picture_is_written_out() -> None:
    assert visible("pay\u200dpal\ufe0f") == "pay⟨U+200D⟩pal⟨U+FE0F⟩"
    assert visible("❤\ufe0f") == "❤\ufe0f"


@given(st.text(st.characters()))
def test_what_is_written_out_is_seen(text: str) -> None:
    assert is_seen(visible(text))
    assert visible(visible(text)) == visible(text)
