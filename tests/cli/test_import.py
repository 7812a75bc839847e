from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from click.testing import Result

from flask_sipvault.evidence import Evidence
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

from ..wire import capture
from ..wire import icmp
from ..wire import sdp
from ..wire import Seen
from ..wire import sip
from ..wire import udp

Run = Callable[..., Result]

SCENARIOS = sorted(
    path.stem
    for path in (Path(__file__).parent.parent / "data" / "agent").glob("*.pcap")
)


def objects(result: Result) -> dict[str, dict[str, Any]]:
    """The results by Call-ID: every line of stdout must be a JSON object."""
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return {entry["call_id"]: entry for entry in found}


def keys(store: Path) -> list[str]:
    return sorted(str(path.relative_to(store)) for path in store.rglob("*.zip"))


def stored(store: Path, call_id: str) -> Evidence:
    vault = Vault(FolderStore(store / "acme"), customer_id="acme", lookback_days=3650)
    evidence = vault.find(call_id)
    assert evidence is not None
    return evidence


@pytest.mark.parametrize("scenario", SCENARIOS)
def test_a_recording_comes_in_whole(
    run: Run,
    environment: Path,
    agent_corpus: Path,
    expected: Callable[[Path], dict[str, Any]],
    scenario: str,
) -> None:
    capture = agent_corpus / f"{scenario}.pcap"
    log = agent_corpus / f"{scenario}.log"
    result = run("import", capture, "--json", "--all", "--logs", log)
    assert result.exit_code == 0
    wanted = {
        call_id: {
            "call_id": call_id,
            "customer_id": "acme",
            "messages": call["pcap"]["messages"],
            "rtcp": call["pcap"]["rtcp"],
            "logs": call["log_lines_in_file"],
            "stored_before": "no",
            "moved_seconds": 0.0,
        }
        for call_id, call in expected(capture)["calls"].items()
    }
    found = objects(result)
    written = [key for entry in found.values() for key in entry.pop("key")]
    assert found == wanted
    assert keys(environment / "acme") == sorted(written)


def test_one_call_is_one_line(run: Run, agent_corpus: Path) -> None:
    result = run("import", agent_corpus / "answered_rtcp.pcap")
    assert result.stdout == "1-23321@127.0.0.2  7 messages, 5 RTCP, 0 log lines\n"


def test_calls_alone_are_kept(run: Run, agent_corpus: Path) -> None:
    result = run("import", "--json", agent_corpus / "non_calls.pcap")
    assert (result.exit_code, result.stdout) == (0, "")
    assert "No call was found." in result.stderr
    assert "SIP messages of no call, left out: 10." in result.stderr


def test_what_was_kept_is_what_was_captured(
    run: Run, environment: Path, agent_corpus: Path
) -> None:
    capture = agent_corpus / "answered_rtcp.pcap"
    run("import", capture, "--logs", agent_corpus / "answered_rtcp.log")
    evidence = stored(environment, "1-23321@127.0.0.2")
    data = capture.read_bytes()
    assert all(packet.payload in data for packet in evidence.sip)
    assert [line.source for line in evidence.logs] == ["answered_rtcp.log"] * 6
    assert evidence.state == "COMPLETE"


def test_importing_again_doubles_nothing(
    run: Run, environment: Path, agent_corpus: Path
) -> None:
    capture = agent_corpus / "many_20.pcap"
    first = run("import", "--json", capture)
    before = keys(environment)
    again = run("import", "--json", capture)
    assert keys(environment) == before
    assert len(stored(environment, "1-335@127.0.0.2").sip) == 7
    assert {each["stored_before"] for each in objects(again).values()} == {"all"}
    assert {name: each["key"] for name, each in objects(again).items()} == {
        name: each["key"] for name, each in objects(first).items()
    }
    assert "Calls stored before, not written again: 20." in again.stderr


RECORDED = "1-23321@127.0.0.2"


def of_each_kind(evidence: Evidence) -> dict[str, int]:
    kinds = ("sip", "rtcp", "logs", "media")
    return {kind: len(getattr(evidence, kind)) for kind in kinds}


