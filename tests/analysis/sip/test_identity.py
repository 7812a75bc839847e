"""Tokens held against the call that carries them."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.sip.identity import Identity
from flask_sipvault.analysis.words.identity import identity_lines
from flask_sipvault.analysis.words.identity import vouched
from flask_sipvault.evidence import Evidence
from flask_sipvault.masking import mask

from ...protocols.test_passport import CLAIMS
from ...protocols.test_passport import STIR
from ...protocols.test_passport import token
from ..conftest import NOON

#: That of :data:`NOON`.
DATE = "Mon, 23 Nov 2026 14:02:11 GMT"
IAT = NOON // 1_000_000_000


def told(
    story: Any,
    *,
    caller: str = "+12025550111",
    callee: str = "+442079460161",
    headers: tuple[str, ...] = (f"Date: {DATE}",),
    claims: Any = None,
    value: str = "",
) -> Identity:
    claims = CLAIMS | {"iat": IAT} | (claims or {})
    identity = value or token(claims=claims)
    story.invite(0, headers=(f"Identity: {identity}", *headers))
    packet = story.evidence.sip[-1]
    packet.payload = packet.payload.replace(
        b"sip:+551140028922@", f"sip:{caller}@".encode()
    ).replace(b"sip:bob@", f"sip:{callee}@".encode())
    (found,) = explain(story.evidence).identities
    return found


@pytest.mark.parametrize("caller", ["+12025550111", "12025550111", "2025550111"])
def test_the_callers_number_in_several_forms(story: Any, caller: str) -> None:
    assert told(story, caller=caller).orig == "same"


def test_a_number_as_it_is_dialled_at_home(story: Any) -> None:
    assert told(story, callee="02079460161").dest == "same"


def test_a_number_with_another_country_code_is_another(story: Any) -> None:
    assert told(story, caller="+2025550111").orig == "other"


def test_the_number_that_the_network_asserts_counts_too(story: Any) -> None:
    headers = ("P-Asserted-Identity: <sip:+12025550111@x>",)
    found = told(story, caller="anonymous", headers=headers)
    assert found.orig == "same"


def test_without_a_number_there_is_nothing_to_compare(story: Any) -> None:
    assert told(story, caller="anonymous").orig == "unknown"


def test_who_diverted_the_call_was_called_first(story: Any) -> None:
    headers = ("Diversion: <sip:+442079460170@x>;reason=unconditional",)
    found = told(story, headers=headers, claims={"dest": {"tn": ["442079460170"]}})
    assert found.dest == "same"


@pytest.mark.parametrize(("iat", "fresh"), [(0, True), (60, True), (61, False)])
def test_it_is_as_old_as_the_date_says(story: Any, iat: int, fresh: bool) -> None:
    found = told(story, claims={"iat": IAT - iat})
    assert (found.age_s, found.fresh, found.age_by_date) == (iat, fresh, True)


def test_without_a_date_the_capture_tells_the_age(story: Any) -> None:
    found = told(story, headers=(), claims={"iat": IAT - 600})
    assert (found.age_s, found.fresh, found.age_by_date) == (600, False, False)


def test_a_capture_that_is_hours_off_tells_no_age(story: Any) -> None:
    assert told(story, headers=(), claims={"iat": IAT - 3600}).fresh is None


@pytest.mark.parametrize(
    "date", ["yesterday", "Mon, 99 Foo 2026 99:99:99 GMT", "x" * 99]
)
def test_a_date_that_cannot_be_read_is_none(story: Any, date: str) -> None:
    assert told(story, headers=(f"Date: {date}",)).age_by_date is False


def test_each_token_counts_once_however_often_it_is_sent(story: Any) -> None:
    told(story)
    story.evidence.sip += [
        type(packet)(packet.ts + 500_000_000, *list_of(packet))
        for packet in story.evidence.sip
    ]
    assert len(explain(story.evidence).identities) == 1


def list_of(packet: Any) -> list[Any]:
    return [packet.src, packet.dst, packet.transport, packet.payload]


def test_so_many_tokens_are_read_and_no_more(story: Any) -> None:
    for n in range(99):
        story.invite(
            n, headers=(f"Identity: {token(claims={'n': n})}",), branch=f"z9hG4bK{n}"
        )
    assert len(explain(story.evidence).identities) == 32


@pytest.mark.parametrize("path", sorted(STIR.glob("*.pcap")), ids=lambda p: p.stem)
def test_a_masked_token_is_as_right_as_it_was(
    imported: Callable[[Path], list[Evidence]], path: Path
) -> None:
    (evidence,) = imported(path)
    plain, masked = explain(evidence), explain(mask(evidence))
    for one, other in zip(plain.identities, masked.identities, strict=True):
        assert (one.orig, one.dest, one.fresh) == (other.orig, other.dest, other.fresh)
        assert one.passport.problems == other.passport.problems
        assert one.passport.ppt == other.passport.ppt
    text = b"".join(packet.payload for packet in mask(evidence).sip)
    numbers = [n for each in plain.identities for n in each.passport.orig.numbers]
    assert not any(number.encode() in text for number in numbers)
    assert [f.id for f in plain.findings] == [f.id for f in masked.findings]


def test_a_masked_token_knows_numbers_that_are_dialled_at_home(story: Any) -> None:
    told(story, callee="02079460161")
    (found,) = explain(mask(story.evidence)).identities
    assert (found.orig, found.dest) == ("same", "same")


def test_nobody_verified_it(story: Any) -> None:
    found = told(story)
    assert vouched([found]) == "attested A, not verified"
    first, last = identity_lines([found])
    assert "12025550111 → 442079460161" in first
    assert last == "The signature was not verified: no certificate was fetched."


def test_without_a_token_nothing_is_said() -> None:
    assert vouched([]) == ""
    assert list(identity_lines([])) == []
