from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import HealthCheck
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.analysis.document.document import call_document
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.ladder.ladder import as_text
from flask_sipvault.analysis.words.headline import headline
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import RtcpDatagram
from flask_sipvault.evidence import SipPacket
from flask_sipvault.protocols.address import Endpoint

ENDPOINTS = st.builds(
    Endpoint,
    st.sampled_from(["192.0.2.1", "192.0.2.2", "2001:db8::3"]),
    st.sampled_from([0, 5060, 5061]),
)
TIMES = st.integers(0, 2**63 - 1) | st.integers(0, 10**9)
BYTES = st.binary(max_size=200)
TRANSPORTS = st.sampled_from(["udp", "tcp", "tls", "sctp", "ws", "wss"])


def everything(evidence: Evidence) -> str:
    call = explain(evidence)
    assert headline(call)
    assert headline(call).isprintable()
    return json.dumps(call_document(call), allow_nan=False) + as_text(call, 80)


def test_a_call_knows_its_first_request_and_its_span(explained: Any) -> None:
    call = explained("busy_486")
    assert call.method == "INVITE"
    assert call.first_ts == call.messages[0].ts
    assert call.last_ts == call.messages[-1].ts


def test_the_evidence_is_left_as_it_was(story: Any) -> None:
    story.reply(1, "200 OK").invite(0)
    before = list(story.evidence.sip)
    story.call()
    assert story.evidence.sip == before


def test_an_empty_call_is_explained_too() -> None:
    call = explain(Evidence("acme", "1@example.com"))
    assert call.messages == []
    assert (call.method, call.first_ts, call.last_ts) == ("", None, None)


def test_strangers_captures_are_explained(
    public_corpus: Path, captured: Callable[[Path], list[Evidence]]
) -> None:
    for capture in sorted(public_corpus.glob("*.pcap*")):
        for evidence in captured(capture):
            everything(evidence)


def test_the_torture_messages_of_rfc_4475_are_explained(public_corpus: Path) -> None:
    here, there = Endpoint("192.0.2.1", 5060), Endpoint("192.0.2.2", 5060)
    torture = [
        SipPacket(ts, here, there, "udp", path.read_bytes())
        for ts, path in enumerate(sorted((public_corpus / "rfc4475").glob("*.dat")))
    ]
    assert torture
    for packet in torture:
        everything(Evidence("acme", "1@example.com", sip=[packet]))
    everything(Evidence("acme", "1@example.com", sip=torture))


@given(
    st.lists(
        st.builds(SipPacket, TIMES, ENDPOINTS, ENDPOINTS, TRANSPORTS, BYTES),
        max_size=6,
    ),
    st.lists(
        st.builds(
            RtcpDatagram,
            TIMES,
            st.none() | ENDPOINTS,
            st.none(),
            st.binary(max_size=60),
        ),
        max_size=3,
    ),
    st.sampled_from(["COMPLETE", "PARTIAL", "EXPIRED"]),
)
def test_whatever_was_captured_there_is_an_explanation(
    sip: list[SipPacket], rtcp: list[RtcpDatagram], state: Any
) -> None:
    everything(Evidence("acme", "1@example.com", state, sip=sip, rtcp=rtcp))


@pytest.fixture(scope="session")
def genuine(recorded: Callable[..., list[Evidence]]) -> list[SipPacket]:
    """Messages of many kinds to make nonsense of."""
    names = ["proxy_sipp", "proxy_baresip", "cancel_487", "lost_ack_retrans"]
    return [packet for name in names for e in recorded(name) for packet in e.sip]


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(data=st.data())
def test_whatever_is_done_to_real_messages_there_is_an_explanation(
    genuine: list[SipPacket], data: st.DataObject
) -> None:
    sip = []
    for packet in data.draw(st.lists(st.sampled_from(genuine), max_size=12)):
        start = data.draw(st.integers(0, len(packet.payload)))
        end = data.draw(st.integers(start, min(len(packet.payload), start + 40)))
        noise = data.draw(st.binary(max_size=20))
        payload = packet.payload[:start] + noise + packet.payload[end:]
        src, dst = data.draw(st.tuples(ENDPOINTS, ENDPOINTS))
        if data.draw(st.booleans()):
            src, dst = packet.src, packet.dst
        ts, transport = data.draw(TIMES), data.draw(TRANSPORTS)
        sip.append(SipPacket(ts, src, dst, transport, payload))
    state = data.draw(st.sampled_from(["COMPLETE", "PARTIAL", "EXPIRED"]))
    everything(Evidence("acme", "1@example.com", state, sip=sip))
