"""Each refusal is said once, by the rule for its kind: whoever refused, in whatever
words, and whether a person or a server did.
"""

from __future__ import annotations

from typing import Any

import pytest

from .hops import findings
from .hops import ids
from .hops import only
from .hops import shown
from .hops import via

#: A refusal, its header fields, and the finding.
AT_ONCE = [
    ("404 Not Found", (), "number-unknown"),
    ("404 Number Not Provisioned", (), "number-unknown"),
    ("484 Address Incomplete", (), "number-unknown"),
    ("485 Ambiguous", (), "number-unknown"),
    ("604 Does Not Exist Anywhere", (), "number-unknown"),
    ("410 Gone", (), "number-unknown"),
    ("503 Service Unavailable", ("Reason: Q.850;cause=1",), "number-unknown"),
    ("500 Server Internal Error", ("Reason: Q.850;cause=3",), "number-unknown"),
    ("484 Address Incomplete", ("Reason: Q.850;cause=28",), "number-unknown"),
    ("404 User not registered", (), "subscriber-absent"),
    ("404 Not Found", ('Warning: 399 sbc "user is offline"',), "subscriber-absent"),
    ("480 Temporarily Unavailable", (), "subscriber-absent"),
    ("480 Unavailable", ("Reason: Q.850;cause=20",), "subscriber-absent"),
    ("408 Timeout", ("Reason: Q.850;cause=18",), "subscriber-absent"),
    ("430 Flow Failed", (), "subscriber-absent"),
    ("480 No answer", ("Reason: Q.850;cause=19",), "no-answer"),
    ("486 Busy Here", (), "busy"),
    ("600 Busy Everywhere", (), "busy"),
    ("486 User Busy", ("Reason: Q.850;cause=17",), "busy"),
    ("486 Do Not Disturb", (), "busy"),
    ("480 Unavailable", ("Reason: Q.850;cause=17",), "busy"),
    ("486 Rejected As Flood", (), "refused-by-server-486"),
    ("486 Busy Here", ('Warning: 399 gw "no route"',), "refused-by-server-486"),
    ("486 Busy Here", ("Reason: Q.850;cause=34",), "refused-by-server-486"),
    ("486 Call limit reached", (), "refused-by-server-486"),
    ("600 Too many calls", (), "refused-by-server-486"),
    ("603 Decline", (), "declined"),
    ("607 Unwanted", (), "declined"),
    ("480 Unavailable", ("Reason: Q.850;cause=21",), "declined"),
    ("503 Service Unavailable", (), "overload-503"),
    ("503 Service Unavailable", ("Retry-After: 30",), "overload-503"),
    ("500 Server Internal Error", ("Reason: Q.850;cause=42",), "overload-503"),
    ("503 Maximum calls in progress", (), "call-limit"),
    ("403 Forbidden", ('Warning: 399 - "Concurrent calls exceeded"',), "call-limit"),
    ("480 Unavailable", ('Reason: SIP;text="CPS limit exceeded"',), "call-limit"),
    ("603 Declined: channel limit", (), "call-limit"),
    ("302 Moved", ("Contact: <sip:c@example.com>",), "redirected"),
    ("403 Forbidden", (), "call-refused"),
    ("603 Network Blocked", (), "call-refused"),
    ("608 Rejected", (), "call-refused"),
    ("500 Server Internal Error", (), "call-refused"),
]

AFTER_RINGING = [
    ("408 Request Timeout", "no-answer"),
    ("480 Temporarily Unavailable", "no-answer"),
    ("487 Request Terminated", "no-answer"),
    ("486 Busy Here", "declined"),
    ("600 Busy Everywhere", "declined"),
    ("603 Decline", "declined"),
    ("404 Not Found", "number-unknown"),
    ("503 Service Unavailable", "overload-503"),
]

INFO = {
    "busy",
    "cancelled",
    "declined",
    "no-answer",
    "redirected",
    "subscriber-absent",
}


@pytest.mark.parametrize(("code", "headers", "wanted"), AT_ONCE)
def test_without_ringing(
    story: Any, code: str, headers: tuple[str, ...], wanted: str
) -> None:
    story.invite(0).reply(0.008, code, headers=headers)
    (finding,) = findings(story)
    assert finding.id == wanted
    assert finding.severity == ("info" if wanted in INFO else "error")
    assert 2 in shown(finding)


@pytest.mark.parametrize(("code", "wanted"), AFTER_RINGING)
def test_after_ringing(story: Any, code: str, wanted: str) -> None:
    story.invite(0).reply(0.3, "180 Ringing").reply(25, code)
    assert ids(story) == [wanted]


