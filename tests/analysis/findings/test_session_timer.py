"""``session-timer``: calls that their session timer cut."""

from __future__ import annotations

import pytest

from ..conftest import Story
from .shapes import FULL_SHAPES
from .shapes import only_from
from .telling import again
from .telling import ids
from .telling import reshaped
from .telling import the


def up(refresher: str = ";refresher=uac", interval: int = 1800) -> Story:
    story = Story().invite(0)
    story.reply(1, "200 OK", headers=(f"Session-Expires: {interval}{refresher}",))
    return story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")


def hung_up(story: Story, after: float, way: str, **more: str) -> Story:
    """So long after the answer; the BYE is confirmed."""
    headers = (more["reason"],) if "reason" in more else ()
    story.bye(1 + after, way, cseq="9 BYE", headers=headers)
    there, here = way.split(" > ")
    tags = "a b" if there == "alice" else "b a"
    return story.message(
        1.1 + after, f"{here} > {there}", "200 OK", cseq="9 BYE", branch="z9hG4bK2",
        tags=tags,
    )  # fmt: skip


def refresh(story: Story, at: float, way: str, *, answer: str = "200 OK") -> Story:
    tags = "a b" if way.startswith("alice") else "b a"
    about = {"cseq": "5 UPDATE", "branch": "z9hG4bK5", "tags": tags}
    story.message(at, way, "UPDATE", **about)
    back = " > ".join(reversed(way.split(" > ")))
    return story.message(at + 0.1, back, answer, **about)


@pytest.mark.parametrize("shape", FULL_SHAPES)
@pytest.mark.parametrize(
    ("refresher", "cutter", "variant"),
    [
        (";refresher=uac", "bob > alice", "never-caller"),
        (";refresher=uas", "alice > bob", "never-callee"),
        (" ;REFRESHER = uac", "bob > alice", "never-caller"),
        ("", "bob > alice", "never"),
    ],
)
@pytest.mark.parametrize(
    ("interval", "after"), [(1800, 1768), (1800, 1800.2), (90, 60), (600, 568.3)]
)
def test_a_session_that_nobody_refreshed_is_cut(
    refresher: str, cutter: str, variant: str, interval: int, after: float, shape: str
) -> None:
    story = hung_up(up(refresher, interval), after, cutter)
    finding = the(reshaped(FULL_SHAPES[shape], story.evidence), "session-timer")
    assert finding.variant == variant
    assert finding.certainty == "certain"


def test_a_proxy_may_cut_both_sides() -> None:
    story = up()
    for way, tags in (("proxy > bob", "a b"), ("proxy > alice", "b a")):
        story.bye(1801, way, cseq="9 BYE", tags=tags, branch=f"z9hG4bK{way[8]}")
    finding = the(story.call(), "session-timer")
    assert finding.parameters["cutter"] == Story.hosts["proxy"]


def test_after_a_refresh_the_interval_begins_anew() -> None:
    story = refresh(up(), 901, "alice > bob")
    hung_up(story, 900.1 + 1768, "bob > alice")
    assert the(story.call(), "session-timer").variant == "never-caller"


def test_what_was_refreshed_was_cut_by_a_person() -> None:
    story = hung_up(refresh(up(), 901, "alice > bob"), 1768, "bob > alice")
    assert ids(story.call()) == []


@pytest.mark.parametrize("side", [0, 1])
def test_so_it_was_where_one_direction_was_captured(side: int) -> None:
    story = hung_up(refresh(up(), 901, "alice > bob"), 1768, "bob > alice")
    assert ids(reshaped(only_from(side), story.evidence)) == []


def test_a_refresh_by_reinvite_counts_though_only_its_answer_was_captured() -> None:
    story = up()
    story.reply(901, "200 OK", cseq="5 INVITE", branch="z9hG4bK5")
    hung_up(story, 1768, "bob > alice")
    assert ids(story.call()) == []


def test_a_refresh_that_is_refused_is_told_as_such() -> None:
    story = refresh(up(), 901, "alice > bob", answer="405 Method Not Allowed")
    hung_up(story, 1768, "bob > alice")
    call = story.call()
    assert call.findings[0].id in ("session-timer", "reinvite-refused")
    (finding,) = [
        each
        for top in call.findings
        for each in (top, *top.consequences)
        if each.id == "session-timer"
    ]
    assert finding.variant == "failed"


def test_a_refresh_that_nobody_answers_is_a_lost_dialog() -> None:
    story = up()
    about = {"cseq": "5 UPDATE", "branch": "z9hG4bK5"}
    again(story.message, 1733, "alice > bob", "UPDATE", **about)
    story.bye(1766, cseq="9 BYE")
    assert ids(story.call()) == ["dialog-lost"]


def test_a_reason_that_names_the_timer_counts_at_another_time_too() -> None:
    story = hung_up(
        up(), 1500, "bob > alice", reason='Reason: SIP;cause=408;text="Session Timeout"'
    )
    assert the(story.call(), "session-timer").certainty == "likely"


@pytest.mark.parametrize("after", [20, 900, 1700, 1785, 2500])
def test_at_another_time_it_was_a_person(after: float) -> None:
    assert ids(hung_up(up(), after, "bob > alice").call()) == []


def test_who_refreshes_may_hang_up_at_any_time() -> None:
    assert ids(hung_up(up(), 1768, "alice > bob").call()) == []


def test_without_a_session_timer_nothing_is_cut() -> None:
    story = Story().invite(0, headers=("Session-Expires: 1800",))
    story.reply(1, "200 OK")
    story.message(1.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    assert ids(hung_up(story, 1768, "bob > alice").call()) == []
