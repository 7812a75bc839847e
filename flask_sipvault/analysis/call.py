"""A call as its evidence tells it."""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from ..evidence import Evidence
from ..protocols.address import Endpoint
from .events import Event
from .findings.model import Finding
from .media.model import Media
from .media.negotiation import main_of
from .media.negotiation import Negotiation
from .media.quality import Quality
from .sip.dialogs import Dialog
from .sip.hops import Hop
from .sip.identity import Identity
from .sip.messages import Message
from .sip.outcome import Ending
from .sip.outcome import Outcome
from .sip.partial_call import PartialCall
from .sip.parties import Party
from .sip.refusal import Refusal
from .sip.setup import CallSetup
from .sip.transactions import Transaction
from .visibility import Visibility


@dataclass(slots=True)
class Call:
    """One call as its evidence tells it.

    :param method: the method of the first request; "" where there is none.
    :param first_ts: when the first item of the evidence was seen, ns since the epoch;
        None where there is nothing.
    :param caller_place: where the caller's side is on the network, and ``callee_place``
        the called side; None where it cannot be told.
    :param setup: the INVITEs that set it up and what they met; None where nothing of
        that was captured. ``ending``: who hung up or withdrew it.
    :param partial: what there is of a call whose setup was not captured.
    :param early_media: whether media came before the call was answered or refused; None
        where none was promised, or nothing could show it.
    :param refusal: how it was refused; None where it was not.
    :param transactions: its requests, hop by hop, see :mod:`.sip.transactions`.
    :param dialogs: see :mod:`.sip.dialogs`; several of a fork.
    :param negotiations: offers and answers, dialog by dialog and hop by hop, see
        :mod:`.media.negotiation`.
    :param identities: who vouches for the caller (STIR), see :mod:`.sip.identity`.
    :param events: holds, transfers, codec changes, digits, …, see :mod:`.events`.
    :param hops: the requests that set it up, hop by hop, see :mod:`.sip.hops`.
    :param media: its streams, and each direction of speech over time, see
        :mod:`.media.model`.
    :param visibility: what the capture can show, see :mod:`.visibility`.
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
    setup: CallSetup | None = None
    ending: Ending | None = None
    partial: PartialCall | None = None
    early_media: bool | None = None
    refusal: Refusal | None = None
    transactions: list[Transaction] = field(default_factory=list)
    dialogs: list[Dialog] = field(default_factory=list)
    negotiations: list[Negotiation] = field(default_factory=list)
    identities: list[Identity] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    hops: list[Hop] = field(default_factory=list)
    media: Media = field(default_factory=Media)
    visibility: Visibility = field(default_factory=Visibility)
    legs: list[Call] = field(default_factory=list)
    quality: Quality = field(default_factory=Quality)
    findings: list[Finding] = field(default_factory=list)

    @property
    def negotiation(self) -> Negotiation | None:
        """What the two sides agreed on, which page, JSON, ladder and audio tell: in the
        dialog that was answered, as the caller saw it; of joined legs, in the first.
        """
        return main_of(self.negotiations)

    @property
    def dialog(self) -> Dialog | None:
        """The dialog of the conversation; of an unanswered call the first early one."""
        main = self.negotiation
        if main is not None and main.dialog is not None:
            return main.dialog
        return next(iter(self.dialogs), None)

    @property
    def began(self) -> int | None:
        """When the earliest message was stamped, in ns since the epoch; None without
        messages. It need not be the first: see :mod:`.sip.order`.
        """
        return min((message.ts for message in self.messages), default=None)
