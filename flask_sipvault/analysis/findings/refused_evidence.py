"""The evidence of a refused request: the refusal, what was asked, what followed."""

from __future__ import annotations

from collections.abc import Iterator

from ...language import N_
from .model import EvidenceReference
from .references import message
from .refusals import Refusal
from .session_changes import RefusedChange


def of_refusal(refusal: Refusal, asked: str = "") -> Iterator[EvidenceReference]:
    """:param asked: what the request shows, a marked text."""
    yield message(refusal.response, N_("refused with {code}"))
    yield message(refusal.request, asked or N_("what was refused"))


def of_change(change: RefusedChange, asked: str = "") -> Iterator[EvidenceReference]:
    """The same of a re-INVITE or UPDATE, with the hang-up that followed at once."""
    yield from of_refusal(change.refusal, asked)
    if change.hung_up is not None:
        yield message(change.hung_up, N_("the call is hung up at once"))
