"""Messages, their header fields and bodies."""

from __future__ import annotations

import pytest

from flask_sipvault.masking.messages import MessageMask
from flask_sipvault.masking.pseudonyms import Pseudonyms
from flask_sipvault.protocols import sip


def _masked(payload: bytes) -> bytes:
    pseudonyms = Pseudonyms(lambda text: False)
    MessageMask(pseudonyms).message(payload)
    return MessageMask(pseudonyms).message(payload)


def _field(line: str) -> str:
    """A header field, masked."""
    return (
        _masked(f"OPTIONS urn:service:sos SIP/2.0\r\n{line}\r\n\r\n".encode())
        .decode()
        .split("\r\n")[1]
    )


def _body(content_type: str, body: str) -> str:
    head = f"INFO urn:service:sos SIP/2.0\r\nContent-Type: {content_type}\r\n\r\n"
    return sip.parse(_masked((head + body).encode())).body.decode()


@pytest.mark.parametrize(
    ("line", "masked"),
    [
        ("Max-Forwards: 70", "Max-Forwards: 70"),
        ("Allow: INVITE,ACK,BYE", "Allow: INVITE,ACK,BYE"),
        ("RSeq: 987654321", "RSeq: 987654321"),
        ("RAck: 987654321 1 INVITE", "RAck: 987654321 1 INVITE"),
        ("CSeq: 42 INVITE", "CSeq: 42 INVITE"),
        ("Session-Expires: 1800;refresher=uac", "Session-Expires: 1800;refresher=uac"),
        ("User-Agent: baresip v1.0.0", "User-Agent: baresip v1.0.0"),
        ("Reason: Q.850;cause=16;text=x", "Reason: Q.850;cause=16;text=x"),
        ("Contact: *", "Contact: *"),
        (
            "m: <sip:a@h.com:5070>;expires=60",
            "Contact: <sip:user-1@host-1.example:5070>;expires=60",
        ),
        ("To: sip:a@h.com;tag=1", "To: <sip:user-1@host-1.example>;tag=tag-1"),
        ("To: urn:service:sos", "To: <urn:service:sos>"),
        (
            "Via: SIP/2.0/TLS [2a02::1]:5061;rport;alias",
            "Via: SIP/2.0/TLS [2001:db8::1]:5061;rport;alias",
        ),
        ("Subject: lunch", "Subject: masked-1"),
        ("X-Customer: Smith", "X-Customer: masked-1"),
        ("X-551140028922: 1", "X-Masked: masked-1"),
        (
            "Call-Info: <http://h.com/a.png>;purpose=icon",
            "Call-Info: <http:uri-1>;purpose=icon",
        ),
        (
            "Replaces: a@h;to-tag=1;from-tag=2",
            "Replaces: masked-call-1;to-tag=tag-1;from-tag=tag-2",
        ),
        ("Authorization: Basic YTpi", "Authorization: Basic credential-1"),
    ],
)
def test_each_field_tells_what_it_may(line: str, masked: str) -> None:
    assert _field(line) == masked


def test_the_answer_to_a_challenge_can_be_followed_but_not_guessed() -> None:
    assert _field(
        'Authorization: Digest username="alice", realm="sip.acme.com", nonce="abcdef",'
        ' uri="sip:acme.com", response="0123456789abcdef0123456789abcdef", qop=auth,'
        " nc=00000001, x=alice"
    ) == (
        'Authorization: Digest username="user-1", realm="host-1.example",'
        ' nonce="nonce-1", uri="sip:host-2.example", response="response-1", qop=auth,'
        " nc=00000001"
    )


def test_content_length_is_right() -> None:
    parsed = sip.parse(
        _masked(
            b"INFO urn:service:sos SIP/2.0\r\nContent-Length: 9\r\n"
            b"Content-Type: text/plain\r\n\r\nhi, alice"
        )
    )
    assert int(parsed.get("Content-Length") or "") == len(parsed.body) > 9


def test_a_message_without_content_length_gets_none() -> None:
    assert b"Content-Length" not in _masked(
        b"INFO urn:service:sos SIP/2.0\r\nTo: <sip:a>\r\n\r\n"
    )


def test_keys_pressed_are_not_told() -> None:
    body = "Signal= 5\r\nDuration=160\r\n"
    assert _body("application/dtmf-relay", body) == "Signal=?\r\nDuration=160"
    assert _body("application/dtmf", "5") == "?"


def test_a_body_that_nobody_here_can_read_is_left_out() -> None:
    assert _body("application/pidf+xml", "<alice/>") == "masked: 8 bytes"


def test_a_description_tells_where_the_media_goes_and_not_to_whom() -> None:
    assert _body(
        "application/sdp",
        "v=0\r\no=alice 1 2 IN IP4 10.0.0.1\r\ns=Alice's call\r\nc=IN IP4 10.0.0.1\r\n"
        "t=0 0\r\nm=audio 4000 RTP/SAVP 0\r\na=rtcp:4001 IN IP4 83.1.1.1\r\n"
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:c2VjcmV0a2V5|2^20\r\n"
        "a=sendonly\r\na=X-name:alice\r\n",
    ).split("\r\n") == [
        "v=0",
        "o=user-1 1 2 IN IP4 10.0.0.1",
        "s=masked",
        "c=IN IP4 10.0.0.1",
        "t=0 0",
        "m=audio 4000 RTP/SAVP 0",
        "a=rtcp:4001 IN IP4 198.51.100.1",
        "a=crypto:1 AES_CM_128_HMAC_SHA1_80 inline:key-1",
        "a=sendonly",
        "a=X-name:masked-1",
        "",
    ]


def test_the_address_that_holds_a_call_stays() -> None:
    body = "v=0\r\nc=IN IP4 0.0.0.0\r\nm=audio 4000 RTP/AVP 0\r\n"
    assert _body("application/sdp", body) == body


def test_a_message_within_a_message_is_masked_too() -> None:
    body = "SIP/2.0 486 Busy Here\r\nTo: <sip:bob@acme.com>\r\n\r\n"
    assert "To: <sip:user-1@host-1.example>" in _body("message/sipfrag", body)


def test_messages_within_messages_come_to_an_end() -> None:
    payload = b""
    for _ in range(50):
        payload = (
            b"INFO urn:service:sos SIP/2.0\r\nContent-Type: message/sip\r\n\r\n"
            + payload
        )
    assert _masked(payload).count(b"INFO") == 3


def test_what_is_no_message_stays_none() -> None:
    assert _masked(b"hello, alice") == b"unreadable-1"
    assert _masked(b"SIP/2.0 alice") == b"SIP/unreadable-1"
