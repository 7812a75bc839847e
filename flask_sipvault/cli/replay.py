"""``flask sipvault replay``: send a recording again, for tests and demonstrations."""

from __future__ import annotations

import contextlib
import socket
import time
from pathlib import Path
from typing import NoReturn

import click

from ..collector.replay import Login
from ..collector.replay import play
from ..collector.replay import read_recording
from ..collector.replay import ReplayError
from ..config.converters import listen_address
from ..config.converters import ListenAddress
from ..config.settings import SettingsError
from ..protocols.agent import ACCEPTED
from ..protocols.agent import FrameError
from ..protocols.agent import FrameReader
from ..protocols.agent import HandshakeAck
from ..protocols.capture import CaptureError
from .common import choose_customer
from .common import Command
from .common import find_installation
from .common import say

#: How long to wait for the collector to answer, in seconds.
_PATIENCE = 15.0


def _address(
    ctx: click.Context, parameter: click.Parameter, value: str
) -> ListenAddress:
    try:
        address = listen_address("it", value)
    except SettingsError as error:
        raise click.BadParameter(str(error), ctx, parameter) from error
    if not address.host or not address.port:
        raise click.BadParameter(f"{value!r} names no host or no port.", ctx, parameter)
    return address


@click.command("replay", cls=Command)
@click.argument(
    "path",
    metavar="FILE",
    type=click.Path(exists=True, dir_okay=False, path_type=Path),
)
@click.option(
    "--to",
    "address",
    metavar="HOST:PORT",
    callback=_address,
    required=True,
    help="The collector. Nothing is sent to anyone else.",
)
@click.option(
    "--speed",
    metavar="N",
    type=click.FloatRange(min=0, min_open=True),
    default=1.0,
    help="How many times faster than it was recorded.  [default: 1]",
)
@click.option(
    "--customer",
    "customer_id",
    metavar="ID",
    help="For whom it is sent.  [default: as recorded; of a capture:"
    " SIPVAULT_CUSTOMER_ID]",
)
@click.option(
    "--token",
    metavar="TOKEN",
    help="The customer's token.  [default: the one in SIPVAULT_CUSTOMERS]",
)
@click.option(
    "--shift-to-now",
    is_flag=True,
    help="Move all times so that the recording begins now.",
)
def replay_command(
    path: Path,
    address: ListenAddress,
    speed: float,
    customer_id: str | None,
    token: str | None,
    shift_to_now: bool,
) -> None:
    """Send a recording to a collector, at the pace at which it was made.

    FILE is what an agent sent (.svwire), HEP3 as it went over TCP (.heptls), or a
    capture (pcap, pcapng), which is sent as an agent would.
    """
    with path.open("rb") as file:
        login = None
        if customer_id or token or not _says_for_whom(file.read(4)):
            login = _login(customer_id, token)
        file.seek(0)
        starting_at = time.time_ns() if shift_to_now else None
        try:
            with _connected(address) as collector:
                pieces = read_recording(file, login, starting_at=starting_at)
                count = play(
                    pieces, collector.sendall, _Greeter(collector), speed=speed
                )
                _wait_until_read(collector)
        except (CaptureError, ReplayError) as error:
            raise click.ClickException(f"{path.name}: {error}") from error
        except OSError as error:
            _fail_to_send(error)
    say(f"{count} frames sent.")


def _says_for_whom(beginning: bytes) -> bool:
    """Whether recordings that begin so hold a login."""
    return beginning == b"HEP3" or beginning.startswith(b"SV")


def _login(customer_id: str | None, token: str | None) -> Login:
    if customer_id and token:
        return Login(customer_id, token)
    installation = find_installation(need_secret=False)
    customer = installation.customer(choose_customer(installation, customer_id))
    if token is None and not customer.tokens:
        raise click.UsageError(
            f"SIPVAULT_CUSTOMERS gives {customer.id} no token: add --token."
        )
    return Login(customer.id, token or customer.tokens[0])


def _connected(address: ListenAddress) -> socket.socket:
    collector = socket.create_connection(address, timeout=_PATIENCE)
    # However long it pauses, while the collector's spool is full.
    collector.settimeout(None)
    return collector


class _Greeter:
    """Sends a handshake, and fails if it is refused."""

    def __init__(self, collector: socket.socket) -> None:
        self._collector = collector

    def __call__(self, handshake: bytes) -> None:
        self._collector.sendall(handshake)
        self._collector.settimeout(_PATIENCE)
        reader = FrameReader()
        while data := self._collector.recv(4096):
            try:
                answer = next(iter(reader.feed(data)), None)
            except FrameError:
                break
            if isinstance(answer, HandshakeAck) and answer.status == ACCEPTED:
                self._collector.settimeout(None)
                return
            if answer is not None:
                break
        raise click.ClickException(
            "the collector refuses: see --customer and --token, and its log"
        )


def _wait_until_read(collector: socket.socket) -> None:
    """Until the collector has closed its side too. Closing with an answer unread would
    throw away what is on the way.
    """
    collector.shutdown(socket.SHUT_WR)
    collector.settimeout(_PATIENCE)
    with contextlib.suppress(OSError):
        while collector.recv(4096):
            pass


def _fail_to_send(error: OSError) -> NoReturn:
    reason = error.strerror or str(error)
    raise click.ClickException(f"cannot send it to the collector: {reason}") from error
