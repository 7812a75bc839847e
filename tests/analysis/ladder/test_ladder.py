from __future__ import annotations

import itertools
from typing import Any

import pytest

from flask_sipvault.analysis.ladder.ladder import as_text
from flask_sipvault.analysis.ladder.ladder import ladder


def arrows(call: Any) -> list[tuple[int, int]]:
    return [(row.source, row.target) for row in ladder(call).rows]


def test_the_path_runs_from_the_caller_through_the_proxy_to_the_called_side(
    explained: Any,
) -> None:
    drawn = ladder(explained("proxy_sipp"))
    assert [line.address for line in drawn.lifelines] == [
        "127.0.0.2:5061",
        "127.0.0.1:5060",
        "127.0.0.3:5080",
    ]
    assert [line.role for line in drawn.lifelines] == ["caller", "", "callee"]


def test_each_lifeline_says_who_is_there(explained: Any) -> None:
    drawn = ladder(explained("proxy_sipp"))
    assert [line.label for line in drawn.lifelines] == [
        "Alice",
        "kamailio (5.6.3 (x86_64/linux))",
        "1000",
    ]


def test_a_proxy_is_not_named_after_what_it_passes_on(story: Any) -> None:
    story.invite(0, "alice > proxy")
    phone = ("User-Agent: phone",)
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb", headers=phone)
    story.reply(1, "180 Ringing", "bob > proxy", branch="z9hG4bKb", headers=phone)
    story.reply(1.1, "180 Ringing", "proxy > alice", headers=phone)
    assert ladder(story.call()).lifelines[1].label == "203.0.113.9:5060"


def test_of_a_fork_the_branch_that_counts_stands_at_the_right(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.invite(0.1, "proxy > carol", branch="z9hG4bKc")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "200 OK", "proxy > alice")
    addresses = [line.address for line in ladder(story.call()).lifelines]
    assert addresses[-1] == str(story.hosts["bob"])


def test_a_row_is_an_arrow_from_one_lifeline_to_another(explained: Any) -> None:
    call = explained("proxy_sipp", 1)
    assert arrows(call) == [
        *[(0, 1), (1, 0), (1, 2), (2, 1), (1, 0), (2, 1), (1, 2), (1, 0), (0, 1)]
    ]


def test_a_row_has_its_times(explained: Any) -> None:
    rows = ladder(explained("busy_486")).rows
    assert (rows[0].since_start_ns, rows[0].delta_ns) == (0, 0)
    assert (rows[2].since_start_ns, rows[2].delta_ns) == (1_429_000, 1_235_000)


def test_a_retransmission_is_marked_and_counted(explained: Any) -> None:
    rows = ladder(explained("quality_twice")).rows
    assert [(row.label, row.retransmission) for row in rows[5:8]] == [
        ("BYE", False),
        ("BYE \N{MULTIPLICATION SIGN}2", True),
        ("BYE \N{MULTIPLICATION SIGN}3", True),
    ]


def test_a_call_without_messages_has_an_empty_ladder(story: Any) -> None:
    drawn = ladder(story.call())
    assert (drawn.lifelines, drawn.rows) == ([], [])
    assert as_text(story.call()).startswith("No SIP message")


def test_the_text_of_a_recorded_call(explained: Any) -> None:
    lines = as_text(explained("busy_486"), width=80).split("\n")
    assert lines[0] == (
        "Busy: the called side rejected the call with 486 Busy Here after 0.4 s."
    )
    assert lines[1] == "Alice alice (sipp) → bob (sipp)"
    assert lines[2] == "23 Nov 2026, 13:04:00 UTC"
    assert "127.0.0.2:5061" in lines[4]
    assert lines[5].startswith("0:00.000 ")
    assert "|----- INVITE SDP PCMU 127.0.0.2:14000 ---->|" in lines[5]
    assert lines[8].startswith("0:00.407 +406 ms")
    assert "<----- 486 Busy Here Reason: Q.850 17 -----|" in lines[8]


@pytest.mark.parametrize("width", [20, 40, 80, 100, 120])
@pytest.mark.parametrize("name", ["proxy_baresip", "proxy_sipp", "ipv6_udp", "sip_tcp"])
def test_the_text_keeps_to_its_width(explained: Any, name: str, width: int) -> None:
    text = as_text(explained(name), width)
    assert max(map(len, text.split("\n"))) <= width


def test_lifelines_too_many_to_draw_become_a_list(story: Any) -> None:
    hosts = ["alice", "proxy", "bob", "carol"]
    for at, (one, other) in enumerate(itertools.pairwise(hosts)):
        story.invite(at, f"{one} > {other}", branch=f"z9hG4bK{at}")
    text = as_text(story.call(), width=72)
    assert "203.0.113.9:5060 > 10.8.0.14:5060  INVITE" in text
    assert "|" not in text


def test_addresses_too_long_for_their_column_get_letters(story: Any) -> None:
    story.hosts = {
        name: end._replace(ip=f"2001:db8:1111:2222:3333:4444:5555:{n}")
        for n, (name, end) in enumerate(story.hosts.items())
    }
    story.invite(0, "alice > proxy").invite(0.1, "proxy > bob", branch="z9hG4bKb")
    text = as_text(story.call(), width=80)
    assert "A = [2001:db8:1111:2222:3333:4444:5555:0]:5060" in text
    assert "- INVITE -" in text


def test_a_host_that_speaks_to_itself_has_no_arrow(story: Any) -> None:
    story.message(0, "bob > bob", "OPTIONS")
    assert "| OPTIONS (to itself)" in as_text(story.call())


def test_a_pause_of_years_does_not_push_the_drawing_aside(story: Any) -> None:
    story.invite(0).bye(1e8)
    *_, first, last, _ = as_text(story.call()).split("\n")
    assert first.index("|") == last.index("|")


def test_nothing_from_the_wire_steers_the_terminal(story: Any) -> None:
    story.invite(0, headers=("User-Agent: \x1b[31mphone\x1b]0;title\x07",))
    story.reply(1, "486 Busy\x1b[2J\x9b2J Here\u202e")
    story.message(2, "alice > bob", "BYE\x1b")
    text = as_text(story.call())
    assert all(character.isprintable() or character == "\n" for character in text)
    assert "phone" in text
