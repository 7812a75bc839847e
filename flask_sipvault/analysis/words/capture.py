"""What the network refused, and what a capture lacks, in words."""

from __future__ import annotations

from collections.abc import Iterator

from ...evidence import CaptureFacts
from ...evidence import NetworkEvent
from ...language import _
from ...language import N_
from ...language import ngettext
from ...protocols.network_error import ErrorKind
from .text import duration

_NETWORK: dict[ErrorKind, str] = {
    "net-unreachable": N_("network unreachable"),
    "host-unreachable": N_("host unreachable"),
    "protocol-unreachable": N_("protocol unreachable"),
    "port-unreachable": N_("port unreachable"),
    "prohibited": N_("prohibited by a filter"),
    "too-big": N_("too big, and not to be fragmented"),
    "ttl-exceeded": N_("time to live exceeded"),
    "reassembly-timeout": N_("fragments did not all arrive"),
    "unreachable": N_("unreachable"),
    "reset": N_("connection reset"),
    "unanswered": N_("connection request unanswered"),
}


def network_line(event: NetworkEvent, began: int | None) -> str:
    """What an ICMP error or a TCP reset says, in one line.

    :param began: when the call began, in ns since the epoch.
    """
    error = event.error
    what = _(_NETWORK[error.kind])
    if error.mtu is not None:
        what = _("{what} (MTU {mtu})").format(what=what, mtu=error.mtu)
    return _("{time}: {source} says: {what}, of {transport} {src} → {dst}").format(
        time=duration((event.ts - (began or event.ts)) / 1e6),
        source=error.src.ip,
        what=what,
        transport=error.transport.upper(),
        src=error.lost_src,
        dst=error.lost_dst,
    )


def capture_lines(facts: CaptureFacts) -> Iterator[str]:
    """What the capture of a call lacks or has too much of, a line each."""
    if facts.frames_cut:
        yield ngettext(
            "{count} packet was cut off at {size} bytes when it was captured;"
            " capture with -s 0.",
            "{count} packets were cut off at {size} bytes when they were captured;"
            " capture with -s 0.",
            facts.frames_cut,
        ).format(count=facts.frames_cut, size=facts.cut_at)
    if facts.fragments_missing:
        yield ngettext(
            "{count} IP fragment of a message is missing.",
            "{count} IP fragments of messages are missing.",
            facts.fragments_missing,
        ).format(count=facts.fragments_missing)
    if facts.duplicates:
        yield ngettext(
            "{count} packet was captured twice; the copy is left out.",
            "{count} packets were captured twice; the copies are left out.",
            facts.duplicates,
        ).format(count=facts.duplicates)
    if facts.clock_steps:
        yield ngettext(
            "The capture's clock was set back once during the call.",
            "The capture's clock was set back {count} times during the call.",
            facts.clock_steps,
        ).format(count=facts.clock_steps)
    if facts.network_left_out:
        yield ngettext(
            "{count} more error of the network was counted and not kept.",
            "{count} more errors of the network were counted and not kept.",
            facts.network_left_out,
        ).format(count=facts.network_left_out)
