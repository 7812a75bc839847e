from __future__ import annotations

import ipaddress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.masking.pseudonyms import Pseudonyms

COOKIE = "z9hG4bK"


@pytest.fixture
def pseudonyms() -> Pseudonyms:
    return Pseudonyms(lambda text: False)


def test_a_number_stays_a_number_of_as_many_digits(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.user("+551140028922") == "+000000000001"
    assert pseudonyms.user("1000") == "0002"


def test_a_number_is_the_same_with_and_without_its_plus(
    pseudonyms: Pseudonyms,
) -> None:
    assert pseudonyms.user("+551140028922") == "+" + pseudonyms.user("551140028922")
    assert pseudonyms.user("+55-11-4002-8922") == pseudonyms.user("+551140028922")


def test_hosts_are_the_same_in_any_case(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.host("PBX.acme.com.") == pseudonyms.host("pbx.acme.com")


def test_private_and_public_addresses_stay_apart(pseudonyms: Pseudonyms) -> None:
    """A private address in SDP explains many a silent call."""
    assert pseudonyms.host("192.168.1.20") == "10.0.0.1"
    assert pseudonyms.host("100.64.0.9") == "10.0.0.2"
    assert pseudonyms.host("198.18.0.1") == "198.51.100.1"
    assert pseudonyms.host("[fd00::5]") == "fd00::1"
    assert pseudonyms.host("2a02::5") == "2001:db8::1"


@pytest.mark.parametrize(
    "kept", ["0.0.0.0", "::", "anonymous.invalid", "localhost", ""]
)
def test_what_is_nobody_s_stays(kept: str, pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.host(kept) == kept


def test_who_hides_stays_hidden(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.user("anonymous") == "anonymous"
    assert pseudonyms.name("Anonymous") == "Anonymous"


def test_a_branch_keeps_its_cookie(pseudonyms: Pseudonyms) -> None:
    assert pseudonyms.branch("z9hG4bKa", COOKIE) == "z9hG4bK-1"
    assert pseudonyms.branch("old-style", COOKIE) == "branch-2"
    assert pseudonyms.branch(COOKIE, COOKIE) == COOKIE


def test_what_occurs_in_the_call_is_no_pseudonym() -> None:
    pseudonyms = Pseudonyms("10.0.0.1 user-1 host-1.example 0001".__contains__)
    assert pseudonyms.host("10.0.0.1") == "10.0.0.2"
    assert pseudonyms.user("alice") == "user-2"
    assert pseudonyms.host("acme.com") == "host-2.example"


def test_hundreds_of_addresses_stay_apart(pseudonyms: Pseudonyms) -> None:
    private = [pseudonyms.address(f"10.0.{n // 200}.{n % 200}") for n in range(900)]
    public = [pseudonyms.address(f"83.0.{n // 200}.{n % 200}") for n in range(900)]
    assert len({*private, *public}) == 1800
    assert all(not ipaddress.ip_address(ip).is_global for ip in private + public)


@given(st.lists(st.text(max_size=6), unique=True))
def test_two_users_never_share_one(users: list[str]) -> None:
    pseudonyms = Pseudonyms(lambda text: False)
    kept = [user for user in users if any(c.isalpha() for c in user)]
    assert len({pseudonyms.user(user) for user in kept}) == len(kept)
    assert [pseudonyms.user(u) for u in kept] == [pseudonyms.user(u) for u in kept]
