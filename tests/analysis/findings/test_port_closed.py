"""port-closed: the network says that nobody takes the call there."""

from __future__ import annotations

from typing import Any

import pytest

from .hops import alarms
from .hops import icmp
from .hops import ids
from .hops import only
from .hops import reset
from .hops import shown
from .hops import via

FAR: dict[str, Any] = {"branch": "z9hG4bK9", "headers": via("z9hG4bK1")}


@pytest.mark.parametrize(
    ("kind", "variant"),
    [
        ("port-unreachable", ""),
        ("host-unreachable", "unreachable"),
        ("net-unreachable", "unreachable"),
        ("ttl-exceeded", "unreachable"),
        ("prohibited", "prohibited"),
    ],
)
def test_icmp_tells(story: Any, kind: Any, variant: str) -> None:
    story.invite(0)
    icmp(story, 0.01, "alice > bob", kind)
    finding = only(story, "port-closed")
    assert (finding.variant, finding.certainty) == (variant, "certain")
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"
    assert [e.kind for e in finding.evidence] == ["message", "span"]


def test_at_the_hop_behind_a_proxy(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > bob", **FAR)
    icmp(story, 0.03, "proxy > bob", "port-unreachable")
    story.reply(0.04, "503 Service Unavailable", "proxy > alice")
    finding = only(story, "port-closed")
    assert str(finding.parameters["client"]) == "203.0.113.9:5060"
    assert shown(finding) >= {3, 4}
    assert ids(story) == ["port-closed"]


def test_a_request_over_tcp_that_is_answered_by_a_reset(story: Any) -> None:
    ends: dict[str, Any] = {"transport": "tcp", "ports": (40_000, 5060)}
    story.invite(0, **ends)
    reset(story, 0.01, "alice > bob")
    assert only(story, "port-closed").variant == "reset"


def test_a_connection_that_could_not_be_opened(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    reset(story, 0.02, "proxy > bob")
    story.reply(0.03, "503 Service Unavailable", "proxy > alice")
    finding = only(story, "port-closed")
    assert finding.variant == "reset"
    assert str(finding.parameters["server"]) == "10.8.0.14:5060"


def test_another_server_that_takes_the_call_makes_it_a_failover(story: Any) -> None:
    story.invite(0, "alice > proxy").reply(0.01, "100 Trying", "proxy > alice")
    story.invite(0.02, "proxy > bob", **FAR)
    icmp(story, 0.03, "proxy > bob", "port-unreachable")
    more = {**FAR, "branch": "z9hG4bK10"}
    story.invite(0.04, "proxy > carol", **more)
    story.reply(0.1, "180 Ringing", "carol > proxy", branch="z9hG4bK10")
    story.reply(3, "200 OK", "carol > proxy", branch="z9hG4bK10")
    story.reply(3.1, "200 OK", "proxy > alice")
    assert ids(story) == ["failover"]


def test_a_server_that_comes_back_in_time_is_none(story: Any) -> None:
    story.invite(0)
    icmp(story, 0.01, "alice > bob", "port-unreachable")
    story.invite(0.5).reply(0.6, "180 Ringing").reply(3, "200 OK").bye(20)
    assert alarms(story) == []


def test_a_connection_that_is_reset_after_the_call_was_only_closed(
    story: Any,
) -> None:
    ends: dict[str, Any] = {"transport": "tcp", "ports": (40_000, 5060)}
    back: dict[str, Any] = {"transport": "tcp", "ports": (5060, 40_000)}
    story.invite(0, **ends).reply(0.1, "486 Busy Here", **back)
    reset(story, 0.2, "alice > bob")
    assert ids(story) == ["busy"]


def test_an_error_about_media_says_nothing_of_the_call(story: Any) -> None:
    story.invite(0).reply(0.1, "404 Not Found")
    story.hosts = {**story.hosts, "media": story.hosts["bob"]._replace(port=17000)}
    icmp(story, 0.2, "alice > media", "port-unreachable")
    assert ids(story) == ["number-unknown"]
