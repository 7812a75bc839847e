"""Findings as sentences, in the language in use."""

from __future__ import annotations

from collections.abc import Collection
from collections.abc import Iterator
from collections.abc import Mapping
from dataclasses import dataclass

from ...language import _
from ...language import N_
from ...protocols.address import Endpoint
from ..call import Call
from ..findings.model import Finding
from ..findings.model import Value
from ..findings.registry import rules_by_id
from ..findings.rule import Rule
from ..sip.hosts import place_name
from .reasons import reason_sentence
from .text import duration
from .text import quoted


@dataclass(frozen=True, slots=True)
class FindingWords:
    """What a finding says to the reader.

    :param evidence: what each piece of evidence shows, in the order of
        :attr:`~flask_sipvault.analysis.findings.model.Finding.evidence`.
    """

    title: str
    headline: str
    explanation: str
    next: tuple[str, ...]
    evidence: tuple[str, ...]
    standard: tuple[str, ...]


def words_of(finding: Finding, rules: Mapping[str, Rule] | None = None) -> FindingWords:
    """The finding in the language in use; text from the wire in it is printable."""
    rule = (rules_by_id() if rules is None else rules)[finding.id]
    texts = rule.texts[finding.variant]
    values = {name: _written(name, v) for name, v in finding.parameters.items()}

    def say(text: str) -> str:
        return _(text).format_map(values) if text else ""

    return FindingWords(
        title=_(rule.catalogue.title),
        headline=say(texts.headline),
        explanation=say(texts.explanation),
        next=tuple(say(text) for text in texts.next),
        evidence=tuple(say(each.what) for each in finding.evidence),
        standard=rule.standard,
    )


#: What the capture of a call may lack, in a few words.
_NOT_VISIBLE: dict[str, str] = {
    "one-direction": N_("what one side sent"),
    "began-late": N_("how the call began"),
    "ended-early": N_("how it ended"),
    "messages-missing": N_("some messages"),
    "frames-cut": N_("what was cut off the packets"),
    "fragments-missing": N_("fragments that are missing"),
    "no-media-captured": N_("the audio"),
    "encrypted": N_("what was encrypted"),
}


def nothing_found(call: Call) -> str:
    """What is said of a call without a problem: what was looked at, and what the
    capture does not show.
    """
    if not call.messages:
        return ""
    seen = [_("signalling")]
    heard = {each.direction for each in call.media.streams_of("audio")} - {None}
    if heard:
        seen.append(_("audio both ways") if len(heard) > 1 else _("audio one way"))
    kinds = dict.fromkeys(limit.kind for limit in call.visibility.limits)
    hidden = [_(_NOT_VISIBLE[kind]) for kind in kinds if kind in _NOT_VISIBLE]
    said = _("No problems found: {seen}.").format(seen=", ".join(seen))
    if not hidden:
        return said
    left = _("Not visible in this capture: {hidden}.").format(hidden=", ".join(hidden))
    return f"{said} {left}"


def findings_lines(findings: Collection[Finding]) -> Iterator[str]:
    """For a terminal: each finding, why, where it shows and what to check."""
    for finding in findings:
        words = words_of(finding)
        yield f"{finding.severity.upper()}: {words.headline} [{finding.id}]"
        yield f"  {words.explanation}"
        shown = [str(e.n) for e in finding.evidence if e.kind == "message" and e.n]
        if shown:
            yield "  " + _("Messages: {numbers}").format(numbers=", ".join(shown))
        for text in words.next:
            yield f"  - {text}"
    if findings:
        yield ""


def _written(name: str, value: Value) -> str | int | float:
    """A parameter as it stands in a sentence."""
    if isinstance(value, int | float):
        return duration(value) if name.endswith("_ms") else value
    if isinstance(value, Endpoint):
        return place_name(value)
    if isinstance(value, str):
        return quoted(value)
    said = [each if isinstance(each, str) else reason_sentence(each) for each in value]
    return "; ".join(quoted(each) for each in said)
