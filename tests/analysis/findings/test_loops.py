"""routing-loop and redirect-loop: calls that come back to where they were."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import findings
from .hops import ids
from .hops import only
from .hops import shown
from .hops import via


def circle(story: Any, passes: int, refusal: str = "", **more: Any) -> None:
    """Proxy and Bob send the call to each other."""
    story.invite(0, "alice > proxy", headers=("Max-Forwards: 70",))
    branches = ["z9hG4bK1"]
    for n in range(passes):
        way = "proxy > bob" if n % 2 == 0 else "bob > proxy"
        branch = f"z9hG4bKloop{n}"
        headers = (*via(*branches[::-1]), f"Max-Forwards: {69 - n}")
        story.invite(0.01 * (n + 1), way, branch=branch, headers=headers, **more)
        branches.append(branch)
    if refusal:
        for n in reversed(range(passes)):
            way = "bob > proxy" if n % 2 == 0 else "proxy > bob"
            story.reply(1 + 0.01 * (passes - n), refusal, way, branch=branches[n + 1])
        story.reply(2, refusal, "proxy > alice")


def test_two_servers_that_send_a_call_to_each_other(story: Any) -> None:
    circle(story, 12, "483 Too Many Hops")
    finding = only(story, "routing-loop")
    assert finding.certainty == "certain"
    assert {str(finding.parameters[name]) for name in ("client", "server")} == {
        "203.0.113.9:5060",
        "10.8.0.14:5060",
    }
    assert {2, 4, 6} <= shown(finding) or {1, 3, 5} <= shown(finding)


def test_a_loop_that_a_host_notices_at_once(story: Any) -> None:
    circle(story, 2, "482 Loop Detected")
    assert only(story, "routing-loop").variant == ""


def test_a_loop_that_ends_in_another_refusal_is_still_one(story: Any) -> None:
    circle(story, 8, "500 Server Internal Error")
    assert ids(story) == ["routing-loop"]


def test_another_target_makes_it_a_spiral(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK2", headers=via("z9hG4bK1"))
    story.invite(
        0.02,
        "bob > proxy",
        branch="z9hG4bK3",
        headers=via("z9hG4bK2", "z9hG4bK1"),
        uri="sip:carol@example.com",
    )
    story.invite(
        0.03,
        "proxy > carol",
        branch="z9hG4bK4",
        headers=via("z9hG4bK3", "z9hG4bK2", "z9hG4bK1"),
        uri="sip:carol@example.com",
    )
    story.reply(0.1, "486 Busy Here", "carol > proxy", branch="z9hG4bK4")
    assert "routing-loop" not in ids(story)


def test_the_way_through_an_application_server_is_none(story: Any) -> None:
    circle(story, 3)
    story.reply(1, "180 Ringing", "bob > proxy", branch="z9hG4bKloop2")
    story.reply(3, "200 OK", "bob > proxy", branch="z9hG4bKloop2")
    assert alarms(story) == []


@pytest.mark.parametrize("code", ["483 Too Many Hops", "482 Loop Detected"])
def test_a_loop_behind_what_was_captured_is_likely(story: Any, code: str) -> None:
    story.invite(0, headers=("Max-Forwards: 70",)).reply(0.3, code)
    finding = only(story, "routing-loop")
    assert (finding.variant, finding.certainty) == ("reported", "likely")


def test_a_caller_that_allows_too_few_hops(story: Any) -> None:
    story.invite(0, headers=("Max-Forwards: 2",)).reply(0.3, "483 Too Many Hops")
    assert only(story, "routing-loop").variant == "max-forwards"


def test_two_branches_that_meet_again(story: Any) -> None:
    story.invite(0).reply(0.3, "482 Request merged")
    assert only(story, "routing-loop").variant == "merged"


def redirected(story: Any, n: int, uri: str, contact: str) -> None:
    more: dict[str, Any] = {"cseq": f"{n} INVITE", "branch": f"z9hG4bKr{n}"}
    story.invite(n, uri=uri, **more)
    story.reply(
        n + 0.1, "302 Moved Temporarily", headers=(f"Contact: <{contact}>",), **more
    )


def test_two_numbers_forwarded_to_each_other(story: Any) -> None:
    redirected(story, 1, "sip:bob@example.com", "sip:carol@example.com;q=1")
    redirected(story, 2, "sip:carol@example.com", "sip:bob@example.com")
    finding = only(story, "redirect-loop")
    assert finding.parameters["uri"] == "sip:bob@example.com"
    assert shown(finding) == {1, 2, 3, 4}


def test_a_number_forwarded_to_itself(story: Any) -> None:
    redirected(story, 1, "sip:bob@example.com", "sip:Bob@example.com;user=phone")
    assert only(story, "redirect-loop").variant == "itself"


def test_a_redirection_elsewhere_is_none(story: Any) -> None:
    redirected(story, 1, "sip:bob@example.com", "sip:bob@example.com;transport=tcp")
    finding = only(story, "redirected")
    assert finding.severity == "info"


def test_a_redirection_that_was_followed_to_an_answer(story: Any) -> None:
    redirected(story, 1, "sip:bob@example.com", "sip:carol@example.com")
    more: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
    story.invite(2, uri="sip:carol@example.com", **more)
    story.reply(2.1, "180 Ringing", **more).reply(4, "200 OK", **more).bye(20)
    assert findings(story) == []
