"""Who may send for whom."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.collector import authentication as module
from flask_sipvault.collector.authentication import Authenticator
from flask_sipvault.config.customers import Customer
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.hep import HepPacket

ACME = Customer(
    "acme",
    "acme",
    tokens=("tok-acme", "tok-next"),
    hep_auth_keys=("key-acme",),
    hep_sources=("192.0.2.0/24", "2001:db8::7"),
)
GLOBEX = Customer(
    "globex", "globex", tokens=("tok-globex",), hep_sources=("198.51.100.7",)
)
BARE = Customer("bare", "bare")

AUTHORITY = Authenticator([ACME, GLOBEX, BARE])
NOWHERE = "203.0.113.1"


def shown(customer: bytes | None = None, token: bytes | None = None) -> HepPacket:
    chunks = {}
    if customer is not None:
        chunks[hep.SIPPULSE_CUSTOMER] = customer
    if token is not None:
        chunks[hep.SIPPULSE_TOKEN] = token
    return HepPacket(hep.SIP, b"", vendor_chunks=chunks)


@pytest.mark.parametrize("token", ["tok-acme", "tok-next"])
def test_an_agent_with_any_of_its_customers_tokens_may_send(token: str) -> None:
    assert AUTHORITY.may_send("acme", token)


@pytest.mark.parametrize(
    ("customer_id", "token"),
    [
        ("acme", "tok-globex"),
        ("globex", "tok-acme"),
        ("acme", "tok-acm"),
        ("acme", "tok-acme "),
        ("acme", ""),
        ("nobody", "tok-acme"),
        ("", ""),
        ("bare", ""),
        ("bare", "tok-acme"),
    ],
)
def test_no_other_agent_may(customer_id: str, token: str) -> None:
    assert not AUTHORITY.may_send(customer_id, token)


@given(st.text(), st.text())
def test_nobody_guesses_a_token(customer_id: str, token: str) -> None:
    assert AUTHORITY.may_send(customer_id, token) == (
        token in {"acme": ACME.tokens, "globex": GLOBEX.tokens}.get(customer_id, ())
    )


def test_the_agent_over_hep_shows_customer_and_token() -> None:
    packet = shown(b"acme", b"tok-acme\0")

    assert AUTHORITY.hep_customer(packet, NOWHERE) == "acme"


@pytest.mark.parametrize(
    "packet",
    [
        shown(b"acme", b"tok-globex"),
        shown(b"acme"),
        shown(b"acme", b""),
        shown(b"\xff", b"tok-acme"),
    ],
)
def test_with_a_wrong_token_nothing_else_counts(packet: HepPacket) -> None:
    packet.auth_key = "key-acme"

    assert AUTHORITY.hep_customer(packet, "192.0.2.7") is None


def test_others_show_an_authorisation_key() -> None:
    packet = HepPacket(hep.SIP, b"", auth_key="key-acme")

    assert AUTHORITY.hep_customer(packet, NOWHERE) == "acme"
    assert AUTHORITY.hep_customer(packet, "198.51.100.7") == "acme"


@pytest.mark.parametrize(
    ("source", "customer_id"),
    [
        ("192.0.2.200", "acme"),
        ("::ffff:192.0.2.200", "acme"),
        ("2001:db8::7", "acme"),
        ("2001:db8:0::7%eth0", "acme"),
        ("198.51.100.7", "globex"),
        ("198.51.100.8", None),
        (NOWHERE, None),
    ],
)
def test_or_come_from_an_address_that_is_allowed(
    source: str, customer_id: str | None
) -> None:
    for auth_key in ("", "a key that nobody has"):
        packet = HepPacket(hep.SIP, b"", auth_key=auth_key)
        for _ in range(2):
            assert AUTHORITY.hep_customer(packet, source) == customer_id


def test_a_token_is_no_authorisation_key_nor_the_other_way_round() -> None:
    packet = HepPacket(hep.SIP, b"", auth_key="tok-acme")

    assert AUTHORITY.hep_customer(packet, NOWHERE) is None
    assert AUTHORITY.hep_customer(shown(b"acme", b"key-acme"), NOWHERE) is None


@pytest.mark.parametrize(
    ("packet", "source", "wrong"),
    [
        (HepPacket(hep.SIP, b"", auth_key="an older key"), "192.0.2.7", True),
        (HepPacket(hep.SIP, b"", auth_key="key-acme"), "192.0.2.7", False),
        (HepPacket(hep.SIP, b""), "192.0.2.7", False),
        # No key was agreed on with it: whatever its sender shows by default is not one.
        (HepPacket(hep.SIP, b"", auth_key="myhep"), "198.51.100.7", False),
        (shown(b"acme", b"tok-acme"), "192.0.2.7", False),
    ],
)
def test_a_wrong_key_is_known_where_the_address_suffices(
    packet: HepPacket, source: str, wrong: bool
) -> None:
    owner = AUTHORITY.hep_customer(packet, source)

    assert owner is not None
    assert AUTHORITY.shows_wrong_key(packet, owner) is wrong


def test_forged_sources_fill_no_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_REMEMBERED", 10)
    authority = Authenticator([ACME])
    for n in range(200):
        authority.hep_customer(shown(), f"203.0.113.{n}")

    assert len(authority._by_source) <= 10
    assert authority.hep_customer(shown(), "192.0.2.1") == "acme"
