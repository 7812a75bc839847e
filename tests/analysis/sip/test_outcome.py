from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.analysis.words.headline import reason

#: What became of each call of the recordings, by tshark's message list in the
#: .expected.json and the README beside it.
RECORDED = [
    ("answered_rtcp", 0, "answered", 200, "caller"),
    ("answered_rtp", 0, "answered", 200, "caller"),
    ("auth_fail", 0, "answered", 200, "caller"),
    ("auth_fail", 1, "answered", 200, "caller"),
    ("auth_invite", 0, "answered", 200, "caller"),
    ("busy_486", 0, "busy", 486, "callee"),
    ("cancel_487", 0, "cancelled", 487, "caller"),
    ("compact_headers", 0, "answered", 200, "caller"),
    ("ebpf_backend", 0, "answered", 200, "caller"),
    ("fragmented", 0, "answered", 200, "caller"),
    ("half_close", 0, "answered", 200, "caller"),
    ("half_close", 1, "answered", 200, "caller"),
    ("hep_tls", 0, "answered", 200, "caller"),
    ("hep_tls", 1, "answered", 200, "caller"),
    ("idle_70s", 0, "answered", 200, "caller"),
    ("idle_70s", 1, "answered", 200, "caller"),
    ("ipv6_udp", 0, "answered", 200, "caller"),
    ("late_server", 0, "answered", 200, "caller"),
    ("lost_ack_retrans", 0, "answered", 200, "caller"),
    ("many_20", 19, "answered", 200, "caller"),
    ("noanswer", 0, "no_answer", None, None),
    ("non_calls", 0, "unknown", 200, None),
    ("non_calls", 1, "unknown", 200, None),
    ("non_calls", 2, "unknown", 200, None),
    ("non_calls", 3, "unknown", 200, None),
    ("non_calls", 4, "unknown", 200, None),
    ("oneway_rtcp_rr", 0, "answered", 200, "caller"),
    ("proxy_baresip", 0, "unknown", 200, None),
    ("proxy_baresip", 1, "unknown", 200, None),
    ("proxy_baresip", 2, "answered", 200, "caller"),
    ("proxy_sipp", 0, "answered", 200, "caller"),
    ("proxy_sipp", 1, "busy", 486, "callee"),
    ("proxy_sipp", 2, "rejected", 403, None),
    ("proxy_sipp", 3, "no_answer", 480, None),
    ("proxy_sipp", 4, "no_answer", 408, None),
    ("proxy_sipp", 5, "answered", 200, "caller"),
    ("quality_rtcp0", 0, "answered", 200, "caller"),
    ("quality_twice", 0, "answered", 200, "caller"),
    ("restart_no_server", 0, "answered", 200, "caller"),
    ("server_restart", 0, "answered", 200, "caller"),
    ("sip_tcp", 0, "answered", 200, "caller"),
    ("strange_callid", 0, "answered", 200, "caller"),
    ("strange_callid", 3, "answered", 200, "caller"),
]


@pytest.mark.parametrize(("name", "index", "status", "code", "ended_by"), RECORDED)
def test_what_became_of_the_recorded_calls(
    explained: Any, name: str, index: int, status: str, code: int | None, ended_by: str
) -> None:
    outcome = explained(name, index).outcome
    assert outcome.status == status
    assert outcome.final_code == code
    assert outcome.ended_by == ended_by


def test_every_recording_is_in_that_list(agent_corpus: Path) -> None:
    known = {name for name, *_ in RECORDED} | {"many_150"}
    assert {capture.stem for capture in agent_corpus.glob("*.pcap")} == known


def test_the_final_codes_are_those_that_tshark_read(
    agent_corpus: Path, recorded: Callable[..., Any]
) -> None:
    for capture in sorted(agent_corpus.glob("*.pcap")):
        expected = json.loads(capture.with_suffix(".expected.json").read_text())
        for evidence in recorded(capture.stem):
            told = expected["calls"][evidence.call_id]["pcap"]
            if told["cseq_methods"][0] != "INVITE":
                continue
            # tshark's is of the message seen last: of a refusal, the same.
            outcome = explain(evidence).outcome
            assert outcome.final_code == told["final_status"], evidence.call_id


@pytest.mark.parametrize(
    ("name", "index", "setup", "post_dial", "ringing", "talk"),
    [
        ("answered_rtp", 0, 308.384, 1.323, 307.061, 7608.005),
        # The caller's clock runs through the challenge.
        ("auth_invite", 0, 508.303, 2.674, 505.629, 1504.985),
        ("busy_486", 0, None, 1.429, 405.920, None),
        ("cancel_487", 0, None, 1.297, 2003.186, None),
        # The first 200 counts, and the first BYE.
        ("lost_ack_retrans", 0, 708.002, 0.152, 707.850, 3407.918),
        ("quality_twice", 0, 321.010, 2.164, 318.846, 5015.328),
        ("noanswer", 0, None, None, None, None),
        # Through the proxy, what counts is when it comes to the caller.
        ("proxy_sipp", 0, 412.484, 7.127, 405.357, 1503.748),
        ("proxy_sipp", 5, 406.967, 4.193, 402.774, 1504.872),
        # Hold and resume by re-INVITE change nothing.
        ("proxy_baresip", 2, 7.019, 4.449, 2.570, 22895.321),
    ],
)
def test_how_long_each_part_of_the_recorded_calls_took(
    explained: Any,
    name: str,
    index: int,
    setup: float | None,
    post_dial: float | None,
    ringing: float | None,
    talk: float | None,
) -> None:
    outcome = explained(name, index).outcome
    assert outcome.setup_ms == setup
    assert outcome.post_dial_ms == post_dial
    assert outcome.ringing_ms == ringing
    assert outcome.talk_ms == talk


