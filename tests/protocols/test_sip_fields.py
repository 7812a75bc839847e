"""Addresses, Via and parameters inside header fields."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols.sip_fields import canonical_name
from flask_sipvault.protocols.sip_fields import host_and_port
from flask_sipvault.protocols.sip_fields import NameAddr
from flask_sipvault.protocols.sip_fields import split_outside
from flask_sipvault.protocols.sip_fields import Via


@pytest.mark.parametrize(
    ("text", "display", "uri", "tag"),
    [
        ("<sip:a@b>", "", "sip:a@b", ""),
        ("sip:a@b;tag=1", "", "sip:a@b", "1"),
        ("Alice <sip:a@b>;tag=1", "Alice", "sip:a@b", "1"),
        ('"A. \\"Al\\" Ice" <sip:a@b> ; TAG = 1', 'A. "Al" Ice', "sip:a@b", "1"),
        ('"<sip:no@one>;tag=0" <sip:a@b>;tag=1', "<sip:no@one>;tag=0", "sip:a@b", "1"),
        ("caller<sip:a@b>;tag=1", "caller", "sip:a@b", "1"),
        ("<sip:a@b;lr;x=y>;tag=1", "", "sip:a@b;lr;x=y", "1"),
        ('<sip:a@b>;x=";tag=0";tag=1', "", "sip:a@b", "1"),
        ("<sip:a@b>;tag=1;tag=2", "", "sip:a@b", "1"),
        # Broken: a quotation mark or bracket that nothing closes.
        ('"Mr. J. User <sip:a@b>;tag=1', '"Mr. J. User', "sip:a@b", "1"),
        ("<sip:a@b", "", "sip:a@b", ""),
        ("*", "", "*", ""),
        ("", "", "", ""),
    ],
)
def test_an_address_comes_apart(text: str, display: str, uri: str, tag: str) -> None:
    address = NameAddr.parse(text)

    assert (address.display, address.uri, address.tag) == (display, uri, tag)


@pytest.mark.parametrize(
    ("uri", "user", "host"),
    [
        ("sip:alice@example.com", "alice", "example.com"),
        ("SIPS:alice:secret@example.com:5061;transport=tls", "alice", "example.com"),
        ("sip:+1%20(234)@example.com?Subject=x", "+1 (234)", "example.com"),
        ("sip:caf%C3%A9@h", "caf\xe9", "h"),
        ("sip:user;par=u%40example.net@h", "user;par=u@example.net", "h"),
        ("sip:alice@mail.example@sip.example", "alice@mail.example", "sip.example"),
        ("sip:example.com;lr", "", "example.com"),
        ("sip:a@[2001:db8::1]:5060", "a", "2001:db8::1"),
        ("sip:a@2001:db8::1", "a", "2001:db8::1"),
        ("tel:+15550100;phone-context=x", "+15550100", ""),
        ("alan@example.com", "alan", "example.com"),
        ("", "", ""),
    ],
)
def test_user_and_host_of_a_uri(uri: str, user: str, host: str) -> None:
    address = NameAddr(uri=uri)

    assert (address.user, address.host) == (user, host)


@pytest.mark.parametrize(
    ("text", "via"),
    [
        ("SIP/2.0/UDP h:5061;branch=z9", Via("UDP", "h", 5061, {"branch": "z9"})),
        ("SIP/2.0/TLS [::1];rport", Via("TLS", "::1", None, {"rport": ""})),
        ("SIP / 2.0 / TCP   h : 5060  ;  a = b ", Via("TCP", "h", 5060, {"a": "b"})),
        ("SIP/2.0/UDP h:99999", Via("UDP", "h", None, {})),
        ("SIP/2.0/UDP", Via("UDP", "", None, {})),
        ("nonsense;branch=x", Via("", "", None, {"branch": "x"})),
    ],
)
def test_a_via_comes_apart(text: str, via: Via) -> None:
    assert Via.parse(text) == via


@pytest.mark.parametrize(
    ("text", "host", "port"),
    [
        ("h", "h", None),
        ("h:5060", "h", 5060),
        ("[2001:db8::1]:5060", "2001:db8::1", 5060),
        ("[2001:db8::1]", "2001:db8::1", None),
        ("2001:db8::1", "2001:db8::1", None),
        ("h:sip", "h", None),
        ("h:\u0661", "h", None),
        ("[::1", "::1", None),
    ],
)
def test_host_and_port_come_apart(text: str, host: str, port: int | None) -> None:
    assert host_and_port(text) == (host, port)


def test_a_list_is_split_only_outside_of_quotes_and_brackets() -> None:
    text = '"a,\\",b" <sip:c,d>,e'

    assert split_outside(text, ",") == ['"a,\\",b" <sip:c,d>', "e"]


@given(st.text(alphabet='"\\<>,;= a', max_size=40))
def test_what_was_split_joins_to_the_same(text: str) -> None:
    assert ",".join(split_outside(text, ",")) == text


@given(
    display=st.text(st.characters(exclude_categories=["Cs"]), max_size=20),
    user=st.from_regex(r"[a-z0-9+]{1,10}", fullmatch=True),
    tag=st.from_regex(r"[a-z0-9]{1,10}", fullmatch=True),
)
def test_an_address_gives_back_what_it_was_made_of(
    display: str, user: str, tag: str
) -> None:
    quoted = display.replace("\\", "\\\\").replace('"', '\\"')

    address = NameAddr.parse(f'"{quoted}" <sip:{user}@example.com>;tag={tag}')

    assert (address.display, address.user, address.tag) == (display, user, tag)


@given(st.text(max_size=60))
def test_whatever_the_text_an_address_and_a_via(text: str) -> None:
    address = NameAddr.parse(text)
    assert isinstance(address.user + address.host + address.tag, str)
    assert isinstance(Via.parse(text).host, str)


def test_canonical_names_are_idempotent() -> None:
    for name in ("v", "CALL-id", "x-own", "Www-Authenticate"):
        assert canonical_name(canonical_name(name)) == canonical_name(name)
