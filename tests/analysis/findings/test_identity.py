"""Signatures of callers that are missing, or do not hold."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from flask_sipvault.analysis.call import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence

from ...protocols.test_passport import CLAIMS
from ...protocols.test_passport import STIR
from ...protocols.test_passport import token
from ..sip.test_identity import DATE
from ..sip.test_identity import IAT
from .media_changes import alarms
from .media_changes import numbers
from .media_changes import of
from .media_changes import PCMU
from .media_changes import Talk

SIGNED = (
    f"Identity: {token(claims=CLAIMS | {'iat': IAT, 'orig': {'tn': '551140028922'}})}",
    f"Date: {DATE}",
    "Diversion: <sip:+442079460161@x>",
)


def refused(
    story: Any,
    start: str,
    *headers: str,
    signed: tuple[str, ...] = (),
    way: tuple[str, ...] = ("alice", "bob"),
) -> Call:
    talk = Talk(story, way)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=signed)
    talk.response(0.1, start, "INVITE", cseq=1, headers=headers)
    talk.request(0.2, "ACK", cseq=1)
    return story.call()  # type: ignore[no-any-return]


@pytest.mark.parametrize("way", [("alice", "bob"), ("alice", "proxy", "bob")])
def test_only_signed_calls_are_taken(story: Any, way: tuple[str, ...]) -> None:
    call = refused(story, "428 Use Identity Header", way=way)
    finding = of(call, "identity-missing")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("error", "")
    assert finding.parameters["host"] == story.hosts["bob"]
    assert call.messages[(numbers(finding)[0] or 0) - 1].code == 428
    assert alarms(call) == ["identity-missing"]


def test_the_reason_may_say_it_beside_another_code(story: Any) -> None:
    reason = 'Reason: STIR;cause=428;text="Use Identity Header"'
    assert alarms(refused(story, "403 Forbidden", reason)) == ["identity-missing"]


def test_a_hop_took_the_signature_out(story: Any) -> None:
    way = ("alice", "proxy", "bob")
    refused(story, "428 Use Identity Header", signed=SIGNED, way=way)
    for packet in story.evidence.sip:
        if packet.src == story.hosts["proxy"]:
            packet.payload = packet.payload.replace(b"Identity:", b"X-Gone:")
    finding = of(explain(story.evidence), "identity-missing")
    assert finding is not None
    assert finding.variant == "removed"


def test_another_kind_of_signature_is_wanted(story: Any) -> None:
    call = refused(story, "428 Use Identity Header", signed=SIGNED)
    finding = of(call, "identity-missing")
    assert finding is not None
    assert finding.variant == "present"


def test_a_call_that_is_signed_at_the_second_attempt(story: Any) -> None:
    talk = Talk(story).request(0, "INVITE", cseq=1, body=PCMU, tags="a")
    talk.response(0.1, "428 Use Identity Header", "INVITE", cseq=1)
    talk.request(0.2, "ACK", cseq=1)
    talk.request(0.3, "INVITE", cseq=2, body=PCMU, tags="a", headers=SIGNED)
    talk.response(1, "200 OK", "INVITE", cseq=2, body=PCMU)
    talk.request(1.1, "ACK", cseq=2)
    assert alarms(talk.hung_up(30)) == []


@pytest.mark.parametrize(
    ("start", "variant"),
    [
        ("436 Bad Identity Info", "refused-certificate"),
        ("437 Unsupported Credential", "refused-credential"),
        ("438 Invalid Identity Header", "refused-signature"),
        ("403 Stale Date", "refused-date"),
    ],
)
def test_a_signature_is_not_accepted(story: Any, start: str, variant: str) -> None:
    call = refused(story, start, signed=SIGNED)
    finding = of(call, "identity-invalid")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("error", variant)
    assert alarms(call) == ["identity-invalid"]


def test_the_token_shows_why_it_is_not_accepted(story: Any) -> None:
    stale = f"Identity: {token(claims=CLAIMS | {'iat': IAT - 900})}"
    signed = (stale, f"Date: {DATE}")
    call = refused(story, "438 Invalid Identity Header", signed=signed)
    finding = of(call, "identity-invalid")
    assert finding is not None
    assert finding.variant == "refused-stale"
    assert finding.parameters["age_ms"] == 900_000


@pytest.mark.parametrize(
    ("name", "variant"),
    [
        ("identity-a", None),
        ("identity-b", None),
        ("identity-c", None),
        ("identity-compact", None),
        ("identity-div", None),
        ("identity-rph", None),
        ("identity-stale", "stale"),
        ("identity-wrong-numbers", "orig"),
    ],
)
def test_what_tokens_say_of_calls_that_were_answered(
    imported: Callable[[Path], list[Evidence]], name: str, variant: str | None
) -> None:
    (evidence,) = imported(STIR / f"{name}.pcap")
    call = explain(evidence)
    finding = of(call, "identity-invalid")
    assert (finding.variant if finding is not None else None) == variant
    assert alarms(call) == (["identity-invalid"] if variant else [])


@pytest.mark.parametrize(
    ("value", "variant"),
    [
        ("rubbish", "misformed"),
        (
            token(claims=CLAIMS | {"iat": IAT, "dest": {"tn": "15550100199"}}),
            "dest",
        ),
    ],
)
def test_tokens_that_do_not_fit(story: Any, value: str, variant: str) -> None:
    claims = f"Identity: {value}"
    asserted = "P-Asserted-Identity: <tel:+12025550111>"
    headers = (claims, f"Date: {DATE}", asserted)
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=headers)
    for packet in story.evidence.sip:
        packet.payload = packet.payload.replace(b"sip:bob@", b"sip:+442079460161@")
    talk.response(1, "200 OK", "INVITE", cseq=1, body=PCMU)
    talk.request(1.1, "ACK", cseq=1)
    finding = of(talk.hung_up(30), "identity-invalid")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("warning", variant)


@pytest.mark.parametrize("refusal", ["403 Forbidden", "486 Busy Here", "404 Not Found"])
def test_other_refusals_are_not_about_the_signature(story: Any, refusal: str) -> None:
    call = refused(story, refusal, signed=SIGNED)
    assert of(call, "identity-invalid") is None
    assert of(call, "identity-missing") is None


def test_a_verifier_tells_its_verdict_and_lets_the_call_pass(story: Any) -> None:
    talk = Talk(story)
    talk.request(0, "INVITE", cseq=1, body=PCMU, tags="a", headers=SIGNED)
    reason = 'Reason: STIR;cause=437;text="Unsupported Credential"'
    talk.response(0.5, "183 Progress", "INVITE", cseq=1, headers=(reason,))
    talk.response(1, "200 OK", "INVITE", cseq=1, body=PCMU)
    talk.request(1.1, "ACK", cseq=1)
    finding = of(talk.hung_up(30), "identity-invalid")
    assert finding is not None
    assert (finding.severity, finding.variant) == ("warning", "refused-credential")
