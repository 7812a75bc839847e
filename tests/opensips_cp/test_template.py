from __future__ import annotations

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.opensips_cp.marking import ForeignEditError
from flask_sipvault.opensips_cp.marking import MARK
from flask_sipvault.opensips_cp.marking import UnknownFileError
from flask_sipvault.opensips_cp.marking import unmarked
from flask_sipvault.opensips_cp.template import with_button

from .panel import TEMPLATES

# Any bytes that make up whole lines, and neither an anchor nor a call of ours.
SURROUNDINGS = st.lists(
    st.binary(max_size=12).filter(
        lambda line: b"\n" not in line and b"sipvault_" not in line.lower()
    ),
    max_size=3,
)


@st.composite
def templates(draw: st.DrawFn) -> bytes:
    """A template of any generation and line ends, with anything between its lines."""
    end = draw(st.sampled_from([b"\n", b"\r\n"]))
    lines = TEMPLATES[draw(st.sampled_from(sorted(TEMPLATES)))].splitlines()
    text = lines[0] + end
    for line in lines[1:]:
        text += end.join([*draw(SURROUNDINGS), line]) + end
    return text + b"".join(draw(SURROUNDINGS))


@given(templates())
def test_taking_the_button_out_leaves_the_template_byte_for_byte(
    template: bytes,
) -> None:
    assert unmarked(with_button(template)) == template


@given(templates())
def test_putting_it_in_twice_is_putting_it_in_once(template: bytes) -> None:
    once = with_button(template)
    assert once != template
    assert with_button(once) == once


@given(templates())
def test_only_marked_text_is_added(template: bytes) -> None:
    added = set(with_button(template).split(b"\n")) - set(template.split(b"\n"))
    assert len(added) == 4
    assert all(MARK in line for line in added)


@given(st.binary())
def test_whatever_the_bytes_there_is_a_template_or_its_own_error(data: bytes) -> None:
    with pytest.raises((UnknownFileError, ForeignEditError)):
        with_button(data)


def test_line_ends_are_those_of_the_template() -> None:
    template = TEMPLATES["9.3"].replace(b"\n", b"\r\n")
    assert not re.search(rb"[^\r]\n", with_button(template))


def test_it_comes_out_of_a_template_that_others_have_edited_since() -> None:
    edited = with_button(TEMPLATES["9.3"]).replace(b"Page: 1", b"Page 1 of 1")
    assert unmarked(edited) == TEMPLATES["9.3"].replace(b"Page: 1", b"Page 1 of 1")


@pytest.mark.parametrize(
    ("generation", "field"),
    [
        ("9.3", b"get_settings_value('sip_call_id_field_name')"),
        ("8.3", b"$sip_call_id_field_name"),
        ("6.2", b"$sip_call_id_field_name"),
    ],
)
def test_the_field_of_the_call_id_is_named_as_the_generation_names_it(
    generation: str, field: bytes
) -> None:
    cell = b"sipvault_cell($result[$j], " + field + b")"
    assert cell in with_button(TEMPLATES[generation])


@pytest.mark.parametrize("generation", TEMPLATES)
def test_the_new_column_looks_like_its_neighbour(generation: str) -> None:
    lines = with_button(TEMPLATES[generation]).splitlines()
    title = next(n for n, line in enumerate(lines) if b">Details</th>" in line)
    cell = next(n for n, line in enumerate(lines) if b"print $details_cdr" in line)
    for n in (title, cell):
        tag = re.match(rb"\s*<t[hd]\b.*?align=\"center\">", lines[n])
        assert tag is not None
        assert lines[n + 1].startswith(tag[0])


@pytest.mark.parametrize(
    ("anchor", "named"),
    [
        (b"<?php\n$result", "the opening <?php"),
        (b">Details</th>", "the title of the column Details"),
        (b"print $details_cdr", "the cell that prints $details_cdr"),
        (b"+1)?>", "the paging row's colspan"),
        (b"sip_call_id_field_name", "which column holds the Call-ID"),
    ],
)
def test_a_template_without_one_of_the_places_is_refused_by_its_name(
    anchor: bytes, named: str
) -> None:
    template = TEMPLATES["9.3"]
    assert template.count(anchor) == 1
    with pytest.raises(UnknownFileError, match=re.escape(named)):
        with_button(template.replace(anchor, b"something else"))


def test_a_template_with_a_place_twice_is_refused() -> None:
    title = re.search(rb".*>Details</th>\n", TEMPLATES["9.3"])
    assert title is not None
    with pytest.raises(UnknownFileError, match="2 times"):
        with_button(TEMPLATES["9.3"].replace(title[0], title[0] * 2))


def test_a_button_that_somebody_put_in_by_hand_is_not_doubled() -> None:
    by_hand = b"<td><?php echo sipvault_button($result[$j]['callid']); ?></td>\n  </tr>"
    edited = TEMPLATES["9.3"].replace(b"  </tr>", by_hand)
    with pytest.raises(ForeignEditError, match="by hand"):
        with_button(edited)