@pytest.mark.parametrize(
    ("start", "status"),
    [
        ("486 Busy Here", "busy"),
        ("600 Busy Everywhere", "busy"),
        ("487 Request Terminated", "cancelled"),
        ("408 Request Timeout", "no_answer"),
        ("480 Temporarily Unavailable", "no_answer"),
        ("401 Unauthorized", "rejected"),
        ("402 Payment Required", "rejected"),
        ("403 Forbidden", "rejected"),
        ("407 Proxy Authentication Required", "rejected"),
        ("433 Anonymity Disallowed", "rejected"),
        ("603 Decline", "rejected"),
        ("606 Not Acceptable", "rejected"),
        ("607 Unwanted", "rejected"),
        ("608 Rejected", "rejected"),
        ("302 Moved Temporarily", "failed"),
        ("404 Not Found", "failed"),
        ("488 Not Acceptable Here", "failed"),
        ("503 Service Unavailable", "failed"),
        ("699 Whatever", "failed"),
    ],
)
def test_each_final_response_has_its_status(
    story: Any, start: str, status: str
) -> None:
    story.invite(0).reply(1, start)
    assert story.call().outcome.status == status


def test_who_hangs_up_is_told_by_the_tags(story: Any) -> None:
    story.invite(0).reply(1, "200 OK").bye(5, "bob > alice")
    assert story.call().outcome.ended_by == "callee"


def test_who_hangs_up_behind_a_b2bua_is_told_by_the_place(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb", tags="other")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb", tags="other bobs")
    story.reply(1.1, "200 OK", "proxy > alice", tags="a proxys")
    story.message(9, "bob > proxy", "BYE", tags="new new2", branch="z9hG4bKc")
    assert story.call().outcome.ended_by == "callee"


def test_a_proxy_that_hangs_up_on_both_sides_is_neither_of_them(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "200 OK", "bob > proxy", branch="z9hG4bKb")
    story.reply(1.1, "200 OK", "proxy > alice")
    story.message(9, "proxy > alice", "BYE", tags="b a", branch="z9hG4bKc")
    story.message(9, "proxy > bob", "BYE", tags="a b", branch="z9hG4bKd")
    call = story.call()
    assert call.outcome.ended_by is None
    assert call.outcome.talk_ms == 7900
    assert headline(call) == (
        "Answered, ended in between by 203.0.113.9:5060 after 7.9 s."
    )


def test_the_bye_to_a_fork_that_answered_too_late_is_not_the_end(story: Any) -> None:
    story.invite(0)
    story.reply(1, "200 OK", tags="a desk")
    story.reply(1.1, "200 OK", tags="a mobile")
    story.bye(1.2, tags="a mobile")
    story.bye(61, tags="desk a", branch="z9hG4bK3", cseq="7 BYE")
    outcome = story.call().outcome
    assert outcome.talk_ms == 60_000
    assert outcome.ended_by == "callee"


def test_a_call_still_up_is_in_progress(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    outcome = story.call("PARTIAL").outcome
    assert (outcome.status, outcome.final_code) == ("in_progress", 200)
    assert outcome.setup_ms == 1000


def test_a_call_still_ringing_is_in_progress(story: Any) -> None:
    story.invite(0).reply(1, "180 Ringing")
    outcome = story.call("PARTIAL").outcome
    assert (outcome.status, outcome.final_code) == ("in_progress", None)


def test_a_branch_that_failed_while_the_proxy_goes_on_decides_nothing(
    story: Any,
) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "486 Busy Here", "bob > proxy", branch="z9hG4bKb")
    story.invite(1.1, "proxy > carol", branch="z9hG4bKc")
    outcome = story.call("PARTIAL").outcome
    assert (outcome.status, outcome.final_code) == ("in_progress", None)


def test_a_fork_that_another_branch_answers_is_answered(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "486 Busy Here", "bob > proxy", branch="z9hG4bKb", tags="a bob")
    story.invite(1.1, "proxy > carol", branch="z9hG4bKc")
    story.reply(2, "200 OK", "carol > proxy", branch="z9hG4bKc", tags="a carol")
    story.reply(2.1, "200 OK", "proxy > alice", tags="a carol")
    call = story.call()
    assert call.outcome.status == "answered"
    assert call.callee_place == story.hosts["carol"]


