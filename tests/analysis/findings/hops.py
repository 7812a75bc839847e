"""Calls over several hops, in a few words: what is sent on carries one Via more."""

from __future__ import annotations

from typing import Any

from flask_sipvault.analysis.explain import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.model import Finding

#: When an INVITE is sent again over UDP (RFC 3261 section 17.1.1.2), in seconds.
REPEATED = (0.5, 1.5, 3.5, 7.5, 15.5, 31.5)


def via(*branches: str) -> tuple[str, ...]:
    """The Vias below the topmost."""
    return tuple(f"Via: SIP/2.0/UDP 198.51.100.23;branch={b}" for b in branches)


def unanswered(story: Any, at: float, way: str, times: int = 7, **more: Any) -> None:
    """An INVITE that is sent again and again."""
    for after in (0, *REPEATED)[:times]:
        story.invite(at + after, way, **more)


def findings(story: Any) -> list[Finding]:
    return explain(story.evidence).findings


def ids(call: Any) -> list[str]:
    found = call.findings if isinstance(call, Call) else findings(call)
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
