from __future__ import annotations

from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.sip.comparison import _pair
from flask_sipvault.analysis.sip.comparison import compare
from flask_sipvault.analysis.sip.comparison import Line


def told(lines: list[Line], name: str) -> list[tuple[str, str | None, str | None]]:
    return [
        (line.verdict, line.left, line.right) for line in lines if line.name == name
    ]


def test_a_retransmission_is_the_same_throughout(explained: Any) -> None:
    messages = explained("quality_twice").messages
    again = next(m for m in messages if m.retransmission_of)
    first = messages[again.retransmission_of - 1]
    lines = compare(first, again)
    assert {line.verdict for line in lines} == {"same"}
    assert len(lines) > 5


def test_the_two_sides_of_a_proxy_differ_in_what_it_changed(explained: Any) -> None:
    before, after = [
        m for m in explained("proxy_sipp", 1).messages if m.method == "INVITE"
    ][:2]
    lines = compare(before, after)
    assert [line[0] for line in told(lines, "Via")].count("right") == 1
    assert told(lines, "Max-Forwards") == [("changed", "70", "69")]
    assert [line[0] for line in told(lines, "Record-Route")] == ["right"]
    assert told(lines, "From")[0][0] == "same"
    assert {line.verdict for line in lines if line.name == "Body"} == {"same"}


def test_headers_in_another_order_are_the_same(story: Any) -> None:
    story.message(0, "alice > bob", "INFO", headers=("A: 1", "B: 2"))
    story.message(1, "alice > bob", "INFO", headers=("B: 2", "A: 1"))
    lines = compare(*story.call().messages)
    assert {line.verdict for line in lines} == {"same"}


def test_values_of_one_header_in_another_order_have_moved(story: Any) -> None:
    story.message(0, "alice > bob", "INFO", headers=("Route: a", "Route: b"))
    story.message(1, "alice > bob", "INFO", headers=("Route: b", "Route: a"))
    verdicts = [line[0] for line in told(compare(*story.call().messages), "Route")]
    assert sorted(verdicts) == ["moved", "same"]


def test_of_a_changed_value_only_what_differs_is_marked() -> None:
    line = Line("To", "changed", "<sip:bob@example.com>", "<sip:bob@example.com>;tag=b")
    left, right = line.marked()
    assert left == [("<sip:bob@example.com>", False)]
    assert right == [("<sip:bob@example.com>", False), (";tag=b", True)]


def test_a_line_put_into_a_body_moves_no_other(story: Any) -> None:
    story.invite(0, sdp="PCMU 10.8.0.14:17002")
    story.invite(1, sdp="PCMU 10.8.0.14:17002\na=ptime:20")
    lines = compare(*story.call().messages)
    assert told(lines, "Body")[-1] == ("right", None, "a=ptime:20")
    assert {verdict for verdict, _, _ in told(lines, "Body")[:-1]} == {"same"}


def test_what_cannot_be_read_is_compared_as_text(story: Any) -> None:
    story.packet(0, "alice > bob", b"INVITE\r\nnonsense")
    story.packet(1, "alice > bob", b"INVITE\r\nnonsense of another kind")
    lines = compare(*story.call().messages)
    assert told(lines, "Start line") == [("same", "INVITE", "INVITE")]
    assert [line[0] for line in told(lines, "Body")] == ["changed"]


values = st.lists(st.sampled_from(["a", "b", "c", "d"]), max_size=6)


@given(values, values)
def test_every_value_of_either_side_is_told_once(
    left: list[str], right: list[str]
) -> None:
    lines = _pair("X", left, right)
    assert [line.left for line in lines if line.left is not None] == left
    shown = [line.right for line in lines if line.right is not None]
    assert sorted(shown) == sorted(right)
    for line in lines:
        assert (line.left == line.right) == (line.verdict in ("same", "moved"))
