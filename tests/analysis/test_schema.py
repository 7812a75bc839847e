"""The published schema of call.json, held against every recorded call."""

from __future__ import annotations

import json
from collections.abc import Iterator
from importlib.resources import files
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from jsonschema import ValidationError

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import CaptureFacts
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import QualityReport
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.masking import mask
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

from ..wire import ALICE
from ..wire import BOB
from ..wire import icmp
from ..wire import sip
from ..wire import tcp
from ..wire import udp

_RECORDINGS = Path(__file__).parents[1] / "data" / "agent"


@pytest.fixture(scope="module")
def schema() -> dict[str, Any]:
    text = (files("flask_sipvault.analysis") / "call.schema.json").read_text()
    loaded: dict[str, Any] = json.loads(text)
    return loaded


@pytest.fixture(scope="module")
def validator(schema: dict[str, Any]) -> Draft202012Validator:
    return Draft202012Validator(schema)


def _calls(path: Path) -> Iterator[Evidence]:
    with path.open("rb") as file:
        yield from import_capture(
            read_capture(file), customer_id="acme", source=path.name, keep_all=True
        )


def _document(evidence: Evidence) -> Any:
    """As a program reads it."""
    return json.loads(json.dumps(call_document(explain(evidence))))


def test_the_schema_is_one(schema: dict[str, Any]) -> None:
    Draft202012Validator.check_schema(schema)


@pytest.mark.parametrize(
    "name", sorted(path.stem for path in _RECORDINGS.glob("*.pcap"))
)
def test_every_recorded_call_is_as_the_schema_says(
    name: str, validator: Draft202012Validator
) -> None:
    for evidence in _calls(_RECORDINGS / f"{name}.pcap"):
        validator.validate(_document(evidence))


def test_so_is_every_call_that_others_captured(
    public_corpus: Path, validator: Draft202012Validator
) -> None:
    count = 0
    for path in sorted(public_corpus.glob("*.pcap*")):
        for evidence in _calls(path):
            validator.validate(_document(evidence))
            count += 1
    assert count > 50


def test_so_is_a_masked_call(validator: Draft202012Validator) -> None:
    for evidence in _calls(_RECORDINGS / "answered_rtcp.pcap"):
        validator.validate(_document(mask(evidence)))


def test_so_is_a_call_with_all_that_a_capture_may_lack(
    validator: Draft202012Validator,
) -> None:
    invite = sip("INVITE sip:bob@example.com SIP/2.0")
    packets = [icmp(3, 4, udp(invite), mtu=1400), tcp(0x04), tcp(0x02)]
    events = [NetworkEvent.read(n, packet) for n, packet in enumerate(packets)]
    cut = SipPacket(1, ALICE, BOB, "udp", invite[:300], 99, "cut", 2)
    evidence = Evidence("acme", "call@example.com", sip=[cut])
    evidence.network = [event for event in events if event is not None]
    evidence.capture = CaptureFacts(1, 300, 2, 3, 1, 4, [1, 101], has_rtp=False)
    document = _document(evidence)
    validator.validate(document)
    assert [it["kind"] for it in document["network"]] == [
        *("too-big", "reset", "unanswered")
    ]
    assert document["network"][0]["mtu"] == 1400
    assert document["capture"]["cut_at"] == 300
    (message,) = document["messages"]
    assert (message["incomplete"], message["missing_bytes"]) == ("cut", 99)
    assert message["fragments"] == 2


_ENDS = st.sampled_from([Endpoint("192.0.2.1", 5060), Endpoint("2001:db8::2", 0)])


@given(st.binary(max_size=60), st.binary(max_size=60), st.text(max_size=20), _ENDS)
def test_so_is_whatever_a_call_may_hold(
    sip: bytes, rtcp: bytes, text: str, end: Endpoint
) -> None:
    schema = json.loads(
        (files("flask_sipvault.analysis") / "call.schema.json").read_text()
    )
    evidence = Evidence(
        "acme",
        text,
        sip=[SipPacket(1, end, end, "udp", b"SIP/2.0 200 " + sip)],
        rtcp=[RtcpDatagram(2, None, end, rtcp)],
        logs=[LogLine(3, text, text)],
        reports=[QualityReport(4, {"verdict": text, "directions": {"uac": {}}})],
    )
    Draft202012Validator(schema).validate(_document(evidence))


def test_a_key_that_is_not_documented_is_an_error(
    validator: Draft202012Validator,
) -> None:
    document = _document(next(_calls(_RECORDINGS / "busy_486.pcap")))
    document["messages"][0]["colour"] = "blue"
    with pytest.raises(ValidationError, match="'colour' was unexpected"):
        validator.validate(document)


def test_a_key_that_is_missing_is_an_error(validator: Draft202012Validator) -> None:
    document = _document(next(_calls(_RECORDINGS / "busy_486.pcap")))
    del document["outcome"]["talk_ms"]
    with pytest.raises(ValidationError, match="'talk_ms' is a required property"):
        validator.validate(document)
