"""The findings of a call in its JSON document."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from ..findings.model import EvidenceReference
from ..findings.model import Finding
from ..words.findings import words_of


def findings_document(findings: Iterable[Finding]) -> list[dict[str, Any]]:
    """Each finding with its texts in the language in use, the first answering "why"."""
    return [_finding(finding) for finding in findings]


def _finding(finding: Finding) -> dict[str, Any]:
    words = words_of(finding)
    return {
        "id": finding.id,
        "severity": finding.severity,
        "certainty": finding.certainty,
        "title": words.title,
        "headline": words.headline,
        "explanation": words.explanation,
        "evidence": [
            _reference(reference, what)
            for reference, what in zip(finding.evidence, words.evidence, strict=True)
        ],
        "next": list(words.next),
        "standard": list(words.standard),
        "since_ts": finding.since_ts,
        "consequences": findings_document(finding.consequences),
    }


def _reference(reference: EvidenceReference, what: str) -> dict[str, Any]:
    return {
        "kind": reference.kind,
        "n": reference.n,
        "call_id": reference.call_id or None,
        "from_ts": reference.from_ts,
        "to_ts": reference.to_ts,
        "what": what,
    }
