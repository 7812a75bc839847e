"""A collector beside the viewer, and a call that comes in while one looks on.

What an agent beside a proxy once sent is sent again to the collector, at the pace at
which it was captured, as a call of now. When the call is over and in the vault, its CDR
is written, as a proxy would.
"""

from __future__ import annotations

import os
import random
import signal
import socket
import sqlite3
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path
from types import TracebackType

from flask import Flask

from flask_sipvault.analysis.explain import explain
from flask_sipvault.evidence import Evidence

from . import fill

RECORDING = fill.HERE / "recordings" / "acme" / "quality_rtcp0.svwire"
CUSTOMER = "acme"

#: The recorded call's.
_CALL_ID = "1-30984@127.0.0.2"

#: Where agents send to, as by default. Nobody else on the network reaches it here.
HOST, PORT = "127.0.0.1", 9060

#: How long the collector waits for what comes late, in seconds: not long, for a demo.
_LINGER = 2

#: How often the vault is looked into for the call, in seconds.
_LOOK_SECONDS = 1.0

_PATIENCE = 60.0


class LiveError(Exception):
    """The collector does not start; the message says why."""


class LiveCall:
    """Runs a collector and sends it a call, from ``with`` to the end of the block.

    :param port: where the collector listens.
    :param speed: how many times faster than it was the call comes in.
    :ivar shown: set when the call's CDR is in the viewer.
    :raises LiveError: if the collector does not start.
    """

    def __init__(self, app: Flask, *, port: int = PORT, speed: float = 1.0) -> None:
        self.shown = threading.Event()
        # As long as the recorded one, so that every length in the recording holds.
        self.call_id = f"1-{random.randrange(10_000, 100_000)}@127.0.0.2"  # noqa: S311
        self._app = app
        self._to = f"{HOST}:{port}"
        self._speed = speed
        self._ended = threading.Event()
        folder = Path(app.instance_path)
        self._log = folder / "collector.log"
        with self._log.open("wb") as log:
            self._collector = subprocess.Popen(  # noqa: S603 - our own program
                self._command("collect"),
                cwd=fill.HERE.parent,
                env={
                    **os.environ,
                    "SIPVAULT_LISTEN_TCP": self._to,
                    "SIPVAULT_LISTEN_HEP": self._to,
                    "SIPVAULT_METRICS_LISTEN": f"{HOST}:0",
                    "SIPVAULT_LINGER": str(_LINGER),
                },
                stdout=log,
                stderr=log,
            )
        self._thread = threading.Thread(target=self._run, daemon=True)

    def __enter__(self) -> LiveCall:
        try:
            self._wait_for_collector(port=int(self._to.partition(":")[2]))
        except LiveError:
            self._collector.kill()
            self._collector.wait()
            raise
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ended.set()
        self._collector.send_signal(signal.SIGTERM)
        self._collector.wait()
        self._thread.join(_PATIENCE)

    def _command(self, *words: str) -> list[str]:
        app = f"{__package__}:create_app({self._app.instance_path!r})"
        flask = [sys.executable, "-m", "flask", "--app", app]
        return [*flask, "sipvault", *words]

    def _wait_for_collector(self, port: int) -> None:
        deadline = time.monotonic() + _PATIENCE
        while time.monotonic() < deadline:
            if self._collector.poll() is not None:
                raise LiveError(self._log.read_text().strip())
            try:
                socket.create_connection((HOST, port), timeout=1).close()
            except OSError:
                time.sleep(0.05)
            else:
                return
        raise LiveError(f"The collector does not listen; see {self._log}")

    def _run(self) -> None:
        with tempfile.TemporaryDirectory() as folder:
            recording = Path(folder, RECORDING.name)
            recorded = RECORDING.read_bytes()
            recording.write_bytes(
                recorded.replace(_CALL_ID.encode(), self.call_id.encode())
            )
            done = subprocess.run(  # noqa: S603 - our own program, our own file
                [
                    *self._command("replay", str(recording), "--to", self._to),
                    *("--speed", str(self._speed), "--shift-to-now"),
                    *("--customer", CUSTOMER),
                ],
                cwd=fill.HERE.parent,
                capture_output=True,
                text=True,
            )
        if done.returncode != 0:
            sys.stderr.write(done.stderr)
            return
        vault = self._app.extensions["sipvault"].vault(CUSTOMER)
        while not self._ended.wait(_LOOK_SECONDS):
            evidence = vault.find(self.call_id)
            if evidence is not None and evidence.state == "COMPLETE":
                self._write_cdr(evidence)
                self.shown.set()
                return

    def _write_cdr(self, evidence: Evidence) -> None:
        database = sqlite3.connect(self._app.config["DATABASE"])
        try:
            with database:
                fill.insert(database, [fill.cdr(explain(evidence))])
        finally:
            database.close()
