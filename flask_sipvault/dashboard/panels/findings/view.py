"""The findings as the call page shows them, worst first, with links to the evidence."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import groupby

from flask import url_for

from ....analysis.explain import Call
from ....analysis.findings.model import EvidenceReference
from ....analysis.findings.model import Finding
from ....analysis.findings.model import Severity
from ....analysis.words.findings import nothing_found
from ....analysis.words.findings import words_of
from ....language import _
from ....language import N_
from ....sanitize import on_one_line
from ... import formatting

#: So many findings are in view; the rest is folded.
SHOWN = 3

#: More pieces of evidence than this of one finding are counted, not listed.
_EVIDENCE_SHOWN = 20

_SEVERITIES: dict[Severity, str] = {
    "error": N_("Error"),
    "warning": N_("Warning"),
    "info": N_("Note"),
}
_TONES: dict[Severity, str] = {"error": "bad", "warning": "poor", "info": "info"}


@dataclass(frozen=True, slots=True)
class EvidenceView:
    """A piece of evidence as a link to it.

    :param label: ``message 4``, ``RTCP report 12``.
    :param href: where it is on the page; "" where the page cannot go there.
    :param ms: when it was, in ms since the first message; None where no time is known.
    :param end_ms: when it ended, of a span.
    :param n: the message's number; None for anything else.
    :param line: the log line's number; None for anything else.
    """

    label: str
    what: str
    href: str
    ms: str | None
    end_ms: str | None
    n: int | None
    line: int | None


@dataclass(frozen=True, slots=True)
class EvidenceGroup:
    """Pieces of evidence in a row that show the same.

    :param what: what they show; "" where the headline says it.
    """

    links: list[EvidenceView]
    what: str


@dataclass(frozen=True, slots=True)
class FindingView:
    """A finding.

    :param tone: ``bad``, ``poor`` or ``info``.
    :param severity: a word for the tone.
    :param certainty: what to say where it is not certain; "" otherwise.
    :param consequences: headlines of findings that this one explains.
    :param entry_url: its entry of the catalogue.
    """

    id: str
    tone: str
    severity: str
    certainty: str
    headline: str
    explanation: str
    evidence: list[EvidenceGroup]
    left_out: int
    next: list[str]
    standard: str
    consequences: list[str]
    entry_url: str


@dataclass(frozen=True, slots=True)
class FindingsView:
    """The findings: ``sipvault/_findings.html``.

    :param shown: those in view; ``folded``: the others.
    :param nothing: what to say where none is a problem; "" otherwise.
    """

    shown: list[FindingView]
    folded: list[FindingView]
    nothing: str


def findings_view(call: Call, start: int) -> FindingsView:
    """The findings of a call.

    :param start: when the call's first message was seen, in ns since the epoch.
    """
    views = [_finding(call, finding, start) for finding in call.findings]
    wrong = any(each.severity != "info" for each in call.findings)
    nothing = "" if wrong else nothing_found(call)
    return FindingsView(views[:SHOWN], views[SHOWN:], on_one_line(nothing))


def _finding(call: Call, finding: Finding, start: int) -> FindingView:
    words = words_of(finding)
    evidence = [
        _evidence(call, reference, what, start)
        for reference, what in zip(finding.evidence, words.evidence, strict=True)
    ]
    return FindingView(
        id=finding.id,
        tone=_TONES[finding.severity],
        severity=_(_SEVERITIES[finding.severity]),
        certainty=_("likely") if finding.certainty == "likely" else "",
        headline=on_one_line(words.headline),
        explanation=on_one_line(words.explanation),
        evidence=_grouped(evidence[:_EVIDENCE_SHOWN]),
        left_out=max(0, len(evidence) - _EVIDENCE_SHOWN),
        next=[on_one_line(text) for text in words.next],
        standard=", ".join(words.standard),
        consequences=[
            on_one_line(words_of(each).headline) for each in finding.consequences
        ],
        entry_url=url_for(".catalogue_entry", name=finding.id),
    )


def _grouped(evidence: list[EvidenceView]) -> list[EvidenceGroup]:
    return [
        EvidenceGroup(list(links), what)
        for what, links in groupby(evidence, key=lambda each: each.what)
    ]


def _evidence(
    call: Call, reference: EvidenceReference, what: str, start: int
) -> EvidenceView:
    ts = time_of(call, reference)
    return EvidenceView(
        label=_label(reference, start),
        what=on_one_line(what),
        href=_href(reference),
        ms=_ms(ts, start),
        end_ms=_ms(reference.to_ts, start),
        n=reference.n if reference.kind == "message" else None,
        line=reference.n if reference.kind == "log" else None,
    )


def _label(reference: EvidenceReference, start: int) -> str:
    n = reference.n
    if reference.kind == "message":
        return _("message {n}").format(n=n)
    if reference.kind == "rtcp":
        return _("RTCP report {n}").format(n=n)
    if reference.kind == "log":
        return _("log line {n}").format(n=n)
    if reference.kind == "stream":
        return _("RTP stream {n}").format(n=n)
    return "\N{EN DASH}".join(
        formatting.since(ts - start)
        for ts in (reference.from_ts, reference.to_ts)
        if ts is not None
    )


#: Where a piece of evidence is on the page, by its kind. The RTCP reports and the
#: streams are reached by their time, with a script.
_ANCHORS = {
    "message": "#m{n}",
    "log": "#l{n}",
    "rtcp": "#rtcp",
    "stream": "#audio",
    "span": "#axis",
}


def _href(reference: EvidenceReference) -> str:
    return _ANCHORS[reference.kind].format(n=reference.n)


def time_of(call: Call, reference: EvidenceReference) -> int | None:
    """When a piece of evidence was, in ns since the epoch; None without a time."""
    if reference.from_ts is not None:
        return reference.from_ts
    place = (reference.n or 0) - 1
    evidence = call.evidence
    if reference.kind == "message" and 0 <= place < len(call.messages):
        return call.messages[place].ts
    if reference.kind == "rtcp" and 0 <= place < len(evidence.rtcp):
        return evidence.rtcp[place].ts
    if reference.kind == "log" and 0 <= place < len(evidence.logs):
        return evidence.logs[place].ts
    return None


def _ms(ts: int | None, start: int) -> str | None:
    return None if ts is None else f"{(ts - start) / 1e6:.3f}"
