"""What tests of rules tell again and again, in a few words."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from flask_sipvault.analysis.call import Call
from flask_sipvault.analysis.explain import explain
from flask_sipvault.analysis.findings.model import Finding
from flask_sipvault.analysis.words.findings import words_of
from flask_sipvault.evidence import Evidence

#: When a 2xx without an ACK, or a BYE without a response, is sent again over UDP, in
#: seconds since the first (RFC 3261 sections 13.3.1.4 and 17.1.2.2).
REPEATS = (0.5, 1.5, 3.5, 7.5, 11.5, 15.5, 19.5, 23.5, 27.5, 31.5)


def again(
    tell: Callable[..., Any], at: float, *what: Any, times: int = 10, **how: Any
) -> None:
    """A message, and how its sender repeats it in vain."""
    tell(at, *what, **how)
    for pause in REPEATS[:times]:
        tell(at + pause, *what, **how)


def ids(call: Call) -> list[str]:
    """What is said to be wrong with the call, the first answering "why"."""
    return [each.id for each in call.findings if each.severity != "info"]


def the(call: Call, name: str) -> Finding:
    """The finding of this id, which is said of the call once, and first. Its texts are
    complete.
    """
    found = [finding for finding in call.findings if finding.id == name]
    assert len(found) == 1, ids(call)
    assert call.findings[0] is found[0], ids(call)
    words = words_of(found[0])
    for text in (words.headline, words.explanation, *words.next, *words.evidence):
        assert text
        assert "{" not in text
    assert words.standard
    return found[0]


def numbers(finding: Finding) -> list[int]:
    """The messages that it refers to."""
    return [each.n for each in finding.evidence if each.kind == "message" and each.n]


def reshaped(shape: Callable[[Evidence], Evidence], evidence: Evidence) -> Call:
    """The call in another shape, explained."""
    return explain(shape(evidence))
