from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.analysis.ladder.ladder import Row
from flask_sipvault.analysis.sip.repeats import find_repeats
from flask_sipvault.analysis.sip.repeats import MIN_ROUNDS


def refreshes(story: Any, count: int, *, start: float = 100) -> None:
    """Re-INVITEs, one in a hundred seconds."""
    for number in range(count):
        cseq, branch = f"{number + 10} INVITE", f"z9hG4bKr{number}"
        at = start + 100 * number
        story.invite(at, tags="a b", cseq=cseq, branch=branch)
        story.reply(at + 0.1, "200 OK", cseq=cseq, branch=branch)
        story.message(
            at + 0.2,
            "alice > bob",
            "ACK",
            cseq=f"{number + 10} ACK",
            branch=f"{branch}a",
        )


def whole(story: Any, count: int) -> Any:
    story.invite(0).reply(1, "180 Ringing").reply(2, "200 OK")
    story.message(2.1, "alice > bob", "ACK", cseq="1 ACK", branch="z9hG4bKack")
    refreshes(story, count)
    return story.bye(100 * count + 100)


def test_rounds_after_the_first_are_one_repetition(story: Any) -> None:
    (found,) = find_repeats(ladder(whole(story, 20).call()).rows)
    # Messages 5 to 7 are the first refresh, the BYE is the 65th.
    assert (found.before, found.rounds, found.size) == (7, 19, 3)
    assert found.numbers == set(range(8, 65))
    assert found.end_ns == round((100 * 20 + 0.2) * 1e9)


def test_few_rounds_are_no_repetition(story: Any) -> None:
    assert find_repeats(ladder(whole(story, MIN_ROUNDS - 1).call()).rows) == []


def test_a_round_that_differs_stays_to_be_seen(story: Any) -> None:
    whole(story, 20)
    odd = story.evidence.sip[4 + 3 * 10 + 1]
    odd.payload = odd.payload.replace(b"200 OK", b"488 Not Acceptable Here")
    one, other = find_repeats(ladder(story.call()).rows)
    assert odd not in [story.evidence.sip[n - 1] for n in one.numbers | other.numbers]
    assert (one.rounds, other.rounds) == (9, 8)


def test_a_round_with_a_retransmission_stays_to_be_seen(story: Any) -> None:
    whole(story, 20)
    again = story.evidence.sip[4 + 3 * 10]
    story.packet(100 * 11 + 0.05, "alice > bob", again.payload)
    rows = ladder(story.call()).rows
    hidden = frozenset().union(*(each.numbers for each in find_repeats(rows)))
    assert not hidden & {row.n for row in rows if row.sendings > 1 or row.first}


@pytest.mark.parametrize("name", ["proxy_sipp", "busy_486", "quality_twice"])
def test_an_ordinary_call_has_none(name: str, explained: Any) -> None:
    assert find_repeats(ladder(explained(name)).rows) == []


labels = st.lists(st.sampled_from("abc"), max_size=60)


@given(labels)
def test_what_is_left_out_is_like_what_stays(letters: list[str]) -> None:
    rows = [
        Row(n, 0, 1, label, "", "request", n, n, 1, False)
        for n, label in enumerate(letters, 1)
    ]
    seen: set[int] = set()
    for found in find_repeats(rows):
        assert not found.numbers & seen
        seen |= found.numbers
        assert len(found.numbers) == found.rounds * found.size
        first = letters[found.before - found.size : found.before]
        assert [letters[n - 1] for n in sorted(found.numbers)] == first * found.rounds
