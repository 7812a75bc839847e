from __future__ import annotations

from urllib.parse import parse_qsl

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.dashboard.view_state import View

views = st.builds(
    View,
    ports=st.sampled_from(["merged", "split"]),
    again=st.booleans(),
    repeats=st.booleans(),
    find=st.text(max_size=20).map(str.strip),
    message=st.integers(1, 99_999),
    level=st.sampled_from(["all", "warning", "error"]),
    log=st.text(max_size=20).map(str.strip),
    source=st.integers(0, 99),
    line=st.integers(1, 99_999),
)


@given(views)
def test_a_view_survives_its_address(view: View) -> None:
    query = dict(parse_qsl(view.query(), keep_blank_values=True))
    assert View.of(query) == view


def test_what_is_so_by_itself_is_not_in_the_address() -> None:
    assert View().query() == ""
    assert View(find="BYE 200", message=201).query() == "find=BYE+200&from=201"


@given(
    st.dictionaries(
        st.sampled_from(
            ["ports", "again", "find", "from", "level", "log", "source", "line"]
        ),
        st.text(max_size=300),
    )
)
def test_whatever_the_address_says_there_is_a_view(query: dict[str, str]) -> None:
    view = View.of(query)
    assert view.ports in ("merged", "split")
    assert len(view.find) <= 200
    assert view.message >= 0
