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
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.evidence import SipPacket
from flask_sipvault.importing.importer import import_capture
from flask_sipvault.masking import mask
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.capture import read_capture
from flask_sipvault.protocols.rtp_events import TelephoneEvent
from flask_sipvault.protocols.rtp_figures import StreamFigures

from ..wire import ALICE
from ..wire import BOB
from ..wire import icmp
from ..wire import sip
from ..wire import tcp
from ..wire import udp
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
    """What became of the call."""
    return dataclasses.asdict(call.outcome)


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


def test_a_message_that_is_cut_shows_no_half_of_a_number() -> None:
    whole = sip("INVITE sip:4930123456@example.com SIP/2.0", contact="sip:4930987654@h")
    for size in range(60, len(whole)):
        cut = SipPacket(
            *(1, ALICE, BOB, "udp", whole[:size], len(whole) - size),
            incomplete="cut",
        )
        masked = mask(Evidence("acme", "call@example.com", sip=[cut])).sip[0]
        assert b"49301" not in masked.payload
        assert b"49309" not in masked.payload
        assert masked.incomplete == "cut"
        assert masked.missing >= cut.missing


def test_an_error_of_the_network_says_the_same_of_nobody() -> None:
    invite = udp(sip("INVITE sip:4930123456@example.com SIP/2.0"))
    packets = [
        icmp(3, 4, invite, quoted=400, mtu=1400, by="203.0.113.77"),
        tcp(0x04, BOB, ALICE),
        tcp(0x02, ALICE, BOB),
    ]
    events = [NetworkEvent.read(n, packet) for n, packet in enumerate(packets)]
    call = Evidence("acme", "call@example.com")
    call.network = [event for event in events if event is not None]
    masked = mask(call)
    kinds = [event.error.kind for event in masked.network]
    assert kinds == ["too-big", "reset", "unanswered"]
    assert masked.network[0].error.mtu == 1400
    for event in masked.network:
        assert NetworkEvent.read(event.ts, event.packet) == event
        assert b"4930123456" not in event.packet
    lost = [(it.error.lost_src, it.error.lost_dst) for it in masked.network]
    assert lost[0] == lost[1] == lost[2]
    assert lost[0] != (ALICE, BOB)
    assert lost[0][0].port == ALICE.port


def test_which_keys_were_pressed_is_masked() -> None:
    event = TelephoneEvent(7, 1, 2, 101, 100, 10, 7, ended=True, described=True)
    stream = StreamFigures(1, ALICE, BOB, 1, 2, 7, 7, telephone_events=[event])
    masked = mask(Evidence("acme", "call@example.com", media=[stream]))
    assert masked.media[0].telephone_events == [dataclasses.replace(event, event=None)]
