"""What the call page shows, ready to be put into the template.

Every string here is safe to look at (see :mod:`.plain`) and gets escaped by the
template; what is markup already was made from escaped text.
"""

from __future__ import annotations

from dataclasses import dataclass
from dataclasses import field

from markupsafe import Markup

from .ladder_svg import LadderDrawing
from .moments import Moment


@dataclass(frozen=True, slots=True)
class PartyView:
    """One side of the call; what is not known is empty."""

    role: str
    number: str
    name: str
    agent: str
    address: str


@dataclass(frozen=True, slots=True)
class Figure:
    """One of the six figures under the headline.

    :param tone: ``good`` or ``bad`` where the figure is a verdict.
    """

    label: str
    value: str
    note: str = ""
    tone: str = ""


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the reader must know before trusting the page."""

    title: str
    items: list[str] = field(default_factory=list)
    advice: str = ""


@dataclass(frozen=True, slots=True)
class LegView:
    """Another Call-ID of the same call; ``url`` is empty where none can be made."""

    call_id: str
    why: str
    url: str


@dataclass(frozen=True, slots=True)
class Download:
    """A file that this call can be taken away as."""

    url: str
    name: str
    what: str


@dataclass(frozen=True, slots=True)
class Again:
    """Says of a retransmission the how manieth it is, and of which message."""

    count: str
    first: int


@dataclass(frozen=True, slots=True)
class BodyView:
    """A body, or the part of one that has several."""

    content_type: str
    size: str
    shown: Markup
    is_dump: bool


@dataclass(frozen=True, slots=True)
class LogView:
    """A log line.

    :param tone: ``error``, ``warning``, or ``info`` for anything less.
    :param nearest: the number of the message nearest in time; None without messages.
    """

    at: Moment
    since: str
    source: str
    level: str
    tone: str
    text: str
    nearest: int | None


@dataclass(frozen=True, slots=True)
class MessageView:
    """A message with everything there is to say about it.

    :param style: as the ladder's row: ``request``, ``provisional``, ``success`` or
        ``failure``.
    :param delta: since the message before; empty for the first.
    :param source: who sent it, by name or address; ``src`` is the address.
    :param detail: the ladder's few words on it.
    :param media: the SDP in short, a line a media stream.
    :param logs: the log lines that are nearer to this message than to any other.
    """

    n: int
    style: str
    label: str
    source: str
    target: str
    src: str
    dst: str
    transport: str
    size: str
    at: Moment
    since: str
    delta: str
    detail: str
    again: Again | None
    problem: str
    media: list[str]
    head: Markup
    bodies: list[BodyView]
    logs: list[LogView]
    logs_left_out: int


@dataclass(frozen=True, slots=True)
class ReportView:
    """What one RTCP packet says of one stream; figures not measured are a dash."""

    at: Moment
    kind: str
    ssrc: str
    loss: str
    lossy: bool
    lost: str
    jitter: str
    round_trip: str
    route: str
    note: str


@dataclass(frozen=True, slots=True)
class CallPage:
    """The page of a call: what ``sipvault/call.html`` is rendered with.

    :param ladder: None without messages.
    :param chosen: the number of the message to show first; 0 without messages.
    :param log_count: how many log lines there are, in words.
    """

    call_id: str
    customer_id: str
    valid_until: Moment
    headline: str
    parties: list[PartyView]
    started: Moment | None
    figures: list[Figure]
    notices: list[Notice]
    legs: list[LegView]
    ladder: LadderDrawing | None
    messages: list[MessageView]
    chosen: int
    rtcp: list[ReportView]
    logs: list[LogView]
    log_count: str
    sources: list[str]
    downloads: list[Download]
