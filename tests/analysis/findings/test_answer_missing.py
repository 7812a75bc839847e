"""Offers that are left without an answer."""

from __future__ import annotations

from typing import Any

import pytest

from .media_changes import alarms
from .media_changes import numbers
from .media_changes import of
from .media_changes import PCMU
from .media_changes import Talk

WAYS = [("alice", "bob"), ("alice", "proxy", "bob")]


@pytest.mark.parametrize("way", WAYS)
def test_a_200_without_the_answer(story: Any, way: tuple[str, ...]) -> None:
    call = Talk(story, way).answered(PCMU, "").hung_up(2)
    finding = of(call, "answer-missing")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("error", "response")
    assert finding.parameters["host"] == story.hosts["bob"]
    shown = numbers(finding)
    assert call.messages[shown[0] - 1].code == 200
    assert call.messages[shown[1] - 1].method == "INVITE"
    assert alarms(call) == ["answer-missing"]


@pytest.mark.parametrize("way", WAYS)
def test_an_empty_ack_of_a_200_that_made_the_offer(
    story: Any, way: tuple[str, ...]
) -> None:
    call = Talk(story, way).answered("", PCMU).hung_up(2)
    finding = of(call, "answer-missing")
    assert finding is not None
    assert finding.variant == "ack"
    assert finding.parameters["host"] == story.hosts["alice"]
    assert call.messages[numbers(finding)[0] - 1].method == "ACK"


def test_a_delayed_offer_that_is_answered_in_the_ack(story: Any) -> None:
    assert alarms(Talk(story).answered("", PCMU, PCMU).hung_up(20)) == []


@pytest.mark.parametrize("by", ["alice", "bob"])
@pytest.mark.parametrize("method", ["INVITE", "UPDATE"])
def test_a_change_that_is_accepted_without_an_answer(
    story: Any, by: str, method: str
) -> None:
    talk = Talk(story).answered()
    call = talk.changed(10, PCMU, by=by, method=method).hung_up(12)
    finding = of(call, "answer-missing")
    assert finding is not None
    answering = "bob" if by == "alice" else "alice"
    assert finding.parameters["host"] == story.hosts[answering]
    assert finding.parameters["method"] == method


def test_an_update_without_an_offer_needs_no_answer(story: Any) -> None:
    talk = Talk(story).answered()
    assert alarms(talk.changed(10, "", method="UPDATE").hung_up(20)) == []


def test_a_hop_that_takes_the_description_out(story: Any) -> None:
    """Bob answers with a description, and the proxy loses it."""
    talk = Talk(story, ("alice", "proxy", "bob")).answered(PCMU, PCMU)
    for packet in story.evidence.sip:
        if packet.src == story.hosts["proxy"] and packet.payload[8:11] == b"200":
            head = packet.payload.partition(b"\r\n\r\n")[0]
            length = head.rpartition(b"Content-Length: ")[2]
            packet.payload = head.replace(b"Content-Length: " + length, b"l: 0")
            packet.payload += b"\r\n\r\n"
    finding = of(talk.hung_up(2), "answer-missing")
    assert finding is not None
    assert finding.variant == "stripped"
    assert finding.parameters["host"] == story.hosts["proxy"]


def test_early_media_stands_for_the_answer_of_the_200(story: Any) -> None:
    """Not as the standard wants it, but widely done, and the call works."""
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a")
    talk.response(0.5, "183 Session Progress", "INVITE", cseq=1, body=PCMU)
    talk.response(1, "200 OK", "INVITE", cseq=1)
    talk.request(1.1, "ACK", cseq=1)
    assert alarms(talk.hung_up(20)) == []


def test_a_call_without_any_media_lacks_no_answer(story: Any) -> None:
    """Such calls are made to see whether a server is there."""
    assert of(Talk(story).answered("", "").hung_up(2), "answer-missing") is None


def test_a_refresh_without_any_description_changes_nothing(story: Any) -> None:
    call = Talk(story).answered().changed(10, "").hung_up(60)
    finding = of(call, "answer-missing")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("warning", "offer")


@pytest.mark.parametrize(
    "end",
    [
        b"Content-Length: 200\r\n\r\nv=0\r\n",
        b"Content-Len",
        b"Content-Length: x\r\n\r\n",
    ],
)
def test_a_body_that_was_cut_off_is_not_missing(story: Any, end: bytes) -> None:
    talk = Talk(story).answered(PCMU, "")
    for packet in story.evidence.sip:
        if packet.payload[8:11] == b"200":
            head = packet.payload.partition(b"Content-Length")[0]
            packet.payload = head + end
    assert of(talk.hung_up(2), "answer-missing") is None


def test_a_compressed_body_may_be_the_answer(story: Any) -> None:
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a")
    talk.response(
        1,
        "200 OK",
        "INVITE",
        cseq=1,
        body="x",
        headers=("Content-Encoding: gzip", "Content-Type: application/foo"),
    )
    assert of(talk.hung_up(20), "answer-missing") is None


def test_an_ack_that_was_not_captured_is_another_matter(story: Any) -> None:
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, tags="a")
    talk.response(1, "200 OK", "INVITE", cseq=1, body=PCMU)
    assert of(talk.hung_up(2), "answer-missing") is None
