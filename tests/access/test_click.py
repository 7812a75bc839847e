"""The click token: who may open it, and for how long."""

from __future__ import annotations

import base64
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.access.click import ClickTokens
from flask_sipvault.access.click import CLOCK_TOLERANCE
from flask_sipvault.access.click import WORKING_DAY
from flask_sipvault.access.links import CallIdError
from flask_sipvault.access.links import LinkError
from flask_sipvault.access.links import SecretError

CALL_ID = "a84b4c76e66710@pc33.atlanta.example.com"
NOW = 1784386800

tokens = ClickTokens(
    {"acme": ["a-secret-of-acme"], "globex corp/eu": ["a-secret-of-globex"]}
)


@pytest.fixture(autouse=True)
def clock(monkeypatch: pytest.MonkeyPatch) -> Callable[[float], None]:
    """A clock that stands still, and sets itself when told to."""

    def set_to(now: float) -> None:
        monkeypatch.setattr("time.time", lambda: now)

    set_to(NOW)
    return set_to


def refusal(token: str, identity: str | None = None) -> LinkError:
    with pytest.raises(LinkError) as caught:
        tokens.open(token, identity=identity)
    assert caught.value.status == 401
    assert "Reload the CDR list" in caught.value.detail
    return caught.value


@pytest.mark.parametrize("customer_id", ["acme", "globex corp/eu"])
@pytest.mark.parametrize("call_id", [CALL_ID, "chamada-é@exemplo", "x" * 512])
@pytest.mark.parametrize("identity", [None, "", "flavio", "日本"])
def test_a_token_opens_its_call(
    customer_id: str, call_id: str, identity: str | None
) -> None:
    token = tokens.make(customer_id, call_id, identity=identity)
    assert tokens.open(token, identity=identity) == (customer_id, call_id)


def test_a_token_fits_in_a_url_as_it_is() -> None:
    token = tokens.make("globex corp/eu", "a/../b?c#d %41", identity="f@x")
    assert set(token) <= set(
        "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_."
    )


def test_a_token_lasts_a_working_day(clock: Callable[[float], None]) -> None:
    token = tokens.make("acme", CALL_ID)
    clock(NOW + WORKING_DAY)
    assert tokens.open(token) == ("acme", CALL_ID)
    clock(NOW + WORKING_DAY + 1)
    assert refusal(token).reason == "click_expired"


def test_another_servers_clock_may_be_somewhat_ahead(
    clock: Callable[[float], None],
) -> None:
    token = tokens.make("acme", CALL_ID)
    clock(NOW - CLOCK_TOLERANCE)
    assert tokens.open(token) == ("acme", CALL_ID)
    clock(NOW - CLOCK_TOLERANCE - 1)
    assert refusal(token).reason == "click_expired"


def test_the_time_may_be_given() -> None:
    token = tokens.make("acme", CALL_ID)
    with pytest.raises(LinkError, match="click expired"):
        tokens.open(token, now=NOW + WORKING_DAY + 1)


@pytest.mark.parametrize(
    ("made_for", "opened_by"),
    [("ana", "bia"), ("ana", None), (None, "ana"), ("", None), ("ana", "ANA")],
)
def test_a_token_is_for_the_user_it_was_made_for(
    made_for: str | None, opened_by: str | None
) -> None:
    token = tokens.make("acme", CALL_ID, identity=made_for)
    assert refusal(token, opened_by).reason == "invalid_click"


def test_the_user_cannot_be_read_from_the_token() -> None:
    token = tokens.make("acme", CALL_ID, identity="ana.maria@example.com")
    readable = b"".join(
        base64.urlsafe_b64decode(part + "===") for part in token.split(".")
    )
    assert CALL_ID.encode() in readable
    assert b"ana" not in readable


def test_a_token_cannot_be_passed_off_as_another_customers() -> None:
    name, _, signed = tokens.make("acme", CALL_ID).partition(".")
    other = tokens.make("globex corp/eu", CALL_ID).partition(".")[0]
    unknown = base64.urlsafe_b64encode(b"initech").decode().rstrip("=")
    assert tokens.open(f"{name}.{signed}") == ("acme", CALL_ID)
    for stolen in (other, unknown, ""):
        assert refusal(f"{stolen}.{signed}").reason == "invalid_click"


def test_customers_who_share_a_secret_do_not_share_tokens() -> None:
    shared = ClickTokens({"acme": ["one-for-all"], "globex": ["one-for-all"]})
    signed = shared.make("acme", CALL_ID).partition(".")[2]
    name = shared.make("globex", CALL_ID).partition(".")[0]
    with pytest.raises(LinkError):
        shared.open(f"{name}.{signed}")


def test_the_holder_of_one_customers_secret_cannot_click_for_another() -> None:
    forger = ClickTokens({"globex corp/eu": ["a-secret-of-acme"]})
    assert refusal(forger.make("globex corp/eu", CALL_ID)).reason == "invalid_click"


def test_the_first_secret_signs_and_every_secret_opens() -> None:
    old, new = "the-secret-of-last-year", "the-secret-of-this-year"
    both = ClickTokens({"acme": [new, old]})
    assert ClickTokens({"acme": [new]}).open(both.make("acme", CALL_ID))
    from_before = ClickTokens({"acme": [old]}).make("acme", CALL_ID)
    assert both.open(from_before) == ("acme", CALL_ID)


@pytest.mark.parametrize("call_id", ["", "a\nb", "x" * 513])
def test_no_token_is_made_for_a_call_id_that_no_link_carries(call_id: str) -> None:
    with pytest.raises(CallIdError):
        tokens.make("acme", call_id)


def test_no_token_is_made_for_an_unknown_customer() -> None:
    with pytest.raises(KeyError, match="initech"):
        tokens.make("initech", CALL_ID)


def test_a_secret_that_must_not_be_used_is_refused() -> None:
    with pytest.raises(SecretError):
        ClickTokens({"acme": ["YOUR_HMAC_SECRET_HERE"]})


def test_the_secrets_are_not_shown() -> None:
    assert "a-secret-of-acme" not in repr(tokens)


@given(st.text() | st.text("Aa0-_.", max_size=60), st.none() | st.text())
def test_any_other_text_is_refused(token: str, identity: str | None) -> None:
    assert refusal(token, identity).reason == "invalid_click"


@given(st.data())
def test_changing_one_character_is_refused(data: st.DataObject) -> None:
    token = tokens.make("acme", CALL_ID)
    # The very last digit of base64 holds bits that stand for nothing.
    at = data.draw(st.integers(0, len(token) - 2))
    new = data.draw(st.characters().filter(lambda c: c != token[at]))
    assert refusal(token[:at] + new + token[at + 1 :]).reason == "invalid_click"
