"""A call as its evidence tells it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from ..evidence import Evidence
from ..protocols.address import Endpoint
from .findings.model import Finding
from .media.quality import Quality
from .sip.messages import Message
from .sip.outcome import Outcome
from .sip.parties import Party


@dataclass(slots=True)
class Call:
    """One call as its evidence tells it.

    :param method: the method of the first request; "" where there is none.
    :param first_ts: when the first item of the evidence was seen, ns since the epoch;
        None where there is nothing.
    :param caller_place: where the caller's side is on the network, and ``callee_place``
        the called side; None where it cannot be told.
    :param legs: what it is joined of, see :mod:`.joined`; empty otherwise.
    :param findings: what went wrong with it and why, the most telling first.
    :param quality: how well it was heard; of a joined call, its own leg.
    """

    evidence: Evidence
    messages: list[Message]
    outcome: Outcome
    caller: Party
    callee: Party
    method: str
    first_ts: int | None
    last_ts: int | None
    caller_place: Endpoint | None
    callee_place: Endpoint | None
    legs: list[Call] = field(default_factory=list)
    quality: Quality = field(default_factory=Quality)
    findings: list[Finding] = field(default_factory=list)
