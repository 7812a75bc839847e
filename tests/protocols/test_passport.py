"""Identity header fields: what their tokens say, and what is wrong with them."""

from __future__ import annotations

import base64
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from flask_sipvault.protocols import sip
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.passport import canonical_number
from flask_sipvault.protocols.passport import MAX_TOKEN
from flask_sipvault.protocols.passport import Passport
from flask_sipvault.protocols.passport import read_identity

STIR = Path(__file__).parents[1] / "data" / "stir"
HEADER = {
    "alg": "ES256",
    "ppt": "shaken",
    "typ": "passport",
    "x5u": "https://c.example/1",
}
CLAIMS = {
    "attest": "A",
    "dest": {"tn": ["442079460161"]},
    "iat": 1_794_819_600,
    "orig": {"tn": "12025550111"},
    "origid": "3a47ca23",
}


def encoded(part: Any) -> str:
    data = part if isinstance(part, bytes) else json.dumps(part).encode()
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


def token(header: Any = HEADER, claims: Any = CLAIMS, signature: str = "c2ln") -> str:
    return f"{encoded(header)}.{encoded(claims)}.{signature}"


def with_claims(**claims: Any) -> Passport:
    return read_identity(token(claims=CLAIMS | claims))


def identities(name: str) -> list[Passport]:
    """Of the INVITE in a capture."""
    with (STIR / f"{name}.pcap").open("rb") as file:
        invite = sip.parse(next(iter(read_capture(file))).payload)
    return [read_identity(value) for value in invite.values("Identity")]


@pytest.mark.parametrize("path", sorted(STIR.glob("*.json")), ids=lambda p: p.stem)
def test_what_another_decoder_reads(path: Path) -> None:
    facts = json.loads(path.read_text())["facts"]
    found = identities(path.stem)
    assert [each.problems for each in found] == [()] * len(found)
    if "compact" in facts:
        assert [each.compact for each in found] == [True]
        return
    assert [each.ppt for each in found] == facts.get("ppts", ["shaken"])
    assert found[0].attest == facts["attest"]
    assert found[0].orig.numbers == (facts["orig_tn"],)
    assert list(found[-1].dest.numbers) == facts["dest_tn"]
    assert found[-1].div.numbers == tuple(filter(None, [facts.get("div_tn")]))
    assert list(found[-1].rph) == facts.get("rph", [])


def test_all_that_a_token_says() -> None:
    value = f'{token()};info=<https://c.example/2>;alg=ES256;ppt="shaken"'
    found = read_identity(value)
    assert found.problems == ()
    assert (found.ppt, found.attest, found.alg) == ("shaken", "A", "ES256")
    assert (found.x5u, found.info) == ("https://c.example/1", "https://c.example/2")
    assert (found.iat, found.origid) == (1_794_819_600, "3a47ca23")


def test_the_compact_form_leaves_the_claims_out() -> None:
    found = read_identity("..c2ln;info=<https://c.example/1>;alg=ES256")
    assert (found.compact, found.problems) == (True, ())
    assert not found.orig


@pytest.mark.parametrize(
    ("value", "problem"),
    [
        ("", "parts"),
        ("a.b", "parts"),
        ("a.b.c.d", "parts"),
        ("?.e30.c2ln", "base64"),
        ("a.e30.c2ln", "base64"),
        (f"{encoded(b'x')}.e30.c2ln", "json"),
        (f"{encoded(b'[]')}.e30.c2ln", "json"),
        (f"{encoded(b'[' * 5000)}.e30.c2ln", "json"),
        (token(signature=""), "signature"),
        (token(signature="%"), "base64"),
        ("x" * (MAX_TOKEN + 1), "too-long"),
        (token(HEADER | {"typ": "JWT"}), "typ"),
        (token(HEADER | {"alg": "none"}), "alg"),
        (token({k: v for k, v in HEADER.items() if k != "x5u"}), "x5u"),
        (f"{token()};ppt=div", "ppt"),
    ],
)
def test_tokens_that_are_misformed(value: str, problem: str) -> None:
    assert problem in read_identity(value).problems


@pytest.mark.parametrize(
    ("claims", "problem"),
    [
        ({"iat": "soon"}, "iat"),
        ({"iat": True}, "iat"),
        ({"iat": -1}, "iat"),
        ({"iat": 1e300}, "iat"),
        ({"orig": None}, "orig"),
        ({"orig": {"tn": "x"}}, "orig"),
        ({"dest": {"tn": []}}, "dest"),
        ({"attest": "D"}, "attest"),
    ],
)
def test_claims_that_are_missing_or_wrong(claims: Any, problem: str) -> None:
    assert with_claims(**claims).problems == (problem,)


def test_padding_is_forgiven() -> None:
    parts = [part + "=" * (-len(part) % 4) for part in token().split(".")]
    assert read_identity(".".join(parts)).problems == ()


@pytest.mark.parametrize(
    ("text", "number"),
    [
        ("+12025550111", "12025550111"),
        ("+1 (202) 555-0111", "12025550111"),
        ("12025550111;npdi", "12025550111"),
        ("*21#", "*21#"),
        ("alice", ""),
        ("anonymous", ""),
        ("+", ""),
        ("1" * 65, ""),
    ],
)
def test_numbers_as_they_stand_in_a_token(text: str, number: str) -> None:
    assert canonical_number(text) == number


@given(st.text(max_size=200))
def test_whatever_stands_there_is_read(text: str) -> None:
    read_identity(text)


@given(
    st.dictionaries(
        st.sampled_from(sorted(CLAIMS)),
        st.recursive(
            st.none()
            | st.booleans()
            | st.floats()
            | st.integers()
            | st.text(max_size=9),
            lambda inner: (
                st.lists(inner, max_size=3)
                | st.dictionaries(
                    st.sampled_from(["tn", "uri", "auth"]), inner, max_size=3
                )
            ),
            max_leaves=6,
        ),
    )
)
def test_whatever_is_claimed_is_read(claims: Any) -> None:
    read_identity(token(claims=CLAIMS | claims))
