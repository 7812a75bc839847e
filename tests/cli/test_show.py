from __future__ import annotations

import json
import time
from collections.abc import Callable
from datetime import datetime
from datetime import timedelta
from datetime import timezone
from pathlib import Path

import pytest
from click.testing import Result

from flask_sipvault.evidence import Evidence
from flask_sipvault.evidence import LogLine
from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

Run = Callable[..., Result]

CALL_ID = "1-23321@127.0.0.2"


@pytest.fixture
def shown(run: Run, agent_corpus: Path) -> Run:
    """The vault holds one answered call."""
    log = agent_corpus / "answered_rtcp.log"
    run("import", agent_corpus / "answered_rtcp.pcap", "--logs", log)
    return run


def test_a_call_is_shown_with_its_outcome_and_its_ladder(shown: Run) -> None:
    result = shown("show", CALL_ID)
    assert (result.exit_code, result.stderr) == (0, "")
    headline, *rest = result.stdout.splitlines()
    assert headline.startswith("Answered")
    for word in ("INVITE", "180 Ringing", "200 OK", "BYE", "127.0.0.2:5061"):
        assert word in "\n".join(rest)


def test_a_call_is_shown_with_how_it_was_heard(shown: Run) -> None:
    last = shown("show", CALL_ID).stdout.splitlines()[-1]
    assert last.startswith("Audio good: caller → called MOS 4.4, 0.0 % lost")
    assert "called → caller MOS 4.1, worst 3.9, 3.2 % lost" in last


def test_a_call_is_shown_with_who_vouches_for_the_caller(run: Run) -> None:
    data = Path(__file__).parents[1] / "data"
    run("import", data / "stir" / "identity-a.pcap")
    lines = run("show", "e513af36ff9f7bdb@198.51.100.21").stdout.splitlines()
    (said,) = [line for line in lines if line.startswith("Identity of message 1: ")]
    assert "attestation A" in said
    assert "12025550111 → 442079460161" in said
    assert "The signature was not verified: no certificate was fetched." in lines


def test_the_document_is_one_json_object(shown: Run) -> None:
    result = shown("show", CALL_ID, "--json")
    assert (result.exit_code, result.stderr) == (0, "")
    document = json.loads(result.stdout)
    assert (document["call_id"], document["customer_id"]) == (CALL_ID, "acme")
    assert document["outcome"]["status"] == "answered"
    assert [message["n"] for message in document["messages"]] == [*range(1, 8)]
    assert len(document["media"]["rtcp"]) == 5
    assert len(document["logs"]) == 6


def test_a_call_that_is_not_stored_fails_with_the_likely_causes(shown: Run) -> None:
    result = shown("show", "another@call")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing is stored" in result.stderr
    assert "agent" in result.stderr
    assert "pruned" in result.stderr


