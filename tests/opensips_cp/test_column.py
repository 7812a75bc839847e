from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.opensips_cp.column import with_column
from flask_sipvault.opensips_cp.marking import ForeignEditError
from flask_sipvault.opensips_cp.marking import MARK
from flask_sipvault.opensips_cp.marking import UnknownFileError
from flask_sipvault.opensips_cp.marking import unmarked

ENDS = st.sampled_from([b"\n", b"\r\n"])
LINES = st.lists(
    st.binary(max_size=20).filter(
        lambda line: not set(b"\n?") & set(line) and b"sipvault_" not in line.lower()
    ),
    max_size=5,
)


@given(ENDS, LINES, st.sampled_from([b"", b"?>", b" ?>", b"?>\n\n", b"?>\r\n"]))
def test_it_goes_in_once_and_comes_out_byte_for_byte(
    end: bytes, lines: list[bytes], closing: bytes
) -> None:
    settings = end.join([b"<?php", *lines]) + end + closing
    changed = with_column(settings, show=True)
    assert changed.count(MARK) == 1
    assert with_column(changed, show=True) == changed
    assert unmarked(changed) == settings


def test_it_is_the_last_word_in_the_file() -> None:
    settings = b"<?php\n$display_fields = array();\n?>\n"
    lines = with_column(settings, show=False).splitlines()
    assert MARK in lines[-2]
    assert lines[-1] == b"?>"


@pytest.mark.parametrize(
    "settings",
    [b"", b"text", b"<?php\n?>\ntext <?php\n?>", b"<?php\n?> text\n", b"<?php $a = 1;"],
)
def test_a_settings_file_of_another_build_is_refused(settings: bytes) -> None:
    with pytest.raises(UnknownFileError):
        with_column(settings, show=False)


def test_a_function_that_somebody_put_in_by_hand_is_left_alone() -> None:
    settings = b"<?php\nfunction sipvault_cell() { return ''; }\n?>\n"
    with pytest.raises(ForeignEditError):
        with_column(settings, show=False)
