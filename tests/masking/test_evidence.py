"""Masking as a whole: the same call, between nobodies."""

from __future__ import annotations

import dataclasses
from collections.abc import Iterator
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import settings
from hypothesis import strategies as st

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.ladder.ladder import ladder
from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.masking import mask
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture

from .people import call_of
from .people import People
from .people import people

_RECORDINGS = Path(__file__).parents[1] / "data" / "agent"


def _calls(path: Path) -> Iterator[Evidence]:
    with path.open("rb") as file:
        yield from import_capture(
            read_capture(file), customer_id="acme", source=path.name, keep_all=True
        )


def _call(name: str) -> Evidence:
    """The recorded call that begins with an INVITE."""
    calls = _calls(_RECORDINGS / f"{name}.pcap")
    return next(it for it in calls if it.sip[0].payload.startswith(b"INVITE"))


def _outcome(call: Call) -> dict[str, object]:
    """What became of the call, without the words in which others said why."""
    outcome = dataclasses.asdict(call.outcome)
    del outcome["headline"], outcome["reason"]
    return outcome


def _course(call: Call) -> list[tuple[object, ...]]:
    drawn = ladder(call)
    return [
        (
            *(message.kind, message.method, message.code, message.transaction),
            *(message.retransmission_of, message.ts, bool(message.sdp)),
            *(row.source, row.target, row.style),
        )
        for message, row in zip(call.messages, drawn.rows, strict=True)
    ]


def _whole_text(evidence: Evidence) -> str:
    return repr(evidence)


class TestTheCallStaysTheSame:
    @pytest.mark.parametrize(
        "name", sorted(path.stem for path in _RECORDINGS.glob("*.pcap"))
    )
    def test_when_it_was_recorded(self, name: str) -> None:
        for evidence in _calls(_RECORDINGS / f"{name}.pcap"):
            before, after = explain(evidence), explain(mask(evidence))
            assert _outcome(after) == _outcome(before)
            assert _course(after) == _course(before)

    def test_when_others_captured_it(self, public_corpus: Path) -> None:
        for path in sorted(public_corpus.glob("*.pcap*")):
            for evidence in _calls(path):
                before, after = explain(evidence), explain(mask(evidence))
                assert _outcome(after) == _outcome(before)
                assert _course(after) == _course(before)

    @settings(max_examples=20)
    @given(people)
    def test_whoever_takes_part(self, who: People) -> None:
        evidence = call_of(who)
        before, after = explain(evidence), explain(mask(evidence))
        assert _outcome(after) == _outcome(before)
        assert _course(after) == _course(before)


class TestNobodyIsNamed:
    @given(people)
    def test_anywhere_in_the_evidence(self, who: People) -> None:
        text = _whole_text(mask(call_of(who))).lower()
        assert [it for it in who.all() if it.lower() in text] == []

    def test_in_a_recorded_call(self) -> None:
        evidence = _call("auth_invite")
        text = _whole_text(mask(evidence))
        for original in ("127.0.0.", "alice", "Alice", "bob", "sip.test", "1-32527"):
            assert original not in text


@given(
    st.lists(st.binary(max_size=300) | st.text(max_size=200).map(str.encode)),
    st.lists(st.text(max_size=200)),
)
def test_whatever_was_captured_can_be_masked(
    payloads: list[bytes], lines: list[str]
) -> None:
    end = Endpoint("10.0.0.1", 5060)
    evidence = Evidence(
        "acme",
        "x",
        sip=[
            SipPacket(n, end, end, "tcp", start + payload)
            for n, payload in enumerate(payloads)
            for start in (b"", b"INVITE sip:b SIP/2.0\r\n", b"SIP/2.0 200 OK\r\nFrom:")
        ],
        logs=[LogLine(1, line, line) for line in lines],
    )
    assert len(mask(evidence).sip) == len(evidence.sip)


@settings(max_examples=20)
@given(people)
def test_a_masked_call_is_masked_to_a_call_alike(who: People) -> None:
    """What is a pseudonym already is as good as any name."""
    once = mask(call_of(who))
    assert _course(explain(mask(once))) == _course(explain(once))


def test_one_value_has_one_pseudonym_throughout() -> None:
    evidence = _call("proxy_baresip")
    masked = mask(evidence)
    origins = {
        (old.src, new.src) for old, new in zip(evidence.sip, masked.sip, strict=True)
    }
    assert len(origins) == len({old for old, _ in origins}) == 3
    proxy = next(new for old, new in origins if old.ip == "10.77.0.1")
    assert f"Record-Route: <sip:{proxy.ip};lr;" in masked.sip[2].payload.decode()


def test_a_log_line_before_the_messages_names_nobody_either() -> None:
    """Names are learned from all of the evidence before anything is written."""
    evidence = _call("busy_486")
    evidence.logs = [LogLine(0, "", "waiting for alice, who calls bob")]
    (line,) = mask(evidence).logs
    assert line.line == "waiting for user-2, who calls user-1"
