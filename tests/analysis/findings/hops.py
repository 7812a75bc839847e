"""Calls over several hops, in a few words: what is sent on carries one Via more."""

from __future__ import annotations

from dataclasses import replace
from typing import Any
from typing import get_args

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.model import Finding
from flask_sipvault.analysis.visibility import LimitKind
from flask_sipvault.evidence import NetworkEvent
from flask_sipvault.protocols.address import Endpoint
from flask_sipvault.protocols.network_error import build
from flask_sipvault.protocols.network_error import ErrorKind
from flask_sipvault.protocols.network_error import NetworkError

from ..conftest import NOON

#: When an INVITE is sent again over UDP (RFC 3261 section 17.1.1.2), in seconds.
REPEATED = (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)


def via(*branches: str) -> tuple[str, ...]:
    """The Vias below the topmost."""
    return tuple(f"Via: SIP/2.0/UDP 198.51.100.23;branch={b}" for b in branches)


def unanswered(story: Any, at: float, way: str, times: int = 7, **more: Any) -> None:
    """An INVITE that is sent again and again."""
    for after in (0, *REPEATED)[:times]:
        story.invite(at + after, way, **more)


def without_limits(call: Call) -> list[Finding]:
    """The findings, without those of what the capture does not show."""
    return [each for each in call.findings if each.id not in get_args(LimitKind)]


def findings(story: Any) -> list[Finding]:
    return without_limits(explain(story.evidence))


def ids(call: Any) -> list[str]:
    found = without_limits(call) if isinstance(call, Call) else findings(call)
    return [each.id for each in found]


def only(story: Any, wanted: str) -> Finding:
    """The finding of this id; it has to come first."""
    found = findings(story)
    assert [each.id for each in found][:1] == [wanted]
    return found[0]


def alarms(story: Any) -> list[str]:
    return [each.id for each in findings(story) if each.severity != "info"]


def shown(finding: Finding) -> set[int | None]:
    """The numbers of the messages that it names."""
    return {each.n for each in finding.evidence if each.kind == "message"}


_ICMP: dict[ErrorKind, tuple[int, int]] = {
    "net-unreachable": (3, 0),
    "host-unreachable": (3, 1),
    "port-unreachable": (3, 3),
    "too-big": (3, 4),
    "prohibited": (3, 13),
    "ttl-exceeded": (11, 0),
    "reassembly-timeout": (11, 1),
}


def icmp(
    story: Any, at: float, way: str, kind: ErrorKind, by: str = "", **more: Any
) -> None:
    """What the network says of a packet that went this way."""
    src, dst = (story.hosts[name] for name in way.split(" > "))
    teller = Endpoint(story.hosts[by].ip if by else dst.ip, 0)
    there = Endpoint(src.ip, 0)
    code = _ICMP[kind]
    error = NetworkError(kind, teller, there, code, None, "udp", src, dst, 500)
    _add(story, at, error, **more)


def reset(story: Any, at: float, way: str) -> None:
    """A TCP connection this way is refused."""
    src, dst = (story.hosts[name] for name in way.split(" > "))
    src = src._replace(port=40_000)
    _add(story, at, NetworkError("reset", dst, src, None, None, "tcp", src, dst))


def _add(story: Any, at: float, error: NetworkError, **more: Any) -> None:
    error = replace(error, **more)
    event = NetworkEvent(NOON + round(at * 1e9), build(error), error)
    story.evidence.network.append(event)
