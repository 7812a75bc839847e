"""Tells systemd how the service is (sd_notify(3)), where systemd has started it."""

from __future__ import annotations

import contextlib
import os
import socket


def notify(*assignments: str) -> None:
    """Say something like ``READY=1``; nothing happens without systemd."""
    path = os.environ.get("NOTIFY_SOCKET", "")
    if not path.startswith(("/", "@")):
        return
    # The collector works just as well when nobody listens.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker,
    ):
        speaker.connect(path.replace("@", "\0", 1))
        speaker.sendall("\n".join(assignments).encode())
