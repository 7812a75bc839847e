from __future__ import annotations

import re

from hypothesis import given
from hypothesis import strategies as st
from markupsafe import Markup

from flask_sipvault.dashboard.panels.messages.highlight import body
from flask_sipvault.dashboard.panels.messages.highlight import DUMPED_BYTES
from flask_sipvault.dashboard.panels.messages.highlight import head
from flask_sipvault.dashboard.panels.messages.highlight import hexdump
from flask_sipvault.dashboard.panels.messages.highlight import is_text
from flask_sipvault.dashboard.panels.messages.highlight import split

INVITE = (
    b"INVITE sip:bob@b SIP/2.0\r\nVia: SIP/2.0/UDP a;branch=z9hG4bK1\r\nf : <sip:a@a>"
)


def test_the_start_line_and_header_names_are_marked() -> None:
    assert head(INVITE).split("\n") == [
        '<span class="sv-start">INVITE sip:bob@b SIP/2.0</span>',
        '<span class="sv-name">Via:</span> SIP/2.0/UDP a;branch=z9hG4bK1',
        '<span class="sv-name">f :</span> &lt;sip:a@a&gt;',
    ]


def test_a_folded_line_has_no_name() -> None:
    assert head(b"OPTIONS sip:b SIP/2.0\r\nTo: b\r\n  ;x: y").endswith("\n  ;x: y")


def test_markup_in_a_header_is_text() -> None:
    shown = head(b'A sip:b SIP/2.0\r\nFrom: "<script>alert(1)</script>" <sip:a@a>')
    assert "<script" not in shown
    assert "&lt;script&gt;alert(1)" in shown


def test_the_names_in_sdp_are_marked() -> None:
    shown = body(b"v=0\r\nm=audio 4000 RTP/AVP 0\r\n", "application/sdp")
    assert '<span class="sv-name">m=</span>audio 4000' in shown


def test_a_body_of_text_is_shown_as_it_reads() -> None:
    assert body(b"Signal=5\r\nDuration=160", "application/dtmf-relay") == (
        "Signal=5\nDuration=160"
    )


def test_a_binary_body_is_dumped() -> None:
    assert body(b"\x01\x02<b>", "application/isup") == (
        "0000  01 02 3c 62 3e" + " " * 35 + "..&lt;b&gt;"
    )


def test_a_dump_says_what_it_leaves_out() -> None:
    dump = hexdump(bytes(DUMPED_BYTES + 1234))
    assert dump.count("\n") == DUMPED_BYTES // 16
    assert dump.endswith("… and 1,234 bytes more")


def test_bytes_that_are_not_utf_8_are_no_text() -> None:
    assert is_text("Zoë".encode())
    assert not is_text("Zoë".encode("latin-1"))


def test_a_message_splits_at_its_first_empty_line() -> None:
    assert split(b"A\r\nB: c\r\n\r\nbody\r\n\r\nmore") == (
        b"A\r\nB: c",
        b"body\r\n\r\nmore",
    )
    assert split(b"A\nB: c\n\nbody") == (b"A\nB: c", b"body")
    assert split(b"A\r\nB: c\r\n") == (b"A\r\nB: c\r\n", b"")


@given(st.binary(), st.sampled_from(["", "application/sdp", "text/plain"]))
def test_no_bytes_can_make_markup_of_their_own(data: bytes, content_type: str) -> None:
    for shown in (head(data), body(data, content_type)):
        assert isinstance(shown, Markup)
        rest = re.sub(r'<span class="sv-(start|name)">|</span>', "", shown)
        assert "<" not in rest and '"' not in rest
        shown.encode()
