from __future__ import annotations

import pytest

from flask_sipvault.protocols import sip
from flask_sipvault.sipp.bodies import body_lines
from flask_sipvault.sipp.bodies import literal


def _message(content_type: str, body: bytes) -> sip.SipMessage:
    head = f"INFO sip:b SIP/2.0\r\nContent-Type: {content_type}\r\n\r\n"
    return sip.parse(head.encode() + body)


def _sdp(*lines: str) -> list[str]:
    body = "\r\n".join(["v=0", *lines, ""]).encode()
    content_type, written = body_lines(_message("application/sdp", body))
    assert content_type == "application/sdp"
    return written[1:]


def test_every_stream_gets_two_ports_of_the_machine_that_plays() -> None:
    assert _sdp(
        "m=audio 4000 RTP/AVP 0",
        "a=rtcp:4001 IN IP4 10.0.0.1",
        "m=video 5000 RTP/AVP 31",
    ) == [
        "m=audio [media_port] RTP/AVP 0",
        "a=rtcp:[media_port+1]",
        "m=video [media_port+2] RTP/AVP 31",
    ]


def test_a_refused_stream_stays_refused() -> None:
    assert _sdp("m=video 0 RTP/AVP 31") == ["m=video 0 RTP/AVP 31"]


def test_addresses_are_those_of_the_machine_that_plays() -> None:
    assert _sdp("o=bob 1 2 IN IP4 10.0.0.1", "c=IN IP4 10.0.0.1") == [
        "o=bob 1 2 IN IP[media_ip_type] [media_ip]",
        "c=IN IP[media_ip_type] [media_ip]",
    ]


def test_the_address_that_holds_a_call_stays() -> None:
    assert _sdp("c=IN IP4 0.0.0.0") == ["c=IN IP4 0.0.0.0"]


def test_ice_candidates_of_another_machine_are_left_out() -> None:
    assert _sdp("a=ice-pwd:x", "a=candidate:1 1 UDP 1 10.0.0.1 4000 typ host") == []


def test_other_text_stays() -> None:
    message = _message("application/dtmf-relay", b"Signal=5\r\nDuration=160\r\n")
    lines = ["Signal=5", "Duration=160"]
    assert body_lines(message) == ("application/dtmf-relay", lines)


@pytest.mark.parametrize("body", [b"\x01\x02", b"\xff\xfe", b""])
def test_what_is_no_text_is_left_out(body: bytes) -> None:
    assert body_lines(_message("application/isup", body)) == ("", [])


def test_brackets_and_escapes_mean_nothing_to_sipp() -> None:
    assert literal("[file name=x] \\x41") == "\\x5Bfile name=x\\x5D \\x5Cx41"
