"""A real S3 server on loopback: Ceph's RADOS Gateway over one monitor and one OSD that
keeps everything in memory.

    PYTHONPATH=tests python tests/servers/ceph_rgw.py FOLDER ACCESS_KEY SECRET_KEY

prints the gateway's URL when it answers, and runs until its standard input ends: so
that the daemons go when the tests go, however those end.

On Debian: ``apt-get install --no-install-recommends radosgw ceph-mon ceph-osd``.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
import urllib.error
import urllib.request
import uuid
from pathlib import Path

from ports import free_port

#: For everything to come up, in seconds; it takes 10 to 20.
PATIENCE = 90

CONFIGURATION = """\
[global]
fsid = {fsid}
mon host = {monitor}
public addr = 127.0.0.1
ms bind ipv6 = false
ms bind msgr1 = false
keyring = {folder}/keyring
run dir = {folder}
admin socket = {folder}/$name.sock
log file = {folder}/$name.log
mon data = {folder}/mon
osd data = {folder}/osd
rgw data = {folder}/rgw
osd objectstore = memstore
memstore device bytes = 1073741824
# One OSD is all there is: keep one copy, in few placement groups.
osd pool default size = 1
osd pool default min size = 1
osd pool default pg num = 1
osd pool default pgp num = 1
osd crush chooseleaf type = 0
mon allow pool size one = true
mon max pg per osd = 1000
"""


class Cluster:
    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.daemons: list[subprocess.Popen[bytes]] = []
        self.monitor = f"[v2:127.0.0.1:{free_port()}]"
        self.configuration = folder / "ceph.conf"

    def run(self, program: str, *arguments: str) -> None:
        """Run a program of Ceph's to its end."""
        environment = {**os.environ, "CEPH_CONF": str(self.configuration)}
        subprocess.run(
            [program, *arguments],
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=sys.stderr,
            check=True,
            timeout=PATIENCE,
        )

    def start(self, program: str, *arguments: str) -> None:
        """Start a daemon in the foreground, tied to the life of this process."""
        with (self.folder / f"{program}.out").open("wb") as log:
            daemon = subprocess.Popen(
                [
                    *("setpriv", "--pdeathsig", "KILL", program, "-f"),
                    *("-c", str(self.configuration), *arguments),
                ],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
            )
        self.daemons.append(daemon)

    def up(self, access_key: str, secret_key: str) -> str:
        """Start everything; the URL of the gateway."""
        folder = self.folder
        for name in ("mon", "osd", "rgw"):
            (folder / name).mkdir(parents=True)
        fsid, osd = str(uuid.uuid4()), str(uuid.uuid4())
        self.configuration.write_text(
            CONFIGURATION.format(fsid=fsid, monitor=self.monitor, folder=folder)
        )
        keyring = str(folder / "keyring")
        everything = ("--cap", "mon", "allow *", "--cap", "osd", "allow *")
        self.run("ceph-authtool", "-C", keyring, "--gen-key", "-n", "mon.", *everything)
        for name in ("client.admin", "osd.0"):
            self.run("ceph-authtool", keyring, "--gen-key", "-n", name, *everything)
        monmap = str(folder / "monmap")
        self.run(
            *("monmaptool", "--create", "--fsid", fsid, "--addv", "a", self.monitor),
            monmap,
        )
        self.run(
            *("ceph-mon", "-c", str(self.configuration), "-i", "a", "--mkfs"),
            *("--monmap", monmap, "--keyring", keyring),
        )
        self.start("ceph-mon", "-i", "a")
        self.run("ceph", "--connect-timeout", "30", "osd", "new", osd, "0")
        self.run(
            *("ceph-osd", "-c", str(self.configuration), "-i", "0", "--mkfs"),
            *("--no-mon-config", "--osd-uuid", osd),
        )
        self.start("ceph-osd", "-i", "0")
        port = free_port()
        frontend = f"beast endpoint=127.0.0.1:{port} tcp_nodelay=1"
        self.start(
            *("radosgw", "-n", "client.admin", "--keyring", keyring),
            f"--rgw_frontends={frontend}",
        )
        url = f"http://127.0.0.1:{port}"
        self.wait_for(url)
        self.run(
            *("radosgw-admin", "user", "create", "--uid=vault", "--display-name=vault"),
            *(f"--access-key={access_key}", f"--secret-key={secret_key}"),
        )
        return url

    def wait_for(self, url: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while time.monotonic() < deadline:
            for daemon in self.daemons:
                if daemon.poll() is not None:
                    sys.exit(f"{daemon.args!r} ended; see {self.folder}")
            try:
                urllib.request.urlopen(url, timeout=5).close()
            except (OSError, urllib.error.URLError):
                time.sleep(0.2)
            else:
                return
        sys.exit(f"the gateway does not answer; see {self.folder}")

    def down(self) -> None:
        for daemon in reversed(self.daemons):
            daemon.kill()
        for daemon in self.daemons:
            daemon.wait()


def main(folder: str, access_key: str, secret_key: str) -> None:
    cluster = Cluster(Path(folder))
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(0))
    try:
        sys.stdout.write(f"{cluster.up(access_key, secret_key)}\n")
        sys.stdout.flush()
        sys.stdin.read()
    finally:
        cluster.down()


if __name__ == "__main__":
    main(*sys.argv[1:])
