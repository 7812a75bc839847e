"""A restart that hangs up on nobody: sockets go from one process to the next.

Agents connect once and do not come back. So the new process asks the old one at a Unix
socket in the spool's folder. The old one reads no more, puts everything in the spool,
lets go of that, and sends its sockets, each with what there is to know of it
(SCM_RIGHTS, see unix(7)). Only when the new one has opened the spool and said so, and
the old one has answered, is the change done: until then the old one can go on as if
nothing had been, should the other fail.
"""

from __future__ import annotations

import base64
import contextlib
import json
import os
import socket
import struct
from collections.abc import Iterable
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

#: How long one side waits for the other where that has little to do, in seconds.
_PATIENCE = 10.0

#: How long the old process may take to put everything in the spool, and the new one to
#: read it, in seconds.
LONG_PATIENCE = 60.0

_HELLO = b"sipvault takeover 1\n"
_TAKEN, _GO = b"T", b"G"
_length = struct.Struct("!I")
#: One frame, in base64, and some facts.
_LONGEST = 2 << 20


class TakeoverError(Exception):
    """The other process did not play its part; nothing has changed hands."""


@dataclass(frozen=True)
class TransferredSocket:
    """A socket that changes hands.

    :param handle: of our own, beside whatever else has the socket open.
    :param kind: ``tcp`` and ``udp`` listen, ``connection`` is one.
    :param facts: what there is to know of it, as JSON can say it.
    :param pending: the beginning of a frame that was read from it.
    """

    kind: str
    handle: socket.socket
    facts: dict[str, Any]
    pending: bytes = b""


def open_door(spool: Path) -> socket.socket:
    """Listen for a successor. The caller must have the spool: whatever is left at that
    place then is a dead process's.

    :raises TakeoverError: if that is not possible.
    """
    path = spool / "takeover"
    door = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with contextlib.suppress(FileNotFoundError):
            path.unlink()
        with _address(spool) as address:
            door.bind(address)
        path.chmod(0o600)
        door.listen(1)
        door.setblocking(False)
    except OSError as error:
        door.close()
        raise TakeoverError(f"cannot listen at {path}: {error.strerror}") from error
    return door


def answer_door(door: socket.socket) -> socket.socket | None:
    """The successor that knocks; None if it is none."""
    try:
        peer, _ = door.accept()
    except OSError:
        return None
    try:
        peer.settimeout(1.0)
        if _is_ours(peer) and _receive(peer, len(_HELLO)) == _HELLO:
            peer.settimeout(_PATIENCE)
            return peer
    except (OSError, TakeoverError):
        pass
    peer.close()
    return None


def hand_over(peer: socket.socket, sockets: Iterable[TransferredSocket]) -> None:
    """Send everything to the successor, and wait until it has all.

    :raises TakeoverError: if it has not; then nothing has changed hands.
    """
    try:
        for handed in sockets:
            facts = {
                "kind": handed.kind,
                "facts": handed.facts,
                "pending": base64.b64encode(handed.pending).decode(),
            }
            body = json.dumps(facts).encode()
            head = _length.pack(len(body))
            socket.send_fds(peer, [head], [handed.handle.fileno()])
            peer.sendall(body)
        peer.sendall(_length.pack(0))
        peer.settimeout(LONG_PATIENCE)
        if _receive(peer, 1) != _TAKEN:
            raise TakeoverError("the successor gave up")
        peer.sendall(_GO)
    except OSError as error:
        raise TakeoverError(f"the successor is gone ({error})") from error
    finally:
        peer.close()


class Inheritance:
    """What a predecessor hands over.

    :param peer: its end of the Unix socket.
    :raises TakeoverError: if it breaks off.
    """

    def __init__(self, peer: socket.socket) -> None:
        self.sockets: list[TransferredSocket] = []
        self._peer = peer
        try:
            peer.settimeout(LONG_PATIENCE)
            peer.sendall(_HELLO)
            while (handed := _receive_one(peer)) is not None:
                self.sockets.append(handed)
        except (OSError, TakeoverError) as error:
            self.give_back()
            raise TakeoverError(f"the running collector broke off ({error})") from error

    def take(self) -> None:
        """From here on it is ours.

        :raises TakeoverError: if the other has changed its mind.
        """
        try:
            self._peer.sendall(_TAKEN)
            if _receive(self._peer, 1) != _GO:
                raise TakeoverError("the running collector goes on itself")
        except (OSError, TakeoverError) as error:
            self.give_back()
            raise TakeoverError(f"the running collector broke off ({error})") from error
        self._peer.close()

    def give_back(self) -> None:
        """Let the other go on: we cannot."""
        self._peer.close()
        for handed in self.sockets:
            handed.handle.close()
        self.sockets = []


def knock(spool: Path) -> Inheritance | None:
    """Ask the running collector for its sockets; None if there is none.

    :raises TakeoverError: if it does not hand them over.
    """
    peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
    try:
        with _address(spool) as address:
            peer.connect(address)
    except (FileNotFoundError, ConnectionRefusedError):
        peer.close()
        return None
    except OSError as error:
        peer.close()
        reason = error.strerror or str(error)
        raise TakeoverError(f"cannot reach the running collector: {reason}") from error
    return Inheritance(peer)


@contextlib.contextmanager
def _address(spool: Path) -> Iterator[str]:
    """The door's, for bind and connect. It may have 107 bytes (unix(7)), which folders
    easily exceed; by way of a descriptor any folder's is short, where Linux runs.
    """
    if not Path("/proc/self/fd").is_dir():
        yield str(spool / "takeover")
        return
    descriptor = os.open(spool, os.O_RDONLY | os.O_DIRECTORY)
    try:
        yield f"/proc/self/fd/{descriptor}/takeover"
    finally:
        os.close(descriptor)


def _receive_one(peer: socket.socket) -> TransferredSocket | None:
    head, handles, _, _ = socket.recv_fds(peer, _length.size, 1)
    if handles:
        handle = socket.socket(fileno=handles[0])
        handle.setblocking(False)
    try:
        head += _receive(peer, _length.size - len(head))
        (size,) = _length.unpack(head)
        if size == 0:
            return None
        if size > _LONGEST:
            raise TakeoverError("what it says is too long")
        said = json.loads(_receive(peer, size))
        return TransferredSocket(
            said["kind"], handle, said["facts"], base64.b64decode(said["pending"])
        )
    except BaseException:
        if handles:
            handle.close()
        raise


def _receive(peer: socket.socket, size: int) -> bytes:
    """Exactly so many bytes."""
    received = b""
    while len(received) < size:
        more = peer.recv(size - len(received))
        if not more:
            raise TakeoverError("it has hung up")
        received += more
    return received


def _is_ours(peer: socket.socket) -> bool:
    """Whether the same user runs the other process, where the system tells."""
    option = getattr(socket, "SO_PEERCRED", None)
    if option is None:
        return True
    _, user, _ = struct.unpack("3i", peer.getsockopt(socket.SOL_SOCKET, option, 12))
    return bool(user == os.geteuid())
