from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.events import Event
from flask_sipvault.analysis.explain import explain
from flask_sipvault.masking import mask

ALICE, BOB = "198.51.100.23:14000", "10.8.0.14:17002"


def kinds(call: Any) -> list[str]:
    return [event.kind for event in call.events]


def of(call: Any, kind: str) -> Event:
    (event,) = [event for event in call.events if event.kind == kind]
    return event


def test_a_hold_lasts_until_its_resume(labelled: Any) -> None:
    call = labelled("hold-answered-sendrecv-healthy")
    hold, resume = call.events
    assert (hold.kind, resume.kind) == ("hold", "resume")
    assert (hold.by, hold.n, resume.n) == ("caller", 7, 10)
    assert hold.end_ts == resume.ts
    assert hold.parameters == {"resumed": True}


def test_a_hold_that_nobody_resumes_lasts_until_the_end(labelled: Any) -> None:
    call = labelled("hold-cut-by-rtp-timeout")
    hold = of(call, "hold")
    assert hold.end_ts == call.ending.message.ts
    assert hold.parameters == {"resumed": False}


def test_the_recorded_hold_and_resume(explained: Any) -> None:
    assert kinds(explained("proxy_baresip", 2)) == ["hold", "resume"]


def test_the_codec_changes_with_the_answer(story: Any) -> None:
    story.invite(0, sdp=f"PCMU {ALICE}").reply(1, "200 OK", sdp=f"PCMU {BOB}")
    more = {"cseq": "2 INVITE", "branch": "z9hG4bK2"}
    story.invite(5, "bob > alice", tags="b a", sdp=f"G729 {BOB}", **more)
    story.reply(6, "200 OK", "alice > bob", tags="b a", sdp=f"G729 {ALICE}", **more)
    change = of(story.call(), "codec-change")
    assert (change.n, change.by) == (4, "callee")
    assert change.parameters == {"codec": "G729", "before": "PCMU", "media": "audio"}


def test_a_transfer_has_its_target_and_its_result(field: Any) -> None:
    transfer = of(field("b2bua60.pcap"), "transfer")
    assert transfer.by == "caller"
    assert transfer.parameters == {
        "target": "3001",
        "attended": False,
        "accepted": True,
        "code": 200,
        "result_n": 38,
    }


def refer(story: Any, target: str) -> None:
    story.invite(0).reply(1, "200 OK")
    story.message(
        5,
        "bob > alice",
        "REFER",
        tags="b a",
        cseq="7 REFER",
        branch="z9hG4bK7",
        headers=(f"Refer-To: <{target}>",),
    )


def test_a_transfer_that_is_refused_says_so(story: Any) -> None:
    refer(story, "sip:carol@example.com")
    story.message(
        5.1,
        "alice > bob",
        "603 Decline",
        tags="b a",
        cseq="7 REFER",
        branch="z9hG4bK7",
    )
    transfer = of(story.call(), "transfer")
    assert transfer.by == "callee"
    assert transfer.parameters["accepted"] is False
    assert transfer.parameters["code"] == 603


def test_an_attended_transfer_names_the_call_it_replaces(story: Any) -> None:
    refer(story, "sip:carol@example.com?Replaces=1%40h%3Bto-tag%3Dx%3Bfrom-tag%3Dy")
    assert of(story.call(), "transfer").parameters["attended"] is True


def test_an_invite_with_replaces_takes_a_call_over(story: Any) -> None:
    story.invite(0, headers=("Replaces: 1@h;to-tag=x;from-tag=y",)).reply(1, "200 OK")
    replaced = of(story.call(), "replaced")
    assert replaced.parameters == {"call_id": "1@h", "code": 200}


@pytest.mark.parametrize(
    ("content_type", "body", "digit", "duration"),
    [
        ("application/dtmf-relay", "Signal=5\r\nDuration=160\r\n", "5", 160),
        ("application/dtmf-relay", "Signal= 11", "#", None),
        ("application/dtmf", "*", "*", None),
        ("application/dtmf", "10", "*", None),
    ],
)
def test_digits_by_info(
    story: Any, content_type: str, body: str, digit: str, duration: int | None
) -> None:
    story.invite(0).reply(1, "200 OK")
    payload = (
        "INFO sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK3\r\n"
        "From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>;tag=b\r\nCSeq: 2 INFO\r\n"
        f"Content-Type: {content_type}\r\n\r\n{body}"
    )
    story.packet(3, "alice > bob", payload.encode())
    event = of(story.call(), "dtmf")
    assert (event.by, event.n) == ("caller", 3)
    assert event.parameters["digit"] == digit
    assert event.parameters["duration_ms"] == duration
    assert event.parameters["method"] == "info"


def test_a_masked_digit_is_an_event_that_does_not_tell_it(story: Any) -> None:
    story.invite(0).reply(1, "200 OK")
    payload = (
        "INFO sip:bob@example.com SIP/2.0\r\nVia: SIP/2.0/UDP h;branch=z9hG4bK3\r\n"
        "From: <sip:a@h>;tag=a\r\nTo: <sip:b@h>;tag=b\r\nCSeq: 2 INFO\r\n"
        "Content-Type: application/dtmf-relay\r\n\r\nSignal=5\r\nDuration=160\r\n"
    )
    story.packet(3, "alice > bob", payload.encode())
    event = of(explain(mask(story.evidence)), "dtmf")
    assert event.parameters["digit"] == "?"
    assert event.parameters["duration_ms"] == 160


def test_each_refresh_of_the_session_is_told(labelled: Any) -> None:
    refresh = of(labelled("session-timer-not-refreshed-healthy"), "session-refresh")
    assert (refresh.n, refresh.by) == (7, "caller")
    assert refresh.parameters == {"method": "UPDATE"}


def test_fax_takes_the_place_of_audio(labelled: Any) -> None:
    assert of(labelled("t38-refused-healthy"), "fax").by == "callee"
    assert kinds(labelled("t38-refused")) == []


def test_a_second_answer_of_a_fork_is_told(labelled: Any) -> None:
    event = of(labelled("forked-second-200-ignored"), "fork-answered")
    assert (event.n, event.parameters) == (7, {"acknowledged": False})


def test_early_media_is_told_where_it_came(labelled: Any) -> None:
    event = of(labelled("ringback-183-early-media-healthy"), "early-media")
    assert event.parameters == {"code": 183, "heard": True}
    assert kinds(labelled("no-ringback-183-silent")) == []


def test_the_document_has_the_events_with_what_they_tell(labelled: Any) -> None:
    hold, resume = call_document(labelled("hold-answered-sendrecv-healthy"))["events"]
    assert hold == {
        "kind": "hold",
        "ts": hold["ts"],
        "end_ts": resume["ts"],
        "n": 7,
        "by": "caller",
        "leg": None,
        "resumed": True,
    }
