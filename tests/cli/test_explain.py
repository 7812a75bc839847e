"""``flask sipvault explain``."""

from __future__ import annotations

from click.testing import CliRunner

from flask_sipvault.analysis.findings.registry import rules_by_id
from flask_sipvault.cli import cli


def explained(*arguments: str) -> tuple[int, str]:
    result = CliRunner().invoke(cli, ["explain", *arguments])
    return result.exit_code, result.output


def test_a_finding_with_causes_and_settings() -> None:
    status, text = explained("ack-missing")
    assert status == 0
    assert "[ack-missing]" in text
    assert "Causes:" in text and "Kamailio:" in text


def test_a_status_code_and_a_cause() -> None:
    assert explained("486") == (0, "SIP 486: the called side is busy\n")
    assert explained("Q.850 17") == (0, "Q.850 17: user busy\n")


def test_without_a_name_all_are_listed() -> None:
    status, text = explained()
    assert status == 0
    assert all(name in text for name in rules_by_id())


def test_a_misspelt_name_gets_the_nearest() -> None:
    status, text = explained("ack-mising")
    assert status == 1
    assert "ack-missing" in text
