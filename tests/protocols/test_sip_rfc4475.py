"""The torture messages of RFC 4475, against what tshark makes of them.

tshark does not take six of them for SIP. We read four of these, because whoever looks
at a trace wants to see the message that a phone choked on: badvers (version 7.0),
lwsruri (a space in the Request-URI), lwsstart and trws (too much white space in the
start line). Two we refuse as well: bigcode, whose status code of ten digits belongs to
no class of responses, and test, which nowhere says that it is SIP.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.protocols import sip

_ALL = """
badaspec badbranch baddate baddn badinv01 badvers bcast bext01 bigcode clerr cparam01
cparam02 dblreq esc01 esc02 escnull escruri insuf intmeth inv2543 invut longreq ltgtruri
lwsdisp lwsruri lwsstart mcl01 mismatch01 mismatch02 mpart01 multi01 ncl noreason
novelsc quotbal regaut01 regbadct regescrt scalar02 scalarlg sdp01 semiuri test
transports trws unkscm unksm2 unreason wsinv zeromf
"""

NAMES = _ALL.split()

REFUSED = {"bigcode", "test"}


@pytest.fixture(scope="session")
def messages(public_corpus: Path) -> dict[str, bytes]:
    folder = public_corpus / "rfc4475"
    return {path.stem: path.read_bytes() for path in folder.glob("*.dat")}


@pytest.fixture(scope="session")
def tshark(public_corpus: Path) -> dict[str, dict[str, Any]]:
    text = (public_corpus / "rfc4475" / "expected.json").read_text()
    return {name.removesuffix(".dat"): seen for name, seen in json.loads(text).items()}


def test_all_messages_are_here(messages: dict[str, bytes]) -> None:
    assert sorted(messages) == sorted(NAMES)


@pytest.mark.parametrize("name", [name for name in NAMES if name not in REFUSED])
def test_read_as_tshark_reads_it(
    name: str, messages: dict[str, bytes], tshark: dict[str, dict[str, Any]]
) -> None:
    parsed = sip.parse(messages[name])
    seen = tshark[name]

    if seen["tshark_protocol"] == "UDP":
        assert parsed.call_id.startswith(name)
        return
    assert parsed.method == seen["method"]
    assert parsed.code == (int(seen["status"]) if seen["status"] else None)
    # tshark gives all Call-IDs of multi01; the first counts. insuf has none.
    call_id = seen["call_id"] or ""
    assert parsed.call_id == (call_id.split(",")[0] if name == "multi01" else call_id)
    # tshark shows the line ends of a folded CSeq.
    assert parsed.cseq_method == seen["cseq"].split(",")[0].split()[-1].strip()


@pytest.mark.parametrize("name", sorted(REFUSED))
def test_refused_as_tshark_refuses_it(name: str, messages: dict[str, bytes]) -> None:
    with pytest.raises(sip.SipError):
        sip.parse(messages[name])


@pytest.mark.parametrize("name", NAMES)
def test_peeked_as_parsed(name: str, messages: dict[str, bytes]) -> None:
    if name in REFUSED:
        assert sip.peek(messages[name]) is None
        return
    parsed = sip.parse(messages[name])
    assert sip.peek(messages[name]) == (parsed.call_id, parsed.cseq_method)


@pytest.mark.parametrize(
    ("name", "method", "uri", "version"),
    [
        ("badvers", "OPTIONS", "sip:t.watson@example.org", "SIP/7.0"),
        ("lwsruri", "INVITE", "sip:user@example.com; lr", "SIP/2.0"),
        ("lwsstart", "INVITE", "sip:user@example.com", "SIP/2.0"),
        ("trws", "OPTIONS", "sip:remote-target@example.com", "SIP/2.0"),
    ],
)
def test_start_lines_that_tshark_refuses_are_read(
    name: str, method: str, uri: str, version: str, messages: dict[str, bytes]
) -> None:
    parsed = sip.parse(messages[name])

    assert (parsed.method, parsed.uri, parsed.version) == (method, uri, version)


def test_wsinv_white_space_everywhere(messages: dict[str, bytes]) -> None:
    parsed = sip.parse(messages["wsinv"])

    assert parsed.to == sip.NameAddr(
        "", "sip:vivekg@chair-dnrc.example.com", {"tag": "1918181833n"}
    )
    assert parsed.from_.display == 'J Rosenberg \\"'
    assert parsed.from_.tag == "98asjd8"
    assert [(via.transport, via.host) for via in parsed.vias] == [
        ("UDP", "192.0.2.2"),
        ("TCP", "spindle.example.com"),
        ("UDP", "192.168.255.111"),
    ]
    assert [via.params["branch"] for via in parsed.vias] == [
        "390skdjuw",
        "z9hG4bK9ikj8",
        "z9hG4bK30239",
    ]
    assert parsed.get("Subject") == ""
    assert parsed.get("NewFangledHeader") == (
        "newfangled value continued newfangled value"
    )
    assert len(parsed.body) == 150


def test_intmeth_unusual_characters(messages: dict[str, bytes]) -> None:
    parsed = sip.parse(messages["intmeth"])

    assert parsed.to.display == "BEL:\a NUL:\0 DEL:\x7f"
    assert parsed.from_.display == "token1~` token2'+_ token3*%!.-"
    assert parsed.from_.params["fromparam''~+*_!.-%"] == "работающий"


def test_esc01_and_escnull_percent_escapes(messages: dict[str, bytes]) -> None:
    assert sip.parse(messages["esc01"]).from_.user == "I have spaces"
    assert sip.parse(messages["escnull"]).to.user == "null-\0-null"


def test_dblreq_the_first_request_ends_in_time(
    messages: dict[str, bytes],
) -> None:
    first = sip.parse(messages["dblreq"])
    length = sip.frame_length(messages["dblreq"])
    second = sip.parse(messages["dblreq"][length:])

    assert (first.method, first.body) == ("REGISTER", b"")
    assert (second.method, len(second.body)) == ("INVITE", 150)


def test_mpart01_parts_one_of_them_binary(messages: dict[str, bytes]) -> None:
    text, signature = sip.parse(messages["mpart01"]).bodies()

    assert (text.content_type, text.data) == ("text/plain", b"Hello")
    assert signature.content_type == "application/octet-stream"
    assert len(signature.data) > 200


def test_quotbal_an_open_quotation_hides_no_address(messages: dict[str, bytes]) -> None:
    assert sip.parse(messages["quotbal"]).to.uri == "sip:j.user@example.com"


def test_clerr_and_ncl_a_wrong_length_costs_no_body(
    messages: dict[str, bytes],
) -> None:
    # Content-Length is larger than the datagram in one, negative in the other.
    for name in ("clerr", "ncl"):
        body = sip.parse(messages[name]).sdp
        assert body is not None
        assert body.startswith(b"v=0")


def test_unreason_a_reason_phrase_beyond_ascii(messages: dict[str, bytes]) -> None:
    assert sip.parse(messages["unreason"]).reason.endswith("девять - простое")
    assert sip.parse(messages["noreason"]).reason == ""