@pytest.mark.parametrize(
    "orders", [("--shift-to-now",) * 2, ("--shift-to-now", "--all")]
)
def test_importing_again_with_other_times_doubles_nothing(
    run: Run,
    environment: Path,
    agent_corpus: Path,
    monkeypatch: pytest.MonkeyPatch,
    orders: tuple[str, str],
) -> None:
    """Twice moved, a moment apart, and moved first and as it was afterwards."""
    words = (agent_corpus / "answered_rtcp.pcap", "--json")
    log = ("--logs", agent_corpus / "answered_rtcp.log")
    run("import", *words, *log, orders[0])
    before, first = keys(environment), stored(environment, RECORDED)
    later = time.time_ns() + 10 * 10**9
    monkeypatch.setattr(time, "time_ns", lambda: later)

    again = run("import", *words, *log, orders[1])

    assert again.exit_code == 0
    (summary,) = objects(again).values()
    assert summary["stored_before"] == "all"
    assert summary["moved_seconds"] != 0
    assert "stored before with other times: 1." in again.stderr
    assert keys(environment) == before
    after = stored(environment, RECORDED)
    assert of_each_kind(after) == of_each_kind(first)
    assert [packet.ts for packet in after.sip] == [packet.ts for packet in first.sip]


def test_of_an_overlapping_file_with_other_times_what_is_new_is_added(
    run: Run, environment: Path, agent_corpus: Path, tmp_path: Path
) -> None:
    whole = (agent_corpus / "answered_rtcp.pcap").read_bytes()
    # The first ends with the call still up, the second begins after its INVITE.
    most = _end_of_frame(whole, len(whole) * 3 // 4)
    (tmp_path / "1.pcap").write_bytes(whole[:most])
    (tmp_path / "2.pcap").write_bytes(whole[:24] + whole[_end_of_frame(whole, 25) :])
    run("import", agent_corpus / "answered_rtcp.pcap")
    expected = stored(environment, RECORDED)
    shutil.rmtree(environment)

    run("import", "--shift-to-now", tmp_path / "1.pcap")
    result = run("import", "--shift-to-now", tmp_path / "2.pcap", "--json")

    (summary,) = objects(result).values()
    assert summary["stored_before"] == "in part"
    assert "Calls stored before in part: 1." in result.stderr
    together = stored(environment, RECORDED)
    assert [p.payload for p in together.sip] == [p.payload for p in expected.sip]
    assert [d.payload for d in together.rtcp] == [d.payload for d in expected.rtcp]
    (moved,) = {
        now.ts - then.ts
        for now, then in zip(
            [*together.sip, *together.rtcp],
            [*expected.sip, *expected.rtcp],
            strict=True,
        )
    }
    assert moved


def test_what_was_stored_too_long_ago_to_be_found_is_not_doubled_either(
    run: Run, environment: Path, agent_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    words = ("import", agent_corpus / "busy_486.pcap")
    run(*words)
    before = keys(environment)
    monkeypatch.setattr(time, "time_ns", lambda: 1_900_000_000 * 10**9)
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "7")

    result = run(*words, "--shift-to-now")

    assert keys(environment) == before
    assert "Calls more than 7 days old: 1." in result.stderr
    assert "--since" in result.stderr


def test_a_call_over_two_files_is_one_call(
    run: Run, agent_corpus: Path, tmp_path: Path
) -> None:
    capture = (agent_corpus / "sip_tcp.pcap").read_bytes()
    whole = objects(run("import", "--json", agent_corpus / "sip_tcp.pcap"))
    middle = _end_of_frame(capture, len(capture) // 2)
    (tmp_path / "1.pcap").write_bytes(capture[:middle])
    (tmp_path / "2.pcap").write_bytes(capture[:24] + capture[middle:])
    halves = objects(run("import", "--json", tmp_path / "1.pcap", tmp_path / "2.pcap"))
    assert {name: entry["messages"] for name, entry in halves.items()} == {
        name: entry["messages"] for name, entry in whole.items()
    }


def test_times_may_be_moved_to_now(
    run: Run, environment: Path, agent_corpus: Path
) -> None:
    capture = agent_corpus / "answered_rtcp.pcap"
    log = agent_corpus / "answered_rtcp.log"
    run("import", capture, "--logs", log)
    before = stored(environment, "1-23321@127.0.0.2")
    shutil.rmtree(environment)
    result = run("import", "--shift-to-now", capture, "--logs", log)
    assert result.exit_code == 0
    after = stored(environment, "1-23321@127.0.0.2")
    moved = {then.ts - ts.ts for then, ts in zip(after.sip, before.sip, strict=True)}
    moved |= {then.ts - ts.ts for then, ts in zip(after.logs, before.logs, strict=True)}
    assert len(moved) == 1
    assert after.last_ts is not None
    assert time.time_ns() - 60 * 10**9 < after.last_ts <= time.time_ns()
    assert [packet.payload for packet in after.sip] == [
        packet.payload for packet in before.sip
    ]
    assert len(after.media) == len(before.media) == 2
    for then, now in zip(before.media, after.media, strict=True):
        assert now.first_ts - then.first_ts in moved
        assert now.buckets[0].ts - then.buckets[0].ts in moved


def test_rtp_of_no_call_is_told(run: Run, public_corpus: Path) -> None:
    result = run("import", public_corpus / "heplify_rtp_rtcp_sip.pcap")
    assert "RTP streams of no call that was seen: 3." in result.stderr


def test_cut_frames_are_told_and_what_to_do_about_them(
    run: Run, tmp_path: Path
) -> None:
    invite = udp(sip("INVITE sip:bob@example.com SIP/2.0", body=sdp(4000)))
    whole = udp(sip("BYE sip:bob@example.com SIP/2.0", cseq="2 BYE"))
    path = tmp_path / "short.pcap"
    seen = [Seen(0, invite, 60), Seen(1, invite, len(invite)), Seen(2, whole)]
    path.write_bytes(capture(seen).getvalue())
    result = run("import", path)
    assert result.exit_code == 0
    assert (
        f"short.pcap: 2 of 3 frames are cut off at {len(invite)} bytes, and what came"
        " behind is lost. Capture with -s 0 to keep all of each frame."
    ) in result.stderr
    shown = run("show", "call@example.com")
    assert shown.stdout.splitlines()[-1] == (
        f"1 packet was cut off at {len(invite)} bytes when it was captured; capture"
        " with -s 0."
    )


def test_messages_that_are_cut_before_their_call_id_are_told(
    run: Run, tmp_path: Path
) -> None:
    invite = udp(sip("INVITE sip:bob@example.com SIP/2.0"))
    path = tmp_path / "short.pcap"
    path.write_bytes(capture([Seen(0, invite, 100)]).getvalue())
    result = run("import", path)
    assert "No call was found." in result.stderr
    assert "cut off before the end of their Call-ID, left out: 1." in result.stderr


def test_a_clock_that_was_set_is_told(run: Run, tmp_path: Path) -> None:
    invite = udp(sip("INVITE sip:bob@example.com SIP/2.0"))
    path = tmp_path / "clock.pcap"
    path.write_bytes(capture([Seen(9, invite), Seen(1, invite)]).getvalue())
    result = run("import", path)
    assert "clock.pcap: time runs back once within it" in result.stderr


def test_what_the_network_said_is_shown_with_the_call(run: Run, tmp_path: Path) -> None:
    invite = udp(sip("INVITE sip:bob@example.com SIP/2.0"))
    path = tmp_path / "icmp.pcap"
    error = icmp(3, 4, invite, mtu=1400, by="203.0.113.1")
    path.write_bytes(capture([Seen(0, invite), Seen(0.25, error)]).getvalue())
    run("import", path)
    assert run("show", "call@example.com").stdout.splitlines()[-1] == (
        "0.2 s: 203.0.113.1 says: too big, and not to be fragmented (MTU 1400), of UDP"
        " 192.0.2.1:5060 → 198.51.100.2:5060"
    )


def test_a_truncated_capture_gives_what_is_whole(
    run: Run, agent_corpus: Path, tmp_path: Path
) -> None:
    data = (agent_corpus / "answered_rtcp.pcap").read_bytes()
    cut = tmp_path / "cut.pcap"
    cut.write_bytes(data[:-7])
    result = run("import", "--json", cut)
    assert result.exit_code == 0
    assert objects(result)["1-23321@127.0.0.2"]["messages"] == 6
    assert result.stderr.startswith("cut.pcap: ")


def test_what_is_no_capture_fails_and_is_named(
    run: Run, agent_corpus: Path, tmp_path: Path
) -> None:
    wrong = tmp_path / "notes.pcap"
    wrong.write_text("These are my notes.\n")
    result = run("import", "--json", wrong, agent_corpus / "busy_486.pcap")
    assert result.exit_code == 1
    assert result.stderr.startswith("notes.pcap: not a pcap or pcapng file")
    assert [*objects(result)] == ["1-28256@127.0.0.2"]


def test_an_empty_file_is_no_capture(run: Run, tmp_path: Path) -> None:
    (tmp_path / "empty.pcap").touch()
    result = run("import", tmp_path / "empty.pcap")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "empty.pcap: " in result.stderr


def test_a_log_may_be_any_file(run: Run, agent_corpus: Path) -> None:
    capture = agent_corpus / "busy_486.pcap"
    result = run("import", "--json", capture, "--logs", capture)
    assert result.exit_code == 0


def test_an_old_call_is_kept_with_a_warning_that_it_will_not_be_found(
    run: Run, agent_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "7")
    data = bytearray((agent_corpus / "busy_486.pcap").read_bytes())
    offset = 24
    while offset < len(data):
        data[offset : offset + 4] = (1_600_000_000).to_bytes(4, _byte_order(data))
        length = int.from_bytes(data[offset + 8 : offset + 12], _byte_order(data))
        offset += 16 + length
    (tmp_path / "old.pcap").write_bytes(data)
    result = run("import", tmp_path / "old.pcap")
    assert result.exit_code == 0
    assert "Calls more than 7 days old: 1." in result.stderr


def test_an_unknown_customer_is_a_wrong_use(run: Run, agent_corpus: Path) -> None:
    result = run("import", "--customer", "nobody", agent_corpus / "busy_486.pcap")
    assert (result.exit_code, result.stdout) == (2, "")
    assert "there is no customer 'nobody'" in result.stderr


@pytest.mark.parametrize("words", [[], ["no-such-file.pcap"]])
def test_a_missing_file_is_a_wrong_use(run: Run, words: list[str]) -> None:
    assert run("import", *words).exit_code == 2


def test_a_store_that_cannot_be_written_fails_in_one_line(
    run: Run, agent_corpus: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "occupied").write_text("a file where the store's folder should be")
    monkeypatch.setenv("SIPVAULT_STORE", str(tmp_path / "occupied"))
    result = run("import", agent_corpus / "busy_486.pcap")
    assert (result.exit_code, result.stdout) == (1, "")
    assert result.stderr.startswith("Error: ")
    assert len(result.stderr.splitlines()) == 1


def test_an_app_s_own_store_is_written(
    run_in_app: Run, agent_corpus: Path, tmp_path: Path
) -> None:
    result = run_in_app("import", "--json", agent_corpus / "busy_486.pcap")
    assert result.exit_code == 0
    assert keys(tmp_path / "vault of the app" / "acme") == sorted(
        objects(result)["1-28256@127.0.0.2"]["key"]
    )


def _byte_order(capture: bytes | bytearray) -> Any:
    return "little" if capture[0] in (0xD4, 0x4D) else "big"


def _end_of_frame(capture: bytes, after: int) -> int:
    """The offset in a pcap file of the first record that begins after another."""
    offset = 24
    while offset < after:
        length = capture[offset + 8 : offset + 12]
        offset += 16 + int.from_bytes(length, _byte_order(capture))
    return offset


def test_the_legs_of_a_call_are_noted_with_it(
    run: Run, environment: Path, own_corpus: Path
) -> None:
    result = run("import", own_corpus / "b2bua_xcid.pcap", "--json")
    assert result.exit_code == 0
    first, second = objects(result)
    assert stored(environment, first).legs == [("header", second)]
    assert stored(environment, second).legs == [("header", first)]


def test_the_headers_that_name_legs_are_a_setting(
    run: Run, environment: Path, own_corpus: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_LEG_HEADERS", "X-Other")
    first, second = objects(run("import", own_corpus / "b2bua_xcid.pcap", "--json"))
    # The media address still gives them away.
    assert stored(environment, first).legs == [("media", second)]
