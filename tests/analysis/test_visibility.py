from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.evidence import CaptureFacts

LABELLED = Path(__file__).parents[1] / "data" / "labelled"


def kinds(call: Any) -> set[str]:
    return {limit.kind for limit in call.visibility.limits}


@pytest.mark.parametrize("path", sorted(LABELLED.glob("*.pcap")), ids=lambda p: p.stem)
def test_a_whole_capture_has_no_limits_but_missing_media(
    labelled: Any, path: Path
) -> None:
    """Faulty or not: what was not sent is not missing of the capture."""
    assert kinds(labelled(path.stem)) <= {"no-media-captured"}


def only(story: Any, *numbers: int) -> None:
    """Keep some of the packets, numbered from 1."""
    packets = story.evidence.sip
    story.evidence.sip = [packets[n - 1] for n in numbers]


@pytest.fixture
def whole(story: Any) -> Any:
    story.invite(0).reply(0.1, "180 Ringing").reply(2, "200 OK")
    story.message(2.1, "alice > bob", "ACK", branch="z9hG4bK7")
    story.bye(9).message(9.1, "bob > alice", "200 OK", cseq="2 BYE", branch="z9hG4bK2")
    return story


def test_where_only_the_callers_sending_is_seen_its_ack_proves_the_other(
    whole: Any,
) -> None:
    only(whole, 1, 4, 5)
    call = whole.call()
    alice, bob = whole.hosts["alice"], whole.hosts["bob"]
    (limit,) = call.visibility.of("one-direction")
    assert limit.hosts == (bob, alice)
    assert limit.numbers == (2,)
    assert call.visibility.would_show(alice, bob)
    assert not call.visibility.would_show(bob, alice)


def test_where_only_the_called_side_is_seen_its_responses_prove_the_other(
    whole: Any,
) -> None:
    only(whole, 2, 3, 6)
    (limit,) = whole.call().visibility.of("one-direction")
    assert limit.hosts == (whole.hosts["alice"], whole.hosts["bob"])


def test_a_host_that_never_replies_is_not_a_direction_that_is_missing(
    labelled: Any,
) -> None:
    call = labelled("gateway-silent-408")
    silent = call.transactions[1]
    assert not call.visibility.has("one-direction")
    assert call.visibility.would_show(silent.server, silent.client)


def test_hosts_of_which_nothing_was_seen_would_not_show_anything(whole: Any) -> None:
    call = whole.call()
    hosts = whole.hosts
    assert not call.visibility.would_show(hosts["bob"], hosts["carol"])


def test_a_single_message_that_is_missing_is_told_by_its_answer(whole: Any) -> None:
    only(whole, 1, 2, 4, 5, 6)
    call = whole.call()
    (limit,) = call.visibility.of("messages-missing")
    assert limit.hosts == (whole.hosts["bob"], whole.hosts["alice"])
    assert limit.numbers == (3,)
    assert not call.visibility.has("one-direction")


def test_a_gap_in_the_numbers_of_a_side_tells_that_it_sent_something(
    whole: Any,
) -> None:
    whole.bye(10, cseq="7 BYE", branch="z9hG4bK8")
    (limit,) = whole.call().visibility.of("messages-missing")
    assert limit.numbers == (7,)


def test_a_capture_that_begins_in_the_call_began_late(whole: Any) -> None:
    only(whole, 5, 6)
    assert "began-late" in kinds(whole.call())


def test_a_call_without_an_end_ended_early_unless_it_is_still_up(whole: Any) -> None:
    only(whole, 1, 2, 3, 4)
    assert "ended-early" in kinds(whole.call())
    assert "ended-early" not in kinds(whole.call("PARTIAL"))


def test_a_mirror_ports_copies_are_said_once(whole: Any) -> None:
    for packet in list(whole.evidence.sip):
        copy = type(packet)(
            packet.ts + 300_000,
            packet.src,
            packet.dst,
            packet.transport,
            packet.payload,
        )
        whole.evidence.sip.append(copy)
    call = whole.call()
    (limit,) = call.visibility.of("captured-twice")
    assert limit.count == 6
    assert kinds(call) == {"captured-twice", "no-media-captured"}


def test_a_response_long_before_its_request_shows_a_clock_that_was_set(
    story: Any,
) -> None:
    story.reply(0, "100 Trying").invite(0.4).reply(2, "200 OK")
    assert story.call().visibility.of("clock-step")[0].ns == 400_000_000
    story.evidence.agents = ["edge-1", "edge-2"]
    assert "clocks-differ" in kinds(story.call())


def test_responses_of_several_processes_are_in_disorder_and_no_more(field: Any) -> None:
    call = field("kamailio+rtpengine-10.5.3.hep.pcap", folder="peers")
    assert not kinds(call) & {"clock-step", "clocks-differ"}


def test_a_hop_over_tls_that_was_not_captured_is_told_by_its_via(story: Any) -> None:
    far = ("Via: SIP/2.0/TLS 192.0.2.77:5061;branch=z9hG4bKfar",)
    story.invite(0, "proxy > bob", headers=far)
    (limit,) = story.call().visibility.of("encrypted")
    assert limit.numbers == (1,)


def test_what_its_capture_lacks_is_told_by_the_messages_that_show_it(
    story: Any,
) -> None:
    story.invite(0).reply(1, "100 Trying").reply(2, "200 OK")
    first, second, _ = story.evidence.sip
    first.incomplete, first.missing = "cut", 200
    second.incomplete, second.missing = "fragments", 700
    story.evidence.capture = CaptureFacts(9, 96, 2, 40, 3)
    visibility = story.call().visibility
    found = {limit.kind: (limit.numbers, limit.count) for limit in visibility.limits}
    assert found["frames-cut"] == ((1,), 9)
    assert found["fragments-missing"] == ((2,), 2)
    assert found["captured-twice"] == ((), 40)
    assert found["clock-step"] == ((), 3)
