"""Log lines and other texts without a grammar."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.masking.pseudonyms import Pseudonyms
from flask_sipvault.masking.texts import TextMask
from flask_sipvault.masking.uris import UriMask


def _mask(*known: str) -> TextMask:
    """A mask that knows these users and hosts."""
    pseudonyms = Pseudonyms(lambda text: False)
    for name in known:
        if "." in name:
            pseudonyms.host(name)
        else:
            pseudonyms.user(name)
    return TextMask(pseudonyms, UriMask(pseudonyms).uri)


@pytest.mark.parametrize(
    ("text", "masked"),
    [
        ("from sip:alice@10.1.2.3:5070 now", "from sip:user-1@10.0.0.1:5070 now"),
        ("<tel:+551140028922>", "<tel:+000000000001>"),
        ("call 551140028922.", "call 000000000001."),
        ("call +55 (11) 4002-8922", "call +000000000001"),
        ("mail bob@pbx.acme.com", "mail user-1@host-1.example"),
        ("at 203.0.113.9:5060, 203.0.113.10", "at 198.51.100.1:5060, 198.51.100.2"),
        ("at 010.001.002.003", "at 10.0.0.1"),
        ("at [2a02:db7::1]:5060", "at [2001:db8::1]:5060"),
        ("sbc.acme.com is down", "host-1.example is down"),
        ("password: hunter2, next", "password: masked, next"),
        ('token="a b c" next', "token=masked next"),
        ("Basic dXNlcjpwYXNz", "Basic masked"),
        ("ha 73d57188b43133e5a65faca36ffe4528", "ha masked"),
        ("a=crypto:1 X inline:c2VjcmV0", "a=crypto:1 X inline:masked"),
        ("phone 00:1b:44:11:3a:b7", "phone mac-1"),
        ("user=alice;", "user=user-1;"),
        ("Signal=5", "Signal=masked"),
    ],
)
def test_what_names_somebody_is_replaced(text: str, masked: str) -> None:
    assert _mask().text(text) == masked


@pytest.mark.parametrize(
    "text",
    [
        "DBG:core:parse_msg: SIP Reply (status): 200",
        "[core/sctp_core.c:74]: sctp_core_check_support()",
        "loading kamailio.cfg at 14:02:11",
        "version 1.2.3.400, pid 27777, 0x7f3a12b4c8d0",
        "bound to 0.0.0.0 and [::]",
    ],
)
def test_what_names_nobody_stays(text: str) -> None:
    assert _mask().text(text) == text


def test_a_known_name_is_found_as_a_word() -> None:
    text = "alice, alicex and INFO:bob"
    assert _mask("alice").text(text) == "user-1, alicex and INFO:bob"


def test_a_long_known_name_is_found_within_words_and_in_any_case() -> None:
    assert _mask("marianna").text("xMarianna7") == "xuser-17"


def test_a_short_known_name_is_found_in_its_own_case_only() -> None:
    assert _mask("info").text("INFO: info called") == "INFO: user-1 called"


def test_the_host_that_syslog_names_is_replaced() -> None:
    line = "Nov 23 14:02:11 sbc-7 opensips[42]: INFO: x"
    assert (
        _mask().log_line(line) == "Nov 23 14:02:11 host-1.example opensips[42]: INFO: x"
    )


@pytest.mark.parametrize("phrase", ["OK", "Busy Here", "busy here"])
def test_a_reason_phrase_of_the_standard_stays(phrase: str) -> None:
    assert _mask("busy", "here").phrase(phrase) == phrase


def test_any_other_reason_phrase_is_a_text() -> None:
    assert _mask("alice").phrase("alice is busy") == "user-1 is busy"


@given(st.text(), st.lists(st.text(min_size=1, max_size=8), max_size=4))
def test_any_text_can_be_masked(text: str, names: list[str]) -> None:
    masks = _mask(*names)
    assert isinstance(masks.text(text), str)
    assert isinstance(masks.log_line(text), str)