def test_a_call_older_than_the_look_back_is_said_to_be_stored_and_can_be_shown(
    shown: Run, environment: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "3")
    month_ago = time.time_ns() - 30 * 86_400 * 10**9
    line = LogLine(month_ago, "proxy", "a line")
    vault = Vault(FolderStore(environment / "acme"), customer_id="acme")
    vault.put(Evidence("acme", "old@host", logs=[line]))
    day = datetime.fromtimestamp(month_ago // 10**9, timezone.utc).date()

    refused = shown("show", "old@host")
    assert (refused.exit_code, refused.stdout) == (1, "")
    assert "It is stored, but 30 days old" in refused.stderr
    assert f"--since {day}" in refused.stderr
    assert shown("show", "old@host", "--since", str(day)).exit_code == 0
    later = shown("show", "old@host", "--since", str(day + timedelta(days=1)))
    assert later.exit_code == 1
    monkeypatch.setenv("SIPVAULT_LOOKBACK_DAYS", "0")
    assert shown("show", "old@host").exit_code == 0


@pytest.mark.parametrize("date", ["yesterday", "23.11.2026", "2026-13-01"])
def test_what_is_no_date_is_a_wrong_use(shown: Run, date: str) -> None:
    assert shown("show", CALL_ID, "--since", date).exit_code == 2


def test_a_call_of_another_customer_is_not_shown(
    shown: Run, monkeypatch: pytest.MonkeyPatch, environment: Path
) -> None:
    (environment / "other").mkdir()
    monkeypatch.setenv("SIPVAULT_CUSTOMERS", '[{"id": "acme"}, {"id": "other"}]')
    assert shown("show", CALL_ID, "--customer", "other").exit_code == 1
    assert shown("show", CALL_ID, "--customer", "acme").exit_code == 0


def test_an_unknown_customer_is_a_wrong_use(shown: Run) -> None:
    result = shown("show", CALL_ID, "--customer", "nobody")
    assert (result.exit_code, result.stdout) == (2, "")


def test_a_store_that_is_down_is_not_a_call_that_is_missing(
    shown: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("SIPVAULT_STORE", "s3")
    monkeypatch.setenv("SIPVAULT_S3_ENDPOINT", "http://127.0.0.1:1")
    monkeypatch.setenv("SIPVAULT_S3_ACCESS_KEY", "key")
    monkeypatch.setenv("SIPVAULT_S3_SECRET_KEY", "secret of the store")
    monkeypatch.setenv("SIPVAULT_CUSTOMERS", '[{"id": "acme", "bucket": "calls"}]')
    result = shown("show", CALL_ID)
    assert (result.exit_code, result.stdout) == (1, "")
    assert "nothing is stored" not in result.stderr
    assert result.stderr.startswith("Error: ")
    assert "secret of the store" not in result.stderr


def test_a_message_cannot_play_with_the_terminal(run: Run, tmp_path: Path) -> None:
    from flask_sipvault.evidence import Evidence
    from flask_sipvault.evidence import SipPacket
    from flask_sipvault.protocols.address import Endpoint
    from flask_sipvault.vault.folder import FolderStore
    from flask_sipvault.vault.vault import Vault

    payload = b"SIP/2.0 200 \x1b]0;owned\x07\r\nCall-ID: x@h\r\nCSeq: 1 INVITE\r\n\r\n"
    end = Endpoint("192.0.2.1", 5060)
    evidence = Evidence(
        "acme", "x@h", sip=[SipPacket(10**18, end, end, "udp", payload)]
    )
    (tmp_path / "vault" / "acme").mkdir(parents=True)
    store = FolderStore(tmp_path / "vault" / "acme")
    Vault(store, customer_id="acme").put(evidence)
    result = run("show", "x@h")
    assert "\x1b" not in result.output
    assert "\x07" not in result.output


@pytest.mark.parametrize(
    ("form", "start"),
    [
        ("json", '{"call_id": '),
        ("svg", "<?xml "),
        ("html", "<!doctype html>"),
        ("sipp-uac", "<?xml "),
        ("sipp-uas", "<?xml "),
    ],
)
def test_a_call_can_be_had_as_a_file(form: str, start: str, shown: Run) -> None:
    result = shown("show", CALL_ID, "--format", form)
    assert (result.exit_code, result.stderr) == (0, "")
    assert result.stdout.startswith(start)


@pytest.mark.parametrize("form", ["text", "json", "svg", "html", "sipp-uac"])
def test_a_masked_call_names_nobody(form: str, shown: Run) -> None:
    result = shown("show", CALL_ID, "--format", form, "--mask")
    assert result.exit_code == 0
    for original in ("alice", "bob", "127.0.0.", CALL_ID, "acme"):
        assert original not in result.stdout


def test_a_call_without_its_invite_has_no_scenario(
    shown: Run, agent_corpus: Path
) -> None:
    shown("import", agent_corpus / "non_calls.pcap", "--all")
    listed = shown("import", agent_corpus / "non_calls.pcap", "--all", "--json")
    call_id = json.loads(listed.stdout.splitlines()[0])["call_id"]
    result = shown("show", call_id, "--format", "sipp-uas")
    assert (result.exit_code, result.stdout) == (1, "")
    assert "no INVITE was captured beside the called side" in result.stderr
