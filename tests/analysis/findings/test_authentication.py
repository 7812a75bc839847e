"""auth-credentials, auth-stale-nonce, auth-not-answered: what became of a challenge."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import findings
from .hops import ids
from .hops import only
from .hops import shown
from .hops import via


def challenge(nonce: str, *, more: str = "", code: int = 407) -> dict[str, Any]:
    name = "Proxy-Authenticate" if code == 407 else "WWW-Authenticate"
    return {"headers": (f'{name}: Digest realm="pbx", nonce="{nonce}"{more}',)}


def credentials(nonce: str, *, realm: str = "pbx", code: int = 407) -> dict[str, Any]:
    name = "Proxy-Authorization" if code == 407 else "Authorization"
    value = f'{name}: Digest username="6104", realm="{realm}", nonce="{nonce}"'
    return {"headers": (value,)}


def attempt(
    story: Any,
    n: int,
    answer: str,
    *,
    method: str = "INVITE",
    sent: dict[str, Any] | None = None,
    back: dict[str, Any] | None = None,
    **more: Any,
) -> None:
    """A request, and its response; the n-th of the call."""
    where: dict[str, Any] = {"cseq": f"{n} {method}", "branch": f"z9hG4bKa{n}"}
    story.message(n, "alice > bob", method, tags="a", **where, **(sent or {}), **more)
    story.message(n + 0.01, "bob > alice", answer, **where, **(back or {}), **more)
    if method == "INVITE":
        story.message(n + 0.02, "alice > bob", "ACK", cseq=f"{n} ACK", **more)


REQUIRED = "407 Proxy Authentication Required"


@pytest.mark.parametrize("method", ["INVITE", "REGISTER"])
@pytest.mark.parametrize("times", [1, 3])
def test_a_wrong_password(story: Any, method: str, times: int) -> None:
    attempt(story, 1, REQUIRED, method=method, back=challenge("n1"))
    for n in range(2, times + 2):
        attempt(
            story,
            n,
            REQUIRED,
            method=method,
            sent=credentials(f"n{n - 1}"),
            back=challenge(f"n{n}"),
        )
    finding = only(story, "auth-credentials")
    assert finding.parameters["user"] == "6104"
    assert finding.parameters["count"] == times
    assert alarms(story) == ["auth-credentials"]


@pytest.mark.parametrize("transport", ["tcp", "tls", "ws"])
def test_over_a_stream_too(story: Any, transport: str) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"), transport=transport)
    attempt(
        story,
        2,
        REQUIRED,
        sent=credentials("n1"),
        back=challenge("n2"),
        transport=transport,
    )
    assert ids(story) == ["auth-credentials"]


def test_through_a_proxy_it_is_said_once(story: Any) -> None:
    for n, nonce in ((1, ""), (2, "n1")):
        sent = credentials(nonce)["headers"] if nonce else ()
        near: dict[str, Any] = {"cseq": f"{n} INVITE", "branch": f"z9hG4bKa{n}"}
        far: dict[str, Any] = {"cseq": f"{n} INVITE", "branch": f"z9hG4bKb{n}"}
        story.invite(n, "alice > proxy", headers=sent, **near)
        story.invite(
            n + 0.01, "proxy > bob", headers=(*sent, *via(f"z9hG4bKa{n}")), **far
        )
        story.reply(n + 0.02, REQUIRED, "bob > proxy", **challenge(f"n{n}"), **far)
        story.reply(n + 0.03, REQUIRED, "proxy > alice", **challenge(f"n{n}"), **near)
    assert ids(story) == ["auth-credentials"]


@pytest.mark.parametrize(
    "words", [("403 Forbidden (bad auth)", ()), ("403 Wrong password", ())]
)
def test_a_server_may_refuse_credentials_with_403(
    story: Any, words: tuple[str, tuple[str, ...]]
) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    attempt(story, 2, words[0], sent=credentials("n1"))
    assert ids(story) == ["auth-credentials"]


def test_a_403_without_words_may_be_about_a_permission(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    attempt(story, 2, "403 Forbidden", sent=credentials("n1"))
    assert ids(story) == ["call-refused"]


def test_a_second_try_that_is_accepted_is_none(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    attempt(story, 2, REQUIRED, sent=credentials("n1"), back=challenge("n2"))
    attempt(story, 3, "200 OK", sent=credentials("n2"))
    story.bye(20, cseq="4 BYE")
    assert findings(story) == []


def test_two_realms_on_the_way_are_two_challenges(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    other = {"headers": ('WWW-Authenticate: Digest realm="gw", nonce="g1"',)}
    attempt(story, 2, "401 Unauthorized", sent=credentials("n1"), back=other)
    both = {
        "headers": (
            *credentials("n1")["headers"],
            *credentials("g1", realm="gw", code=401)["headers"],
        )
    }
    attempt(story, 3, "200 OK", sent=both)
    assert alarms(story) == []


def test_the_second_of_two_challenges_is_not_answered(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    other = {"headers": ('WWW-Authenticate: Digest realm="gw", nonce="g1"',)}
    attempt(story, 2, "401 Unauthorized", sent=credentials("n1"), back=other)
    assert only(story, "auth-not-answered").variant == "other"


@pytest.mark.parametrize("stale", ["true", '"true"', "TRUE"])
def test_an_old_nonce_that_is_not_replaced(story: Any, stale: str) -> None:
    old, new = credentials("old"), challenge("n1", more=f", stale={stale}")
    attempt(story, 1, REQUIRED, sent=old, back=new)
    finding = only(story, "auth-stale-nonce")
    assert finding.variant == ""
    assert shown(finding) == {1, 2}


def test_a_server_that_calls_each_nonce_stale(story: Any) -> None:
    stale = ", stale=true"
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    for n in (2, 3, 4):
        attempt(
            story,
            n,
            REQUIRED,
            sent=credentials(f"n{n - 1}"),
            back=challenge(f"n{n}", more=stale),
        )
    assert only(story, "auth-stale-nonce").variant == "again"


def test_an_old_nonce_that_is_replaced_is_none(story: Any) -> None:
    new = challenge("n1", more=", stale=true")
    attempt(story, 1, REQUIRED, sent=credentials("old"), back=new)
    attempt(story, 2, "200 OK", sent=credentials("n1"))
    assert alarms(story) == []


@pytest.mark.parametrize("code", [401, 407])
def test_a_challenge_that_is_not_answered(story: Any, code: int) -> None:
    attempt(story, 1, f"{code} Who Are You", back=challenge("n1", code=code))
    finding = only(story, "auth-not-answered")
    assert finding.variant == ""
    assert shown(finding) == {1, 2}


def test_stale_without_credentials_says_nothing_of_a_password(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1", more=", stale=true"))
    assert ids(story) == ["auth-not-answered"]


def test_a_challenge_that_does_not_arrive(story: Any) -> None:
    story.invite(0)
    for at in (0.01, 0.51, 1.51, 3.51, 7.51):
        story.reply(at, REQUIRED, **challenge("n1"))
    finding = only(story, "auth-not-answered")
    assert (finding.variant, finding.certainty) == ("unheard", "likely")


def test_a_challenge_that_asks_nothing(story: Any) -> None:
    attempt(story, 1, REQUIRED)
    assert only(story, "auth-not-answered").variant == "no-challenge"


def test_a_call_that_goes_on_may_still_be_answered(story: Any) -> None:
    attempt(story, 1, REQUIRED, back=challenge("n1"))
    assert [each.id for each in story.call("PARTIAL").findings] == ["call-refused"] or (
        "auth-not-answered" not in [each.id for each in story.call("PARTIAL").findings]
    )


def test_a_change_of_a_call_that_is_up_may_be_challenged_in_vain(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    more: dict[str, Any] = {"cseq": "2 INVITE", "branch": "z9hG4bK5"}
    story.message(5, "alice > bob", "INVITE", **more)
    story.reply(5.1, REQUIRED, **challenge("n1"), **more)
    story.bye(20, cseq="3 BYE")
    assert "auth-not-answered" in ids(story)
