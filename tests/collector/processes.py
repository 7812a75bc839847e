"""Collectors, and an S3 server, as processes of their own."""

from __future__ import annotations

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Mapping
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.vault import Vault

from ..ports import free_port
from .live import wait_until

CUSTOMERS = [
    {"id": "acme", "bucket": "acme", "token": "tok-acme", "hep_auth_key": "acme's key"}
]


class Process:
    """``flask sipvault collect``, started and listening.

    :param folder: of its store, its spool and its log; shared with its successors.
    :param environment: beside the settings.
    :param launcher: words for Python that make it start the rest.
    :param pass_fds: open files that it gets.
    """

    def __init__(
        self,
        folder: Path,
        *words: str,
        environment: Mapping[str, str] | None = None,
        launcher: Sequence[str] = (),
        pass_fds: Sequence[int] = (),
        **settings: object,
    ) -> None:
        self.folder = folder
        self.metrics = int(settings.pop("metrics_port", 0)) or free_port()  # type: ignore[call-overload]
        given = {
            **(environment or {}),
            "SIPVAULT_STORE": str(folder / "store"),
            "SIPVAULT_SPOOL": str(folder / "spool"),
            "SIPVAULT_CUSTOMERS": json.dumps(CUSTOMERS),
            "SIPVAULT_CUSTOMER_ID": "acme",
            # Short ones are quicker to read in a test.
            "SIPVAULT_WEAK_SECRETS": "true",
            "SIPVAULT_LISTEN_TCP": "127.0.0.1:0",
            "SIPVAULT_LISTEN_HEP": "127.0.0.1:0",
            "SIPVAULT_METRICS_LISTEN": f"127.0.0.1:{self.metrics}",
            "SIPVAULT_LINGER": "1",
            **{f"SIPVAULT_{name.upper()}": str(v) for name, v in settings.items()},
        }
        kept = {k: v for k, v in os.environ.items() if not k.startswith("SIPVAULT_")}
        number = len(list(folder.glob("log.*")))
        self.log = folder / f"log.{number}"
        with self.log.open("wb") as log:
            self._process = subprocess.Popen(
                [
                    *tied_to_this_process(),
                    *(sys.executable, *launcher),
                    *("-m", "flask", "sipvault", "collect", *words),
                ],
                cwd=folder,
                env={**kept, **given},
                pass_fds=pass_fds,
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )

    def ready(self) -> Process:
        """Wait until it listens."""
        wait_until(lambda: "message=listening" in self.said() or self.ended, 60)
        assert not self.ended, (self._process.returncode, self.said())
        return self

    def said(self) -> str:
        return self.log.read_text()

    @property
    def ended(self) -> bool:
        return self._process.poll() is not None

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def tcp(self) -> tuple[str, int]:
        return self._place("tcp")

    @property
    def udp(self) -> tuple[str, int]:
        return self._place("udp")

    def _place(self, kind: str) -> tuple[str, int]:
        found = re.search(rf" {kind}=127\.0\.0\.1:(\d+) ", self.said())
        assert found is not None
        return "127.0.0.1", int(found[1])

    def kill(self) -> None:
        self._process.kill()
        self._process.wait()

    def signal(self, number: signal.Signals) -> None:
        self._process.send_signal(number)

    def wait(self, seconds: float = 30) -> int:
        """Its exit status."""
        return self._process.wait(seconds)

    def stop(self) -> int:
        """Its exit status, after SIGTERM."""
        self.signal(signal.SIGTERM)
        return self.wait(10)

    def health(self) -> dict[str, Any]:
        address = f"http://127.0.0.1:{self.metrics}/health"
        try:
            with urllib.request.urlopen(address, timeout=10) as answer:
                state: dict[str, Any] = json.load(answer)
        except urllib.error.HTTPError as error:
            with error:
                raise AssertionError(error.read()) from None
        return state

    def drain(self, seconds: float = 60) -> None:
        """Wait until every call is in the vault."""

        def all_written() -> bool:
            state = self.health()
            return state["calls"] == 0 and state["parts_waiting"] == 0

        # What was sealed a moment ago is handed to the writer by another thread.
        for _ in range(2):
            wait_until(all_written, seconds)
            time.sleep(0.2)


def folder_vault(folder: Path) -> Vault:
    store = FolderStore(folder / "store" / "acme")
    return Vault(store, customer_id="acme", lookback_days=3650)


ACCESS_KEY, SECRET_KEY = "sipvaultaccess00001", "sipvaultsecret000000000000000000000001"


class S3Server:
    """``rclone serve s3`` over a folder, that can be stopped and started again."""

    def __init__(self, rclone: str, folder: Path) -> None:
        self.port = free_port()
        (folder / "acme").mkdir(parents=True)
        self._words = [
            *tied_to_this_process(),
            *(rclone, "serve", "s3", "--config", "/dev/null"),
            *("--addr", f"127.0.0.1:{self.port}"),
            *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}", str(folder)),
        ]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._words, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        wait_until(self._answers)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def _answers(self) -> bool:
        try:
            socket.create_connection(("127.0.0.1", self.port), timeout=1).close()
        except OSError:
            return False
        return True

    @property
    def settings(self) -> dict[str, str]:
        return {
            "store": "s3",
            "s3_endpoint": f"http://127.0.0.1:{self.port}",
            "s3_access_key": ACCESS_KEY,
            "s3_secret_key": SECRET_KEY,
        }


def tied_to_this_process() -> list[str]:
    """Linux kills the program when this process ends, however it ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []
