from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.sip.hosts import place_name
from flask_sipvault.protocols.address import Endpoint


def places(call: Any) -> list[str]:
    seen = [place for m in call.messages for place in (m.origin, m.target)]
    return [place_name(place) for place in dict.fromkeys(seen)]


def test_over_udp_each_port_is_a_place(explained: Any) -> None:
    assert places(explained("busy_486")) == ["127.0.0.2:5061", "127.0.0.3:5060"]


def test_over_tcp_the_port_does_not_count(story: Any) -> None:
    story.invite(0, transport="tcp", ports=(40001, 5060))
    story.reply(1, "200 OK", transport="tcp", ports=(5060, 40001))
    story.bye(2, transport="tcp", ports=(40002, 5060))
    assert places(story.call()) == ["198.51.100.23", "10.8.0.14"]


def test_a_host_with_one_udp_port_is_one_place_in_all_transports(story: Any) -> None:
    story.invite(0, "alice > proxy", transport="tls", ports=(40001, 5061))
    story.invite(0.1, "proxy > bob", branch="z9hG4bK2")
    assert places(story.call()) == [
        "198.51.100.23",
        "203.0.113.9:5060",
        "10.8.0.14:5060",
    ]


def test_a_host_that_speaks_to_itself_keeps_its_ports(story: Any) -> None:
    story.invite(0, "bob > bob", transport="tcp", ports=(40001, 5060))
    assert places(story.call()) == ["10.8.0.14:40001", "10.8.0.14:5060"]


def test_a_place_without_a_port_is_written_without_one() -> None:
    assert place_name(Endpoint("2001:db8::1", 0)) == "2001:db8::1"
    assert place_name(Endpoint("2001:db8::1", 5060)) == "[2001:db8::1]:5060"
