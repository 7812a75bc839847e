"""Fill the example: users, recorded calls in the vault, and a CDR for each of them."""

from __future__ import annotations

import json
import shutil
import sqlite3
import subprocess
import sys
from datetime import datetime
from datetime import timezone
from pathlib import Path

import click
from flask import current_app
from flask import Flask
from flask.cli import with_appcontext
from werkzeug.security import generate_password_hash

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.media.quality import VERDICTS
from flask_sipvault.protocols.sip import SipMessage

HERE = Path(__file__).resolve().parent

_INSERT = (
    "INSERT INTO acc (method, from_tag, to_tag, callid, sip_code, sip_reason, time,"
    " duration, ms_duration, setuptime, created, caller_id, callee_id, audio, customer)"
    " VALUES (:method, :from_tag, :to_tag, :callid, :sip_code, :sip_reason, :time,"
    " :duration, :ms_duration, :setuptime, :created, :caller_id, :callee_id, :audio,"
    " :customer)"
)


def is_empty(app: Flask) -> bool:
    """Whether the viewer has no call to show yet."""
    database = sqlite3.connect(app.config["DATABASE"])
    try:
        found = database.execute("SELECT EXISTS (SELECT 1 FROM acc)").fetchone()
        return not found[0]
    finally:
        database.close()


def fill(app: Flask) -> int:
    """File every recording under its customer. Returns the number of calls.

    :raises subprocess.CalledProcessError: if the import fails; its message has been
        printed.
    """
    # What a fill that was broken off has left would be filed twice, at two times.
    shutil.rmtree(Path(app.instance_path, "vault"), ignore_errors=True)
    state = app.extensions["sipvault"]
    rows = []
    folders = sorted(path for path in (HERE / "recordings").iterdir() if path.is_dir())
    for folder in folders:
        customer = folder.name
        for call_id in import_recordings(app, folder):
            evidence = state.vault(customer).find(call_id)
            rows.append(cdr(explain(evidence)))
    users = [(folder.name, generate_password_hash(folder.name)) for folder in folders]
    database = sqlite3.connect(app.config["DATABASE"])
    try:
        with database:
            database.executemany(
                "INSERT OR REPLACE INTO users VALUES (?1, ?1, ?2)", users
            )
            insert(database, rows)
    finally:
        database.close()
    return len(rows)


def insert(database: sqlite3.Connection, rows: list[dict[str, str | int]]) -> None:
    """Write CDRs, each as :func:`cdr` makes them."""
    database.executemany(_INSERT, rows)


def import_recordings(app: Flask, folder: Path) -> list[str]:
    """Import a folder as an operator does, by the command line.

    Returns the Call-IDs of what was imported.
    """
    command = [sys.executable, "-m", "flask"]
    command += ["--app", f"{__package__}:create_app({app.instance_path!r})"]
    command += ["sipvault", "import", "--customer", folder.name]
    command += ["--shift-to-now", "--json"]
    command += [str(capture) for capture in sorted(folder.glob("*.pcap"))]
    for log in sorted(folder.glob("*.log")):
        command += ["--logs", str(log)]
    done = subprocess.run(  # noqa: S603 - our own program, our own files
        command, cwd=HERE.parent, capture_output=True, text=True
    )
    if done.returncode != 0:
        sys.stderr.write(done.stderr)
        done.check_returncode()
    return [json.loads(line)["call_id"] for line in done.stdout.splitlines()]


def cdr(call: Call) -> dict[str, str | int]:
    """The row that a proxy's accounting writes of such a call."""
    outcome = call.outcome
    first = call.messages[0]
    assert first.sip is not None and call.first_ts is not None
    answer = _final_response(call)
    talk_ms = outcome.talk_ms or 0
    return {
        "method": call.method,
        "from_tag": first.sip.from_.tag,
        "to_tag": answer.to.tag if answer else "",
        # As the column cuts it: CHAR(64).
        "callid": call.evidence.call_id[:64],
        # A proxy answers 408 itself where nobody did.
        "sip_code": str(outcome.final_code or 408),
        "sip_reason": answer.reason[:32] if answer else "Request Timeout",
        "time": _utc(call.first_ts),
        "duration": round(talk_ms / 1000),
        "ms_duration": round(talk_ms),
        "setuptime": round((outcome.setup_ms or 0) / 1000),
        "created": _utc(call.first_ts),
        "caller_id": call.caller.user,
        "callee_id": call.callee.user,
        "audio": _audio(call),
        "customer": call.evidence.customer_id,
    }


def _final_response(call: Call) -> SipMessage | None:
    """What the INVITE came to: the last final response of that code."""
    for message in reversed(call.messages):
        sip = message.sip
        if sip is None or sip.cseq_method != "INVITE":
            continue
        if sip.code is not None and sip.code == call.outcome.final_code:
            return sip
    return None


def _audio(call: Call) -> str:
    """The worst of how the call was heard; "" where nothing was measured."""
    quality = call.quality
    if quality.audio.status in ("one-way", "silent", "none"):
        return quality.audio.status
    both = [each for each in (quality.uac, quality.uas) if each is not None]
    heard = {each.verdict for each in both}
    heard |= {stretch.verdict for each in both for stretch in each.stretches}
    return next((word for word in reversed(VERDICTS) if word in heard), "")


def _utc(ts: int) -> str:
    moment = datetime.fromtimestamp(ts // 10**9, tz=timezone.utc)
    return moment.strftime("%Y-%m-%d %H:%M:%S")


@click.command("fill")
@with_appcontext
def command() -> None:
    """File the recorded calls and write their CDRs."""
    app = current_app._get_current_object()  # type: ignore[attr-defined]
    if not is_empty(app):
        raise click.ClickException("The viewer holds calls already.")
    click.echo(f"{fill(app)} calls filed.")
