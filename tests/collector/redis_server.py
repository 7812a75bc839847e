"""A Redis server of the tests, that can be stopped and started again."""

from __future__ import annotations

import subprocess
from pathlib import Path

import redis

from ..ports import free_port
from .live import wait_until
from .processes import tied_to_this_process

PASSWORD = "the-password-of-redis"


class RedisServer:
    """``redis-server`` on loopback, in memory only."""

    def __init__(self, program: str, folder: Path) -> None:
        self.port = free_port()
        self.url = f"redis://:{PASSWORD}@127.0.0.1:{self.port}/0"
        self._folder = folder
        self._words = [
            *tied_to_this_process(),
            *(program, "--port", str(self.port), "--bind", "127.0.0.1"),
            *("--save", "", "--appendonly", "no", "--requirepass", PASSWORD),
        ]
        self.start()

    def start(self) -> None:
        self._process = subprocess.Popen(
            self._words,
            cwd=self._folder,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
        )
        wait_until(self._answers)

    def stop(self) -> None:
        self._process.kill()
        self._process.wait()

    def client(self) -> redis.Redis:
        """A connection of the test's own, to look at what is kept."""
        return redis.Redis.from_url(self.url)

    def _answers(self) -> bool:
        try:
            with self.client() as client:
                return bool(client.ping())
        except redis.RedisError:
            return False
