"""The token of a shared link: what it opens, until when, and what it does not tell."""

from __future__ import annotations

import base64

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.access.links import CallIdError
from flask_sipvault.access.links import LinkError
from flask_sipvault.access.sharing import Share
from flask_sipvault.access.sharing import ShareTokens
from flask_sipvault.config.sharing import ShareSettings

KEY = "a key of the tests, long enough."
DAY = 86_400
NOW = 1_795_500_000

TOKENS = ShareTokens(ShareSettings(14, KEY))


def token(tokens: ShareTokens = TOKENS, call_id: str = "a@10.0.0.7", **how: int) -> str:
    seconds = how.get("seconds", DAY)
    return tokens.make("acme", call_id, seconds=seconds, masked=True, now=NOW)


def refusal(tokens: ShareTokens, text: str, now: float = NOW) -> LinkError:
    with pytest.raises(LinkError) as caught:
        tokens.open(text, now=now)
    assert caught.value.status == 401
    return caught.value


def test_it_opens_what_it_was_made_for() -> None:
    for masked in (True, False):
        made = TOKENS.make("acme", "a@h", seconds=DAY, masked=masked, now=NOW)
        assert TOKENS.open(made, now=NOW) == Share("acme", "a@h", masked, NOW + DAY)


@given(st.text(min_size=1, max_size=100), st.text(min_size=1, max_size=40))
def test_whatever_the_call_id(call_id: str, customer_id: str) -> None:
    try:
        made = TOKENS.make(customer_id, call_id, seconds=9, masked=False, now=NOW)
    except (CallIdError, UnicodeEncodeError):
        return
    opened = TOKENS.open(made, now=NOW)
    assert (opened.customer_id, opened.call_id) == (customer_id, call_id)


def test_it_works_until_its_time_is_up() -> None:
    made = token()
    TOKENS.open(made, now=NOW + DAY - 1)
    assert refusal(TOKENS, made, NOW + DAY).reason == "share_expired"


def test_it_lives_no_longer_than_the_settings_now_allow() -> None:
    made = token(seconds=14 * DAY)
    shorter = ShareTokens(ShareSettings(2, KEY))
    assert shorter.open(made, now=NOW).until == NOW + 2 * DAY
    assert refusal(shorter, made, NOW + 2 * DAY).reason == "share_expired"


@pytest.mark.parametrize("seconds", [0, -1, 14 * DAY + 1])
def test_it_cannot_be_made_for_longer(seconds: int) -> None:
    with pytest.raises(ValueError, match="live that long"):
        token(seconds=seconds)


def test_another_key_opens_nothing() -> None:
    other = ShareTokens(ShareSettings(14, "another key of the tests, as long."))
    assert refusal(other, token()).reason == "invalid_share"


def test_nothing_opens_where_sharing_is_off() -> None:
    off = ShareTokens(ShareSettings(0, KEY))
    assert refusal(off, token()).reason == "invalid_share"


def test_every_changed_character_is_noticed() -> None:
    made = token()
    for at, character in enumerate(made):
        other = "A" if character != "A" else "B"
        try:
            opened = TOKENS.open(made[:at] + other + made[at + 1 :], now=NOW)
        except LinkError as error:
            assert error.reason == "invalid_share"
        else:
            # The last character of base64 has bits that mean nothing.
            assert opened.call_id == "a@10.0.0.7"
            assert at == len(made) - 1


@given(st.text(max_size=200))
def test_whatever_the_text(text: str) -> None:
    with pytest.raises(LinkError):
        TOKENS.open(text, now=NOW)


def test_it_tells_nothing_to_whoever_reads_it() -> None:
    made = token()
    sealed = made.partition(".")[0]
    readable = base64.urlsafe_b64decode(sealed + "=" * (-len(sealed) % 4))
    for secret in (b"10.0.0.7", b"a@", b"acme", str(NOW).encode()):
        assert secret not in readable


def test_two_for_one_call_have_nothing_in_common() -> None:
    one, other = token(), token()
    same = sum(a == b for a, b in zip(one, other, strict=True))
    assert same < len(one) / 4
