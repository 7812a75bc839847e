"""What the collector and systemd tell and hand each other: how the service is
(sd_notify(3)), and open files that shall outlive the process (sd_listen_fds(3)).
"""

from __future__ import annotations

import contextlib
import os
import socket
from collections.abc import Sequence

#: The first descriptor that systemd passes on (``SD_LISTEN_FDS_START``).
_FIRST = 3

#: How long systemd may take to read what it is told, in seconds. It reads at once;
#: should it not, agents matter more.
_PATIENCE = 1.0


def listens() -> bool:
    """Whether systemd has started this, and wants to be told."""
    return os.environ.get("NOTIFY_SOCKET", "").startswith(("/", "@"))


def notify(*assignments: str, descriptors: Sequence[int] = ()) -> bool:
    """Say something like ``READY=1``; nothing happens without systemd.

    :param descriptors: open files to send along.
    :returns: whether it was sent.
    """
    if not listens():
        return False
    path = os.environ["NOTIFY_SOCKET"].replace("@", "\0", 1)
    message = "\n".join(assignments).encode()
    # The collector works just as well when nobody listens.
    with (
        contextlib.suppress(OSError),
        socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as speaker,
    ):
        speaker.settimeout(_PATIENCE)
        speaker.connect(path)
        if descriptors:
            socket.send_fds(speaker, [message], descriptors)
        else:
            speaker.sendall(message)
        return True
    return False


def passed_on() -> list[tuple[str, int]]:
    """The open files that systemd has passed on to this process, each with its name.
    They are given once, and to no child of this process.
    """
    for_us = os.environ.pop("LISTEN_PID", "") == str(os.getpid())
    count = os.environ.pop("LISTEN_FDS", "")
    names = os.environ.pop("LISTEN_FDNAMES", "").split(":")
    if not for_us or not count.isdecimal():
        return []
    found = []
    for at in range(int(count)):
        descriptor = _FIRST + at
        os.set_inheritable(descriptor, False)
        found.append((names[at] if at < len(names) else "", descriptor))
    return found