@pytest.mark.parametrize(("code", "headers", "wanted"), AT_ONCE)
def test_through_a_proxy_who_refused_is_named(
    story: Any, code: str, headers: tuple[str, ...], wanted: str
) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9", headers=via("z9hG4bK1"))
    story.reply(0.02, code, "bob > proxy", branch="z9hG4bK9", headers=headers)
    story.reply(0.03, code, "proxy > alice", headers=headers)
    finding = only(story, wanted)
    assert 3 in shown(finding)
    for name in {"server"} & set(finding.parameters):
        assert str(finding.parameters[name]) == "10.8.0.14:5060"


def test_a_proxy_may_give_another_code_for_it(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9", headers=via("z9hG4bK1"))
    story.reply(0.02, "503 Service Unavailable", "bob > proxy", branch="z9hG4bK9")
    story.reply(0.03, "500 Server Internal Error", "proxy > alice", tags="a p")
    finding = only(story, "overload-503")
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"


def test_an_overloaded_server_that_is_asked_again(story: Any) -> None:
    for n in (1, 2, 3):
        more: dict[str, Any] = {"cseq": f"{n} INVITE", "branch": f"z9hG4bKt{n}"}
        story.invite(n, **more)
        story.reply(
            n + 0.1, "503 Service Unavailable", headers=("Retry-After: 30",), **more
        )
    finding = only(story, "overload-503")
    assert (finding.variant, finding.parameters["count"]) == ("again", 3)
    assert shown(finding) == {2, 3, 4, 5, 6}


def test_a_busy_after_a_while_is_one_though_it_did_not_ring(story: Any) -> None:
    """A phone that rings without saying so, and somebody who rejects."""
    story.invite(0).reply(4, "486 Rejected")
    assert ids(story) == ["busy"]


@pytest.mark.parametrize(("rung", "wanted"), [(4, "cancelled"), (40, "no-answer")])
def test_a_caller_who_gives_up(story: Any, rung: float, wanted: str) -> None:
    story.invite(0).reply(0.3, "180 Ringing")
    story.message(0.3 + rung, "alice > bob", "CANCEL", tags="a", cseq="1 CANCEL")
    story.reply(0.4 + rung, "487 Request Terminated")
    assert ids(story) == [wanted]


def test_a_caller_who_gives_up_before_it_rings(story: Any) -> None:
    story.invite(0).reply(0.1, "100 Trying")
    story.message(3, "alice > bob", "CANCEL", tags="a", cseq="1 CANCEL")
    story.reply(3.1, "487 Request Terminated")
    assert ids(story) == ["cancelled"]


@pytest.mark.parametrize("first", ["404 Not Found", "484 Address Incomplete"])
def test_a_refusal_before_the_attempt_that_was_answered_is_none(
    story: Any, first: str
) -> None:
    story.invite(0).reply(0.1, first)
    more: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
    story.invite(0.5, **more).reply(0.9, "180 Ringing", **more)
    story.reply(3, "200 OK", **more).bye(20)
    assert findings(story) == []


def test_a_branch_of_a_fork_that_is_busy_is_none(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.01, "proxy > bob", branch="z9hG4bK9", headers=via("z9hG4bK1"))
    story.invite(0.01, "proxy > carol", branch="z9hG4bK10", headers=via("z9hG4bK1"))
    story.reply(0.02, "486 Busy Here", "bob > proxy", branch="z9hG4bK9", tags="a c")
    story.reply(3, "200 OK", "carol > proxy", branch="z9hG4bK10")
    story.reply(3.01, "200 OK", "proxy > alice")
    assert findings(story) == []


def test_where_the_invite_was_not_captured_its_refusal_tells_nothing(
    story: Any,
) -> None:
    story.reply(0.1, "503 Service Unavailable")
    assert findings(story) == []


def test_a_refused_change_of_a_call_that_is_up_is_no_refused_call(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    more: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
    story.message(5, "alice > bob", "INVITE", **more)
    story.reply(5.1, "403 Forbidden", **more).bye(20)
    assert not {"call-refused", "overload-503"} & set(ids(story))


@pytest.mark.parametrize(
    "said",
    [
        ('Warning: 399 - "477 Unfortunately error on sending to next hop occurred"',),
        ('Reason: SIP;cause=503;text="Connection refused"',),
    ],
)
def test_a_next_host_that_the_network_does_not_reach(
    story: Any, said: tuple[str, ...]
) -> None:
    story.invite(0).reply(0.02, "503 Service Unavailable", headers=said)
    finding = only(story, "port-closed")
    assert finding.variant == "reported"
    assert [each.id for each in finding.consequences] == ["overload-503"]
