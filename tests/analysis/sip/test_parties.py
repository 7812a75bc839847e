from __future__ import annotations

from typing import Any


def test_caller_and_callee_are_from_and_to_of_the_invite(explained: Any) -> None:
    call = explained("busy_486")
    assert (call.caller.display, call.caller.user) == ("Alice", "alice")
    assert str(call.caller.endpoint) == "127.0.0.2:5061"
    assert (call.callee.display, call.callee.user) == ("", "bob")
    assert call.callee.uri == "sip:bob@127.0.0.3:5060"
    assert str(call.callee.endpoint) == "127.0.0.3:5060"


def test_whoever_hangs_up_the_caller_stays_the_caller(story: Any) -> None:
    story.invite(0).reply(1, "200 OK").bye(2, "bob > alice")
    assert story.call().caller.user == "+551140028922"


def test_software_is_told_by_who_runs_it_not_by_the_proxy(explained: Any) -> None:
    call = explained("proxy_baresip", 2)
    assert call.caller.user_agent == "baresip v1.0.0 (x86_64/linux)"
    assert call.callee.user_agent == "baresip v1.0.0 (x86_64/linux)"


def test_nor_by_the_next_proxy_where_no_more_was_captured(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.reply(0.1, "100 Trying", "proxy > alice", headers=("Server: kamailio",))
    story.reply(0.2, "180 Ringing", "proxy > alice", headers=("Server: phone",))
    assert story.call().callee.user_agent == "phone"


def test_a_called_side_that_never_spoke_has_no_software(explained: Any) -> None:
    call = explained("proxy_sipp", 4)
    assert call.caller.user_agent == "sipp"
    assert call.callee.user_agent == ""
    assert str(call.callee.endpoint) == "127.0.0.9:5099"


def test_an_asserted_identity_is_told_if_it_is_another(story: Any) -> None:
    story.invite(
        0,
        headers=(
            "P-Asserted-Identity: <sip:+551140028922@example.com>, <tel:+551130001000>",
        ),
    )
    assert story.call().caller.asserted == "+551130001000"


def test_an_asserted_identity_that_says_the_same_is_not(story: Any) -> None:
    story.invite(0, headers=("P-Asserted-Identity: <sip:+551140028922@example.com>",))
    assert story.call().caller.asserted == ""


def test_an_identity_that_a_proxy_adds_is_seen(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(
        0.1,
        "proxy > bob",
        branch="z9hG4bKb",
        headers=("P-Asserted-Identity: <sip:4000@pbx.example>",),
    )
    assert story.call().caller.asserted == "4000"


def test_of_a_stream_the_real_port_is_told(story: Any) -> None:
    story.invite(0, transport="tcp", ports=(40001, 5060))
    assert str(story.call().caller.endpoint) == "198.51.100.23:40001"


def test_without_any_message_nobody_is_known(story: Any) -> None:
    call = story.call()
    assert call.caller.user == call.callee.user == ""
    assert call.caller.endpoint is None
