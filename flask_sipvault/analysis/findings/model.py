"""A finding: what is said of a call, with the evidence that it rests on.

Findings carry codes and parameters. :mod:`flask_sipvault.analysis.words.findings` makes
sentences of them, in the reader's language, with the texts that stand beside each rule.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from dataclasses import field
from typing import Literal
from typing import TypeAlias

from ...protocols.address import Endpoint
from ..sip.reasons import Reason

#: ``error``: something is broken and somebody can mend it. ``warning``: the call
#: succeeded but suffered, or somebody should look. ``info``: nothing is wrong.
Severity = Literal["error", "warning", "info"]

#: ``certain``: the captured bytes show it. ``likely``: it is the usual cause of what
#: they show.
Certainty = Literal["certain", "likely"]

#: What evidence is: a SIP message, an RTCP datagram, a log line, an RTP stream (each by
#: its number in ``call.json``, from 1), or a span of time.
EvidenceKind = Literal["message", "rtcp", "log", "stream", "span"]

#: What a refusal says: texts off the wire, and Reasons, which words are found for in
#: the reader's language.
Statements: TypeAlias = tuple[str | Reason, ...]

#: A value for a placeholder of a text. Names that end in ``_ms`` are durations in
#: milliseconds; text may have come off the wire.
Value: TypeAlias = str | int | float | Endpoint | Statements


@dataclass(frozen=True, slots=True)
class EvidenceReference:
    """One piece of evidence.

    :param n: its number in ``call.json``, from 1; None for a span.
    :param what: what it shows: a text of the catalogue of translations, whose
        placeholders are the finding's parameters; "" where the headline says it all.
    :param call_id: of the leg that it is in; "" for the call itself.
    :param from_ts: where it begins, and ``to_ts`` where it ends, in ns since the epoch.
    """

    kind: EvidenceKind
    n: int | None = None
    what: str = ""
    call_id: str = ""
    from_ts: int | None = None
    to_ts: int | None = None


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing that is said of a call.

    :param id: the rule's, stable and documented.
    :param variant: which of the rule's texts say it.
    :param parameters: for the placeholders of these texts.
    :param since_ts: when it began to matter, in ns since the epoch.
    :param consequences: findings that this one explains, which are not said beside it.
    """

    id: str
    severity: Severity
    certainty: Certainty = "certain"
    variant: str = ""
    parameters: Mapping[str, Value] = field(default_factory=dict)
    evidence: tuple[EvidenceReference, ...] = ()
    since_ts: int | None = None
    consequences: tuple[Finding, ...] = ()
