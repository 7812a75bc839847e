"""malformed and sip-alg: messages that are refused or dropped for what they are."""

from __future__ import annotations

from typing import Any

import pytest

from flask_sipvault.protocols.address import Endpoint

from .hops import alarms
from .hops import findings
from .hops import ids
from .hops import only
from .hops import shown

PUBLIC = Endpoint("203.0.113.140", 5060)


def invite(
    *, call_id: str = "x@pbx", over: int = 0, drop: str = "", cut: int = 0
) -> bytes:
    """An INVITE with a description of media.

    :param over: how many bytes fewer Content-Length says than there are.
    :param drop: a header field to leave out.
    :param cut: how many bytes of its end are not sent.
    """
    body = "v=0\r\no=- 1 1 IN IP4 203.0.113.140\r\ns=-\r\nc=IN IP4 203.0.113.140\r\n"
    body += "t=0 0\r\nm=audio 4000 RTP/AVP 0\r\na=sendrecv\r\n"
    lines = [
        "Via: SIP/2.0/UDP 203.0.113.140;branch=z9hG4bK1",
        "From: <sip:alice@example.com>;tag=a",
        "To: <sip:bob@example.com>",
        f"Call-ID: {call_id}",
        "CSeq: 1 INVITE",
        "Contact: <sip:alice@203.0.113.140>",
        "Content-Type: application/sdp",
        f"Content-Length: {len(body) - over}",
    ]
    lines = [line for line in lines if not drop or not line.startswith(drop)]
    text = "\r\n".join(["INVITE sip:bob@example.com SIP/2.0", *lines, "", body])
    return text.encode()[: len(text) - cut]


@pytest.fixture
def sent(story: Any) -> Any:
    """Sends an INVITE from a public address, and refuses it."""
    story.hosts = {**story.hosts, "alice": PUBLIC}

    def send(payload: bytes, refusal: str = "400 Bad Request", **more: Any) -> Any:
        story.packet(0, "alice > bob", payload)
        if refusal:
            sdp = "PCMU 10.8.0.14:17002" if refusal.startswith("200") else ""
            story.reply(0.01, refusal, **{"sdp": sdp} | more)
        return story

    return send


@pytest.mark.parametrize("over", [10, -12])
def test_a_device_that_forgot_the_length(sent: Any, over: int) -> None:
    story = sent(invite(call_id="7b1c@10.0.0.5", over=over))
    finding = only(story, "sip-alg")
    assert (finding.severity, finding.certainty) == ("error", "likely")
    assert finding.parameters["bytes"] == abs(over)
    assert finding.parameters["private"] == "10.0.0.5"
    assert shown(finding) == {1, 2}


def test_a_server_that_does_not_mind_hides_it(sent: Any) -> None:
    story = sent(invite(call_id="7b1c@10.0.0.5", over=10), "200 OK")
    assert only(story, "sip-alg").severity == "warning"


def test_a_server_that_drops_it(sent: Any) -> None:
    story = sent(b"", "")
    story.evidence.sip.clear()
    for at in (0, 0.5, 1.5, 3.5):
        story.packet(at, "alice > bob", invite(call_id="7b1c@10.0.0.5", over=10))
    assert ids(story) == ["sip-alg"]


def test_the_device_itself_was_captured_on_both_sides(story: Any) -> None:
    story.hosts = {**story.hosts, "nat": PUBLIC}
    longer = 2 * (len("203.0.113.140") - len("10.0.0.5"))
    outer = invite(over=longer)
    inner = outer.replace(b"203.0.113.140", b"10.0.0.5")
    story.packet(0, "bob > proxy", inner)
    story.packet(0.001, "nat > proxy", outer)
    story.message(0.01, "proxy > nat", "400 Bad Request", cseq="1 INVITE")
    finding = only(story, "sip-alg")
    assert (finding.variant, finding.certainty) == ("seen", "certain")


def test_a_wrong_length_without_a_trace_of_rewriting(sent: Any) -> None:
    finding = only(sent(invite(over=10)), "malformed")
    assert finding.variant == "shown"


@pytest.mark.parametrize("call_id", ["x@10.0.0.5", "x@pbx"])
def test_padding_behind_a_body_means_nothing(sent: Any, call_id: str) -> None:
    story = sent(invite(call_id=call_id) + b"\r\n\r\n\0\0", "200 OK")
    assert alarms(story) == []


def test_a_frame_that_was_cut_is_no_wrong_length(sent: Any) -> None:
    story = sent(invite(call_id="x@10.0.0.5", cut=40), "200 OK")
    assert alarms(story) == []


def test_a_phone_behind_nat_is_no_alg(sent: Any) -> None:
    story = sent(invite(call_id="x@10.0.0.5"), "200 OK")
    assert alarms(story) == []


@pytest.mark.parametrize("header", ["Via", "From", "To", "Call-ID"])
def test_a_header_that_is_missing(sent: Any, header: str) -> None:
    finding = only(sent(invite(drop=header)), "malformed")
    assert finding.parameters["what"] == header
    assert finding.certainty == "certain"


@pytest.mark.parametrize(
    ("right", "wrong"),
    [
        (b"CSeq: 1 INVITE", b"CSeq: 1 OPTIONS"),
        (b"CSeq: 1 INVITE", b"CSeq: 4294967296 INVITE"),
        (b"Via: SIP/2.0/UDP 203.0.113.140", b"Via: 203.0.113.140"),
        (b"From: <sip:alice@example.com>", b"From: alice"),
        (b"CSeq", b"Call-ID: y\r\nCSeq"),
    ],
)
def test_what_else_breaks_the_rules(sent: Any, right: bytes, wrong: bytes) -> None:
    cseq = "4294967296 INVITE" if b"4294967296" in wrong else "1 INVITE"
    story = sent(invite().replace(right, wrong, 1), cseq=cseq)
    assert only(story, "malformed").variant == "shown"


def test_a_refusal_that_says_why(sent: Any) -> None:
    story = sent(invite(), "400 Missing Contact header")
    finding = only(story, "malformed")
    assert finding.variant == "said"
    assert finding.parameters["said"] == ("Missing Contact header",)


def test_a_refusal_that_does_not_say_why(sent: Any) -> None:
    assert only(sent(invite()), "malformed").variant == ""


def test_what_is_malformed_and_accepted_works(sent: Any) -> None:
    assert alarms(sent(invite(drop="Content-Type"), "200 OK")) == []


def test_what_is_malformed_may_be_dropped(story: Any) -> None:
    for at in (0, 0.5, 1.5, 3.5):
        story.packet(at, "alice > bob", invite(drop="To"))
    finding = only(story, "malformed")
    assert (finding.variant, finding.certainty) == ("ignored", "likely")
    assert [each.id for each in findings(story)] == ["malformed"]