def test_of_a_fork_seen_behind_the_proxy_only_the_last_to_fail_decides(
    story: Any,
) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0, "proxy > bob", branch="z9hG4bKb")
    story.reply(1, "486 Busy Here", "bob > proxy", branch="z9hG4bKb")
    story.invite(1.1, "proxy > carol", branch="z9hG4bKc")
    story.reply(2, "404 Not Found", "carol > proxy", branch="z9hG4bKc")
    assert story.call().outcome.final_code == 404


def test_the_proxys_own_cancel_is_not_the_callers(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.message(5, "proxy > bob", "CANCEL", branch="z9hG4bKb", tags="a")
    story.reply(5.2, "487 Request Terminated", "proxy > alice")
    outcome = story.call().outcome
    assert (outcome.status, outcome.ended_by) == ("cancelled", None)


def test_the_proxys_cancel_of_a_losing_branch_cancels_nothing(story: Any) -> None:
    story.invite(0, "alice > proxy")
    story.invite(0.1, "proxy > bob", branch="z9hG4bKb")
    story.message(5, "proxy > bob", "CANCEL", branch="z9hG4bKb", tags="a")
    story.reply(5.1, "487 Request Terminated", "bob > proxy", branch="z9hG4bKb")
    story.reply(5.2, "408 Request Timeout", "proxy > alice")
    outcome = story.call().outcome
    assert (outcome.status, outcome.ended_by) == ("no_answer", None)


def test_a_cancel_without_its_487_still_cancels(story: Any) -> None:
    story.invite(0).reply(0.5, "180 Ringing")
    story.message(3.5, "alice > bob", "CANCEL", tags="a")
    outcome = story.call().outcome
    assert (outcome.status, outcome.ended_by) == ("cancelled", "caller")
    assert outcome.final_code is None
    assert outcome.ringing_ms == 3000


def test_a_cancel_that_came_too_late_leaves_the_call_answered(story: Any) -> None:
    story.invite(0)
    story.message(1, "alice > bob", "CANCEL", tags="a")
    story.reply(1.1, "200 OK")
    story.bye(1.2)
    assert story.call().outcome.status == "answered"


def test_a_response_alone_is_enough_for_its_status(story: Any) -> None:
    story.reply(0, "404 Not Found")
    outcome = story.call().outcome
    assert (outcome.status, outcome.final_code) == ("failed", 404)
    assert outcome.setup_ms is None


def test_times_that_contradict_each_other_are_not_measured(story: Any) -> None:
    story.invite(5).reply(1, "200 OK").bye(0)
    outcome = story.call().outcome
    assert outcome.status == "answered"
    assert outcome.setup_ms is None
    assert outcome.talk_ms is None


def test_the_caller_of_a_failed_call_has_his_time(field: Any) -> None:
    outcome = field("fail503.pcap").outcome
    assert outcome.status == "failed"
    assert 15_000 < outcome.waited_ms < 16_000


def test_the_numbers_of_rfc_6076(story: Any) -> None:
    story.invite(0).reply(0.1, "100 Trying").reply(0.4, "183 Session Progress")
    story.reply(1.4, "180 Ringing").reply(6, "200 OK")
    story.bye(16).message(
        16.25, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2"
    )
    outcome = story.call().outcome
    assert outcome.srd_ms == 400
    assert outcome.post_dial_ms == 400
    assert outcome.waited_ms == outcome.setup_ms == 6000
    assert outcome.sdt_ms == outcome.talk_ms == 10_000
    assert outcome.sdd_ms == 250


def test_a_refusal_ends_the_session_request_delay(story: Any) -> None:
    story.invite(0).reply(0.1, "100 Trying").reply(15.4, "503 Service Unavailable")
    outcome = story.call().outcome
    assert outcome.srd_ms == outcome.waited_ms == 15_400
    assert outcome.sdd_ms is None


def test_a_bye_without_a_response_lasts_until_its_time_out(labelled: Any) -> None:
    outcome = labelled("bye-lost-private-contact").outcome
    assert outcome.sdd_ms is None
    assert outcome.sdt_ms == outcome.talk_ms + 32_000


def test_a_cancel_that_crossed_an_answer_nobody_took_is_no_talk(labelled: Any) -> None:
    crossed = labelled("cancel-crosses-200").outcome
    assert (crossed.status, crossed.ended_by) == ("cancelled", "caller")
    assert crossed.talk_ms is None
    assert crossed.final_code == 200
    taken = labelled("cancel-crosses-200-healthy").outcome
    assert (taken.status, taken.talk_ms) == ("answered", 69)


def test_the_reason_is_the_phrase_and_what_the_reason_header_adds(
    explained: Any,
) -> None:
    assert reason(explained("busy_486")) == "Busy Here; Q.850 17: User busy"


def test_the_reason_an_answered_call_ended_is_that_of_its_bye(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    story.bye(2, headers=("Reason: Q.850;cause=38",))
    assert reason(story.call()) == "Q.850 38: network out of order"
