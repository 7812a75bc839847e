from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.masking.names import Names


def _names(*names: str) -> Names:
    known = Names()
    for name in names:
        known.add(name, "?")
    return known


def _found(known: Names, text: str) -> list[str]:
    return [text[found.start : found.end] for found in known.find(text)]


def test_the_longest_of_names_alike_is_found() -> None:
    known = _names("example", "example.com", "bob", "bob-1")
    assert _found(known, "bob-1 at example.com") == ["bob-1", "example.com"]


def test_a_name_need_not_be_a_word() -> None:
    assert _found(_names("Jane Doe", "J. D"), "Jane Doe, J. D!") == ["Jane Doe", "J. D"]


def test_every_character_keeps_its_place_whatever_its_lower_case() -> None:
    assert _found(_names("marianna"), "İİ MARIANNA") == ["MARIANNA"]


def test_a_text_that_holds_a_long_name_or_is_a_short_one_is_known() -> None:
    known = _names("marianna", "bob")
    assert known.is_in("x-Marianna")
    assert known.is_in("BOB")
    assert not known.is_in("x-bob")


@given(st.lists(st.text(min_size=1, max_size=9)), st.text(max_size=60))
def test_what_is_found_stands_in_the_text_in_order(names: list[str], text: str) -> None:
    end = 0
    for found in _names(*names).find(text):
        assert end <= found.start < found.end <= len(text)
        end = found.end
