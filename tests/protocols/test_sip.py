"""What the SIP parser makes of whole messages."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sip

INVITE = b"""INVITE sip:bob@biloxi.example.com SIP/2.0\r
Via: SIP/2.0/UDP pc33.atlanta.example.com;branch=z9hG4bK776asdhds\r
Max-Forwards: 70\r
To: Bob <sip:bob@biloxi.example.com>\r
From: Alice <sip:alice@atlanta.example.com>;tag=1928301774\r
Call-ID: a84b4c76e66710@pc33.atlanta.example.com\r
CSeq: 314159 INVITE\r
Contact: <sip:alice@pc33.atlanta.example.com>\r
Content-Type: application/sdp\r
Content-Length: 5\r
\r
v=0\r
"""


def message(*header_lines: str, body: bytes = b"", end: str = "\r\n") -> bytes:
    lines = ["OPTIONS sip:x@example.com SIP/2.0", *header_lines, "", ""]
    return end.join(lines).encode() + body


def test_a_request_gives_its_parts() -> None:
    invite = sip.parse(INVITE)

    assert invite.is_request
    assert (invite.method, invite.uri) == ("INVITE", "sip:bob@biloxi.example.com")
    assert (invite.code, invite.reason, invite.version) == (None, "", "SIP/2.0")
    assert invite.start_line == "INVITE sip:bob@biloxi.example.com SIP/2.0"
    assert invite.call_id == "a84b4c76e66710@pc33.atlanta.example.com"
    assert (invite.cseq_number, invite.cseq_method) == (314159, "INVITE")
    assert invite.branch == "z9hG4bK776asdhds"
    assert (invite.from_.display, invite.from_.tag) == ("Alice", "1928301774")
    assert (invite.to.user, invite.to.host, invite.to.tag) == (
        "bob",
        "biloxi.example.com",
        "",
    )
    assert invite.contact is not None
    assert invite.contact.uri == "sip:alice@pc33.atlanta.example.com"
    assert invite.body == b"v=0\r\n"
    assert invite.raw == INVITE


def test_a_response_gives_its_parts() -> None:
    response = sip.parse(b"SIP/2.0 404 Not Found\r\nCSeq: 1 INVITE\r\n\r\n")

    assert not response.is_request
    assert (response.method, response.uri) == (None, None)
    assert (response.code, response.reason) == (404, "Not Found")
    assert response.start_line == "SIP/2.0 404 Not Found"


def test_a_message_may_lack_everything_but_its_start_line() -> None:
    bare = sip.parse(b"BYE sip:a SIP/2.0")

    assert bare.headers == []
    assert (bare.call_id, bare.cseq_number, bare.cseq_method) == ("", None, "")
    assert (bare.branch, bare.vias, bare.contact) == ("", [], None)
    assert (bare.from_.uri, bare.to.uri, bare.user_agent) == ("", "", "")
    assert (bare.body, bare.bodies(), bare.sdp) == (b"", [], None)


def test_compact_names_are_expanded_in_any_case() -> None:
    compact = sip.parse(message("v: SIP/2.0/UDP h", "I: 1@h", "F:a", "t:b", "l: 0"))

    assert [name for name, _ in compact.headers] == [
        "Via",
        "Call-ID",
        "From",
        "To",
        "Content-Length",
    ]


def test_names_get_their_usual_spelling_and_unknown_ones_keep_theirs() -> None:
    shouting = sip.parse(message("CSEQ: 1 OPTIONS", "WWW-AUTHENTICATE: x", "x-Own: y"))

    assert [name for name, _ in shouting.headers] == [
        "CSeq",
        "WWW-Authenticate",
        "x-Own",
    ]


@pytest.mark.parametrize("name", ["Call-ID", "call-id", "CALL-ID", "i", "I"])
def test_a_header_is_found_by_any_form_of_its_name(name: str) -> None:
    assert sip.parse(INVITE).get(name) == "a84b4c76e66710@pc33.atlanta.example.com"


def test_white_space_may_stand_around_the_colon() -> None:
    assert sip.parse(message("Call-ID \t:  \t x@y \t")).call_id == "x@y"


def test_a_folded_value_is_joined_by_one_space() -> None:
    folded = message("Subject: I know   \r\n \t you're there,\r\n\tpick up")

    assert sip.parse(folded).get("Subject") == "I know you're there, pick up"


def test_lines_may_end_without_a_carriage_return() -> None:
    unix = sip.parse(INVITE.replace(b"\r\n", b"\n"))

    assert unix.headers == sip.parse(INVITE).headers
    assert unix.body == b"v=0\n"


def test_empty_lines_may_come_before_the_message() -> None:
    assert sip.parse(b"\r\n\r\n" + INVITE).method == "INVITE"


def test_a_line_without_a_colon_is_left_out_with_what_continues_it() -> None:
    odd = sip.parse(message("Foobar roobar", " more: of it", "Call-ID: x"))

    assert odd.headers == [("Call-ID", "x")]


def test_nul_and_bytes_that_are_no_utf8_do_not_stop_the_parser() -> None:
    odd = sip.parse(b"BYE sip:\xff SIP/2.0\r\nCall-ID: a\0b\xfec\r\n\r\n")

    assert odd.uri == "sip:\ufffd"
    assert odd.call_id == "a\0b\ufffdc"


def test_several_fields_of_one_name_stay_apart_and_in_order() -> None:
    several = sip.parse(
        message("Via: SIP/2.0/UDP a, SIP/2.0/UDP b", "v: SIP/2.0/TCP c")
    )

    assert several.get_all("Via") == ["SIP/2.0/UDP a, SIP/2.0/UDP b", "SIP/2.0/TCP c"]
    assert [via.host for via in several.vias] == ["a", "b", "c"]


def test_the_software_is_the_user_agent_or_in_a_response_the_server() -> None:
    assert sip.parse(message("Server: s")).user_agent == ""
    assert sip.parse(message("User-Agent: phone")).user_agent == "phone"
    response = b"SIP/2.0 200 OK\r\nServer: Asterisk\r\n\r\n"
    assert sip.parse(response).user_agent == "Asterisk"


@pytest.mark.parametrize(
    ("value", "number", "method"),
    [
        ("0009   INVITE", 9, "INVITE"),
        ("8\tBYE", 8, "BYE"),
        ("36893488147419103232 REGISTER", 36893488147419103232, "REGISTER"),
        ("9" * 5000 + " ACK", None, "ACK"),
        ("INVITE", None, "INVITE"),
        ("8", 8, ""),
        ("", None, ""),
    ],
)
def test_cseq_is_a_number_and_a_method(
    value: str, number: int | None, method: str
) -> None:
    parsed = sip.parse(message(f"CSeq: {value}"))

    assert (parsed.cseq_number, parsed.cseq_method) == (number, method)


@pytest.mark.parametrize(
    ("length", "body"),
    [
        ("3", b"abc"),
        ("0", b""),
        # More than came, nonsense, and nothing at all: the body is what is there.
        ("99", b"abcdef"),
        ("-1", b"abcdef"),
        ("9" * 5000, b"abcdef"),
        ("", b"abcdef"),
    ],
)
def test_the_body_is_as_long_as_content_length_says(length: str, body: bytes) -> None:
    parsed = sip.parse(message(f"Content-Length: {length}", body=b"abcdef"))

    assert parsed.body == body


def test_a_session_description_is_found_in_the_body() -> None:
    assert sip.parse(INVITE).sdp == b"v=0\r\n"


def test_a_body_of_another_type_is_no_session_description() -> None:
    text = message("Content-Type: text/plain", body=b"v=0\r\n")

    assert sip.parse(text).sdp is None


def test_a_body_without_a_type_that_begins_like_sdp_is_sdp() -> None:
    assert sip.parse(message(body=b"v=0\r\no=-")).sdp == b"v=0\r\no=-"


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\r\n\r\n",
        b"\0\0\0\0",
        b"INVITE sip:a@b\r\n\r\n",
        b"GET / HTTP/1.1\r\n\r\n",
        b"SIP/2.0 4294967301 better not\r\n\r\n",
        b"SIP/2.0 OK\r\n\r\n",
        b" INVITE sip:a SIP/2.0\r\n\r\n",
        b"INVITE sip:a SIP/2.0 trailer\r\n\r\n",
        b"M-SEARCH * HTTP/1.1 SIP/2\r\n",
        b"\x80\x00\x00\x01SIP/2.0 200 OK\r\n",
    ],
)
def test_what_has_no_start_line_of_sip_is_no_sip(data: bytes) -> None:
    assert not sip.looks_like_sip(data)
    with pytest.raises(sip.SipError):
        sip.parse(data)


# Bytes that come near SIP, which random bytes never do.
fragments = st.sampled_from(
    [
        b"INVITE sip:a@b SIP/2.0",
        b"SIP/2.0 200 OK",
        b"\r\n",
        b"\n",
        b"\r",
        b" ",
        b"\t",
        b":",
        b"\0",
        b"\xff\xc3",
        b'"',
        b"<",
        b">;tag=",
        b"Call-ID: ",
        b"call-id\t:",
        b"i:",
        b"CSeq: 1 INVITE",
        b"cseq:",
        b"From: ",
        b"Via: SIP/2.0/UDP ",
        b"Contact: ",
        b"Content-Type: multipart/mixed;boundary=x",
        b"Content-Type: application/sdp",
        b"Content-Length: 4",
        b"l:",
        b"--x",
        b"--x--",
        b"v=0",
        b"@",
        b"[::1]:5060",
        b",",
    ]
)
nearly_sip = st.lists(st.one_of(fragments, st.binary(max_size=4)), max_size=30).map(
    b"".join
)
datagrams = st.one_of(
    st.binary(max_size=300),
    nearly_sip,
    nearly_sip.map(lambda rest: b"INVITE sip:a@b SIP/2.0\r\n" + rest),
    nearly_sip.map(lambda rest: b"SIP/2.0 180 Ringing\n" + rest),
)


@given(datagrams)
def test_whatever_the_bytes_a_message_or_sip_error(data: bytes) -> None:
    try:
        parsed = sip.parse(data)
    except sip.SipError:
        assert not sip.looks_like_sip(data)
        return

    assert sip.looks_like_sip(data)
    parsed.start_line.encode()
    assert isinstance(parsed.cseq_number, int | None)
    for address in (parsed.from_, parsed.to, parsed.contact or parsed.to):
        assert isinstance(address.user + address.host + address.tag, str)
    assert all(isinstance(via, sip.Via) for via in parsed.vias)
    assert parsed.branch == (
        parsed.vias[0].params.get("branch", "") if parsed.vias else ""
    )
    assert all(part.data in data for part in parsed.bodies())
    assert isinstance(parsed.sdp, bytes | None)


names = st.from_regex(r"X-[A-Za-z0-9.!%*_+`'~-]{1,12}", fullmatch=True)
values = st.text(
    st.characters(exclude_categories=["Cs"], exclude_characters="\r\n"), max_size=40
).map(lambda value: value.strip(" \t"))


@given(
    headers=st.lists(st.tuples(names, values), max_size=12),
    body=st.binary(max_size=200),
    end=st.sampled_from(["\r\n", "\n"]),
)
def test_a_message_gives_back_the_headers_and_body_it_was_made_of(
    headers: list[tuple[str, str]], body: bytes, end: str
) -> None:
    lines = [f"{name}: {value}" for name, value in headers]
    lines.append(f"Content-Length: {len(body)}")

    parsed = sip.parse(message(*lines, body=body + b"trailer", end=end))

    assert parsed.headers == [*headers, ("Content-Length", str(len(body)))]
    assert parsed.body == body


@given(
    words=st.lists(
        st.text(st.characters(codec="ascii", categories=["L", "N"]), min_size=1),
        min_size=1,
    ),
    fold=st.sampled_from(["\r\n ", "\n\t", "  \r\n   "]),
)
def test_a_value_is_the_same_however_it_is_folded(words: list[str], fold: str) -> None:
    parsed = sip.parse(message("Subject:" + fold.join(words)))

    assert parsed.get("Subject") == " ".join(words)


def udp_only(calls: dict[str, Any]) -> bool:
    return all(call["pcap"]["transport"] == ["udp"] for call in calls.values())


def test_recorded_calls_read_as_tshark_reads_them(
    agent_corpus: Path, udp_payloads: Callable[[Path], list[bytes]]
) -> None:
    compared = 0
    for capture in sorted(agent_corpus.glob("*.pcap")):
        tshark = json.loads(capture.with_suffix(".expected.json").read_text())["calls"]
        if not udp_only(tshark):
            continue
        ours: dict[str, dict[str, list[str]]] = {}
        for data in udp_payloads(capture):
            if sip.looks_like_sip(data):
                parsed = sip.parse(data)
                call = ours.setdefault(parsed.call_id, {"sequence": [], "cseq": []})
                call["sequence"].append(parsed.method or str(parsed.code))
                call["cseq"].append(parsed.cseq_method)
        assert ours == {
            call_id: {
                "sequence": call["pcap"]["sequence"],
                "cseq": call["pcap"]["cseq_methods"],
            }
            for call_id, call in tshark.items()
        }, capture.name
        compared += len(tshark)
    assert compared > 150
