"""Recordings are sent again as they were, when they were, and to whom one says."""

from __future__ import annotations

import io
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from click.testing import Result

from flask_sipvault.cli import cli
from flask_sipvault.collector.replay import Login
from flask_sipvault.collector.replay import play
from flask_sipvault.collector.replay import read_recording
from flask_sipvault.collector.replay import ReplayError
from flask_sipvault.collector.replay import Sent
from flask_sipvault.protocols import agent
from flask_sipvault.protocols import hep
from flask_sipvault.protocols.agent import FrameReader
from flask_sipvault.protocols.hep_stream import HepReader

from .conftest import recorded
from .conftest import RECORDINGS
from .conftest import SECOND
from .live import handshake
from .live import Live
from .live import recording
from .test_server_recordings import check
from .test_server_recordings import let_end

Replay = Callable[..., Result]


@pytest.fixture
def replay(live: Live, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Replay:
    """Run ``flask sipvault replay`` to the live collector, as fast as it takes it."""
    monkeypatch.chdir(tmp_path)

    def run(name: str, *words: str) -> Result:
        to = f"127.0.0.1:{live.tcp[1]}"
        path = str(RECORDINGS / name)
        words = ("sipvault", "replay", path, "--to", to, "--speed", "1e9", *words)
        return CliRunner().invoke(cli, list(words[1:]))

    return run


@pytest.mark.parametrize(
    ("file", "scenario"),
    [
        ("many_20.svwire", "many_20"),
        ("quality_twice.svwire", "quality_twice"),
        ("hep_tls.heptls", "hep_tls"),
    ],
)
def test_a_recording_that_is_replayed_gives_its_calls(
    file: str, scenario: str, replay: Replay, live: Live
) -> None:
    result = replay(file)
    let_end(live)

    assert result.exit_code == 0, result.output
    check(recorded(f"{scenario}.expected.json"), live)


@pytest.mark.parametrize("scenario", ["answered_rtcp", "ipv6_udp", "cancel_487"])
def test_a_capture_is_sent_as_an_agent_beside_it_would(
    scenario: str, replay: Replay, live: Live
) -> None:
    result = replay(f"{scenario}.pcap", "--customer", "globex", "--token", "tok-globex")
    let_end(live)

    assert result.exit_code == 0, result.output
    assert live.server.gate.bad.total() == 0
    for call_id, call in recorded(f"{scenario}.expected.json")["calls"].items():
        found = live.call(call_id, "globex")
        assert len(found.sip) == call["pcap"]["messages"]
        assert len(found.rtcp) == call["pcap"]["rtcp"]
        assert live.find(call_id) is None


@pytest.mark.parametrize("file", ["answered_rtcp.svwire", "hep_tls.heptls"])
def test_a_recording_can_be_sent_for_another_customer(
    file: str, replay: Replay, live: Live
) -> None:
    result = replay(file, "--customer", "globex", "--token", "tok-globex")
    let_end(live)

    assert result.exit_code == 0, result.output
    calls = recorded(file.split(".")[0] + ".expected.json")["calls"]
    for call_id, call in calls.items():
        assert len(live.call(call_id, "globex").sip) == call["wire"]["sip"]
        assert live.find(call_id) is None


def test_customer_and_token_of_a_capture_come_from_the_settings(
    replay: Replay, live: Live, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setenv("SIPVAULT_STORE", str(tmp_path))
    monkeypatch.setenv("SIPVAULT_WEAK_SECRETS", "true")
    monkeypatch.setenv(
        "SIPVAULT_CUSTOMERS", '[{"id": "acme", "bucket": "a", "token": "tok-acme"}]'
    )
    assert replay("answered_rtcp.pcap").exit_code == 0
    let_end(live)
    assert live.find(next(iter(recorded("answered_rtcp.expected.json")["calls"])))

    monkeypatch.setenv("SIPVAULT_CUSTOMERS", '[{"id": "acme", "bucket": "a"}]')
    result = replay("answered_rtcp.pcap")
    assert result.exit_code == 2
    assert "add --token" in result.output


def test_a_refusal_is_a_failure_that_names_no_token(replay: Replay, live: Live) -> None:
    result = replay("many_20.svwire", "--customer", "acme", "--token", "secret-x")

    assert result.exit_code == 1
    assert "the collector refuses" in result.output
    assert "secret-x" not in result.output
    assert live.server.gate.items.total() == 0


def test_nobody_there_is_a_failure_in_one_line(replay: Replay, live: Live) -> None:
    result = CliRunner().invoke(
        cli, ["replay", str(RECORDINGS / "many_20.svwire"), "--to", "127.0.0.1:1"]
    )

    assert result.exit_code == 1
    assert result.output.startswith("Error: cannot send it to the collector")


@pytest.mark.parametrize("to", ["9060", ":9060", "127.0.0.1", "127.0.0.1:0", "a b:1"])
def test_only_a_host_and_a_port_are_an_address(to: str) -> None:
    result = CliRunner().invoke(
        cli, ["replay", str(RECORDINGS / "many_20.svwire"), "--to", to]
    )

    assert result.exit_code == 2


def test_what_is_no_recording_is_refused(tmp_path: Path, live: Live) -> None:
    (tmp_path / "x").write_bytes(b"no recording at all")
    words = ["replay", str(tmp_path / "x"), "--to", f"127.0.0.1:{live.tcp[1]}"]
    words += ["--customer", "acme", "--token", "tok-acme"]

    result = CliRunner().invoke(cli, words)

    assert result.exit_code == 1
    assert result.output.startswith("Error: x: ")


# What is sent, and when


def sent(name: str, login: Login | None = None, **options: Any) -> list[Sent]:
    return list(read_recording(io.BytesIO(recording(name)), login, **options))


def test_frames_of_the_agent_are_sent_as_they_were_recorded() -> None:
    stream = recording("many_20.svwire")

    assert b"".join(piece.data for piece in sent("many_20.svwire")) == stream


def test_packets_are_sent_as_they_were_recorded() -> None:
    stream = recording("hep_tls.heptls")

    assert b"".join(piece.data for piece in sent("hep_tls.heptls")) == stream


@pytest.mark.parametrize("name", ["answered_rtcp.svwire", "hep_tls.heptls"])
def test_all_times_can_be_moved(name: str) -> None:
    pieces = sent(name, starting_at=1000 * SECOND)
    first = next(piece.ts for piece in pieces if piece.ts)
    before = [piece.ts for piece in sent(name) if piece.ts]

    assert first == 1000 * SECOND
    moved = [piece.ts for piece in pieces if piece.ts]
    assert {a - b for a, b in zip(before, moved, strict=True)} == {before[0] - first}
    stream = b"".join(piece.data for piece in pieces)
    reader = FrameReader() if name.endswith("svwire") else HepReader()
    found = [getattr(each, "ts", 0) for each in reader.feed(stream)]
    assert [ts for ts in found if ts] == moved


def test_a_recording_that_is_damaged_is_sent_as_far_as_it_can_be_read() -> None:
    stream = handshake() + agent.build(agent.Heartbeat(1)) + b"damage that goes on"
    pieces = read_recording(io.BytesIO(stream), None)

    assert next(pieces).is_handshake
    assert next(pieces).data == agent.build(agent.Heartbeat(1))
    with pytest.raises(ReplayError):
        next(pieces)


def test_a_capture_needs_a_login() -> None:
    with pytest.raises(ReplayError, match="for which customer"):
        sent("answered_rtcp.pcap")


def test_a_login_does_not_show_its_token() -> None:
    assert "tok-acme" not in repr(Login("acme", "tok-acme"))


def test_the_pace_is_that_of_the_recording_or_a_multiple() -> None:
    """What is out of order in time, or has none, waits for nothing."""
    times = [0, 10 * SECOND, 12 * SECOND, 11 * SECOND, 14 * SECOND]
    pieces = [Sent(ts, bytes([n])) for n, ts in enumerate(times)]
    arrived: list[tuple[bytes, float]] = []
    began = time.monotonic()

    count = play(
        pieces,
        lambda data: arrived.append((data, time.monotonic() - began)),
        lambda data: None,
        speed=10,
    )

    assert count == 5
    assert b"".join(data for data, _ in arrived) == bytes(range(5))
    at = [round(when, 1) for _, when in arrived]
    assert at == pytest.approx([0.0, 0.2, 0.4], abs=0.15)
    assert arrived[1][0] == b"\2\3"


def test_a_handshake_is_answered_before_anything_follows() -> None:
    order: list[str] = []
    pieces = [Sent(0, b"h", is_handshake=True), Sent(1, b"frame")]

    play(
        pieces,
        lambda data: order.append(f"send {data.decode()}"),
        lambda data: order.append(f"greet {data.decode()}"),
        speed=1,
    )

    assert order == ["greet h", "send frame"]


def test_rtp_of_a_capture_is_not_sent() -> None:
    pieces = sent("answered_rtp.pcap", Login("acme", "tok-acme"))
    kinds = Counter(piece.data[3] for piece in pieces)

    assert kinds == {1: 1, 3: 7}
    assert hep.MAGIC not in b"".join(piece.data for piece in pieces)
